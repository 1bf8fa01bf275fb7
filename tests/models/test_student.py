"""The student: what it learns, that it learns the same every time, and what it sees of an image."""

import hashlib
import subprocess
import sys

import numpy as np
import pytest
from projects import ROOT
from scipy.special import softmax
from sklearn.datasets import load_digits

from selflabel.models import student
from selflabel.models.augmentation import augment

STILL = student.StudentConfig(
    epochs=2, width=4, batch_size=16, learning_rate=0.01, weight_decay=0.01, shift=0, flip=False, cutout=0,
    sharpen=1.0, seed=0,
)  # fmt: skip
DISTURBED = STILL._replace(shift=1, flip=True, cutout=3)
RNG = np.random.default_rng(0)
IMAGES = RNG.integers(0, 256, (21, 9, 8), np.uint8)
TARGETS = RNG.dirichlet(np.ones(3), len(IMAGES))
BRIGHT = np.full((40, 4, 5), 255, np.uint8)


@pytest.fixture(scope="module")
def weights():
    return student.train(IMAGES, TARGETS, student=DISTURBED)


def augmented(images, seed=0, **changes):
    options = {"shift": 0, "flip": False, "cutout": 0} | changes
    return augment(images, **options, rng=np.random.default_rng(seed))


def test_digits_are_learnt_from_soft_targets():
    digits, labels = load_digits(return_X_y=True)
    images = (digits.reshape(-1, 8, 8) * 15).astype(np.uint8)
    soft = 0.7 * np.eye(10)[labels] + 0.03
    learner = STILL._replace(epochs=6, width=8, batch_size=64, shift=1)
    found = student.train(images[:1200], soft[:1200], student=learner)
    predicted = student.predict(found, images[1200:], student=learner, n_classes=10)
    assert (predicted.argmax(axis=1) == labels[1200:]).mean() > 0.9
    # As unsure as it was taught to be.
    assert predicted.max(axis=1).mean() < 0.85


@pytest.mark.parametrize(("sharpen", "expected"), [(1.0, 0.7), (2.0, 0.49 / 0.58)])
def test_soft_targets_are_followed_and_not_their_largest_class(sharpen, expected):
    images = RNG.integers(0, 100, (128, 8, 8), np.uint8)
    images[64:] += 100
    targets = np.repeat([[0.7, 0.3], [0.3, 0.7]], 64, axis=0)
    learner = STILL._replace(epochs=15, sharpen=sharpen)
    predicted = student.predict(student.train(images, targets, student=learner), images, student=learner, n_classes=2)
    np.testing.assert_allclose(predicted[:64, 0].mean(), expected, atol=0.05)
    np.testing.assert_allclose(predicted[64:, 1].mean(), expected, atol=0.05)


def digest(weights, predicted):
    return hashlib.sha256(b"".join(array.tobytes() for array in [*weights, predicted])).hexdigest()


@pytest.fixture(scope="module")
def other_process():
    """What a process on one core, with other random states, finds: the digest, and whether the states stayed."""
    script = """if True:
        import os, random, sys
        import numpy as np
        sys.path.insert(0, "tests"), sys.path.insert(0, "tests/models")
        import test_student as t
        os.sched_setaffinity(0, [min(os.sched_getaffinity(0))])
        random.seed(5), np.random.seed(5)
        before = random.getstate(), str(np.random.get_state())
        weights = t.student.train(t.IMAGES, t.TARGETS, student=t.DISTURBED)
        predicted = t.student.predict(weights, t.IMAGES, student=t.DISTURBED, n_classes=3)
        print(t.digest(weights, predicted), before == (random.getstate(), str(np.random.get_state())))
    """
    command = [sys.executable, "-c", script]
    return subprocess.run(command, cwd=ROOT, text=True, capture_output=True, check=True).stdout.split()


def test_another_process_on_one_core_finds_the_same_bytes(weights, other_process):
    predicted = student.predict(weights, IMAGES, student=DISTURBED, n_classes=3)
    assert other_process[0] == digest(weights, predicted)


def test_global_random_states_stay_as_they_were(other_process):
    assert other_process[1] == "True"


def test_another_seed_finds_other_weights(weights):
    other = student.train(IMAGES, TARGETS, student=DISTURBED._replace(seed=1))
    assert not np.array_equal(other[1], weights[1])


