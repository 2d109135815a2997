"""Seeded int8 tensors for a layer.

`spread`: requantised so that a wrong sum shows in the bytes: outputs spread over the int8 range,
few of them clamped. `extreme`: values at the ends of all ranges, so that sums wrap and outputs
clamp.
"""

from dataclasses import replace
from enum import StrEnum
from typing import Final

import numpy as np
from numpy.typing import NDArray

from naas_hw.workload.arithmetic.epilogue import Addition, Residual, Table, TablePlace
from naas_hw.workload.arithmetic.golden import convolve
from naas_hw.workload.arithmetic.quantised import QuantisedLayer, tensor_shapes
from naas_hw.workload.layer import Activation, Layer
from naas_hw.workload.option import TABLE_SIZE

__all__ = ["QuantisedLayer", "Tensors", "random_quantised_layer"]


class Tensors(StrEnum):
    """The kinds."""

    SPREAD = "spread"
    EXTREME = "extreme"


_INT32_MIN: Final = -(1 << 31)
_INT32_MAX: Final = (1 << 31) - 1
_CLAMPED_SHARE: Final = 0.022  # of a channel's outputs at each end; both stay under 5 %
_MIN_OUTPUTS: Final = 32  # of a channel, for statistics of its own
_NARROW: Final = 255  # steps of the output
_MAX_MARGIN: Final = 8  # between a clamp and where the kept sums end, drawn per channel
_MIN_MARGIN: Final = 2  # more than all roundings together


def random_quantised_layer(
    layer: Layer, rng: np.random.Generator, tensors: Tensors = Tensors.SPREAD
) -> QuantisedLayer:
    """Tensors of a layer, of one of the two kinds, with a residual and a table where it has them.

    A maximum is taken of inputs times one.
    """
    quantised = _extreme(layer, rng) if tensors is Tensors.EXTREME else _spread(layer, rng)
    return replace(
        quantised,
        residual=_random_residual(layer, rng) if layer.residual else None,
        table=_random_table(rng) if layer.table else None,
        rounds_once=layer.rounds_once,
    )


