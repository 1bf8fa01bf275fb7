"""What an audit would be worth."""

import numpy as np
import pytest
from examples import certificate

from selflabel.audit import forecast, simulate
from selflabel.audit.certificate import AuditConfig
from selflabel.audit.forecast import Found, Worth
from selflabel.audit.guarantees import ErrorTarget
from selflabel.labels.questions import AskedQuestions, Replies
from selflabel.labels.table import Labels

LEVEL = ErrorTarget(0.05, 0.05)
CONFIG = AuditConfig(
    size=500, planned=500, seed=0, error=0.05, confidence=0.95, together=False, looks=1, label_rest=False
)
RNG = np.random.default_rng(0)
CONFIDENCE = np.round(1 - RNG.beta(0.3, 4, 3_000), 6)


def test_eight_of_ten_audits_are_within_the_interval_where_the_confidences_are_right():
    sizes = (200, 500)
    told = forecast.fixed(CONFIDENCE, lambda size: LEVEL, n_all=3_000, sizes=sizes, seed=1)
    for of in told:
        inside = []
        for _ in range(60):
            is_wrong = RNG.random(3_000) < 1 - CONFIDENCE
            drawn = RNG.permutation(3_000)[: of.answers]
            inside.append(
                of.low <= simulate.audited(CONFIDENCE, is_wrong, drawn, LEVEL, 3_000)["certified_coverage"] <= of.high
            )
        assert np.mean(inside) >= 0.7 and of.low <= of.coverage <= of.high
    assert told[0].coverage < told[1].coverage


def test_who_has_found_more_wrong_than_was_claimed_expects_less():
    right, worse = (
        forecast.fixed(CONFIDENCE, lambda size: LEVEL, n_all=3_000, found=found, sizes=(500,))[0]
        for found in (Found(35, 35.0), Found(70, 35.0))
    )
    assert worse.coverage < right.coverage and worse.by_people > right.by_people
    assert Found(70, 35.0).times == pytest.approx(80 / 45) and Found().times == 1
    some, more = (forecast.sequential(CONFIDENCE, LEVEL, found=found) for found in (None, Found(70, 35.0)))
    assert [share for share, _ in some] == list(forecast.SHARES) and all(
        a[1] < b[1] for a, b in zip(some, more, strict=True) if np.isfinite(b[1])
    )


def test_of_fewer_labels_than_answers_nothing_is_said():
    assert [of.answers for of in forecast.fixed(CONFIDENCE[:250], lambda size: LEVEL, n_all=250)] == [100, 200]
    assert "In all" not in forecast.text(CONFIDENCE[:50], CONFIG, n_all=50, n_labels=9, found=None)


@pytest.mark.parametrize(
    ("n_labels", "next_step"),
    [(100, "1,000 more questions first, then an audit of 500."), (10**6, "take an audit of 500.")],
)
def test_the_text_says_what_takes_the_fewest_labels_by_people(monkeypatch, n_labels, next_step):
    """Where few labels have taught, questions pay; where many have, nothing is to be won by them."""

    def fixed(confidence, target_at, *, n_all, found, sizes=(200, 500), less=1.0, progress=iter):
        return [Worth(size, 0.5, 0.4, 0.6, (6_000 - size) * less) for size in sizes]

    monkeypatch.setattr(forecast, "fixed", fixed)
    told = forecast.text(CONFIDENCE, CONFIG, n_all=3_000, n_labels=n_labels, found=None)
    assert "if about as many labels are wrong as the confidences claim" in told
    assert "audit.size and audit.planned" in told and "audit.mode: sequential" in told and "ask.budget" in told
    assert told.endswith(next_step)


def test_more_questions_are_worth_what_the_curve_says_and_an_audit_narrows_it():
    before, after = (forecast.questions(CONFIDENCE, 300, found=found) for found in (None, Found(70, 70.0)))
    claimed = (1 - CONFIDENCE).mean()
    assert [n for n, *_ in before] == [0, 100, 300, 1_000]
    assert before[0][1] == pytest.approx(1 - claimed, abs=0.005)
    assert before[2][1] == pytest.approx(1 - claimed * 0.5**forecast.POWER, abs=0.01)
    assert all(low < mean < high for _, mean, low, high in before)
    assert all(a[3] - a[2] < b[3] - b[2] for a, b in zip(after, before, strict=True))


def test_only_a_whole_audit_of_fixed_size_has_found_something():
    labels = Labels.from_seeds(np.array([0]), np.array([0]), n_rows=4)
    labels = labels.with_machine_labels(np.arange(1, 4), np.zeros(3, int), np.array([0.9, 0.8, 0.7]), round_number=1)
    replies = Replies([1, 3], [0, 1], ["answered"] * 2, ["ann"] * 2, [""] * 2)
    asked = AskedQuestions.empty().with_replies("audit", replies, round_number=1)
    found = forecast.found(labels, asked, certificate(audit={"n_drawn": 2, "n_wrong": 1}))
    assert found.n_wrong == 1 and found.claimed == pytest.approx(0.4)
    assert forecast.found(labels, asked, certificate(audit={"n_missing": 1})) is None
    assert forecast.found(labels, asked, certificate(audit={"n_drawn": 0})) is None
