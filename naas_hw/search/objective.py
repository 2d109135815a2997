"""What a search makes small."""

from enum import StrEnum
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

Number = TypeVar("Number", float, NDArray[np.float64])


class Objective(StrEnum):
    """Cycles times energy, cycles, or energy; of a network, of the sums over its layers."""

    EDP = "edp"
    LATENCY = "latency"
    ENERGY = "energy"

    @property
    def counts_time(self) -> bool:
        """Whether a slower clock makes the score worse."""
        return self is not Objective.ENERGY

    def score(self, cycles: Number, energy_pj: Number) -> Number:
        """The smaller the better; cycles times picojoules, cycles, or picojoules.

        Examples
        --------
        >>> Objective.EDP.score(10.0, 2.5)
        25.0
        """
        if self is Objective.EDP:
            return cycles * energy_pj
        return cycles if self is Objective.LATENCY else energy_pj

    def gap(self, cycles: int, energy_pj: float, bound: float) -> float:
        """How much more than a proven bound these figures score, of the bound."""
        return max(0.0, self.score(float(cycles), energy_pj) / bound - 1)


def ranking(
    objective: Objective, cycles: NDArray[np.int64], energy_pj: NDArray[np.float64]
) -> NDArray[np.int64]:
    """Indices, best first; among equals the one that is better in the other figures first."""
    score = objective.score(cycles.astype(np.float64), energy_pj)
    order: NDArray[np.int64] = np.lexsort((cycles, energy_pj, score))
    return order


def geometric_mean(values: list[float]) -> float:
    """Of positive numbers, without overflow; the rest gives infinity or zero as it should."""
    return float(np.exp(np.mean(np.log(values))))
