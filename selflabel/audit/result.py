"""Build the certificate from audit answers, and record the answers as labels."""

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from selflabel.audit import bounds, certificate
from selflabel.audit.certificate import Audit, ErrorTarget
from selflabel.labels.answers import AUDIT, EARLIER, REST
from selflabel.labels.state import OPEN, State
from selflabel.labels.table import Labels

# Multiples of audit.error whose cost is told as well, and the names of all costs. (DVC shows no list of metrics, and
# takes one called error for a fault of its own.)
LARGER_ERRORS = (1.6, 2.0)
COSTS = ("asked", "larger", "largest")
STATUS = {"answered": ("answered",), "missing": OPEN, "skipped": ("skipped",)}


class AuditConfig(NamedTuple):
    """How large an audit is, and what it is to certify (params.yaml's section audit).

    ``size``: at least 0, audited images. ``error``, ``confidence``: in (0, 1). ``looks``: at least 1, certificates that
    share audit answers and are compared. ``seed``: of the random order. ``label_rest``: whether people label what keeps
    the whole data set from ``error``.
    """

    size: int
    seed: int
    error: float
    confidence: float
    looks: int
    label_rest: bool

    @property
    def errors(self) -> list[float]:
        """``error``, and larger ones, whose cost is told beside."""
        return [self.error] + [larger for times in LARGER_ERRORS if (larger := self.error * times) < 1]

    @property
    def level(self) -> ErrorTarget:
        """The error to promise, and the risk that one look may take."""
        return ErrorTarget(self.error, (1 - self.confidence) / self.looks)


def plan_of(options: Iterable[tuple[str, object]]) -> AuditConfig:
    """Return the plan in params.yaml's section audit, whose other values are left alone."""
    return AuditConfig(**{name: value for name, value in options if name in AuditConfig._fields})


def awaited(final: State) -> int:
    """Return how many questions of the rounds nobody has answered; the audit is drawn once there are none.

    What they teach gives other labels; and what a round asks about after an audit is none of its images, so that these
    would be no uniform draw any more.
    """
    return int(np.sum(final.asked["status"] == "open"))


def judged(labels: Labels, rows: np.ndarray, answers: Mapping[str, np.ndarray]) -> Audit:
    """Return the audit of the machine labels of ``rows``, int64 (T,), ascending.

    ``answers``: columns row, label, status, of the images drawn. One that people skipped counts as wrong. While an
    answer is missing there is no audit: what is answered first is no uniform draw.
    """
    is_complete = not np.isin(answers["status"], OPEN).any()
    drawn = answers["row"] if is_complete else answers["row"][:0]
    return Audit(
        labels.confidence[rows],
        labels.label[rows],
        np.searchsorted(rows, drawn),
        (answers["label"] != labels.label[answers["row"]])[: len(drawn)],
    )


class AuditResult(NamedTuple):
    """The result of an audit.

    ``figures``: the content of metrics/certificate.json. ``shares``, ``classes``: columns of tables. ``certified``:
    int64 rows, ascending. ``to_relabel``: int64 rows to ask people about, least confident first; none while an
    answer of the audit is missing.
    """

    figures: dict[str, Any]
    shares: dict[str, np.ndarray]
    classes: dict[str, list[Any]]
    certified: np.ndarray
    to_relabel: np.ndarray


def show(
    final: State,
    rows: np.ndarray,
    answers: Mapping[str, np.ndarray],
    plan: AuditConfig,
    *,
    classes: Sequence[str],
    known: Sequence[int] = (),
) -> AuditResult:
    """Return all that the audit of ``rows``, int64 (T,), ascending, shows; ``answers``: as in ``judged``.

    ``known``: int64, rows that have another answer already and cost none.
    """
    labels, level = final.labels, plan.level
    audit = judged(labels, rows, answers)
    table = certificate.shares(audit, level)
    chosen = certificate.certified(table, level)
    inside = rows[:0] if chosen is None else rows[audit.confidence >= table["threshold"][chosen]]
    # What has no label, and what was asked in vain, is for people in any case.
    others = np.setdiff1d(np.flatnonzero(~labels.is_human), rows)
    rest = [
        np.concatenate(
            [others, rows[certificate.to_relabel(audit, level._replace(error=error), n_all=len(labels.label))]]
        )
        for error in plan.errors
    ]
    n_wrong = int(audit.is_wrong.sum())
    of_classes = certificate.of_classes(audit, level, n_classes=len(classes))
    figures = {
        "target": plan.error,
        "confidence": plan.confidence,
        "looks": plan.looks,
        "n_pool": len(labels.label),
        "n_machine": len(rows),
        "audit": {
            "n_drawn": len(answers["row"]),
            "n_first": certificate.n_first(level),
            "n_wrong": n_wrong,
            "n_awaited": awaited(final),
            **statuses(answers),
        },
        "whole": {"error_at_most": bounds.upper(n_wrong, len(audit.drawn), alpha=level.alpha)},
        "classes": {
            name: bound for name, bound in zip(classes, of_classes["error_at_most"], strict=True) if bound is not None
        },
        "certified": _certified(table, chosen, level, n_machine=len(rows)),
        # What was audited has its answer already.
        "rest": {
            name: {"target": error, "n": len(np.setdiff1d(found, np.union1d(answers["row"], known)))}
            for name, error, found in zip(COSTS, plan.errors, rest, strict=False)
        },
        "estimate": certificate.estimates(audit, alpha=1 - plan.confidence),
    }
    # Nobody is asked before the audit is there, and nobody twice: who is still asked, who said that it cannot be told.
    to_ask = rest[0][~np.isin(rest[0], final.asked["row"])] if len(audit.drawn) else others[:0]
    return AuditResult(figures, table, {"class": list(classes)} | of_classes, inside, to_ask)


