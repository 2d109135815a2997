"""Convolutions as layers: dense, depthwise, grouped, transposed; linear ones are dense."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from math import gcd
from typing import Final

import numpy as np
from numpy.typing import NDArray

from naas_hw.compiler.lowering.builder import Builder, Emission, LayerEpilogue, Reach, Scaling
from naas_hw.compiler.lowering.layouts import Layout
from naas_hw.compiler.lowering.moves import part_of
from naas_hw.graph.quantised import Convolution, Pair, Sides, TransposedConvolution
from naas_hw.mapping.geometry import ceil_div
from naas_hw.workload.arithmetic.requantise import wrap_int32
from naas_hw.workload.layer import Kind

Weights = NDArray[np.int8]

GAP_MULTIPLIER: Final = 1 << 30
"""Of physical channels that no channel of the network is."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Site:
    """Where a convolution reads and writes, and what happens to its outputs.

    Parameters
    ----------
    padding : of the image that is read, as the layer sees it.
    input_zero_point, output_zero_point : of the two tensors that its numbers are scaled for.
    """

    name: str
    source: Layout
    output: Layout
    epilogue: LayerEpilogue
    padding: Sides
    input_zero_point: int
    output_zero_point: int
    makes: str
    sources: tuple[str, ...]


def is_depthwise(operator: Convolution | TransposedConvolution, num_inputs: int) -> bool:
    """Whether each channel is its own group."""
    return operator.groups == num_inputs == len(operator.bias) and num_inputs > 1


def emit_convolution(builder: Builder, operator: Convolution, site: Site) -> None:
    """One layer, or one for each set of groups."""
    reaches = tuple(
        Reach(
            size=site.source.shape[1 + i],
            outputs=site.output.shape[1 + i],
            kernel=operator.weights.shape[2 + i],
            stride=operator.stride[i],
            dilation=operator.dilation[i],
            padding=site.padding[i],
        )
        for i in (0, 1)
    )
    _emit(builder, operator, operator.weights, (reaches[0], reaches[1]), site)


def emit_transposed(builder: Builder, operator: TransposedConvolution, site: Site) -> None:
    """One layer for each phase of the output: rows p with the same p mod stride, and columns."""
    weights = _as_convolution(operator)
    stride = operator.stride
    rows, columns = (_phases(operator, site, axis) for axis in (0, 1))
    for row, row_taps, row_window in rows:
        for column, column_taps, column_window in columns:
            taps = weights[:, :, row_taps][:, :, :, column_taps]
            _emit(
                builder,
                operator,
                taps,
                (row_window, column_window),
                site,
                first=(row, column),
                step=stride,
            )


