"""The stage that refuses parameters, on paths of own data."""

import os
import sys

import pytest
import yaml
from projects import ROOT

from selflabel import files
from selflabel.stages import check


@pytest.fixture
def checked(tmp_path, monkeypatch):
    """Check a section dataset; the faults, none if there are none."""

    def run(**dataset):
        tree = files.read_yaml(ROOT / "params.yaml")
        files.write_text(tmp_path / "params.yaml", yaml.safe_dump(tree | {"dataset": tree["dataset"] | dataset}))
        paths = {"params": "params.yaml", "table": ROOT / "rounds/table.yaml", "out": "check.txt"}
        monkeypatch.setattr(sys, "argv", ["check", *(f"--{flag}={path}" for flag, path in paths.items())])
        try:
            check.main()
        except ValueError as error:
            return [line.strip().removeprefix("params.yaml: ") for line in str(error).splitlines()]
        return []

    monkeypatch.chdir(tmp_path)
    return run


def test_a_path_that_does_not_exist_is_told_with_all_other_faults(checked):
    assert checked(name="folder", path="gone", image_size=4) == [
        "dataset.image_size must be in [8, 1024], got 4",
        "dataset.path must be an existing folder where dataset.name is folder, got 'gone'",
    ]


def test_a_ready_made_data_set_needs_no_path(checked):
    assert checked(name="fashion_mnist", path="gone") == []


def test_a_folder_that_dvc_would_wait_for_without_end_is_refused(checked, tmp_path):
    (tmp_path / "in" / "cat").mkdir(parents=True)
    assert checked(name="folder", path="in") == []
    os.mkfifo(tmp_path / "in" / "cat" / "fifo")
    assert checked(name="folder", path="in") == [
        "dataset.path must hold nothing that DVC cannot read, got cat/fifo (not a regular file)"
    ]
