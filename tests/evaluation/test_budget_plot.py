"""The picture of what labels buy."""

import pytest

from selflabel import files
from selflabel.evaluation import budget_plot

ARMS = {
    "at_200": {"curve": "asked"}, "at_200_random": {"curve": "random"}, "at_600": {"curve": "asked"}, "other": {},
    "at_600_random": {"curve": "random"}, "at_400": {"curve": "asked"},
}  # fmt: skip
FIGURES = {
    name: [{"human_labels": int(name[3:6]), "accuracy": 0.8 + lift + step} for step in (0.0, 0.02)]
    for name, lift in {"at_600": 0.08, "at_600_random": 0.04, "at_200": 0.02, "at_200_random": 0.0}.items()
} | {"other": [{"human_labels": 60, "accuracy": 0.1}]}


def test_the_curves_are_the_means_in_the_order_of_the_labels_with_their_spread(tmp_path):
    figure = budget_plot.picture(ARMS, FIGURES)
    (axes,) = figure.axes
    asked, random = (container.lines[0] for container in axes.containers)
    assert asked.get_xdata().tolist() == random.get_xdata().tolist() == [200, 600]
    assert asked.get_ydata().tolist() == pytest.approx([0.83, 0.89])
    assert random.get_ydata().tolist() == pytest.approx([0.81, 0.85])
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["asked by the run", "as many at random"]
    bars = axes.containers[0].lines[2][0].get_segments()[0]
    assert (bars[1, 1] - bars[0, 1]) / 2 == pytest.approx(0.02 / 2**0.5)
    assert "2 to 2 seeds" not in axes.get_title() and "(2 seeds)" in axes.get_title()
    files.write_picture(tmp_path / "one.png", figure)
    files.write_picture(tmp_path / "two.png", budget_plot.picture(ARMS, FIGURES))
    assert (tmp_path / "one.png").read_bytes() == (tmp_path / "two.png").read_bytes()


def test_one_seed_has_no_spread_and_no_arm_no_curve():
    one = {"at_200": FIGURES["at_200"][:1]}
    assert len(budget_plot.picture(ARMS, one).axes[0].containers) == 1
    assert not budget_plot.picture({}, {}).axes[0].containers
