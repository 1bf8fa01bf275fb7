"""A session of labelling: what is asked, what was answered, and the rounds that are played in between."""

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from selflabel.audit import sequence
from selflabel.labels import answers
from selflabel.labels.answers import GRID, PAGE, PAGE_WITH_HINTS, Answer
from selflabel.labels.classes import SKIP, Classes
from selflabel.labels.questions import AGAIN, AUDIT, BLIND, CONFLICT, JUDGING, REST, TIED
from selflabel.people.answer_file import AnswerFile
from selflabel.serve import grid
from selflabel.serve.grid import Group
from selflabel.serve.project import NeedsStudent, Project, Rounds

# As many tasks go to a page at once, so that it can fetch pictures ahead.
N_AHEAD = 8
# Seconds for which what one browser was given is not given to another one: an image, and a grid of them.
LEASE, GRID_LEASE = 60.0, 600.0
# Seconds after which a page that waits is answered in any case.
WAIT = 20.0

QUESTIONS, AUDITING, PLAYING, DONE, FAILED = "questions", "audit", "playing", "done", "failed"


class Refused(Exception):
    """An answer that is not taken, with one sentence that says why."""


@dataclass(eq=False)
class Browser:
    """One browser: who answers in it, and the rows answered in it and taken back in it, the newest last.

    ``grid``: why the rows were in its grid that were shown there, and which of them were answered there, ``confirmed``.
    """

    annotator: str
    answered: list[int] = field(default_factory=list)
    undone: list[int] = field(default_factory=list)
    grid: dict[int, str] = field(default_factory=dict)
    confirmed: set[int] = field(default_factory=set)


@dataclass(frozen=True)
class Task:
    """An image that a person is asked about: its row, its content hash, and why; how many people are to answer."""

    row: int
    hash: str
    strategy: str
    n_people: int = 1

    @property
    def kind(self) -> str:
        """Audit, of whose machine label the person must know nothing, a second look, or question."""
        return AUDIT if self.strategy in BLIND else AGAIN if self.strategy == AGAIN else "question"


def tasks_of(rounds: Rounds, hashes: Any) -> list[Task]:
    """Return what waits for people, in the order of asking; of images with the same content the first."""
    waiting, of_two_people = rounds.waiting, {hashes[row] for row in rounds.of_two_people}
    tasks: dict[str, Task] = {}
    for row, strategy in zip(waiting.row.tolist(), waiting.strategy.tolist(), strict=True):
        key = hashes[row]
        tasks.setdefault(key, Task(row, key, strategy, n_people=2 if key in of_two_people else 1))
    return list(tasks.values())


