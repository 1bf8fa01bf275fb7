"""Classes: bounds that hold together, and a draw that is allocated to them."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom

from selflabel.audit import bounds, by_class
from selflabel.audit.guarantees import AuditSample, ErrorTarget
from selflabel.labels.table import Labels

LEVEL = ErrorTarget(error=0.05, alpha=0.05)
ALWAYS = dict.fromkeys((10, 20, 50, 100, 200, 500, 1_000), LEVEL)
N_REDRAWS = 2_000


def columns(label, is_wrong, drawn=None, **more):
    """Of labels of which ``is_wrong`` says which are; all are audited unless ``drawn`` says which."""
    label, is_wrong = np.asarray(label), np.asarray(is_wrong, bool)
    drawn = np.arange(len(label)) if drawn is None else np.asarray(drawn)
    sample = AuditSample(np.ones(len(label)), label, drawn, is_wrong[drawn])
    return by_class.columns(sample, LEVEL, n_classes=3, looks=ALWAYS, **more)


def labelled(label, confidence):
    """Labels by the machine, all of them."""
    n = len(label)
    return Labels.from_seeds(np.arange(0), np.arange(0), n_rows=n).with_machine_labels(
        np.arange(n), np.asarray(label), np.asarray(confidence, float), round_number=1
    )


# --- The bounds.


def test_a_class_that_is_wholly_audited_is_known():
    found = columns(np.repeat([0, 2], 20), np.arange(40) == 0)
    assert found["n_machine"] == found["n_audited"] == [20, 0, 20] and found["n_wrong"] == [1, 0, 0]
    assert found["error_at_most"] == [0.05, None, 0.0]


def test_the_risk_is_divided_among_the_classes_that_are_there():
    found = columns(np.repeat([0, 2], 2_000), np.arange(4_000) == 0, drawn=np.arange(0, 4_000, 100))
    half = [bounds.upper(k, 20, alpha=0.025, n_all=2_000) for k in (1, 0)]
    assert found["error_at_most"] == [half[0], None, half[1]]
    # 72 flawless answers at 2.5 %, of a class that is half of all.
    assert found["n_needed"] == [None, None, 200]
    # Were three of four drawn from that class it takes half as many: 75 of 100.
    drawn = np.append(np.arange(1, 2_000, 200), np.arange(2_000, 4_000, 67))
    assert columns(np.repeat([0, 2], 2_000), np.zeros(4_000), drawn=drawn, size=40)["n_needed"] == [500, None, 100]


def test_a_class_that_is_good_enough_leaves_its_risk_to_the_others():
    n_all, n, n_wrong = np.full(3, 1_000), np.array([100, 60, 60]), np.array([0, 5, 10])
    found = by_class.uppers(n_wrong, n, n_all, LEVEL)
    assert bounds.p_value(0, 100, 1_000, error=0.05) <= 0.05 / 3
    alone = bounds.uppers(n_wrong[1:], n[1:], n_all[1:], alpha=0.025)
    assert found.tolist() == [0.05, *alone.tolist()]
    # What is not shown to be good enough is above.
    assert np.all(found[1:] > 0.05)


def test_classes_that_are_all_good_enough_keep_their_narrower_bounds():
    n_all, n = np.array([1_000, 1_000, 30]), np.array([300, 80, 30])
    found = by_class.uppers(np.array([0, 0, 1]), n, n_all, LEVEL)
    third = bounds.uppers(np.zeros(3, int), n, n_all, alpha=0.05 / 3)
    # Of the second one Holm's procedure knows more than Bonferroni's.
    assert found[0] == third[0] < 0.05 and found[1] == min(0.05, third[1]) and found[2] == 1 / 30


@given(st.lists(st.tuples(st.integers(0, 60), st.integers(1, 60), st.integers(60, 500)), min_size=1, max_size=6))
def test_bounds_are_no_wider_than_bonferronis_but_for_classes_that_are_good_enough(counts):
    n_wrong, n, n_all = np.array(counts).T
    n_wrong = np.minimum(n_wrong, n)
    found, alone = (
        of(n_wrong, n, n_all) for of in (
            lambda *counts: by_class.uppers(*counts, LEVEL),
            lambda *counts: bounds.uppers(*counts, alpha=LEVEL.alpha / len(n)),
        )
    )  # fmt: skip
    assert np.all((found <= alone) | (found <= LEVEL.error))
    # In whatever order the classes stand.
    back = slice(None, None, -1)
    assert np.array_equal(by_class.uppers(n_wrong[back], n[back], n_all[back], LEVEL)[back], found)


@pytest.mark.parametrize(
    "errors",
    [(0.051, 0.051, 0.051, 0.051), (0.0, 0.0, 0.051, 0.2), (0.3, 0.6, 1.0, 0.052), (0.0, 0.0, 0.0, 0.051)],
)
@pytest.mark.parametrize("is_by_class", [False, True])
def test_the_bounds_of_all_classes_hold_together(errors, is_by_class):
    """Classes of very different sizes, in random orders; the claims are those of somebody who is sure of all."""
    rng, n_all = np.random.default_rng(7), np.array([2_000, 900, 300, 40])
    label = np.repeat(np.arange(4), n_all)
    is_wrong = np.concatenate([np.arange(of) < np.ceil(error * of) for of, error in zip(n_all, errors, strict=True)])
    true = np.bincount(label, is_wrong) / n_all
    labels, n_first = labelled(label, np.where(is_wrong, 0.9, 0.99)), 200
    drawn = []
    for _ in range(N_REDRAWS):
        order = rng.permutation(len(label))
        more = by_class.more(order, labels, n_first=n_first, error=0.05) if is_by_class else order[:0]
        drawn.append(np.append(order[:n_first], more))
    rows = np.array(drawn)
    n, n_wrong = (
        np.stack([np.sum((label[rows] == of) & which, axis=1) for of in range(4)], axis=1)
        for which in (np.full(rows.shape, True), is_wrong[rows])
    )
    bound = by_class.uppers(n_wrong, n, np.tile(n_all, (N_REDRAWS, 1)), LEVEL)
    n_broken = np.sum(np.any(bound < true - 1e-12, axis=1))
    assert n_broken <= binom.ppf(1 - 1e-4, N_REDRAWS, LEVEL.alpha)


# --- The allocation.


def test_small_classes_and_doubtful_ones_are_asked_about_most():
    n_first, n_all = np.array([90, 9, 1]), np.array([9_000, 900, 100])
    same = by_class.allocation(n_first, n_all, np.full(3, 0.1), n_more=100, error=0.05)
    assert same.tolist() == [90, 55, 55]
    doubtful = by_class.allocation(np.zeros(2), np.full(2, 1_000), np.array([0.0, 0.25]), n_more=80, error=0.05)
    # In proportion to the standard deviations, of 5 % (nobody is believed to make no mistake) and twice 25 %.
    assert doubtful.tolist() == [24, 56]
    assert by_class.allocation(n_first, n_all, np.zeros(3), n_more=0, error=0.05).tolist() == n_first.tolist()
    assert by_class.allocation(n_first, n_all, np.ones(3), n_more=10**5, error=0.05).tolist() == n_all.tolist()


@given(
    st.lists(st.tuples(st.integers(1, 3), st.integers(0, 4), st.floats(0, 1)), min_size=1, max_size=4),
    st.integers(0, 6),
)
def test_no_other_allocation_has_a_smaller_variance(classes, n_more):
    n_first, n_left, claimed = (np.array(of) for of in zip(*classes, strict=True))
    found = by_class.allocation(n_first, n_first + n_left, claimed, n_more=n_more, error=0.05)
    wrong = np.clip(2 * claimed, 0.05, 0.5)
    others = [
        np.sum(wrong * (1 - wrong) / (n_first + more))
        for more in itertools.product(*(range(of + 1) for of in n_left))
        if sum(more) == min(n_more, n_left.sum())
    ]
    assert np.sum(wrong * (1 - wrong) / found) == pytest.approx(min(others), rel=1e-9)


@given(st.integers(0, 2**32 - 1), st.integers(0, 60))
def test_of_each_class_the_next_ones_of_the_order_are_drawn(seed, n_first):
    rng = np.random.default_rng(seed)
    label = rng.integers(0, 4, 60)
    order = rng.permutation(60)
    more = by_class.more(order, labelled(label, rng.random(60)), n_first=n_first, error=0.05)
    drawn = np.append(order[:n_first], more)
    assert len(drawn) == len(set(drawn)) == min(2 * n_first, 60)
    for number in range(4):
        of_class = order[label[order] == number]
        n = np.sum(label[drawn] == number)
        assert set(of_class[:n]) == set(drawn[label[drawn] == number])
