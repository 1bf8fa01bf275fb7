"""Runs that ask: questions, answers simulated and people's, the queue, and what tells of them."""

import csv
import json

import numpy as np
import pytest
from in_process import InProcess
from projects import Project

from selflabel import files
from selflabel.labels import state
from selflabel.labels import table as labels

ROUNDS = ("data/rounds/1", "data/rounds/2", "data/rounds/3", "data/final")

# They share runs, and some go on from each other.
pytestmark = pytest.mark.xdist_group("people")


def final(project: Project) -> labels.Labels:
    return labels.read(project.folder / "data/final/labels.arrow")


def queue(project: Project) -> dict[str, np.ndarray]:
    return files.read_table(project.folder / "data/queue/queue.csv")


def fill_in(project: Project, name: str, rows: dict[int, str]) -> None:
    """Copy the queue to a file of its own with the labels of some of its rows."""
    with (project.folder / "data/queue/queue.csv").open() as source:
        table = list(csv.DictReader(source))
    for row in table:
        row["label"] = rows.get(int(row["row"]), "")
    with (project.folder / name).open("w") as target:
        writer = csv.DictWriter(target, table[0])
        writer.writeheader()
        writer.writerows(table)


def true_labels(project: Project, rows: np.ndarray) -> dict[int, str]:
    truth = np.load(project.folder / "data/truth/pool.npy")
    return {int(row): str(truth[row]) for row in rows}


@pytest.fixture(scope="module")
def _people(_asked: InProcess, tmp_path_factory: pytest.TempPathFactory) -> InProcess:
    project = _asked.copy(tmp_path_factory.mktemp("people") / "project")
    # Its questions would stand in the queue beside those of the rounds.
    project.set(answers={"source": "people"}, audit={"size": 0})
    (project.folder / "printed").write_text(project.play())
    return project


@pytest.fixture
def people(_people: InProcess, tmp_path) -> InProcess:
    """The run that asks, with nobody's answers yet."""
    return _people.copy(tmp_path / "project")


def test_what_is_asked_becomes_human_labels_and_all_are_counted(asking_project):
    table = final(asking_project)
    assert np.bincount(table.origin, minlength=4).tolist() == [0, 76, 50, 1498 - 126]
    truth = np.load(asking_project.folder / "data/truth/pool.npy")
    assert np.array_equal(table.label[table.is_human], truth[table.is_human])
    report = json.loads((asking_project.folder / "metrics/evaluate.json").read_text())
    assert report["human_labels"] == report["baselines"]["random_labels"]["human_labels"] == 126
    rounds = files.read_table(asking_project.folder / "metrics/rounds.csv")
    assert rounds["n_questions"].tolist() == [20, 20, 10, 0]
    assert rounds["human_labels"].tolist() == [76, 96, 116, 126]
    for column in ("claimed_precision", "shown_precision", "calibration_error"):
        assert np.all((rounds[column] > 0) & (rounds[column] <= 1))
    assert not len(queue(asking_project)["row"])


def test_labels_do_not_depend_on_the_truth_of_images_nobody_asked_about(asking_project):
    """The fence, at work: with every other true label permuted, the same bytes come out."""
    project = asking_project
    before = project.bytes_of("data/rounds", "data/answers", "data/final")
    path = project.folder / "data/truth/pool.npy"
    truth, others = np.load(path), np.flatnonzero(~final(project).is_human)
    truth[others] = np.random.default_rng(0).permutation(truth[others])
    path.unlink()
    np.save(path, truth)
    rounds = [f"{name}@{number}" for number in (1, 2, 3) for name in ("self_label", "answer")]
    project.play(*rounds, "finish", force=True)
    assert project.bytes_of("data/rounds", "data/answers", "data/final") == before


def test_a_run_goes_on_without_answers_and_ends_with_how_to_give_them(people):
    printed = (people.folder / "printed").read_text()
    sentences = [line for line in printed.splitlines() if line.startswith(("evaluate:", "draw:", "queue:"))]
    assert sentences[-1].startswith("queue: 20 answers missing: fill in the column label")
    # A desk holds one round's questions: with none answered, later rounds ask no more.
    assert len(queue(people)["row"]) == 20
    assert final(people).is_human.sum() == 76
    assert final(people).is_labelled.all()
    shown = people.tool("results")
    assert "20 answers missing" in shown