class Session:
    """What all browsers share. Its methods may be called from any thread.

    ``train``: plays what is left of a project up to the audit where there is a student. ``has_hints``: whether the two
    likeliest classes of a question are shown. ``now``: the time, with a time zone.
    """

    def __init__(
        self,
        project: Project,
        file: AnswerFile,
        *,
        train: Callable[[Project], Rounds],
        has_hints: bool = False,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._project, self._file, self._train, self._now = project, file, train, now
        self._has_hints = has_hints
        self._changed = threading.Condition(threading.RLock())
        self._is_playing, self._message = False, ""
        self._rounds: Rounds | None = None
        # What the rounds were played with: the answers that teach, and the classes.
        self._taught: tuple[list[Answer], Classes] | None = None
        self._tasks: dict[str, Task] = {}
        # Who has an image before them, asked about for this reason, and until when.
        self._leases: dict[tuple[str, str], tuple[Browser, float]] = {}
        # What each annotator said last of each image.
        self._votes: dict[str, dict[str, str]] = {}
        self._strategies: dict[str, str] = {}
        # The images at which somebody has looked once more.
        self._seen_again: set[str] = set()
        self._groups: list[Group] = []
        self._grouped: Rounds | None = None

    @property
    def project(self) -> Project:
        """What is labelled, with the classes that there are by now."""
        return self._project

    @property
    def rounds(self) -> Rounds | None:
        """The rounds played last; None before the first time."""
        return self._rounds

    def start(self) -> None:
        """Play with the answers that are there, in a thread of its own."""
        with self._changed:
            if not self._is_playing:
                self._is_playing, self._message = True, "The machine is playing the next round."
                threading.Thread(target=self._play, daemon=True).start()

    def wait(self, seconds: float = WAIT) -> None:
        """Wait while rounds are being played, ``seconds`` at most."""
        with self._changed:
            self._changed.wait_for(lambda: not self._is_playing, timeout=seconds)

    def state(self, browser: Browser) -> dict[str, Any]:
        """Return what the page shows, as label.js reads it."""
        with self._changed:
            self._refresh()
            dataset = self._project.params.dataset
            return {
                # The folder's name: where it lies is nobody's business.
                "project": dataset.name if self._project.index.path is None else Path(dataset.path).name,
                "annotator": browser.annotator,
                "classes": list(self._project.classes),
                "may_name_classes": self._project.may_name_classes,
                "phase": self._phase(browser),
                "message": self._message or self._told_of_others(browser),
                "round": self._round(),
                "progress": self._progress(),
                "tasks": self._next(browser),
            }

    def answer(self, browser: Browser, row: int, label: str, *, note: str = "") -> None:
        """Put an answer on the disk; when this returns it is there.

        Raises ``Refused`` for another label than there are, and for an image that waits for no answer; ``OSError``
        where the disk takes nothing.
        """
        self._check(row, label)
        key = self._project.index.hash[row]
        # What a browser kept while the server was away comes while it plays: only then it is known what waits.
        self.wait()
        with self._changed, self._file.locked():
            self._refresh()
            is_correction = row in browser.answered or row in browser.undone
            # The same once more: the page has not heard that it arrived.
            if self._votes.get(key, {}).get(browser.annotator) != label:
                if not is_correction and not self._waits_for(browser, key):
                    raise Refused(
                        "the image waits for no answer any more: another browser was first, or the round is over"
                    )
                strategy = self._tasks[key].strategy if key in self._tasks else self._strategies.get(key, "")
                when = self._now().replace(microsecond=0)
                way = PAGE_WITH_HINTS if self._hints(row) else PAGE
                self._put([Answer(key, label, browser.annotator, when, answers.note_of(note), strategy, way)])
            for rows in (browser.undone, browser.answered):
                if row in rows:
                    rows.remove(row)
            browser.answered.append(row)
            # An answer to an earlier round that is another now changes all that came after it.
            if key not in self._tasks or not self._open() or self._ends_audit():
                self.start()

    def name_class(self, name: str) -> None:
        """Add a class that there was none of; a name that is there already changes nothing.

        The rounds are played with it as soon as they are played again. Raises ``Refused`` for a name that cannot stand
        beside the others, and where all labels are known.
        """
        with self._changed, self._file.locked():
            if name in self._project.classes:
                return
            try:
                self._project = self._project.with_class(name)
            except ValueError as error:
                raise Refused(str(error)) from error
            self._file.classes = self._project.classes

    def undo(self, browser: Browser) -> None:
        """Ask again about what the browser answered last; that answer counts until there is another.

        Raises ``Refused`` where it has answered nothing.
        """
        with self._changed:
            if not browser.answered:
                raise Refused("there is no answer of this browser to take back")
            browser.undone.append(browser.answered.pop())

    def grid(self, browser: Browser, strategy: str, label: str) -> dict[str, Any]:
        """Return what the grid shows, as grid.js reads it: the groups, and some images of the wanted one.

        ``strategy``, ``label``: of a group; where it has no image left, or there is no such group, the first that has.
        """
        self.wait()
        groups = self._all_groups()
        with self._changed:
            now = time.monotonic()
            for key in [key for key, (holder, until) in self._leases.items() if holder is browser and until > now]:
                self._leases.pop(key)
            left = [self._left(group, browser) for group in groups]
            left = [group for group in left if group.cells]
            shown = next((group for group in left if (group.strategy, group.label) == (strategy, label)), None)
            shown = shown or next(iter(left), Group(strategy, label, {}))
            cells = list(shown.cells.items())[: grid.N_SHOWN]
            for row, _ in cells:
                self._leases[self._project.index.hash[row], shown.strategy] = (browser, now + GRID_LEASE)
                browser.grid[row] = shown.strategy
            return {
                "annotator": browser.annotator,
                "classes": list(self._project.classes),
                "is_playing": self._is_playing,
                "is_audited": bool(self._rounds and self._rounds.audit),
                "message": self._message,
                "groups": [{"strategy": of.strategy, "label": of.label, "n": len(of.cells)} for of in left],
                "strategy": shown.strategy,
                "label": shown.label,
                "cells": [{"row": row, "label": given, "image": f"/image/{row}?size=small"} for row, given in cells],
            }

    def confirm(self, browser: Browser, strategy: str, labels: Mapping[int, str]) -> int:
        """Put the answers about the images of a grid on the disk, all at once; return how many were not taken.

        ``labels``: a class or ``SKIP`` for each row shown. What waits for no answer any more, since somebody else was
        first or the labels are others now, is not taken. Raises as ``answer`` does; nothing is written then.
        """
        for row, label in labels.items():
            self._check(row, label)
        # What rounds change meanwhile takes away no answer that still says something.
        self.wait()
        with self._changed, self._file.locked():
            self._refresh()
            when, hashes = self._now().replace(microsecond=0), self._project.index.hash
            new, n_left_out = [], 0
            for row, label in labels.items():
                is_known = row in browser.confirmed and browser.grid[row] == strategy
                if not is_known and not (
                    browser.grid.get(row) == strategy and self._may_confirm(browser, strategy, row)
                ):
                    n_left_out += 1
                    continue
                # The same once more: the page has not heard that it arrived.
                if not is_known or self._votes.get(hashes[row], {}).get(browser.annotator) != label:
                    new.append(Answer(hashes[row], label, browser.annotator, when, "", strategy, GRID))
            self._put(new)
            shown = {row for row in labels if browser.grid.get(row) == strategy}
            browser.confirmed |= {row for row in shown if browser.annotator in self._votes.get(hashes[row], {})}
            # What was confirmed teaches, but for what an audit left.
            if new and (strategy != REST or not self._open()):
                self.start()
            return n_left_out

    def _may_confirm(self, browser: Browser, strategy: str, row: int) -> bool:
        """Return whether a row still waits for an answer in a grid: as what an audit left, as a suspect, or unasked."""
        key = self._project.index.hash[row]
        if strategy == REST:
            return key in self._tasks and self._tasks[key].strategy == REST and self._waits_for(browser, key)
        if strategy == AGAIN:
            return key not in self._seen_again
        # Nobody may be told a label that an audit could ask about.
        return key not in self._votes and key not in self._tasks and bool(self._rounds and not self._rounds.audit)

    def _all_groups(self) -> list[Group]:
        """Return the groups of the rounds played last; no lock is held while they are made."""
        with self._changed:
            self._refresh()
            rounds, is_known = self._rounds, self._rounds is self._grouped
            given = [] if is_known else list(self._file.read())
        if rounds and not is_known:
            groups = grid.groups(rounds, self._project, given)
            with self._changed:
                self._groups, self._grouped = groups, rounds
        return self._groups if rounds else []

    def _left(self, group: Group, browser: Browser) -> Group:
        """Return a group without what has been answered, and without what another browser works on."""
        now, left = time.monotonic(), {}
        for row, label in group.cells.items():
            key = self._project.index.hash[row]
            holder, until = self._leases.get((key, group.strategy), (browser, now))
            is_free = holder is browser or until <= now
            if is_free and self._may_confirm(browser, group.strategy, row):
                left[row] = label
        return Group(group.strategy, group.label, left)

    def _check(self, row: int, label: str) -> None:
        if label != SKIP and label not in self._project.classes:
            raise Refused(f"the label must be one of the classes or {SKIP}, got {label!r:.80}")
        if not 0 <= row < len(self._project.index):
            raise Refused(f"the row must be one from 0 to {len(self._project.index) - 1}, got {row}")

    def _refresh(self) -> None:
        """Take in what others have written to the file, and play where nothing waits any more."""
        if self._file.has_changed():
            self._take_in()
            if self._rounds and self._tasks and not self._open():
                self.start()

    def _take_in(self) -> None:
        self._votes, self._strategies, self._seen_again = {}, {}, set()
        for answer in sorted(self._file.read(), key=lambda answer: answer.when):
            self._hear(answer)

    def _put(self, new: list[Answer]) -> None:
        """Put answers on the disk; the file must be locked."""
        self._file.append(new)
        for answer in new:
            self._hear(answer)
            # Another person may be wanted.
            self._leases.pop((answer.hash, answer.strategy), None)

    def _hear(self, answer: Answer) -> None:
        self._votes.setdefault(answer.hash, {})[answer.annotator] = answer.label
        self._strategies[answer.hash] = answer.strategy
        if answer.strategy == AGAIN:
            self._seen_again.add(answer.hash)

    def _open(self) -> list[Task]:
        """Return the tasks that fewer people have answered than are to."""
        return [task for task in self._tasks.values() if len(self._votes.get(task.hash, {})) < task.n_people]

    def _ends_audit(self) -> bool:
        """Return whether a sequential audit has its last answer, though more images were to be asked about."""
        asked = self._rounds.audit.sequence if self._rounds and self._rounds.audit else None
        if not asked:
            return False
        keys = self._project.index.hash[asked.asked]
        given = {key: self._votes[key] for key in keys if key in self._votes}
        decisions = {key: answers.majority(votes, self._project.classes) for key, votes in given.items()}
        return sequence.follow(asked, answers.look_up(asked.asked, keys, decisions)).is_ended

    def _waits_for(self, browser: Browser, key: str) -> bool:
        """Return whether a task waits for this browser's annotator: for anybody, or a word where others are tied.

        What two people are to answer waits for no third one, even where they differ.
        """
        votes = self._votes.get(key, {})
        if key not in self._tasks or browser.annotator in votes:
            return False
        n_people = self._tasks[key].n_people
        is_tied = len(votes) > 1 and answers.majority(votes, self._project.classes).status == TIED
        return len(votes) < n_people or (is_tied and n_people == 1)

    def _n_for_others(self, browser: Browser) -> int:
        """Return how many images wait for a second person alone, where nothing waits for this browser's annotator."""
        if browser.undone or any(self._waits_for(browser, key) for key in self._tasks):
            return 0
        return sum(browser.annotator in self._votes.get(task.hash, {}) for task in self._open())

    def _told_of_others(self, browser: Browser) -> str:
        n = self._n_for_others(browser)
        if not n:
            return ""
        images = "1 image of the audit waits" if n == 1 else f"{n:,} images of the audit wait"
        return f"{images} for a second person, who opens the address with `&annotator=NAME` at its end."

    def _phase(self, browser: Browser) -> str:
        if self._is_playing:
            return PLAYING
        if not self._rounds:
            return FAILED
        if not self._tasks or self._n_for_others(browser):
            return DONE
        return AUDITING if self._rounds.audit else QUESTIONS

    def _round(self) -> int:
        """Return which batch of questions this is, from 1 on: all answers that were there are of earlier ones."""
        if not self._rounds:
            return 0
        last = self._rounds.states[-1]
        return (last.n_asked - len(last.questions)) // max(self._project.params.ask.per_round, 1) + 1

    def _progress(self) -> dict[str, list[int]]:
        """Return how many are answered, and how many there are, of the round, the budget and the audit; 0: no such."""
        progress = {"round": [0, 0], "budget": [0, 0], "audit": [0, 0]}
        if not self._rounds:
            return progress
        ask, n_open = self._project.params.ask, len(self._open())
        if not self._rounds.audit:
            progress["round"] = [len(self._tasks) - n_open, len(self._tasks)]
        n_conflicts = sum(task.strategy == CONFLICT for task in self._open())
        if ask.strategy != "none":
            n_waiting = 0 if self._rounds.audit else n_open - n_conflicts
            progress["budget"] = [self._rounds.states[-1].n_asked - n_waiting, ask.budget]
        config, audit = self._project.audit_config, self._rounds.audit
        # Where two people are asked, two answers.
        is_drawn = audit and (not audit.path or audit.path.is_ended)
        n_drawn = len(audit.drawn) if audit and is_drawn else config.n_asked
        n_repeated = audit.n_repeated if audit else config.n_repeated(n_drawn)
        keys = [self._project.index.hash[row] for row in audit.drawn.row] if audit else []
        wanted = [(key, 2 if place < n_repeated else 1) for place, key in enumerate(keys)]
        n_audited = sum(min(len(self._votes.get(key, {})), n_people) for key, n_people in wanted)
        progress["audit"] = [n_audited, n_drawn + n_repeated]
        return progress

    def _next(self, browser: Browser) -> list[dict[str, Any]]:
        """Return the tasks for a browser: what it took back, the newest first, then what no other one works on."""
        undone = [self._as_json(row, self._project.index.hash[row], browser) for row in reversed(browser.undone)]
        if self._phase(browser) not in (QUESTIONS, AUDITING):
            return undone
        ahead: list[dict[str, Any]] = []
        now = time.monotonic()
        for key, task in self._tasks.items():
            if len(ahead) == N_AHEAD:
                break
            holder, until = self._leases.get((key, task.strategy), (browser, now))
            is_anothers = holder is not browser and now < until
            if task.row not in browser.undone and not is_anothers and self._waits_for(browser, key):
                self._leases[key, task.strategy] = (browser, now + LEASE)
                ahead.append(self._as_json(task.row, key, browser))
        return undone + ahead

    def _as_json(self, row: int, key: str, browser: Browser) -> dict[str, Any]:
        strategy = self._tasks[key].strategy if key in self._tasks else self._strategies.get(key, "")
        task = {"row": row, "kind": Task(row, key, strategy).kind, "image": f"/image/{row}"}
        label = self._votes.get(key, {}).get(browser.annotator)
        hints = self._hints(row)
        task |= {"hints": hints} if hints else {}
        return task | {"original": f"/image/{row}?size=full"} | ({"label": label} if label else {})

    def _hints(self, row: int) -> list[str]:
        """Return the two likeliest classes of a question of the round, where they are wanted; never of an audit's."""
        if not self._rounds or not self._has_hints:
            return []
        return self._rounds.likeliest.get(row, [])

    def _play(self) -> None:
        while True:
            with self._changed:
                given, before = list(self._file.read()), self._rounds
                project = self._project
            taught = [answer for answer in given if answer.strategy not in JUDGING], project.classes
            try:
                if before and before.final and taught == self._taught:
                    # What judges changes no label.
                    rounds = Rounds(before.states, before.final, project.audit(before.final, given))
                else:
                    rounds = self._played(project, given)
            except Exception as error:
                with self._changed:
                    self._rounds, self._tasks, self._is_playing = None, {}, False
                    self._message = f"The next round cannot be played: {error}"
                    self._changed.notify_all()
                raise
            with self._changed:
                self._taught, self._rounds = taught, rounds
                self._tasks = {task.hash: task for task in tasks_of(rounds, self._project.index.hash)}
                self._take_in()
                if self._file.read() == given:
                    self._is_playing, self._message = False, ""
                    self._changed.notify_all()
                    return

    def _played(self, project: Project, given: list[Answer]) -> Rounds:
        try:
            return project.play(given)
        except NeedsStudent:
            with self._changed:
                self._message = "The student is being trained; this takes minutes."
                self._changed.notify_all()
            return self._train(project)
