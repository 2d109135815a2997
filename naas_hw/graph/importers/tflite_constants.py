"""Operators of a TFLite file that compute constants: sizes, mostly, which the file fixes."""

from collections.abc import Callable
from typing import Final

import numpy as np

from naas_hw.graph.graph import Array
from naas_hw.graph.importers.tflite_graph import TfliteGraph
from naas_hw.graph.importers.tflite_operators.parts import strided_parts
from naas_hw.graph.importers.tflite_tables import TfliteOperator

Arrays = list[Array]


def fold_constant(graph: TfliteGraph, operator: TfliteOperator) -> bool:
    """Compute the output of an operator from constants alone; says whether that was possible."""
    if operator.kind == "SHAPE":
        shape = graph.tensor(operator.inputs[0]).shape
        graph.set_constant(operator.outputs[0], np.array(shape))
        return True
    function = _FUNCTIONS.get(operator.kind)
    values = [graph.constant(number) for number in operator.inputs]
    arrays = [value for value in values if value is not None]
    quantised = any(graph.tensor(number).is_quantised for number in operator.outputs)
    if function is None or quantised or len(arrays) != len(values) or not arrays:
        return False
    graph.set_constant(operator.outputs[0], function(graph, operator, arrays))
    return True


def _strided_slice(graph: TfliteGraph, operator: TfliteOperator, x: Arrays) -> Array:
    return np.asarray(x[0][tuple(strided_parts(graph, operator, x[0].ndim))])


def _slice(_graph: TfliteGraph, _operator: TfliteOperator, x: Arrays) -> Array:
    parts = [
        slice(int(start), None if size < 0 else int(start + size))
        for start, size in zip(x[1].reshape(-1), x[2].reshape(-1), strict=True)
    ]
    return x[0][tuple(parts)]


def _pack(_graph: TfliteGraph, operator: TfliteOperator, x: Arrays) -> Array:
    return np.stack(x, axis=int(operator.options.get("Axis", 0)))


def _concatenation(_graph: TfliteGraph, operator: TfliteOperator, x: Arrays) -> Array:
    return np.concatenate(x, axis=int(operator.options.get("Axis", 0)))


def _gather(_graph: TfliteGraph, operator: TfliteOperator, x: Arrays) -> Array:
    return np.take(x[0], x[1], axis=int(operator.options.get("Axis", 0)))


def _product(_graph: TfliteGraph, _operator: TfliteOperator, x: Arrays) -> Array:
    return np.asarray(np.prod(x[0], axis=tuple(int(axis) for axis in x[1].reshape(-1))))


def _same(_graph: TfliteGraph, _operator: TfliteOperator, x: Arrays) -> Array:
    return x[0]


_FUNCTIONS: Final[dict[str, Callable[[TfliteGraph, TfliteOperator, Arrays], Array]]] = {
    "STRIDED_SLICE": _strided_slice,
    "SLICE": _slice,
    "PACK": _pack,
    "CONCATENATION": _concatenation,
    "GATHER": _gather,
    "REDUCE_PROD": _product,
    "ADD": lambda _g, _o, x: np.asarray(x[0] + x[1]),
    "SUB": lambda _g, _o, x: np.asarray(x[0] - x[1]),
    "MUL": lambda _g, _o, x: np.asarray(x[0] * x[1]),
    "RESHAPE": _same,
    "SQUEEZE": _same,
    "EXPAND_DIMS": _same,
    "CAST": _same,
    "DEQUANTIZE": _same,
}
"""Kind of the file -> its output."""
