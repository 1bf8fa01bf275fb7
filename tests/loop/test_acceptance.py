"""Acceptance: the thresholds of the rounds, and who is above them."""

from decimal import Decimal

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy.stats import binom

from selflabel.audit import bounds
from selflabel.loop import acceptance
from selflabel.loop.acceptance import Rule, accept_above, flexmatch_thresholds, linear_threshold, loosest_threshold
from selflabel.models.out_of_fold import Evidence

CENTS = st.integers(-100, 100)


def test_the_thresholds_of_the_tutorial_are_the_decimal_numbers_and_not_their_neighbours():
    thresholds = [linear_threshold(number, start=0.75, step=-0.05) for number in range(1, 11)]
    assert thresholds == [0.75, 0.70, 0.65, 0.60, 0.55, 0.50, 0.45, 0.40, 0.35, 0.30]


@given(st.integers(1, 1000), CENTS, CENTS)
def test_a_threshold_is_the_decimal_number_nearest_to_its_exact_value(number, start, step):
    exact = (Decimal(start) + (number - 1) * Decimal(step)) / 100
    assert linear_threshold(number, start=start / 100, step=step / 100) == float(exact)


def test_a_row_exactly_at_the_threshold_is_not_accepted():
    probabilities = np.array([[0.5, 0.5], [0.49, 0.51], [0.6, 0.4]])
    np.testing.assert_array_equal(accept_above(probabilities, 0.5), [1, 2])
    np.testing.assert_array_equal(accept_above(probabilities, np.nextafter(0.5, 0)), [0, 1, 2])
    np.testing.assert_array_equal(accept_above(probabilities, 0.6), [])


@given(st.lists(st.floats(0.5, 1), max_size=20), st.floats(0, 1), st.floats(0, 1))
def test_a_higher_threshold_accepts_a_subset(largest, one, other):
    probabilities = np.column_stack([largest, 1 - np.array(largest)])
    low, high = sorted([one, other])
    accepted = accept_above(probabilities, high)
    assert set(accepted) <= set(accept_above(probabilities, low))
    assert list(accepted) == [row for row, value in enumerate(largest) if value > high]


def test_each_row_is_compared_with_the_threshold_of_its_likeliest_class():
    probabilities = np.array([[0.7, 0.2, 0.1], [0.2, 0.7, 0.1], [0.1, 0.2, 0.7], [0.1, 0.8, 0.1]])
    np.testing.assert_array_equal(accept_above(probabilities, np.array([0.6, 0.7, np.inf])), [0, 3])


# Confidences 0.9, 0.6, 0.8, 0.7, 0.6; predicted classes 0, 1, 0, 0, 1.
FIVE = np.array([[0.9, 0.1], [0.4, 0.6], [0.8, 0.2], [0.7, 0.3], [0.4, 0.6]])
# Human-given labels by which 0.7 is safe and 0.65 is not.
SHOWN = Evidence(np.repeat([0.7, 0.65], 300), np.zeros(600, int), np.repeat([True, False], 300))
EVERY = (
    (acceptance.above(0.6), [0, 2, 3], 0.6),
    (Rule("final_threshold", 0.75), [0, 2], 0.75),
    (Rule("linear", 0.85, -0.1), [0, 2], 0.75),
    (Rule("linear", 0.65, 0.1), [0, 2], 0.75),
    (Rule("geometric", 1.0, threshold_factor=0.5), [0, 1, 2, 3, 4], 0.5),
    # Above 0.6 there are three of class 0 and none of class 1; the two that are left are fewer than three.
    (Rule("flexmatch", 0.6), [0, 1, 2, 3, 4], [0.6, 0.0]),
    # Above 0.7 there are two of class 0, but three are left: 2/3 becomes (2/3)/(4/3) = 1/2.
    (Rule("flexmatch", 0.7), [0, 1, 2, 3, 4], [0.35, 0.0]),
    (Rule("target_error"), [0, 2, 3], 0.699999),
    (Rule("percentile", percent=40), [0, 2], None),
    (Rule("percentile", percent=41), [0, 2, 3], None),
    (Rule("k_best", k=2), [0, 2], None),
    (Rule("class_k_best", k=1), [0, 1], None),
    (Rule("class_k_best", k=2), [0, 1, 2, 4], None),
)


