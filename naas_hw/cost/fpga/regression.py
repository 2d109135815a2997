"""Nonnegative least squares with relative errors.

Array legend: N designs, F features.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

TOLERANCE: Final = 1e-10
"""Of a gradient, relative to the largest one at the start; below it a feature brings nothing."""

MAX_STEPS: Final = 1000


def fit_relative(features_NF: Floats, targets_N: Floats, *, shrinkage: float = 0.0) -> Floats:
    """Coefficients, none negative, that make the sum of squared relative errors small.

    Parameters
    ----------
    features_NF : of each design; a column of zeros gets the coefficient zero.
    targets_N : all positive.
    shrinkage : how much all features but the first are held back; where few designs leave open
        which of them counts, each gets a share. It is squared, so 0.02 adds next to nothing to the
        errors of many designs.

    Returns
    -------
    Floats of F.

    Raises
    ------
    ValueError : a target is not positive.

    Examples
    --------
    >>> fit_relative(np.array([[1.0, 2.0], [1.0, 4.0]]), np.array([7.0, 11.0])).round(6).tolist()
    [3.0, 2.0]
    """
    if not (targets_N > 0).all():
        raise ValueError("targets_N must be positive")
    scaled = features_NF / targets_N[:, np.newaxis]
    lengths = np.linalg.norm(scaled, axis=0)
    lengths[lengths == 0] = 1.0
    num_features = len(lengths)
    held_NF = shrinkage * np.eye(num_features)[1:]
    a_NF = np.vstack([scaled / lengths, held_NF])
    b_N = np.concatenate([np.ones_like(targets_N), np.zeros(num_features - 1)])
    coefficients: Floats = nonnegative_least_squares(a_NF, b_N) / lengths
    return coefficients


def nonnegative_least_squares(a_NF: Floats, b_N: Floats) -> Floats:
    """The x of F, none negative, that minimises the length of a x - b.

    Notes
    -----
    The method of active sets of Lawson and Hanson, Solving Least Squares Problems, 1974, chapter
    23: features come into the passive set by their gradient, and leave where they would be
    negative.
    """
    num_features = a_NF.shape[1]
    x = np.zeros(num_features)
    is_passive = np.zeros(num_features, np.bool_)
    limit = TOLERANCE * max(1.0, float(np.abs(a_NF.T @ b_N).max(initial=0.0)))
    for _ in range(MAX_STEPS):
        gradient = np.where(is_passive, -np.inf, a_NF.T @ (b_N - a_NF @ x))
        best = int(np.argmax(gradient))
        if gradient[best] <= limit:
            break
        is_passive[best] = True
        x = _step(a_NF, b_N, x, is_passive)
    return x


def _step(a_NF: Floats, b_N: Floats, x: Floats, is_passive: NDArray[np.bool_]) -> Floats:
    """Solve for the passive features; those that would be negative leave the set one by one."""
    while is_passive.any():
        solved = np.zeros_like(x)
        solved[is_passive] = np.linalg.lstsq(a_NF[:, is_passive], b_N, rcond=None)[0]
        negative = is_passive & (solved <= 0)
        if not negative.any():
            return solved
        share = float((x[negative] / (x[negative] - solved[negative])).min())
        x = x + share * (solved - x)
        is_passive &= x > 1e-12
        x = np.where(is_passive, x, 0.0)
    return np.zeros_like(x)
