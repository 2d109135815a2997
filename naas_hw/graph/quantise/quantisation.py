"""Post-training quantisation: a float graph and calibration data give a graph in int8."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from naas_hw.core.errors import InputError
from naas_hw.graph.float_execution import run_floats
from naas_hw.graph.fold.folding import folded
from naas_hw.graph.graph import Array, Graph, GraphTensor, Operator
from naas_hw.graph.operators import WEIGHTED_KINDS
from naas_hw.graph.quantise.bias_correction import bias_corrected
from naas_hw.graph.quantise.equalisation import equalised
from naas_hw.graph.quantise.form import TensorScale, with_quantisation
from naas_hw.graph.quantise.observation import (
    merged,
    observe,
    range_of,
    scale_and_zero_point,
)
from naas_hw.graph.quantise.places import groups_of_scales, int8_tensors
from naas_hw.graph.quantise.settings import QuantiseSettings
from naas_hw.graph.quantise.weights import LARGEST_WEIGHT

Image = Mapping[str, Array]
"""Values of the model's inputs, by name."""

MAX_MEASURED: Final = 8
"""Images with which variants are compared and biases are corrected."""


_STEPS: Final = 255
_MARGIN: Final = 1 + 2.0**-16
"""So that rounding to float32 leaves the step of a result larger than that of its sums."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Quantised:
    """A model before and after.

    Parameters
    ----------
    real : the float graph, folded.
    graph : with quantize and dequantize operators.
    error : mean squared difference of the outputs, relative to their mean square.
    equalised, bias_corrected : whether these made the error smaller and were kept.
    """

    real: Graph
    graph: Graph
    error: float
    equalised: bool = False
    bias_corrected: bool = False


def quantise(
    graph: Graph, images: Sequence[Image], settings: QuantiseSettings | None = None
) -> Graph:
    """A float graph with quantize and dequantize operators; see `quantise_measured`."""
    return quantise_measured(graph, images, settings).graph


def quantise_measured(
    graph: Graph, images: Sequence[Image], settings: QuantiseSettings | None = None
) -> Quantised:
    """A float graph as one in int8, with the error that this makes on calibration data.

    Weights are symmetric with a scale for each output channel, activations have a scale and a zero
    point a tensor, biases are int32.

    Parameters
    ----------
    images : calibration data, at least one.

    Raises
    ------
    InputError : the graph is quantised already, has nothing to quantise, or a number in it or in
        the data is infinite or not a number.
    """
    settings = settings or QuantiseSettings()
    _check(graph, images)
    real = _with_biases(folded(graph))
    measured = images[:MAX_MEASURED]
    wanted = [run_floats(real, image, wanted=real.outputs) for image in measured]
    best = _variant(real, images, settings, wanted)
    if settings.equalise and (other := equalised(real)) is not real:
        trial = _variant(other, images, settings, wanted)
        if trial.error < best.error:
            best = replace(trial, equalised=True)
    if settings.correct_bias:
        corrected = bias_corrected(best.real, best.graph, measured)
        error = _error(corrected, measured, wanted)
        if error < best.error:
            best = replace(best, graph=corrected, error=error, bias_corrected=True)
    return best


def _check(graph: Graph, images: Sequence[Image]) -> None:
    if any(operator.kind == "quantize" for operator in graph.operators):
        raise InputError(f"{graph.name} must be a float model, not one that is quantised already")
    if not images:
        raise InputError("calibration data must have at least one image, not none")
    for name, tensor in graph.tensors.items():
        values = tensor.values
        if values is not None and values.dtype.kind == "f" and not np.all(np.isfinite(values)):
            raise InputError(f"{name} of {graph.name} must be finite, not NaN or infinite")


def _with_biases(graph: Graph) -> Graph:
    """The graph whose layers all have a bias, so that it can be corrected."""
    tensors = dict(graph.tensors)
    operators: list[Operator] = []
    for operator in graph.operators:
        is_layer = operator.kind in WEIGHTED_KINDS
        if is_layer and (len(operator.inputs) < 3 or not operator.inputs[2]):
            axis = 1 if operator.kind != "linear" else -1
            count = graph.tensors[operator.outputs[0]].shape[axis]
            name = f"{operator.name}/no_bias"
            tensors[name] = GraphTensor(
                name=name,
                shape=(count,),
                dtype=np.dtype(np.float32),
                values=np.zeros(count, np.float32),
            )
            operator = replace(operator, inputs=(*operator.inputs[:2], name))
        operators.append(operator)
    return replace(graph, operators=tuple(operators), tensors=tensors)


def _variant(
    real: Graph, images: Sequence[Image], settings: QuantiseSettings, wanted: Sequence[Image]
) -> Quantised:
    """One way to quantise, and its error."""
    graph = with_quantisation(real, scales_of(real, images, settings))
    return Quantised(real=real, graph=graph, error=_error(graph, images[:MAX_MEASURED], wanted))


def scales_of(
    graph: Graph, images: Sequence[Image], settings: QuantiseSettings
) -> dict[str, TensorScale]:
    """TensorScale and zero point of each tensor that becomes int8.

    Raises
    ------
    InputError : there is no such tensor, or its numbers are not finite on the data.
    """
    names = int8_tensors(graph)
    if not names:
        raise InputError(f"{graph.name} has no operator that the accelerator runs")
    seen = observe(graph, images, names, finite_only=settings.finite_only)
    for name in names:
        if not np.isfinite([seen[name].low, seen[name].high]).all():
            raise InputError(f"{name!r} must be finite on calibration data, not NaN or infinite")
    leaders = groups_of_scales(graph, names, seen)
    members: dict[str, list[str]] = {leader: [] for leader in leaders.values()}
    for name in names:
        members[leaders[name]].append(name)
    ranges = {
        leader: range_of(merged(seen[name] for name in group), settings)
        for leader, group in members.items()
    }
    for operator in graph.operators:
        _widen(graph, operator, leaders, ranges)
    scales = {}
    for name in names:
        scale, zero_point = scale_and_zero_point(*ranges[leaders[name]])
        scales[name] = TensorScale(scale=scale, zero_point=zero_point)
    return scales


def _widen(
    graph: Graph,
    layer: Operator,
    leaders: Mapping[str, str],
    ranges: dict[str, tuple[float, float]],
) -> None:
    """Widen the range of a layer's results whose step is smaller than that of its sums.

    Such a layer would have to multiply its sums by more than 1, which the hardware does not.
    """
    source, output = layer.inputs[0], layer.outputs[0]
    if layer.kind not in WEIGHTED_KINDS or source not in leaders:
        return
    weights = graph.constant(layer.inputs[1])
    if weights is None:
        return
    if output not in leaders:  # a bound that belongs to the layer stands between
        output = graph.consumers[output][0].outputs[0]
    if output not in leaders:
        return
    step_of_input = scale_and_zero_point(*ranges[leaders[source]])[0]
    least = _STEPS * step_of_input * float(np.abs(weights).max()) / LARGEST_WEIGHT * _MARGIN
    low, high = ranges[leaders[output]]
    if 0 < high - low < least:
        factor = least / (high - low)
        ranges[leaders[output]] = (low * factor, high * factor)


def _error(graph: Graph, images: Sequence[Image], wanted: Sequence[Image]) -> float:
    """Mean squared difference of the outputs that are finite, relative to their mean square."""
    difference = total = 0.0
    for image, expected in zip(images, wanted, strict=True):
        found = run_floats(graph, image, wanted=graph.outputs)
        for name in graph.outputs:
            if expected[name].dtype.kind != "f":
                continue
            is_finite = np.isfinite(expected[name])
            exact = expected[name][is_finite].astype(np.float64)
            difference += float(np.square(found[name][is_finite] - exact).sum())
            total += float(np.square(exact).sum())
    return difference / total if total else difference
