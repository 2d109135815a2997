"""The share of values whose largest output is that of their class."""

from collections.abc import Callable, Mapping

import numpy as np

from naas_hw.core.errors import InputError
from naas_hw.graph.float_execution import run_floats
from naas_hw.graph.fold.folding import folded
from naas_hw.graph.graph import Array, Graph
from naas_hw.graph.integer_execution import model_values, run_integers
from naas_hw.graph.integer_form import quantised_graph
from naas_hw.graph.quantise.data import CalibrationData

Runner = Callable[[Mapping[str, Array]], Array]
"""From the values of a model's inputs to its first output."""


def float_runner(graph: Graph) -> Runner:
    """A float model."""
    output = graph.outputs[0]
    return lambda image: run_floats(graph, image, wanted=[output])[output]


def integer_runner(graph: Graph) -> Runner:
    """A quantised model, executed in integers; one that takes bytes is given them as they are."""
    integers = quantised_graph(folded(graph))
    output = integers.outputs[0]

    def run(image: Mapping[str, Array]) -> Array:
        given = {
            name: _given(values, integers.tensors[name].graph_dtype)
            for name, values in image.items()
        }
        return model_values(integers.tensors[output], run_integers(integers, given)[output])

    return run


def _given(values: Array, dtype: str) -> Array:
    """Numbers of a model's input: real ones, unless both data and model have integers."""
    if values.dtype.kind in "iu" and np.dtype(dtype).kind in "iu":
        return values
    return values.astype(np.float32)


def accuracy(run: Runner, data: CalibrationData) -> float:
    """The share of labelled values that a model classifies rightly.

    Raises
    ------
    InputError : the data has no labels, or one that the model does not have.
    """
    if data.labels is None:
        raise InputError("labels.npy must be in the folder of the data to measure an accuracy")
    right = 0
    for image, label in zip(data.images, data.labels, strict=True):
        scores = run(image).reshape(-1)
        if not 0 <= label < scores.size:
            raise InputError(f"labels must be 0 to {scores.size - 1}, not {label}")
        right += int(scores.argmax() == label)
    return right / len(data.images)
