"""Build the certificate from audit answers, and record the answers as labels."""

import math
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple, Self

import numpy as np

from selflabel.audit import bounds, by_class, draw, guarantees, looks
from selflabel.audit import sequence as sequences
from selflabel.audit.guarantees import AuditSample, ErrorTarget
from selflabel.labels.classes import Classes
from selflabel.labels.questions import (
    ANSWERED,
    AUDIT,
    AUDIT_OF_CLASS,
    EARLIER,
    OPEN,
    REST,
    SKIPPED,
    WAITING,
    Questions,
    Replies,
)
from selflabel.labels.state import State
from selflabel.labels.table import Labels

# Multiples of audit.error whose cost is told as well, and the names of all costs. (DVC shows no list of metrics, and
# takes one called error for a fault of its own.)
LARGER_ERRORS = (1.6, 2.0)
COSTS = ("asked", "larger", "largest")


class AuditConfig(NamedTuple):
    """How large an audit is, and what it is to certify (params.yaml's section audit).

    ``size``: at least 0, audited images; ``planned``: at least 1, how many were planned before the first answer.
    ``error``, ``confidence``: in (0, 1). ``together``: whether all promises hold together, instead of each by itself.
    ``looks``: at least 1, certificates that share audit answers and are compared. ``seed``: of the random order.
    ``label_rest``: whether people label what keeps the whole data set from ``error``. ``repeat``: in [0, 1], the share
    of the audited images that two people are asked about. ``mode``: fixed, or sequential, whose ``goal`` is in [0, 1],
    the share of the machine labels that is to be certified; 0: chosen by ``planned``. ``classes``: whether as many
    images again are drawn by class.
    """

    size: int
    planned: int
    seed: int
    error: float
    confidence: float
    together: bool
    looks: int
    label_rest: bool
    repeat: float = 0.0
    mode: str = "fixed"
    goal: float = 0.0
    classes: bool = False

    @classmethod
    def of(cls, options: Iterable[tuple[str, Any]]) -> Self:
        """Return the configuration in params.yaml's section audit, whose other values are left alone."""
        return cls(**{name: value for name, value in options if name in cls._fields})

    @property
    def errors(self) -> list[float]:
        """``error``, and larger ones, whose cost is told beside."""
        return [self.error] + [larger for times in LARGER_ERRORS if (larger := self.error * times) < 1]

    def n_repeated(self, n_drawn: int) -> int:
        """Return how many of the images drawn, the first ones, two people are asked about: the share, rounded up.

        Those that are drawn by class do not count.
        """
        # A share of a hundred is no whole number of images by a hair.
        return math.ceil(round(self.repeat * min(n_drawn, self.n_uniform), 6))

    @property
    def is_sequential(self) -> bool:
        """Whether the audit may end, and be looked at, after every answer."""
        return self.mode == "sequential"

    @property
    def n_uniform(self) -> int:
        """How many images are drawn from all at most: the largest size that is looked at and that ``size`` reaches."""
        return self.size if self.is_sequential else looks.reached(self.size, self.planned)

    @property
    def n_asked(self) -> int:
        """How many images are drawn at most, those by class with them."""
        return self.n_uniform * (1 + self.classes)

    @property
    def looked_at(self) -> int:
        """The size whose part of the risk is spent, or the planned one where there is no audit."""
        return looks.reached(self.size, self.planned) or self.planned

    @property
    def n_promises(self) -> int:
        """Among how many promises the risk is divided (Bonferroni).

        One, or, where they hold together, all that are printed: on the whole set, the classes, the certified part, the
        rest by people at each of ``errors``, and two estimates.
        """
        return len(self.errors) + 5 if self.together else 1

    @property
    def alpha(self) -> float:
        """The risk of each promise that all sizes together may take."""
        return (1 - self.confidence) / self.looks / self.n_promises

    def targets(self) -> dict[int, ErrorTarget]:
        """Return the error to promise, and the risk that a look may take, at each of ``looks.sizes``, ascending."""
        parts = {size: looks.part(size, self.planned) for size in looks.sizes(self.planned)}
        return {size: ErrorTarget(self.error, self.alpha * part) for size, part in parts.items()}

    def target(self) -> ErrorTarget:
        """Return the error to promise, and the risk that the audit may take."""
        return self.targets()[self.looked_at]

    def target_if_planned(self, size: int) -> ErrorTarget:
        """Return the error to promise, and the risk that an audit of ``size`` may take, were it the planned one."""
        return self._replace(size=size, planned=size).target()

    @property
    def whole_target(self) -> ErrorTarget:
        """The error to promise, and the whole risk, which a sequential audit may take."""
        return ErrorTarget(self.error, self.alpha)

    def n_first(self) -> int:
        """Return the fewest answers that can certify a part, none of them wrong; if labels are few fewer may do."""
        targets = self.targets()
        enough = (
            size for size, of in targets.items() if bounds.n_flawless(of.error, alpha=of.alpha) <= size * (1 + 1e-9)
        )
        return next(enough, max(targets))


