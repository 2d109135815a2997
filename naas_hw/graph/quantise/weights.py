"""Weights in int8 with one scale for each output channel, and biases in int32."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from naas_hw.core.errors import InputError
from naas_hw.graph.float_kernels.quantisation import has_real_numbers
from naas_hw.graph.graph import Array, Operator

LARGEST_WEIGHT: Final = 127
_LARGEST_BIAS: Final = float(1 << 30)
_SMALLEST_SCALE: Final = 1e-20


def channel_axis(operator: Operator) -> int:
    """The axis of the weights along which output channels lie."""
    return 1 if operator.kind == "conv_transposed" else 0


@dataclass(frozen=True, kw_only=True, eq=False)
class QuantisedWeights:
    """Weights of a layer.

    Parameters
    ----------
    values : int8.
    scale : float32, of each output channel along `axis`.
    """

    values: NDArray[np.int8]
    scale: NDArray[np.float32]
    axis: int

    @property
    def real(self) -> NDArray[np.float32]:
        """What the integers stand for."""
        return self.values.astype(np.float32) * along(self.scale, self.axis, self.values.ndim)


def quantise_weights(
    operator: Operator, weights: Array, bias: Array | None, input_scale: float
) -> QuantisedWeights:
    """Symmetric int8 weights.

    The scale of a channel follows from its largest weight. It is larger where the channel's bias
    would not fit into int32 otherwise.

    Raises
    ------
    InputError : a weight or a bias is infinite or not a number, or a sum could be no float32.
    """
    for what, values in (("weights", weights), ("bias", bias)):
        if values is not None and not np.all(np.isfinite(values)):
            raise InputError(f"{what} of {operator.name} must be finite, not NaN or infinite")
    axis = channel_axis(operator)
    others = tuple(other for other in range(weights.ndim) if other != axis)
    scale = np.abs(weights).max(axis=others).astype(np.float64) / LARGEST_WEIGHT
    if bias is not None:
        groups = bias.size // scale.size
        largest = np.abs(bias.astype(np.float64)).reshape(groups, -1).max(axis=0)
        scale = np.maximum(scale, largest / input_scale / _LARGEST_BIAS)
    smallest = max(_SMALLEST_SCALE, float(np.finfo(np.float32).tiny) / input_scale)
    rounded = np.maximum(scale, smallest).astype(np.float32)
    if not has_real_numbers(rounded.astype(np.float64) * input_scale, "int32"):
        raise InputError(f"the partial sums of {operator.name} must fit float32")
    codes = np.rint(weights / along(rounded, axis, weights.ndim))
    values = np.clip(codes, -LARGEST_WEIGHT, LARGEST_WEIGHT).astype(np.int8)
    return QuantisedWeights(values=values, scale=rounded, axis=axis)


def bias_scale(weights: QuantisedWeights, input_scale: float, count: int) -> NDArray[np.float32]:
    """The scale [K] of a layer's bias, which is that of its sums."""
    scale = (weights.scale.astype(np.float64) * input_scale).astype(np.float32)
    return np.tile(scale, count // scale.size)


def quantise_bias(bias: Array, scale: NDArray[np.float32]) -> NDArray[np.int32]:
    """Biases in int32."""
    codes = np.rint(bias.astype(np.float64) / scale)
    limits = np.iinfo(np.int32)
    return np.clip(codes, limits.min, limits.max).astype(np.int32)


def along(values: Array, axis: int, rank: int) -> Array:
    """[n] with `rank` axes, n along one of them."""
    return values.reshape([-1 if place == axis else 1 for place in range(rank)])
