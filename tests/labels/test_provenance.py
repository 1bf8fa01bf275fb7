"""Where each label comes from: the final table, the queue, one image's story, the run's."""

from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pytest
from example_run import CLASSES, HASHES, NAN, final, machine, summary

from selflabel import files
from selflabel.labels import answers, provenance, state
from selflabel.labels import table as labels
from selflabel.labels.classes import Classes


def columns(given):
    return {name: np.asarray(column).tolist() for name, column in provenance.columns(given, HASHES, CLASSES).items()}


def test_a_row_of_the_final_table_says_what_it_is_and_by_which_rule_or_person():
    assert columns(final()) == {
        "hash": HASHES.tolist(),
        "class": ["Coat", "Shirt", "Shirt", "", "", "Coat", "Shirt", ""],
        "rule": ["", "", "", "", "", "linear", "linear", ""],
        "threshold": [NAN, NAN, NAN, NAN, NAN, 0.25, 0.25, NAN],
        "annotator": ["", "", "ann;bob", "", "", "", "", ""],
    }


def test_who_did_not_settle_a_question_is_not_the_annotator_of_its_image():
    given = final()
    everybody = np.array(["ann;bob", "cat", "dan"], object)
    status = np.array(["answered", "tied", "skipped"], object)
    given = given._replace(asked=replace(given.asked, annotator=everybody, status=status))
    assert given.asked.row.tolist() == [2, 4, 3]
    assert columns(given)["annotator"] == ["", "", "ann;bob", "", "", "", "", ""]


def test_rule_and_threshold_are_those_of_the_round_that_gave_the_label_last():
    """A permanent label was given once, so that later rounds say nothing of it."""
    first = labels.Labels.from_seeds(np.array([0]), np.array([0]), n_rows=8)
    for number, row in ((1, 2), (2, 3), (3, 4)):
        first = first.with_machine_labels(np.array([row]), np.array([1]), np.array([0.9]), round_number=number)
    summaries = [summary(1, "fixed", 0.75), summary(2, "k_best"), summary(3, "final_threshold", 0.1)]
    found = columns(state.first(first)._replace(history=summaries))
    assert found["rule"][2:5] == ["fixed", "k_best", "final_threshold"]
    assert found["threshold"][2:5] == [0.75, NAN, 0.1]


def test_where_each_class_has_a_threshold_of_its_own_it_is_that_of_the_label():
    thresholds = {"Shirt": 0.125, "Coat": 0.5}
    found = columns(final(summary(1), summary(2), summary(3, "flexmatch", class_thresholds=thresholds)))
    assert found["threshold"][5:7] == [0.5, 0.125]
    assert found["rule"][5:7] == ["flexmatch", "flexmatch"]


def test_before_any_round_there_is_no_rule():
    first = labels.Labels.from_seeds(np.array([0]), np.array([0]), n_rows=8)
    found = columns(state.first(first))
    assert set(found["rule"]) == set(found["annotator"]) == {""}
    assert found["threshold"] == [NAN] * 8


def test_the_final_table_can_be_written_and_read(tmp_path):
    given = final()
    found = provenance.columns(given, HASHES, CLASSES)
    state.write(tmp_path, given, **found)
    read = files.read_columns(tmp_path / "labels.arrow")
    for name, column in found.items():
        assert read[name].tolist() == [NAN if value != value else value for value in np.asarray(column).tolist()]


def test_the_queue_has_what_nobody_has_answered_in_the_order_of_asking_with_room_for_an_answer():
    found = provenance.queue(final(), HASHES, CLASSES)
    assert {name: np.asarray(column).tolist() for name, column in found.items()} == {
        "queue": ["selflabel", "selflabel"],
        "hash": ["h4", "h3"],
        "label": ["", ""],
        "annotator": ["", ""],
        "when": ["", ""],
        "comment": ["", ""],
        "row": [4, 3],
        "round": [1, 1],
        "strategy": ["random", "margin"],
        "status": ["tied", "open"],
        "votes": ["Coat 1, Shirt 1", ""],
        "suggestion": ["", ""],
    }
    assert list(found) == [
        *("queue", "hash", "label", "annotator", "when", "comment", "row", "round", "strategy", "status", "votes"),
        "suggestion",
    ]  # fmt: skip


def test_the_queue_suggests_what_the_machine_says():
    given = final()
    given = given._replace(labels=machine(given.labels, [3, 4], [1, 0], 4))
    assert provenance.queue(given, HASHES, CLASSES)["suggestion"] == ["Coat", "Shirt"]


def test_a_queue_holds_nothing_that_a_spreadsheet_would_run():
    given = final()
    given = given._replace(labels=machine(given.labels, [3, 4], [1, 0], 4))
    found = provenance.queue(
        given, HASHES, Classes(["=1+1", "@x"]), paths=np.array([f"-{row}.png" for row in range(8)])
    )
    assert (found["suggestion"], found["path"]) == (["'=1+1", "'@x"], ["'-4.png", "'-3.png"])


def test_an_empty_queue_has_its_columns(tmp_path):
    empty = provenance.queue(state.first(final().labels), HASHES, CLASSES)
    assert list(empty) == list(provenance.queue(final(), HASHES, CLASSES))
    assert {len(column) for column in empty.values()} == {0}
    files.write_table(tmp_path / "queue.csv", empty)
    assert list(files.read_table(tmp_path / "queue.csv")) == list(empty)


