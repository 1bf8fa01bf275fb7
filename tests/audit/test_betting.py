"""The bet: exact in small worlds, the published formula where that is a case of it, and no promise broken too often."""

from itertools import permutations

import numpy as np
import pytest
from scipy.stats import binom

from selflabel.audit.betting import Bet

ERROR, ALPHA = 0.05, 0.05


def mixed(n, rng):
    """Confidences as a classifier's: most are near 1."""
    return np.round(1 - rng.beta(0.4, 9, n), 6)


@pytest.mark.parametrize("n_wrong", [1, 2, 3])
def test_wealth_is_no_more_than_one_to_be_expected_of_labels_that_are_too_often_wrong(n_wrong):
    """Over every order in which six labels can be drawn, each with its chance."""
    confidence = np.array([0.99, 0.95, 0.9, 0.8, 0.7, 0.6])
    for wrong in ([5, 4, 3], [0, 1, 2], [0, 5, 2]):
        is_wrong = np.isin(np.arange(6), wrong[:n_wrong])
        bet = Bet.on(confidence, error=(n_wrong - 1e-9) / 6)
        expected, total = np.zeros(6), 0.0
        for drawn in permutations(range(6)):
            chance, left = 1.0, 1.0
            for position in drawn:
                chance *= bet.chance[position] / left
                left -= bet.chance[position]
            expected += chance * bet.wealth(np.array(drawn), is_wrong[list(drawn)])
            total += chance
        assert total == pytest.approx(1) and np.all(expected <= 1 + 1e-6)
        # Of just as many as are allowed it is a fair bet, not a mean one.
        assert expected[0] == pytest.approx(1, abs=1e-6)


def test_with_equal_chances_and_without_claims_it_is_the_published_martingale():
    """Waudby-Smith & Ramdas, section 5: each answer against the mean of what is left."""
    rng = np.random.default_rng(0)
    n, drawn, is_wrong = 200, rng.permutation(200)[:80], rng.random(80) < 0.03
    bet = Bet(ERROR, np.zeros(n), np.full(n, 1 / n), 0.4)
    left = n - np.arange(80)
    of_left = (n * ERROR - np.append(0, np.cumsum(is_wrong))[:-1]) / left
    expected = np.cumprod(1 + 0.4 * left / n * (of_left - is_wrong))
    np.testing.assert_allclose(bet.wealth(drawn, is_wrong), expected, rtol=1e-9)


def test_labels_are_drawn_with_their_chances():
    rng = np.random.default_rng(1)
    bet = Bet.on(np.array([0.99, 0.9, 0.6]), error=0.3)
    orders = np.array([bet.order(rng.random(3)) for _ in range(20_000)])
    for position in range(3):
        assert np.mean(orders[:, 0] == position) == pytest.approx(bet.chance[position], abs=0.02)
        second = sum(
            bet.chance[first] * bet.chance[position] / (1 - bet.chance[first]) for first in {0, 1, 2} - {position}
        )
        assert np.mean(orders[:, 1] == position) == pytest.approx(second, abs=0.02)


def _as_claimed(rng, n):
    return mixed(n, rng), None


def _over_confident(rng, n):
    return np.round(1 - rng.beta(0.3, 20, n), 6), None


def _upside_down(rng, n):
    """The wrong ones are the most confident."""
    confidence = mixed(n, rng)
    return confidence, np.argsort(-confidence)


def _no_idea(rng, n):
    return rng.random(n).round(6), None


def _all_tied(rng, n):
    return np.full(n, 0.98), None


def _sure(rng, n):
    return np.ones(n), None


WORLDS = {
    "as_claimed": _as_claimed, "over_confident": _over_confident, "upside_down": _upside_down, "no_idea": _no_idea,
    "all_tied": _all_tied, "sure": _sure,
}  # fmt: skip


@pytest.mark.parametrize("n", [30, 400, 3_000])
@pytest.mark.parametrize("name", WORLDS)
def test_promises_are_broken_no_more_often_than_was_said_whenever_one_stops(name, n):
    """One who looks after every answer and ends as soon as it says enough, of labels just too often wrong."""
    rng = np.random.default_rng([sorted(WORLDS).index(name), n])
    confidence, worst = WORLDS[name](rng, n)
    too_many = int(np.floor(ERROR * n + 1e-9)) + 1
    likely = np.argsort(-(1 - confidence) * rng.random(n)) if worst is None else worst
    is_wrong = np.isin(np.arange(n), likely[:too_many])
    bet, n_redraws, n_broken = Bet.on(confidence, error=ERROR), 2_000, 0
    for _ in range(n_redraws):
        drawn = bet.order(rng.uniform(size=n))
        n_broken += bool(np.any(bet.wealth(drawn, is_wrong[drawn]) >= 1 / ALPHA))
    assert n_broken <= binom.ppf(1 - 1e-4, n_redraws, ALPHA)


def test_so_many_answers_are_needed_as_was_forecast_where_the_confidences_are_right():
    rng = np.random.default_rng(2)
    confidence = np.round(1 - rng.beta(0.3, 20, 5_000), 6)
    bet, needed = Bet.on(confidence, error=ERROR), []
    for _ in range(300):
        drawn = bet.order(rng.uniform(size=len(confidence)))
        wealth = bet.wealth(drawn, rng.random(len(drawn)) < (1 - confidence)[drawn])
        needed.append(np.flatnonzero(wealth >= 1 / ALPHA)[0] + 1)
    assert 0.85 < np.mean(needed) / bet.n_expected(alpha=ALPHA) < 1.25


def test_how_many_more_answers_it_takes_at_the_least():
    confidence = np.full(1_000, 0.99)
    bet = Bet.on(confidence, error=ERROR)
    drawn = np.arange(300)
    first = bet.n_more(drawn, np.zeros(0, bool), alpha=ALPHA)
    assert np.flatnonzero(bet.wealth(drawn, np.zeros(300, bool)) >= 1 / ALPHA)[0] + 1 == first
    assert bet.n_more(drawn, np.zeros(first - 1, bool), alpha=ALPHA) == 1
    assert bet.n_more(drawn[: first - 1], np.zeros(0, bool), alpha=ALPHA) is None
    assert bet.n_more(drawn, np.ones(1, bool), alpha=ALPHA) > first


@pytest.mark.parametrize("confidence", [np.ones(1), np.zeros(5), np.array([1.0, 0.0])])
def test_at_the_ends_numbers_are_numbers(confidence):
    for error in (0.0001, 0.05, 0.9999):
        bet, n = Bet.on(confidence, error=error), len(confidence)
        assert bet.stake > 0 and bet.chance.sum() == pytest.approx(1)
        for is_wrong in (np.zeros(n, bool), np.ones(n, bool)):
            wealth = bet.wealth(bet.order(np.linspace(0.1, 0.9, n)), is_wrong)
            assert np.all(np.isfinite(wealth)) and np.all(wealth >= 0)
