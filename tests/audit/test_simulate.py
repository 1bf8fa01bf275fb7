"""Many audits against the truth."""

import numpy as np
import pytest

from selflabel.audit import simulate
from selflabel.audit.guarantees import ErrorTarget

CONFIDENCE = np.linspace(0, 1, 1_000)
LEVEL = ErrorTarget(0.05, 0.05)


def redraw(is_wrong, size, confidence=CONFIDENCE):
    orders = [np.random.default_rng(seed).permutation(len(confidence)) for seed in range(20)]
    return simulate.redraw(confidence, is_wrong, orders, size=size, target=LEVEL, n_all=len(confidence))


def test_audits_of_all_labels_show_what_there_is():
    found = redraw(CONFIDENCE < 0.2, 1_000)
    # All are audited, so that all is known.
    assert found["true_error"] == 0.2 and found["error_at_most"] == pytest.approx(0.2)
    assert found["certified_best"] == pytest.approx(0.842) and found["certified_coverage"] == pytest.approx(0.8)
    # All mistakes are below 0.2, of which fifty may stay.
    assert found["by_people_best"] == found["by_people"] == 150
    assert found["broken_whole"] == found["broken_certified"] == found["broken_rest"] == found["nothing_certified"] == 0


def test_too_small_audits_certify_nothing():
    found = redraw(CONFIDENCE < 0.2, 50)
    assert found["nothing_certified"] == 1 and found["certified_coverage"] == 0
    assert np.isnan(found["certified_error"])
    assert found["by_people"] == 1_000


def test_a_bound_that_is_too_low_is_broken():
    # One in twenty is wrong; twenty answers of which none is wrong would be an underestimate at a risk of one half.
    orders = [np.random.default_rng(seed).permutation(1_000) for seed in range(100)]
    found = simulate.redraw(CONFIDENCE, CONFIDENCE < 0.05, orders, size=20, target=ErrorTarget(0.05, 0.5), n_all=1_000)
    assert 0.2 < found["broken_whole"] < 0.6


def test_the_best_keeps_equal_confidences_together():
    confidence = np.repeat([0.9, 0.4], 50)
    is_wrong = np.arange(100) == 99
    assert simulate.best(confidence, is_wrong, error=0.05, n_all=100) == (1.0, 0)
    assert simulate.best(confidence, np.arange(100) >= 60, error=0.05, n_all=100) == (0.5, 50)
    assert simulate.best(confidence, np.ones(100, bool), error=0.05, n_all=100) == (0.0, 100)


def test_the_table_has_a_row_a_size():
    found = [redraw(CONFIDENCE < 0.2, size) for size in (50, 500)]
    text = simulate.table({name: np.array([row[name] for row in found]) for name in found[0]})
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines()]
    assert [row[0] for row in rows[2:]] == ["50", "500"]
    assert rows[2][4] == "–" and rows[2][7] == "1,000 (150)"
    assert len(rows[0]) == 10