@pytest.mark.parametrize(("rule", "positions", "limits"), EVERY, ids=[str(rule) for rule, _, _ in EVERY])
def test_a_rule_accepts_in_round_2_what_one_can_see_and_says_what_threshold_it_took(rule, positions, limits):
    choice = acceptance.accept(FIVE, rule, round_number=2, evidence=SHOWN)
    np.testing.assert_array_equal(choice.positions, np.array(positions, np.int64), strict=True)
    if limits is None:
        assert choice.limits is None
    else:
        np.testing.assert_array_equal(choice.limits, np.broadcast_to(np.float64(limits), 2), strict=True)


@pytest.mark.parametrize("rule", [rule for rule, _, _ in EVERY], ids=str)
def test_of_nothing_a_rule_accepts_nothing_that_could_still_index_an_array(rule):
    positions = acceptance.accept(np.empty((0, 3)), rule, round_number=1, evidence=SHOWN).positions
    np.testing.assert_array_equal(positions, np.empty(0, np.int64), strict=True)


@pytest.mark.parametrize("rule", [Rule("percentile", percent=1), Rule("k_best"), Rule("class_k_best")], ids=str)
def test_a_rule_that_counts_accepts_something_of_anything(rule):
    assert len(acceptance.accept(FIVE, rule, round_number=1).positions) > 0


def test_of_equal_confidences_the_first_is_taken():
    assert acceptance.accept_best(FIVE, 4).tolist() == [0, 1, 2, 3]


@given(st.integers(1, 12), st.integers(1, 5), st.integers(0, 9))
def test_no_position_left_out_is_more_confident_than_one_that_is_taken(k, n_classes, seed):
    probabilities = np.random.default_rng(seed).dirichlet(np.ones(n_classes), size=9)
    top, predicted = probabilities.max(axis=1), probabilities.argmax(axis=1)
    taken = np.isin(np.arange(9), acceptance.accept_best(probabilities, k))
    assert taken.sum() == min(k, 9)
    assert top[taken].min() >= top[~taken].max(initial=0)
    of_each = np.isin(np.arange(9), acceptance.accept_best_of_each_class(probabilities, k))
    for index in range(n_classes):
        is_class = predicted == index
        assert np.sum(of_each & is_class) == min(k, is_class.sum())
        assert top[of_each & is_class].min(initial=1) >= top[~of_each & is_class].max(initial=0)


@given(st.floats(0.01, 1), st.floats(0.5, 1.5), st.integers(1, 10))
def test_a_geometric_threshold_keeps_its_factor_from_round_to_round(start, factor, number):
    here, there = (acceptance.geometric_threshold(n, start=start, factor=factor) for n in (number, number + 1))
    assert there == pytest.approx(here * factor, abs=1e-9)


# FlexMatch.


def one_hot(counts, confidence):
    """Rows of so many predictions of each class, all with one confidence."""
    n_classes = len(counts)
    share = (1 - confidence) / (n_classes - 1)
    return np.repeat(share + (confidence - share) * np.eye(n_classes), counts, axis=0)


def test_classes_that_are_learnt_equally_well_have_all_the_threshold():
    np.testing.assert_array_equal(flexmatch_thresholds(one_hot([7, 7, 7], 0.96), 0.95), [0.95, 0.95, 0.95])


def test_while_nothing_is_learnt_everything_is_above_the_thresholds():
    unsure = one_hot([7, 2, 1], 0.5)
    np.testing.assert_array_equal(flexmatch_thresholds(unsure, 0.95), [0, 0, 0])
    assert len(acceptance.accept(unsure, Rule("flexmatch", 0.95), round_number=1).positions) == 10


def test_flexmatch_thresholds_are_those_of_the_papers_equations():
    # σ = (8, 4, 2). Learnt: β = σ/8 = (1, 1/2, 1/4), and M(β) = β/(2 − β) = (1, 1/3, 1/7).
    sure = one_hot([8, 4, 2], 0.96)
    np.testing.assert_allclose(flexmatch_thresholds(sure, 0.84), [0.84, 0.28, 0.12])
    # Two rows above no threshold are fewer than eight, sixteen are more: β = σ/16, and M(β) = (1/3, 1/7, 1/15).
    for n_unsure, expected in ((2, [0.84, 0.28, 0.12]), (16, [0.28, 0.12, 0.056])):
        pool = np.vstack([sure, one_hot([0, n_unsure, 0], 0.5)])
        np.testing.assert_allclose(flexmatch_thresholds(pool, 0.84), expected)