class Statuses(NamedTuple):
    """Numbers of questions: answered with a class, waiting for people (open or tied), skipped."""

    n_answered: int
    n_missing: int
    n_skipped: int

    @classmethod
    def of(cls, status: np.ndarray) -> Self:
        """Return the numbers of each ``status``, texts (Q,)."""
        return cls(*(int(np.isin(status, words).sum()) for words in ((ANSWERED,), WAITING, (SKIPPED,))))


@dataclass(frozen=True)
class AuditCounts:
    """The audit: images drawn, and found wrong; how its questions stand; what else it needs.

    ``n_wanted``: audit.size; ``n_drawn`` is the largest of ``looks.sizes`` that it reaches, which takes ``part`` of the
    risk that all sizes share; ``n_planned``: audit.planned. ``n_first``: the fewest answers that can certify a part.
    ``n_awaited``: questions of the rounds without an answer, until which no audit is drawn. ``n_by_class``: images
    drawn by class in addition, which the numbers of answers count too, and ``n_wrong`` does not.
    """

    n_wanted: int
    n_planned: int
    n_drawn: int
    part: float
    n_first: int
    n_wrong: int
    n_awaited: int
    n_answered: int
    n_missing: int
    n_skipped: int
    n_by_class: int = 0


@dataclass(frozen=True)
class Agreement:
    """How far two people agree, of the audit's images that two were asked about, a random draw too.

    ``n_both``: have the answers of two, skips included; ``n_alike``, of these, the same from all who answered.
    ``n_waiting``: one person has answered, and another one is waited for.
    """

    n_both: int = 0
    n_alike: int = 0
    n_waiting: int = 0

    @classmethod
    def of(cls, repeated: Replies) -> Self:
        """Return how far those agree who replied to the questions that two people were asked."""
        is_both = repeated.is_by_several
        is_first = (repeated.status == OPEN) & (repeated.annotator != "")
        return cls(int(is_both.sum()), int(np.sum(is_both & (repeated.votes == ""))), int(is_first.sum()))


@dataclass(frozen=True)
class CertifiedPart:
    """The certified machine labels: ``n``, their share ``coverage`` in [0, 1], and the confidence they have at least.

    Inside, ``n_wrong`` of ``n_audited`` are wrong. Where nothing is certified ``n`` is 0 and all else None, but for
    ``n_enough``: which larger audit.size would be enough, by the share that needs fewest, were as much wrong inside as
    in this audit; None where in no share so little is wrong, or there are not that many machine labels.
    """

    n: int
    coverage: float
    threshold: float | None = None
    n_audited: int | None = None
    n_wrong: int | None = None
    n_enough: int | None = None


@dataclass(frozen=True)
class Goal:
    """How far a sequential audit is: whether the ``share`` of the machine labels, ``n_machine`` of them, is certified.

    After ``n_answered`` answers the ``evidence`` is enough when it is at least ``wanted``; ``n_more``: the fewest
    further answers with which it may be, None where audit.size cannot do. ``n_expected``: how many answers it takes
    about if the confidences are right, None where it never does.
    """

    share: float
    n_machine: int
    n_answered: int
    evidence: float
    wanted: float
    is_reached: bool
    n_more: int | None
    n_expected: int | None


@dataclass(frozen=True)
class RestByPeople:
    """How the questions stand that label the rest; ``is_issued``: whether the whole data set is certified."""

    n_answered: int
    n_missing: int
    n_skipped: int
    is_issued: bool