def test_a_queue_that_somebody_filled_in_is_what_answers_read(tmp_path):
    hashes = np.array([f"{row:032x}" for row in range(8)], object)
    queue = provenance.queue(final(), hashes, CLASSES) | {"label": ["Coat", ""]}
    files.write_table(tmp_path / "queue.csv", queue)
    now = datetime(2025, 1, 2, tzinfo=UTC)
    found, n_empty = answers.filled_in(
        files.read_text(tmp_path / "queue.csv"),
        source="queue.csv", classes=CLASSES, known=set(hashes), annotator="ann", now=now,
    )  # fmt: skip
    assert found == [answers.Answer(hashes[4], "Coat", "ann", now, "", "random", "file")]
    assert n_empty == 1


@pytest.mark.parametrize(
    ("n_open", "said"), [(1, "1 answer"), (2, "2 answers"), (37, "37 answers"), (1234, "1,234 answers")]
)
def test_the_last_sentence_counts_the_missing_answers_and_says_how_to_give_them(n_open, said):
    assert provenance.missing(n_open, "data/queue/queue.csv") == (
        f"{said} missing: fill in the column label (a class or skip) in a copy of data/queue/queue.csv, "
        "then `selflabel answer COPY --annotator NAME` and `dvc repro`"
    )


def test_where_no_answer_is_missing_that_is_said():
    assert provenance.missing(0, "data/queue/queue.csv") == "no answers missing"


def story(row, given=None):
    given = given or final()
    table = labels.to_columns(given.labels) | provenance.columns(given, HASHES, CLASSES)
    return provenance.story(given, table, row, CLASSES)


def test_the_story_of_a_machine_label_tells_when_how_sure_and_by_which_rule():
    assert story(6) == [
        "row 6, hash h6: Shirt (machine)",
        "this label since round 2, last given in round 3, flips 1",
        "confidence 0.6875 (0.3438 not calibrated), accepted by linear above 0.25",
        "machine labels by round: 1 Coat, 2 Shirt, 3 Shirt",
        "no person was asked",
    ]


def test_the_story_of_a_label_that_was_counted_has_no_threshold():
    given = final(summary(1, "k_best"), summary(2, "k_best"), summary(3, "k_best"))
    assert story(5, given)[2] == "confidence 0.6875 (0.3438 not calibrated), accepted by k_best"


def test_the_story_of_an_answer_tells_who_gave_it_and_who_was_against():
    assert story(2) == [
        "row 2, hash h2: Shirt (human)",
        "given by ann;bob, whom round 1 asked; flips before that 0",
        "confidence 1: a person's word",
        "machine labels by round: 1 –, 2 –, 3 –",
        "asked in round 1 by margin: answered, Shirt (Shirt 2, Coat 1)",
    ]


def test_the_story_of_a_question_without_an_answer_tells_that_it_was_asked():
    assert story(3)[0] == "row 3, hash h3: no label (none)"
    assert story(3)[1:3] == ["nobody gave it a label, neither person nor machine", "confidence: none"]
    assert story(3)[3:] == ["machine labels by round: 1 –, 2 Coat, 3 –", "asked in round 1 by margin: open"]
    assert story(4)[4] == "asked in round 1 by random: tied (Coat 1, Shirt 1)"


def test_the_story_of_a_seed_label_before_any_round_is_short():
    first = state.first(labels.Labels.from_seeds(np.array([0]), np.array([0]), n_rows=8))
    assert story(0, first) == [
        "row 0, hash h0: Coat (seed)",
        "given before round 1, as a seed label",
        "confidence 1: a person's word",
        "machine labels by round: there was no round",
        "no person was asked",
    ]


def test_the_story_is_the_same_from_the_files_of_a_run(tmp_path):
    """With classes that look like numbers, of which the first would be 0."""
    given, digits = final(), Classes(["0", "1"])
    table = labels.to_columns(given.labels) | provenance.columns(given, HASHES, digits)
    state.write(tmp_path, given, **provenance.columns(given, HASHES, digits))
    read = state.read(tmp_path), files.read_columns(tmp_path / "labels.arrow")
    for row in range(8):
        told = provenance.story(*read, row, digits)
        assert told == provenance.story(given, table, row, digits)
        assert len(told) == 5
    assert provenance.story(*read, 0, digits)[0] == "row 0, hash h0: 0 (seed)"


def test_the_run_in_lines_counts_labels_and_questions_and_names_every_conflict():
    assert provenance.counts(final()) == [
        "labelled: 5 of 8 images (2 seed, 1 human, 2 machine; 3 none)",
        "rounds: 2, ended by no",
        "asked: 3 (1 answered, 0 skipped, 1 open, 1 tied)",
        "disagreement on row 2: Shirt 2, Coat 1 (answered)",
        "disagreement on row 4: Coat 1, Shirt 1 (tied)",
    ]


@pytest.mark.parametrize(
    ("stops", "line"),
    [
        (["no", "no", "iterations"], "rounds: 2, ended by iterations"),
        (["pool_empty"] * 3, "rounds: 1, ended by pool_empty"),
        (["no", "budget_spent", "budget_spent"], "rounds: 2, ended by budget_spent"),
        (["no", *["nothing_changed"] * 4], "rounds: 2, ended by nothing_changed"),
        # The alarm of the last acceptance, after all rounds.
        (["no", "no", "claimed_precision_off"], "rounds: 2, ended by claimed_precision_off"),
        (["iterations"], "rounds: 0, ended by iterations"),
    ],
)
def test_the_run_in_lines_says_how_many_rounds_were_played_until_one_stopped(stops, line):
    summaries = [summary(number)._replace(stop=stop) for number, stop in enumerate(stops, start=1)]
    assert provenance.counts(final()._replace(history=summaries))[1] == line
