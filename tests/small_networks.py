"""Networks of a few numbers as ONNX files."""

from onnx import TensorProto, helper

MEAN, STD = [0.5, 0.4, 0.3], [0.2, 0.3, 0.4]


def means(*, layout="nchw", batch="n", size=8, kind=TensorProto.FLOAT, width=3):
    """A network that gives the mean of each channel, (N, width)."""
    shape = [batch, 3, size, size] if layout == "nchw" else [batch, size, size, 3]
    axes = [2, 3] if layout == "nchw" else [1, 2]
    nodes = [helper.make_node("ReduceMean", ["x"], ["y"], axes=axes, keepdims=0)]
    outputs = [helper.make_tensor_value_info("y", kind, [batch, width])]
    return model(nodes, [helper.make_tensor_value_info("x", kind, shape)], outputs)


def model(nodes, inputs, outputs, constants=()):
    made = helper.make_model(
        helper.make_graph(nodes, "test", inputs, outputs, list(constants)), opset_imports=[helper.make_opsetid("", 13)]
    )
    made.ir_version = 8
    return made.SerializeToString()
