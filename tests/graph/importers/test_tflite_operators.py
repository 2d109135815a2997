"""Operators of TFLite files whose shapes, options or inputs are wrong, and chains of sizes."""

import numpy as np
import pytest
from tflite_models import OperatorOfFile, TensorOfFile, file_content

from naas_hw.core.errors import InputError
from naas_hw.graph.importers.tflite_file import tflite_graph


def activation(name, *shape, dtype="int8"):
    scales = (0.1,) if dtype != "int32" else ()
    return TensorOfFile(name=name, shape=shape, dtype=dtype, scales=scales)


def sizes(name, values, known=True):
    return TensorOfFile(
        name=name, shape=np.shape(values), dtype="int32", values=values if known else None
    )


def graph_of(tensors, operators, inputs=("x",), outputs=("y",)):
    return tflite_graph(file_content(tensors, operators, inputs, outputs), "a.tflite", "a")


def pool(**fields):
    given = {"padding": 1, "strideH": 2, "strideW": 2, "filterHeight": 2, "filterWidth": 2}
    return OperatorOfFile(
        kind="MAX_POOL_2D",
        inputs=("x",),
        outputs=("y",),
        options="Pool2DOptions",
        fields=given | fields,
    )


@pytest.mark.parametrize(
    ("fields", "shape", "message"),
    [
        ({}, (1, 3, 4, 3), r"an output must be \[1, 3, 4, 4\], not \[1, 3, 3, 4\]"),
        ({"strideH": 0}, (1, 4, 4, 3), "must have strides, dilations and kernels of at least 1"),
        ({"fusedActivationFunction": 5}, (1, 4, 4, 3), "a fused activation 0 to 4, not 5"),
    ],
)
def test_init_wrong_pool(fields, shape, message):
    tensors = [activation("x", 1, 8, 8, 3), activation("y", *shape)]
    with pytest.raises(InputError, match=message):
        graph_of(tensors, [pool(**fields)])


def test_init_wrong_missing_options():
    tensors = [activation("x", 1, 8, 8, 3), activation("y", 1, 4, 4, 3)]
    operator = OperatorOfFile(kind="MAX_POOL_2D", inputs=("x",), outputs=("y",))
    with pytest.raises(InputError, match="MAX_POOL_2D_0 of a.tflite must have the option Filter"):
        graph_of(tensors, [operator])


def test_init_wrong_computed_weights():
    tensors = [activation("x", 1, 8), activation("w", 3, 8), activation("y", 1, 3)]
    operator = OperatorOfFile(kind="FULLY_CONNECTED", inputs=("x", "w"), outputs=("y",))
    with pytest.raises(InputError, match="input 1 of FULLY_CONNECTED_0 .* must be a constant"):
        graph_of(tensors, [operator], ("x", "w"))


def test_init_wrong_order_of_operators():
    tensors = [activation("x", 1, 8), activation("a", 1, 8), activation("y", 1, 8)]
    operator = OperatorOfFile(kind="ADD", inputs=("x", "a"), outputs=("y",))
    with pytest.raises(InputError, match="tensor 'a' of a.tflite must be made before it is read"):
        graph_of(tensors, [operator])


@pytest.mark.parametrize("dtype", ["int16", "int4"])
def test_init_wrong_type(dtype, monkeypatch):
    import tflite_models

    monkeypatch.setitem(tflite_models.TYPES, dtype, {"int16": 7, "int4": 17}[dtype])
    tensors = [
        TensorOfFile(name="x", shape=(1, 8), dtype=dtype, scales=(0.1,)),
        activation("y", 1, 8),
    ]
    operator = OperatorOfFile(kind="RELU", inputs=("x",), outputs=("y",))
    with pytest.raises(InputError, match=f"must be int8, uint8, int32 or float, not {dtype}"):
        graph_of(tensors, [operator])


def test_a_chain_of_sizes_is_computed():
    """The batch of x, then all its numbers: what a flatten with an open batch becomes."""
    tensors = [
        activation("x", 1, 2, 3, 4),
        sizes("shape", [1, 2, 3, 4], known=False),
        sizes("zero", [0]),
        sizes("one", [1]),
        sizes("step", [1]),
        TensorOfFile(name="batch", shape=(), dtype="int32"),
        TensorOfFile(name="rest", shape=(), dtype="int32", values=24),
        sizes("wanted", [1, 24], known=False),
        activation("y", 1, 24),
    ]
    operators = [
        OperatorOfFile(kind="SHAPE", inputs=("x",), outputs=("shape",)),
        OperatorOfFile(
            kind="STRIDED_SLICE",
            inputs=("shape", "zero", "one", "step"),
            outputs=("batch",),
            options="StridedSliceOptions",
            fields={"shrinkAxisMask": 1},
        ),
        OperatorOfFile(
            kind="PACK",
            inputs=("batch", "rest"),
            outputs=("wanted",),
            options="PackOptions",
            fields={"valuesCount": 2},
        ),
        OperatorOfFile(kind="RESHAPE", inputs=("x", "wanted"), outputs=("y",)),
    ]
    graph = graph_of(tensors, operators)
    kinds = [operator.kind for operator in graph.operators]
    assert kinds == ["transpose", "dequantize", "transpose", "reshape", "quantize"]


def test_tensors_of_one_shape_are_packed():
    tensors = [activation("x", 1, 8), activation("y", 1, 2, 8)]
    operator = OperatorOfFile(
        kind="PACK",
        inputs=("x", "x"),
        outputs=("y",),
        options="PackOptions",
        fields={"valuesCount": 2, "axis": 1},
    )
    graph = graph_of(tensors, [operator])
    (joined,) = [one for one in graph.operators if one.kind == "concat"]
    assert joined.attributes == {"axis": 1}
    assert graph.tensors[joined.inputs[0]].shape == (1, 1, 8)


def test_an_unknown_operator_keeps_its_name():
    tensors = [activation("x", 1, 8), activation("y", 1, 8)]
    operator = OperatorOfFile(kind="L2_NORMALIZATION", inputs=("x",), outputs=("y",))
    kinds = [operator.kind for operator in graph_of(tensors, [operator]).operators]
    assert kinds == ["dequantize", "l2_normalization", "quantize"]
