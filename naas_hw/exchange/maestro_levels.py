"""A mapping as MAESTRO's levels: maps of dims in time or over units, a level inside the other.

MAESTRO counts products from the maps of its first level alone: trips of each dim times the outputs
that one map holds. This goes wrong in two places, so mappings are told so that neither occurs, or
are refused:

- a map of several outputs along a stride counts the inputs between them as outputs too. Such rows
  or columns are told one by one, as the innermost loop of the first level;
- where units take a dim in passes, and the last pass leaves one of them a part of its share, the
  whole pass counts as another number of units. Then the axis becomes a level of its own.

Source: maestro-project/maestro 4eb08d1, `DFA_iteration-analysis.hpp` (cases of a dim),
`DFA_cluster-analysis.hpp` (sizes of levels, strides), and counts of the program itself for maps of
1 to 6 outputs over 1 to 5 units.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from naas_hw.arch.accelerator import Axis
from naas_hw.mapping.geometry import Geometry, ceil_div
from naas_hw.workload.layer import DIMS, Dim, Layer

MAX_LEVELS: Final = 4
"""Its `maestro-top.cpp` makes networks for so many levels of clusters."""

OUTPUTS: Final[dict[Dim, tuple[str, Dim, int]]] = {"P": ("Y", "R", 0), "Q": ("X", "S", 1)}
"""Dim of the output -> that of the input, its kernel's, and the place in (rows, columns)."""

KERNEL: Final[dict[Dim, Dim]] = {"R": "P", "S": "Q"}


@dataclass(frozen=True)
class Map:
    """A directive in our dims: `size` indices, and `offset` of them to the next.

    Parameters
    ----------
    offset : None where the input slides along a kernel's axis, by the kernel's own map.
    """

    dim: Dim
    size: int
    offset: int | None
    is_spatial: bool = False


@dataclass(frozen=True)
class ClusterLevel:
    """Maps, outermost first, over `units` units."""

    units: int
    maps: tuple[Map, ...]

    def covers(self, dim: Dim) -> int | None:
        """Indices of the dim that one unit gets; None where the level has no map of it."""
        return next((m.size for m in self.maps if m.dim == dim), None)


@dataclass(frozen=True)
class _Loop:
    """A loop outside the array: `trips` of `size` indices."""

    dim: Dim
    size: int
    trips: int


def told_stride(layer: Layer) -> tuple[int, int]:
    """Strides given to MAESTRO, rows then columns: 1 where the kernel has size 1."""
    return (
        1 if layer.R == 1 else layer.stride[0],
        1 if layer.S == 1 else layer.stride[1],
    )


def levels_of(geometry: Geometry) -> tuple[ClusterLevel, ...] | str:
    """The levels, outermost first, or why MAESTRO cannot count them."""
    reasons = []
    temporal = _temporal_levels(geometry)
    for joined in _joinable_axes(geometry, temporal[-1]):
        levels = tuple(_levels(geometry, temporal, joined))
        reason = _reason(geometry.layer, levels)
        if reason is None:
            return levels
        reasons.append(reason)
    return reasons[0]


def _reason(layer: Layer, levels: Sequence[ClusterLevel]) -> str | None:
    if len(levels) > MAX_LEVELS:
        return (
            f"mapping must have at most {MAX_LEVELS} levels for MAESTRO, tiles, steps and axes "
            f"together, not {len(levels)}"
        )
    return next(_miscounted(layer, levels[0]), None)


def _miscounted(layer: Layer, level: ClusterLevel) -> Iterator[str]:
    """Dims of the first level whose products MAESTRO miscounts, in words."""
    for entry in level.maps:
        if entry.dim in OUTPUTS:
            _, _, place = OUTPUTS[entry.dim]
            stride = told_stride(layer)[place]
            if stride > 1 and entry.size > 1:
                yield (
                    f"stride along {entry.dim} must be 1 for MAESTRO where its first level moves "
                    f"{entry.size} outputs at a time, not {stride}"
                )
        if entry.is_spatial and not _edge_counts(layer, entry, level.units):
            yield (
                f"{entry.dim} must leave each unit its whole share in the last pass for MAESTRO, "
                f"not {layer.bounds[entry.dim]} in passes of {level.units} x {entry.size}"
            )


def _edge_counts(layer: Layer, entry: Map, units: int) -> bool:
    """Whether MAESTRO counts the last pass of a spatial map right."""
    size, shared = entry.size, entry.size * units
    bound = layer.bounds[entry.dim]
    rest = bound % shared
    if bound <= shared or rest == 0:
        return True
    if entry.dim in OUTPUTS and layer.bounds[OUTPUTS[entry.dim][1]] > 1:
        return rest % size == 0 and rest > size
    return rest % size == 0 or rest < size


def _joinable_axes(geometry: Geometry, loops: Sequence[_Loop]) -> Iterator[Axis | None]:
    """Axes that can be the spatial map of the steps' level, whose units take the steps in turn.

    That is the mapping where every unit works, or where the dim has one step. A kernel's axis
    stays innermost. The last choice is none.
    """
    trips = {loop.dim: loop.trips for loop in loops}
    for axis in _axes(geometry):
        if axis.dim in KERNEL or _is_idle(geometry, axis.dim):
            continue
        if geometry.mapping.spatial[axis.dim] == axis.size or trips[axis.dim] == 1:
            yield axis
    yield None