@dataclass(frozen=True)
class Certificate:
    """How wrong the labels may be: the content of metrics/certificate.json. Shares in [0, 1].

    ``target``: the error to promise, ``confidence`` of each promise, or of all ``together``, over ``looks``. Of
    ``n_machine`` labels about which nobody was asked, at most ``error_at_most`` are wrong, and of those of a class at
    most its number in ``classes``. ``rest``: by a name of ``COSTS``, the error and how many more labels by people would
    promise it of all ``n_pool``. ``estimate``: by its name estimate, low and high of the share wrong. ``agreement``:
    nothing but zeros where nobody was asked a second time. ``goal``: of a sequential audit, of another None.
    """

    target: float
    confidence: float
    together: bool
    looks: int
    n_pool: int
    n_machine: int
    audit: AuditCounts
    error_at_most: float
    classes: Mapping[str, float]
    certified: CertifiedPart
    rest: Mapping[str, tuple[float, int]]
    estimate: Mapping[str, Mapping[str, float]]
    rest_by_people: RestByPeople
    human_labels_in_all: int
    agreement: Agreement = Agreement()
    goal: Goal | None = None

    def to_json(self) -> dict[str, Any]:
        """Return the certificate ready for JSON."""
        tree = asdict(self)
        tree["whole"] = {"error_at_most": tree.pop("error_at_most")}
        tree["certified"] = {name: value for name, value in tree["certified"].items() if value is not None}
        tree["rest"] = {name: {"target": error, "n": n} for name, (error, n) in self.rest.items()}
        if not self.audit.n_by_class:
            del tree["audit"]["n_by_class"]
        if self.agreement == Agreement():
            del tree["agreement"]
        if not self.goal:
            del tree["goal"]
        return tree

    @classmethod
    def from_json(cls, tree: Mapping[str, Any]) -> Self:
        """Return the certificate of which ``to_json`` made ``tree``."""
        fields = {name: value for name, value in tree.items() if name != "whole"} | tree["whole"]
        parts = {"audit": AuditCounts, "certified": CertifiedPart, "rest_by_people": RestByPeople}
        fields |= {name: part(**tree[name]) for name, part in parts.items()}
        fields["rest"] = {name: (cost["target"], cost["n"]) for name, cost in tree["rest"].items()}
        fields["agreement"] = Agreement(**tree.get("agreement", {}))
        fields["goal"] = Goal(**tree["goal"]) if "goal" in tree else None
        return cls(**fields)


class Audit(NamedTuple):
    """An audit of a run's labels.

    ``after``: the state with the audit's questions asked, and the answers about the rest as labels. ``drawn``: the
    replies about the images drawn, of which two people are asked about the first ``n_repeated``. ``certified``: int64
    rows, ascending. ``shares``, ``classes``: columns of the tables metrics/certificate_*.csv. ``sequence``, ``path``:
    of a sequential audit, of another None.
    """

    certificate: Certificate
    after: State
    drawn: Replies
    n_repeated: int
    certified: np.ndarray
    shares: dict[str, np.ndarray]
    classes: dict[str, list[Any]]
    sequence: sequences.Sequence | None = None
    path: sequences.Path | None = None