def test_answers_teach_from_round_0_on_and_the_next_questions_are_others(people):
    rows = queue(people)["row"]
    fill_in(people, "filled.csv", true_labels(people, rows[:13]))
    done = people.tool("answer", "filled.csv", "--annotator", "ann")
    assert done == "13 answers appended to answers.csv; 0 were there, 7 left empty\n"
    assert (people.folder / "answers.csv").read_text().splitlines()[0].endswith(",strategy,way")
    ran = people.stages_played()
    assert ran[:2] == ["seed_labels", "self_label@1"] and {"audit", "queue"} <= set(ran)
    assert not {"download", "features", "graph"} & set(ran)
    table = files.read_columns(people.folder / "data/final/labels.arrow")
    is_human = table["origin"] == "human"
    assert set(table["annotator"][is_human]) == {"ann"} and is_human.sum() == 13
    assert set(table["round"][is_human]) == {0}
    assert len(queue(people)["row"]) == 20 and not np.isin(queue(people)["row"], rows[:13]).any()
    later = queue(people)["row"]
    fill_in(people, "filled.csv", true_labels(people, later[:1]))
    people.tool("answer", "filled.csv", "--annotator", "ann")
    # An answer serves once for all: the same file again adds nothing.
    again = people.tool("answer", "filled.csv", "--annotator", "ann")
    assert again.startswith("0 answers appended to answers.csv; 1 were there")


def test_skips_and_ties_leave_the_label_to_the_machine_and_are_told(people):
    first, second, third = queue(people)["row"][:3]
    truth = true_labels(people, queue(people)["row"])
    fill_in(people, "ann.csv", {first: "skip", second: truth[second], third: truth[third]})
    fill_in(people, "bob.csv", {second: str((int(truth[second]) + 1) % 10), third: truth[third]})
    for name in ("ann", "bob"):
        people.tool("answer", f"{name}.csv", "--annotator", name)
    people.play()
    asked = state.read(people.folder / "data/final").asked
    of_row = {int(row): position for position, row in enumerate(asked.row)}
    status = {row: asked.status[of_row[int(row)]] for row in (first, second, third)}
    assert status == {first: "skipped", second: "tied", third: "answered"}
    assert asked.annotator[of_row[int(third)]] == "ann;bob"
    # The tie is back in the queue, the skip is not.
    assert second in queue(people)["row"] and first not in queue(people)["row"]
    told = people.tool("status")
    assert f"disagreement on row {second}" in told and "1 skipped" in told and "1 tied" in told


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("{hash},77,ann,2026-01-01,,,", "answers.csv:2: label must be one of the classes or skip, got '77'"),
        ("0123,7,ann,2026-01-01,,,", "answers.csv:2: hash must be 32 lower-case hexadecimal digits"),
        ("{hash},7,ann", "answers.csv:2: a row must have 7 cells, got 3"),
        ("<<<<<<< HEAD", "line 2 holds a merge-conflict marker"),
    ],
)
def test_a_wrong_answer_is_refused_with_file_and_line_and_nothing_is_lost(people, line, sentence):
    path = people.folder / "answers.csv"
    text = path.read_text() + line.format(0, hash=queue(people)["hash"][0]) + "\n"
    path.write_text(text)
    assert f"error: {sentence}" in people.play(keep=True) or sentence in people.play(keep=True)
    fill_in(people, "filled.csv", true_labels(people, queue(people)["row"][:1]))
    refused = people.tool("answer", "filled.csv", "--annotator", "ann", check=False)
    assert sentence in refused
    assert path.read_text() == text


def test_an_answer_without_a_name_is_refused(people):
    fill_in(people, "filled.csv", true_labels(people, queue(people)["row"][:1]))
    done = people.tool("answer", "filled.csv", check=False)
    assert "filled.csv:2: annotator must be a name" in done


def test_an_answer_serves_a_later_run_with_other_parameters(people):
    rows = queue(people)["row"]
    fill_in(people, "filled.csv", true_labels(people, rows))
    people.tool("answer", "filled.csv", "--annotator", "ann")
    people.set(self_label={"iterations": 1}, ask={"per_round": 10, "budget": 20})
    people.play()
    # All of them, and not just as many as this run would have asked for.
    assert final(people).is_human.sum() == 76 + 20
    assert not len(queue(people)["row"])


