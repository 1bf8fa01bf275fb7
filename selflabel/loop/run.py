"""A whole run in one process: rounds with their answers, then a student, then the last acceptance."""

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import numpy as np

from selflabel.features.feature_set import FeatureSet
from selflabel.labels.questions import Replies
from selflabel.labels.state import State
from selflabel.loop.round import Round, RoundConfig, run_round
from selflabel.models import distil
from selflabel.models.predict import Predictions
from selflabel.models.student import StudentConfig


class RunConfig(NamedTuple):
    """How a run goes: how many rounds, each of them, the last acceptance, the student, and how it joins."""

    n_rounds: int
    each: RoundConfig
    last: RoundConfig
    student: StudentConfig | None = None
    join: distil.JoinConfig | None = None

    def with_seed(self, seed: int) -> "RunConfig":
        """Return the same with another seed for all that is drawn: questions, classifiers, student."""

        def seeded(config: RoundConfig) -> RoundConfig:
            fit = config.fit._replace(classifier=config.fit.classifier._replace(seed=seed))
            return config._replace(fit=fit, query=config.query and config.query._replace(seed=seed))

        return self._replace(
            each=seeded(self.each), last=seeded(self.last), student=self.student and self.student._replace(seed=seed)
        )


def play_rounds(
    state: State,
    features: FeatureSet,
    *,
    n_rounds: int,
    config: RoundConfig,
    classes: Sequence[str],
    answer: Callable[[np.ndarray], Replies] | None = None,
    true_labels: np.ndarray | None = None,
) -> Iterator[tuple[State, Predictions | None]]:
    """Play ``n_rounds`` rounds, and yield after each its state and predictions; None once the rounds have stopped.

    ``answer``: gives the replies to the questions about some rows, int64; the state has them. None: nobody answers.
    ``true_labels``: as in ``run_round``.
    """
    for number in range(1, n_rounds + 1):
        predictions = None
        if state.has_stopped:
            state = state.passed_through(number)
        else:
            state, predictions = run_round(
                state, features, round_number=number, config=config, classes=classes, true_labels=true_labels
            )
            if answer:
                state = state.answered(answer(state.questions.row))
        yield state, predictions


def run_loop(
    state: State,
    features: FeatureSet,
    *,
    n_rounds: int,
    config: RoundConfig,
    classes: Sequence[str],
    answer: Callable[[np.ndarray], Replies] | None = None,
    true_labels: np.ndarray | None = None,
) -> State:
    """Return the state after ``n_rounds`` rounds; the arguments are those of ``play_rounds``."""
    played = play_rounds(
        state, features, n_rounds=n_rounds, config=config, classes=classes, answer=answer, true_labels=true_labels
    )
    for after, _ in played:
        state = after
    return state


def last_round(
    before: State,
    features: FeatureSet,
    *,
    config: RoundConfig,
    classes: Sequence[str],
    student: distil.StudentOutput | None = None,
    join: distil.JoinConfig | None = None,
    true_labels: np.ndarray | None = None,
) -> Round:
    """Return the last acceptance, one round more; ``student``: what it says, which joins as ``join`` says."""
    asked = None
    if student and join:
        features, asked = distil.joined(features, student, join)
    return run_round(
        before,
        features,
        round_number=len(before.history) + 1,
        config=config,
        classes=classes,
        student=asked,
        true_labels=true_labels,
    )
