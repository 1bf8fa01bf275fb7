"""What is handed over of a run, as the tools of others take it."""

import numpy as np
import pandas as pd
import pytest
from in_process import InProcess

from selflabel import files
from selflabel.config import build, load
from selflabel.features import feature_set
from selflabel.labels import state
from selflabel.labels.classes import Classes
from selflabel.people import second_look

pytestmark = pytest.mark.xdist_group("in_process")


@pytest.fixture
def export(asking_project: InProcess, monkeypatch):
    monkeypatch.chdir(asking_project.folder)
    return asking_project.folder / "data/export"


def test_probabilities_are_the_machines_own_and_of_peoples_labels_out_of_fold(export):
    table, told = pd.read_parquet(export / "labels.parquet"), np.load(export / "pred_probs.npy")
    classes = Classes.read(export / "classes.json")
    is_machine = (table["origin"] == "machine").to_numpy()
    np.testing.assert_allclose(told[is_machine].max(axis=1), table["confidence"][is_machine], atol=1e-6)
    assert classes.names(told[is_machine].argmax(axis=1)).tolist() == table["label"][is_machine].astype(str).tolist()
    # As `selflabel suspects` judges them: by classifiers that have not seen the label.
    final, features = state.read("data/final"), feature_set.read("data/features", "data/graph")
    rows, suspects = second_look.judged(final, features, build.each_round(load.load()).fit, classes)
    np.testing.assert_allclose(told[rows, final.labels.label[rows]], suspects.confidence, atol=1e-6)
    assert np.isfinite(told).all()


def test_cleanlab_finds_the_labels_that_were_made_wrong(export):
    """The five lines of docs/export.md, after some labels were changed."""
    from cleanlab.filter import find_label_issues

    table, told = pd.read_parquet(export / "labels.parquet"), np.load(export / "pred_probs.npy")
    by_people = table["origin"].isin(["seed", "human"]).to_numpy()
    numbers = table["label"].map(files.read_json(export / "classes.json").index).to_numpy()[by_people]
    wrong = np.flatnonzero(told[by_people].argmax(axis=1) == numbers)[::5]
    numbers[wrong] = (numbers[wrong] + 1) % told.shape[1]
    issues = find_label_issues(numbers, told[by_people], return_indices_ranked_by="self_confidence")
    assert np.isin(wrong, issues).mean() > 0.9 and len(issues) < 2 * len(wrong)
