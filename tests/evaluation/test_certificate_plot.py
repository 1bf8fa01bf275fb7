"""The certificate's picture."""

import examples
import numpy as np
import pytest

from selflabel.audit import guarantees
from selflabel.audit.guarantees import AuditSample, ErrorTarget
from selflabel.evaluation import certificate_plot

CONFIDENCE = np.linspace(0.1, 1, 300)
IS_RIGHT = CONFIDENCE > 0.2


def picture(n=300, **changes):
    audit = AuditSample(CONFIDENCE, np.zeros(300, int), np.arange(n), ~IS_RIGHT[:n])
    shares = guarantees.shares(audit, ErrorTarget(0.05, 0.05))
    return certificate_plot.picture(examples.certificate(**changes), shares, CONFIDENCE[:n], IS_RIGHT[:n])


def lines(axes):
    return {line.get_label(): line for line in axes.get_lines()}


def test_the_curve_has_the_promised_error_and_the_operating_point():
    left, _ = picture().axes
    found = lines(left)
    point = found["certified: 600 labels"]
    assert (point.get_xdata(), point.get_ydata()) == ([0.6], [0.05])
    assert set(found["audit.error 0.05"].get_ydata()) == {0.05}
    bound, seen = found["upper bound, each share by itself"].get_ydata(), found["wrong in the audit"].get_ydata()
    # All are audited, so that all is known.
    np.testing.assert_allclose(bound, seen)


def test_the_audited_precision_stands_against_the_claimed():
    _, right = picture().axes
    (points,) = right.containers
    claimed, shown = points.lines[0].get_xydata().T
    assert len(claimed) == 10 and np.all(np.diff(claimed) > 0)
    np.testing.assert_allclose(shown[0], 0) and np.testing.assert_allclose(shown[-1], 1)


@pytest.mark.parametrize("changes", [{"n": 0}, {"audit": {"n_missing": 1}}])
def test_without_a_whole_audit_there_is_nothing_to_see(changes):
    nothing = {"certified": {"n": 0, "coverage": 0.0, "n_enough": 88}}
    for axes in picture(**nothing, **changes).axes:
        assert "no audit" in [text.get_text() for text in axes.texts]
        assert not axes.containers
