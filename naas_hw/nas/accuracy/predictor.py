"""Accuracy predicted from an encoding: a Gaussian process on the space's features.

Axes: N networks, F features.
"""

from dataclasses import dataclass
from itertools import product
from typing import Final

import numpy as np
from numpy.typing import NDArray

from naas_hw.core.errors import InputError
from naas_hw.nas.accuracy.correlation import spearman
from naas_hw.nas.accuracy.oracle import Accuracies, AccuracySource, Evidence
from naas_hw.nas.spaces.genes import Encodings
from naas_hw.nas.spaces.space import Space

Array = NDArray[np.float64]

LENGTHS: Final = (0.5, 1.0, 2.0, 4.0, 8.0)
"""Length scales to choose from, in root mean square distances of the networks."""
NOISES: Final = (1e-3, 1e-2, 0.1, 0.3, 1.0)
"""Variances of the noise to choose from, in variances of the accuracies."""
MIN_NETWORKS: Final = 8


@dataclass(frozen=True, kw_only=True)
class GaussianProcess:
    """The mean of a Gaussian process with a squared exponential kernel.

    Parameters
    ----------
    centres : [N, F] features of the networks that it was fitted to.
    weights : [N] of the kernel at each.
    """

    centres: Array
    weights: Array
    mean: float
    length: float

    def predict(self, features: Array) -> Array:
        """[B] values at features [B, F]."""
        values: Array = self.mean + _kernel(features, self.centres, self.length) @ self.weights
        return values


def fit_gaussian_process(features: Array, values: Array) -> GaussianProcess:
    """Fit values [N] at features [N, F].

    Notes
    -----
    Length scale and noise are those of the grid with the least leave-one-out error, which has a
    closed form: the error at network i is (C^-1 y)_i / (C^-1)_ii with C the kernel plus the noise
    (Rasmussen and Williams 2006, section 5.4.2).
    """
    mean, spread = float(values.mean()), float(values.var()) or 1.0
    centred = values - mean
    distance = float(np.sqrt(_squared_distances(features, features).mean())) or 1.0
    best: tuple[float, GaussianProcess] | None = None
    for scale, noise in product(LENGTHS, NOISES):
        kernel = spread * _kernel(features, features, scale * distance)
        inverse = np.linalg.inv(kernel + noise * spread * np.eye(len(values)))
        weights = inverse @ centred
        error = float(np.mean((weights / np.diag(inverse)) ** 2))
        if best is None or error < best[0]:
            process = GaussianProcess(
                centres=features, weights=spread * weights, mean=mean, length=scale * distance
            )
            best = error, process
    assert best is not None
    return best[1]


def _kernel(first: Array, second: Array, length: float) -> Array:
    values: Array = np.exp(-_squared_distances(first, second) / (2 * length**2))
    return values


def _squared_distances(first: Array, second: Array) -> Array:
    squares: Array = (first**2).sum(1)[:, np.newaxis] + (second**2).sum(1) - 2 * first @ second.T
    return np.clip(squares, 0.0, None)


@dataclass(frozen=True, kw_only=True)
class PredictedAccuracy:
    """An `AccuracyOracle` that answers out of a fit; `source` says how well it did.

    Parameters
    ----------
    rank_correlation : Spearman's, with the networks that were held out.
    error_percent : mean absolute error on them, in percentage points.
    """

    space: Space
    process: GaussianProcess
    rank_correlation: float
    error_percent: float
    num_held_out: int

    @property
    def source(self) -> AccuracySource:
        """Predicted, with the rank correlation on held-out networks."""
        basis = (
            f"rank correlation {self.rank_correlation:.2f}, error {self.error_percent:.2f} points "
            f"on {self.num_held_out} held-out networks"
        )
        return AccuracySource(evidence=Evidence.PREDICTED, basis=basis)

    def covers(self, encodings: Encodings) -> NDArray[np.bool_]:
        """Every network of the space."""
        return np.ones(len(encodings), dtype=np.bool_)

    def accuracies(self, encodings: Encodings) -> Accuracies:
        """Predictions, kept within 0 to 100."""
        values = np.clip(self.process.predict(self.space.features(encodings)), 0.0, 100.0)
        return Accuracies(top1_percent=values, source=self.source)


def fit_predictor(
    space: Space,
    encodings: Encodings,
    measured: Accuracies,
    rng: np.random.Generator,
    *,
    held_out: float = 0.25,
) -> PredictedAccuracy:
    """A predictor fitted to some of the networks and judged on the others.

    Parameters
    ----------
    encodings : [N, G], at least `MIN_NETWORKS`.
    measured : [N] their accuracies.
    held_out : share of the networks that the fit does not see.

    Raises
    ------
    InputError : too few networks, or accuracies that are not measured.
    """
    if measured.source.evidence is not Evidence.MEASURED:
        raise InputError(
            f"a predictor must be fitted to measured accuracies, not to {measured.source.label}"
        )
    if len(measured) < MIN_NETWORKS:
        raise InputError(
            f"a predictor must be fitted to at least {MIN_NETWORKS} networks, not {len(measured)}"
        )
    order = rng.permutation(len(measured))
    num_held_out = max(2, round(held_out * len(measured)))
    judged, fitted = order[:num_held_out], order[num_held_out:]
    features = space.features(encodings)
    process = fit_gaussian_process(features[fitted], measured.top1_percent[fitted])
    predicted, true = process.predict(features[judged]), measured.top1_percent[judged]
    return PredictedAccuracy(
        space=space,
        process=process,
        rank_correlation=spearman(predicted, true),
        error_percent=float(np.abs(predicted - true).mean()),
        num_held_out=num_held_out,
    )
