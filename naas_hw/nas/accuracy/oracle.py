"""Accuracies, each with its source; accuracies of different sources do not mix."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from naas_hw.core.deprecation import renames_keyword, warn_renamed
from naas_hw.core.errors import InputError
from naas_hw.nas.spaces.genes import Encodings


class Evidence(StrEnum):
    """Where an accuracy comes from."""

    MEASURED = "measured"
    PREDICTED = "predicted"
    OPTIMISTIC = "optimistic estimate"


class AccuracySource(BaseModel):
    """Where an accuracy comes from: the kind of evidence, and its basis."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    evidence: Evidence
    basis: str = Field(min_length=1, max_length=200)

    @property
    def label(self) -> str:
        """As it stands wherever the figures stand.

        >>> AccuracySource(evidence="measured", basis="397 held-out images").label
        'measured (397 held-out images)'
        """
        return f"{self.evidence.value} ({self.basis})"


@renames_keyword("worth", "source")
@dataclass(frozen=True, kw_only=True)
class Accuracies:
    """Top-1 accuracies of networks.

    Parameters
    ----------
    top1_percent : [B] 0 to 100.
    source : of all of them.
    """

    top1_percent: NDArray[np.float64]
    source: AccuracySource

    def __post_init__(self) -> None:
        wrong = ~((self.top1_percent >= 0) & (self.top1_percent <= 100))
        if wrong.any():
            raise ValueError(f"accuracies must be 0 to 100, not {self.top1_percent[wrong][0]}")

    def __len__(self) -> int:
        return len(self.top1_percent)

    @property
    def worth(self) -> AccuracySource:
        """The old name of `source`."""
        warn_renamed("Accuracies.worth", "source", stacklevel=2)
        return self.source

    def take(self, chosen: NDArray[np.bool_] | NDArray[np.int64]) -> "Accuracies":
        """Those of some of the networks."""
        return Accuracies(top1_percent=self.top1_percent[chosen], source=self.source)

    def at_least(self, floor_percent: float) -> NDArray[np.bool_]:
        """[B] which are not below a floor."""
        is_met: NDArray[np.bool_] = self.top1_percent >= floor_percent
        return is_met


def join(parts: Sequence[Accuracies]) -> Accuracies:
    """Accuracies one after the other.

    Raises
    ------
    InputError : they come from different sources.
    """
    for part in parts[1:]:
        if part.source != parts[0].source:
            raise InputError(
                f"accuracies must come from one source, not {parts[0].source.label} "
                f"and {part.source.label}"
            )
    values = np.concatenate([part.top1_percent for part in parts])
    return Accuracies(top1_percent=values, source=parts[0].source)


@runtime_checkable
class AccuracyOracle(Protocol):
    """Encodings of a space -> accuracies, all from one source."""

    @property
    def source(self) -> AccuracySource:
        """Of every accuracy that it gives."""

    def covers(self, encodings: Encodings) -> NDArray[np.bool_]:
        """[B] for which networks it has an answer."""

    def accuracies(self, encodings: Encodings) -> Accuracies:
        """Of networks that it covers.

        Raises
        ------
        InputError : a network is not covered.
        """


def __getattr__(name: str) -> object:
    """The old name of `AccuracySource`."""
    if name == "Worth":
        warn_renamed("Worth", "AccuracySource", stacklevel=2)
        return AccuracySource
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
