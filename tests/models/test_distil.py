"""The last classifier teaches a student; both are asked."""

import numpy as np
import pytest
from sklearn.datasets import load_digits

from selflabel.features.feature_set import FeatureSet
from selflabel.labels import state
from selflabel.labels.table import Labels
from selflabel.loop import acceptance
from selflabel.loop.round import RoundConfig, run_round
from selflabel.models import distil, predict
from selflabel.models.catalogue import ClassifierConfig
from selflabel.models.distil import JoinConfig, StudentOutput
from selflabel.models.predict import FitConfig, StudentPredictions
from selflabel.models.student import StudentConfig

DIGITS = load_digits()
IMAGES = np.round(DIGITS.images * (255 / 16)).astype(np.uint8)[:300]
TRUTH = DIGITS.target[:300].astype(np.int16)
FEATURES = (IMAGES.reshape(300, -1) / 255).astype(np.float32)
CLASSES = tuple("0123456789")
FIT = FitConfig(ClassifierConfig("kernel_svm", C=10.0), train_on="human_labels")
STUDENT = StudentConfig(
    epochs=2, width=4, batch_size=32, learning_rate=0.01, weight_decay=0.01, shift=1, flip=False, cutout=2, sharpen=1.0,
    seed=0,
)  # fmt: skip
BEFORE = state.first(Labels.from_seeds(np.arange(100), TRUTH[:100], n_rows=300))
HELD = FeatureSet(FEATURES, FEATURES[:20])


def test_people_are_taken_at_their_word_and_the_classifier_at_its_probabilities():
    probabilities = np.random.default_rng(0).dirichlet(np.ones(10), size=300)
    found = distil.targets(probabilities, BEFORE.labels)
    np.testing.assert_array_equal(found[:100], np.eye(10)[TRUTH[:100]])
    np.testing.assert_array_equal(found[100:], probabilities[100:].astype(np.float32))
    assert found.dtype == np.float32


def test_the_student_is_taught_what_the_last_classifier_says(monkeypatch):
    seen = {}

    def train(images, targets, *, student, progress):
        seen.update(images=images, targets=targets, student=student)
        return [np.zeros(2, np.float32)]

    monkeypatch.setattr(distil.cnn, "train", train)
    monkeypatch.setattr(
        distil.cnn,
        "look",
        lambda weights, images, **_: (np.zeros((len(images), 10), "f"), np.ones((len(images), 16), "f")),
    )
    options = {"config": FIT, "student": STUDENT, "classes": CLASSES}
    _, taught = distil.teach(BEFORE, HELD, IMAGES, IMAGES[:20], **options)
    opinion = predict.fit_predict(BEFORE.labels, HELD, FIT, round_number=1, classes=CLASSES)
    np.testing.assert_array_equal(seen["targets"], distil.targets(opinion.pool, BEFORE.labels))
    assert seen["images"] is IMAGES and seen["student"] is STUDENT
    assert [part.shape for part in taught] == [(300, 10), (20, 10), (300, 16), (20, 16)]


def test_the_last_acceptance_reads_the_embedding_and_asks_the_student_as_far_as_it_is_told():
    taught = StudentOutput(*(np.random.default_rng(0).random((n, width)) for width in (10, 16) for n in (300, 20)))
    features, asked = distil.joined(HELD, taught, JoinConfig(embedding=False, weight=0.0))
    assert features is HELD and asked is None
    features, asked = distil.joined(HELD, taught, JoinConfig(embedding=True, weight=0.3))
    assert features.pool.shape == (300, 80) and features.test.shape == (20, 80)
    assert asked.weight == 0.3 and asked.pool is taught.pool_probabilities


@pytest.mark.parametrize("weight", [0.0, 0.3, 1.0])
def test_the_last_acceptance_asks_both_by_their_weights(weight):
    generator = np.random.default_rng(1)
    student = StudentPredictions(
        *(generator.dirichlet(np.ones(10), size=n).astype(np.float32) for n in (300, 20)), weight
    )
    config = RoundConfig(FIT, acceptance.above(0.0), keep="revise")
    options = {"round_number": 1, "config": config, "classes": CLASSES}
    played = run_round(BEFORE, HELD, student=student, **options)
    alone = predict.fit_predict(BEFORE.labels, HELD, FIT, round_number=1, classes=CLASSES)
    mixed = (1 - weight) * alone.pool + weight * student.pool
    np.testing.assert_array_equal(played.state.labels.label[100:], mixed.round(6).argmax(axis=1)[100:])
    np.testing.assert_array_equal(played.state.labels.label[:100], TRUTH[:100])
    np.testing.assert_allclose(played.state.labels.confidence[100:], mixed.max(axis=1)[100:], atol=1e-6)
    expected = (1 - weight) * alone.test + weight * student.test
    np.testing.assert_allclose(played.test_probabilities, expected, atol=1e-6)
    assert played.test_probabilities.dtype == np.float32
