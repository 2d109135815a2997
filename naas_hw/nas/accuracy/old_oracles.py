"""Oracles that have `worth` in place of `source`, the name of one minor release ago."""

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from naas_hw.core.deprecation import warn_renamed
from naas_hw.nas.accuracy.oracle import Accuracies, AccuracyOracle, AccuracySource
from naas_hw.nas.spaces.genes import Encodings


@runtime_checkable
class OldOracle(Protocol):
    """An `AccuracyOracle` with the old name of `source`."""

    @property
    def worth(self) -> AccuracySource:
        """Of every accuracy that it gives."""

    def covers(self, encodings: Encodings) -> NDArray[np.bool_]:
        """As of `AccuracyOracle`."""

    def accuracies(self, encodings: Encodings) -> Accuracies:
        """As of `AccuracyOracle`."""


@dataclass(frozen=True)
class RenamedOracle:
    """An `AccuracyOracle` that answers with an `OldOracle`."""

    oracle: OldOracle

    @property
    def source(self) -> AccuracySource:
        """Of every accuracy that it gives."""
        return self.oracle.worth

    def covers(self, encodings: Encodings) -> NDArray[np.bool_]:
        """As of `AccuracyOracle`."""
        return self.oracle.covers(encodings)

    def accuracies(self, encodings: Encodings) -> Accuracies:
        """As of `AccuracyOracle`."""
        return self.oracle.accuracies(encodings)


def current_oracle(given: object) -> AccuracyOracle | None:
    """The object if it is an oracle, with a warning if it is an `OldOracle`; None if neither."""
    if isinstance(given, AccuracyOracle):
        return given
    if isinstance(given, OldOracle):
        warn_renamed(f"{type(given).__name__}.worth", "source", stacklevel=2)
        return RenamedOracle(given)
    return None
