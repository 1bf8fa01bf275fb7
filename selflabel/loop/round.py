"""One round: fit and predict, accept what the rule says, ask people about others."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from selflabel.features.feature_set import FeatureSet
from selflabel.labels.questions import Questions
from selflabel.labels.state import State, machine_labels
from selflabel.labels.table import Labels
from selflabel.loop import acceptance, summary
from selflabel.loop.query import QueryConfig, QueryContext, choose, n_questions
from selflabel.models import predict
from selflabel.models.predict import FitConfig, Predictions, StudentPredictions

# Asks while nothing can be predicted: typical images of clusters need no probabilities, and what is drawn at random is
# evidence later on.
COLD_STRATEGY = "typiclust+random"


class RoundConfig(NamedTuple):
    """How a round goes (params.yaml's self_label, accept, stopping, ask); the defaults are the tutorial's way.

    ``fit``: what the classifier learns from and how. ``rule``: which machine labels are accepted. ``keep``: permanent
    (a machine label stays) or revise (all are given anew each round). ``precision_margin``: in [0, 1], by how much the
    claimed precision may exceed the shown one. ``stop``: words of ``history.CHOSEN_STOPS``. ``stable_kappa``: in
    [0, 1]. ``query``: None to ask nobody.
    """

    fit: FitConfig
    rule: acceptance.Rule
    keep: str = "permanent"
    precision_margin: float = 1.0
    stop: Sequence[str] = ()
    stable_kappa: float = 1.0
    query: QueryConfig | None = None

    def is_settled(self, labels: Labels) -> np.ndarray:
        """Return bool (N,): the rows whose label no round changes any more."""
        return labels.is_human if self.keep == "revise" else labels.is_labelled


class Round(NamedTuple):
    """The result of a round; ``predictions``: of the classifier fitted at its start."""

    state: State
    predictions: Predictions

    @property
    def test_probabilities(self) -> np.ndarray:
        """Float32 (M, n_classes), of the test images."""
        return self.predictions.test

    def unseen_probabilities(self, before: State) -> np.ndarray:
        """Return what ``Predictions.unseen`` does; ``before``: the state before this round."""
        return self.predictions.unseen(np.flatnonzero(before.labels.is_human))


def run_round(
    before: State,
    features: FeatureSet,
    *,
    round_number: int,
    config: RoundConfig,
    classes: Sequence[str],
    true_labels: np.ndarray | None = None,
    student: StudentPredictions | None = None,
) -> Round:
    """Return one round: fit, predict the pool, accept what the rule says, ask people.

    An accepted row gets the predicted label. ``true_labels``, int (N,), gives it the true one instead: the tutorial's
    label leak, there to be measured and for nothing else. ``before`` has its answers already. Where the round claims
    more than human-given labels show, it changes no label and stops the loop. Before people have given two classes it
    accepts nothing, and asks about typical images of clusters. ``student``: to be asked as well, after
    the rounds.
    """
    # Where labels are permanent, even a random question is about what was not sure enough to be accepted.
    picked = before.picked if config.keep == "revise" else before.asked.row
    predictions = predict.fit_predict(
        before.labels, features, config.fit, round_number=round_number, classes=classes, picked=picked
    )
    if student:
        predictions = predict.with_student(predictions, student)
    candidates = np.flatnonzero(~config.is_settled(before.labels))
    # Where nothing is known yet, nothing is accepted, whatever the rule.
    rule_name = config.rule.name
    if not predictions.pool.any():
        # Typical images of clusters: of a class that nobody has named one will be among them.
        query = config.query and config.query._replace(strategy=COLD_STRATEGY)
        config = config._replace(rule=acceptance.above(1.0), query=query)
    selection = acceptance.accept(
        predictions.pool[candidates], config.rule, round_number=round_number, evidence=predictions.evidence
    )
    accepted = candidates[selection.positions]
    check = summary.check_precision(predictions, accepted, margin=config.precision_margin)
    # Once it has gone off, the last acceptance does not give what a round refused.
    precision_alarm = check.precision_alarm or before.precision_alarm
    labels = before.labels
    if not precision_alarm:
        given = predictions.classes if true_labels is None else true_labels
        labels = _with_accepted(labels, accepted, given, predictions, config, round_number=round_number)
    after = before._replace(
        labels=labels,
        test_labels=np.vstack([*before.test_labels, predictions.test.argmax(axis=1).astype(np.int16)]),
        machine_labels=np.vstack([before.machine_labels, machine_labels(labels)]),
        predicted=predictions.classes,
    )
    if not precision_alarm:
        after = after._replace(questions=_questions(after, features.pool, predictions, config, round_number))
    done = summary.summarise(
        before,
        after,
        predictions,
        selection,
        check,
        rule=rule_name,
        round_number=round_number,
        classes=classes,
    )
    stop = summary.why_to_stop(before, after, done, selection, config, precision_alarm=precision_alarm)
    return Round(after._replace(history=[*before.history, done._replace(stop=stop)]), predictions)


def _with_accepted(
    labels: Labels,
    rows: np.ndarray,
    given: np.ndarray,
    predictions: Predictions,
    config: RoundConfig,
    *,
    round_number: int,
) -> Labels:
    apply = labels.revised if config.keep == "revise" else labels.with_machine_labels
    confidence = predictions.pool[rows].max(axis=1)
    return apply(rows, given[rows], confidence, predictions.raw[rows], round_number=round_number)


def _questions(
    after: State, pool: np.ndarray, predictions: Predictions, config: RoundConfig, round_number: int
) -> Questions:
    query = config.query
    n = n_questions(query, n_asked=after.n_asked, n_open=after.n_on_desk) if query else 0
    is_candidate = ~config.is_settled(after.labels)
    # Once is enough: who is still asked, who said that it cannot be told, and who answered to judge.
    is_candidate[np.concatenate([after.asked.row, after.apart])] = False
    rows = np.flatnonzero(is_candidate)
    if not query or not n or not len(rows):
        return Questions.empty()
    context = QueryContext(
        probabilities=predictions.pool[rows],
        scores=predictions.scores[rows],
        smoothed=None if predictions.smoothed is None else predictions.smoothed[rows],
        features=pool,
        rows=rows,
        human_rows=np.flatnonzero(after.labels.is_human),
        lower_threshold=query.lower_threshold,
        n=n,
        generator=np.random.default_rng([query.seed, round_number]),
    )
    chosen, strategies = choose(query, context)
    return Questions(rows[chosen], np.asarray(strategies))
