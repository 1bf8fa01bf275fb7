"""Write figures as sentences: how right a classifier is, and the certificate, with what each sentence promises."""

import math
from collections.abc import Mapping
from typing import Any

from selflabel.audit import looks
from selflabel.audit.certificate import Certificate, Goal

# From this share on that may be wrong the labels of a class are of no use.
DOUBTFUL = 0.5


def accuracy(report: Mapping[str, Any]) -> str:
    """Return how right the classifier is, as far as anybody knows; ``report``: the content of metrics/evaluate.json."""
    paid = f"{report['human_labels']:,} human labels"
    if "test" in report:
        return f"test accuracy {report['test']['accuracy']:.4f} from {paid}"
    if "out_of_fold" not in report:
        return f"no test set, and no labels out of fold: nothing tells the accuracy; {paid}"
    shown = report["out_of_fold"]
    return (
        f"no test set; {shown['accuracy']:.1%} of {shown['n']:,} human-given labels are predicted right out of fold, "
        f"by classifiers that did not learn from them (an estimate); {paid}"
    )


def statements(certificate: Certificate) -> list[str]:
    """Return the sentences of a certificate."""
    audit = certificate.audit
    if audit.n_awaited:
        return [
            f"No audit yet: {audit.n_awaited:,} questions of the rounds have no answer, and what they teach gives "
            "other labels. It is drawn once they have (or once ask.budget is no more than the answers there are)."
        ]
    if not audit.n_drawn:
        why = "audit.size is 0" if certificate.n_machine else "there is no machine label about which nobody was asked"
        return [
            f"No audit ({why}): nothing is known, and nothing certified. {audit.n_first:,} answers are the fewest "
            "that can certify a part."
        ]
    if certificate.goal:
        return _sequential(certificate, certificate.goal)
    if audit.n_missing:
        n_asked = audit.n_drawn + audit.n_by_class
        return [
            f"Nothing is certified yet: {audit.n_missing:,} of the {n_asked:,} answers of the audit are "
            f"missing{_second(certificate)}. A smaller audit.size needs fewer; {audit.n_first:,} are the fewest that "
            "can certify a part."
        ]
    sizes = (
        f"whatever sizes of the audit are looked at: they share the risk, of which this one takes "
        f"{_exact(audit.part)}{_planned(certificate)}"
    )
    return [
        _audit(certificate), _estimate(certificate), _whole(certificate), _classes(certificate),
        _certified(certificate), _rest(certificate), _level(certificate, sizes),
    ]  # fmt: skip


def _level(certificate: Certificate, looked_at: str) -> str:
    promises = "All promises hold together" if certificate.together else "Each promise holds"
    alone = "" if certificate.together else ", and by itself"
    return (
        f"{promises} for this set of labels with {_exact(certificate.confidence)} confidence, not on average over many "
        f"sets{alone}, {looked_at}{_looks(certificate)}. Wrong means: not what the person asked says; labels that "
        f"people gave count as right.{_agreement(certificate)}"
    )


def _sequential(certificate: Certificate, goal: Goal) -> list[str]:
    audit, error = certificate.audit, _exact(certificate.target)
    skipped = f", {audit.n_skipped:,} of them since nobody could tell" if audit.n_skipped else ""
    so_far = (
        f"Audit: {audit.n_wrong:,} of {goal.n_answered:,} answers say that the label is wrong{skipped}; "
        f"{certificate.human_labels_in_all:,} human labels in all."
    )
    wanted = (
        f"Goal: that at most {error} of the {goal.n_machine:,} most confident machine labels "
        f"({_exact(goal.n_machine / certificate.n_machine)}) are wrong. The evidence is {goal.evidence:.3g} of "
        f"{goal.wanted:.3g}"
    )
    level = _level(certificate, "after whichever answer the audit is looked at or ended")
    if goal.is_reached:
        return [so_far, f"{wanted}: enough, and nobody is asked any more.", _whole(certificate),
                _certified(certificate), _rest(certificate), level]  # fmt: skip
    if goal.n_more is None:
        return [
            so_far,
            f"{wanted}, and would not be enough with {audit.n_wanted:,} answers, were all others right. Certified: no "
            "image. A larger audit.size goes on where this one ended; another audit.goal is another look, for which "
            "audit.looks pays.",
        ]
    usual = f"some {goal.n_expected:,} are usual" if goal.n_expected else "it may never be"
    return [
        so_far,
        f"{wanted}: {goal.n_more:,} more answers at least, and {audit.n_wanted - goal.n_answered:,} at most, until it "
        f"is enough; if the confidences are right {usual} in all. Nothing is certified yet; who stops breaks no "
        "promise.",
    ]


def to_do_better(certificate: Certificate) -> str:
    """Return in a sentence what would help most, once no answer is missing, and its price in answers."""
    audit = certificate.audit
    if not audit.n_drawn:
        return f"an audit would tell how wrong the labels may be: audit.size of at least {audit.n_first:,}"
    if certificate.rest_by_people.is_issued:
        return f"the whole data set is certified at {_exact(certificate.target)}: nothing more is needed for that"
    n_more = next(iter(certificate.rest.values()))[1]
    if certificate.goal:
        return (
            f"audit.label_rest, {n_more:,} more answers, once the goal is reached; more of ask.budget would teach more"
        )
    weakest = max(certificate.classes, key=certificate.classes.__getitem__)
    promise = f"at most {_exact(certificate.target)} of all labels are wrong"
    return (
        f"audit.label_rest, {n_more:,} more answers, would certify that {promise}; more of ask.budget would teach the "
        f"machine more; the class with the weakest promise is {weakest}"
    )


