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
    num_images : of the calibration data that are used, from the first on; all of them if None.
    finite_only : leave out what is infinite or not a number in an activation. Numbers that are
        drawn at random may lie where a square root or a quotient has no value.

    Raises
    ------
    InputError : a percentile that is none.
    """

    observer: Observer = Observer.MSE
    percentile: float = 99.99
    equalise: bool = True
    correct_bias: bool = True
    num_images: int | None = None
    finite_only: bool = False

    def __post_init__(self) -> None:
        if self.num_images is not None and self.num_images < 1:
            raise InputError(f"num_images must be at least 1, not {self.num_images}")
        if not 50 < self.percentile <= 100:
            raise InputError(f"percentile must be above 50 and at most 100, not {self.percentile}")
