"""A design as files for Timeloop, and the mappings of such a folder read back."""

from collections.abc import Iterator, Sequence
from collections.abc import Mapping as AbstractMapping
from pathlib import Path
from typing import Any, Final

from naas_hw.arch.accelerator import Accelerator
from naas_hw.arch.technology import AccessEnergy, AreaTable
from naas_hw.core.errors import InputError
from naas_hw.exchange.refusals import refuse
from naas_hw.exchange.timeloop_architecture import Attributes, architecture
from naas_hw.exchange.timeloop_energy import area_reference, energy_reference
from naas_hw.exchange.timeloop_format import Version, yaml_text
from naas_hw.exchange.timeloop_mapping import mapping, refuse_edges, told_bounds
from naas_hw.exchange.timeloop_problem import problem
from naas_hw.exchange.timeloop_reader import ReadMapping, read_timeloop
from naas_hw.mapping.geometry import Geometry
from naas_hw.mapping.mapping import Mapping
from naas_hw.workload.layer import Layer

ARCHITECTURE: Final = "architecture.yaml"
ENERGY: Final = "ERT.yaml"
AREA: Final = "ART.yaml"
LAYERS: Final = "layers"
PROBLEM: Final = "problem.yaml"
MAPPING: Final = "mapping.yaml"


def timeloop_files(
    accelerator: Accelerator,
    layers: Sequence[Layer],
    mappings: AbstractMapping[str, Mapping],
    *,
    energy: AccessEnergy,
    area: AreaTable,
    version: Version = Version.V03,
    pad: bool = False,
) -> dict[str, str]:
    """Path -> text: architecture and reference tables, and a folder for each layer.

    Parameters
    ----------
    mappings : name of a layer -> its legal mapping.
    pad : whether a problem is made larger where this version cannot tell an edge of its mapping,
        or counts it wrong.

    Raises
    ------
    InputError : layers with a residual, mappings that this version cannot tell; names every such
        layer, and its dim.
    """
    geometries = [
        Geometry(accelerator=accelerator, layer=layer, mapping=mappings[layer.name])
        for layer in layers
    ]
    refuse((layer.name, _refusal(layer)) for layer in layers)
    if not pad:
        refuse_edges(geometries, version)
    files: dict[str, str] = {
        ARCHITECTURE: yaml_text(architecture(accelerator, Attributes.of(accelerator), version)),
        ENERGY: yaml_text(energy_reference(accelerator, energy, version)),
        AREA: yaml_text(area_reference(accelerator, area, version)),
    }
    for geometry in geometries:
        layer = geometry.layer
        bounds = told_bounds(geometry, version)
        comments = tuple(untold(geometry, bounds))
        files[f"{LAYERS}/{layer.name}/{PROBLEM}"] = yaml_text(
            problem(layer.model_copy(update={"stride": geometry.stride}), version, bounds=bounds),
            comments,
        )
        files[f"{LAYERS}/{layer.name}/{MAPPING}"] = yaml_text(mapping(geometry, version, pad=True))
    return files


def _refusal(layer: Layer) -> str | None:
    if layer.residual:
        return "residual must be false for Timeloop, whose problems have three tensors, not true"
    return None


def untold(geometry: Geometry, bounds: AbstractMapping[Any, int]) -> Iterator[str]:
    """What of this layer the problem does not say, a sentence each."""
    layer = geometry.layer
    if layer.padding != (0, 0):
        yield f"Padding of {layer.padding} is not told: the whole window counts as input."
    for option in sorted(layer.options):
        yield f"That the layer needs {option} is not told."
    if geometry.is_dense_pointwise:
        yield f"A stride of {layer.stride} is not told: the input is what the 1x1 kernel reads."
    if layer.kind == "transposed":
        yield "A transposed convolution is told as the product that it is."
    enlarged = [dim for dim, size in layer.bounds.items() if bounds[dim] != size]
    if enlarged:
        sizes = ", ".join(f"{dim} {bounds[dim]} for {layer.bounds[dim]}" for dim in enlarged)
        yield f"The problem is larger than the layer: {sizes}."


def read_timeloop_mappings(source: str | Path) -> dict[str, ReadMapping]:
    """Name of a layer -> its mapping, in the order of the names.

    Parameters
    ----------
    source : a folder as `timeloop_files` fills it, or one mapping, whose problem lies beside it
        and whose layer has the name of their folder.

    Raises
    ------
    InputError : one sentence that names file, place, rule and value.
    """
    source = Path(source)
    if source.is_file():
        places = [source]
    else:
        places = sorted(source.glob(f"{LAYERS}/*/{MAPPING}"))
    if not places:
        raise InputError(
            f"{source} must be a mapping, or a folder that holds {LAYERS}/LAYER/{MAPPING}"
        )
    return {
        place.resolve().parent.name: read_timeloop(place, place.with_name(PROBLEM))
        for place in places
    }
