"""The certificate: small audits counted by hand, and promises that must hold over many simulated audits."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mapie.risk_control.fwer_control import FWERFixedSequenceTesting, control_fwer
from scipy.stats import binom, hypergeom

from selflabel.audit import bounds, by_class, guarantees
from selflabel.audit.certificate import AuditConfig
from selflabel.audit.guarantees import AuditSample, ErrorTarget

LEVEL = ErrorTarget(error=0.05, alpha=0.05)
N_REDRAWS = 1_000
PLAN = AuditConfig(
    size=0, planned=250, seed=0, error=LEVEL.error, confidence=1 - LEVEL.alpha, together=False, looks=1,
    label_rest=False,
)  # fmt: skip


def audit(confidence, wrong, drawn=None, label=None):
    """An audit of labels of which ``wrong`` says which are; all are audited unless ``drawn`` says which."""
    confidence, wrong = np.asarray(confidence, float), np.asarray(wrong, bool)
    drawn = np.arange(len(confidence)) if drawn is None else np.asarray(drawn, int)
    label = np.zeros(len(confidence), int) if label is None else np.asarray(label)
    return AuditSample(confidence, label, drawn, wrong[drawn])


# Whatever the size, the whole risk.
ALWAYS = dict.fromkeys((1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000, 10**5, 10**6, 10**7), LEVEL)


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


def _upside_down(rng, n):
    """The most confident labels are the wrong ones."""
    confidence = rng.random(n).round(3)
    return confidence, rng.random(n) < 0.2 * confidence**4


def _sure_and_wrong(rng, n):
    """A class wholly wrong, at the highest confidence."""
    confidence, wrong = _calibrated(rng, n)
    is_class = np.arange(n) % 10 == 3
    return np.where(is_class, 1.0, 0.9 * confidence), is_class | wrong


def _step(rng, n):
    """Just good enough, and just not any more."""
    confidence = np.sort(rng.random(n).round(6))[::-1]
    return confidence, rng.random(n) < np.where(np.arange(n) < 0.4 * n, 0.048, 0.07)


def _tiny(rng, n):
    return rng.random(29).round(2), rng.random(29) < 0.1


def _small(rng, n):
    return rng.random(150).round(2), rng.random(150) < 0.06


HARDER = WORLDS | {
    "upside_down": _upside_down, "sure_and_wrong": _sure_and_wrong, "step": _step, "tiny": _tiny, "small": _small,
}  # fmt: skip
N_PATHS = 2_000
PROMISES = ("whole", "part", "rest", "classes")


def _inside(place, which, n_shares):
    """How many of each path's images, ``which``, bool (N_PATHS, m), are in each share: int (N_PATHS, n_shares)."""
    path = np.arange(len(place))[:, None] * n_shares
    return np.bincount((place + path)[which], minlength=len(place) * n_shares).reshape(-1, n_shares).cumsum(axis=1)