@pytest.mark.parametrize("origin", ["seed", "human", "machine"])
def test_an_images_story_is_told_in_five_lines(asking_project, origin):
    table = files.read_columns(asking_project.folder / "data/final/labels.arrow")
    row = int(np.flatnonzero(table["origin"] == origin)[0])
    told = asking_project.tool("explain", str(row))
    lines = told.strip().splitlines()
    assert len(lines) == 5
    assert lines[0] == f"row {row}, hash {table['hash'][row]}: {table['class'][row]} ({origin})"
    assert asking_project.tool("explain", table["hash"][row]) == told
    if origin == "human":
        assert lines[4].startswith("asked in round ") and lines[4].endswith(f"answered, {table['class'][row]}")


def test_an_image_that_is_not_there_is_an_error_in_one_sentence(asking_project):
    done = asking_project.tool("explain", "1498", check=False)
    assert done == "error: the image must be a row from 0 to 1497 or its hash, got '1498'\n"


def test_status_tells_how_the_run_stands(people):
    told = people.tool("status")
    assert "answers.csv: 0 images of this data set; 0 of them judge machine labels and do not teach" in told
    assert "labelled: 1,498 of 1,498 images (76 seed, 0 human, 1,422 machine; 0 none)" in told
    assert "asked: 20 (0 answered, 0 skipped, 20 open, 0 tied)" in told


@pytest.fixture(scope="module")
def _audited(_people, tmp_path_factory) -> InProcess:
    people = _people.copy(tmp_path_factory.mktemp("audited") / "project")
    # It would wait for the rounds' questions.
    people.set(audit={"size": 100, "planned": 100}, ask={"budget": 0})
    people.play()
    return people


@pytest.fixture
def audited(_audited, tmp_path) -> InProcess:
    """The run that asks people, with nobody's answers yet and an audit of a hundred images."""
    return _audited.copy(tmp_path / "audited")


def certificate(project: Project) -> dict:
    return json.loads((project.folder / "metrics/certificate.json").read_text())


def of_the_audit(project: Project, strategy: str = "audit") -> np.ndarray:
    found = queue(project)
    return found["row"][found["strategy"] == strategy]


def answer(project: Project, rows: dict[int, str]) -> None:
    fill_in(project, "filled.csv", rows)
    project.tool("answer", "filled.csv", "--annotator", "ann")


def test_an_audit_without_answers_certifies_nothing_and_waits_in_the_queue(audited):
    assert len(of_the_audit(audited)) == 100 == len(queue(audited)["row"])
    # Who is to judge a label is not told it.
    assert set(queue(audited)["suggestion"][queue(audited)["strategy"] == "audit"]) == {""}
    assert certificate(audited)["certified"]["n"] == 0
    assert not files.read_columns(audited.folder / "data/audit/labels.arrow")["certified"].any()
    audited.play()
    shown = audited.tool("results")
    assert "Nothing is certified yet: 100 of the 100 answers of the audit are missing." in shown
    assert "100 answers missing" in shown


def test_an_audit_waits_until_the_rounds_have_their_answers(people):
    people.set(audit={"size": 100, "planned": 100}, ask={"budget": 25})
    people.play()
    n_seen = []
    while not len(of_the_audit(people)):
        n_seen.append(len(queue(people)["row"]))
        told = people.play("audit", force=True)
        assert f"No audit yet: {n_seen[-1]} questions of the rounds have no answer" in told
        answer(people, true_labels(people, queue(people)["row"]))
        people.play()
    assert n_seen == [20, 5] and len(of_the_audit(people)) == 100 == len(queue(people)["row"])


def test_answers_to_the_audit_run_no_round_and_change_no_label_whatever_they_say(audited):
    truth = true_labels(audited, of_the_audit(audited))
    answer(audited, truth)
    audited.play()
    # That these images are apart is all that the rounds know.
    before = audited.bytes_of("data/rounds", "data/answers", "data/final")
    n_wrong = certificate(audited)["audit"]["n_wrong"]
    assert certificate(audited)["audit"]["n_answered"] == 100 and n_wrong < 50
    # All of them swapped for others.
    header, *lines = (audited.folder / "answers.csv").read_text().splitlines()
    assert len(lines) >= len(truth) == 100
    swapped = [
        ",".join([cells[0], str((int(cells[1]) + 1) % 10), *cells[2:]]) for cells in (line.split(",") for line in lines)
    ]
    (audited.folder / "answers.csv").write_text("\n".join([header, *swapped]) + "\n")
    audited.play()
    assert certificate(audited)["audit"]["n_wrong"] > 100 - n_wrong - 10
    assert certificate(audited)["certified"]["n"] == 0
    assert audited.bytes_of("data/rounds", "data/answers", "data/final") == before