def _as_convolution(operator: TransposedConvolution) -> Weights:
    """Weights [K, C / groups, R, S] out of [C, K / groups, R, S]."""
    groups = operator.groups
    channels, outputs, *kernel = operator.weights.shape
    split = operator.weights.reshape(groups, channels // groups, outputs, *kernel)
    return split.transpose(0, 2, 1, 3, 4).reshape(groups * outputs, channels // groups, *kernel)


def _phases(
    operator: TransposedConvolution, site: Site, axis: int
) -> list[tuple[int, list[int], Reach]]:
    """First row, positions of the kernel that it meets, what is read; for each phase.

    Output p meets input i at kernel position r where p + padding = stride i + dilation r. The
    positions of a phase lie stride / gcd(stride, dilation) apart; the reach goes upwards through
    the image, so it takes them in reverse.
    """
    stride, dilation = operator.stride[axis], operator.dilation[axis]
    size, outputs = site.source.shape[1 + axis], site.output.shape[1 + axis]
    phases = []
    for first in range(min(stride, outputs)):
        at = first + operator.padding[axis]
        taps = [
            r
            for r in reversed(range(operator.weights.shape[2 + axis]))
            if (at - dilation * r) % stride == 0
        ]
        start = (at - dilation * taps[0]) // stride if taps else size
        reach = Reach(
            size=size,
            outputs=ceil_div(outputs - first, stride),
            kernel=len(taps) or 1,
            dilation=dilation // gcd(stride, dilation),
            padding=-start,
        )
        phases.append((first, taps, reach))
    return phases


def _emit(
    builder: Builder,
    operator: Convolution | TransposedConvolution,
    weights: Weights,
    reaches: tuple[Reach, Reach],
    site: Site,
    first: Pair = (0, 0),
    step: Pair = (1, 1),
) -> None:
    """The layers of some kernel positions."""
    if not weights.size or any(reach.is_outside for reach in reaches):
        weights = np.zeros((*weights.shape[:2], 1, 1), np.int8)
        reaches = (_unseeing(reaches[0]), _unseeing(reaches[1]))
    bias = folded_bias(operator.bias, weights, site.input_zero_point)
    for part in _parts(builder, operator, weights, site):
        builder.emit(
            Emission(
                name=site.name,
                kind=_kind(part, reaches),
                source=part.source,
                output=part.output,
                reaches=reaches,
                weights=part.weights,
                scaling=_scaling(operator, bias, part, site),
                input_zero_point=site.input_zero_point,
                epilogue=_epilogue(site.epilogue, part.channels, builder.beat_bytes),
                makes=site.makes,
                sources=site.sources,
                first=first,
                step=step,
            )
        )


def folded_bias(bias: NDArray[np.int32], weights: Weights, zero_point: int) -> NDArray[np.int32]:
    """The bias of sums of weights times bytes, whose zero point is not subtracted."""
    sums = weights.sum(axis=(1, 2, 3), dtype=np.int64)
    return wrap_int32(bias.astype(np.int64) - zero_point * sums).astype(np.int32)


def _scaling(
    operator: Convolution | TransposedConvolution,
    bias: NDArray[np.int32],
    part: "_Part",
    site: Site,
) -> Scaling:
    """Requantisation of the physical channels of a part."""
    chosen, physical = list(part.channels), part.output.channels
    return Scaling(
        bias=_spread(bias[chosen], physical, 0),
        multiplier=_spread(operator.multiplier[chosen], physical, GAP_MULTIPLIER),
        shift=_spread(operator.shift[chosen], physical, 0),
        output_zero_point=site.output_zero_point,
        clamp_min=operator.clamp_min,
        clamp_max=operator.clamp_max,
        rounds_once=isinstance(operator, Convolution) and operator.rounds_once,
    )


def _epilogue(whole: LayerEpilogue, channels: tuple[int, ...], beat_bytes: int) -> LayerEpilogue:
    """The epilogue of some output channels."""
    if whole.residual is None:
        return whole
    return replace(whole, residual=part_of(whole.residual, channels, beat_bytes))


def _unseeing(reach: Reach) -> Reach:
    """The reach of a layer of weights zero."""
    return Reach(size=reach.size, outputs=reach.outputs)


def _kind(part: "_Part", reaches: tuple[Reach, Reach]) -> Kind:
    """A dense layer of one pixel is a linear one."""
    is_one = all(reach == Reach(size=1, outputs=1) for reach in reaches)
    return Kind.LINEAR if part.kind is Kind.CONV and is_one else part.kind


def _spread(values: NDArray[np.int32], channels: tuple[int, ...], gap: int) -> NDArray[np.int32]:
    """A number for each physical channel."""
    spread = np.full(max(channels) + 1, gap, np.int32)
    spread[list(channels)] = values
    return spread


@dataclass(frozen=True, kw_only=True, eq=False)
class _Part:
    """A layer of a convolution.

    Parameters
    ----------
    channels : output channels of the convolution.
    weights : of physical channels.
    """

    kind: Kind
    channels: tuple[int, ...]
    source: Layout
    output: Layout
    weights: Weights


def _parts(
    builder: Builder,
    operator: Convolution | TransposedConvolution,
    weights: Weights,
    site: Site,
) -> Iterator[_Part]:
    """One part, or one for each set of groups."""
    groups, beat = operator.groups, builder.beat_bytes
    outputs, inputs = len(weights) // groups, weights.shape[1]
    if is_depthwise(operator, len(site.source.channels)):
        spread = np.zeros((site.source.num_channels, *weights.shape[1:]), np.int8)
        spread[list(site.source.channels)] = weights
        yield _Part(
            kind=Kind.DEPTHWISE,
            channels=tuple(range(len(weights))),
            source=site.source,
            output=site.output,
            weights=spread,
        )
        return
    size = merged_groups(groups, inputs, outputs, beat)
    for start in range(0, groups, size):
        end = min(start + size, groups)
        source = part_of(site.source, tuple(range(start * inputs, end * inputs)), beat)
        channels = tuple(range(start * outputs, end * outputs))
        output = part_of(site.output, channels, beat)
        own = weights[start * outputs : end * outputs]
        yield _Part(
            kind=Kind.CONV,
            channels=channels,
            source=source,
            output=output,
            weights=_dense(own, end - start, source, output),
        )


def merged_groups(groups: int, inputs: int, outputs: int, beat_bytes: int) -> int:
    """Groups that make one layer: as few as begin all layers at blocks of their own.

    Outputs of another set may not lie in the same block; inputs may.
    """
    whole = beat_bytes // gcd(outputs, beat_bytes)
    size = whole
    while size < groups and size * inputs % beat_bytes:
        size += whole
    return min(size, groups)


def _dense(weights: Weights, groups: int, source: Layout, output: Layout) -> Weights:
    """Physical weights of some groups: zero between channels of different groups, and in gaps."""
    outputs, inputs = len(weights) // groups, weights.shape[1]
    spread = np.zeros((output.num_channels, source.num_channels, *weights.shape[2:]), np.int8)
    for group in range(groups):
        rows = np.array(output.channels[group * outputs : (group + 1) * outputs])
        columns = np.array(source.channels[group * inputs : (group + 1) * inputs])
        spread[rows[:, None], columns] = weights[group * outputs : (group + 1) * outputs]
    return spread
