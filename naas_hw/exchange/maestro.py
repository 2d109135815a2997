"""A design as MAESTRO's files: the mapping of all layers, and the hardware.

MAESTRO names dims K C R S, rows Y and columns X of the *input*; a depthwise layer (DSCONV) counts
its channels in C. A directive `Map(size, offset) D` gives each unit of a level `size` indices of D,
the next trip (or, if spatial, the next unit) `offset` further. `Cluster(n, P)` opens a level of n
units inside each unit of the one above. Each level needs one spatial map; at a level of one unit
it is a loop like the others.

Source: maestro-project/maestro, `cost-model/include/dataflow-specification-language/` (parsers)
and `dataflow-analysis/DFA_cluster-*.hpp` (sizes of clusters, spatial maps, how Y' becomes Y).
"""

import re
from collections.abc import Iterator, Sequence
from collections.abc import Mapping as AbstractMapping
from dataclasses import dataclass
from typing import Final

from naas_hw.arch.accelerator import Accelerator, Axis
from naas_hw.errors import InputError
from naas_hw.exchange.refusals import refuse
from naas_hw.exchange.timeloop_architecture import pe_buffer_words
from naas_hw.mapping.geometry import Geometry
from naas_hw.mapping.mapping import Mapping
from naas_hw.workload.layer import DIMS, Dim, Kind, Layer

MAPPING: Final = "mapping.m"
HARDWARE: Final = "hardware.m"
MAX_LEVELS: Final = 4
"""Its `maestro-top.cpp` makes networks for so many levels of clusters."""

_OUTPUTS: Final[dict[Dim, tuple[str, Dim, int]]] = {"P": ("Y", "R", 0), "Q": ("X", "S", 1)}
"""Dim of the output -> that of the input, its kernel's, and the place in (rows, columns)."""

_KERNEL: Final[dict[Dim, Dim]] = {"R": "P", "S": "Q"}


@dataclass(frozen=True)
class _Loop:
    """One directive in our dims: `size` indices, and as many to the next."""

    dim: Dim
    size: int
    trips: int


def maestro_files(
    accelerator: Accelerator,
    layers: Sequence[Layer],
    mappings: AbstractMapping[str, Mapping],
    *,
    network: str = "network",
) -> dict[str, str]:
    """Path -> text.

    Raises
    ------
    InputError : what MAESTRO cannot say; names every such layer, and its field.
    """
    geometries = [
        Geometry(accelerator=accelerator, layer=layer, mapping=mappings[layer.name])
        for layer in layers
    ]
    refuse((geometry.layer.name, refusal(geometry)) for geometry in geometries)
    text = "\n".join(map(layer_block, geometries))
    return {
        MAPPING: f"Network {_word(network)} {{\n{text}}}\n",
        HARDWARE: hardware_text(accelerator),
    }


def hardware_text(accelerator: Accelerator) -> str:
    """PEs, elements of a PE's memories and of L2, elements a cycle into the array and off chip.

    Raises
    ------
    InputError : the bus moves no whole number of elements a cycle.
    """
    beat, period = accelerator.beat_bytes, accelerator.dram_beat_period_cycles
    if beat % period:
        raise InputError(
            f"dram_beat_period_cycles must divide the {beat} bytes of a beat, not {period}: "
            "MAESTRO's offchip_bw_cstr is a whole number of elements a cycle"
        )
    network = accelerator.weight_network_lanes + accelerator.input_network_lanes
    lines = {
        "num_pes": accelerator.num_pes,
        "l1_size_cstr": pe_buffer_words(accelerator),
        "l2_size_cstr": accelerator.global_buffer_bytes,
        "noc_bw_cstr": network,
        "offchip_bw_cstr": beat // period,
    }
    return "".join(f"{name}: {value}\n" for name, value in lines.items())


