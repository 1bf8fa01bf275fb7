"""Ask through Label Studio: the queue becomes tasks of a project, and its annotations become answers.

A task is known by the content hash in its data, never by its number: tasks are deleted and imported anew, for new ones
come last in Label Studio's order. What a person has begun or answered is never deleted before its answer is here.
"""

import hashlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote

import numpy as np

from selflabel import files
from selflabel.data import shown
from selflabel.data.user_images import original_files
from selflabel.export.label_studio import config, prediction
from selflabel.labels import answers, state
from selflabel.labels.answers import LABEL_STUDIO, Answer
from selflabel.labels.classes import SKIP, Classes
from selflabel.labels.pool_index import PoolIndex
from selflabel.labels.questions import BLIND
from selflabel.labels.state import State
from selflabel.people import tools
from selflabel.people.answer_file import AnswerFile
from selflabel.people.label_studio_server import Server

POOL_IMAGES = "data/raw/pool_images.npy"
# Pixels of the longest side of an uploaded picture; and how many go in one request.
LARGEST, AT_ONCE = 1_600, 50


class Question(NamedTuple):
    """A row of the queue: ``suggestion`` is the machine's label, empty where people must not know it; ``score`` its
    confidence."""

    row: int
    hash: str
    round: int
    strategy: str
    suggestion: str
    score: float


class Pulled(NamedTuple):
    """What a project's annotations say: the answers; a sentence for each that says none; tasks that are not ours."""

    answers: list[Answer]
    problems: list[str]
    n_foreign: int


class Images(NamedTuple):
    """Where the pool's images come from: the section dataset's ``name``, ``path`` and ``max_pixels``."""

    name: str
    path: str
    max_pixels: int


def questions(audited: State, hashes: np.ndarray, classes: Classes) -> list[Question]:
    """Return what waits for people, in the queue's order, of an image asked about twice the first.

    ``audited``: the state after the audit. ``hashes``: (N,), of the pool. Of what an audit asks nobody is told the
    machine's label.
    """
    waiting, labels = audited.asked.where(audited.asked.is_waiting), audited.labels
    found: dict[str, Question] = {}
    for row, number, strategy in zip(waiting.row.tolist(), waiting.round.tolist(), waiting.strategy, strict=True):
        is_told = strategy not in BLIND and labels.is_machine[row]
        label, score = (classes[labels.label[row]], float(labels.confidence[row])) if is_told else ("", 0.0)
        found.setdefault(hashes[row], Question(row, hashes[row], number, strategy, label, score))
    return list(found.values())


def task(question: Question, address: str, *, model_version: str) -> dict[str, Any]:
    """Return the task that asks a question; ``address``: of its picture. The machine's label is a prediction."""
    data = {"image": address, "hash": question.hash, "round": question.round, "strategy": question.strategy}
    label = question.suggestion
    return {"data": data} | (
        {"predictions": [prediction(label, question.score, model_version)]} if label else {"predictions": []}
    )


def answers_of(
    tasks: Iterable[Mapping[str, Any]], emails: Mapping[int, str], *, known: Collection[str], classes: Classes
) -> Pulled:
    """Return the answers in a project's tasks, as its JSON export has them.

    A skip is told first: a cancelled annotation may hold the class that the machine suggested. ``emails``: of people
    by their number. ``known``: the hashes of all images; other tasks are not ours. An annotation that somebody marked
    as ground truth is nobody's answer here; drafts and predictions are none.
    """
    found, problems, n_foreign = [], [], 0
    for each in tasks:
        data = each["data"]
        if data.get("hash") not in known:
            n_foreign += 1
            continue
        for annotation in each["annotations"]:
            if annotation.get("ground_truth"):
                continue
            who = emails.get(annotation["completed_by"], f"label studio {annotation['completed_by']}")
            label = _label(annotation)
            if label != SKIP and label not in classes:
                got = f"got {label!r}" if isinstance(label, str) else f"got {len(label)}"
                problems.append(
                    f"task {each['id']}, annotation {annotation['id']} by {who}: must have one class of the run, {got}"
                )
                continue
            answer = Answer(
                hash=data["hash"],
                label=str(label),
                annotator=answers.name_of(who),
                when=datetime.fromisoformat(annotation["updated_at"]),
                comment=f"label studio annotation {annotation['id']}",
                strategy=str(data.get("strategy", "")),
                way=LABEL_STUDIO,
            )
            found.append(answer)
    return Pulled(found, problems, n_foreign)


def _label(annotation: Mapping[str, Any]) -> str | list[str]:
    """Return the class that an annotation chose, ``SKIP``, or the classes where they are not one."""
    if annotation["was_cancelled"]:
        return SKIP
    chosen = [
        name
        for result in annotation["result"]
        if result.get("type") == "choices"
        for name in result["value"].get("choices", [])
    ]
    return chosen[0] if len(chosen) == 1 else chosen


class Plan(NamedTuple):
    """What a push does: the numbers of tasks to delete, and the questions to import after that, in their order."""

    delete: list[int]
    ask: list[Question]


def plan(wanted: Sequence[Question], tasks: Sequence[Mapping[str, Any]], *, known: Collection[str]) -> Plan:
    """Return what makes the open tasks those of the queue, in its order.

    Tasks that nobody has begun go, and are imported anew; if they are the queue's already, nothing does. What somebody
    has begun stays. What was answered stays too, unless the queue asks about it again: people differ, or one more is
    wanted. Other people's tasks are left alone. ``tasks``: as the JSON export has them.
    """
    ours = [each for each in tasks if each["data"].get("hash") in known]
    begun = {each["data"]["hash"] for each in ours if each["drafts"] and not each["annotations"]}
    ask = [question for question in wanted if question.hash not in begun]
    asked = {question.hash for question in ask}
    free = [each for each in ours if not each["annotations"] and not each["drafts"]]
    again = [each["id"] for each in ours if each["annotations"] and each["data"]["hash"] in asked]
    there = [(each["data"]["hash"], each["data"].get("round"), each["data"].get("strategy")) for each in free]
    if not again and there == [(question.hash, question.round, question.strategy) for question in ask]:
        return Plan([], [])
    return Plan(again + [each["id"] for each in free], ask)


