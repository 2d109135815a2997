"""Export designs as files of other tools, and import mappings from such files."""

from collections.abc import Sequence
from pathlib import Path

from naas_hw.api.designs import Design, design_of, table_of
from naas_hw.arch.technology import (
    AREA,
    EnergyTable,
)
from naas_hw.core.errors import InputError
from naas_hw.emit.plan import FilePlan
from naas_hw.exchange.formats import Format
from naas_hw.exchange.maestro import maestro_files
from naas_hw.exchange.timeloop import read_timeloop_mappings, timeloop_files
from naas_hw.exchange.timeloop_format import Version
from naas_hw.mapping.files import NetworkMapping
from naas_hw.mapping.geometry import Geometry
from naas_hw.mapping.legality import model_violations
from naas_hw.workload.layer import Layer
from naas_hw.workload.network import Network


def export(
    design: Design | str | Path,
    *,
    to: Format,
    version: Version = Version.V03,
    pad: bool = False,
    layers: Sequence[str] | None = None,
    table: str | EnergyTable | None = None,
) -> FilePlan:
    """Make the files of a design in the format of another tool, without writing them.

    Parameters
    ----------
    design : a value, or the folder that holds it.
    version, pad : of Timeloop's files; see `naas_hw.exchange.timeloop`.
    layers : names of those wanted; all if not given.
    table : an energy table, its name or file; that of the run, else the default one.

    Raises
    ------
    InputError : something is missing or wrong, or cannot be said there: which layer and field.
    """
    known = design_of(design)
    wanted = known.network.layers if layers is None else layers_named(known.network, layers)
    accelerator, mappings = known.accelerator, known.mappings
    if to is Format.MAESTRO:
        files = maestro_files(accelerator, wanted, mappings, network=known.network.name)
    else:
        energy = table_of(design, table).access_energy(accelerator)
        files = timeloop_files(
            accelerator, wanted, mappings, energy=energy, area=AREA, version=version, pad=pad
        )
    return FilePlan.of(dict(files))


def layers_named(network: Network, names: Sequence[str]) -> list[Layer]:
    """The layers of these names.

    Raises
    ------
    InputError : the network has no layer of a name.
    """
    by_name = {layer.name: layer for layer in network.layers}
    for name in names:
        if name not in by_name:
            raise InputError(f"layers must be those of {network.name}, not {name!r}")
    return [by_name[name] for name in names]


def import_mappings(
    source: str | Path, *, design: Design | str | Path | None = None
) -> NetworkMapping:
    """Read mappings from files of Timeloop.

    Parameters
    ----------
    source : a folder as `export` fills it, or one mapping with its problem beside it.
    design : if given, its accelerator must be able to run what is read, on its layers of these
        names; the mappings of its other layers are kept.

    Raises
    ------
    InputError : one sentence that names file or layer, rule and value.
    """
    read = read_timeloop_mappings(source)
    if design is None:
        return NetworkMapping(layers={name: entry.mapping for name, entry in read.items()})
    known = design_of(design)
    for layer in layers_named(known.network, list(read)):
        entry = read[layer.name]
        geometry = Geometry(accelerator=known.accelerator, layer=layer, mapping=entry.mapping)
        broken = model_violations(known.accelerator, layer, entry.mapping)
        if broken:
            raise InputError(f"{source}: layer {layer.name}: {broken[0]}")
        for dim, tiles in geometry.num_tiles.items():
            if entry.tiles[dim] != tiles:
                raise InputError(
                    f"{source}: layer {layer.name}: the tiles of {dim} must be {tiles} for its "
                    f"{layer.bounds[dim]}, not {entry.tiles[dim]}"
                )
    mappings = {**known.mappings, **{name: entry.mapping for name, entry in read.items()}}
    return NetworkMapping(network=known.network.name, layers=mappings)