def test_people_may_label_the_rest_and_the_whole_is_certified(audited):
    answer(audited, true_labels(audited, of_the_audit(audited)))
    audited.set(audit={"label_rest": True, "error": 0.08})
    audited.play()
    cost, rows = certificate(audited)["rest"]["asked"], queue(audited)["row"]
    assert cost["n"] == len(rows) == len(set(rows)) > 20
    assert set(queue(audited)["strategy"]) == {"rest"}
    assert not certificate(audited)["rest_by_people"]["is_issued"]
    answer(audited, true_labels(audited, rows))
    audited.play()
    assert certificate(audited)["rest_by_people"]["is_issued"]
    table = files.read_columns(audited.folder / "data/audit/labels.arrow")
    assert np.mean(table["label"] != np.load(audited.folder / "data/truth/pool.npy")) <= 0.08


def test_the_truth_of_images_that_no_audit_drew_tells_nothing(asking_project):
    project = asking_project
    before = project.bytes_of("data/audit") | project.bytes_of("metrics")
    table = files.read_columns(project.folder / "data/audit/labels.arrow")
    path = project.folder / "data/truth/pool.npy"
    truth, others = np.load(path), np.flatnonzero((table["audited"] == "") & (table["origin"] == "machine"))
    assert len(others) == 1498 - 126 - 100
    truth[others] = (truth[others] + 1) % 10
    path.unlink()
    np.save(path, truth)
    project.play("audit", force=True)
    assert project.bytes_of("data/audit") | project.bytes_of("metrics") == before


def test_after_the_audit_the_classifier_may_learn_from_its_answers_too(asking_project):
    project = asking_project
    before = project.bytes_of("data/audit", "data/final")
    assert "released" not in json.loads((project.folder / "metrics/evaluate.json").read_text())
    project.set(audit={"release": "best"})
    project.play()
    # What was judged, and what the certificate is about, stays.
    assert project.bytes_of("data/audit", "data/final") == before
    released = files.read_columns(project.folder / "data/release/labels.arrow")
    assert np.sum(released["origin"] == "human") == 50 + 100 and not released["certified"].any()
    report = json.loads((project.folder / "metrics/evaluate.json").read_text())
    truth = np.load(project.folder / "data/truth/pool.npy")
    is_machine = released["origin"] == "machine"
    right = np.mean(released["label"][is_machine] == truth[is_machine])
    assert report["released"]["label_accuracy"] == pytest.approx(right, abs=1e-4)
    assert report["released"]["accuracy"] > 0.8 and report["released"]["coverage"] == 1


def test_the_story_of_an_audited_image_tells_the_answer_and_whether_it_is_certified(asking_project):
    table = files.read_columns(asking_project.folder / "data/audit/labels.arrow")
    row = int(np.flatnonzero(table["audited"] != "")[0])
    story = asking_project.tool("explain", str(row))
    assert f"asked in round 4 by audit: answered, {table['audited'][row]}" in story
    assert ("certified" in story) == bool(table["certified"][row])


