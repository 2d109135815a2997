"""The small CNN that naas and NNgen read, as a float ONNX file with seeded weights."""

from typing import Any, Final

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

OPSET: Final = 11
IR_VERSION: Final = 7
"""Versions that NNgen of 2023 reads."""


def small_cnn(seed: int) -> bytes:
    """3x16x16 -> conv 3x3 (8) -> ReLU -> max pool 2 -> conv 3x3 (16) -> ReLU -> linear (10)."""
    rng = np.random.default_rng(seed)
    shapes = {
        "w0": (8, 3, 3, 3),
        "b0": (8,),
        "w1": (16, 8, 3, 3),
        "b1": (16,),
        "w2": (10, 16 * 8 * 8),
        "b2": (10,),
    }
    weights = [_weight(rng, name, shape) for name, shape in shapes.items()]
    padded: dict[str, Any] = {"kernel_shape": [3, 3], "pads": [1, 1, 1, 1], "strides": [1, 1]}
    nodes = [
        helper.make_node("Conv", ["act", "w0", "b0"], ["c0"], **padded),
        helper.make_node("Relu", ["c0"], ["r0"]),
        helper.make_node("MaxPool", ["r0"], ["p0"], kernel_shape=[2, 2], strides=[2, 2]),
        helper.make_node("Conv", ["p0", "w1", "b1"], ["c1"], **padded),
        helper.make_node("Relu", ["c1"], ["r1"]),
        helper.make_node("Flatten", ["r1"], ["flat"], axis=1),
        helper.make_node("Gemm", ["flat", "w2", "b2"], ["out"], transB=1),
    ]
    graph = helper.make_graph(
        nodes,
        "small_cnn",
        [helper.make_tensor_value_info("act", TensorProto.FLOAT, [1, 3, 16, 16])],
        [helper.make_tensor_value_info("out", TensorProto.FLOAT, [1, 10])],
        weights,
    )
    opsets = [helper.make_opsetid("", OPSET)]
    model = helper.make_model(graph, opset_imports=opsets, ir_version=IR_VERSION)
    onnx.checker.check_model(model)
    return model.SerializeToString()


def _weight(rng: np.random.Generator, name: str, shape: tuple[int, ...]) -> TensorProto:
    fan_in = int(np.prod(shape[1:])) or 1
    values = rng.normal(0.0, fan_in**-0.5, shape).astype(np.float32)
    return numpy_helper.from_array(values, name)
