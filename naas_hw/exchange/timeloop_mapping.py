"""A mapping as Timeloop's: a directive for each level, and one for the array.

Permutations run from the inside; the batch N is outermost in each, and G (groups) outside it. A
factor `P=7,3` has seven trips, and three when all loops outside it are in their last. The version
0.4 knows no such remainders: there each dim must be the product of its factors, or is padded.
"""

from collections.abc import Iterable
from typing import Any, Final

from naas_hw.exchange.levels import INNER_TO_OUTER, Factor, Level, covered, factors_of, tight
from naas_hw.exchange.refusals import refuse
from naas_hw.exchange.timeloop_format import (
    BATCH,
    DIMS,
    DRAM,
    GLOBAL_BUFFER,
    GROUP,
    PE,
    PE_BUFFER,
    Version,
)
from naas_hw.exchange.timeloop_problem import problem_dims
from naas_hw.mapping.geometry import Geometry
from naas_hw.workload.layer import Dim, Layer

ORDERS: Final = {Level.DRAM: "dram_order", Level.L2: "l2_order", Level.PE: "pe_order"}
TARGETS: Final = {Level.DRAM: DRAM, Level.L2: GLOBAL_BUFFER, Level.PE: PE_BUFFER}
SPATIAL_TARGET: Final = {Version.V03: GLOBAL_BUFFER, Version.V04: PE}

_RULES: Final = {
    Version.V03: (
        "Timeloop 3.0.3 counts every PE as the first one, at edges too (--pad makes the problem "
        "larger)"
    ),
    Version.V04: (
        f"Timeloop's {Version.V04} has no remainders "
        f"({Version.V03} has; --pad makes the problem larger)"
    ),
}

Factors = dict[Level, dict[Dim, Factor]]
"""Level -> dim -> loop."""


def mapping(geometry: Geometry, version: Version, *, pad: bool = False) -> dict[str, Any]:
    """The file's content; `geometry` must be legal.

    Parameters
    ----------
    pad : whether loops go on to their end where this version cannot tell their edge, or counts it
        wrong; the problem's bounds are then those of `told_bounds`.

    Raises
    ------
    InputError : without padding, an edge that this version cannot tell.
    """
    if not pad:
        refuse_edges([geometry], version)
    factors = told_factors(geometry, version)
    levels = [Level.DRAM, Level.L2, Level.SPATIAL, Level.PE]
    if geometry.accelerator.num_pes == 1:  # Timeloop has no loops for an array of one
        levels.remove(Level.SPATIAL)
    return {"mapping": [_directive(geometry, level, factors[level], version) for level in levels]}


def told_factors(geometry: Geometry, version: Version) -> Factors:
    """The loops, without the edges that this version does not count.

    Loops that nothing outside repeats end with the layer: a remainder there would be one of a
    loop that is not, and Timeloop's counts underflow.
    """
    factors = factors_of(tight(geometry))
    for dim in _uncounted(factors, version):
        levels = Level if version is Version.V04 else (Level.SPATIAL, Level.PE)
        for level in levels:
            trips = factors[level][dim].trips
            factors[level][dim] = Factor(trips, trips)
    return factors


def _uncounted(factors: Factors, version: Version) -> list[Dim]:
    """Dims whose edges this version has no words for, or counts wrong.

    It follows one PE and multiplies by their number, so a loop over the array, and one inside it
    over the same dim, must be whole. A loop around the array may have a remainder, and one inside
    if its dim lies on no axis.
    """
    if version is Version.V04:
        return [dim for dim in DIMS if any(factors[level][dim].is_ragged for level in Level)]
    return [
        dim
        for dim in DIMS
        if factors[Level.SPATIAL][dim].trips > 1
        and (factors[Level.SPATIAL][dim].is_ragged or factors[Level.PE][dim].is_ragged)
    ]


def told_bounds(geometry: Geometry, version: Version) -> dict[Dim, int]:
    """How many indices of each dim the loops cover."""
    factors = told_factors(geometry, version)
    return {dim: covered([factors[level][dim] for level in INNER_TO_OUTER]) for dim in DIMS}


def refuse_edges(geometries: Iterable[Geometry], version: Version) -> None:
    """Raise for all layers that this version cannot tell without padding.

    Raises
    ------
    InputError : names every such layer, and its first dim whose edge is not told.
    """
    refuse(((g.layer.name, _edge(g, version)) for g in geometries), _RULES[version])


def _edge(geometry: Geometry, version: Version) -> str | None:
    factors = factors_of(tight(geometry))
    for dim, reach in told_bounds(geometry, version).items():
        size = geometry.layer.bounds[dim]
        if size == reach:
            continue
        if version is Version.V03:
            share = factors[Level.SPATIAL][dim].trips * factors[Level.PE][dim].trips
            return f"{dim} must be a multiple of {share}, what the array takes of it, not {size}"
        trips = " x ".join(str(factors[level][dim].trips) for level in Level)
        return f"{dim} must be the product of its factors, {trips} = {reach}, not {size}"
    return None


def _directive(
    geometry: Geometry, level: Level, factors: dict[Dim, Factor], version: Version
) -> dict[str, Any]:
    dims = problem_dims(geometry.layer)
    groups = geometry.layer.groups if level is Level.DRAM else 1
    loops = {str(dim): factor for dim, factor in factors.items()}
    loops |= {BATCH: Factor(1, 1), GROUP: Factor(groups, groups)}
    written = [f"{dim}={_number(loops[dim])}" for dim in dims]
    if level is Level.SPATIAL:
        target, kind, split = SPATIAL_TARGET[version], "spatial", {"split": 1}
        order = _spatial_order(geometry)
    else:
        target, kind, split = TARGETS[level], "temporal", {}
        order = (*reversed(getattr(geometry.mapping, ORDERS[level])), *_outer(geometry.layer))
    return {
        "target": target,
        "type": kind,
        "factors": " ".join(written) if version is Version.V03 else written,
        "permutation": "".join(order) if version is Version.V03 else list(order),
        **split,
    }


def _number(factor: Factor) -> str:
    return f"{factor.trips},{factor.last}" if factor.is_ragged else str(factor.trips)


def _outer(layer: Layer) -> tuple[str, ...]:
    return tuple(dim for dim in problem_dims(layer) if dim not in DIMS)


def _spatial_order(geometry: Geometry) -> tuple[str, ...]:
    """The dim along X, then dims on no axis, then those along Y: the split is behind the first."""
    first, *others = (axis.dim for axis in geometry.accelerator.axes)
    idle = (dim for dim in problem_dims(geometry.layer) if dim not in (first, *others))
    return (first, *idle, *others)
