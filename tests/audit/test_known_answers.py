"""Answers that are there before a run: they teach from round 0 on, and a later audit is a uniform draw all the same."""

import numpy as np
import pytest

from selflabel.audit import bounds, draw
from selflabel.features.feature_set import FeatureSet
from selflabel.labels import answers, state
from selflabel.labels.questions import KNOWN
from selflabel.labels.table import HUMAN, SEED, Labels
from selflabel.loop import acceptance
from selflabel.loop.query import QueryConfig
from selflabel.loop.round import RoundConfig, run_round
from selflabel.loop.run import run_loop
from selflabel.models.catalogue import ClassifierConfig
from selflabel.models.predict import FitConfig

N, CLASSES = 300, ("a", "b")
HASHES = [f"{row:032x}" for row in range(N)]
SETTINGS = RoundConfig(
    FitConfig(ClassifierConfig("kernel_ridge", C=10.0, gamma=2.0), train_on="human_labels"), acceptance.above(0.0),
    keep="revise", query=QueryConfig("margin", 15, 10**6, 0.0, 0.2, 0),
)  # fmt: skip


def world():
    """Points, two classes that no curve divides, and the same points seen with other noise."""
    generator = np.random.default_rng(0)
    points = generator.normal(size=(N, 2)).astype(np.float32)
    truth = points[:, 0] + 0.6 * points[:, 1] ** 2 + generator.normal(scale=0.5, size=N) > 0.3
    return points, (points + generator.normal(scale=0.4, size=points.shape)).astype(np.float32), truth.astype(np.int16)


POINTS, OTHERWISE, TRUTH = world()
SEEDS = np.sort(np.concatenate([np.flatnonzero(number == TRUTH)[:4] for number in (0, 1)]))


def look_up(rows):
    return answers.from_truth(rows, TRUTH)


def start(known=(), apart=(), why=KNOWN):
    seeds = Labels.from_seeds(SEEDS, TRUTH[SEEDS], n_rows=N)
    first = state.first(seeds, known=dict.fromkeys(map(int, known), why), apart=apart)
    return first.answered(look_up(first.questions.row))


def run(features, before):
    """Two rounds that ask, and the last acceptance."""
    held, options = FeatureSet(features, features[:0]), {"classes": CLASSES}
    before = run_loop(before, held, n_rounds=2, config=SETTINGS, answer=look_up, **options)
    return run_round(before, held, round_number=3, config=SETTINGS._replace(query=None), **options).state


FIRST = run(POINTS, start())


def test_a_known_answer_is_a_persons_label_from_round_0_on_and_other_images_are_asked_about():
    known = FIRST.asked.row
    before, after = start(known), run(OTHERWISE, start(known))
    assert set(before.labels.origin[known]) == {HUMAN} and set(before.labels.round[known]) == {0}
    assert np.array_equal(before.labels.label[known], TRUTH[known]) and set(before.labels.origin[SEEDS]) == {SEED}
    later = after.asked.row[after.asked.strategy == "margin"]
    assert len(later) == 30 and not np.isin(later, known).any()
    # In the budget they count as what they are: answers.
    assert before.n_asked == len(known) == 30 and after.n_asked == 60


def test_a_known_answer_is_no_evidence_unless_it_was_asked_for_at_random():
    assert start([20, 21]).picked.tolist() == [20, 21]
    assert start([20, 21], why="random").picked.tolist() == []


def test_what_is_apart_teaches_nothing_and_nobody_is_asked_about_it_again():
    apart = first_audit(0)
    after = run(OTHERWISE, start(FIRST.asked.row, apart))
    assert not after.labels.is_human[apart].any() and not np.isin(after.asked.row, apart).any()
    assert len(after.asked.row) == after.n_asked == 60
    # They are machine labels like others, and may be audited again.
    assert np.isin(apart, draw.targets(after.labels, after.asked.row)).all()


def first_audit(seed):
    return draw.draw(draw.order(HASHES, seed=seed), draw.targets(FIRST.labels, FIRST.asked.row), size=60)


def audit_after(features, known, seed, *, asks, late):
    """Whether each audited and each auditable machine label is wrong, of a later run that knows the first's answers."""
    before = start(known, first_audit(seed))
    if asks:
        after = run(features, before)
    else:
        settings = SETTINGS._replace(query=None)
        held = FeatureSet(features, features[:0])
        after = run_round(before, held, round_number=1, config=settings, classes=CLASSES).state
    rows = draw.targets(after.labels, after.asked.row)
    asked = [HASHES[row] for row in np.setdiff1d(after.asked.row, known)]
    order = draw.order(HASHES, seed=seed, late=asked if late else ())
    is_wrong = after.labels.label != TRUTH
    return is_wrong[draw.draw(order, rows, size=60)], is_wrong[rows]


@pytest.mark.parametrize(
    ("asks", "late", "n_redraws"),
    [(False, False, 250), (True, True, 250), (True, False, 100)],
    ids=["other features, the same answers", "questions after the audit, another order", "the control: the old order"],
)
def test_a_later_audit_is_a_uniform_draw_and_keeps_its_promise(asks, late, n_redraws):
    """After more questions the old order would not do: none of them was about what the first audit had drawn."""
    redraws = [audit_after(OTHERWISE, FIRST.asked.row, seed, asks=asks, late=late) for seed in range(n_redraws)]
    differences = np.array([drawn.mean() - of_all.mean() for drawn, of_all in redraws])
    bias = differences.mean() / (differences.std() / np.sqrt(n_redraws))
    if asks and not late:
        assert bias > 4
        return
    assert abs(bias) < 3
    found = [bounds.upper(int(drawn.sum()), len(drawn), alpha=0.05) for drawn, _ in redraws]
    n_broken = sum(bound < of_all.mean() for bound, (_, of_all) in zip(found, redraws, strict=True))
    # 5 % of them, and three standard deviations.
    assert n_broken <= 0.05 * n_redraws + 3 * np.sqrt(0.05 * 0.95 * n_redraws)