def test_memory_mapped_images_teach_the_same_and_nothing_given_is_written_to(weights, tmp_path):
    np.save(tmp_path / "images.npy", IMAGES)
    targets = TARGETS.copy()
    targets.setflags(write=False)
    found = student.train(np.load(tmp_path / "images.npy", mmap_mode="r"), targets, student=DISTURBED)
    np.testing.assert_equal(found, weights)


def test_weights_are_stored_and_read_without_pickle(weights, tmp_path):
    assert all(type(array) is np.ndarray and array.dtype == np.float32 for array in weights)
    np.savez(tmp_path / "weights.npz", *weights)
    with np.load(tmp_path / "weights.npz", allow_pickle=False) as stored:
        read = [stored[name] for name in stored.files]
    np.testing.assert_array_equal(
        student.predict(read, IMAGES, student=DISTURBED, n_classes=3),
        student.predict(weights, IMAGES, student=DISTURBED, n_classes=3),
    )


def test_pixels_are_scaled_by_the_mean_and_deviation_of_the_training_images(weights):
    np.testing.assert_allclose(weights[0], [IMAGES.mean(), IMAGES.std()], rtol=1e-6)


def test_images_of_one_grey_are_no_division_by_zero():
    found = student.train(np.full((3, 8, 8), 7, np.uint8), TARGETS[:3], student=STILL)
    np.testing.assert_array_equal(found[0], [7, 1])
    assert all(np.isfinite(array).all() for array in found)


@pytest.mark.parametrize("shape", [(17, 8, 13), (3, 11, 9), (1, 8, 8)])
def test_any_size_and_fewer_images_than_a_batch_will_do(shape):
    images = RNG.integers(0, 256, shape, np.uint8)
    learner = DISTURBED._replace(cutout=20)
    found = student.train(images, TARGETS[: shape[0]], student=learner)
    predicted = student.predict(found, images, student=learner, n_classes=3)
    assert predicted.shape == (shape[0], 3)
    assert np.isfinite(predicted).all()


def test_progress_sees_every_step():
    seen = []
    student.train(IMAGES, TARGETS, student=STILL, progress=lambda steps: seen.extend(steps) or steps)
    # 21 images are two batches of at most 16.
    assert seen == [0, 1, 2, 3]


@pytest.mark.parametrize("learner", [STILL, DISTURBED])
def test_an_image_has_the_same_probabilities_alone_and_among_others(weights, learner):
    images = RNG.integers(0, 256, (student.PREDICTION_CHUNK + 3, 9, 8), np.uint8)
    whole = student.predict(weights, images, student=learner, n_classes=3)
    assert whole.dtype == np.float32
    np.testing.assert_allclose(whole.sum(axis=1), 1, atol=1e-6)
    for rows in ([0], [len(images) - 1], [5, 252, 7]):
        np.testing.assert_array_equal(student.predict(weights, images[rows], student=learner, n_classes=3), whole[rows])


def test_no_images_have_no_probabilities(weights):
    assert student.predict(weights, IMAGES[:0], student=STILL, n_classes=3).shape == (0, 3)


def test_the_embedding_is_what_the_probabilities_are_computed_from(weights):
    options = {"student": STILL, "n_classes": 3}
    embedding = student.look(weights, IMAGES, **options)[1]
    assert embedding.shape == (len(IMAGES), 4 * STILL.width) and embedding.dtype == np.float32
    assert embedding.min() >= 0
    # The last two arrays are the dense layer's.
    logits = embedding @ weights[-2] + weights[-1]
    np.testing.assert_allclose(softmax(logits, axis=1), student.predict(weights, IMAGES, **options), atol=1e-5)


def test_with_flip_an_image_and_its_mirror_image_have_the_same_probabilities(weights):
    predicted, mirrored = (
        student.predict(weights, images, student=DISTURBED, n_classes=3) for images in (IMAGES, IMAGES[:, :, ::-1])
    )
    np.testing.assert_array_equal(predicted, mirrored)
    without = student.predict(weights, IMAGES, student=STILL, n_classes=3)
    assert not np.array_equal(predicted, without)


def test_nothing_asked_for_disturbs_nothing():
    images = IMAGES.copy()
    seen = augmented(images)
    np.testing.assert_array_equal(seen, IMAGES)
    assert not np.shares_memory(seen, images)