def layer_block(geometry: Geometry) -> str:
    """One layer with its dataflow; `geometry` must be legal.

    Raises
    ------
    InputError : MAESTRO cannot say it.
    """
    layer = geometry.layer
    refuse([(layer.name, refusal(geometry))])
    rows, columns = layer.stride
    sizes = ", ".join(f"{dim}: {size}" for dim, size in _dimensions(layer).items())
    kind = "DSCONV" if layer.kind is Kind.DEPTHWISE else "CONV"
    directives = "".join(f"      {line};\n" for line in _dataflow(geometry))
    return (
        f"  // {layer.name}\n"
        f"  Layer {_word(layer.name)} {{\n"
        f"    Type: {kind}\n"
        f"    Stride {{ X: {columns}, Y: {rows} }}\n"
        f"    Dimensions {{ {sizes} }}\n"
        f"    Dataflow {{\n{directives}    }}\n"
        f"  }}\n"
    )


def _word(name: str) -> str:
    """A name that MAESTRO's tokens leave whole."""
    return re.sub(r"\W", "_", name, flags=re.ASCII)


def _dimensions(layer: Layer) -> dict[str, int]:
    """MAESTRO's dims: Y and X are what the windows cover, padding included."""
    bounds = layer.bounds
    found = {_name(layer, dim): bounds[dim] for dim in ("K", "C", "R", "S")}
    for dim, (image, kernel, place) in _OUTPUTS.items():
        found[image] = (bounds[dim] - 1) * layer.stride[place] + bounds[kernel]
    return dict(sorted(found.items(), key=lambda item: "KCRSYX".index(item[0])))


def _name(layer: Layer, dim: Dim) -> str:
    """MAESTRO's name of a dim that is no output's row or column."""
    if layer.kind is Kind.DEPTHWISE and dim in ("K", "C"):
        return "C" if dim == "K" else "K"
    return dim


def refusal(geometry: Geometry) -> str | None:
    """Why MAESTRO cannot say it, by the name of the field; None if it can."""
    return next(_refusals(geometry), None)


def _refusals(geometry: Geometry) -> Iterator[str]:
    layer, mapping = geometry.layer, geometry.mapping
    if layer.groups > 1:
        yield f"groups must be 1 for MAESTRO, not {layer.groups}"
    if layer.dilation != (1, 1):
        yield f"dilation must be (1, 1) for MAESTRO, not {layer.dilation}"
    for dim, out in _KERNEL.items():
        stride = layer.stride[_OUTPUTS[out][2]]
        trips = geometry.num_tiles[dim] * mapping.l2[dim]
        if trips > 1:
            yield f"{dim} must be whole in a step for MAESTRO, not in {trips} parts"
        if mapping.spatial[dim] > 1 and stride > 1:
            yield (
                f"stride along {out} must be 1 for MAESTRO where {dim} lies on an axis, not "
                f"{stride}"
            )
    temporal, _ = _temporal_levels(geometry)
    number = len(temporal) + len(_axes(geometry, temporal[-1])[1])
    if number > MAX_LEVELS:
        yield (
            f"mapping must have at most {MAX_LEVELS} levels for MAESTRO, tiles, steps and axes "
            f"together, not {number}"
        )


def _dataflow(geometry: Geometry) -> Iterator[str]:
    """All directives, outermost first, a level after the other."""
    temporal, covers = _temporal_levels(geometry)
    joined, others = _axes(geometry, temporal[-1])
    for index, loops in enumerate(temporal):
        on_axis = joined if loops is temporal[-1] else None
        if index:
            yield f"Cluster({on_axis.size if on_axis else 1}, P)"
        yield from _temporal_level(geometry, loops, on_axis)
    if joined:
        covers[joined.dim] = _in_pe(geometry, joined.dim)
    for axis in others:
        yield f"Cluster({axis.size}, P)"
        covers[axis.dim] = _in_pe(geometry, axis.dim)
        yield from _spatial_maps(geometry.layer, axis.dim, covers)


