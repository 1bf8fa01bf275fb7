"""How far people agree: by hand, and against the libraries that others take."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from selflabel.labels.answers import Answer
from selflabel.people import agreement
from selflabel.people.agreement import Agreement, Pair

DAY = datetime(2024, 5, 1, tzinfo=UTC)


def said(key, annotator, label, hours=0):
    return Answer(key, label, annotator, DAY + timedelta(hours=hours), "")


def drawn(seed, n=60, n_people=4):
    """What each of several people said of some images: a class, mostly the same one, nothing, or a skip."""
    generator = np.random.default_rng(seed)
    truth = generator.integers(0, 3, n)
    labels = np.where(generator.random((n, n_people)) < 0.7, truth[:, None], generator.integers(0, 3, (n, n_people)))
    words = np.array(["a", "b", "c", "skip", ""], object)
    return words[np.where(generator.random(labels.shape) < 0.3, generator.integers(3, 5, labels.shape), labels)]


def answers_of(table):
    return [said(f"{key}", f"p{who}", label) for key, row in enumerate(table) for who, label in enumerate(row) if label]


ANSWERS = [
    said("1", "ann", "Coat"), said("1", "bob", "Coat"),
    said("2", "ann", "Shirt"), said("2", "bob", "Coat"), said("2", "cat", "skip"),
    said("3", "bob", "Shirt"), said("3", "ann", "Shirt"),
    said("4", "bob", "Coat"), said("4", "ann", "skip"),
    said("5", "cat", "Coat"),
]  # fmt: skip


def test_of_each_pair_the_images_that_both_answered_are_counted_and_skips_apart():
    found = agreement.agreement(ANSWERS)
    # Alike by chance: 1/3 · 2/3 twice, 4/9; (2/3 − 4/9)/(1 − 4/9) = 0.4.
    assert found.pairs == (
        Pair("ann", "bob", n_both=3, n_alike=2, kappa=pytest.approx(0.4), n_skipped=1),
        Pair("ann", "cat", n_both=0, n_alike=0, kappa=None, n_skipped=1),
        Pair("bob", "cat", n_both=0, n_alike=0, kappa=None, n_skipped=1),
    )
    # Of six classes three are Coat: one pair of 3 differs, of any two 18 of 30. 1 − (1/3)/(18/30) = 4/9.
    assert found.alpha == pytest.approx(4 / 9)
    assert found.disputed == {"2": {"ann": "Shirt", "bob": "Coat", "cat": "skip"}}


def test_the_latest_answer_of_a_person_counts():
    (pair,) = agreement.agreement([*ANSWERS[:2], said("1", "bob", "Shirt", hours=1)]).pairs
    assert (pair.n_both, pair.n_alike) == (1, 0)
    assert agreement.agreement([*ANSWERS[2:4], said("2", "bob", "Shirt", hours=1)]).disputed == {}


@pytest.mark.parametrize("given", [[], [said("1", "ann", "Coat")], [said("1", "ann", "a"), said("2", "bob", "a")]])
def test_without_images_in_common_there_is_nothing_to_tell(given):
    assert agreement.agreement(given) == Agreement((), None, {})
    assert agreement.sentences(agreement.agreement(given)) == []
    assert agreement.tables(agreement.agreement(given), {}) == "no image has the answers of two people"


def test_where_all_is_one_class_agreement_beyond_chance_is_not_defined():
    found = agreement.agreement([said(key, who, "Coat") for key in "12" for who in ("ann", "bob")])
    assert found.pairs == (Pair("ann", "bob", 2, 2, None, 0),) and found.alpha is None
    assert "2 are alike (Krippendorff's alpha not defined)" in agreement.sentences(found)[0]


@pytest.mark.parametrize("seed", range(10))
def test_alpha_is_that_of_krippendorffs_library_and_kappa_that_of_scikit_learn(seed):
    import krippendorff
    from sklearn.metrics import cohen_kappa_score

    table = drawn(seed)
    found = agreement.agreement(answers_of(table))
    codes = np.array([[{"a": 0, "b": 1, "c": 2}.get(label, np.nan) for label in row] for row in table]).T
    assert found.alpha == pytest.approx(krippendorff.alpha(codes, level_of_measurement="nominal"))
    assert len(found.pairs) == 6
    for pair in found.pairs:
        one, other = (codes[int(name[1:])] for name in (pair.one, pair.other))
        is_told = ~np.isnan(one) & ~np.isnan(other)
        assert pair.n_both == is_told.sum() and pair.n_alike == np.sum(one == other)
        assert pair.kappa == pytest.approx(cohen_kappa_score(one[is_told], other[is_told]))


def test_the_lines_name_who_answered_and_how_many_images_are_disputed():
    assert agreement.sentences(agreement.agreement(ANSWERS)) == [
        "agreement: of 3 pairs of classes that ann, bob, cat gave the same images 2 are alike "
        "(Krippendorff's alpha 0.444)",
        "1 image with different classes: `selflabel agreement` lists them",
    ]


def test_the_tables_tell_each_pair_and_who_says_what_where_they_differ():
    lines = agreement.tables(agreement.agreement(ANSWERS), {"2": "shirts/2.png"}).splitlines()
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if line.startswith("|")]
    assert cells[2] == ["ann, bob", "3", "2", "66.7%", "0.400", "1"]
    assert cells[3] == ["ann, cat", "0", "0", "–", "not defined", "1"]
    assert cells[-1] == ["shirts/2.png", "ann: Shirt, bob: Coat, cat: skip"]
    assert "Krippendorff's alpha over all of them: 0.444" in lines