def test_a_shift_moves_an_image_up_to_so_many_pixels_each_way_and_brings_in_black():
    dot = np.zeros((300, 5, 7), np.uint8)
    dot[:, 2, 3] = 9
    seen = augmented(dot, shift=2)
    assert (np.count_nonzero(seen, axis=(1, 2)) == 1).all()
    rows, columns = np.nonzero(seen)[1:]
    assert set(zip(rows.tolist(), columns.tolist(), strict=True)) == {(r, c) for r in range(5) for c in range(1, 6)}
    # At most 2 of 4 rows and 2 of 5 columns go.
    assert np.count_nonzero(augmented(BRIGHT, shift=2), axis=(1, 2)).min() == 2 * 3


def test_a_shift_beyond_the_image_may_leave_it_black():
    assert 0 in np.count_nonzero(augmented(BRIGHT, shift=9), axis=(1, 2))


def test_a_flip_mirrors_about_every_other_image_left_to_right():
    images = np.repeat(np.uint8([[[1, 2, 3], [4, 5, 6]]]), 200, axis=0)
    seen = augmented(images, flip=True)
    is_mirrored = (seen == images[:, :, ::-1]).all(axis=(1, 2))
    assert ((seen == images).all(axis=(1, 2)) ^ is_mirrored).all()
    assert 70 < is_mirrored.sum() < 130


def test_a_cutout_erases_one_square_with_its_centre_in_the_image():
    erased = augmented(np.full((300, 6, 7), 255, np.uint8), cutout=3) == 0
    rows, columns = erased.any(axis=2), erased.any(axis=1)
    np.testing.assert_array_equal(erased, rows[:, :, None] & columns[:, None, :])
    assert set(rows.sum(axis=1)) == set(columns.sum(axis=1)) == {2, 3}
    assert erased.any(axis=0).all()


@pytest.mark.parametrize(("side", "most"), [(1, 1), (4, 16), (5, 20), (100, 20)])
def test_a_cutout_may_exceed_the_image(side, most):
    assert np.count_nonzero(augmented(BRIGHT, cutout=side) == 0, axis=(1, 2)).max() == most


def test_the_same_generator_disturbs_in_the_same_way():
    changes = {"shift": 1, "flip": True, "cutout": 3}
    np.testing.assert_array_equal(augmented(IMAGES, **changes), augmented(IMAGES, **changes))
    assert not np.array_equal(augmented(IMAGES, **changes), augmented(IMAGES, seed=1, **changes))


def test_targets_are_raised_to_a_power_and_sum_to_1_again():
    targets = np.float32([[0.6, 0.2, 0.2], [0.0, 0.5, 0.5]])
    np.testing.assert_allclose(student.sharpened(targets, 2), [[9 / 11, 1 / 11, 1 / 11], [0, 0.5, 0.5]], rtol=1e-6)
    np.testing.assert_allclose(student.sharpened(targets, 1), targets, rtol=1e-6)
    np.testing.assert_allclose(student.sharpened(targets, 5000), [[1, 0, 0], [0, 0.5, 0.5]])


def test_importing_the_module_does_not_import_tensorflow():
    script = "import sys, selflabel.models.student; print({'tensorflow', 'keras'} & sys.modules.keys())"
    assert subprocess.check_output([sys.executable, "-c", script], cwd=ROOT, text=True).strip() == "set()"


@pytest.mark.parametrize(
    "options", [{"shift": 2}, {"flip": True}, {"cutout": 3}, {"shift": 1, "flip": True, "cutout": 2}]
)
def test_the_channels_of_an_image_are_disturbed_together(options):
    images = RNG.integers(0, 256, (30, 7, 9, 3), np.uint8)
    found = augmented(images, **options)
    assert (found.shape, found.dtype) == (images.shape, np.uint8)
    for channel in range(3):
        np.testing.assert_array_equal(found[..., channel], augmented(images[..., channel], **options))


def test_what_differs_in_colour_alone_is_learnt():
    values = RNG.integers(0, 200, (120, 8, 8), np.uint8)
    is_red = np.arange(120) % 2
    images = np.stack([values + 55 * is_red[:, None, None], values, values + 55 * (1 - is_red)[:, None, None]], axis=3)
    images = images.astype(np.uint8)
    learner = DISTURBED._replace(epochs=10, cutout=0)
    found = student.train(images[:80], np.eye(2)[is_red[:80]], student=learner)
    assert found[1].shape == (3, 3, 3, 4)
    probabilities, embedding = student.look(found, images[80:], student=learner, n_classes=2)
    assert (probabilities.argmax(axis=1) == is_red[80:]).mean() > 0.9
    assert embedding.shape == (40, 16)
