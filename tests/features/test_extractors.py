"""Features: grey levels as they are, and HOG as OpenCV computes it."""

import subprocess
import sys

import cv2
import numpy as np
import pytest
import yaml
from projects import ROOT
from scipy.spatial.distance import pdist

from selflabel.config import schema
from selflabel.features import compute, feature_set
from selflabel.features import extractors as features

OPTIONS = yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8"))["features"]
HOG = OPTIONS["hog"]
IMAGES = np.random.default_rng(0).integers(0, 256, (5, 28, 28), np.uint8)
# Five images have fifty patches.
SMALL = OPTIONS | {"kmeans_patches": OPTIONS["kmeans_patches"] | {"centres": 20}}


def test_pixels_are_the_grey_levels_from_0_to_1_in_reading_order():
    image = np.uint8([[[0, 51], [102, 255]]])
    extracted = features.pixels(image, {})(image)
    np.testing.assert_array_equal(extracted, np.float32([[0, 0.2, 0.4, 1]]))
    assert extracted.dtype == np.float32


def test_the_committed_hog_has_324_features_for_an_image_of_fashion_mnist():
    extract = features.hog(IMAGES, OPTIONS)
    assert extract(IMAGES).shape == (5, 324)
    assert features.n_features(extract, (28, 28)) == 324


def test_hog_is_the_descriptor_of_opencv_with_each_option_in_its_place():
    # Every value differs from OpenCV's default where OpenCV allows another one.
    options = HOG | {
        "window": 24, "block": 12, "stride": 6, "cell": 3, "bins": 7, "win_sigma": 2.5, "l2hys_threshold": 0.3,
        "gamma_correction": True, "signed_gradients": True,
    }  # fmt: skip
    images = IMAGES[:, :24, :24].copy()
    descriptor = cv2.HOGDescriptor(
        _winSize=(24, 24), _blockSize=(12, 12), _blockStride=(6, 6), _cellSize=(3, 3), _nbins=7, _winSigma=2.5,
        _L2HysThreshold=0.3, _gammaCorrection=True, _nlevels=64, _signedGradient=True,
    )  # fmt: skip
    extracted = features.hog(images, {"hog": options})(images)
    np.testing.assert_array_equal(extracted, [descriptor.compute(image).ravel() for image in images])
    assert extracted.dtype == np.float32


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("win_sigma", 1.0), ("gamma_correction", False), ("signed_gradients", False), ("stride", 14), ("cell", 7),
        ("bins", 8),
    ],
)  # fmt: skip
def test_an_option_of_hog_reaches_opencv(option, value):
    base = HOG | {"cell": 14, "stride": 14, "block": 14} if option in ("stride", "cell") else HOG
    base = base | ({"cell": 7, "stride": 7} if option == "stride" else {})
    before, after = (features.hog(IMAGES, {"hog": options})(IMAGES) for options in (base, base | {option: value}))
    assert not np.array_equal(before, after)


def test_the_clipping_threshold_reaches_opencv():
    # OpenCV keeps the first one it sees for as long as the process lives.
    script = (
        "import sys, numpy, yaml; from selflabel.features import extractors; options = yaml.safe_load(sys.argv[1]); "
        "images = numpy.random.default_rng(0).integers(0, 256, (1, 28, 28), numpy.uint8); "
        "print(extractors.hog(images, {'hog': options})(images).max())"
    )
    largest = [
        float(subprocess.check_output([sys.executable, "-c", script, yaml.safe_dump(options)], cwd=ROOT))
        for options in (HOG, HOG | {"l2hys_threshold": 0.05})
    ]
    # Where every value is clipped, the 36 of a block are equal: 1/6.
    assert largest[0] > largest[1] == pytest.approx(1 / 6, rel=0.01)


@pytest.mark.parametrize("name", features.EXTRACTORS)
def test_an_image_has_the_same_features_alone_and_among_others(name):
    extract = features.EXTRACTORS[name](IMAGES, SMALL)
    whole = extract(IMAGES)
    assert whole.dtype == np.float32
    for row in range(len(IMAGES)):
        np.testing.assert_allclose(extract(IMAGES[row : row + 1]), whole[row : row + 1], rtol=1e-4, atol=1e-4)
    assert features.n_features(extract, (28, 28)) == whole.shape[1]


@pytest.mark.parametrize("name", features.EXTRACTORS)
def test_images_that_may_not_be_written_to_have_features_too(name):
    images = IMAGES.copy()
    images.setflags(write=False)
    extract = features.EXTRACTORS[name](IMAGES, SMALL)
    np.testing.assert_array_equal(extract(images), extract(IMAGES))


