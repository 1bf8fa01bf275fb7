"""Summaries: what a round did, what it claims against what people's labels show, and why it may be the last."""

import json

import numpy as np
import pytest
from examples import SUMMARY
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import cohen_kappa_score

from selflabel.labels import history, state
from selflabel.labels.questions import AskedQuestions, Questions, Replies
from selflabel.labels.table import Labels
from selflabel.loop import acceptance
from selflabel.loop import summary as summaries
from selflabel.loop.acceptance import Selection
from selflabel.loop.query import QueryConfig
from selflabel.loop.round import RoundConfig
from selflabel.loop.summary import PrecisionCheck
from selflabel.models.classifiers import ClassifierConfig
from selflabel.models.out_of_fold import Evidence
from selflabel.models.predict import FitConfig, Predictions

CLASSES = ("a", "b", "c")
SETTINGS = RoundConfig(FitConfig(ClassifierConfig("linear_svm")), acceptance.above(0.5))
REVISE = SETTINGS._replace(keep="revise")
NOTHING = Selection(np.empty(0, np.int64), None)
GOES_WELL = PrecisionCheck()


def labels(machine, *, human=(), before=None, number=1):
    """Labels of six rows: row 0 is a seed of class 1; ``machine`` and ``human`` say which others have which class."""
    found = before or Labels.from_seeds(np.array([0]), np.array([1]), n_rows=6)
    rows, classes = np.array([*machine], int), np.array([*machine.values()])
    found = found.revised(rows, classes, np.full(len(rows), 0.9), round_number=number)
    human = dict(human)
    return found.with_human_labels(np.array([*human], int), np.array([*human.values()]), round_number=number)


def opinion(confidences, predicted, evidence=None):
    """What is said of some rows, of two classes, the likelier with such a confidence."""
    likelier = np.array(confidences, np.float64)
    pool = np.where(np.array(predicted)[:, None] == [0, 1], likelier[:, None], 1 - likelier[:, None])
    return Predictions(pool, likelier, np.empty((0, 2), np.float32), evidence, scores=pool)


def shown(n_right, n_wrong, confidence=0.9):
    """Human-given labels of class 0 out of fold."""
    n = n_right + n_wrong
    return Evidence(np.full(n, confidence), np.zeros(n, int), np.arange(n) < n_right)


# Changes.


def test_changes_count_what_is_new_what_is_another_and_what_is_gone():
    before = labels({1: 2, 2: 2, 3: 0})
    # Row 1 keeps its label, row 2 gets another, row 3 loses it, row 4 gets its first, row 5 has none.
    after = labels({1: 2, 2: 1, 4: 1}, before=before, number=2)
    assert summaries.changes(before, after, 2, CLASSES) == {
        "n_accepted": 3,
        "n_new": 2,
        "accepted_per_class": {"a": 0, "b": 2, "c": 1},
        "n_flipped": 1,
        "n_withdrawn": 1,
        "n_remaining": 2,
        "human_labels": 1,
    }


def test_labels_given_again_are_no_change_and_what_people_say_is_neither_accepted_nor_withdrawn():
    before = labels({1: 2, 2: 0})
    # Row 2, which a machine labelled, and row 3 are answered.
    counts = summaries.changes(before, labels({1: 2}, human={2: 1, 3: 0}, before=before, number=2), 2, CLASSES)
    assert (counts["n_accepted"], counts["accepted_per_class"]) == (1, {"a": 0, "b": 0, "c": 1})
    assert (counts["n_new"], counts["n_flipped"], counts["n_withdrawn"]) == (0, 0, 0)
    assert (counts["n_remaining"], counts["human_labels"]) == (2, 3)


def test_labels_that_stay_since_an_earlier_round_are_not_accepted_by_a_later_one():
    before = labels({1: 2, 2: 0})
    after = before.with_machine_labels(np.array([4]), np.array([0]), np.array([0.9]), round_number=2)
    counts = summaries.changes(before, after, 2, CLASSES)
    assert (counts["n_accepted"], counts["n_new"], counts["n_withdrawn"]) == (1, 1, 0)
    assert counts["accepted_per_class"] == {"a": 1, "b": 0, "c": 0}
    for number in (2, 3):
        counts = summaries.changes(before, before, number, CLASSES)
        assert (counts["n_accepted"], counts["n_new"], counts["n_withdrawn"]) == (0, 0, 0)
        assert counts["accepted_per_class"] == dict.fromkeys(CLASSES, 0)