def _audit(certificate: Certificate) -> str:
    audit = certificate.audit
    of_all = "in all " if audit.n_by_class else ""
    skipped = f" ({of_all}{audit.n_skipped:,} that nobody could tell count as wrong)" if audit.n_skipped else ""
    return (
        f"Audit: of {audit.n_drawn:,} machine labels drawn at random {audit.n_wrong:,} are wrong{skipped}; "
        f"{certificate.human_labels_in_all:,} human labels in all.{_rounded_down(certificate)}"
    )


def _rounded_down(certificate: Certificate) -> str:
    audit = certificate.audit
    size = looks.reached(audit.n_wanted, audit.n_planned)
    if size == audit.n_wanted:
        return ""
    return (
        f" (audit.size {audit.n_wanted:,} counts as {size:,}: an audit is looked at when it has audit.planned answers, "
        f"{audit.n_planned:,}, or two, four, eight, ... times as many, or a half, a quarter, ... of them.)"
    )


def _planned(certificate: Certificate) -> str:
    audit = certificate.audit
    if looks.reached(audit.n_wanted, audit.n_planned) == audit.n_planned:
        return ""
    of_planned = looks.part(audit.n_planned, audit.n_planned)
    return f" and the planned one (audit.planned, {audit.n_planned:,}) {_exact(of_planned)}"


def _estimate(certificate: Certificate) -> str:
    if not certificate.estimate:
        return "Estimate: none, for fewer than five audited labels are wrong, or right."
    classical, powered = (_interval(**certificate.estimate[name]) for name in ("classical", "prediction_powered"))
    return (
        f"Estimate, with an approximate interval at {_exact(certificate.confidence)}: {classical} of the machine "
        f"labels are wrong; with the confidences of all labels (PPI++) {powered}."
    )


def _whole(certificate: Certificate) -> str:
    return (
        f"Whole set: at most {_at_most(certificate.error_at_most)} of the {certificate.n_machine:,} machine "
        "labels about which nobody was asked are wrong."
    )


def _classes(certificate: Certificate) -> str:
    (least, low), (most, high) = (pick(certificate.classes.items(), key=lambda item: item[1]) for pick in (min, max))
    n_more = certificate.audit.n_by_class
    more = f", with {n_more:,} answers more that are allocated to them" if n_more else ""
    good = [name for name, bound in certificate.classes.items() if bound <= certificate.target]
    shown = f" Good enough, at most {_exact(certificate.target)} of each: {', '.join(good)}." if good else ""
    doubtful = [name for name, bound in certificate.classes.items() if bound >= DOUBTFUL]
    warning = f" Do not trust the labels of {', '.join(doubtful)}: half or more may be wrong." if doubtful else ""
    return (
        f"By class, all together{more}: at most {_at_most(low)} ({least}) to {_at_most(high)} ({most}) are wrong; "
        f"metrics/certificate_classes.csv has all, and how many answers would do.{shown}{warning}"
    )


def _certified(certificate: Certificate) -> str:
    part, error = certificate.certified, _exact(certificate.target)
    if part.n:
        return (
            f"Certified: at most {error} of the {part.n:,} machine labels with a confidence of at least "
            f"{part.threshold:g} are wrong."
        )
    if part.n_enough is None:
        return (
            f"Certified: no image. In the audit more than {error} is wrong of each share of the most confident labels, "
            "or there are too few labels for an audit large enough: better labels would help, or a larger audit.error."
        )
    return (
        "Certified: no image. These answers do not show of any share of the most confident labels that at most "
        f"{error} is wrong; an audit.size of {part.n_enough:,} would be enough, were as large a share wrong. (Each "
        "size has its own part of the risk, so that the audit may be enlarged and looked at again.)"
    )


def _rest(certificate: Certificate) -> str:
    done, ((_, n_first), *larger) = certificate.rest_by_people, certificate.rest.values()
    promise = f"at most {_exact(certificate.target)} of all {certificate.n_pool:,} labels"
    if done.is_issued:
        skipped = f", but for {done.n_skipped:,} that nobody could tell," if done.n_skipped else ""
        return f"Whole data set: {promise}{skipped} are wrong; {done.n_answered:,} labels by people saw to that."
    also = "".join(f"; {n:,} would certify {_exact(error)}" for error, n in larger)
    missing = f" ({done.n_missing:,} are missing)" if done.n_missing else ""
    # The goal's promise is one, and all of these follow from it.
    choose = "" if certificate.goal else "; to choose among these is another look"
    return (
        f"Whole data set: {n_first:,} more labels by people{missing} would certify that {promise} are wrong{also} "
        f"(with audit.label_rest{choose})."
    )


def _second(certificate: Certificate) -> str:
    n = certificate.agreement.n_waiting
    if not n:
        return ""
    return f", {n:,} of them those of a second person (audit.repeat), about images that one has answered"


def _agreement(certificate: Certificate) -> str:
    agreement = certificate.agreement
    if not agreement.n_both:
        return ""
    return (
        f" Two people agree on {agreement.n_alike:,} of the {agreement.n_both:,} audited images that two were asked "
        "about; where they do not, the label counts as wrong unless most say it."
    )


def _looks(certificate: Certificate) -> str:
    return f"; {certificate.looks:,} looks share all of that" if certificate.looks > 1 else ""


def _interval(estimate: float, low: float, high: float) -> str:
    return f"{100 * estimate:.1f} % ({100 * low:.1f} to {100 * high:.1f})"


def _exact(share: float) -> str:
    return f"{100 * share:.6g} %"


def _at_most(share: float) -> str:
    """Return a share in percent, rounded up to one decimal, or to two digits where it is below one percent."""
    decimals = 1 if share >= 0.01 or not share else 1 - math.floor(math.log10(100 * share))
    return f"{math.ceil(100 * share * 10**decimals - 1e-6) / 10**decimals:g} %"