def audit(
    final: State,
    hashes: np.ndarray,
    look_up: Callable[[np.ndarray], Replies],
    config: AuditConfig,
    *,
    classes: Classes,
    late: Collection[str] = (),
) -> Audit:
    """Return the audit of a run's ``final`` labels.

    ``hashes``: of the N images. ``look_up``: gives the replies about rows, int64. ``late``: as in ``draw.order``.
    """
    rows = draw.targets(final.labels, final.asked.row)
    earlier = look_up(final.apart)
    asked = path = None
    size = 0 if n_awaited(final) else config.n_uniform
    if config.is_sequential and size and len(rows):
        asked = sequences.start(
            final.labels, rows, draw.uniform(hashes, seed=config.seed, late=late)[rows], config.whole_target,
            goal=config.goal, size=size, planned=config.planned,
        )  # fmt: skip
        replies = look_up(asked.asked)
        path = sequences.follow(asked, replies)
        drawn = replies.where(np.arange(path.n_asked))
    else:
        in_order = draw.order(hashes, seed=config.seed, late=late)
        asked_rows = draw.draw(in_order, rows, size=size)
        if config.classes:
            all_in_order = draw.draw(in_order, rows, size=len(rows))
            more = by_class.more(all_in_order, final.labels, n_first=len(asked_rows), error=config.error)
            asked_rows = np.append(asked_rows, more)
        drawn = look_up(asked_rows)
    n_repeated = config.n_repeated(len(drawn))
    drawn = drawn.of_two_people(np.arange(len(drawn)) < n_repeated)
    if asked and path:
        evidence = examine_path(final, rows, drawn, config, asked, path, classes=classes, known=earlier)
    else:
        evidence = examine(final, rows, drawn, config, classes=classes, known=earlier)
    rest = look_up(evidence.to_relabel if config.label_rest else evidence.to_relabel[:0])
    rest = rest.of_two_people(np.isin(rest.row, drawn.row[:n_repeated]))
    after = recorded(final, drawn, rest, earlier, n_uniform=config.n_uniform)
    certificate = issue(final, after, evidence, drawn, rest, config)
    return Audit(
        certificate, after, drawn, n_repeated, evidence.certified, evidence.shares, evidence.classes, asked, path
    )


def n_awaited(final: State) -> int:
    """Return how many questions of the rounds nobody has answered; the audit is drawn once there are none.

    What they teach gives other labels; and what a round asks about after an audit is none of its images, so that these
    would be no uniform draw any more.
    """
    return int(np.sum(final.asked.status == OPEN))


def sample(labels: Labels, rows: np.ndarray, drawn: Replies) -> AuditSample:
    """Return the audited sample of the machine labels of ``rows``, int64 (T,), ascending.

    One that people skipped counts as wrong, and so does one about which two people differ. While a reply is missing the
    sample is empty: what is answered first is no uniform draw.
    """
    complete = drawn.where(np.full(len(drawn), not drawn.is_waiting.any()))
    return AuditSample(
        labels.confidence[rows],
        labels.label[rows],
        np.searchsorted(rows, complete.row),
        complete.label != labels.label[complete.row],
    )


class Evidence(NamedTuple):
    """What the sample shows of the labels of ``rows``.

    ``certified``: int64 rows, ascending, ``part`` in numbers. ``to_relabel``: int64 rows to ask people about, least
    confident first; none while an answer of the audit is missing. ``rest``: as in ``Certificate``. ``shares``,
    ``classes``: as in ``Audit``.
    """

    rows: np.ndarray
    sample: AuditSample
    shares: dict[str, np.ndarray]
    classes: dict[str, list[Any]]
    part: CertifiedPart
    certified: np.ndarray
    rest: dict[str, tuple[float, int]]
    to_relabel: np.ndarray
    n_wrong: int
    error_at_most: float
    is_whole: bool
    goal: Goal | None = None


def examine(
    final: State,
    rows: np.ndarray,
    drawn: Replies,
    config: AuditConfig,
    *,
    classes: Classes,
    known: Replies | None = None,
) -> Evidence:
    """Return what the replies about the images drawn show of the machine labels of ``rows``, int64 (T,), ascending.

    ``known``: replies that people have given for an earlier audit; these images cost none.
    """
    labels, target, targets = final.labels, config.target(), config.targets()
    of_all = sample(labels, rows, drawn)
    of_sample = of_all.first(config.n_uniform)
    shares = guarantees.shares(of_sample, target)
    chosen = guarantees.certified(shares, target)
    certified = rows[:0] if chosen is None else rows[of_sample.confidence >= shares["threshold"][chosen]]
    relabels = [
        rows[guarantees.to_relabel(of_sample, target._replace(error=error), n_all=len(labels.label))]
        for error in config.errors
    ]
    n_wrong, n_drawn = int(of_sample.is_wrong.sum()), len(of_sample.drawn)
    rest, to_relabel = _for_people(final, rows, relabels, drawn, known, config, is_ended=n_drawn > 0)
    return Evidence(
        rows=rows,
        sample=of_sample,
        shares=shares,
        classes={"class": list(classes)}
        | by_class.columns(
            of_all, target, n_classes=len(classes), looks=targets, size=n_drawn if config.classes else 0
        ),
        part=_certified_part(shares, chosen, targets, n_machine=len(rows)),
        certified=certified,
        rest=rest,
        to_relabel=to_relabel,
        n_wrong=n_wrong,
        error_at_most=bounds.upper(n_wrong, n_drawn, alpha=target.alpha, n_all=len(rows)),
        is_whole=n_drawn > 0,
    )