MACHINE = st.dictionaries(st.integers(1, 5), st.integers(0, 2))


@given(MACHINE, MACHINE)
def test_what_is_new_less_what_is_another_less_what_is_gone_is_by_how_much_there_are_more(one, two):
    before, after = labels(one), labels(two, before=labels(one), number=2)
    counts = summaries.changes(before, after, 2, CLASSES)
    assert counts["n_new"] - counts["n_flipped"] - counts["n_withdrawn"] == len(two) - len(one)
    assert counts["n_new"] == sum(one.get(row) != given for row, given in two.items())
    assert counts["n_flipped"] <= counts["n_new"] <= counts["n_accepted"] == len(two)
    assert list(counts["accepted_per_class"].values()) == [[*two.values()].count(index) for index in range(3)]
    assert counts["n_flipped"] == after.flips.sum() - before.flips.sum()
    assert counts["n_remaining"] == 5 - len(two)


# The check of what is claimed.


def test_what_is_claimed_is_compared_with_what_labels_alike_show():
    evidence = Evidence(
        confidence=np.array([0.95, 0.8, 0.79, 0.96, 0.99, 0.7, 0.7]),
        predicted=np.array([0, 0, 0, 0, 1, 1, 1]),
        is_right=np.array([True, False, True, True, True, False, True]),
    )
    found = opinion([0.8, 0.95, 0.99, 0.55], [0, 0, 1, 1], evidence)
    checked = summaries.check_precision(found, np.array([0, 1, 2]), margin=1.0)
    # Class 0 from 0.8 to 0.95: one of two is right; class 1 at 0.99: the one is.
    assert checked == PrecisionCheck(
        claimed_precision=round((0.8 + 0.95 + 0.99) / 3, 6),
        shown_precision=round(2 / 3, 6),
        n_shown=3,
        precision_alarm=False,
    )


def test_where_nothing_is_accepted_nothing_is_claimed_and_without_folds_nothing_is_shown():
    assert summaries.check_precision(opinion([0.9], [0], shown(9, 0)), np.empty(0, int), margin=0.0) == GOES_WELL
    assert summaries.check_precision(opinion([0.9], [0]), np.array([0]), margin=0.0) == GOES_WELL._replace(
        claimed_precision=0.9
    )


@pytest.mark.parametrize(("sure", "given"), [(1.0, 1), (0.9, 1), (0.91, 0), (0.89, 0)])
def test_no_label_alike_shows_nothing_and_raises_no_alarm(sure, given):
    checked = summaries.check_precision(opinion([sure], [given], shown(0, 50)), np.array([0]), margin=0.0)
    assert (checked.shown_precision, checked.n_shown, checked.precision_alarm) == (None, 0, False)


@pytest.mark.parametrize(
    ("n_right", "n_wrong", "margin", "precision_alarm"),
    [
        # A claim of 90 %. Half of a hundred right: 59 % at most, which is 31 points less.
        (50, 50, 0.0, True),
        (50, 50, 0.3, True),
        (50, 50, 0.35, False),
        # 88 % right: 93 % at most.
        (88, 12, 0.0, False),
        (100, 0, 0.0, False),
        # One wrong one alone leaves 95 % possible, three leave 63 %.
        (0, 1, 0.0, False),
        (0, 3, 0.2, True),
        (0, 3, 0.3, False),
    ],
)
def test_the_alarm_is_raised_where_more_is_claimed_than_is_possible_and_the_margin(
    n_right, n_wrong, margin, precision_alarm
):
    checked = summaries.check_precision(
        opinion([0.9, 0.9], [0, 0], shown(n_right, n_wrong)), np.array([0, 1]), margin=margin
    )
    assert checked.precision_alarm is precision_alarm
    assert checked.shown_precision == n_right / (n_right + n_wrong)


