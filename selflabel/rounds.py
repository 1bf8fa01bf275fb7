"""The loop: one round is fit, score, select, apply, ask."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from selflabel import asking, opinions, rules, summaries
from selflabel.held import Held
from selflabel.labels import Labels
from selflabel.opinions import Opinion, Predictions, Settings
from selflabel.state import State, machine_labels, no_questions


class Round(NamedTuple):
    """What a round leaves behind.

    ``test_probabilities``: float32 (M, n_classes), of the classifier fitted at the round's start.
    """

    state: State
    test_probabilities: np.ndarray


def play(
    before: State,
    features: Held,
    *,
    round_number: int,
    settings: Settings,
    classes: Sequence[str],
    true_labels: np.ndarray | None = None,
    student: Predictions | None = None,
) -> Round:
    """Return one round: fit, score the pool, accept what the rule says, ask people.

    An accepted row gets the predicted label. ``true_labels``, int (N,), gives it the true one instead: the
    tutorial's label leak, there to be measured and for nothing else. ``before`` has its answers already. Where the
    round claims more than human-given labels show, it changes no label and stops the loop. ``student``: to be asked
    as well, after the rounds.
    """
    # Where labels are permanent, even a random question is about what was not sure enough to be accepted.
    picked = before.picked if settings.keep == "revise" else before.asked["row"]
    opinion = opinions.form(
        before.labels, features, settings, round_number=round_number, classes=classes, picked=picked
    )
    if student:
        opinion = opinions.with_student(opinion, student)
    rows = np.flatnonzero(~_is_settled(before.labels, settings))
    choice = rules.accept(opinion.pool[rows], settings.rule, round_number=round_number, evidence=opinion.evidence)
    accepted = rows[choice.positions]
    checked = summaries.check(opinion, accepted, margin=settings.precision_margin)
    # Once it is, the last acceptance does not give what a round refused.
    checked["is_off"] |= before.is_off
    labels = before.labels
    if not checked["is_off"]:
        given = opinion.predicted if true_labels is None else true_labels
        labels = _apply(labels, accepted, given, opinion, settings, round_number=round_number)
    after = before._replace(
        labels=labels,
        test_labels=np.vstack([*before.test_labels, opinion.test.argmax(axis=1).astype(np.int16)]),
        machine_labels=np.vstack([before.machine_labels, machine_labels(labels)]),
        predicted=opinion.predicted,
    )
    if not checked["is_off"]:
        after = after._replace(questions=_questions(after, features.pool, opinion, settings, round_number))
    summary = summaries.summarise(before, after, opinion, choice, checked, settings, round_number, classes)
    return Round(after._replace(history=[*before.history, summary]), opinion.test)


def _is_settled(labels: Labels, settings: Settings) -> np.ndarray:
    """Return bool (N,), the rows whose label no round changes any more."""
    return labels.is_human if settings.keep == "revise" else labels.is_labelled


def _apply(
    labels: Labels, rows: np.ndarray, given: np.ndarray, opinion: Opinion, settings: Settings, *, round_number: int
) -> Labels:
    apply = labels.revised if settings.keep == "revise" else labels.with_machine_labels
    sure = opinion.pool[rows].max(axis=1)
    return apply(rows, given[rows], sure, opinion.raw[rows], round_number=round_number)


def _questions(after: State, pool: np.ndarray, opinion: Opinion, settings: Settings, round_number: int) -> dict:
    ask = settings.ask
    n = asking.n_questions(ask, n_asked=after.n_asked, n_open=after.n_on_desk) if ask else 0
    is_candidate = ~_is_settled(after.labels, settings)
    # Once is enough: who is still asked, who said that it cannot be told, and who answered to judge.
    is_candidate[np.concatenate([after.asked["row"], after.apart])] = False
    rows = np.flatnonzero(is_candidate)
    if not n or not len(rows):
        return no_questions()
    human = np.flatnonzero(after.labels.is_human)
    smoothed = None if opinion.smoothed is None else opinion.smoothed[rows]
    views = asking.Views(opinion.pool[rows], opinion.scores[rows], smoothed)
    chosen, strategies = asking.choose(ask, views, pool, rows, human_rows=human, n=n, round_number=round_number)
    return {"row": rows[chosen], "strategy": np.asarray(strategies, object)}


def play_all(
    state: State,
    features: Held,
    *,
    iterations: int,
    answer: Callable[[np.ndarray], dict] | None = None,
    **options,
) -> State:
    """Return the state after ``iterations`` rounds; ``options`` go to ``play``.

    ``answer``: gives the answers table to the questions about some rows, int64.
    """
    for number in range(1, iterations + 1):
        if state.has_stopped:
            state = state.passed_through(number)
            continue
        state = play(state, features, round_number=number, **options).state
        if answer:
            state = state.answered(answer(state.questions["row"]))
    return state
