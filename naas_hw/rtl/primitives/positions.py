"""Positions of an array, and their names."""

from itertools import product

from naas_hw.arch.accelerator import Accelerator
from naas_hw.workload.layer import Dim

Position = dict[Dim, int]


def positions(accelerator: Accelerator, dims: tuple[Dim, ...]) -> list[Position]:
    """All positions of the axes with these dims, the last axis fastest."""
    axes = [axis for axis in accelerator.axes if axis.dim in dims]
    return [
        dict(zip((axis.dim for axis in axes), index, strict=True))
        for index in product(*(range(axis.size) for axis in axes))
    ]


def key(where: Position) -> str:
    """Name of a position: k3_c0."""
    return "_".join(f"{dim.lower()}{at}" for dim, at in where.items()) or "all"


def accumulator_words(accelerator: Accelerator) -> int:
    """Words of one half of an accumulator bank."""
    return accelerator.accumulator_words // (2 * accelerator.accumulator_lanes)