def _random_residual(layer: Layer, rng: np.random.Generator) -> Residual:
    """Two tensors of like weight, with the ends of all ranges among them."""
    shift = int(rng.integers(8, 16))
    most = min(1 << shift, (1 << 15) - 1)
    factors = rng.integers(most // 4, most + 1, size=2) * rng.choice((1, 1, 1, -1), size=2)
    clamp_min, clamp_max = int(rng.choice((-128, -128, -100))), int(rng.choice((127, 127, 99)))
    zero_points = [int(rng.choice((-128, 127, int(rng.integers(-128, 128))))) for _ in range(3)]
    return Residual(
        values=_int8_with_ends((layer.groups * layer.K, layer.P, layer.Q), rng),
        addition=Addition(
            main_multiplier=int(factors[0]),
            multiplier=int(factors[1]),
            shift=shift,
            main_zero_point=zero_points[0],
            zero_point=zero_points[1],
            output_zero_point=zero_points[2],
            clamp_min=clamp_min,
            clamp_max=clamp_max,
        ),
    )


def _random_table(rng: np.random.Generator) -> Table:
    """A permutation of all bytes, so that no two of them are taken for one another."""
    entries = rng.permutation(TABLE_SIZE).astype(np.uint8).view(np.int8)
    return Table(entries=entries, place=TablePlace(int(rng.integers(1, 3))))


def _weights(layer: Layer, shape: tuple[int, ...], weights: NDArray[np.int8]) -> NDArray[np.int8]:
    """The weights, or ones where the layer takes a maximum."""
    return np.ones(shape, np.int8) if layer.maximum else weights


def _extreme(layer: Layer, rng: np.random.Generator) -> QuantisedLayer:
    """Weights and inputs at the ends of int8 or anywhere, biases at the ends of int32.

    A sum of a bias near an end and products of one sign leaves int32 for about half of the
    channels; most shifts are so small that nearly all outputs clamp.
    """
    weight_shape, input_shape = tensor_shapes(layer)
    channels = weight_shape[0]
    ends = rng.integers(0, 1 << 12, size=channels) * rng.choice((1, -1), size=channels)
    bias = np.where(ends < 0, _INT32_MAX + ends, _INT32_MIN + ends)
    anywhere = rng.integers(_INT32_MIN, _INT32_MAX + 1, size=channels)
    shift = np.where(
        rng.random(channels) < 0.8,
        rng.integers(0, 20, size=channels),
        rng.integers(20, 32, size=channels),
    )
    multipliers = np.array((1 << 30, (1 << 30) + 1, _INT32_MAX - 1, _INT32_MAX))
    return QuantisedLayer(
        weights=_weights(layer, weight_shape, _int8_with_ends(weight_shape, rng)),
        inputs=_int8_with_ends(input_shape, rng),
        bias=np.where(rng.random(channels) < 0.8, bias, anywhere).astype(np.int32),
        multiplier=rng.choice(multipliers, size=channels).astype(np.int32),
        shift=shift.astype(np.int32),
        input_zero_point=int(rng.choice((-128, 127, 0))),
        output_zero_point=int(rng.choice((-128, 127, 0))),
        clamp_min=int(rng.choice((-128, -127, 0))),
        clamp_max=int(rng.choice((127, 126, 0))),
    )


def _int8_with_ends(shape: tuple[int, ...], rng: np.random.Generator) -> NDArray[np.int8]:
    """Half of the numbers anywhere, the others at an end of int8."""
    ends = rng.choice(np.array((-128, 127), np.int8), size=shape)
    return np.where(rng.random(shape) < 0.5, ends, _random_int8(shape, rng))


def _spread(layer: Layer, rng: np.random.Generator) -> QuantisedLayer:
    """Tensors over the full int8 range, and parameters that fit their accumulators.

    Per channel the middle 95.6 % of the sums is mapped strictly between the clamps, so at most
    4.4 % of the output bytes lie at a clamp. Channels of fewer than 32 outputs share one set of
    statistics. A ReLU's zero point is its lower clamp; it is drawn near -128, and the bias moves
    the sums above it.
    """
    weight_shape, input_shape = tensor_shapes(layer)
    weights = _weights(layer, weight_shape, _random_int8(weight_shape, rng))
    inputs = _random_int8(input_shape, rng)
    input_zero_point = int(rng.integers(-128, 128))
    output_zero_point, clamp_min, clamp_max = _random_range(layer.activation, rng)
    sums = convolve(layer, weights, inputs, input_zero_point).reshape(len(weights), -1)
    bias, multiplier, shift = _fitted(sums, output_zero_point, clamp_min, clamp_max, rng)
    return QuantisedLayer(
        weights=weights,
        inputs=inputs,
        bias=bias,
        multiplier=multiplier,
        shift=shift,
        input_zero_point=input_zero_point,
        output_zero_point=output_zero_point,
        clamp_min=clamp_min,
        clamp_max=clamp_max,
    )


def _random_int8(shape: tuple[int, ...], rng: np.random.Generator) -> NDArray[np.int8]:
    return rng.integers(-128, 128, size=shape, dtype=np.int8)


def _random_range(activation: Activation, rng: np.random.Generator) -> tuple[int, int, int]:
    """(zero point, lower clamp, upper clamp) of the outputs."""
    if activation is Activation.NONE:
        return int(rng.integers(-128, 128)), -128, 127
    zero_point = int(rng.integers(-128, -111))
    clamp_max = 127 if activation is Activation.RELU else int(rng.integers(96, 127))
    return zero_point, zero_point, clamp_max


def _fitted(
    sums: NDArray[np.int64],
    zero_point: int,
    clamp_min: int,
    clamp_max: int,
    rng: np.random.Generator,
) -> tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.int32]]:
    """Bias, multiplier and shift [K] that map the middle of `sums` [K, N] between the clamps."""
    low, high = _middle(sums)
    target_low = clamp_min + _random_margin(len(sums), rng)
    target_high = clamp_max - _random_margin(len(sums), rng)
    scale = (target_high - target_low) / np.maximum(high - low, 1)
    multiplier, shift = _fixed_point(scale)
    real_scale = multiplier * 2.0 ** (-31 - shift)
    centre = (target_low + target_high) / 2 - zero_point
    bias = np.rint(centre / real_scale - (low + high) / 2)
    return bias.astype(np.int32), multiplier.astype(np.int32), shift.astype(np.int32)


def _random_margin(count: int, rng: np.random.Generator) -> NDArray[np.int64]:
    return rng.integers(_MIN_MARGIN, _MAX_MARGIN + 1, size=count)


def _middle(sums: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Sums below and above which at most 2.2 % lie, per channel [K].

    Where that middle is narrow (an image of almost nothing but padding), the whole range is taken.
    """
    share = (_CLAMPED_SHARE, 1 - _CLAMPED_SHARE)
    few = sums.shape[1] < _MIN_OUTPUTS
    axis = None if few else 1
    low = np.quantile(sums, share[0], axis=axis, method="lower")
    high = np.quantile(sums, share[1], axis=axis, method="higher")
    narrow = high - low < _NARROW
    low = np.where(narrow, sums.min(axis=axis), low)
    high = np.where(narrow, sums.max(axis=axis), high)
    return np.broadcast_to(low, len(sums)), np.broadcast_to(high, len(sums))


def _fixed_point(scale: NDArray[np.float64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """A positive scale as (multiplier, shift): multiplier 2^(-31 - shift), multiplier >= 2^30.

    A scale of 1 or more, which sums of hardly any spread ask for, becomes the largest below 1.
    """
    below_one = np.minimum(scale, 1 - 2.0**-31)
    mantissa, exponent = np.frexp(below_one)
    multiplier = np.minimum(np.rint(mantissa * (1 << 31)), (1 << 31) - 1).astype(np.int64)
    return multiplier, -exponent.astype(np.int64)