def broken_promises(confidence, wrong, rng, sizes, targets, n_classes=10):
    """Whether each promise is broken, by its name bool (N_PATHS, sizes), of audits that are enlarged again and again.

    All with the package's own functions, but over all audits at once.
    """
    n, n_all = len(confidence), len(confidence) + 100
    label, ranked = np.arange(n) % n_classes, -np.sort(-confidence)
    of_class, wrong_of_class = (np.bincount(label[which], minlength=n_classes) for which in (np.full(n, True), wrong))
    orders = rng.permuted(np.tile(np.arange(n), (N_PATHS, 1)), axis=1)
    shares = guarantees.shares(audit(confidence, wrong, []), LEVEL)
    inside, threshold = shares["n_inside"], shares["threshold"]
    place = np.searchsorted(-threshold, -confidence)
    is_bad = np.array([wrong[confidence >= of].mean() > LEVEL.error for of in threshold])
    claimed = np.cumsum(1 - ranked)[inside - 1] / inside
    found = {name: np.zeros((N_PATHS, len(sizes)), bool) for name in PROMISES}
    for column, (size, target) in enumerate(zip(sizes, targets, strict=True)):
        drawn = orders[:, :size]
        is_wrong = wrong[drawn]
        k, m = is_wrong.sum(axis=1), drawn.shape[1]
        table = bounds.uppers(np.arange(m + 1), np.full(m + 1, m), np.full(m + 1, n), alpha=target.alpha)
        found["whole"][:, column] = wrong.mean() > table[k]
        n_in, k_in = (_inside(place[drawn], which, len(inside)) for which in (np.ones_like(is_wrong), is_wrong))
        p_values = bounds.p_value(k_in, n_in, inside, error=target.error)
        start = guarantees.starts(inside, claimed, m, target)
        chosen = [guarantees.certified({"start": start, "p_value": of}, target) for of in p_values]
        found["part"][:, column] = [of is not None and is_bad[of] for of in chosen]
        # Where not even a flawless audit would do, all are for people.
        can_keep = len(guarantees.to_relabel(audit(confidence, wrong & False, drawn[0]), target, n_all=n_all)) < n
        for path in range(N_PATHS if can_keep else 0):
            is_kept = np.ones(n, bool)
            is_kept[guarantees.to_relabel(audit(confidence, wrong, drawn[path]), target, n_all=n_all)] = False
            found["rest"][path, column] = wrong[is_kept].sum() > target.error * n_all
        k_of, n_of = np.zeros((2, N_PATHS, n_classes), int)
        for number in range(n_classes):
            of_this = label[drawn] == number
            k_of[:, number], n_of[:, number] = (of_this & is_wrong).sum(axis=1), of_this.sum(axis=1)
        bound = by_class.uppers(k_of, n_of, np.tile(of_class, (N_PATHS, 1)), target)
        found["classes"][:, column] = np.any(bound < wrong_of_class / of_class - 1e-12, axis=1)
    return found


@pytest.mark.parametrize("name", HARDER)
def test_promises_are_broken_no_more_often_than_was_said_however_often_one_looks(name):
    """One who enlarges the audit and looks at each size, and counts it as broken if any of them was."""
    rng = np.random.default_rng(sorted(HARDER).index(name))
    confidence, wrong = HARDER[name](rng, N)
    n = len(confidence)
    targets = {size: of for size, of in PLAN.targets().items() if 10 <= size < min(n, 1_001)}
    found = broken_promises(confidence, wrong, rng, list(targets), list(targets.values()))
    most = binom.ppf(1 - 1e-4, N_PATHS, LEVEL.alpha)
    told = {promise: int(broken.any(axis=1).sum()) for promise, broken in found.items()}
    assert max(told.values()) <= most, told


@pytest.mark.parametrize("name", HARDER)
def test_a_single_look_with_the_whole_risk_keeps_its_promises(name):
    rng = np.random.default_rng(100 + sorted(HARDER).index(name))
    confidence, wrong = HARDER[name](rng, N)
    found = broken_promises(confidence, wrong, rng, [min(300, len(wrong) - 1)], [LEVEL])
    most = binom.ppf(1 - 1e-4, N_PATHS, LEVEL.alpha)
    told = {promise: int(broken.sum()) for promise, broken in found.items()}
    assert max(told.values()) <= most, told


def test_looks_that_each_took_the_whole_risk_would_break_more_promises():
    """The control, and what was done before: who enlarges a hundred at a time until something is certified."""
    rng = np.random.default_rng(0)
    confidence, wrong = rng.random(N).round(6), np.arange(N) < 0.0515 * N
    sizes = [100, 200, 400, 800]
    each = broken_promises(confidence, wrong, rng, sizes, [LEVEL] * len(sizes))["whole"].any(axis=1).mean()
    shared = [PLAN._replace(planned=100).targets()[size] for size in sizes]
    assert broken_promises(confidence, wrong, rng, sizes, shared)["whole"].any(axis=1).mean() < 0.05 < each


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


# --- The whole set.


def test_at_the_ends_of_the_ranges_the_numbers_are_numbers():
    for level in (
        ErrorTarget(0.0001, 1e-7),
        ErrorTarget(0.9999, 0.5),
        ErrorTarget(0.0001, 0.5),
        ErrorTarget(0.9999, 1e-7),
    ):
        enough = guarantees.n_enough(0, 0, 10**7, 10**7, dict.fromkeys(ALWAYS, level))
        flawless = bounds.n_flawless(level.error, alpha=level.alpha)
        assert enough == next((size for size in ALWAYS if size >= flawless * (1 - 1e-9)), None)
        assert guarantees.certified(guarantees.shares(nothing_wrong(0), level), level) is None
    # Just below the error it would take more answers than anybody has.
    assert guarantees.n_enough(15, 300, 10**8, 10**8, dict.fromkeys(ALWAYS, ErrorTarget(0.05 + 1e-9, 0.05))) is None