def test_the_alarm_rings_for_a_slice_that_is_mostly_wrong_though_easier_labels_are_right():
    """Earlier rounds accepted what is above 0.6, and labels that stay are not accepted again."""
    easy, hard = np.linspace(0.61, 1.0, 40), np.linspace(0.51, 0.6, 10)
    confidence = np.concatenate([np.tile(easy, 5), np.tile(hard, 2)])
    # All of the easy ones are right, and two of twenty in the slice.
    is_right = np.arange(len(confidence)) < 202
    found = opinion(np.concatenate([easy, hard]), [0] * 50, Evidence(confidence, np.zeros(220, int), is_right))
    of_slice = summaries.check_precision(found, np.arange(40, 50), margin=0.2)
    assert of_slice == PrecisionCheck(claimed_precision=0.555, shown_precision=0.1, n_shown=20, precision_alarm=True)
    # Of the same slice together with the easy ones, the claim would hold.
    of_all = summaries.check_precision(found, np.arange(50), margin=0.2)
    assert (of_all.shown_precision, of_all.n_shown, of_all.precision_alarm) == (
        round(202 / 220, 6),
        220,
        False,
    )


@pytest.mark.parametrize("n_shown", [5, 50, 500])
def test_a_claim_that_is_true_raises_the_alarm_in_at_most_five_percent_of_all_draws(n_shown):
    n_right = np.random.default_rng(0).binomial(n_shown, 0.8, size=1000)
    alarms = [
        summaries.check_precision(opinion([0.8], [0], shown(n, n_shown - n, 0.8)), np.array([0]), margin=0.0)
        for n in n_right
    ]
    assert np.mean([alarm.precision_alarm for alarm in alarms]) <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / 1000)


def test_a_margin_of_one_never_raises_the_alarm():
    assert not summaries.check_precision(
        opinion([1.0], [0], shown(0, 10_000)), np.array([0]), margin=1.0
    ).precision_alarm


# The summary.


def played(after, *, before=None, number=1, said=None, choice=NOTHING, checked=GOES_WELL, options=SETTINGS, **more):
    """The summary of a round between two states, of which ``more`` are fields of the later."""
    before = before or state.first(labels({}))
    said = said or opinion([0.9] * 6, [0] * 6)
    after = before._replace(labels=after, **{"predicted": said.classes} | more)
    names = {"rule": options.rule.name, "round_number": number, "classes": CLASSES}
    summary = summaries.summarise(before, after, said, choice, checked, **names)
    alarm = checked.precision_alarm
    return summary._replace(stop=summaries.why_to_stop(before, after, summary, choice, options, precision_alarm=alarm))


def test_a_summary_is_plain_json_with_the_rules_name_and_the_counts():
    limits = np.full(3, 0.25)
    summary = played(
        labels({1: 2}), said=opinion([0.9] * 6, [0] * 6, shown(3, 1)), choice=Selection(np.array([1]), limits)
    )
    assert json.loads(json.dumps(summary._asdict())) == summary._asdict()
    assert (summary.round, summary.rule, summary.threshold) == (1, "fixed", 0.25)
    assert (summary.n_accepted, summary.n_questions, summary.n_open) == (1, 0, 0)


def test_without_folds_a_summary_says_none():
    without = played(labels({1: 2}))
    assert without.calibration_error is without.reliability is None


def test_the_calibration_error_is_the_distance_between_what_was_claimed_and_what_is_right():
    summary = played(labels({}), said=opinion([0.9] * 6, [0] * 6, shown(3, 1, confidence=0.95)))
    assert summary.calibration_error == 0.2
    assert summary.reliability == {
        "low": [0.9], "high": [1.0], "count": [4], "mean_confidence": [0.95], "share_right": [0.75],
    }  # fmt: skip