def examine_path(
    final: State,
    rows: np.ndarray,
    drawn: Replies,
    config: AuditConfig,
    asked: sequences.Sequence,
    path: sequences.Path,
    *,
    classes: Classes,
    known: Replies | None = None,
) -> Evidence:
    """Return what a sequential audit shows of the machine labels of ``rows``, int64 (T,), ascending.

    Of the goal's part at most ``config.error`` is wrong once it is reached; nothing is known of the others, which count
    as wrong. ``known``: as in ``examine``.
    """
    labels, target = final.labels, config.target()
    nothing = sample(labels, rows, drawn.where(np.arange(0)))
    n_inside = len(asked.rows)
    certified = asked.rows if path.is_reached else rows[:0]
    # Wrong ones that there may be inside.
    n_most = int(bounds.too_many(config.error, n_inside)) - 1 if path.is_reached else 0
    outside = np.setdiff1d(rows, certified)
    outside = outside[np.argsort(labels.confidence[outside], kind="stable")]
    n_kept = [max(int(bounds.too_many(error, len(labels.label))) - 1 - n_most, 0) for error in config.errors]
    relabels = [outside[: max(len(outside) - n, 0)] for n in n_kept]
    rest, to_relabel = _for_people(final, rows, relabels, drawn, known, config, is_ended=path.is_reached)
    expected = asked.bet.n_expected(alpha=asked.alpha)
    part = CertifiedPart(n=0, coverage=0.0)
    if path.is_reached:
        part = CertifiedPart(n_inside, n_inside / len(rows), asked.threshold, len(path.wealth), path.n_wrong)
    return Evidence(
        rows=rows,
        sample=nothing,
        shares=guarantees.shares(nothing, target),
        classes={"class": list(classes)} | by_class.columns(nothing, target, n_classes=len(classes), looks={}),
        part=part,
        certified=certified,
        rest=rest,
        to_relabel=to_relabel,
        n_wrong=path.n_wrong,
        error_at_most=(n_most + len(outside)) / len(rows),
        is_whole=path.is_reached,
        goal=Goal(
            share=asked.goal,
            n_machine=n_inside,
            n_answered=len(path.wealth),
            evidence=float(path.wealth[-1]) if len(path.wealth) else 1.0,
            wanted=1 / asked.alpha,
            is_reached=path.is_reached,
            n_more=path.n_more,
            n_expected=None if math.isinf(expected) else math.ceil(expected),
        ),
    )


def _for_people(
    final: State,
    rows: np.ndarray,
    relabels: list[np.ndarray],
    drawn: Replies,
    known: Replies | None,
    config: AuditConfig,
    *,
    is_ended: bool,
) -> tuple[dict[str, tuple[float, int]], np.ndarray]:
    """Return ``rest`` and ``to_relabel`` of ``Evidence``: what people would have to label for each of ``errors``.

    ``relabels``: of each, rows of machine labels.
    """
    # What has no label, and what was asked in vain, is for people in any case.
    others = np.setdiff1d(np.flatnonzero(~final.labels.is_human), rows)
    relabels = [np.append(others, of) for of in relabels]
    # What was audited has its answer already.
    paid = drawn.row if known is None else np.union1d(drawn.row, known.row[~known.is_waiting])
    costs = zip(COSTS, config.errors, relabels, strict=False)
    # Nobody is asked before the audit is there, and nobody twice: who is still asked, who said that it cannot be told.
    to_relabel = relabels[0][~np.isin(relabels[0], final.asked.row)] if is_ended else others[:0]
    return {name: (error, len(np.setdiff1d(of, paid))) for name, error, of in costs}, to_relabel