@pytest.mark.parametrize("shape", [(14, 14), (28, 32), (32, 28)])
def test_a_window_that_is_not_the_image_is_refused(shape):
    with pytest.raises(ValueError) as error:
        features.hog(np.zeros((1, *shape), np.uint8), OPTIONS)
    assert str(error.value) == f"features.hog.window must be the size of the images, {shape}, got 28"


def test_fine_hog_is_opencvs_descriptor_of_the_padded_image():
    extract = features.EXTRACTORS["hog_fine"](IMAGES, OPTIONS)
    descriptor = cv2.HOGDescriptor(
        (32, 32), (8, 8), (4, 4), (4, 4), 9, 1, -1.0, 0, HOG["l2hys_threshold"], True, 64, True
    )  # fmt: skip
    padded = np.pad(IMAGES, ((0, 0), (2, 2), (2, 2)))
    np.testing.assert_array_equal(extract(IMAGES), [descriptor.compute(image).ravel() for image in padded])
    assert features.n_features(extract, (28, 28)) == 1764


SIZES = [((8, 8), (3, 3)), ((28, 20), (8, 6)), ((5, 33), (3, 10)), ((1, 1), (2, 2))]


@pytest.mark.parametrize(("shape", "cells"), SIZES)
def test_fine_hog_takes_images_of_any_size(shape, cells):
    images = np.random.default_rng(0).integers(0, 256, (3, *shape), np.uint8)
    found = features.EXTRACTORS["hog_fine"](images, OPTIONS)(images)
    assert found.shape == (3, (cells[0] - 1) * (cells[1] - 1) * 4 * 9)
    assert np.isfinite(found).all()


def test_several_extractors_stand_side_by_side_and_none_drowns_the_others():
    names = ["pixels", "hog", "hog_fine"]
    images = np.random.default_rng(0).integers(0, 256, (60, 28, 28), np.uint8)
    extractors = [features.EXTRACTORS[name](images, OPTIONS) for name in names]
    widths = [features.n_features(extract, (28, 28)) for extract in extractors]
    together = np.empty((60, sum(widths)), np.float32)
    features.fill([(extract, images) for extract in extractors], together)
    parts = np.split(together, np.cumsum(widths)[:-1], axis=1)
    for extract, part in zip(extractors, parts, strict=True):
        np.testing.assert_array_equal(part, np.round(extract(images), 6))
    before = feature_set.blocks(together, widths)
    assert [block.columns for block in before] == widths
    variances = [part.var(axis=0).sum() for part in parts]
    np.testing.assert_allclose([block.variance for block in before], variances, rtol=1e-4)
    features.balance(together, before)
    after = [block.variance for block in feature_set.blocks(together, widths)]
    np.testing.assert_allclose(after, 1, rtol=1e-4)


def test_features_that_are_all_the_same_stay_as_they_are():
    same = np.ones((4, 3), np.float32)
    features.balance(same, feature_set.blocks(same, [3]))
    np.testing.assert_array_equal(same, np.ones((4, 3)))


def test_the_names_of_one_extractor_or_of_several_are_a_list():
    assert features.names("hog") == ["hog"] and features.names(["hog", "pixels"]) == ["hog", "pixels"]
    assert set(schema.EXTRACTORS) == features.EXTRACTORS.keys()


def test_principal_components_keep_distances_and_are_learnt_from_the_pool_alone():
    images = np.random.default_rng(0).integers(0, 256, (50, 6, 6), np.uint8)
    extract = features.pixels(images, {})
    assert features.reduced(extract, images, 0) is extract
    all_of_them = features.reduced(extract, images, 100)(images)
    assert all_of_them.shape == (50, 36) and all_of_them.dtype == np.float32
    np.testing.assert_allclose(pdist(all_of_them), pdist(extract(images)), rtol=1e-4)
    few = features.reduced(extract, images, 5)
    np.testing.assert_allclose(few(images), all_of_them[:, :5], atol=1e-4)
    np.testing.assert_allclose(few(images[:3]), few(images)[:3], atol=1e-5)
    assert features.reduced(extract, images[:4], 30)(images).shape == (50, 4)


COLOURED = np.random.default_rng(1).integers(0, 256, (12, 28, 28, 3), np.uint8)


@pytest.mark.parametrize("name", [name for name in features.EXTRACTORS if name not in features.VECTORS])
def test_coloured_images_have_features_too(name):
    extract = features.EXTRACTORS[name](COLOURED, SMALL)
    found = extract(COLOURED)
    assert found.shape == (12, features.n_features(extract, (28, 28, 3)))
    assert found.dtype == np.float32
    # A channel counts: which one is not all the same.
    assert not np.array_equal(found, extract(COLOURED[..., [0, 0, 0]]))


