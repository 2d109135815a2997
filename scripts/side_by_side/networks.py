"""The small networks that naas and NNgen read, as float ONNX files with seeded weights."""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any, Final

import numpy as np
import onnx
from onnx import NodeProto, TensorProto, helper, numpy_helper

from side_by_side.workloads import CNN, MLP

OPSET: Final = 11
IR_VERSION: Final = 7
"""Versions that NNgen of 2023 reads."""


def network_file(name: str, seed: int) -> bytes:
    """The ONNX file of a network."""
    return {CNN: _small_cnn, MLP: _small_mlp}[name](seed)


def _small_cnn(seed: int) -> bytes:
    """3x16x16 -> conv 3x3 (8) -> ReLU -> max pool 2 -> conv 3x3 (16) -> ReLU -> linear (10)."""
    shapes = {
        "w0": (8, 3, 3, 3),
        "b0": (8,),
        "w1": (16, 8, 3, 3),
        "b1": (16,),
        "w2": (10, 16 * 8 * 8),
        "b2": (10,),
    }
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
    return _model("small_cnn", nodes, (1, 3, 16, 16), shapes, seed)


def _small_mlp(seed: int) -> bytes:
    """1x16x16 -> linear (64) -> ReLU -> linear (64) -> ReLU -> linear (10).

    It begins with a flattening, since NNgen reads no linear layer that is the first node.
    """
    sizes = (256, 64, 64, 10)
    shapes: dict[str, tuple[int, ...]] = {}
    nodes, at = [helper.make_node("Flatten", ["act"], ["flat"], axis=1)], "flat"
    for number, (inputs, outputs) in enumerate(pairwise(sizes)):
        weight, bias, is_last = f"w{number}", f"b{number}", number == len(sizes) - 2
        shapes |= {weight: (outputs, inputs), bias: (outputs,)}
        sums = "out" if is_last else f"g{number}"
        nodes.append(helper.make_node("Gemm", [at, weight, bias], [sums], transB=1))
        if not is_last:
            at = f"r{number}"
            nodes.append(helper.make_node("Relu", [sums], [at]))
    return _model("small_mlp", nodes, (1, 1, 16, 16), shapes, seed)


def _model(
    name: str,
    nodes: Sequence[NodeProto],
    input_shape: Sequence[int],
    shapes: Mapping[str, tuple[int, ...]],
    seed: int,
) -> bytes:
    """A model of ten outputs, whose weights and biases have these shapes."""
    rng = np.random.default_rng(seed)
    weights = [_weight(rng, each, shape) for each, shape in shapes.items()]
    graph = helper.make_graph(
        nodes,
        name,
        [helper.make_tensor_value_info("act", TensorProto.FLOAT, input_shape)],
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
