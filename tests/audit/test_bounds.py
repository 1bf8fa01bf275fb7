"""Bounds: exact ones on an error rate, from counted mistakes."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom, binomtest, hypergeom

from selflabel.audit import bounds
from selflabel.audit.bounds import n_to_reject, upper

COUNTS = st.integers(1, 2000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))
ALPHAS = st.floats(0.001, 0.5)


@pytest.mark.parametrize(("n", "target"), [(59, 0.05), (149, 0.02), (299, 0.01)])
def test_so_many_right_answers_without_a_mistake_show_so_small_an_error(n, target):
    """The rule of three, exactly: (1 − target)^n is 5 % there."""
    assert n_to_reject(target, alpha=0.05) == n
    assert upper(0, n, alpha=0.05) <= target < upper(0, n - 1, alpha=0.05)


@pytest.mark.parametrize("target", [0.01, 0.05, 0.3, 0.5])
def test_where_n_images_do_exactly_it_takes_n_and_not_one_more(target):
    """There the quotient of two logarithms is a whole number, but may be computed as a little more."""
    assert [n_to_reject(target, alpha=(1 - target) ** n) for n in range(1, 30)] == list(range(1, 30))


@given(st.floats(0.001, 0.9), ALPHAS)
def test_one_image_less_than_it_takes_does_not_do(target, alpha):
    n = n_to_reject(target, alpha=alpha)
    assert upper(0, n, alpha=alpha) <= target * (1 + 1e-6)
    assert upper(0, n - 1, alpha=alpha) >= target * (1 - 1e-6)


@given(COUNTS, ALPHAS)
def test_it_is_scipys_clopper_pearson_bound(counts, alpha):
    exact = binomtest(*counts, alternative="less").proportion_ci(1 - alpha, method="exact")
    assert upper(*counts, alpha=alpha) == pytest.approx(exact.high, rel=1e-9)


@given(COUNTS, ALPHAS)
def test_at_the_bound_so_few_mistakes_have_a_chance_of_alpha(counts, alpha):
    """What defines it, by the binomial distribution instead of the beta distribution."""
    n_wrong, n = counts
    bound = upper(n_wrong, n, alpha=alpha)
    assert n_wrong / n < bound <= 1 or n_wrong == n
    assert n_wrong == n or binom.cdf(n_wrong, n, bound) == pytest.approx(alpha, rel=1e-6)


@pytest.mark.parametrize(("n_wrong", "n"), [(0, 0), (1, 1), (40, 40)])
def test_nothing_drawn_and_nothing_right_exclude_no_error_rate(n_wrong, n):
    assert upper(n_wrong, n, alpha=0.05) == 1.0


@pytest.mark.parametrize("alpha", [0.2, 0.05, 0.01])
@pytest.mark.parametrize("n", [1, 20, 300])
def test_whatever_the_error_rate_the_bound_is_below_it_in_at_most_alpha_of_all_draws(n, alpha):
    """Not simulated but summed up, over every number of mistakes."""
    limits = np.array([upper(n_wrong, n, alpha=alpha) for n_wrong in range(n + 1)])
    for rate in np.linspace(0, 1, 101):
        chances = binom.pmf(np.arange(n + 1), n, rate)
        assert chances[limits < rate].sum() <= alpha + 1e-9


@given(COUNTS, ALPHAS)
def test_more_mistakes_raise_it_and_more_images_lower_it(counts, alpha):
    n_wrong, n = counts
    bound = upper(n_wrong, n, alpha=alpha)
    assert upper(n_wrong + 1, n + 1, alpha=alpha) >= bound >= upper(n_wrong, n + 1, alpha=alpha)


def test_a_tiny_risk_asks_for_many_and_not_for_infinitely_many():
    assert n_to_reject(0.05, alpha=1e-30) == pytest.approx(np.log(1e-30) / np.log(0.95), abs=1)


def test_what_no_number_of_answers_could_show_is_refused_in_a_sentence():
    """A risk of nearly nothing ended in a traceback (OverflowError)."""
    with pytest.raises(ValueError, match="must be within reach of 10,000,000 answers"):
        n_to_reject(0.05, alpha=0.0)


# --- Drawn from a pool without replacement.


def of_pool(n_all, n, alpha, how):
    """The chance, exact and the largest over every number of wrong ones, that the bound is below their share."""
    limits = np.array([how(k, n, alpha, n_all) for k in range(n + 1)])
    return max(
        float(hypergeom.pmf(np.arange(n + 1), n_all, of, n)[limits < of / n_all - 1e-12].sum())
        for of in range(n_all + 1)
    )


def exactly(k, n, alpha, n_all):
    return upper(k, n, alpha=alpha, n_all=n_all)


@pytest.mark.parametrize("alpha", [0.5, 0.3, 0.1, 0.05, 0.01])
@pytest.mark.parametrize(("n_all", "n"), [(29, 28), (29, 29), (10, 3), (50, 45), (100, 30), (1, 1), (2, 1)])
def test_of_a_pool_it_is_broken_in_at_most_alpha_of_all_draws(n_all, n, alpha):
    assert of_pool(n_all, n, alpha, exactly) <= alpha + 1e-9


@pytest.mark.parametrize(("n_all", "n", "alpha", "broken"), [(15, 5, 0.3, 0.333), (40, 33, 0.5, 0.676)])
def test_the_bound_of_independent_draws_does_not_always_err_on_the_safe_side(n_all, n, alpha, broken):
    """What was promised before."""
    assert of_pool(n_all, n, alpha, lambda k, n, alpha, n_all: upper(k, n, alpha=alpha)) > broken > alpha
    assert of_pool(n_all, n, alpha, exactly) <= alpha + 1e-9


@pytest.mark.parametrize(("n_all", "expected"), [(1_000, 0.029), (10_000, 0.0333), (59_400, 0.0337)])
def test_of_a_small_pool_it_is_lower(n_all, expected):
    assert upper(10, 500, alpha=0.05, n_all=n_all) == pytest.approx(expected, abs=2e-4)
    assert upper(10, 500, alpha=0.05, n_all=n_all) <= upper(10, 500, alpha=0.05)


@given(st.data())
def test_it_is_the_largest_share_with_which_so_few_have_a_chance_above_alpha(data):
    n_all = data.draw(st.integers(1, 300))
    n = data.draw(st.integers(1, n_all))
    k, alpha = data.draw(st.integers(0, n)), data.draw(ALPHAS)
    possible = [of for of in range(k, n_all - n + k + 1) if hypergeom.cdf(k, n_all, of, n) > alpha]
    assert upper(k, n, alpha=alpha, n_all=n_all) == max(possible) / n_all


def test_a_pool_of_which_all_is_drawn_is_known_and_one_of_which_nothing_is_unknown():
    assert upper(3, 10, alpha=0.05, n_all=10) == 0.3 and upper(0, 0, alpha=0.05, n_all=10) == 1
    assert bounds.p_value(1, 20, 20, error=0.05) == 0 and bounds.p_value(2, 20, 20, error=0.05) == 1


@pytest.mark.parametrize(("error", "n_all", "expected"), [(0.05, 20, 2), (0.29, 100, 30), (0.07, 100, 8), (0.9, 1, 1)])
def test_more_than_a_share_is_one_more_than_it_allows(error, n_all, expected):
    assert bounds.too_many(error, n_all) == expected
