"""A mapping as Timeloop's: a directive for each level, and one for the array.

Permutations run from the inside; the batch N is outermost in each, and G (groups) outside it. A
factor `P=7,3` has seven trips, and three when all loops outside it are in their last. The version
0.4 knows no such remainders: there each dim must be the product of its factors, or is padded.
"""

from collections.abc import Iterable
from math import prod
from typing import Any, Final

from naas_hw.exchange.levels import Factor, Level, factors_of
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

_NO_REMAINDERS: Final = (
    f"Timeloop's {Version.V04} has no remainders "
    f"({Version.V03} has; --pad makes the problem larger)"
)


def mapping(geometry: Geometry, version: Version, *, pad: bool = False) -> dict[str, Any]:
    """The file's content; `geometry` must be legal.

    Parameters
    ----------
    pad : whether loops that reach beyond the layer go on to their end (v0.4); the problem's bounds
        are then those of `padded_bounds`.

    Raises
    ------
    InputError : v0.4, without padding, and a dim is not the product of its factors.
    """
    factors = factors_of(geometry)
    if pad:
        factors = {
            level: {dim: Factor(f.trips, f.trips) for dim, f in loops.items()}
            for level, loops in factors.items()
        }
    elif version is Version.V04:
        refuse_remainders([geometry])
    levels = [Level.DRAM, Level.L2, Level.SPATIAL, Level.PE]
    if geometry.accelerator.num_pes == 1:  # Timeloop has no loops for an array of one
        levels.remove(Level.SPATIAL)
    return {"mapping": [_directive(geometry, level, factors[level], version) for level in levels]}


def padded_bounds(geometry: Geometry) -> dict[Dim, int]:
    """The product of the factors of each dim."""
    factors = factors_of(geometry)
    return {dim: prod(loops[dim].trips for loops in factors.values()) for dim in DIMS}


def refuse_remainders(geometries: Iterable[Geometry]) -> None:
    """Raise for all layers that v0.4 cannot tell without padding.

    Raises
    ------
    InputError : names every such layer, and its first dim that is not the product of its factors.
    """
    refuse(((g.layer.name, _remainder(g)) for g in geometries), _NO_REMAINDERS)


def _remainder(geometry: Geometry) -> str | None:
    factors = factors_of(geometry)
    for dim, product in padded_bounds(geometry).items():
        if (size := geometry.layer.bounds[dim]) != product:
            trips = " x ".join(str(factors[level][dim].trips) for level in Level)
            return f"{dim} must be the product of its factors, {trips} = {product}, not {size}"
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