@pytest.mark.parametrize(("n_wrong", "n", "expected"), [(0, 0, 100), (0, 300, 100), (15, 300, None), (9, 10, None)])
def test_how_many_answers_would_be_enough(n_wrong, n, expected):
    # ln 0.05 / ln 0.95 = 58.4: 59 flawless answers show 5 %, and an audit is looked at when it has 50, then 100.
    assert guarantees.n_enough(n_wrong, n, 10**6 - 1, 10**6 - 1, ALWAYS) == expected
    assert guarantees.n_enough(0, 0, 10**5, 10**5, ALWAYS, above=100) == 200
    # Of half of the labels there are half as many in the audit.
    assert guarantees.n_enough(0, 0, 5 * 10**4, 10**5, ALWAYS) == 200


@given(n=st.integers(1, 2_000), share=st.floats(0, 0.04), n_all=st.integers(60, 10**6))
def test_that_many_would_indeed_be_enough(n, share, n_all):
    n_wrong = int(share * n)
    enough = guarantees.n_enough(n_wrong, n, n_all, n_all, ALWAYS)
    if enough is not None:
        n_then = int(np.ceil(n_wrong / n * enough - 1e-9))
        assert enough <= n_all and bounds.upper(n_then, enough, alpha=LEVEL.alpha, n_all=n_all) <= LEVEL.error


# --- The certified part.


def test_shares_hold_the_most_confident_labels():
    confidence = np.arange(1, 101) / 100
    found = guarantees.shares(audit(confidence, confidence <= 0.3), LEVEL)
    assert found["n_inside"].tolist() == found["n_audited"].tolist() == list(range(5, 101, 5))
    assert found["threshold"][0] == 0.96 and found["threshold"][-1] == 0.01
    assert found["n_wrong"].tolist() == [0] * 14 + list(range(5, 31, 5))
    # All are audited, so that it is known which shares hold too many.
    assert found["p_value"].tolist() == [0.0] * 14 + [1.0] * 6
    one = audit(confidence, confidence <= 0.3, drawn=np.arange(0, 100, 2))
    found, n = guarantees.shares(one, LEVEL), np.arange(5, 101, 5)
    exact = hypergeom.cdf(found["n_wrong"], n, np.floor(n / 20 + 1e-9) + 1, found["n_audited"])
    np.testing.assert_allclose(found["p_value"], exact)


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
        "p_value": np.array([0.0, 0.04, 0.06, 0.01]),
        "start": np.array([1.0, 0.0, 0.0, 0.0]),
    }  # fmt: skip
    assert guarantees.certified(found, LEVEL) == 1
    found["p_value"][0] = 0.06
    assert guarantees.certified(found, LEVEL) is None