def test_a_second_look_is_asked_for_once_and_what_it_says_counts(people):
    n_open = len(queue(people)["row"])
    told = people.tool("suspects", "--n", "3", "--out", "again.csv")
    asked = files.read_table(people.folder / "again.csv")
    assert "of 76 labels by people are suspects" in told and told.count("| a seed label |") == 3
    assert set(asked["strategy"]) == {"again"} and all(key in told for key in asked["hash"])
    # Who looks again is told neither label.
    assert set(asked["suggestion"]) == set(asked["label"]) == {""}
    assert "--out must be a file that is not there yet" in people.tool("suspects", "--out", "again.csv", check=False)
    before = labels.read(people.folder / "data/final/labels.arrow").label
    wrong, right, neither = asked["row"].tolist()
    said = {wrong: str((before[wrong] + 1) % 10), right: str(before[right]), neither: "skip"}
    filled = {name: column.astype(object) for name, column in asked.items()}
    files.write_table(people.folder / "again.csv", filled | {"label": [said[row] for row in asked["row"].tolist()]})
    done = people.tool("answer", "again.csv", "--annotator", "ann")
    assert done.startswith("3 answers appended")
    # To confirm it once is enough, and nobody can do more.
    assert people.tool("answer", "again.csv", "--annotator", "ann").startswith("0 answers appended")
    people.play()
    table = final(people)
    assert table.label[[wrong, right, neither]].tolist() == [(before[wrong] + 1) % 10, before[right], before[neither]]
    assert [labels.ORIGINS[table.origin[row]] for row in (wrong, right, neither)] == ["human", "seed", "seed"]
    assert table.is_human.sum() == 76 and len(queue(people)["row"]) == n_open
    assert "asked in round 0 by again: answered" in people.tool("explain", str(wrong))
    told = people.tool("suspects", "--n", "76")
    assert "of 73 labels by people are suspects by confident learning; 3 more have" in told
    assert not any(key in told for key in asked["hash"])


def test_the_answer_to_an_audit_judges_though_its_row_says_it_is_a_second_look(audited):
    row = int(of_the_audit(audited)[0])
    fill_in(audited, "filled.csv", {row: "3"})
    text = (audited.folder / "filled.csv").read_text()
    (audited.folder / "filled.csv").write_text(text.replace(",audit,", ",again,"))
    audited.tool("answer", "filled.csv", "--annotator", "ann")
    assert (audited.folder / "answers.csv").read_text().splitlines()[-1].split(",")[5] == "audit"


def test_a_share_of_the_audit_waits_for_a_second_person_and_the_sentence_tells_how_far_they_agree(audited):
    audited.set(audit={"repeat": 0.05})
    first = of_the_audit(audited)
    answer(audited, true_labels(audited, first))
    audited.play()
    rows = of_the_audit(audited)
    assert len(rows) == 5 and set(queue(audited)["answered_by"]) == {"ann"}
    assert certificate(audited)["agreement"] == {"n_both": 0, "n_alike": 0, "n_waiting": 5}
    assert "5 of them those of a second person" in audited.tool("results")
    said = true_labels(audited, rows)
    said[int(rows[0])] = str((int(said[int(rows[0])]) + 1) % 10)
    fill_in(audited, "filled.csv", said)
    audited.tool("answer", "filled.csv", "--annotator", "bob")
    audited.play()
    assert not len(queue(audited)["row"])
    assert certificate(audited)["agreement"] == {"n_both": 5, "n_alike": 4, "n_waiting": 0}
    assert "Two people agree on 4 of the 5 audited images" in audited.tool("results")
    assert "agreement: of 5 pairs of classes that ann, bob gave the same images 4 are alike" in audited.tool("status")
    told = audited.tool("agreement")
    assert f"row {rows[0]}, " in told and "| ann, bob" in told


def test_as_many_images_again_are_asked_about_by_class_and_nobody_is_told_their_labels(audited):
    before = of_the_audit(audited)
    audited.set(audit={"classes": True})
    audited.play()
    of_class, waiting = of_the_audit(audited, "audit_of_class"), queue(audited)
    assert np.array_equal(of_the_audit(audited), before) and len(before) == len(of_class) == 100
    assert not any(waiting["suggestion"][waiting["strategy"] == "audit_of_class"])
    answer(audited, true_labels(audited, np.append(before, of_class)))
    audited.play()
    found = certificate(audited)
    assert (found["audit"]["n_drawn"], found["audit"]["n_by_class"], found["audit"]["n_missing"]) == (100, 100, 0)
    assert sum(files.read_table(audited.folder / "metrics/certificate_classes.csv")["n_audited"]) == 200
    assert "with 100 answers more that are allocated to them" in audited.tool("results")
    # They judge, and teach nothing.
    found = files.read_columns(audited.folder / "data/audit/labels.arrow")
    assert np.sum(found["audited"] != "") == 200 and set(found["origin"][np.append(before, of_class)]) == {"machine"}


def test_simulated_answers_have_no_second_person(asking_project):
    before = asking_project.bytes_of("metrics", "data/audit")
    asking_project.set(audit={"repeat": 1.0})
    asking_project.play("audit")
    assert asking_project.bytes_of("metrics", "data/audit") == before
