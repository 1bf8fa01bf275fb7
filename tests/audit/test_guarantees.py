"""The certificate: small audits counted by hand, and promises that must hold over many simulated audits."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom, hypergeom

from selflabel.audit import bounds, guarantees
from selflabel.audit.guarantees import AuditSample, ErrorTarget

LEVEL = ErrorTarget(error=0.05, alpha=0.05)
N_REDRAWS = 1_000
# Broken promises out of a thousand that a risk of one in twenty gives by chance in one of ten thousand simulations.
MOST_BROKEN = int(binom.ppf(1 - 1e-4, N_REDRAWS, LEVEL.alpha))


def audit(confidence, wrong, drawn=None, label=None):
    """An audit of labels of which ``wrong`` says which are; all are audited unless ``drawn`` says which."""
    confidence, wrong = np.asarray(confidence, float), np.asarray(wrong, bool)
    drawn = np.arange(len(confidence)) if drawn is None else np.asarray(drawn, int)
    label = np.zeros(len(confidence), int) if label is None else np.asarray(label)
    return AuditSample(confidence, label, drawn, wrong[drawn])


def nothing_wrong(n):
    return audit(np.linspace(0.5, 1, n), np.zeros(n))


# --- Worlds whose mistakes are known.


def _calibrated(rng, n):
    confidence = np.round(1 - rng.beta(0.3, 2.4, n), 6)
    return confidence, rng.random(n) < 1 - confidence


def _quarter_wrong(rng, n):
    confidence = np.round(1 - rng.beta(0.6, 1.8, n), 6)
    return confidence, rng.random(n) < 1 - confidence


def _over_confident(rng, n):
    confidence, wrong = _calibrated(rng, n)
    # What is claimed to be 1 % wrong is 10 % wrong.
    return np.round(1 - (1 - confidence) ** 2, 6), wrong


def _no_idea(rng, n):
    """Confidence says nothing; as much is wrong as is just too much for a promise of 5 %."""
    return rng.random(n).round(6), rng.random(n) < 0.06


def _one_class(rng, n):
    confidence, _ = _calibrated(rng, n)
    return confidence, (np.arange(n) % 10 == 3) & (rng.random(n) < 0.9)


def _tied(rng, n):
    confidence, wrong = _calibrated(rng, n)
    return np.round(confidence, 1), wrong


def _all_tied(rng, n):
    return np.ones(n), rng.random(n) < 0.06


WORLDS = {
    "calibrated": _calibrated, "quarter_wrong": _quarter_wrong, "over_confident": _over_confident,
    "no_idea": _no_idea, "one_class": _one_class, "tied": _tied, "all_tied": _all_tied,
}  # fmt: skip
N = 4_000


def world(name):
    rng = np.random.default_rng(sorted(WORLDS).index(name))
    return *WORLDS[name](rng, N), rng


@pytest.mark.parametrize("size", [20, 50, 100, 300])
@pytest.mark.parametrize("name", WORLDS)
def test_promises_are_broken_no_more_often_than_was_said(name, size):
    confidence, wrong, rng = world(name)
    n_all = N + 100
    label, n_classes = np.arange(N) % 10, 10
    of_class = np.bincount(label[wrong], minlength=n_classes) / np.bincount(label)
    broken = np.zeros(4, int)
    for _ in range(N_REDRAWS):
        one = audit(confidence, wrong, rng.choice(N, size, replace=False), label)
        shares = guarantees.shares(one, LEVEL)
        chosen = guarantees.certified(shares, LEVEL)
        is_kept = np.ones(N, bool)
        is_kept[guarantees.to_relabel(one, LEVEL, n_all=n_all)] = False
        broken += [
            wrong.mean() > bounds.upper(int(one.is_wrong.sum()), size, alpha=LEVEL.alpha),
            chosen is not None and wrong[confidence >= shares["threshold"][chosen]].mean() > LEVEL.error,
            wrong[is_kept].sum() > LEVEL.error * n_all,
            np.any(of_class > guarantees.of_classes(one, LEVEL, n_classes=n_classes)["error_at_most"]),
        ]
    assert np.all(broken <= MOST_BROKEN), broken.tolist()


@pytest.mark.parametrize("name", ["calibrated", "quarter_wrong", "tied"])
def test_promises_are_not_uselessly_loose(name):
    """Against those who know all mistakes: where to look once and nowhere else, and which labels to keep."""
    confidence, wrong, rng = world(name)
    n, order = 600, np.argsort(-confidence, kind="stable")
    mistakes, counts = np.cumsum(wrong[order]), np.arange(1, N + 1)
    inside = np.round(counts * n / N)
    most_allowed = binom.ppf(LEVEL.alpha, inside, LEVEL.error) - 1
    chance = binom.cdf(most_allowed, inside, mistakes / counts)
    one_look = np.max(counts / N * chance)
    most_kept = counts[mistakes <= LEVEL.error * N].max()
    coverage, kept = [], []
    for _ in range(200):
        one = audit(confidence, wrong, rng.choice(N, n, replace=False))
        shares = guarantees.shares(one, LEVEL)
        chosen = guarantees.certified(shares, LEVEL)
        coverage.append(0 if chosen is None else shares["coverage"][chosen])
        kept.append(N - len(guarantees.to_relabel(one, LEVEL, n_all=N)))
    assert np.mean(coverage) > 0.9 * one_look
    assert np.mean(kept) > 0.8 * most_kept


@pytest.mark.parametrize("n_wrong", [0, 30, 150])
def test_bounds_are_near_the_exact_ones_of_a_draw_without_replacement(n_wrong):
    n = 600
    exact = max(of for of in range(n_wrong, N) if hypergeom.cdf(n_wrong, N, of, n) > LEVEL.alpha) / N
    assert 0 <= bounds.upper(n_wrong, n, alpha=LEVEL.alpha) - exact < 0.005


@pytest.mark.parametrize("name", ["calibrated", "quarter_wrong", "over_confident"])
def test_the_estimates_intervals_hold_the_truth_and_the_confidences_narrow_them(name):
    confidence, wrong, rng = world(name)
    holds, widths = np.zeros(2), np.zeros(2)
    for _ in range(N_REDRAWS):
        found = guarantees.estimates(audit(confidence, wrong, rng.choice(N, 300, replace=False)), alpha=0.05)
        intervals = [found["classical"], found["prediction_powered"]]
        holds += [of["low"] <= wrong.mean() <= of["high"] for of in intervals]
        widths += [of["high"] - of["low"] for of in intervals]
    # Asymptotic intervals, of a finite set: near 95 %, and no more is claimed.
    assert np.all((holds > 0.93 * N_REDRAWS) & (holds < 0.98 * N_REDRAWS)), holds
    assert widths[1] < 0.95 * widths[0]


# --- The whole set, and each class.


def test_at_the_ends_of_the_ranges_the_numbers_are_numbers():
    for level in (
        ErrorTarget(0.0001, 1e-7),
        ErrorTarget(0.9999, 0.5),
        ErrorTarget(0.0001, 0.5),
        ErrorTarget(0.9999, 1e-7),
    ):
        assert guarantees.n_first(level) >= 1
        assert guarantees.n_enough(0, 0, level) == bounds.n_to_reject(level.error, alpha=level.alpha)
        assert guarantees.certified(guarantees.shares(nothing_wrong(0), level), level) is None
    # Just below the error it would take more answers than anybody has.
    assert guarantees.n_enough(15, 300, ErrorTarget(0.05 + 1e-9, 0.05)) is None


def test_the_first_share_holds_half_as_many_again_as_a_flawless_audit_needs():
    # ln 0.05 / ln 0.95 = 58.4, so that 59 flawless answers show 5 %.
    assert bounds.n_to_reject(0.05, alpha=0.05) == 59
    assert guarantees.n_first(LEVEL) == 88


@pytest.mark.parametrize(("n_wrong", "n", "expected"), [(0, 0, 59), (0, 300, 59), (15, 300, None), (9, 10, None)])
def test_how_many_answers_would_be_enough(n_wrong, n, expected):
    assert guarantees.n_enough(n_wrong, n, LEVEL) == expected


@given(n=st.integers(1, 2_000), share=st.floats(0, 0.04))
def test_that_many_would_indeed_be_enough(n, share):
    n_wrong = int(share * n)
    enough = guarantees.n_enough(n_wrong, n, LEVEL)
    assert bounds.upper(int(np.ceil(n_wrong / n * enough - 1e-9)), enough, alpha=LEVEL.alpha) <= LEVEL.error


def test_a_class_has_its_own_bound_at_the_level_divided_by_the_classes_there_are():
    one = audit(np.ones(40), np.arange(40) == 0, label=np.repeat([0, 2], 20))
    found = guarantees.of_classes(one, LEVEL, n_classes=3)
    assert found["n_machine"] == found["n_audited"] == [20, 0, 20]
    assert found["n_wrong"] == [1, 0, 0]
    half = [bounds.upper(k, 20, alpha=0.025) for k in (1, 0)]
    assert found["error_at_most"] == [half[0], None, half[1]]
    # 72 flawless answers at 2.5 %, of a class that is half of all.
    assert found["n_needed"] == [None, None, 2 * bounds.n_to_reject(0.05, alpha=0.025)]


# --- The certified part.


def test_shares_hold_the_most_confident_labels():
    confidence = np.arange(1, 101) / 100
    found = guarantees.shares(audit(confidence, confidence <= 0.3), LEVEL)
    assert found["n_inside"].tolist() == found["n_audited"].tolist() == list(range(5, 101, 5))
    assert found["threshold"][0] == 0.96 and found["threshold"][-1] == 0.01
    assert found["n_wrong"].tolist() == [0] * 14 + list(range(5, 31, 5))
    np.testing.assert_allclose(found["p_value"], binom.cdf(found["n_wrong"], found["n_audited"], 0.05))


def test_equal_confidences_are_on_one_side():
    found = guarantees.shares(audit([0.9] * 30 + [0.5] * 70, np.zeros(100)), LEVEL)
    assert found["threshold"].tolist() == [0.9, 0.5]
    assert found["n_inside"].tolist() == [30, 100]


def test_the_search_stops_at_the_first_failure():
    confidence = np.arange(2_000) / 2_000
    wrong = (confidence > 0.745) & (confidence < 0.755) | (confidence < 0.1)
    found = guarantees.shares(audit(confidence, wrong), ErrorTarget(0.004, 0.05))
    # A bad patch just inside a quarter; all before it are flawless, and much later the share is low again.
    chosen = guarantees.certified(found, ErrorTarget(0.004, 0.05))
    assert chosen is None
    shares = guarantees.shares(audit(confidence, wrong), LEVEL)
    assert shares["coverage"][guarantees.certified(shares, LEVEL)] == 0.9


def test_a_share_that_a_later_one_would_make_good_is_not_skipped():
    found = {
        "n_audited": np.array([50, 100, 150, 200]), "p_value": np.array([0.0, 0.04, 0.06, 0.01]),
        "coverage": np.array([0.25, 0.5, 0.75, 1.0]),
    }  # fmt: skip
    assert guarantees.certified(found, LEVEL) == 1
    found["p_value"][1] = 0.06
    assert guarantees.certified(found, LEVEL) is None


def test_too_few_answers_certify_nothing_though_none_is_wrong():
    few, enough = nothing_wrong(87), nothing_wrong(88)
    assert guarantees.certified(guarantees.shares(few, LEVEL), LEVEL) is None
    assert guarantees.certified(guarantees.shares(enough, LEVEL), LEVEL) == 19


@pytest.mark.parametrize("n", [0, 1, 100])
def test_without_answers_nothing_is_promised(n):
    one = audit(np.linspace(0, 1, n), np.zeros(n), drawn=[])
    assert guarantees.certified(guarantees.shares(one, LEVEL), LEVEL) is None
    assert len(guarantees.to_relabel(one, LEVEL, n_all=n)) == n
    assert guarantees.estimates(one, alpha=0.05) == {}


# --- The rest by people.


def test_from_the_first_uncertainty_that_fails_on_all_are_for_people():
    n = 300
    confidence = np.arange(n, 0, -1) / n
    # 300 answers allow 8 mistakes: the ninth of those at 0.5 and below is the first that fails.
    allowed = max(k for k in range(n) if bounds.upper(k, n, alpha=0.05) <= 0.05)
    wrong = confidence <= 0.5
    found = guarantees.to_relabel(audit(confidence, wrong), LEVEL, n_all=n)
    assert allowed == 8
    assert len(found) == 150 - allowed
    assert found.tolist() == list(range(n - 1, n - 1 - len(found), -1))


def test_what_is_certain_to_be_right_allows_more_mistakes():
    one = audit(np.linspace(0, 1, 300), np.linspace(0, 1, 300) < 0.2)
    assert len(guarantees.to_relabel(one, LEVEL, n_all=600)) < len(guarantees.to_relabel(one, LEVEL, n_all=300))


def test_no_label_by_people_is_needed_where_the_whole_set_is_good_enough():
    assert not len(guarantees.to_relabel(nothing_wrong(100), LEVEL, n_all=100))


def test_an_audit_too_small_for_the_promise_leaves_everything_to_people():
    """The trap: where no threshold fails because none could be looked at, all would be kept."""
    one = audit(np.linspace(0, 1, 1000), np.zeros(1000), drawn=np.arange(58))
    assert len(guarantees.to_relabel(one, LEVEL, n_all=1000)) == 1000
    assert not len(
        guarantees.to_relabel(one._replace(drawn=np.arange(59), is_wrong=np.zeros(59, bool)), LEVEL, n_all=1000)
    )


def test_equally_uncertain_labels_stay_together():
    confidence = np.repeat([0.9, 0.4], 500)
    found = guarantees.to_relabel(audit(confidence, confidence < 0.5), LEVEL, n_all=1000)
    assert sorted(found.tolist()) == list(range(500, 1000))


@settings(max_examples=200)
@given(st.data())
def test_what_is_kept_and_what_is_certified_are_those_above_a_confidence(data):
    n = data.draw(st.integers(1, 200))
    levels = data.draw(st.integers(1, 10))
    rng = np.random.default_rng(data.draw(st.integers(0, 2**32 - 1)))
    confidence, wrong = rng.integers(0, levels, n) / levels, rng.random(n) < rng.random()
    drawn = rng.choice(n, data.draw(st.integers(0, n)), replace=False)
    level = ErrorTarget(data.draw(st.floats(0.01, 0.9)), data.draw(st.floats(0.01, 0.5)))
    one = audit(confidence, wrong, drawn)
    found = guarantees.to_relabel(one, level, n_all=n + data.draw(st.integers(0, 100)))
    kept = np.setdiff1d(np.arange(n), found)
    assert not len(kept) or not len(found) or confidence[kept].min() > confidence[found].max()
    shares = guarantees.shares(one, level)
    assert np.all(np.diff(shares["threshold"]) < 0) and np.all(np.diff(shares["n_inside"]) > 0)
    assert shares["n_inside"][-1] == n
    for row, threshold in enumerate(shares["threshold"]):
        assert shares["n_inside"][row] == np.sum(confidence >= threshold)
        assert shares["n_wrong"][row] == np.sum(one.is_wrong[confidence[drawn] >= threshold])
    # The order in which answers come tells nothing.
    mixed = rng.permutation(len(drawn))
    again = one._replace(drawn=drawn[mixed], is_wrong=one.is_wrong[mixed])
    assert np.array_equal(guarantees.to_relabel(again, level, n_all=n), guarantees.to_relabel(one, level, n_all=n))


# --- The estimates.


def test_an_estimate_of_confidences_that_say_nothing_is_the_classical_one():
    one = audit(np.ones(100), np.arange(100) < 20, drawn=np.arange(0, 100, 2))
    found = guarantees.estimates(one, alpha=0.05)
    assert found["prediction_powered"] == found["classical"]
    assert found["classical"]["estimate"] == 0.2
    half = 1.959964 * np.sqrt(0.2 * 0.8 / 49)
    np.testing.assert_allclose(
        [found["classical"][end] for end in ("low", "high")], [0.2 - half, 0.2 + half], rtol=1e-6
    )


def test_an_estimate_of_confidences_that_know_everything_is_exact():
    wrong = np.arange(1000) % 10 == 0
    found = guarantees.estimates(audit(1.0 - wrong, wrong, drawn=np.arange(55)), alpha=0.05)
    width = {name: of["high"] - of["low"] for name, of in found.items()}
    assert abs(found["prediction_powered"]["estimate"] - 0.1) < 0.001
    assert width["prediction_powered"] < 0.25 * width["classical"]


@pytest.mark.parametrize("n_wrong", [0, 4, 96, 100])
def test_with_too_few_mistakes_there_is_no_normal_interval(n_wrong):
    assert guarantees.estimates(audit(np.linspace(0, 1, 100), np.arange(100) < n_wrong), alpha=0.05) == {}
