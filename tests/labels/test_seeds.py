"""Seed labels: so many of each class, each row once, the same for the same seed."""

import random
from datetime import UTC, datetime, timedelta
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from selflabel.labels import seeds, table
from selflabel.labels.answers import Answer, Decision
from selflabel.labels.pool_index import PoolIndex
from selflabel.labels.seeds import count, draw_more_rows, draw_seed_rows

CLASSES = ("a", "b", "c")


def draw(true_labels, percentage=50.0, seed=0, classes=CLASSES):
    return draw_seed_rows(np.asarray(true_labels), percentage=percentage, seed=seed, classes=classes)


@given(
    counts=st.lists(st.integers(1, 30), min_size=3, max_size=3),
    percentage=st.sampled_from([60, 75.5, 90, 100]),
    seed=st.integers(0, 2**32 - 1),
)
def test_each_class_gives_its_percentage_of_distinct_rows_in_ascending_order(counts, percentage, seed):
    labels = np.random.default_rng(seed).permutation(np.repeat([0, 1, 2], counts))
    rows = draw(labels, percentage, seed)
    assert rows.dtype == np.int64
    assert np.all(np.diff(rows) > 0)
    expected = [round(Fraction(count) * Fraction(percentage) / 100) for count in counts]
    np.testing.assert_array_equal(np.bincount(labels[rows], minlength=3), expected)


@pytest.mark.parametrize(("n_rows", "percentage", "n_drawn"), [(3, 50, 2), (5, 50, 2), (7, 50, 4), (375, 4.4, 16)])
def test_a_half_is_rounded_to_the_even_count(n_rows, percentage, n_drawn):
    assert len(draw([0] * n_rows, percentage, classes=("a",))) == n_drawn


def test_the_same_seed_draws_the_same_rows_and_another_seed_others():
    labels = np.tile([0, 1, 2], 100)
    np.testing.assert_array_equal(draw(labels, seed=1), draw(labels, seed=1))
    assert not np.array_equal(draw(labels, seed=1), draw(labels, seed=2))


def test_the_draw_is_the_same_whatever_was_drawn_elsewhere():
    labels = np.tile([0, 1, 2], 100)
    before = draw(labels)
    random.random()
    np.testing.assert_array_equal(draw(labels), before)


def test_over_many_seeds_every_row_has_the_same_chance():
    counts = np.zeros(20)
    for seed in range(400):
        counts[draw(np.repeat([0, 1], 10), 30, seed, classes=("a", "b"))] += 1
    # 120 expected, standard deviation 9.2.
    assert np.all(np.abs(counts - 120) < 40)


def test_all_rows_are_drawn_at_100_percent():
    np.testing.assert_array_equal(draw([2, 0, 1, 1], 100), [0, 1, 2, 3])


def test_every_class_of_which_nothing_would_be_drawn_is_named():
    with pytest.raises(ValueError) as error:
        draw([0] * 20 + [1] * 4, 10)
    assert str(error.value) == (
        "seed_labels.percentage must give at least one seed label to each class, "
        "got 10, which gives none to b (4 images), c (0 images)"
    )


@given(st.integers(0, 10_000), st.integers(1, 10_000))
def test_the_count_is_that_of_exact_fractions(n_images, hundredths):
    assert count(n_images, hundredths / 100) == round(Fraction(n_images * hundredths, 10_000))


@pytest.mark.parametrize(("n_images", "percentage", "n"), [(6000, 1, 60), (141, 5.0, 7), (6000, 0.005, 0), (0, 100, 0)])
def test_the_count_of_a_class_is_its_percentage(n_images, percentage, n):
    assert count(n_images, percentage) == n


@given(st.lists(st.booleans(), max_size=30), st.integers(0, 35), st.integers(0, 2**32 - 1))
def test_more_rows_are_the_given_ones_and_others_as_many_as_asked_or_as_there_are(is_given, n, seed):
    is_given = np.array(is_given, bool)
    rows = draw_more_rows(is_given, n, seed=seed)
    n_given = int(is_given.sum())
    np.testing.assert_array_equal(rows[:n_given], np.flatnonzero(is_given))
    assert len(set(rows.tolist())) == len(rows) == n_given + min(n, len(is_given) - n_given)
    assert not is_given[rows[n_given:]].any()
    assert rows.dtype == np.int64


