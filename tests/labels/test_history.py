"""The words and sentences of rounds' summaries."""

import json

import pytest
from examples import SUMMARY

from selflabel.labels import history


def test_a_round_that_passed_through_did_nothing_and_claims_nothing():
    assert SUMMARY._replace(stop="pool_empty").passed_through(3)._asdict() == {
        "round": 3,
        "rule": "linear",
        "threshold": None,
        "class_thresholds": None,
        "n_accepted": 0,
        "n_new": 0,
        "accepted_per_class": {"a": 0, "b": 0},
        "n_flipped": 0,
        "n_withdrawn": 0,
        "n_remaining": 0,
        "human_labels": 600,
        "claimed_precision": None,
        "shown_precision": None,
        "n_shown": None,
        # Of a fit, and nothing was fitted.
        "calibration_error": None,
        "reliability": None,
        "n_questions": 0,
        "n_open": 7,
        "kappa": None,
        "stop": "pool_empty",
    }


def test_the_summary_of_the_round_before_stays_as_it_is():
    before = json.loads(json.dumps(SUMMARY))
    SUMMARY.passed_through(3).accepted_per_class["a"] = 5
    assert before == list(SUMMARY)


def test_passing_through_twice_is_passing_through():
    once = SUMMARY.passed_through(3)
    assert once.passed_through(4) == once._replace(round=4)


def test_every_word_that_stops_the_loop_is_there_once_and_is_one_word():
    words = [history.GOES_ON, history.ITERATIONS, history.CLAIMED_PRECISION_OFF, history.POOL_EMPTY]
    words += history.CHOSEN_STOPS
    assert len(set(words)) == len(words)
    assert all(word.replace("_", "").isalpha() for word in words)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({}, "threshold 0.3, 12,345 accepted, 0 without a label"),
        ({"threshold": None, "n_accepted": 0}, "0 accepted, 0 without a label"),
        ({"n_withdrawn": 1000}, "threshold 0.3, 12,345 accepted, 1,000 withdrawn, 0 without a label"),
        ({"n_questions": 54}, "threshold 0.3, 12,345 accepted, 0 without a label, 54 questions"),
        ({"stop": "iterations"}, "threshold 0.3, 12,345 accepted, 0 without a label"),
        ({"stop": "pool_empty"}, "threshold 0.3, 12,345 accepted, 0 without a label, pool_empty"),
        (
            {"threshold": None, "n_remaining": 60000, "n_withdrawn": 2, "n_questions": 1, "stop": "budget_spent"},
            "12,345 accepted, 2 withdrawn, 60,000 without a label, 1 question, budget_spent",
        ),
        (
            {"n_withdrawn": 3, "n_questions": 2, "stop": "nothing_changed"},
            "threshold 0.3, 12,345 accepted, 3 withdrawn, 0 without a label, 2 questions, nothing_changed",
        ),
        ({"rule": "target_error"}, "threshold 0.3, 12,345 accepted, 0 without a label"),
        (
            {"rule": "target_error", "threshold": None, "n_accepted": 0, "n_remaining": 7},
            "no threshold is shown to keep the target error, 0 accepted, 7 without a label",
        ),
        (
            {
                **{"rule": "target_error", "threshold": None, "n_accepted": 0, "n_withdrawn": 5, "n_remaining": 7},
                "stop": "target_error_unreachable",
            },
            "no threshold is shown to keep the target error, 0 accepted, 5 withdrawn, 7 without a label, "
            "target_error_unreachable",
        ),
    ],
)
def test_a_sentence_says_what_there_is_to_say(changes, sentence):
    assert SUMMARY._replace(**changes).sentence() == sentence