@given(st.lists(st.integers(0, 9), min_size=2, max_size=5), st.integers(0, 30), st.floats(0.5, 0.99))
def test_no_class_has_more_than_the_threshold_and_one_learnt_better_never_less_than_another(
    learnt, n_unsure, threshold
):
    sure, unsure = one_hot(learnt, 0.995), one_hot([n_unsure] + [0] * (len(learnt) - 1), 0.5)
    found = flexmatch_thresholds(np.vstack([sure, unsure]), threshold)
    assert np.all((found >= 0) & (found <= round(threshold, 10)))
    assert np.all(np.diff(found[np.argsort(learnt, kind="stable")]) >= 0)


# Target error.


@given(st.floats(0.001, 0.5), st.integers(1, 10_000))
def test_the_shares_of_all_rounds_sum_to_at_most_alpha(alpha, n_rounds):
    shares = [acceptance.alpha_of_round(number, alpha) for number in range(1, n_rounds + 1)]
    assert shares[0] == alpha / 2
    assert sum(shares) <= alpha
    assert sum(shares) == pytest.approx(alpha * n_rounds / (n_rounds + 1))


def test_too_few_labels_to_show_anything_leave_no_threshold_and_nothing_is_accepted():
    # 59 right ones show an error of at most 5 %; the search starts where one may be wrong.
    n_first = 93
    confidence, is_right = np.full(n_first, 0.9), np.ones(n_first, bool)
    assert loosest_threshold(confidence, is_right, target=0.05, alpha=0.05) == 0.899999
    assert loosest_threshold(confidence[1:], is_right[1:], target=0.05, alpha=0.05) == np.inf
    assert loosest_threshold(confidence[:0], is_right[:0], target=0.05, alpha=0.05) == np.inf
    few = Evidence(confidence[1:], np.zeros(n_first - 1, int), is_right[1:])
    choice = acceptance.accept(
        np.array([[1.0, 0.0]]), Rule("target_error", target_alpha=0.1), round_number=1, evidence=few
    )
    assert choice.positions.tolist() == []
    np.testing.assert_array_equal(choice.limits, [np.inf, np.inf])


def test_enough_labels_that_are_wrong_too_often_leave_no_threshold_either():
    confidence, is_right = np.linspace(0.5, 1, 1000), np.arange(1000) % 10 > 0
    assert loosest_threshold(confidence, is_right, target=0.05, alpha=0.05) == np.inf
    assert loosest_threshold(confidence, is_right, target=0.3, alpha=0.05) == 0.499999


def test_the_round_and_its_share_of_alpha_decide_how_many_labels_it_takes():
    n = bounds.n_to_reject(0.05, alpha=0.05 / 6, n_wrong=1)
    right = Evidence(np.full(n, 0.9), np.zeros(n, int), np.ones(n, bool))
    chosen = [
        acceptance.accept(FIVE, Rule("target_error"), round_number=number, evidence=right) for number in (1, 2, 3)
    ]
    assert [selection.limits[0] for selection in chosen] == [0.899999, 0.899999, np.inf]


def test_equal_confidences_are_all_above_a_threshold_or_all_below_it():
    # 89 labels are looked at first. Eight of the hundred of 0.9 are wrong, the first ones or the last.
    confidence, is_right = np.repeat([0.9, 0.6], [100, 900]), np.arange(1000) >= 8
    for order in (slice(None), slice(None, None, -1)):
        shown = (confidence[order], is_right[order])
        assert loosest_threshold(*shown, target=0.05, alpha=0.05) == np.inf
        assert loosest_threshold(*shown, target=0.2, alpha=0.05) == 0.599999


TENTHS = st.lists(st.tuples(st.integers(1, 10), st.booleans() | st.just(True)), min_size=1, max_size=80)


@given(TENTHS, st.floats(0.1, 0.6), st.randoms(use_true_random=False))
def test_what_is_shown_decides_and_not_its_order(shown, target, random):
    mixed = random.sample(shown, len(shown))
    one, other = (loosest(rows, target=target) for rows in (shown, mixed))
    assert one == other


