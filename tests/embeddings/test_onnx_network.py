"""Any ONNX file: what it is given, what it may give, and one sentence for each that will not do."""

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from small_networks import MEAN, STD, means, model

from selflabel.embeddings import compute
from selflabel.embeddings.onnx_network import OnnxNetwork, Preparation
from selflabel.embeddings.pictures import Pictures

IMAGES = np.random.default_rng(0).integers(0, 256, (5, 6, 4, 3), np.uint8)


def expected(images):
    """The means of the whole image in a square of 8 pixels, black around."""
    pictures = Pictures(images)
    squares = np.stack([pictures.square(row, size=8, crop=False) for row in range(len(images))])
    return ((squares / 255 - MEAN) / STD).mean(axis=(1, 2))


@pytest.mark.parametrize("layout", ["nchw", "nhwc"])
@pytest.mark.parametrize("batch", ["n", 1])
def test_images_are_fitted_scaled_and_laid_out_as_the_network_takes_them(layout, batch):
    network = OnnxNetwork(means(layout=layout, batch=batch), Preparation(8, MEAN, STD, layout=layout))
    target = np.empty((5, network.width), np.float16)
    compute.fill(network, Pictures(IMAGES), target)
    np.testing.assert_allclose(target, expected(IMAGES), atol=2e-3)
    assert network.batch == 1


def test_a_network_of_half_precision_will_do():
    network = OnnxNetwork(means(kind=TensorProto.FLOAT16), Preparation(8, MEAN, STD))
    np.testing.assert_allclose(network.embed(Pictures(IMAGES), [0]), expected(IMAGES[:1]), atol=2e-2)


def test_crop_takes_the_middle_and_fit_the_whole():
    wide = np.zeros((1, 4, 12, 3), np.uint8)
    wide[:, :, 4:8] = 255
    assert Pictures(wide).square(0, size=4, crop=True).min() == 255
    assert Pictures(wide).square(0, size=12, crop=False)[:4].max() == 0


def test_another_output_can_be_chosen():
    nodes = [
        helper.make_node("Identity", ["x"], ["whole"]),
        helper.make_node("GlobalAveragePool", ["x"], ["pooled"]),
    ]
    outputs = [
        helper.make_tensor_value_info("whole", TensorProto.FLOAT, ["n", 3, 8, 8]),
        helper.make_tensor_value_info("pooled", TensorProto.FLOAT, ["n", 3, 1, 1]),
    ]
    made = model(nodes, [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 3, 8, 8])], outputs)
    network = OnnxNetwork(made, Preparation(8, MEAN, STD), output="pooled")
    np.testing.assert_allclose(network.embed(Pictures(IMAGES), range(2)), expected(IMAGES[:2]), atol=1e-5)
    with pytest.raises(ValueError, match=r"whole of a.onnx must be a vector an image, got shape \(1, 3, 8, 8\)"):
        OnnxNetwork(made, Preparation(8, MEAN, STD), name="a.onnx")
    with pytest.raises(
        ValueError, match=r"features.onnx.output must be an output of a.onnx \(whole .*pooled .*got 'none'"
    ):
        OnnxNetwork(made, Preparation(8, MEAN, STD), output="none", name="a.onnx")


@pytest.mark.parametrize(
    ("made", "preparation", "words"),
    [
        (means(size=16), Preparation(8, MEAN, STD), r"nchw of 8 pixels.*got an input of shape \(any, 3, 16, 16\)"),
        (means(batch=4), Preparation(8, MEAN, STD), r"one or any number at once, got an input of shape \(4, 3, 8, 8\)"),
        (means(), Preparation(8, MEAN, STD, layout="nhwc"), r"nhwc of 8 pixels a side"),
        (b"no network", Preparation(8, MEAN, STD), "must be an ONNX file with all its parts"),
        (means(kind=TensorProto.INT64), Preparation(8, MEAN, STD), "must take one array of images, of floating-point"),
    ],
)  # fmt: skip
def test_a_network_that_will_not_do_is_refused_in_a_sentence(made, preparation, words):
    with pytest.raises(ValueError, match=words) as refused:
        OnnxNetwork(made, preparation, name="a.onnx")
    assert "\n" not in str(refused.value)


def test_a_network_whose_weights_lie_elsewhere_and_are_not_there_is_refused(tmp_path):
    weights = numpy_helper.from_array(np.ones((3, 3), np.float32), "w")
    nodes = [
        helper.make_node("ReduceMean", ["x"], ["m"], axes=[2, 3], keepdims=0),
        helper.make_node("MatMul", ["m", "w"], ["y"])
    ]  # fmt: skip
    made = onnx.load_from_string(
        model(
            nodes, [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 3, 8, 8])],
            [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["n", 3])], [weights],
        )
    )  # fmt: skip
    onnx.save_model(made, tmp_path / "a.onnx", save_as_external_data=True, location="a.data", size_threshold=0)
    OnnxNetwork(tmp_path / "a.onnx", Preparation(8, MEAN, STD))
    (tmp_path / "a.data").unlink()
    with pytest.raises(ValueError, match=r"a.onnx must be an ONNX file with all its parts.*External data"):
        OnnxNetwork(tmp_path / "a.onnx", Preparation(8, MEAN, STD))


def test_a_number_that_is_none_is_refused_with_its_image():
    nodes = [
        helper.make_node("ReduceMean", ["x"], ["m"], axes=[2, 3], keepdims=0), helper.make_node("Log", ["m"], ["y"])
    ]  # fmt: skip
    made = model(
        nodes, [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 3, 8, 8])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["n", 3])],
    )  # fmt: skip
    network = OnnxNetwork(made, Preparation(8, [0.0] * 3, [1.0] * 3))
    images = np.full((3, 8, 8, 3), 200, np.uint8)
    images[1] = 0
    with pytest.raises(ValueError, match=r"numbers of at most 65,504 in size, got another one for the image in row 1"):
        compute.fill(network, Pictures(images), np.empty((3, 3), np.float16))


def test_a_file_that_is_another_one_now_is_named(tmp_path):
    (tmp_path / "a.png").write_bytes(b"no image")
    network = OnnxNetwork(means(), Preparation(8, MEAN, STD))
    with pytest.raises(
        ValueError, match=r"a\.png must still be the image that it was, got another file \(not an image\)"
    ):
        compute.fill(network, Pictures(IMAGES[:1], [tmp_path / "a.png"]), np.empty((1, 3), np.float16))