def _in_pe(geometry: Geometry, dim: Dim) -> int:
    return min(geometry.layer.bounds[dim], geometry.mapping.pe[dim])


def _axes(geometry: Geometry, loops: Sequence[_Loop]) -> tuple[Axis | None, list[Axis]]:
    """The axis that takes the steps' level, if any, and those that are levels of their own."""
    axes = [axis for axis in geometry.accelerator.axes if axis.size > 1]
    joined = _joined_axis(geometry, axes, loops)
    others = [axis for axis in axes if axis is not joined]
    return joined, sorted(others, key=lambda axis: axis.dim in _KERNEL)


def _joined_axis(geometry: Geometry, axes: Sequence[Axis], loops: Sequence[_Loop]) -> Axis | None:
    """The axis that is the spatial map of the steps' level: its units take the steps in turn.

    That is the mapping where every unit works, or where the dim has one step. A kernel's axis
    stays innermost.
    """
    trips = {loop.dim: loop.trips for loop in loops}
    for axis in axes:
        whole = geometry.mapping.spatial[axis.dim] == axis.size or trips[axis.dim] == 1
        if axis.dim not in _KERNEL and whole:
            return axis
    return None


def _temporal_levels(geometry: Geometry) -> tuple[list[list[_Loop]], dict[Dim, int]]:
    """The loops outside the array: one level if no dim has two, else tiles and steps apart.

    The second value is how many indices of each dim one step covers.
    """
    bounds, mapping = geometry.layer.bounds, geometry.mapping
    steps = {d: min(bounds[d], mapping.pe[d] * mapping.spatial[d]) for d in DIMS}
    tiles = {d: min(bounds[d], mapping.l2[d] * steps[d]) for d in DIMS}
    outer = [_Loop(d, tiles[d], geometry.num_tiles[d]) for d in mapping.dram_order]
    inner = [_Loop(d, steps[d], mapping.l2[d]) for d in mapping.l2_order]
    twice = any(geometry.num_tiles[d] > 1 and mapping.l2[d] > 1 for d in DIMS)
    if twice:
        return [outer, inner], steps
    real = [loop for loop in (*outer, *inner) if loop.trips > 1]
    idle = [loop for loop in inner if loop.dim not in {other.dim for other in real}]
    return [[*real, *idle]], steps


def _temporal_level(geometry: Geometry, loops: Sequence[_Loop], axis: Axis | None) -> Iterator[str]:
    """Without an axis it has one unit, and its innermost loop is the spatial map that it needs."""
    real = [loop.dim for loop in loops if loop.trips > 1 and loop.dim not in _KERNEL]
    spatial = axis.dim if axis else real[-1] if real else "K"
    covers = {loop.dim: loop.size for loop in loops}
    if axis:
        covers[axis.dim] = _in_pe(geometry, axis.dim)
    for loop in loops:
        kind = "SpatialMap" if loop.dim == spatial else "TemporalMap"
        yield _map(kind, geometry.layer, loop.dim, covers)


def _spatial_maps(layer: Layer, dim: Dim, covers: dict[Dim, int]) -> Iterator[str]:
    """Where the kernel lies on an axis, its input slides along with it."""
    if dim in _KERNEL:
        yield _map("SpatialMap", layer, _KERNEL[dim], covers, offset=covers[dim])
    yield _map("SpatialMap", layer, dim, covers)


def _map(
    kind: str, layer: Layer, dim: Dim, covers: dict[Dim, int], *, offset: int | None = None
) -> str:
    size = covers[dim]
    if dim not in _OUTPUTS:
        return f"{kind}({size}, {size}) {_name(layer, dim)}"
    image, kernel, place = _OUTPUTS[dim]
    stride = layer.stride[place]
    window = (size - 1) * stride + covers[kernel]
    return f"{kind}({window}, {size * stride if offset is None else offset}) {image}"
