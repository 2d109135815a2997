"""Positions of an array, and their names."""

from itertools import product
from math import prod
from typing import Final

from naas_hw.arch.accelerator import Accelerator
from naas_hw.workload.layer import Dim

Position = dict[Dim, int]

PE_DIMS: Final[tuple[Dim, ...]] = ("K", "C", "P", "Q", "R", "S")
WINDOW_DIMS: Final[tuple[Dim, ...]] = ("P", "Q", "R", "S")
"""Dims whose positions say which rows and columns of the input a PE keeps."""


def positions(accelerator: Accelerator, dims: tuple[Dim, ...]) -> list[Position]:
    """All positions of the axes with these dims, the last axis fastest."""
    axes = [axis for axis in accelerator.axes if axis.dim in dims]
    return [
        dict(zip((axis.dim for axis in axes), index, strict=True))
        for index in product(*(range(axis.size) for axis in axes))
    ]


def pe_positions(accelerator: Accelerator) -> list[Position]:
    """Position of each PE."""
    return positions(accelerator, PE_DIMS)


def pes_at(accelerator: Accelerator, dims: tuple[Dim, ...]) -> list[list[int]]:
    """Numbers of the PEs at each position of the axes with these dims, in the order of both."""
    pes: dict[str, list[int]] = {key(where): [] for where in positions(accelerator, dims)}
    for i, where in enumerate(pe_positions(accelerator)):
        pes[key({dim: at for dim, at in where.items() if dim in dims})].append(i)
    return list(pes.values())


def pes_of_a_window(accelerator: Accelerator) -> int:
    """Number of PEs at one window position."""
    return prod(axis.size for axis in accelerator.axes if axis.dim not in WINDOW_DIMS)


def key(where: Position) -> str:
    """Name of a position: k3_c0."""
    return "_".join(f"{dim.lower()}{at}" for dim, at in where.items()) or "all"


def accumulator_words(accelerator: Accelerator) -> int:
    """Words of one half of an accumulator bank."""
    return accelerator.accumulator_words // (2 * accelerator.accumulator_lanes)
