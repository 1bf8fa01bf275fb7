"""The package installed without its checkout: a folder with nothing in it becomes a project that runs."""

import os
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image
from projects import ROOT, environment

from selflabel import __version__
from selflabel.config.project import STAGE_FILES


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """A folder with the package out of the wheel, which is imported before the checkout's."""
    folder = tmp_path_factory.mktemp("installed")
    build = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", folder / "dist"]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    (wheel,) = (folder / "dist").glob("*.whl")
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index", "--target", folder / "site"]
    subprocess.run([*pip, wheel], check=True, capture_output=True)
    return folder / "site"


@pytest.fixture(scope="module")
def run(installed, tmp_path_factory):
    """Run a command in an empty folder, in which the installed package is the one that is found."""
    folder = tmp_path_factory.mktemp("mine")

    def done(*command):
        env = environment() | {"PYTHONPATH": str(installed)}
        env["PATH"] = os.pathsep.join([str(installed / "bin"), env["PATH"]])
        return subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True)

    done.folder = folder
    return done


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    """Two hundred pictures of two kinds, bright on the left or on the right; five of each are labelled."""
    folder, generator = tmp_path_factory.mktemp("pictures"), np.random.default_rng(0)
    for number in range(200):
        kind = ("left", "right")[number % 2]
        image = generator.integers(0, 120, (16, 16), dtype=np.uint8)
        image[:, slice(0, 8) if kind == "left" else slice(8, 16)] += 100
        place = folder / (kind if number < 10 else "unlabelled")
        place.mkdir(exist_ok=True)
        Image.fromarray(image).save(place / f"{number}.png")
    return folder


@pytest.mark.xdist_group("installed")
def test_nothing_but_the_package_and_its_command_is_installed(installed):
    names = {path.name for path in installed.iterdir() if path.suffix != ".dist-info"}
    assert names == {"selflabel", "bin"}
    for name in STAGE_FILES:
        assert (installed / "selflabel/project" / name).read_bytes() == (ROOT / name).read_bytes()


@pytest.mark.xdist_group("installed")
def test_the_command_works_in_an_empty_folder_and_lays_down_a_project_that_runs(run, pictures, installed):
    assert run("selflabel", "--version").stdout == f"selflabel {__version__}\n"
    done = run("selflabel", "init", str(pictures))
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(
        "a project is laid down here: .gitignore, answers.csv, baselines/dvc.yaml, dvc.yaml, "
        "embeddings/README.md, inputs/dvc.yaml"
    )
    assert "200 images in the pool" in run("selflabel", "plan").stdout
    # Far enough that the features are computed by the installed code, and people are asked.
    done = run("dvc", "repro", "queue")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "answers missing" in done.stdout + done.stderr
    assert (run.folder / "data/code/features.txt").read_text().count("selflabel/features/extractors.py") == 1
    # It is not laid down twice, and nothing of one's own is overwritten.
    assert "a project is laid down" not in run("selflabel", "init", str(pictures)).stdout
    # Another version: the run says so, and what to do.
    version = run.folder / "selflabel.version"
    version.write_text("0.1.0 0\n")
    done = run("dvc", "repro", "queue")
    assert done.returncode != 0 and "`selflabel upgrade` renews it" in done.stdout + done.stderr
    assert run("selflabel", "upgrade").returncode == 0
    assert run("dvc", "repro", "queue").returncode == 0
