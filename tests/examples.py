"""Examples that several test files look at."""

from selflabel.audit.certificate import Certificate
from selflabel.labels.history import RoundSummary

# A round's summary.
SUMMARY = RoundSummary(
    **{
        "round": 2,
        "rule": "linear",
        "threshold": 0.30,
        "class_thresholds": None,
        "n_accepted": 12345,
        "n_new": 45,
        "accepted_per_class": {"a": 12000, "b": 345},
        "n_flipped": 3,
        "n_withdrawn": 0,
        "n_remaining": 0,
        "human_labels": 600,
        "claimed_precision": 0.9,
        "shown_precision": 0.8,
        "n_shown": 25,
        "calibration_error": 0.05,
        "reliability": {"low": [0.8], "high": [0.9], "count": [25], "mean_confidence": [0.85], "share_right": [0.8]},
        "n_questions": 0,
        "n_open": 7,
        "kappa": 0.75,
        "stop": "no",
    }
)

# The content of metrics/certificate.json.
CERTIFICATE_JSON = {
    "target": 0.05, "confidence": 0.95, "together": False, "looks": 1,
    "n_pool": 1_200, "n_machine": 1_000, "human_labels_in_all": 500,
    "audit": {
        "n_wanted": 300, "n_planned": 300, "n_drawn": 300, "part": 0.75, "n_first": 200,
        "n_answered": 300, "n_missing": 0, "n_skipped": 0, "n_wrong": 20, "n_awaited": 0,
    },
    "whole": {"error_at_most": 0.0954}, "estimate": {},
    "classes": {"Coat": 0.2, "Bag": 0.0312},
    "certified": {"n": 600, "coverage": 0.6, "threshold": 0.9, "n_audited": 180, "n_wrong": 3},
    "rest": {"asked": {"target": 0.05, "n": 90}, "larger": {"target": 0.08, "n": 10}},
    "rest_by_people": {"n_answered": 0, "n_missing": 0, "n_skipped": 0, "is_issued": False},
}  # fmt: skip


def certificate(**changes):
    """Return the certificate above with some fields of its JSON replaced, those of its parts one by one."""
    parts = {name: CERTIFICATE_JSON[name] | changes.pop(name) for name in ("audit",) if name in changes}
    return Certificate.from_json(CERTIFICATE_JSON | changes | parts)


# What the tutorial prints.
TUTORIAL_PRINTED = {
    # class: precision, recall, F1 of the leak, then of all 60,000 labels
    "T-shirt/top": (0.83, 0.81, 0.82, 0.84, 0.87, 0.86),
    "Trouser": (0.95, 0.96, 0.96, 0.99, 0.98, 0.98),
    "Pullover": (0.78, 0.80, 0.79, 0.84, 0.83, 0.83),
    "Dress": (0.83, 0.86, 0.85, 0.88, 0.92, 0.90),
    "Coat": (0.75, 0.83, 0.79, 0.80, 0.84, 0.82),
    "Sandal": (0.98, 0.96, 0.97, 0.98, 0.97, 0.98),
    "Shirt": (0.70, 0.58, 0.63, 0.74, 0.66, 0.69),
    "Sneaker": (0.94, 0.97, 0.95, 0.94, 0.97, 0.96),
    "Bag": (0.96, 0.97, 0.96, 0.97, 0.97, 0.97),
    "Ankle boot": (0.97, 0.96, 0.96, 0.97, 0.96, 0.97),
}
TUTORIAL_FIGURES = ("precision", "recall", "f1")
