"""A thousand labels to be audited, whose mistakes are known."""

import numpy as np
from examples import SUMMARY

from selflabel.audit.certificate import AuditConfig
from selflabel.labels import answers, state
from selflabel.labels.classes import Classes
from selflabel.labels.questions import AskedQuestions
from selflabel.labels.table import Labels

CLASSES = Classes(["Coat", "Shirt"])
PLAN = AuditConfig(
    size=200, planned=200, seed=0, error=0.05, confidence=0.95, together=False, looks=1, label_rest=False
)
N, N_SEEDS = 1_000, 20
HASHES = np.array([f"{row:032x}" for row in range(N)], object)
# Every tenth of the less confident half is wrong.
TRUTH = np.where((np.arange(N) % 10 == 0) & (np.arange(N) < N // 2), 1, 0).astype(np.int16)
TRUTH[: N_SEEDS // 2] = 0


def final(**changes):
    """Rows 0–19 seeds, the others machine labels Coat, more confident from row to row."""
    seeds = Labels.from_seeds(np.arange(N_SEEDS), TRUTH[:N_SEEDS], n_rows=N)
    rows = np.arange(N_SEEDS, N)
    labels = seeds.with_machine_labels(rows, np.zeros(len(rows), int), rows / N, round_number=1)
    return state.first(seeds)._replace(labels=labels, history=[SUMMARY], **changes)


def in_vain(*rows):
    """Questions of round 1 that nobody has answered."""
    open_ones = answers.look_up(np.array(rows), [""] * len(rows), {})
    return AskedQuestions.empty().with_replies("margin", open_ones, round_number=1)
