"""Push and pull with a real Label Studio: `make test-label-studio`."""

import json
import os
import signal
import subprocess
import time
from pathlib import Path

import pytest
import requests
from browsing import by_row, write_pictures
from in_process import InProcess

from selflabel import files
from selflabel.labels.pool_index import PoolIndex
from selflabel.people.answer_file import AnswerFile
from selflabel.people.label_studio_server import Server
from selflabel.serve.server import listening

pytestmark = [pytest.mark.label_studio, pytest.mark.xdist_group("photographs")]
KEY, EMAIL = "0123456789abcdef" * 2 + "01234567", "ann@example.org"
TITLE = "selflabel pictures"
FAST = {
    "dataset": {"image_size": 16}, "features": {"extractor": "pixels", "components": 0},
    "ask": {"strategy": "margin", "per_round": 6, "budget": 12}, "audit": {"size": 5, "planned": 5},
    # No alarm is to end the rounds before their last question.
    "stopping": {"precision_margin": 1.0}, "classifier": {"name": "kernel_ridge", "C": 10.0, "gamma": 1.0, "seed": 0},
    "training": {"train_on": "human_labels"}, "self_label": {"keep": "revise", "iterations": 2},
}  # fmt: skip


class Running:
    """A Label Studio with a folder of its own, on a free port."""

    def __init__(self, folder):
        listener = listening("127.0.0.1", 0)
        self.port = listener.getsockname()[1]
        listener.close()
        self.url, self._folder = f"http://127.0.0.1:{self.port}", folder
        self.start()

    def start(self):
        # Nothing of it is told to anybody, and it asks nobody for newer versions.
        here = {
            "LABEL_STUDIO_BASE_DATA_DIR": str(self._folder), "COLLECT_ANALYTICS": "false",
            "LATEST_VERSION_CHECK": "false", "SENTRY_DSN": "", "FRONTEND_SENTRY_DSN": "",
            "LABEL_STUDIO_USERNAME": EMAIL, "LABEL_STUDIO_PASSWORD": "secret-12", "LABEL_STUDIO_USER_TOKEN": KEY,
            "LABEL_STUDIO_ENABLE_LEGACY_API_TOKEN": "true", "LABEL_STUDIO_LOCAL_FILES_SERVING_ENABLED": "true",
            "LABEL_STUDIO_LOCAL_FILES_DOCUMENT_ROOT": str(self._folder.parent),
        }  # fmt: skip
        command = [os.environ["LABEL_STUDIO"], "start", "--no-browser", "--internal-host", "127.0.0.1"]
        command += ["--port", str(self.port)]
        with (self._folder / "log").open("a") as log:
            self._process = subprocess.Popen(
                command, env=os.environ | here, stdout=log, stderr=log, start_new_session=True
            )
        for _ in range(240):
            try:
                if requests.get(f"{self.url}/api/projects", headers=self.headers, timeout=5).ok:
                    return
            except requests.RequestException:
                pass
            time.sleep(0.5)
        pytest.fail((self._folder / "log").read_text()[-2_000:])

    @property
    def headers(self):
        return {"Authorization": f"Token {KEY}"}

    def kill(self):
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def call(self, method, path, **content):
        reply = requests.request(method, f"{self.url}/api/{path}", headers=self.headers, timeout=30, **content)
        assert reply.ok, reply.text
        return reply.json() if reply.content else None

    def annotate(self, task, label, *, by=1, skips=False):
        """Annotate a task as the page does; return the annotation's number."""
        result = [{"from_name": "label", "to_name": "image", "type": "choices", "value": {"choices": [label]}}]
        told = {"result": result, "completed_by": by} | ({"was_cancelled": True} if skips else {})
        return self.call("POST", f"tasks/{task}/annotations{'?is_skipped=true' * skips}", json=told)["id"]


@pytest.fixture(scope="module")
def label_studio(tmp_path_factory):
    if "LABEL_STUDIO" not in os.environ:
        pytest.fail(
            "LABEL_STUDIO must be the command of an installed Label Studio: `make test-label-studio` installs one"
        )
    running = Running(tmp_path_factory.mktemp("label_studio"))
    running.call("POST", "users/", json={"email": "bob@example.org", "username": "bob", "password": "secret-12"})
    yield running
    running.kill()


@pytest.fixture
def project(_in_process: InProcess, label_studio, tmp_path, monkeypatch):
    """A run of pictures that asks people, before their first answer; the true class of each row."""
    truth = write_pictures(tmp_path / "pictures", [f"digit {n}" for n in range(10)])
    project = _in_process.copy(tmp_path / "project")
    project.tool("init", str(tmp_path / "pictures"))
    project.set(**FAST)
    project.play()
    monkeypatch.setenv("LABEL_STUDIO_URL", label_studio.url)
    monkeypatch.setenv("LABEL_STUDIO_API_KEY", KEY)
    monkeypatch.chdir(project.folder)
    yield project, by_row(project, truth)
    for each in label_studio.call("GET", "projects?page_size=100")["results"]:
        label_studio.call("DELETE", f"projects/{each['id']}")