def test_more_rows_are_the_same_for_the_same_seed_and_others_for_another():
    draws = [draw_more_rows(np.arange(100) < 10, 20, seed=seed).tolist() for seed in (1, 1, 2)]
    assert draws[0] == draws[1] != draws[2]


def test_over_many_seeds_every_other_row_has_the_same_chance():
    counts = np.zeros(20)
    for seed in range(400):
        counts[draw_more_rows(np.arange(20) < 4, 4, seed=seed)] += 1
    assert np.all(counts[:4] == 400)
    # 100 expected, standard deviation 8.7.
    assert np.all(np.abs(counts[4:] - 100) < 40)


def said(label):
    return Decision("answered", label, "ann") if label >= 0 else Decision("skipped", annotator="ann")


def test_answers_are_beside_the_given_labels_or_in_their_place_and_what_judges_is_apart():
    given = np.int16([0, 1, 0, 1, -1, -1, -1, -1])
    teaching = {"b": said(1), "c": said(1), "d": said(-1), "e": said(0), "f": said(-1)}
    judging = {"a": said(0), "g": said(1), "h": said(-1)}
    rows, known, apart = seeds.with_answers(np.arange(4), given, list("abcdefgh"), teaching, judging)
    # b agrees and d could not be told: their given labels stay. c is another class now, a was judged.
    assert rows.tolist() == [1, 3]
    assert known.tolist() == [2, 4, 5]
    assert apart.tolist() == [0, 6, 7]


def test_without_answers_the_given_labels_stay_as_they_are():
    rows, known, apart = seeds.with_answers(np.array([1, 3]), np.int16([-1, 0, -1, 1]), list("abcd"), {}, {})
    assert (rows.tolist(), len(known), len(apart)) == ([1, 3], 0, 0)
    assert {found.dtype for found in (rows, known, apart)} == {np.dtype(np.int64)}


def test_a_second_look_corrects_a_given_label_and_takes_nothing_from_the_budget_or_from_what_is_random():
    now = datetime(2024, 5, 1, tzinfo=UTC)
    index = PoolIndex(np.arange(6), np.array(list("abcdef"), object))
    looks = {"a": "Shirt", "b": "Shirt", "c": "skip", "e": "Coat"}
    given = [Answer(key, label, "ann", now, "", "again") for key, label in looks.items()]
    judged = Answer("d", "Coat", "ann", now, "", "audit")
    given += [judged, judged._replace(label="Shirt", strategy="again", when=now + timedelta(hours=1))]
    first, replies = seeds.start(np.arange(4), np.array([0, 1, 0, 1, -1, -1]), index, given, classes=["Coat", "Shirt"])
    after = first.answered(replies)
    # a is corrected, b confirmed, c could not be told, d has judged; e has no given label (any more).
    assert after.labels.label.tolist() == [1, 1, 0, -1, 0, -1]
    assert after.labels.origin.tolist() == [table.HUMAN, table.SEED, table.SEED, table.NONE, table.HUMAN, table.NONE]
    assert dict(zip(after.asked.row.tolist(), after.asked.strategy, strict=True)) == {0: "again", 4: "known"}
    assert after.n_asked == 1 and after.picked.tolist() == [4] and after.apart.tolist() == [3]


def test_what_people_confirmed_unasked_costs_no_budget_and_is_no_random_draw():
    now = datetime(2024, 5, 1, tzinfo=UTC)
    index = PoolIndex(np.arange(5), np.array(list("abcde"), object))
    words = {"b": ["confirmed"], "c": ["confirmed", "margin"], "d": ["random", "confirmed"]}
    given = [Answer(key, "Coat", "ann", now, "", word) for key, of in words.items() for word in of]
    first, replies = seeds.start(np.arange(1), np.full(5, -1), index, given, classes=["Coat", "Shirt"])
    after = first.answered(replies)
    assert dict(zip(after.asked.row.tolist(), after.asked.strategy, strict=True)) == {
        1: "confirmed", 2: "known", 3: "known"
    }  # fmt: skip
    assert after.n_asked == 2 and after.picked.tolist() == [1, 2, 3]
    assert after.labels.is_human[[1, 2, 3]].all()
