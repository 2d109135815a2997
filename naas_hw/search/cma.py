"""CMA-ES as the searches use it: bounded to [0, 1], quiet, random by a generator alone."""

import warnings
from math import nan
from typing import Any

import numpy as np


def new_strategy(
    mean: list[float], *, sigma: float, population: int, rng: np.random.Generator
) -> Any:
    """A `cma.CMAEvolutionStrategy` with ask, tell and stop.

    Parameters
    ----------
    mean : where it begins, each in [0, 1].
    sigma : standard deviation of the first population.
    population : points of a generation.
    rng : its only randomness; numpy's global state is neither read nor set.
    """
    options: dict[str, object] = {
        "bounds": [0.0, 1.0],
        "popsize": population,
        "randn": lambda *shape: rng.standard_normal(shape),
        "seed": nan,
        "verbose": -9,
        "verb_log": 0,
        "verb_disp": 0,
    }
    with warnings.catch_warnings():  # it says at import that it cannot plot; nothing here plots
        warnings.simplefilter("ignore", UserWarning)
        import cma  # here: it takes longer to import than all of ours, and few workers need it
    return cma.CMAEvolutionStrategy(mean, sigma, options)