@pytest.mark.parametrize(
    ("rule", "limits", "threshold", "of_each"),
    [
        ("fixed", [0.3] * 3, 0.3, None),
        ("target_error", [0.7] * 3, 0.7, None),
        ("target_error", [np.inf] * 3, None, None),
        ("flexmatch", [0.9, 0.3, 0.0], None, {"a": 0.9, "b": 0.3, "c": 0.0}),
        ("flexmatch", [0.9] * 3, None, dict.fromkeys("abc", 0.9)),
        ("k_best", None, None, None),
    ],
)
def test_a_summary_has_the_threshold_that_was_in_force_or_each_classes(rule, limits, threshold, of_each):
    choice = Selection(np.empty(0, int), None if limits is None else np.array(limits))
    summary = played(labels({}), choice=choice, options=SETTINGS._replace(rule=acceptance.Rule(rule)))
    assert (summary.threshold, summary.class_thresholds) == (threshold, of_each)


def test_kappa_is_the_agreement_of_two_rounds_beyond_chance():
    before = state.first(labels({}))
    assert played(labels({}), before=before).kappa is None
    # Five of six agree; by chance 4/6 · 3/6 + 2/6 · 3/6 = 1/2 of them would.
    before = before._replace(predicted=np.int16([0, 0, 0, 0, 1, 1]))
    summary = played(labels({}), before=before, said=opinion([0.9] * 6, [0, 0, 0, 1, 1, 1]))
    assert summary.kappa == round((5 / 6 - 1 / 2) / (1 / 2), 6)


@given(st.lists(st.tuples(st.integers(0, 1), st.integers(0, 1)), min_size=6, max_size=6))
def test_kappa_is_scikit_learns(pairs):
    first, second = np.int16(pairs).T
    before = state.first(labels({}))._replace(predicted=first)
    kappa = played(labels({}), before=before, said=opinion([0.9] * 6, second)).kappa
    if len(np.unique(pairs)) == 1:
        assert kappa is None
    else:
        assert kappa == pytest.approx(cohen_kappa_score(first, second), abs=1e-6)


def test_predictions_of_one_class_alone_agree_by_chance_and_have_no_kappa():
    before = state.first(labels({}))._replace(predicted=np.zeros(6, np.int16))
    assert played(labels({}), before=before, said=opinion([0.9] * 6, [0] * 6)).kappa is None


# Why it may be the last.

EVERY_STOP = SETTINGS._replace(stop=history.CHOSEN_STOPS, stable_kappa=0.9)
QUESTIONS = Questions([4], ["margin"])
UNREACHABLE = Selection(np.empty(0, int), np.full(3, np.inf))


def asked(*statuses):
    n = len(statuses)
    replies = Replies(np.arange(1, n + 1), np.zeros(n), statuses, [""] * n, [""] * n)
    return AskedQuestions.empty().with_replies("margin", replies, round_number=0)


def ask(budget):
    return QueryConfig("margin", per_round=1, budget=budget, min_distance=0.0, lower_threshold=0.0, seed=0)


def stop(after, **more):
    return played(after, **{"options": EVERY_STOP} | more).stop


def test_a_round_that_changes_something_goes_on():
    assert stop(labels({1: 0})) == "no"
    before = state.first(labels({1: 0}))
    assert stop(labels({1: 1}, before=before.labels), before=before, options=REVISE) == "no"


def test_a_claim_that_is_off_ends_the_rounds_before_anything_else_does():
    full = labels(dict.fromkeys(range(1, 6), 0))
    for after in (labels({1: 0}), full):
        assert (
            stop(after, checked=GOES_WELL._replace(precision_alarm=True), options=SETTINGS) == "claimed_precision_off"
        )


def test_no_row_left_to_label_ends_the_rounds_unless_labels_are_revised():
    full = labels(dict.fromkeys(range(1, 6), 0))
    assert stop(full, options=SETTINGS) == "pool_empty"
    assert stop(full, options=REVISE) == "no"
    by_people = labels({}, human=dict.fromkeys(range(1, 6), 0))
    assert stop(by_people, options=REVISE) == "pool_empty"


def test_what_is_not_listed_ends_nothing():
    before = state.first(labels({}))._replace(history=[SUMMARY._replace(kappa=1.0)] * 2, predicted=np.int16([0, 1] * 3))
    said = opinion([0.9] * 6, [0, 1] * 3)
    options = SETTINGS._replace(query=ask(budget=0), stable_kappa=0.9)
    for listed in ((), *((word,) for word in history.CHOSEN_STOPS)):
        found = stop(labels({}), before=before, said=said, choice=UNREACHABLE, options=options._replace(stop=listed))
        assert found == (listed[0] if listed else "no")