@given(TENTHS, st.floats(0.1, 0.6))
def test_above_the_threshold_the_bound_is_kept(shown, target):
    found = loosest(shown, target=target)
    is_above = [is_right for tenths, is_right in shown if tenths / 10 > found]
    assert found == np.inf or bounds.upper(is_above.count(False), len(is_above), alpha=0.2) <= target


@given(TENTHS, st.data(), st.floats(0.1, 0.6))
def test_a_mistake_less_never_gives_a_higher_threshold(shown, data, target):
    row = data.draw(st.integers(0, len(shown) - 1))
    better = [*shown[:row], (shown[row][0], True), *shown[row + 1 :]]
    assert loosest(better, target=target) <= loosest(shown, target=target)


@given(TENTHS, st.floats(0.1, 0.6), st.floats(0, 0.05))
def test_a_looser_target_never_gives_a_higher_threshold(shown, target, more):
    # Looked for at the same numbers of labels: these depend on the target.
    first, other = (bounds.n_to_reject(limit, alpha=0.2, n_wrong=1) for limit in (target, target + more))
    assume(first == other)
    assert loosest(shown, target=target + more) <= loosest(shown, target=target)


def loosest(shown, *, target, alpha=0.2):
    tenths, is_right = (np.array(column) for column in zip(*shown, strict=True))
    return loosest_threshold(tenths / 10, is_right, target=target, alpha=alpha)


def test_looser_targets_give_lower_thresholds_down_to_where_nothing_is_below():
    shown = drawn(lambda confidence: (1 - confidence) ** 2 / 2, n_labels=3000, seed=0)
    found = [loosest_threshold(*shown, target=target, alpha=0.05) for target in (0.001, 0.02, 0.05, 0.1, 0.2)]
    assert found[0] == np.inf
    assert np.all(np.diff(found[1:]) < 0)
    assert found[-1] == shown[0].min() - acceptance.STEP


def drawn(error, *, n_labels, seed, decimals=6):
    """Draw confidences evenly from [0, 1], and whether labels that are wrong as often as ``error`` says are right."""
    generator = np.random.default_rng(seed)
    confidence = np.round(generator.random(n_labels), decimals)
    return confidence, generator.random(n_labels) >= error(confidence)


# How often a label of some confidence is wrong. The target is 5 %.
ERRORS = {
    "less and less": lambda confidence: (1 - confidence) ** 2 / 2,
    "a little too often everywhere": lambda confidence: np.full_like(confidence, 0.0505),
    "hardly, then a little too often": lambda confidence: np.where(confidence > 0.88, 0.01, 0.12),
    "almost too often, then always": lambda confidence: np.where(confidence > 0.9, 0.045, 1.0),
    "most where it is surest": lambda confidence: np.where(confidence > 0.95, 0.2, 0.01),
}


@pytest.mark.parametrize("decimals", [6, 1], ids=["all different", "many equal"])
@pytest.mark.parametrize("alpha", [0.05, 0.2])
@pytest.mark.parametrize("error", ERRORS.values(), ids=list(ERRORS))
def test_over_many_draws_the_true_error_is_above_the_target_in_at_most_alpha_of_them(error, alpha, decimals):
    n_draws, target = 1000, 0.05
    found = np.array(
        [
            loosest_threshold(*drawn(error, n_labels=1000, seed=seed, decimals=decimals), target=target, alpha=alpha)
            for seed in range(n_draws)
        ]
    )
    # The true error above a threshold, over all confidences that there can be, as likely as they are.
    confidence = np.round((np.arange(200_000) + 0.5) / 200_000, decimals)
    sums = np.cumsum(error(confidence)[::-1])[::-1]
    first_above = np.searchsorted(confidence, found[np.isfinite(found)], side="right")
    true_error = sums[first_above] / (len(confidence) - first_above)
    assert np.sum(true_error > target) <= binom.ppf(0.999, n_draws, alpha)


def test_a_thousand_labels_are_enough_to_find_most_of_what_could_be_accepted():
    """An error of (1 − c)²/2 averages to 5 % above 1 − √0.3 = 0.45; a classifier so good is worth 55 % of the pool."""
    found = np.array(
        [
            loosest_threshold(*drawn(ERRORS["less and less"], n_labels=1000, seed=seed), target=0.05, alpha=0.05)
            for seed in range(200)
        ]
    )
    assert np.isfinite(found).mean() > 0.8
    assert 0.45 < np.median(found) < 0.65
