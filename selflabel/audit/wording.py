"""Write figures as sentences: how right a classifier is, and the certificate, with what each sentence promises."""

import math
from collections.abc import Mapping
from typing import Any


def accuracy(report: Mapping[str, Any]) -> str:
    """Return how right the classifier is, as far as anybody knows; ``report``: the content of metrics/evaluate.json."""
    paid = f"{report['human_labels']:,} human labels"
    if "test" in report:
        return f"test accuracy {report['test']['accuracy']:.4f} from {paid}"
    if "out_of_fold" not in report:
        return f"no test set, and no labels out of fold: nothing tells the accuracy; {paid}"
    found = report["out_of_fold"]
    return (
        f"no test set; {found['accuracy']:.1%} of {found['n']:,} human-given labels are predicted right out of fold, "
        f"by classifiers that did not learn from them (an estimate); {paid}"
    )


def statements(figures: Mapping[str, Any]) -> list[str]:
    """Return the sentences of a certificate; ``figures``: the content of metrics/certificate.json."""
    audit = figures["audit"]
    if audit["n_awaited"]:
        return [
            f"No audit yet: {audit['n_awaited']:,} questions of the rounds have no answer, and what they teach gives "
            "other labels. It is drawn once they have (or once ask.budget is no more than the answers there are)."
        ]
    if not audit["n_drawn"]:
        why = "audit.size is 0" if figures["n_machine"] else "there is no machine label about which nobody was asked"
        return [
            f"No audit ({why}): nothing is known, and nothing certified. {audit['n_first']:,} answers are the fewest "
            "that can certify a part."
        ]
    if audit["n_missing"]:
        return [
            f"Nothing is certified yet: {audit['n_missing']:,} of the {audit['n_drawn']:,} answers of the audit are "
            f"missing. A smaller audit.size needs fewer; {audit['n_first']:,} are the fewest that can certify a part."
        ]
    return [
        _audit(figures), _estimate(figures), _whole(figures), _classes(figures), _certified(figures), _rest(figures),
        f"Each promise holds for this set of labels with {_exact(figures['confidence'])} confidence, not on average "
        f"over many sets, and by itself{_looks(figures)}. Wrong means: not what the person asked says; labels that "
        "people gave count as right.",
    ]  # fmt: skip


def _audit(figures: Mapping[str, Any]) -> str:
    audit = figures["audit"]
    skipped = f" ({audit['n_skipped']:,} that nobody could tell count as wrong)" if audit["n_skipped"] else ""
    return (
        f"Audit: of {audit['n_drawn']:,} machine labels drawn at random {audit['n_wrong']:,} are wrong{skipped}; "
        f"{figures['human_labels_in_all']:,} human labels in all."
    )


def _estimate(figures: Mapping[str, Any]) -> str:
    if not figures["estimate"]:
        return "Estimate: none, for fewer than five audited labels are wrong, or right."
    classical, powered = (_interval(**figures["estimate"][name]) for name in ("classical", "prediction_powered"))
    return (
        f"Estimate, with an approximate interval at {_exact(figures['confidence'])}: {classical} of the machine labels "
        f"are wrong; with the confidences of all labels (PPI++) {powered}."
    )


def _whole(figures: Mapping[str, Any]) -> str:
    return (
        f"Whole set: at most {_at_most(figures['whole']['error_at_most'])} of the {figures['n_machine']:,} machine "
        "labels about which nobody was asked are wrong."
    )


def _classes(figures: Mapping[str, Any]) -> str:
    (least, low), (most, high) = (pick(figures["classes"].items(), key=lambda item: item[1]) for pick in (min, max))
    return (
        f"By class, all together: at most {_at_most(low)} ({least}) to {_at_most(high)} ({most}) are wrong; "
        "metrics/certificate_classes.csv has all, and how many answers would do."
    )


def _certified(figures: Mapping[str, Any]) -> str:
    found, error = figures["certified"], _exact(figures["target"])
    if found["n"]:
        return (
            f"Certified: at most {error} of the {found['n']:,} machine labels with a confidence of at least "
            f"{found['threshold']:g} are wrong."
        )
    if "n_enough" not in found:
        return (
            f"Certified: no image. In the audit more than {error} is wrong of each share of the most confident labels, "
            "or there are too few labels for an audit large enough: better labels would help, or a larger audit.error."
        )
    return (
        "Certified: no image. These answers do not show of any share of the most confident labels that at most "
        f"{error} is wrong; some {found['n_enough']:,} would be enough, were as large a share wrong. (To enlarge the "
        "audit and look again is another look: set audit.looks to how many there are to be in all.)"
    )


def _rest(figures: Mapping[str, Any]) -> str:
    done, (first, *others) = figures["rest_by_people"], figures["rest"].values()
    promise = f"at most {_exact(figures['target'])} of all {figures['n_pool']:,} labels"
    if done["is_issued"]:
        skipped = f", but for {done['n_skipped']:,} that nobody could tell," if done["n_skipped"] else ""
        return f"Whole data set: {promise}{skipped} are wrong; {done['n_answered']:,} labels by people saw to that."
    also = "".join(f"; {cost['n']:,} would certify {_exact(cost['target'])}" for cost in others)
    missing = f" ({done['n_missing']:,} are missing)" if done["n_missing"] else ""
    return (
        f"Whole data set: {first['n']:,} more labels by people{missing} would certify that {promise} are wrong{also} "
        "(with audit.label_rest; to choose among these is another look)."
    )


def _looks(figures: Mapping[str, Any]) -> str:
    return f"; {figures['looks']:,} looks share the risk" if figures["looks"] > 1 else ""


def _interval(estimate: float, low: float, high: float) -> str:
    return f"{100 * estimate:.1f} % ({100 * low:.1f} to {100 * high:.1f})"


def _exact(share: float) -> str:
    return f"{100 * share:.6g} %"


def _at_most(share: float) -> str:
    """Return a share in percent, rounded up to one decimal, or to two digits where it is below one percent."""
    decimals = 1 if share >= 0.01 or not share else 1 - math.floor(math.log10(100 * share))
    return f"{math.ceil(100 * share * 10**decimals - 1e-6) / 10**decimals:g} %"
