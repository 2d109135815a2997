"""Find networks by name and designs in folders, and evaluate them."""

from collections.abc import Iterator, Sequence
from collections.abc import Mapping as AbstractMapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from naas_hw.arch.accelerator import Accelerator
from naas_hw.arch.files import (
    find_energy_table,
    read_accelerator,
    read_energy_table,
)
from naas_hw.arch.technology import (
    SIZED,
    EnergyTable,
    energy_table,
)
from naas_hw.core.errors import InputError
from naas_hw.cost.evaluate import NetworkReport, evaluate_network
from naas_hw.mapping.files import read_mappings
from naas_hw.mapping.legality import model_violations
from naas_hw.mapping.mapping import Mapping
from naas_hw.runs.folder import RunFolder
from naas_hw.runs.manifest import MANIFEST, Manifest, digest_of
from naas_hw.runs.result_json import RESULT_FILE, PriceRecord
from naas_hw.system.json_files import read_json
from naas_hw.system.yaml_files import validate
from naas_hw.workload.catalogue import builtin_names, load_builtin
from naas_hw.workload.files import read_network
from naas_hw.workload.frontends.importer import (
    is_network_file,
    network_of,
    refuse_changes,
    refuse_unknown_kinds,
)
from naas_hw.workload.frontends.source import NamedGraph, is_model_source, load_graph
from naas_hw.workload.network import Network

ENERGY_TABLE_FILE: Final = "energy_table.yaml"


@dataclass(frozen=True, kw_only=True)
class Design:
    """An accelerator, a network, and a legal mapping of each layer."""

    accelerator: Accelerator
    network: Network
    mappings: AbstractMapping[str, Mapping]


def find_network(
    source: str | Path,
    *,
    resolution: int | None = None,
    input_shape: tuple[int, ...] | None = None,
    host: Sequence[str] = (),
) -> Network:
    """A network by built-in name, `.yaml` or `.pt2` file, or `module:callable` (runs its code).

    Parameters
    ----------
    resolution : rows and columns of the image, instead of the model's own.
    input_shape : the whole shape of the input, batch included, instead of a resolution.
    host : kinds of operators that are left to the host, whatever else they could be.

    Raises
    ------
    InputError, ToolError : one sentence.
    """
    (network,) = find_networks([source], resolution=resolution, input_shape=input_shape, host=host)
    return network


def find_networks(
    sources: Sequence[str | Path],
    *,
    resolution: int | None = None,
    input_shape: tuple[int, ...] | None = None,
    host: Sequence[str] = (),
) -> list[Network]:
    """Several networks; parameters as of `find_network`, for each of them.

    One of them at least has to have an operator of each kind in `host`.
    """
    networks = [_network_or_graph(source, resolution, input_shape, host) for source in sources]
    refuse_unknown_kinds([one for one in networks if isinstance(one, NamedGraph)], host)
    return [network_of(one, host) if isinstance(one, NamedGraph) else one for one in networks]


def _network_or_graph(
    source: str | Path,
    resolution: int | None,
    input_shape: tuple[int, ...] | None,
    host: Sequence[str],
) -> Network | NamedGraph:
    if is_network_file(source):
        refuse_changes(source, resolution=resolution, input_shape=input_shape, host=host)
        return read_network(source)
    text = str(source)
    if text in builtin_names() and input_shape is None and not host:
        return load_builtin(text, resolution)
    if not is_model_source(text):
        raise InputError(
            f"network must be one of {', '.join(builtin_names())}, a .yaml file, a .pt2 file or "
            f"module:callable, not {text!r}"
        )
    return load_graph(text, resolution=resolution, input_shape=input_shape)


def read_design(folder: str | Path) -> Design:
    """The design in a run folder, or in any folder with the three YAML files.

    Raises
    ------
    InputError : a file is missing or wrong, or a mapping illegal; says which, where and why.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise InputError(f"no such folder: {folder}")
    design = Design(
        accelerator=read_accelerator(folder / "accelerator.yaml"),
        network=(network := read_network(folder / "network.yaml")),
        mappings=read_mappings(folder / "mapping.yaml", network),
    )
    for layer in network.layers:
        violated = model_violations(design.accelerator, layer, design.mappings[layer.name])
        if violated:
            raise InputError(f"{folder / 'mapping.yaml'}: layers.{layer.name}: {violated[0]}")
    return design


def design_of(design: Design | str | Path) -> Design:
    """The design itself, or the one that a folder holds."""
    return design if isinstance(design, Design) else read_design(design)


def run_table(folder: str | Path) -> EnergyTable:
    """The energy table of a run; the default table if the run has none.

    Raises
    ------
    InputError : it is neither in the folder nor built in.
    """
    own = Path(folder) / ENERGY_TABLE_FILE
    if own.exists():
        return read_energy_table(own)
    result = Path(folder) / RESULT_FILE
    if not result.exists():
        return SIZED
    name = validate(PriceRecord, read_json(result), str(result)).energy_table
    return SIZED if name is None else energy_table(name)


def table_of(design: Design | str | Path, table: str | EnergyTable | None) -> EnergyTable:
    """The given table (a value, name or file), or the table of the run."""
    if table is None:
        return SIZED if isinstance(design, Design) else run_table(design)
    return find_energy_table(table) if isinstance(table, str) else table


def named_digest(table: EnergyTable) -> str:
    """The name of a table with the first digits of its digest."""
    return f"{table.name} {digest_of(table.model_dump_json())[:16]}"


@contextmanager
def writing(folder: Path, verb: str) -> Iterator[RunFolder]:
    """The run folder, locked; one made by hand gets a manifest first."""
    manifest = None
    if not (folder / MANIFEST).is_file():
        names = ("network.yaml", "accelerator.yaml", "mapping.yaml")
        digest = digest_of(*((folder / name).read_bytes() for name in names))
        manifest = Manifest.of(command=("naas", verb, folder.name), digest=digest)
    with RunFolder.open(folder, manifest=manifest) as run:
        yield run


def evaluate(
    design: Design | str | Path, *, table: str | EnergyTable | None = None
) -> NetworkReport:
    """Compute the exact cost of a design, layer by layer.

    Parameters
    ----------
    design : a value, or the folder that holds it.
    table : an energy table, its name or file; that of the run, else the default one.

    Raises
    ------
    InputError : something is missing, wrong or illegal.
    """
    known = design_of(design)
    chosen = table_of(design, table)
    return evaluate_network(known.accelerator, known.network, known.mappings, chosen)
