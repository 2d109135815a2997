"""Functions of one number, and softmax and layer normalisation."""

import math

import numpy as np

from naas_hw.graph.graph import Array

_erf = np.frompyfunc(math.erf, 1, 1)


def erf(x: Array) -> Array:
    """The error function."""
    return np.asarray(_erf(x), dtype=x.dtype)


def sigmoid(x: Array) -> Array:
    """1 / (1 + exp(-x)), without overflow."""
    decay = np.exp(-np.abs(x))
    return np.asarray(np.where(x >= 0, 1, decay).astype(x.dtype) / (1 + decay))


def hard_sigmoid(x: Array, alpha: float, beta: float) -> Array:
    """Its value alpha x + beta, in 0 to 1."""
    return np.asarray(np.clip(x * x.dtype.type(alpha) + x.dtype.type(beta), 0, 1))


def hard_swish(x: Array) -> Array:
    """X times its hard sigmoid of slope 1 / 6."""
    return x * hard_sigmoid(x, 1 / 6, 0.5)


def softplus(x: Array) -> Array:
    """log(1 + exp(x)), without overflow."""
    return np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x)))


def gelu(x: Array, approximate: bool) -> Array:
    """X times the normal distribution up to x, or its approximation by tanh."""
    real = x.dtype.type
    if approximate:
        inner = real(math.sqrt(2 / math.pi)) * (x + real(0.044715) * x * x * x)
        return np.asarray(real(0.5) * x * (1 + np.tanh(inner)))
    return np.asarray(real(0.5) * x * (1 + erf(x * real(math.sqrt(0.5)))))


def leaky_relu(x: Array, alpha: float) -> Array:
    """X, or alpha times x where x is negative."""
    return np.where(x >= 0, x, x * x.dtype.type(alpha))


def elu(x: Array, alpha: float) -> Array:
    """X, or alpha (exp(x) - 1) where x is negative."""
    return np.where(x >= 0, x, x.dtype.type(alpha) * np.expm1(np.minimum(x, 0)))


def softmax(x: Array, axis: int) -> Array:
    """Powers exp(x), divided by its sum along an axis.

    Powers and sums are computed in float64 and rounded, as in the C driver. So another library of
    functions, or another order of the sum, gives the same bits, except where a number of float64
    lies as good as midway between two of float32: about one in a hundred million does.
    """
    moved = x - x.max(axis=axis, keepdims=True)
    powers = np.exp(moved.astype(np.float64)).astype(x.dtype)
    sums = powers.sum(axis=axis, keepdims=True, dtype=np.float64)
    return np.asarray(powers / sums.astype(x.dtype))


def log_softmax(x: Array, axis: int) -> Array:
    """The logarithm of softmax."""
    moved = x - x.max(axis=axis, keepdims=True)
    return np.asarray(moved - np.log(np.exp(moved).sum(axis=axis, keepdims=True)))


def normalise(
    x: Array, scale: Array | None, bias: Array | None, axes: tuple[int, ...], epsilon: float
) -> Array:
    """Layer normalisation: mean 0 and variance 1 over some axes, then scale and bias."""
    centred = x - x.mean(axis=axes, keepdims=True)
    variance = np.square(centred).mean(axis=axes, keepdims=True)
    result = centred / np.sqrt(variance + x.dtype.type(epsilon))
    result = result if scale is None else result * scale
    return np.asarray(result if bias is None else result + bias)


def normalise_locally(x: Array, size: int, alpha: float, beta: float, bias: float) -> Array:
    """Local response normalisation over `size` neighbouring channels, axis 1."""
    before = (size - 1) // 2
    widths = [(0, 0)] * x.ndim
    widths[1] = (before, size - 1 - before)
    squares = np.pad(np.square(x), widths)
    total = sum(squares[:, start : start + x.shape[1]] for start in range(size))
    real = x.dtype.type
    return np.asarray(x / (real(bias) + real(alpha / size) * total) ** real(beta))