def test_of_several_reasons_the_first_of_the_list_is_given_in_whatever_order_params_has_them():
    before = state.first(labels({}))._replace(history=[SUMMARY._replace(kappa=1.0)] * 2, predicted=np.int16([0, 1] * 3))
    options = SETTINGS._replace(query=ask(budget=0), stable_kappa=0.9)
    for first in range(len(history.CHOSEN_STOPS)):
        listed = history.CHOSEN_STOPS[first:][::-1]
        said = opinion([0.9] * 6, [0, 1] * 3)
        found = stop(labels({}), before=before, said=said, choice=UNREACHABLE, options=options._replace(stop=listed))
        assert found == history.CHOSEN_STOPS[first]


def test_a_round_that_asks_goes_on_whatever_else_holds_but_for_the_alarm():
    more = {"questions": QUESTIONS, "choice": UNREACHABLE}
    assert stop(labels({}), **more) == "no"
    assert stop(labels({}), **more, checked=GOES_WELL._replace(precision_alarm=True)) == "claimed_precision_off"


def test_nothing_accepted_and_nothing_changed_differ_by_what_is_withdrawn():
    before = state.first(labels({1: 0, 2: 0}))

    def words(machine, keep=REVISE):
        after = labels(machine, before=before.labels, number=2)
        each = (keep._replace(stop=[word]) for word in ("nothing_accepted", "nothing_changed"))
        return [stop(after, before=before, number=2, options=options) for options in each]

    # All are withdrawn, or one.
    assert words({}) == ["nothing_accepted", "no"]
    assert words({1: 0}) == ["no", "no"]
    # The same are accepted again, but for another class.
    assert words({1: 0, 2: 0}) == ["no", "nothing_changed"]
    assert words({1: 0, 2: 1}) == ["no", "no"]
    # As many, but not the same.
    assert words({1: 0, 3: 0}) == ["no", "no"]
    before = state.first(labels({}))
    assert words({}) == ["nothing_accepted", "nothing_changed"]


@pytest.mark.parametrize("word", ["nothing_accepted", "nothing_changed"])
def test_permanent_labels_of_earlier_rounds_are_nothing_that_is_accepted(word):
    before = state.first(labels({1: 0, 2: 0}))
    options = SETTINGS._replace(stop=[word])
    assert stop(before.labels, before=before, number=2, options=options) == word
    after = before.labels.with_machine_labels(np.array([3]), np.array([0]), np.array([0.9]), round_number=2)
    assert stop(after, before=before, number=2, options=options) == "no"


def test_a_budget_is_spent_once_all_was_asked_and_answered():
    options = SETTINGS._replace(stop=["budget_spent"], query=ask(budget=2))
    for statuses, expected in (
        (["answered"], "no"),
        (["answered", "open"], "no"),
        (["tied", "answered"], "no"),
        (["answered", "skipped"], "budget_spent"),
        (["answered"] * 3, "budget_spent"),
    ):
        before = state.first(labels({}))._replace(asked=asked(*statuses))
        assert stop(labels({}), before=before, options=options) == expected
    assert stop(labels({}), options=options._replace(query=None)) == "no"


@pytest.mark.parametrize(
    ("kappas", "is_stable"),
    [
        ([], False),
        ([0.99, 0.99], False),
        ([None, 0.99, 0.99], False),
        ([None, 0.99, 0.99, 0.99], True),
        ([0.1, 0.99, 0.99, 0.99], True),
        # A mean of 0.9 exactly, and one a little less.
        ([1.0, 1.0, 0.7], True),
        ([1.0, 1.0, 0.699], False),
        ([0.99, 0.99, 0.99, 0.1], False),
    ],
)
def test_predictions_are_stable_where_the_last_three_kappas_are_0_9_on_average(kappas, is_stable):
    assert summaries.is_stable(kappas, 0.9) == is_stable


def test_three_kappas_at_the_limit_reach_it():
    for cents in range(101):
        assert summaries.is_stable([None, *[cents / 100] * 3], cents / 100)
