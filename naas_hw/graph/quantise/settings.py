"""How a float model is quantised."""

from dataclasses import dataclass
from enum import StrEnum

from naas_hw.core.errors import InputError


class Observer(StrEnum):
    """How the range of a tensor follows from what was observed of it."""

    MSE = "mse"
    """The range whose rounding and clipping have the least mean squared error."""

    PERCENTILE = "percentile"
    """The range without the outermost numbers."""

    MINMAX = "minmax"
    """From the smallest number to the largest."""


@dataclass(frozen=True, kw_only=True)
class QuantiseSettings:
    """How a float model is quantised.

    Parameters
    ----------
    observer : of activations; weights have the range of their channel.
    percentile : of the numbers that the percentile observer keeps, on either side.
    equalise : try cross-layer equalisation, and keep it if the measured error shrinks.
    correct_bias : try bias correction, likewise.

    Raises
    ------
    InputError : a percentile that is none.
    """

    observer: Observer = Observer.MSE
    percentile: float = 99.99
    equalise: bool = True
    correct_bias: bool = True

    def __post_init__(self) -> None:
        if not 50 < self.percentile <= 100:
            raise InputError(f"percentile must be above 50 and at most 100, not {self.percentile}")
