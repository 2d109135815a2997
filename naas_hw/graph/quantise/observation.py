"""What a tensor's numbers are on calibration data, and the range that follows from them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from naas_hw.graph.float_execution import run_floats
from naas_hw.graph.graph import Array, Graph
from naas_hw.graph.quantise.settings import Observer, QuantiseSettings

Floats = NDArray[np.float32]

_MAX_SAMPLES: Final = 1 << 15
"""Of a tensor, over all images."""

_SHRINKS: Final = np.linspace(0.2, 1.0, 41)
"""Shares of a side of the range that the least squared error is searched among."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Observation:
    """Numbers of one tensor, or of several that share a scale.

    Parameters
    ----------
    low, high : the smallest and the largest one.
    sample : some of them.
    """

    low: float
    high: float
    sample: Floats


def observe(
    graph: Graph,
    images: Sequence[Mapping[str, Array]],
    names: Sequence[str],
    *,
    finite_only: bool = False,
) -> dict[str, Observation]:
    """The numbers of some tensors on all images; of `finite_only` ones 0 where there is none."""
    per_image = max(_MAX_SAMPLES // max(len(images), 1), 64)
    seen: dict[str, list[Observation]] = {name: [] for name in names}
    random = np.random.default_rng(0)
    for image in images:
        values = run_floats(graph, image, wanted=names)
        for name in names:
            seen[name].append(_observed(values[name], per_image, random, finite_only))
    return {name: merged(observations) for name, observations in seen.items()}


def _observed(
    values: Array, count: int, random: np.random.Generator, finite_only: bool
) -> Observation:
    flat = values.reshape(-1).astype(np.float32)
    if finite_only and not np.isfinite(flat).all():
        finite = flat[np.isfinite(flat)]
        flat = finite if finite.size else np.zeros(1, np.float32)
    sample = flat if flat.size <= count else flat[random.integers(0, flat.size, count)]
    return Observation(low=float(flat.min()), high=float(flat.max()), sample=sample)


def merged(observations: Iterable[Observation]) -> Observation:
    """All numbers of several observations."""
    parts = list(observations)
    return Observation(
        low=float(np.min([part.low for part in parts])),  # NaN stays NaN
        high=float(np.max([part.high for part in parts])),
        sample=np.concatenate([part.sample for part in parts]),
    )


def range_of(observation: Observation, settings: QuantiseSettings) -> tuple[float, float]:
    """The range that int8 is to cover; it includes 0."""
    low, high = min(observation.low, 0.0), max(observation.high, 0.0)
    if settings.observer is Observer.PERCENTILE:
        share = settings.percentile / 100
        bounds = np.quantile(observation.sample, [1 - share, share])
        return min(float(bounds[0]), 0.0), max(float(bounds[1]), 0.0)
    if settings.observer is Observer.MSE:
        return _least_error(observation.sample, low, high)
    return low, high


def _least_error(sample: Floats, low: float, high: float) -> tuple[float, float]:
    """One side after the other, the share of the range with the least squared error."""
    for _ in range(2):
        if high > 0:
            errors = [_error(sample, low, high * share) for share in _SHRINKS]
            high *= float(_SHRINKS[int(np.argmin(errors))])
        if low < 0:
            errors = [_error(sample, low * share, high) for share in _SHRINKS]
            low *= float(_SHRINKS[int(np.argmin(errors))])
    return low, high


def _error(sample: Floats, low: float, high: float) -> float:
    scale, zero_point = scale_and_zero_point(low, high)
    step = np.float32(scale)
    codes = np.clip(np.rint(sample / step) + zero_point, -128, 127)
    difference = (codes - zero_point).astype(np.float64) * step - sample
    return float(np.dot(difference, difference))


def scale_and_zero_point(low: float, high: float) -> tuple[float, int]:
    """Scale and zero point of int8 for a range that includes 0; both are float32's.

    >>> scale_and_zero_point(0.0, 2.55)[1], scale_and_zero_point(-1.0, 2.0)[1]
    (-128, -43)
    """
    scale = float(np.float32((high - low) / 255))
    if scale < np.finfo(np.float32).tiny:
        return 1.0, 0
    return scale, int(np.clip(np.rint(-128 - low / scale), -128, 127))