def push(server: Server, title: str, images: Images, *, document_root: Path | None = None) -> str:
    """Make a project's open tasks those of the queue, and return in a sentence what was done.

    ``document_root``: what Label Studio serves local files from; None: pictures are uploaded, drawn anew from their
    pixels. Raises ``ValueError`` where answers wait there that are not here yet, for tasks with them are deleted; and
    as ``Server`` does.
    """
    classes, index = Classes.read(tools.CLASSES), PoolIndex.read(tools.INDEX)
    known = frozenset(index.hash.tolist())
    if not np.array_equal(files.read_columns(Path(tools.FINAL, "labels.arrow"), "hash")["hash"], index.hash):
        raise ValueError(f"{tools.FINAL} must be about the images of {tools.INDEX}, got others: `dvc repro` asks anew")
    wanted = questions(state.read(tools.FINAL), index.hash, classes)
    addresses = {} if document_root is None else _local_addresses(wanted, index, images, document_root)
    number = server.project(title, config(classes))
    tasks = server.tasks(number)
    pulled = answers_of(tasks, server.emails(), known=known, classes=classes)
    there = AnswerFile(Path(tools.ANSWERS), classes=classes, known=known).read()
    if n_new := len(tools.news(there, pulled.answers, is_dated=True)):
        raise ValueError(
            f"the answers of {title!r} must be here before new tasks are sent, got {n_new:,} that are not: `selflabel "
            "label-studio pull`, then `dvc repro`"
        )
    version = f"selflabel {hashlib.sha256(repr(wanted).encode()).hexdigest()[:12]}"
    todo = plan(wanted, tasks, known=known)
    if document_root is None:
        addresses = _uploaded(server, number, todo.ask, index, images)
    elif todo.ask:
        server.serve_folder(number, _folder(images))
    server.delete_tasks(number, todo.delete)
    server.import_tasks(
        number, [task(question, addresses[question.hash], model_version=version) for question in todo.ask]
    )
    if todo.ask:
        server.show_predictions(number, version)
    kept = "" if len(todo.ask) == len(wanted) else f", {len(wanted) - len(todo.ask):,} are there already"
    return f"{len(todo.ask):,} tasks sent to {title!r}{kept}; {len(todo.delete):,} older ones taken away: {server.url}"


def pull(server: Server, title: str) -> str:
    """Append a project's answers to answers.csv, and return in lines how many were new, and what says nothing.

    Pulling twice adds nothing. An answer that is older than the same person's last word about the image is left.
    """
    classes, known = Classes.read(tools.CLASSES), frozenset(PoolIndex.read(tools.INDEX).hash.tolist())
    number = server.find(title)
    if number is None:
        raise ValueError(f"there must be a project {title!r} at {server.url}, got none: `selflabel label-studio push`")
    pulled = answers_of(server.tasks(number), server.emails(), known=known, classes=classes)
    file = AnswerFile(Path(tools.ANSWERS), classes=classes, known=known)
    n_new = tools.take_in(file, tools.as_asked(pulled.answers), is_dated=True)
    told = f"{n_new:,} answers appended to {tools.ANSWERS}; {len(pulled.answers) - n_new:,} were there"
    foreign = [f"{pulled.n_foreign:,} tasks are about no image of this data set"] if pulled.n_foreign else []
    return "\n".join([told, *foreign, *pulled.problems])


def _uploaded(
    server: Server, number: int, asked: Sequence[Question], index: PoolIndex, images: Images
) -> dict[str, str]:
    """Return the address of each question's picture by its hash; those that are not there yet are uploaded."""
    there = server.uploads(number)
    missing = [question for question in asked if question.hash not in there]
    pool = files.read_array(POOL_IMAGES)
    for start in range(0, len(missing), AT_ONCE):
        pictures = []
        for question in missing[start : start + AT_ONCE]:
            source = np.asarray(pool[question.row]) if index.path is None else _file(index, question, images)
            data, kind = shown.encoded(source, longest=LARGEST, max_pixels=images.max_pixels)
            # Called by its hash alone: a name may say what is in it.
            pictures.append((f"{question.hash}.{kind.partition('/')[2]}", data, kind))
        server.upload(number, pictures)
    return server.uploads(number) if missing else there


def _file(index: PoolIndex, question: Question, images: Images) -> Path:
    return original_files(images.name, images.path, () if index.path is None else [index.path[question.row]])[0]


def _folder(images: Images) -> Path:
    path = Path(images.path)
    return (path if images.name == "folder" else path.parent).resolve()


def _local_addresses(
    wanted: Sequence[Question], index: PoolIndex, images: Images, document_root: Path
) -> dict[str, str]:
    """Return the address of each question's own file; raise ``ValueError`` unless it is strictly below the root."""
    if index.path is None:
        raise ValueError(f"--local-files must be left out where images are no files, got {images.name}")
    root, folder = document_root.resolve(), _folder(images)
    if folder == root or not folder.is_relative_to(root):
        raise ValueError(f"--local-files must be a folder above {folder}, as Label Studio wants it, got {root}")
    places = {question.hash: _file(index, question, images).resolve() for question in wanted}
    return {key: f"/data/local-files/?d={quote(place.relative_to(root).as_posix())}" for key, place in places.items()}
