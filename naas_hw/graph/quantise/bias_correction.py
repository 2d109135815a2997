"""Bias correction: rounding moves the mean of a layer's sums, and the bias moves it back.

Both graphs are run layer by layer on calibration data. What the mean of each output channel lost
is added to the bias before the next layer is run, so that later layers see the corrected one.
"""

from collections.abc import Mapping, Sequence

import numpy as np

from naas_hw.graph.float_execution import run_operator
from naas_hw.graph.graph import Array, Graph, Operator
from naas_hw.graph.operators import WEIGHTED_KINDS
from naas_hw.graph.quantise.form import with_constants
from naas_hw.graph.quantise.weights import quantise_bias

Tensors = dict[str, list[Array]]


def bias_corrected(real: Graph, quantised: Graph, images: Sequence[Mapping[str, Array]]) -> Graph:
    """The quantised graph with other biases.

    Parameters
    ----------
    real : the float graph that `quantised` was made of; its operators have the same names.
    """
    wanted = {x.name: x for x in quantised.operators if x.kind in WEIGHTED_KINDS}
    exact = _BatchRun(real, images)
    rounded = _BatchRun(quantised, images)
    means = {}
    for operator in real.operators:
        exact.step(operator)
        if operator.name in wanted:
            means[operator.name] = _channel_means(operator, exact.tensors[operator.outputs[0]])
        exact.forget(operator)
    for operator in quantised.operators:
        rounded.step(operator)
        if operator.name in means:
            rounded.correct(operator, means[operator.name])
        rounded.forget(operator)
    return with_constants(quantised, rounded.changes)


def _channel_means(operator: Operator, results: list[Array]) -> Array:
    """The mean [K] of each output channel over all images."""
    axis = -1 if operator.kind == "linear" else 1
    means = [
        np.moveaxis(result, axis, 0).reshape(result.shape[axis], -1).mean(axis=1, dtype=np.float64)
        for result in results
    ]
    return np.asarray(np.mean(means, axis=0))


class _BatchRun:
    """A graph on several images at once, operator by operator.

    Members
    -------
    tensors : name -> its values for each image, as long as something reads them.
    changes : constant -> its corrected values.
    """

    def __init__(self, graph: Graph, images: Sequence[Mapping[str, Array]]) -> None:
        self._graph = graph
        self._num_images = len(images)
        self._producers = graph.producers
        self._readers = {name: len(users) for name, users in graph.consumers.items()}
        self.tensors: Tensors = {
            name: [np.asarray(image[name], graph.tensors[name].dtype) for image in images]
            for name in graph.inputs
        }
        self.changes: dict[str, Array] = {}

    def step(self, operator: Operator) -> None:
        """Run one operator."""
        output = operator.outputs[0]
        tensor = self._graph.tensors[output]
        self.tensors[output] = [
            run_operator(
                operator, [self._value(name, index) for name in operator.inputs], tensor.shape
            ).astype(tensor.dtype, copy=False)
            for index in range(self._num_images)
        ]

    def _value(self, name: str, index: int) -> Array | None:
        if not name:
            return None
        constant = self.changes.get(name, self._graph.constant(name))
        return self.tensors[name][index] if constant is None else constant

    def forget(self, operator: Operator) -> None:
        """Free what nothing reads any more."""
        for name in dict.fromkeys(operator.inputs):
            if name in self._readers:
                self._readers[name] -= 1
                if self._readers[name] == 0:
                    self.tensors.pop(name, None)

    def correct(self, layer: Operator, wanted: Array) -> None:
        """Move the bias of a layer such that the means of its channels are those wanted."""
        if len(layer.inputs) < 3 or not layer.inputs[2]:
            return
        source = self._producers[layer.inputs[2]]
        results = self.tensors[layer.outputs[0]]
        missing = wanted - _channel_means(layer, results)
        scale = np.asarray(source.attributes["scale"], np.float32)
        (name,) = source.inputs
        before = self._graph.tensors[name].values
        assert before is not None
        move = quantise_bias(missing, scale)
        limits = np.iinfo(np.int32)
        moved = np.clip(before.astype(np.int64) + move, limits.min, limits.max)
        self.changes[name] = moved.astype(np.int32)
        shape = [-1] if layer.kind == "linear" else [-1, 1, 1]
        added = (move * scale).astype(np.float32).reshape(shape)
        self.tensors[layer.outputs[0]] = [result + added for result in results]
