"""The `light_*.onnx` files of the package `onnx`, for small images and with values of their own.

The files state the structure of nine well-known networks for images of 224 x 224; each of their
tensors of weights is one number, repeated. Here weights are drawn, and what the files state about
sizes (targets of reshapes, kernels that cover the whole image, columns of the first linear layer)
follows from the smaller image.
"""

from math import prod
from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper, numpy_helper

LIGHT = Path(onnx.__file__).parent / "backend" / "test" / "data" / "light"

LIGHT_SIZES = {
    "bvlc_alexnet": 64,
    "densenet121": 32,
    "inception_v1": 64,
    "inception_v2": 32,
    "resnet50": 32,
    "shufflenet": 32,
    "squeezenet": 64,
    "vgg19": 32,
    "zfnet512": 64,
}
"""Name of a file without `light_` -> rows and columns of an image that is large enough."""

_FILE_SIZE = 224
_WHOLE_IMAGE = 7
"""Rows and columns of kernels that cover the whole image."""

Attributes = dict[str, list[int]]


def light_network(name: str, seed: int = 0) -> onnx.ModelProto:
    """One of the networks, small, with drawn values."""
    model = onnx.load(str(LIGHT / f"light_{name}.onnx"))
    size = LIGHT_SIZES[name]
    (image,) = [one for one in model.graph.input if len(one.type.tensor_type.shape.dim) == 4]
    for axis in (2, 3):
        image.type.tensor_type.shape.dim[axis].dim_value = size
    arrays = {one.name: numpy_helper.to_array(one).copy() for one in model.graph.initializer}
    del model.graph.value_info[:]
    _resize_orders(model, arrays, size)
    _resize_heads(model, arrays)
    _draw(model, arrays, np.random.default_rng(seed))
    return model


def _resize_orders(model: onnx.ModelProto, arrays: dict[str, NDArray], size: int) -> None:
    """Reshapes of images, as those of shuffled channels."""
    for node in model.graph.node:
        if node.op_type == "Reshape" and (target := arrays[node.input[1]]).size > 2:
            target[-2:] = target[-2:] * size // _FILE_SIZE
    _store(model, arrays)


def _resize_heads(model: onnx.ModelProto, arrays: dict[str, NDArray]) -> None:
    """Pools over the whole image, and the first linear layer."""
    for node in model.graph.node:
        if node.op_type == "AveragePool":
            shape, attributes = _shape_of(model, node.input[0]), _attributes(node)
            if attributes["kernel_shape"] == [_WHOLE_IMAGE] * 2:
                pads = attributes.get("pads", [0, 0, 0, 0])
                attributes["kernel_shape"] = [shape[2 + i] + pads[i] + pads[2 + i] for i in (0, 1)]
                del node.attribute[:]
                node.attribute.extend(helper.make_attribute(*one) for one in attributes.items())
    makers = {name: node for node in model.graph.node for name in node.output}
    for node in model.graph.node:
        source = makers.get(node.input[0]) if node.input else None
        if node.op_type == "Gemm" and source is not None and source.op_type == "Reshape":
            columns = prod(_shape_of(model, source.input[0]))
            arrays[source.input[1]][:] = (1, columns)
            weights = makers[node.input[1]]
            while weights.op_type != "ConstantOfShape":
                arrays[weights.input[1]][1] = columns
                weights = makers[weights.input[0]]
            arrays[weights.input[0]][-1] = columns
    _store(model, arrays)


def _draw(model: onnx.ModelProto, arrays: dict[str, NDArray], random: np.random.Generator) -> None:
    """Numbers for all weights, offsets and factors."""
    nodes = [node for node in model.graph.node if node.op_type == "ConstantOfShape"]
    drawn = {node.output[0]: tuple(arrays.pop(node.input[0])) for node in nodes}
    drawn |= {name: one.shape for name, one in arrays.items() if one.dtype.kind == "f"}
    for name, shape in drawn.items():
        if len(shape) > 1:
            values = random.standard_normal(shape) * (2 / prod(shape[1:])) ** 0.5
        else:
            values = random.uniform(0.5, 1.5, shape)
        arrays[name] = values.astype(np.float32)
    others = [node for node in model.graph.node if node.op_type != "ConstantOfShape"]
    del model.graph.node[:]
    model.graph.node.extend(others)
    (image,) = [one for one in model.graph.input if one.name not in drawn and _rank(one) == 4]
    del model.graph.input[:]
    model.graph.input.append(image)
    _store(model, arrays)


def _rank(value: onnx.ValueInfoProto) -> int:
    return len(value.type.tensor_type.shape.dim)


def _store(model: onnx.ModelProto, arrays: dict[str, NDArray]) -> None:
    del model.graph.initializer[:]
    model.graph.initializer.extend(
        numpy_helper.from_array(values, name) for name, values in arrays.items()
    )


def _shape_of(model: onnx.ModelProto, name: str) -> list[int]:
    graph = onnx.shape_inference.infer_shapes(model, data_prop=True).graph
    (value,) = [one for one in graph.value_info if one.name == name]
    return [size.dim_value for size in value.type.tensor_type.shape.dim]


def _attributes(node: onnx.NodeProto) -> Attributes:
    return {one.name: list(one.ints) for one in node.attribute}