def _certified(
    table: Mapping[str, np.ndarray], chosen: int | None, level: ErrorTarget, *, n_machine: int
) -> dict[str, Any]:
    """Return the certified share; where there is none, about how many answers would be enough.

    n_enough: by the share that needs fewest, were as much wrong inside as in this audit; left out where in no share so
    little is wrong, or where there are not that many machine labels.
    """
    if chosen is not None:
        names = {"n_inside": "n", "coverage": "coverage", "threshold": "threshold", "n_audited": "n_audited"}
        return {new: table[old][chosen].item() for old, new in (names | {"n_wrong": "n_wrong"}).items()}
    first = certificate.n_first(level)
    inside = zip(table["n_wrong"].tolist(), table["n_audited"].tolist(), table["coverage"].tolist(), strict=True)
    # Before the audit none is known to be wrong.
    enough = [
        math.ceil(max(first, n) / coverage)
        for n_wrong, n_audited, coverage in inside
        if (n := certificate.n_enough(n_wrong, n_audited, level)) is not None
    ]
    return {"n": 0, "coverage": 0.0} | ({"n_enough": min(enough)} if enough and min(enough) <= n_machine else {})


def recorded(
    final: State,
    answers: Mapping[str, np.ndarray],
    rest: Mapping[str, np.ndarray],
    earlier: Mapping[str, np.ndarray] | None = None,
) -> State:
    """Return the state after the audit: its questions asked, the answers about ``to_relabel`` as labels.

    The audit's own answers give no labels: the machine's stay what was audited. ``earlier``: answers to what earlier
    audits asked and this one did not draw; those in ``rest`` are left out.
    """
    n, tables = len(final.history), {AUDIT: dict(answers)}
    if earlier is not None:
        is_other = ~np.isin(earlier["row"], np.union1d(answers["row"], rest["row"]))
        tables[EARLIER] = {name: np.asarray(column)[is_other] for name, column in earlier.items()}
    columns = final.asked
    for why, table in tables.items():
        asked = table | {"round": np.full(len(table["row"]), n), "strategy": [why] * len(table["row"])}
        columns = {name: np.concatenate([old, asked[name]]).astype(old.dtype) for name, old in columns.items()}
    # Who answered in the audit is not asked again.
    is_new = ~np.isin(rest["row"], answers["row"])
    new, known = ({name: np.asarray(column)[which] for name, column in rest.items()} for which in (is_new, ~is_new))
    questions = {"row": new["row"], "strategy": np.full(len(new["row"]), REST, object)}
    after = final._replace(asked=columns, questions=questions).answered(new)
    is_answered = known["status"] == "answered"
    rows, given = known["row"][is_answered], known["label"][is_answered]
    return after._replace(labels=after.labels.with_human_labels(rows, given, round_number=n))


def by_people(final: State, shown: AuditResult, rest: Mapping[str, np.ndarray], plan: AuditConfig) -> dict[str, Any]:
    """Return the figures of what people said of ``to_relabel``; is_issued: whether the whole data set is certified.

    ``rest``: their answers, none if nobody was to be asked. What the rounds asked in vain is among them.
    """
    in_vain = final.asked["status"][final.asked["status"] != "answered"]
    found = statuses({"status": np.concatenate([in_vain, rest["status"]])})
    is_all = plan.label_rest or not len(shown.to_relabel)
    has_audit = shown.figures["audit"]["n_drawn"] and not shown.figures["audit"]["n_missing"]
    return found | {"is_issued": bool(has_audit and is_all and not found["n_missing"])}


def statuses(answers: Mapping[str, np.ndarray]) -> dict[str, int]:
    """Return how many questions are n_answered, n_missing (open or tied) and n_skipped."""
    return {f"n_{word}": int(np.isin(answers["status"], words).sum()) for word, words in STATUS.items()}
