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
from typing import Final

from naas_hw.arch.accelerator import Accelerator
from naas_hw.core.errors import InputError
from naas_hw.exchange.maestro_levels import (
    KERNEL,
    OUTPUTS,
    ClusterLevel,
    Map,
    levels_of,
    told_stride,
)
from naas_hw.exchange.refusals import refuse
from naas_hw.exchange.timeloop_architecture import pe_buffer_words
from naas_hw.mapping.geometry import Geometry
from naas_hw.mapping.mapping import Mapping
from naas_hw.workload.layer import Dim, Kind, Layer

MAPPING: Final = "mapping.m"
HARDWARE: Final = "hardware.m"


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
    rows, columns = told_stride(layer)
    levels = levels_of(geometry)
    assert not isinstance(levels, str)  # or it was refused
    sizes = ", ".join(f"{dim}: {size}" for dim, size in _dimensions(layer).items())
    kind = "DSCONV" if layer.kind is Kind.DEPTHWISE else "CONV"
    directives = "".join(f"      {line};\n" for line in _dataflow(layer, levels))
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
    dimensions = {_name(layer, dim): bounds[dim] for dim in ("K", "C", "R", "S")}
    for dim, (image, kernel, place) in OUTPUTS.items():
        dimensions[image] = (bounds[dim] - 1) * told_stride(layer)[place] + bounds[kernel]
    return dict(sorted(dimensions.items(), key=lambda item: "KCRSYX".index(item[0])))


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
    if layer.residual:
        yield "residual must be false for MAESTRO, which adds no tensor to outputs, not true"
    if layer.dilation != (1, 1):
        yield f"dilation must be (1, 1) for MAESTRO, not {layer.dilation}"
    for dim, out in KERNEL.items():
        stride = told_stride(layer)[OUTPUTS[out][2]]
        trips = geometry.num_tiles[dim] * mapping.l2[dim]
        if trips > 1:
            yield f"{dim} must be whole in a step for MAESTRO, not in {trips} parts"
        if mapping.spatial[dim] > 1 and stride > 1:
            yield (
                f"stride along {out} must be 1 for MAESTRO where {dim} lies on an axis, not "
                f"{stride}"
            )
    levels = levels_of(geometry)
    if isinstance(levels, str):
        yield levels


def _dataflow(layer: Layer, levels: Sequence[ClusterLevel]) -> Iterator[str]:
    """All directives, outermost first, a level after the other."""
    kernel = dict.fromkeys(KERNEL, 1)
    for index, level in enumerate(levels):
        if index:
            yield f"Cluster({level.units}, P)"
        kernel |= {dim: size for dim in KERNEL if (size := level.covers(dim)) is not None}
        yield from (_directive(layer, entry, kernel) for entry in level.maps)


def _directive(layer: Layer, entry: Map, kernel: AbstractMapping[Dim, int]) -> str:
    """A map in MAESTRO's dims: of the input's rows and columns instead of the output's."""
    kind, size, offset = ("Spatial" if entry.is_spatial else "Temporal"), entry.size, entry.offset
    if entry.dim not in OUTPUTS:
        return f"{kind}Map({size}, {offset}) {_name(layer, entry.dim)}"
    image, of_kernel, place = OUTPUTS[entry.dim]
    stride, rows = told_stride(layer)[place], kernel[of_kernel]
    window = (size - 1) * stride + rows
    return f"{kind}Map({window}, {rows if offset is None else offset * stride}) {image}"
