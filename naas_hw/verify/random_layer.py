"""Random layers of every kind, and smaller ones like a given one."""

from collections.abc import Sequence
from typing import Final

import numpy as np

from naas_hw.sim.random_numbers import Generator, log_uniform
from naas_hw.workload.layer import Activation, Dim, Kind, Layer
from naas_hw.workload.option import Option

_OPTION_SHARE: Final = 0.5


def random_layer(rng: Generator) -> Layer:
    """A layer of any kind that the hardware runs, at the sizes that networks have."""
    kind = (Kind.CONV, Kind.CONV, Kind.CONV, Kind.DEPTHWISE, Kind.LINEAR)[rng.integers(5)]
    common = {
        "name": "layer",
        "kind": kind,
        "K": log_uniform(rng, 1, 512),
        "C": 1 if kind is Kind.DEPTHWISE else log_uniform(rng, 1, 512),
        "activation": list(Activation)[rng.integers(3)],
    }
    if kind is Kind.LINEAR:
        return Layer(**common, height=1, width=1)
    kernel = [int(rng.choice((1, 1, 2, 3, 3, 4, 5, 7, 11))) for _ in range(2)]
    if rng.random() < 0.6:
        kernel[1] = kernel[0]
    stride = _pair(rng, (1, 1, 1, 2, 2, 3, 4, 7))
    dilation = _pair(rng, (1, 1, 1, 1, 2, 3, 9))
    outputs = (log_uniform(rng, 1, 112), log_uniform(rng, 1, 112))
    padding = tuple(
        (0, extent // 2, int(rng.integers(extent + 1)), int(rng.integers(12)))[rng.integers(4)]
        for extent in ((k - 1) * d + 1 for k, d in zip(kernel, dilation, strict=True))
    )
    spare = rng.integers(-3, 4, size=2)
    return _layer_of(common, outputs, kernel, stride, dilation, padding, spare.tolist())


def with_random_options(layer: Layer, options: frozenset[Option], rng: Generator) -> Layer:
    """The layer with some of the optional hardware that there is.

    Pitched stores are left out: a program of one layer writes dense outputs.
    """
    draws = dict(zip(Option, rng.random(len(Option)) < _OPTION_SHARE, strict=True))
    drawn = {option for option in options if draws[option]}
    update: dict[str, object] = {
        "residual": Option.RESIDUAL in drawn,
        "table": Option.TABLE in drawn,
        "rounds_once": Option.SINGLE_ROUNDING in drawn,
    }
    if Option.MAXIMUM in drawn and layer.kind is not Kind.LINEAR:
        update |= {"maximum": True, "kind": Kind.DEPTHWISE, "C": 1}
    return layer.model_copy(update=update)


def _layer_of(
    common: dict[str, object],
    outputs: Sequence[int],
    kernel: Sequence[int],
    stride: Sequence[int],
    dilation: Sequence[int],
    padding: Sequence[int],
    spare: Sequence[int],
) -> Layer:
    """A layer whose image is what its kernels cover, less the padding, and `spare` more."""
    covered = [
        (outputs[i] - 1) * stride[i] + (kernel[i] - 1) * dilation[i] + 1 - padding[i] + spare[i]
        for i in range(2)
    ]
    return Layer.model_validate(
        {
            **common,
            "P": outputs[0],
            "Q": outputs[1],
            "R": kernel[0],
            "S": kernel[1],
            "height": max(1, covered[0]),
            "width": max(1, covered[1]),
            "stride": tuple(stride),
            "dilation": tuple(dilation),
            "padding": tuple(padding),
        }
    )


def _pair(rng: Generator, values: Sequence[int]) -> tuple[int, int]:
    """Two of the values, mostly equal."""
    first, second = (int(rng.choice(values)) for _ in range(2))
    return (first, first) if rng.random() < 0.6 else (first, second)


def smaller_layer(layer: Layer, rng: Generator) -> Layer:
    """The layer with one dim at about half, and an image to match; itself if all are 1."""
    weights = {dim: np.log(bound) for dim, bound in layer.bounds.items() if bound > 1}
    if not weights:
        return layer
    chances = np.array(list(weights.values()))
    dim = list(weights)[int(rng.choice(len(weights), p=chances / chances.sum()))]
    bound = max(1, layer.bounds[dim] // 2 + int(rng.integers(0, 2)) * (layer.bounds[dim] > 2))
    return with_bound(layer, dim, bound)


def with_bound(layer: Layer, dim: Dim, bound: int) -> Layer:
    """The layer with one dim at this bound, and rows or columns of the input to match."""
    update: dict[str, object] = {dim: bound}
    steps = {
        "P": ("height", layer.stride[0]),
        "Q": ("width", layer.stride[1]),
        "R": ("height", layer.dilation[0]),
        "S": ("width", layer.dilation[1]),
    }
    if dim in steps:
        side, step = steps[dim]
        lost = (layer.bounds[dim] - bound) * step
        update[side] = max(1, int(getattr(layer, side)) - lost)
    return layer.model_copy(update=update)
