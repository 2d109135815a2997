"""What may happen to an output byte behind requantisation: a residual, a table.

A residual r, an int8 tensor of the outputs' shape, is added to the byte c of the layer:

    y = clamp(z_y + shift((c - z_c) M_c + (r - z_r) M_r))

with 16-bit multipliers and one shift to the right, rounded to nearest, a tie away from zero. A
table replaces each byte by one of 256 entries, before or after the residual.
"""

from dataclasses import dataclass
from enum import IntEnum
from typing import Final

import numpy as np
from numpy.typing import NDArray

from naas_hw.workload.arithmetic.requantise import rounding_shift_right
from naas_hw.workload.option import TABLE_SIZE

_LARGEST_FACTOR: Final = (1 << 15) - 1
_MAX_SHIFT: Final = 31


class TablePlace(IntEnum):
    """Where the table stands; the number is what a descriptor says."""

    BEFORE_RESIDUAL = 1
    AFTER_RESIDUAL = 2


@dataclass(frozen=True, kw_only=True, eq=False)
class Table:
    """A function of one int8 number.

    Parameters
    ----------
    entries : int8 [256]; entry i belongs to the byte i, so the numbers -128 to -1 come last.
    place : beside a residual.

    Raises
    ------
    ValueError : a wrong type or shape.
    """

    entries: NDArray[np.int8]
    place: TablePlace = TablePlace.BEFORE_RESIDUAL

    def __post_init__(self) -> None:
        if self.entries.dtype != np.int8 or self.entries.shape != (TABLE_SIZE,):
            raise ValueError(
                f"entries must be int8 [{TABLE_SIZE}], "
                f"not {self.entries.dtype} {list(self.entries.shape)}"
            )

    def of(self, values: NDArray[np.int8]) -> NDArray[np.int8]:
        """The entry of each value, int8 of the same shape."""
        return self.entries[values.view(np.uint8)]


@dataclass(frozen=True, kw_only=True, eq=False)
class Addition:
    """How two int8 numbers are added.

    Parameters
    ----------
    main_multiplier, multiplier : of the layer's byte and of the residual, -2^15 to 2^15 - 1.
    shift : to the right, 0 to 31.
    main_zero_point, zero_point, output_zero_point : of the layer's byte, the residual, the sum.
    clamp_min, clamp_max : of the sum, -128 to 127.

    Raises
    ------
    ValueError : a value out of range.
    """

    main_multiplier: int
    multiplier: int
    shift: int
    main_zero_point: int = 0
    zero_point: int = 0
    output_zero_point: int = 0
    clamp_min: int = -128
    clamp_max: int = 127

    def __post_init__(self) -> None:
        for name in ("main_multiplier", "multiplier"):
            self._check(name, -_LARGEST_FACTOR - 1, _LARGEST_FACTOR)
        self._check("shift", 0, _MAX_SHIFT)
        for name in ("main_zero_point", "zero_point", "output_zero_point", "clamp_max"):
            self._check(name, -128, 127)
        self._check("clamp_min", -128, self.clamp_max)

    def _check(self, name: str, low: int, high: int) -> None:
        value = getattr(self, name)
        if not low <= value <= high:
            raise ValueError(f"{name} must be {low} to {high}, not {value}")

    def of(self, main: NDArray[np.int8], residual: NDArray[np.int8]) -> NDArray[np.int8]:
        """The sum of two tensors of one shape, int8."""
        total = (main.astype(np.int64) - self.main_zero_point) * self.main_multiplier
        total += (residual.astype(np.int64) - self.zero_point) * self.multiplier
        moved = rounding_shift_right(total, self.shift) + self.output_zero_point
        return np.clip(moved, self.clamp_min, self.clamp_max).astype(np.int8)


@dataclass(frozen=True, kw_only=True, eq=False)
class Residual:
    """What is added to a layer's outputs.

    Parameters
    ----------
    values : int8 [K, P, Q].
    addition : how.
    """

    values: NDArray[np.int8]
    addition: Addition


def apply_epilogue(
    outputs: NDArray[np.int8], residual: Residual | None, table: Table | None
) -> NDArray[np.int8]:
    """The bytes [K, P, Q] that leave the hardware, of those that leave the requantisers."""
    if table is not None and table.place is TablePlace.BEFORE_RESIDUAL:
        outputs = table.of(outputs)
    if residual is not None:
        outputs = residual.addition.of(outputs, residual.values)
    if table is not None and table.place is TablePlace.AFTER_RESIDUAL:
        outputs = table.of(outputs)
    return outputs