def issue(
    final: State, after: State, evidence: Evidence, drawn: Replies, rest: Replies, config: AuditConfig
) -> Certificate:
    """Return the certificate of the ``final`` labels; ``rest``: replies about ``to_relabel``, none if not asked."""
    of_drawn, n_uniform = Statuses.of(drawn.status), min(len(drawn), config.n_uniform)
    # What the rounds asked in vain is for people too.
    in_vain = final.asked.status[~final.asked.is_answered]
    of_rest = Statuses.of(np.append(in_vain, rest.status))
    is_all_asked = config.label_rest or not len(evidence.to_relabel)
    bounds_by_class = zip(evidence.classes["class"], evidence.classes["error_at_most"], strict=True)
    return Certificate(
        target=config.error,
        confidence=config.confidence,
        together=config.together,
        looks=config.looks,
        n_pool=len(final.labels.label),
        n_machine=len(evidence.rows),
        audit=AuditCounts(
            n_wanted=config.size,
            n_drawn=n_uniform,
            n_by_class=len(drawn) - n_uniform,
            n_planned=config.planned,
            part=looks.part(config.looked_at, config.planned),
            n_first=config.n_first(),
            n_wrong=evidence.n_wrong,
            n_awaited=n_awaited(final),
            **of_drawn._asdict(),
        ),
        error_at_most=evidence.error_at_most,
        classes={name: bound for name, bound in bounds_by_class if bound is not None},
        certified=evidence.part,
        rest=evidence.rest,
        estimate=guarantees.estimates(evidence.sample, alpha=(1 - config.confidence) / config.n_promises),
        rest_by_people=RestByPeople(
            **of_rest._asdict(), is_issued=evidence.is_whole and is_all_asked and not of_rest.n_missing
        ),
        human_labels_in_all=int(np.sum(after.with_all_answers().labels.is_human)),
        agreement=Agreement.of(drawn.where(np.arange(len(drawn)) < config.n_repeated(len(drawn)))),
        goal=evidence.goal,
    )


def _certified_part(
    shares: Mapping[str, np.ndarray],
    chosen: int | None,
    targets: Mapping[int, ErrorTarget],
    *,
    n_machine: int,
) -> CertifiedPart:
    if chosen is not None:
        return CertifiedPart(
            n=int(shares["n_inside"][chosen]),
            coverage=float(shares["coverage"][chosen]),
            threshold=float(shares["threshold"][chosen]),
            n_audited=int(shares["n_audited"][chosen]),
            n_wrong=int(shares["n_wrong"][chosen]),
        )
    n_drawn = int(shares["n_audited"][-1:].sum())
    inside = zip(shares["n_wrong"].tolist(), shares["n_audited"].tolist(), shares["n_inside"].tolist(), strict=True)
    # Before the audit none is known to be wrong.
    sizes = [guarantees.n_enough(*of, n_machine, targets, above=n_drawn) for of in inside]
    enough = [size for size in sizes if size is not None]
    return CertifiedPart(n=0, coverage=0.0, n_enough=min(enough, default=None))


def recorded(
    final: State, drawn: Replies, rest: Replies, earlier: Replies | None = None, *, n_uniform: int | None = None
) -> State:
    """Return the state after the audit: its questions asked, the replies about ``to_relabel``, ``rest``, as labels.

    The audit's own replies give no labels: the machine's stay what was audited. ``earlier``: replies to what earlier
    audits asked and this one did not draw; those in ``rest`` are left out. ``n_uniform``: so many are drawn from all,
    and those after them by class; by default there are none.
    """
    n, is_first = len(final.history), np.arange(len(drawn)) < (len(drawn) if n_uniform is None else n_uniform)
    asked = final.asked.with_replies(np.where(is_first, AUDIT, AUDIT_OF_CLASS), drawn, round_number=n)
    if earlier is not None:
        others = earlier.where(~np.isin(earlier.row, np.union1d(drawn.row, rest.row)))
        asked = asked.with_replies(EARLIER, others, round_number=n)
    # Who answered in the audit is not asked again.
    is_new = ~np.isin(rest.row, drawn.row)
    new, known = rest.where(is_new), rest.where(~is_new & rest.is_answered)
    questions = Questions(new.row, np.full(len(new), REST))
    after = final._replace(asked=asked, questions=questions).answered(new)
    return after._replace(labels=after.labels.with_human_labels(known.row, known.label, round_number=n))
