"""Features: grey levels as they are, and HOG as OpenCV computes it."""

import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
import yaml

from selflabel import features

ROOT = Path(__file__).parent.parent
HOG = yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8"))["features"]["hog"]
IMAGES = np.random.default_rng(0).integers(0, 256, (5, 28, 28), np.uint8)


def test_pixels_are_the_grey_levels_from_0_to_1_in_reading_order():
    image = np.uint8([[[0, 51], [102, 255]]])
    extracted = features.pixels((2, 2), {})(image)
    np.testing.assert_array_equal(extracted, np.float32([[0, 0.2, 0.4, 1]]))
    assert extracted.dtype == np.float32


def test_the_committed_hog_has_324_features_for_an_image_of_fashion_mnist():
    extract = features.hog((28, 28), HOG)
    assert extract(IMAGES).shape == (5, 324)
    assert features.n_features(extract, (28, 28)) == 324


def test_hog_is_the_descriptor_of_opencv_with_each_option_in_its_place():
    # Every value differs from OpenCV's default where OpenCV allows another one.
    options = HOG | {
        "window": 24, "block": 12, "stride": 6, "cell": 3, "bins": 7, "win_sigma": 2.5, "l2hys_threshold": 0.3,
        "gamma_correction": True, "levels": 3, "signed_gradients": True,
    }  # fmt: skip
    images = IMAGES[:, :24, :24].copy()
    descriptor = cv2.HOGDescriptor(
        _winSize=(24, 24), _blockSize=(12, 12), _blockStride=(6, 6), _cellSize=(3, 3), _nbins=7, _winSigma=2.5,
        _L2HysThreshold=0.3, _gammaCorrection=True, _nlevels=3, _signedGradient=True,
    )  # fmt: skip
    extracted = features.hog((24, 24), options)(images)
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
    before, after = features.hog((28, 28), base)(IMAGES), features.hog((28, 28), base | {option: value})(IMAGES)
    assert not np.array_equal(before, after)


def test_the_clipping_threshold_reaches_opencv():
    # OpenCV keeps the first one it sees for as long as the process lives.
    script = (
        "import sys, numpy, yaml; from selflabel import features; options = yaml.safe_load(sys.argv[1]); "
        "images = numpy.random.default_rng(0).integers(0, 256, (1, 28, 28), numpy.uint8); "
        "print(features.hog((28, 28), options)(images).max())"
    )
    largest = [
        float(subprocess.check_output([sys.executable, "-c", script, yaml.safe_dump(options)], cwd=ROOT))
        for options in (HOG, HOG | {"l2hys_threshold": 0.05})
    ]
    # Where every value is clipped, the 36 of a block are equal: 1/6.
    assert largest[0] > largest[1] == pytest.approx(1 / 6, rel=0.01)


@pytest.mark.parametrize("name", features.EXTRACTORS)
def test_an_image_has_the_same_features_alone_and_among_others(name):
    extract = features.EXTRACTORS[name]((28, 28), HOG)
    whole = extract(IMAGES)
    assert whole.dtype == np.float32
    for row in range(len(IMAGES)):
        np.testing.assert_array_equal(extract(IMAGES[row : row + 1]), whole[row : row + 1])
    assert features.n_features(extract, (28, 28)) == whole.shape[1]


@pytest.mark.parametrize("name", features.EXTRACTORS)
def test_images_that_may_not_be_written_to_have_features_too(name):
    images = IMAGES.copy()
    images.setflags(write=False)
    extract = features.EXTRACTORS[name]((28, 28), HOG)
    np.testing.assert_array_equal(extract(images), extract(IMAGES))


@pytest.mark.parametrize("shape", [(14, 14), (28, 32), (32, 28), (28, 28, 3)])
def test_a_window_that_is_not_the_image_is_refused(shape):
    with pytest.raises(ValueError) as error:
        features.hog(shape, HOG)
    assert str(error.value) == f"features.hog.window must be the size of the images, {shape}, got 28"