def test_a_histogram_of_colours_is_the_share_of_each_in_each_part_rooted():
    options = {"colour_histogram": {"hue": 3, "saturation": 2, "value": 1, "grid": 2}}
    image = np.zeros((4, 4, 3), np.uint8)
    image[:2, :2] = [255, 0, 0]
    image[:2, 2:, 1] = 255
    image[:1, 2:] = [0, 0, 255]
    (found,) = features.colour_histogram(image[None], options)(image[None])
    # By hand: hues are thirds of the circle; black has neither hue nor saturation.
    red, green, blue, black = (1, 2 * 1 + 1, 2 * 2 + 1, 0)
    expected = np.zeros((4, 6), np.float32)
    expected[0, red] = expected[2, black] = expected[3, black] = 1
    expected[1, [green, blue]] = np.sqrt(0.5)
    np.testing.assert_allclose(found.reshape(4, 6), expected, atol=1e-6)
    grey = features.colour_histogram(IMAGES, options)(IMAGES)
    np.testing.assert_array_equal(grey, features.colour_histogram(IMAGES, options)(np.stack([IMAGES] * 3, axis=3)))


def test_vectors_have_length_one_and_what_is_nothing_stays_nothing():
    given = np.float16([[3, 4], [0, 0], [0, -2]])
    np.testing.assert_allclose(features.vectors(given, {})(given), [[0.6, 0.8], [0, 0], [0, -1]], atol=1e-6)


def test_vectors_without_a_number_below_zero_are_rooted_first():
    given = np.float16([[9, 16], [0, 0]])
    np.testing.assert_allclose(features.vectors(given, {})(given), [[0.6, 0.8], [0, 0]], atol=1e-6)
    # It is the pool that decides, so that one image alone is treated as all are.
    pool = np.float16([[9, 16], [-1, 0]])
    np.testing.assert_allclose(features.vectors(pool, {})(pool[:1]), [[9 / 337**0.5, 16 / 337**0.5]], atol=1e-6)


def test_vectors_stand_beside_what_is_extracted_from_images(tmp_path):
    vectors = np.random.default_rng(0).normal(size=(60, 7)).astype(np.float16)
    images = np.random.default_rng(0).integers(0, 256, (60, 28, 28), np.uint8)
    options = OPTIONS | {"extractor": ["onnx", "pixels"], "components": 3}
    widths = compute.features(options, images, images[:4], tmp_path, {"onnx": (vectors, vectors[:4])})
    assert widths == {"onnx": 3, "pixels": 3}
    pool, test = np.load(tmp_path / "pool.npy"), np.load(tmp_path / "test.npy")
    np.testing.assert_array_equal(pool[:4], test)
    alone = compute.features(
        options | {"extractor": "onnx"}, images, images[:4], tmp_path, {"onnx": (vectors, vectors[:4])}
    )
    assert alone == {"onnx": 3}
    # The same directions, but for the scale.
    directions = np.load(tmp_path / "pool.npy")
    scale = np.linalg.norm(directions) / np.linalg.norm(pool[:, :3])
    np.testing.assert_allclose(scale * pool[:, :3], directions, atol=1e-5)


@pytest.mark.parametrize("name", ["hog", "hog_fine", "hog_coarse"])
def test_hog_of_three_equal_channels_is_that_of_one(name):
    grey = features.EXTRACTORS[name](IMAGES, OPTIONS)(IMAGES)
    coloured = np.stack([IMAGES] * 3, axis=3)
    np.testing.assert_array_equal(features.EXTRACTORS[name](coloured, OPTIONS)(coloured), grey)


def test_coloured_fine_hog_is_opencvs_descriptor_of_the_padded_image():
    padded = np.pad(COLOURED, ((0, 0), (2, 2), (2, 2), (0, 0)))
    descriptor = cv2.HOGDescriptor(
        (32, 32), (8, 8), (4, 4), (4, 4), 9, 1, HOG["win_sigma"], 0, HOG["l2hys_threshold"], HOG["gamma_correction"],
        64, HOG["signed_gradients"],
    )  # fmt: skip
    options = OPTIONS | {"hog_fine": {"cell": 4, "padding": 2, "bins": 9}}
    found = features.EXTRACTORS["hog_fine"](COLOURED, options)(COLOURED)
    np.testing.assert_array_equal(found, [descriptor.compute(image).ravel() for image in padded])


def test_coloured_pixels_are_red_green_and_blue_in_reading_order():
    image = np.uint8([[[[0, 51, 102]], [[255, 0, 51]]]])
    np.testing.assert_array_equal(features.pixels(image, {})(image), np.float32([[0, 0.2, 0.4, 1, 0, 0.2]]))
