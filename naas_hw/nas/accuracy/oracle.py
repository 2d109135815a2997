"""Accuracies, each with what it is worth; figures of unequal worth do not mix."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from naas_hw.core.errors import InputError
from naas_hw.nas.spaces.genes import Encodings


class Evidence(StrEnum):
    """Where an accuracy comes from."""

    MEASURED = "measured"
    PREDICTED = "predicted"
    OPTIMISTIC = "optimistic estimate"


class Worth(BaseModel):
    """What an accuracy is worth: the evidence, and on what it rests."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    evidence: Evidence
    basis: str = Field(min_length=1, max_length=200)

    @property
    def label(self) -> str:
        """As it stands wherever the figures stand.

        >>> Worth(evidence="measured", basis="397 held-out images").label
        'measured (397 held-out images)'
        """
        return f"{self.evidence.value} ({self.basis})"


@dataclass(frozen=True, kw_only=True)
class Accuracies:
    """Top-1 accuracies of networks.

    Parameters
    ----------
    top1_percent : [B] 0 to 100.
    worth : of all of them.
    """

    top1_percent: NDArray[np.float64]
    worth: Worth

    def __post_init__(self) -> None:
        wrong = ~((self.top1_percent >= 0) & (self.top1_percent <= 100))
        if wrong.any():
            raise ValueError(f"accuracies must be 0 to 100, not {self.top1_percent[wrong][0]}")

    def __len__(self) -> int:
        return len(self.top1_percent)

    def take(self, chosen: NDArray[np.bool_] | NDArray[np.int64]) -> "Accuracies":
        """Those of some of the networks."""
        return Accuracies(top1_percent=self.top1_percent[chosen], worth=self.worth)

    def at_least(self, floor_percent: float) -> NDArray[np.bool_]:
        """[B] which are not below a floor."""
        is_met: NDArray[np.bool_] = self.top1_percent >= floor_percent
        return is_met


def join(parts: Sequence[Accuracies]) -> Accuracies:
    """Accuracies one after the other.

    Raises
    ------
    InputError : they are not of equal worth.
    """
    for part in parts[1:]:
        if part.worth != parts[0].worth:
            raise InputError(
                f"accuracies must be of equal worth, not {parts[0].worth.label} "
                f"and {part.worth.label}"
            )
    values = np.concatenate([part.top1_percent for part in parts])
    return Accuracies(top1_percent=values, worth=parts[0].worth)


@runtime_checkable
class AccuracyOracle(Protocol):
    """Encodings of a space -> accuracies, all of one worth."""

    @property
    def worth(self) -> Worth:
        """Of every accuracy that it gives."""

    def covers(self, encodings: Encodings) -> NDArray[np.bool_]:
        """[B] for which networks it has an answer."""

    def accuracies(self, encodings: Encodings) -> Accuracies:
        """Of networks that it covers.

        Raises
        ------
        InputError : a network is not covered.
        """