def tasks_of(label_studio):
    (number,) = [each["id"] for each in label_studio.call("GET", "projects")["results"] if each["title"] == TITLE]
    return Server(label_studio.url, KEY).tasks(number)


def given():
    table = files.read_table("answers.csv")
    return [dict(zip(table, cells, strict=True)) for cells in zip(*table.values(), strict=True)]


def open_hashes(label_studio):
    return [task["data"]["hash"] for task in tasks_of(label_studio) if not task["annotations"]]


def queued():
    return list(dict.fromkeys(files.read_table("data/queue/queue.csv")["hash"].tolist()))


def test_questions_go_there_and_answers_come_back_round_after_round_and_then_the_audit(project, label_studio):
    project, truth = project
    rows = {key: row for row, key in enumerate(PoolIndex.read("data/raw/index.csv").hash.tolist())}
    for number in (1, 2):
        assert "6 tasks sent to" in project.tool("label-studio", "push")
        assert "0 tasks sent to" in project.tool("label-studio", "push")
        assert open_hashes(label_studio) == queued()
        tasks = [task for task in tasks_of(label_studio) if not task["annotations"]]
        predictions = label_studio.call("GET", f"predictions?project={tasks[0]['project']}")
        # Those of earlier rounds are gone, and each question has the machine's label.
        assert len({each["model_version"] for each in predictions}) == 1 and len(predictions) == 6
        for task in tasks:
            picture = requests.get(label_studio.url + task["data"]["image"], headers=label_studio.headers, timeout=30)
            assert picture.headers["content-type"].startswith("image/")
            label_studio.annotate(task["id"], truth[rows[task["data"]["hash"]]])
        told = project.tool("label-studio", "push", check=False)
        assert "got 6 that are not: `selflabel label-studio pull`" in told
        assert project.tool("label-studio", "pull").startswith("6 answers appended")
        assert project.tool("label-studio", "pull").startswith("0 answers appended")
        assert {row["annotator"] for row in given()} == {EMAIL} and len(given()) == 6 * number
        project.play()
    project.tool("label-studio", "push")
    audit = [task for task in tasks_of(label_studio) if not task["annotations"]]
    assert [task["data"]["strategy"] for task in audit] == ["audit"] * 5
    # Nothing there says what the machine thinks of them.
    assert not any(task["predictions"] for task in audit)
    assert all(set(task["data"]) == {"image", "hash", "round", "strategy"} for task in audit)
    assert label_studio.call("GET", f"predictions?project={audit[0]['project']}") == []
    for task in audit:
        label_studio.annotate(task["id"], truth[rows[task["data"]["hash"]]])
    project.tool("label-studio", "pull")
    assert [row["strategy"] for row in given()][-5:] == ["audit"] * 5
    assert {row["way"] for row in given()} == {"label_studio"}
    assert "no answers missing" in project.play()


def test_a_skip_a_change_of_mind_a_tie_and_a_draft_are_what_they_were_meant_to_be(project, label_studio):
    project, _ = project
    project.tool("label-studio", "push")
    skipped, changed, tied, begun, *_ = tasks_of(label_studio)
    # The page sends the machine's choice with a skip.
    label_studio.annotate(skipped["id"], "digit 3", skips=True)
    annotation = label_studio.annotate(changed["id"], "digit 1")
    label_studio.annotate(tied["id"], "digit 1")
    label_studio.annotate(tied["id"], "digit 2", by=2)
    label_studio.call("POST", f"tasks/{begun['id']}/drafts", json={"result": [], "lead_time": 1})
    assert project.tool("label-studio", "pull").startswith("4 answers appended")
    labels = {(row["hash"], row["annotator"]): row["label"] for row in given()}
    assert labels[skipped["data"]["hash"], EMAIL] == "skip"
    assert labels[tied["data"]["hash"], "bob@example.org"] == "digit 2"
    old = label_studio.call("GET", f"projects/{changed['project']}/export?exportType=JSON")
    result = [{"from_name": "label", "to_name": "image", "type": "choices", "value": {"choices": ["digit 5"]}}]
    label_studio.call("PATCH", f"annotations/{annotation}", json={"result": result})
    assert project.tool("label-studio", "pull").startswith("1 answers appended")
    assert [row["label"] for row in given() if row["hash"] == changed["data"]["hash"]] == ["digit 1", "digit 5"]
    # An export from before says nothing new.
    assert pulled_from(old) == 0
    project.play()
    assert tied["data"]["hash"] in queued()
    project.tool("label-studio", "push")
    after = {task["data"]["hash"]: task for task in tasks_of(label_studio)}
    assert after[tied["data"]["hash"]]["annotations"] == [] and after[begun["data"]["hash"]]["id"] == begun["id"]
    label_studio.annotate(after[tied["data"]["hash"]]["id"], "digit 2")
    project.tool("label-studio", "pull")
    project.play()
    assert tied["data"]["hash"] not in queued()