@given(st.lists(st.floats(0, 0.2), min_size=1, max_size=12), st.integers(1, 4))
def test_it_certifies_what_mapies_fixed_sequence_does_and_more_with_several_starts(p_values, n_starts):
    n, n_starts = len(p_values), min(n_starts, len(p_values))
    start = np.zeros(n)
    start[np.arange(n_starts) * (n // n_starts)] = 1 / n_starts
    ours = guarantees.certified({"p_value": np.array(p_values), "start": start}, LEVEL)
    theirs = control_fwer(np.array(p_values), LEVEL.alpha, FWERFixedSequenceTesting(n_starts))
    last = int(theirs.max()) if len(theirs) else None
    # Theirs hands nothing on from one start to the next.
    assert ours == last if n_starts == 1 else last is None or (ours is not None and ours >= last)


def test_a_start_that_fails_does_not_end_the_search_and_risk_is_handed_on():
    """Fallback: a later start has its own part of the risk, and that of all before it that did not fail."""
    found = {"p_value": np.array([0.06, 0.01, 0.03, 0.04, 0.5]), "start": np.array([0.25, 0.25, 0.5, 0.0, 0.0])}
    # At 0.0125, 0.0125 and 0.0375, and the last one at the 0.0375 that is left of the risk.
    assert guarantees.certified(found, LEVEL) == 2
    found["p_value"][:2] = 0.001
    assert guarantees.certified(found, LEVEL) == 3
    found["p_value"][:3] = [0.02, 0.02, 0.03]
    assert guarantees.certified(found, LEVEL) is None


def test_the_search_starts_where_the_claims_say_that_most_can_be_certified_and_lower_in_case_they_are_wrong():
    n_inside, claimed = np.arange(1, 21) * 1_000, np.linspace(0, 0.05, 20)
    found = guarantees.starts(n_inside, claimed / 2, 500, LEVEL)
    assert sorted(found[found > 0]) == [0.25, 0.75] and found.argmax() == np.flatnonzero(found)[-1]
    # Better claims start higher; the careful start stays.
    better = guarantees.starts(n_inside, claimed / 5, 500, LEVEL)
    assert better.argmax() > found.argmax() and np.flatnonzero(better)[0] == np.flatnonzero(found)[0]
    # Fewer than may show anything start nowhere; where all shares are as good it is the whole.
    assert not guarantees.starts(n_inside, claimed, 50, LEVEL).any()
    assert guarantees.starts(n_inside, 0 * claimed, 60, LEVEL).nonzero()[0].tolist() == [19]


def test_shares_that_are_good_are_certified_though_the_smallest_one_fails():
    """The search ended at the first share that it tried, a small one; 35 to 55 % were good."""
    confidence = 1 - 0.15 * np.linspace(0, 1, 2_000) ** 2
    wrong = np.isin(np.arange(2_000), [*range(0, 300, 20), *range(1_300, 2_000, 3)])
    one = audit(confidence, wrong, drawn=np.random.default_rng(0).choice(2_000, 500, replace=False))
    shares = guarantees.shares(one, LEVEL)
    # A fixed sequence from the first share with 88 audited images ended there.
    assert shares["n_audited"][3] > 88 and shares["p_value"][3] > 0.05
    assert 0.5 <= shares["coverage"][guarantees.certified(shares, LEVEL)] <= 0.7


def test_too_few_answers_certify_nothing_though_none_is_wrong():
    confidence = np.linspace(0.98, 1, 100_000)
    few, enough = (audit(confidence, np.zeros(100_000), drawn=np.arange(n) * 1_000) for n in (58, 59))
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
    n, step = 30_000, 100
    confidence = np.arange(n, 0, -1) / n
    # 300 answers allow 8 mistakes: the ninth of those at 0.5 and below is the first that fails.
    allowed = max(k for k in range(300) if bounds.upper(k, 300, alpha=0.05, n_all=n) <= 0.05)
    one = audit(confidence, confidence <= 0.5, drawn=np.arange(0, n, step))
    found = guarantees.to_relabel(one, LEVEL, n_all=n)
    assert allowed == 8
    assert len(found) == n // 2 - allowed * step
    assert found.tolist() == list(range(n - 1, n - 1 - len(found), -1))


def test_what_is_certain_to_be_right_allows_more_mistakes():
    one = audit(np.linspace(0, 1, 300), np.linspace(0, 1, 300) < 0.2)
    assert len(guarantees.to_relabel(one, LEVEL, n_all=600)) < len(guarantees.to_relabel(one, LEVEL, n_all=300))


def test_no_label_by_people_is_needed_where_the_whole_set_is_good_enough():
    assert not len(guarantees.to_relabel(nothing_wrong(100), LEVEL, n_all=100))


def test_an_audit_too_small_for_the_promise_leaves_everything_to_people():
    """The trap: where no threshold fails because none could be looked at, all would be kept."""
    n = 100_000
    one = audit(np.linspace(0, 1, n), np.zeros(n), drawn=np.arange(58))
    assert len(guarantees.to_relabel(one, LEVEL, n_all=n)) == n
    assert not len(
        guarantees.to_relabel(one._replace(drawn=np.arange(59), is_wrong=np.zeros(59, bool)), LEVEL, n_all=n)
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
