"""Which levels a tensor may bypass: those that save it no access.

Our hardware holds every tensor at every level, and does the same as one that bypasses such a level.
A level that holds each element for one use only is a station on the way: the reads of the level
outside are the same with and without it. Then the schedule of the mapping is that of our hardware,
which counts the way through the level as accesses all the same. Where a level would save reads, a
mapping that passes it by is another one than the hardware can run.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import prod
from typing import Final

from naas_hw.exchange.levels import Factor, Level
from naas_hw.exchange.timeloop_problem_reader import INPUTS, ReadProblem
from naas_hw.exchange.windows import num_places
from naas_hw.workload.layer import DIMS, Dim

_SLIDING: Final[tuple[tuple[Dim, Dim], ...]] = (("P", "R"), ("Q", "S"))
"""Output and kernel dims of rows, and of columns."""


@dataclass(frozen=True, kw_only=True)
class TimeloopNest:
    """Loops of all levels with their orders, outermost first, and the problem they run over."""

    problem: ReadProblem
    loops: Mapping[Level, Mapping[str, Factor]]
    dram_order: Sequence[Dim]
    l2_order: Sequence[Dim]

    def trips(self, level: Level, dims: Sequence[Dim] = DIMS) -> int:
        """Trips of these loops at a level."""
        return prod(self.loops[level][dim].trips for dim in dims)

    def changes(self, tensor: str, levels: Sequence[Level]) -> int:
        """How often its part below these levels changes: trips down to its innermost loop."""
        orders = {Level.DRAM: self.dram_order, Level.L2: self.l2_order}
        nest = [(dim, self.loops[at][dim].trips) for at in levels for dim in orders[at]]
        dims = self.problem.dims_of(tensor)
        moving = [i for i, (dim, trips) in enumerate(nest) if dim in dims and trips > 1]
        return prod(trips for _, trips in nest[: moving[-1] + 1]) if moving else 1


def why_held(nest: TimeloopNest, level: Level, tensor: str) -> str | None:
    """What a level of ours saves a tensor, in words; None if nothing, so that it may be passed by.

    Parameters
    ----------
    level : L2 or PE; DRAM holds everything.
    """
    if level is Level.DRAM:
        return "everything comes from there"
    return _saved_by_l2(nest, tensor) if level is Level.L2 else _saved_by_pe(nest, tensor)


def _saved_by_l2(nest: TimeloopNest, tensor: str) -> str | None:
    """What the global buffer saves a tensor, in words; None if nothing."""
    parts = nest.trips(Level.L2, nest.problem.dims_of(tensor))
    once = nest.changes(tensor, (Level.DRAM,)) * parts
    without = nest.changes(tensor, (Level.DRAM, Level.L2))
    if once != without:
        return f"it is moved {without // once} times without it"
    if tensor == INPUTS and _overlaps(nest, (Level.PE, Level.SPATIAL), (Level.L2,)):
        return "the windows of its steps overlap"
    return None


def _saved_by_pe(nest: TimeloopNest, tensor: str) -> str | None:
    """What the buffers of the PEs save a tensor, in words; None if nothing."""
    dims = nest.problem.dims_of(tensor)
    uses = nest.trips(Level.PE, [dim for dim in DIMS if dim not in dims])
    if uses > 1:
        return f"each element is used {uses} times in a step"
    if tensor == INPUTS and _overlaps(nest, (), (Level.PE,)):
        return "the windows of its products overlap"
    steps = nest.trips(Level.DRAM) * nest.trips(Level.L2)
    changes = nest.changes(tensor, (Level.DRAM, Level.L2))
    return None if changes == steps else f"it stays for {steps // changes} steps"


def _overlaps(nest: TimeloopNest, inside: Sequence[Level], around: Sequence[Level]) -> bool:
    """Whether windows of `inside` share rows or columns along the loops `around` them."""
    return any(
        _num_pixels(nest, place, (*inside, *around))
        != _num_pixels(nest, place, inside) * prod(nest.trips(at, dims) for at in around)
        for place, dims in enumerate(_SLIDING)
    )


def _num_pixels(nest: TimeloopNest, place: int, levels: Sequence[Level]) -> int:
    """Rows (0) or columns (1) of input that the loops of these levels read."""
    out, kernel = (prod(nest.trips(at, [dim]) for at in levels) for dim in _SLIDING[place])
    return num_places(out, nest.problem.stride[place], kernel, nest.problem.dilation[place])