def pulled_from(exported):
    from selflabel.labels.classes import Classes
    from selflabel.people import label_studio, tools

    known = PoolIndex.read("data/raw/index.csv").hash.tolist()
    classes = Classes.read("data/raw/classes.json")
    said = label_studio.answers_of(exported, {1: EMAIL, 2: "bob@example.org"}, known=known, classes=classes)
    file = AnswerFile(Path(tools.ANSWERS), classes=classes, known=known)
    return tools.take_in(file, said.answers, is_dated=True)


def test_other_peoples_tasks_stay_and_their_exports_are_refused_as_answers(project, label_studio):
    project, _ = project
    project.tool("label-studio", "push")
    first = tasks_of(label_studio)[0]
    label_studio.call("POST", f"projects/{first['project']}/import", json=[{"data": {"image": "/x.png"}}])
    label_studio.annotate(first["id"], "digit 1")
    assert "1 tasks are about no image of this data set" in project.tool("label-studio", "pull")
    project.play()
    project.tool("label-studio", "push")
    assert [task["data"]["image"] for task in tasks_of(label_studio)].count("/x.png") == 1
    for kind in ("CSV", "JSON_MIN", "JSON"):
        address = f"{label_studio.url}/api/projects/{first['project']}/export?exportType={kind}"
        reply = requests.get(address, headers=label_studio.headers, timeout=30)
        (project.folder / "theirs").write_bytes(reply.content)
        told = project.tool("answer", "theirs", check=False)
        assert "dropped skips and calls people by numbers: `selflabel label-studio pull`" in told


def test_local_files_are_shown_without_being_uploaded(project, label_studio, tmp_path):
    project, _ = project
    told = project.tool("label-studio", "push", "--local-files", str(tmp_path / "pictures"), check=False)
    assert f"--local-files must be a folder above {tmp_path / 'pictures'}" in told
    assert "6 tasks sent" in project.tool("label-studio", "push", "--local-files", str(tmp_path.parent))
    task = tasks_of(label_studio)[0]
    assert task["data"]["image"].startswith(f"/data/local-files/?d={tmp_path.name}/pictures/")
    picture = requests.get(label_studio.url + task["data"]["image"], headers=label_studio.headers, timeout=30)
    assert picture.ok and picture.content.startswith(b"\x89PNG")
    assert label_studio.call("GET", f"projects/{task['project']}/file-uploads?all=true") == []


def test_the_interface_is_valid_and_a_new_class_reaches_it(project, label_studio):
    project, _ = project
    project.tool("label-studio", "push")
    number = tasks_of(label_studio)[0]["project"]
    config = label_studio.call("GET", f"projects/{number}")["label_config"]
    label_studio.call("POST", f"projects/{number}/validate", json={"label_config": config})
    classes = [*json.loads((project.folder / "data/raw/classes.json").read_text()), "no <digit>"]
    files.write_json("data/raw/classes.json", classes)
    project.tool("label-studio", "push")
    assert "no &lt;digit&gt;" in label_studio.call("GET", f"projects/{number}")["label_config"]


def test_a_server_that_is_not_there_or_refuses_is_told_in_a_sentence_and_nothing_is_lost(
    project, label_studio, monkeypatch
):
    project, _ = project
    project.tool("label-studio", "push")
    task = tasks_of(label_studio)[0]
    label_studio.annotate(task["id"], "digit 1")
    label_studio.kill()
    for direction in ("push", "pull"):
        told = project.tool("label-studio", direction, check=False)
        assert f"LABEL_STUDIO_URL must be a running Label Studio, got none at {label_studio.url}" in told
    label_studio.start()
    assert project.tool("label-studio", "pull").startswith("1 answers appended")
    monkeypatch.setenv("LABEL_STUDIO_API_KEY", "wrong")
    assert "LABEL_STUDIO_API_KEY must be a token that" in project.tool("label-studio", "pull", check=False)
    monkeypatch.delenv("LABEL_STUDIO_API_KEY")
    assert "LABEL_STUDIO_API_KEY must be an access token" in project.tool("label-studio", "pull", check=False)
    monkeypatch.setenv("LABEL_STUDIO_URL", "here")
    assert "LABEL_STUDIO_URL must be an address" in project.tool("label-studio", "pull", check=False)
