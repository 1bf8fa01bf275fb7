"""What one round hands to the next, as a folder: the labels, the history, the held-out predictions so far."""

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from selflabel import files, history, labels

if TYPE_CHECKING:
    from selflabel.rounds import Round


class State(NamedTuple):
    """The state after a round.

    ``history``: the summaries of rounds 1 to this one. ``test_labels``: int16 (rounds so far, M), the classes that
    each round's classifier gave to the test images.
    """

    labels: labels.Labels
    history: list[dict]
    test_labels: np.ndarray

    @property
    def has_stopped(self) -> bool:
        """Whether later rounds only pass this state through."""
        return bool(self.history) and self.history[-1]["stop"] != history.GOES_ON

    def after(self, played: "Round") -> "State":
        """Return the state that a round leaves behind."""
        predicted = played.test_probabilities.argmax(axis=1).astype(np.int16)
        return State(played.labels, [*self.history, played.summary], np.vstack([*self.test_labels, predicted]))

    def passed_through(self, round_number: int) -> "State":
        """Return the state after a round in which nothing was done."""
        nobody = dict.fromkeys(self.history[-1]["accepted_per_class"], 0)
        changes = {"round": round_number, "threshold": None, "n_accepted": 0, "accepted_per_class": nobody}
        summary = self.history[-1] | changes
        return State(self.labels, [*self.history, summary], np.vstack([*self.test_labels, self.test_labels[-1]]))


def first(seeds: labels.Labels) -> State:
    """Return the state before round 1."""
    return State(seeds, [], np.empty((0, 0), np.int16))


def write(folder: str, state: State, **more_columns: list) -> None:
    """Write a state: labels.csv (``more_columns`` beside the others), history.json, test_labels.npy."""
    files.write_table(Path(folder, "labels.csv"), labels.to_columns(state.labels) | more_columns)
    files.write_json(Path(folder, "history.json"), state.history)
    files.write_array(Path(folder, "test_labels.npy"), state.test_labels)


def read(folder: str) -> State:
    """Return the state that ``write`` left in a folder."""
    return State(
        labels.read(Path(folder, "labels.csv")),
        files.read_json(Path(folder, "history.json")),
        files.read_array(Path(folder, "test_labels.npy")),
    )
