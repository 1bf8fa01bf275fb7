"""Parameters against each other: what no single value can get wrong."""

import copy
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import yaml
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from selflabel import consistency, datasets, features, params

TREE = yaml.safe_load((Path(__file__).parent.parent / "params.yaml").read_text(encoding="utf-8"))


def changed(*changes):
    tree = copy.deepcopy(TREE)
    for path, value in changes:
        *sections, key = path.split(".")
        section = tree
        for name in sections:
            section = section[name]
        section[key] = value
    return tree


def hog(**values):
    return params.faults(changed(*((f"features.hog.{key}", value) for key, value in values.items())))


def test_a_block_that_is_larger_than_the_window_is_a_fault():
    assert hog(block=35) == ["features.hog.block must be at most the window (28), got 35"]


def test_a_stride_that_does_not_reach_the_edge_of_the_window_is_a_fault():
    assert hog(block=7, stride=14) == ["features.hog.stride must divide window − block (28 − 7), got 14"]


def test_a_cell_that_does_not_divide_the_block_is_a_fault():
    assert hog(block=7, stride=7, cell=21) == [
        "features.hog.cell must divide the block (7), got 21",
        "features.hog.stride must be a multiple of the cell (21), got 7",
    ]


def test_a_stride_between_cells_is_a_fault():
    assert hog(cell=2) == ["features.hog.stride must be a multiple of the cell (2), got 7"]


def test_a_hog_window_that_is_not_the_image_is_a_fault():
    assert params.faults(changed(("dataset.name", "digits"))) == [
        "features.hog.window must be 8, the size of the images of digits, got 28; "
        "features.extractor=pixels takes any size"
    ]
    assert hog(window=14) == [
        "features.hog.window must be 28, the size of the images of fashion_mnist, got 14; "
        "features.extractor=pixels takes any size"
    ]


def test_the_geometry_of_hog_does_not_matter_where_it_is_not_used():
    changes = [("features.extractor", "pixels"), ("dataset.name", "digits"), ("features.hog.cell", 5)]
    assert params.faults(changed(*changes)) == []


def test_a_block_of_fewer_than_four_values_is_a_fault():
    # OpenCV's normalisation takes four at a time and ends the process where there are fewer.
    (fault,) = hog(block=7, stride=7, cell=7, bins=3)
    assert fault.startswith("features.hog.bins must ")
    assert hog(block=7, stride=7, cell=7, bins=4) == hog(bins=1) == []


@example(cell=7, cells=2, strides=1, steps=2, bins=9)
@settings(deadline=None, max_examples=200)
@given(
    cell=st.integers(1, 8), cells=st.integers(1, 3), strides=st.integers(1, 3), steps=st.integers(0, 3),
    bins=st.integers(1, 9),
)  # fmt: skip
def test_every_hog_that_is_accepted_can_be_computed(cell, cells, strides, steps, bins):
    block, stride = cell * cells, cell * strides
    window = block + stride * steps
    values = {"window": window, "block": block, "stride": stride, "cell": cell, "bins": bins}
    assume(not [fault for fault in hog(**values) if "the size of the images" not in fault])
    n_values = (block // cell) ** 2 * bins
    assert n_values >= 4, "computing this would end the process"
    extract = features.hog((window, window), TREE["features"]["hog"] | values)
    images = np.arange(window * window, dtype=np.uint8).reshape(1, window, window)
    n_blocks = (window - block) // stride + 1
    assert extract(images).shape == (1, n_blocks**2 * n_values)


@pytest.mark.parametrize("section", ["leak", "self_label"])
@pytest.mark.parametrize(
    ("iterations", "start", "step", "last"), [(11, 0.5, 0.1, "1.5"), (3, 0.1, -0.06, "-0.02"), (2, 1, 0.001, "1.001")]
)
def test_a_threshold_that_leaves_the_probabilities_is_a_fault(section, iterations, start, step, last):
    values = {"iterations": iterations, "threshold_start": start, "threshold_step": step}
    assert params.faults(changed(*((f"{section}.{key}", value) for key, value in values.items()))) == [
        f"{section}.threshold_step must keep the threshold of round {iterations} in [0, 1], "
        f"got {step:g}, which makes it {last}"
    ]


@pytest.mark.parametrize(("iterations", "start", "step"), [(0, 1, 1), (1, 0, -1), (8, 0.7, -0.1), (11, 0, 0.1)])
def test_a_threshold_may_reach_0_and_1_in_the_last_round(iterations, start, step):
    values = {"iterations": iterations, "threshold_start": start, "threshold_step": step}
    assert params.faults(changed(*((f"leak.{key}", value) for key, value in values.items()))) == []


def test_more_rounds_than_the_table_has_are_a_fault_that_names_the_remedy():
    assert params.faults(TREE, n_round_rows=9) == [
        "self_label.iterations must be at most 9, the rows of rounds/table.yaml, got 10; "
        "`make rounds N=10` extends the table"
    ]
    assert params.faults(TREE, n_round_rows=10) == []


@pytest.mark.parametrize("name", ["fashion_mnist", "digits"])
def test_a_percentage_that_gives_a_class_no_seed_label_is_a_fault(name):
    size = consistency.SMALLEST_CLASS[name]
    sections = {"dataset": SimpleNamespace(name=name), "seed_labels": SimpleNamespace(percentage=None)}
    for percentage, n_faults in ((40 / size, 1), (60 / size, 0)):
        sections["seed_labels"].percentage = percentage
        assert len(consistency.faults(sections, n_round_rows=None)) == n_faults


def test_the_smallest_class_is_the_one_the_digits_have():
    assert consistency.SMALLEST_CLASS["digits"] == np.bincount(datasets.load("digits", "").pool.labels).min()


@pytest.mark.parametrize(("sigma", "n_faults"), [(-1.0, 0), (-0.5, 1), (0.0, 1), (1e-30, 1), (0.5, 0), (4.0, 0)])
def test_a_sigma_that_opencv_would_take_for_another_is_a_fault(sigma, n_faults):
    found = params.faults(changed(("features.hog.win_sigma", sigma)))
    assert len(found) == n_faults
    assert all(fault.startswith("features.hog.win_sigma must be -1 or at least 0.5, got ") for fault in found)


def test_a_geometric_threshold_that_leaves_the_probabilities_is_a_fault():
    rule = (("self_label.accept", "geometric"), ("self_label.threshold_start", 0.75), ("self_label.iterations", 3))
    assert params.faults(changed(*rule, ("self_label.threshold_factor", 1.1))) == []
    assert params.faults(changed(*rule, ("self_label.threshold_factor", 1.2))) == [
        "self_label.threshold_factor must keep the threshold of round 3 in [0, 1], got 1.2, which makes it 1.08"
    ]


@pytest.mark.parametrize("rule", ["percentile", "k_best", "class_k_best"])
def test_a_rule_without_a_threshold_is_not_held_to_the_thresholds_range(rule):
    assert params.faults(changed(("self_label.accept", rule), ("self_label.threshold_step", 1.0))) == []