def _axes(geometry: Geometry) -> list[Axis]:
    return [axis for axis in geometry.accelerator.axes if axis.size > 1]


def _is_idle(geometry: Geometry, dim: Dim) -> bool:
    """A depthwise layer has no map of our C: its one channel is that of K."""
    return geometry.is_depthwise and dim == "C"


def _temporal_levels(geometry: Geometry) -> list[list[_Loop]]:
    """The loops outside the array: one level if no dim has two, else tiles and steps apart."""
    bounds, mapping = geometry.layer.bounds, geometry.mapping
    steps = {d: min(bounds[d], mapping.pe[d] * mapping.spatial[d]) for d in DIMS}
    tiles = {d: min(bounds[d], mapping.l2[d] * steps[d]) for d in DIMS}
    outer = [_Loop(d, tiles[d], geometry.num_tiles[d]) for d in mapping.dram_order]
    inner = [_Loop(d, steps[d], mapping.l2[d]) for d in mapping.l2_order]
    if any(geometry.num_tiles[d] > 1 and mapping.l2[d] > 1 for d in DIMS):
        return [outer, inner]
    real = [loop for loop in (*outer, *inner) if loop.trips > 1]
    idle = [loop for loop in inner if loop.dim not in {other.dim for other in real}]
    return [[*idle, *real]]


def _levels(
    geometry: Geometry, temporal: Sequence[Sequence[_Loop]], joined: Axis | None
) -> Iterator[ClusterLevel]:
    """All levels; `covers` is what a unit of the level so far gets of each dim."""
    covers: dict[Dim, int] = {}
    for loops in temporal:
        axis = joined if loops is temporal[-1] else None
        singles = _singles(geometry, loops, axis) if len(temporal) == 1 else []
        told = _one_by_one(geometry, loops, singles)
        covers |= {loop.dim: loop.size for loop in told}
        if axis:
            share = 1 if axis.dim in singles else _in_pe(geometry, axis.dim)
            covers[axis.dim] = min(covers[axis.dim], share)
        yield _temporal_level(told, axis, covers, geometry)
    others = [axis for axis in _axes(geometry) if axis is not joined]
    for axis in sorted(others, key=lambda axis: axis.dim in KERNEL):
        if not _is_idle(geometry, axis.dim):
            covers[axis.dim] = min(covers[axis.dim], _in_pe(geometry, axis.dim))
        yield ClusterLevel(axis.size, tuple(_spatial_maps(geometry, axis.dim, covers)))


def _in_pe(geometry: Geometry, dim: Dim) -> int:
    return min(geometry.layer.bounds[dim], geometry.mapping.pe[dim])


def _singles(geometry: Geometry, loops: Sequence[_Loop], axis: Axis | None) -> list[Dim]:
    """Strided outputs that a PE holds together and that can be told one at a time, outermost first.

    The PE's loop over them joins the one outside the array, where no loop lies between but of other
    such outputs; the order inside a PE is not told anyway.
    """
    dims = [dim for dim in geometry.mapping.pe_order if _is_splittable(geometry, dim, axis)]
    real = [loop.dim for loop in loops if loop.trips > 1]
    inside: list[Dim] = []
    while real and real[-1] in dims:
        inside.insert(0, real.pop())
    return [*inside, *(dim for dim in dims if dim not in real and dim not in inside)]


def _is_splittable(geometry: Geometry, dim: Dim, axis: Axis | None) -> bool:
    """Whether it is strided, and all its indices in a step are one PE's or each a full axis'."""
    if dim not in OUTPUTS or told_stride(geometry.layer)[OUTPUTS[dim][2]] == 1:
        return False
    due = axis.size if axis is not None and axis.dim == dim else 1
    return geometry.mapping.spatial[dim] == due


def _one_by_one(geometry: Geometry, loops: Sequence[_Loop], singles: Sequence[Dim]) -> list[_Loop]:
    """The loops with these dims innermost, an index at a time for each position of their axis."""
    bounds, spatial = geometry.layer.bounds, geometry.mapping.spatial
    others = [loop for loop in loops if loop.dim not in singles]
    return others + [_Loop(d, spatial[d], ceil_div(bounds[d], spatial[d])) for d in singles]


def _temporal_level(
    loops: Sequence[_Loop], axis: Axis | None, covers: dict[Dim, int], geometry: Geometry
) -> ClusterLevel:
    """Without an axis it has one unit; each level needs a spatial map, so K's is called one."""
    spatial = axis.dim if axis else "K"
    maps = tuple(
        Map(loop.dim, covers[loop.dim], covers[loop.dim], loop.dim == spatial)
        for loop in loops
        if not _is_idle(geometry, loop.dim)
    )
    return ClusterLevel(axis.size if axis else 1, maps)


def _spatial_maps(geometry: Geometry, dim: Dim, covers: dict[Dim, int]) -> Iterator[Map]:
    """Where the kernel lies on an axis, its input slides along with it."""
    if _is_idle(geometry, dim):  # one unit gets all channels, the others none
        yield Map("K", covers["K"], covers["K"], True)
        return
    if dim in KERNEL:
        yield Map(KERNEL[dim], covers[KERNEL[dim]], None, True)
    yield Map(dim, covers[dim], covers[dim], True)
