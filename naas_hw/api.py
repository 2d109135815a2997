"""The verbs of the command line as functions: values in, values out, a run folder where wanted.

network = naas_hw.find_network("mobilenet_v2")
found = naas_hw.co_search([network], naas_hw.find_budget("eyeriss"), run="run")
naas_hw.generate("run")
assert naas_hw.simulate("run", simulator="icarus", layers=["classifier.1"]).ok
"""

import json
from collections.abc import Callable, Iterator, Sequence
from collections.abc import Mapping as AbstractMapping
from concurrent.futures import Executor
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, fields
from math import inf
from pathlib import Path
from typing import Any, Final

import numpy as np

from naas_hw.accuracy.oracle import AccuracyOracle
from naas_hw.arch.accelerator import Accelerator
from naas_hw.arch.budget import Budget
from naas_hw.arch.files import (
    find_accelerator,
    find_budget,
    find_energy_table,
    read_accelerator,
    read_energy_table,
)
from naas_hw.arch.technology import (
    AREA,
    ENERGY_TABLES,
    SIZED,
    EnergyTable,
    SizedTable,
    energy_table,
)
from naas_hw.cost.evaluate import CostReport, NetworkReport, evaluate_network
from naas_hw.emit.package import GeneratedDesign, plan_design
from naas_hw.emit.plan import FilePlan
from naas_hw.errors import InputError
from naas_hw.exchange.formats import Format
from naas_hw.exchange.maestro import maestro_files
from naas_hw.exchange.timeloop import read_timeloop_mappings, timeloop_files
from naas_hw.exchange.timeloop_format import Version
from naas_hw.joint.joint_search import JointResult
from naas_hw.joint.joint_search import search_jointly as search_jointly_for
from naas_hw.joint.settings import JointSettings, joint_digest
from naas_hw.mapping.files import NetworkMapping, read_mappings
from naas_hw.mapping.geometry import Geometry
from naas_hw.mapping.legality import violations
from naas_hw.mapping.mapping import Mapping
from naas_hw.report.html.page import render_report
from naas_hw.report.html.run_facts import read_run_facts
from naas_hw.report.runfolder import MANIFEST, Manifest, RunFolder, digest_of
from naas_hw.search.accelerator_search import search as search_accelerator
from naas_hw.search.history import History
from naas_hw.search.mapping_search import MappingResult
from naas_hw.search.network_search import MappingSettings, NetworkResult, map_network
from naas_hw.search.objective import Objective
from naas_hw.search.processes import worker_processes
from naas_hw.search.search_result import Front, ProgressCallback, SearchResult
from naas_hw.search.search_settings import SearchSettings, settings_digest
from naas_hw.sim.hardware import generate as generate_hardware
from naas_hw.sim.layer import LayerReport
from naas_hw.sim.network import LayerRun, plan_runs, simulate_runs
from naas_hw.sim.run import Stalls
from naas_hw.sim.simulators import find_simulator
from naas_hw.spaces.space import Space
from naas_hw.workload.catalogue import builtin_names, load_builtin
from naas_hw.workload.files import read_network
from naas_hw.workload.importer import import_network
from naas_hw.workload.layer import Kind, Layer
from naas_hw.workload.network import Network
from naas_hw.workload.yaml_edge import dump_yaml, write_atomic

__all__ = [
    "Design",
    "GeneratedDesign",
    "SimulationReport",
    "evaluate",
    "export",
    "find_accelerator",
    "find_budget",
    "find_energy_table",
    "find_network",
    "generate",
    "import_mappings",
    "map",
    "read_design",
    "report",
    "search",
    "search_jointly",
    "simulate",
]

ENERGY_TABLE_FILE: Final = "energy_table.yaml"
SEARCH_PACKAGES: Final = ("cma", "numpy", "numba", "pydantic")
MODEL_ONLY: Final = "kind:"


@dataclass(frozen=True, kw_only=True)
class Design:
    """An accelerator, a network, and a legal mapping of each layer."""

    accelerator: Accelerator
    network: Network
    mappings: AbstractMapping[str, Mapping]


@dataclass(frozen=True, kw_only=True)
class SimulationReport:
    """What a simulation found, layer by layer.

    Parameters
    ----------
    layers : of every name; layers that are the same were simulated once.
    simulator, version : which one.
    timed : whether cycles and counts were compared too, not the bits only (random stalls).
    skipped : names of layers that exist in the model only, where all were asked for.
    """

    layers: tuple[LayerReport, ...]
    simulator: str
    version: str
    timed: bool
    skipped: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether nothing differs."""
        return all(layer.ok for layer in self.layers)


# ---------------------------------------------------------------- what there is


def find_network(source: str | Path, *, resolution: int | None = None) -> Network:
    """A network by built-in name, `.yaml` or `.pt2` file, or `module:callable` (runs its code).

    Raises
    ------
    InputError, ToolError : one sentence.
    """
    text = str(source)
    if text in builtin_names():
        return load_builtin(text, resolution)
    if text.endswith((".yaml", ".yml")):
        if resolution is not None:
            raise InputError(f"{text}: a network's file must keep its own sizes, not get others")
        return read_network(text)
    return import_network(text, resolution=resolution)


def read_design(folder: str | Path) -> Design:
    """The design in a run folder, or in any folder with the three YAML files.

    Raises
    ------
    InputError : a file is missing or wrong, or a mapping illegal; says which, where and why.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise InputError(f"{folder} must be a folder with a design, not missing")
    design = Design(
        accelerator=read_accelerator(folder / "accelerator.yaml"),
        network=(network := read_network(folder / "network.yaml")),
        mappings=read_mappings(folder / "mapping.yaml", network),
    )
    for layer in network.layers:
        found = violations(design.accelerator, layer, design.mappings[layer.name])
        if found and not found[0].startswith(MODEL_ONLY):
            raise InputError(f"{folder / 'mapping.yaml'}: layers.{layer.name}: {found[0]}")
    return design


def _design_of(design: Design | str | Path) -> Design:
    return design if isinstance(design, Design) else read_design(design)


def run_table(folder: str | Path) -> EnergyTable:
    """The energy table that a run was made with; the default one where none was.

    Raises
    ------
    InputError : it is neither in the folder nor built in.
    """
    own = Path(folder) / ENERGY_TABLE_FILE
    if own.exists():
        return read_energy_table(own)
    try:
        found = json.loads((Path(folder) / "result.json").read_text(encoding="utf-8"))
        name = str(found["energy_table"])
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return SIZED
    return energy_table(name)


def _table_of(design: Design | str | Path, table: str | EnergyTable | None) -> EnergyTable:
    """The table that is given, by value, name or file; else the one of the run."""
    if table is None:
        return SIZED if isinstance(design, Design) else run_table(design)
    return find_energy_table(table) if isinstance(table, str) else table


def _named_digest(table: EnergyTable) -> str:
    return f"{table.name} {digest_of(table.model_dump_json())[:16]}"


@contextmanager
def _writing(folder: Path, verb: str) -> Iterator[RunFolder]:
    """The run folder, locked; one made by hand gets a manifest first."""
    if not (folder / MANIFEST).is_file():
        names = ("network.yaml", "accelerator.yaml", "mapping.yaml")
        digest = digest_of(*((folder / name).read_bytes() for name in names))
        manifest = Manifest.of(command=("naas", verb, folder.name), digest=digest)
        RunFolder(folder).write_text(MANIFEST, manifest.text)
    with RunFolder.open(folder) as run:
        yield run


# ---------------------------------------------------------------- search and map


def search(
    networks: Sequence[Network],
    budget: Budget,
    settings: SearchSettings | None = None,
    *,
    run: str | Path | None = None,
    resume: bool = False,
    force: bool = False,
    executor: Executor | None = None,
    num_processes: int = 1,
    progress: ProgressCallback | None = None,
    command: Sequence[str] = ("naas", "search"),
) -> SearchResult:
    """Search an accelerator within a budget, and mappings of all networks on it.

    Parameters
    ----------
    run : folder that gets the design, the history and the result; None writes nothing.
    resume, force : go on with the run in that folder, or start it anew.
    executor : any `concurrent.futures.Executor`; else `num_processes` are started, or for one
        this process does it. The result is the same.
    progress : told of every candidate, in order.
    command : how the manifest says that it was made.

    Raises
    ------
    InputError : as of `naas_hw.search.search`, and where the folder cannot be used.
    WorkerError : the executor lost a task; what the history holds can be resumed.
    """
    settings = settings or SearchSettings()
    if run is None:
        return search_accelerator(
            networks,
            budget,
            settings,
            executor=executor,
            num_processes=num_processes,
            progress=progress,
        )
    if not networks:
        raise InputError("networks must be at least 1, not 0")
    network = _joined(networks)
    table = settings.table or energy_table(budget.energy_table)
    manifest = Manifest.of(
        command=command,
        digest=settings_digest(networks, budget, settings),
        seed=settings.seed,
        packages=SEARCH_PACKAGES,
        energy_table=_named_digest(table),
    )
    with RunFolder.create(Path(run), manifest, resume=resume, force=force) as folder:
        history = folder.path / "history.sqlite"
        try:
            result = search_accelerator(
                networks,
                budget,
                settings,
                executor=executor,
                num_processes=num_processes,
                history=history,
                resume=history.exists(),
                progress=progress,
            )
        except BaseException:
            _drop_if_empty(history, manifest.digest)
            raise
        mappings = _joined_mappings(result.networks)
        _write_design(
            folder,
            Design(accelerator=result.accelerator, network=network, mappings=mappings),
            table,
            {"budget": budget.name, "clock_hz": budget.clock_hz, **search_figures(result)},
        )
    return result


def search_jointly(
    space: Space,
    oracle: AccuracyOracle,
    budget: Budget,
    settings: JointSettings,
    *,
    run: str | Path,
    force: bool = False,
    executor: Executor | None = None,
    num_processes: int = 1,
    progress: ProgressCallback | None = None,
    command: Sequence[str] = ("naas", "search"),
) -> JointResult:
    """Search an accelerator, a network of a space above an accuracy floor, and its mappings.

    Parameters are those of `search`; a joint search cannot be resumed.

    Raises
    ------
    InputError : as of `naas_hw.joint.joint_search`, and where the folder cannot be used.
    WorkerError : the executor lost a task.
    """
    table = settings.accelerators.table or energy_table(budget.energy_table)
    manifest = Manifest.of(
        command=command,
        digest=joint_digest(space, oracle, budget, settings),
        seed=settings.accelerators.seed,
        packages=SEARCH_PACKAGES,
        energy_table=_named_digest(table),
    )
    with RunFolder.create(Path(run), manifest, force=force) as folder:
        history = folder.path / "history.sqlite"
        try:
            result = search_jointly_for(
                space,
                oracle,
                budget,
                settings,
                executor=executor,
                num_processes=num_processes,
                history=history,
                progress=progress,
            )
        except BaseException:
            _drop_if_empty(history, manifest.digest)
            raise
        found = result.found
        _write_design(
            folder,
            Design(accelerator=result.accelerator, network=found.network, mappings=found.mappings),
            table,
            {
                "budget": budget.name,
                "clock_hz": budget.clock_hz,
                "objective": settings.accelerators.objective.value,
                **joint_figures(space, result),
            },
        )
    return result


def joint_figures(space: Space, result: JointResult) -> dict[str, Any]:
    """What a joint search found, as JSON has it; each accuracy beside what it is worth."""
    worth = result.worth.label
    return {
        "score": result.score,
        "interrupted": result.interrupted,
        "num_candidates": result.num_accelerators,
        "best_scores": [_finite(score) for score in result.best_scores],
        **_effort(result.found),
        "joint": {
            "space": space.name,
            "choices": space.decode(np.array(result.encoding, dtype=np.uint8)),
            "top1_percent": result.top1_percent,
            "accuracy": worth,
            "num_networks": result.num_networks,
            "num_layers": result.num_layers,
            "front": [
                {
                    "score": point.score,
                    "top1_percent": point.top1_percent,
                    "accuracy": worth,
                    "encoding": list(point.encoding),
                    "choices": space.decode(np.array(point.encoding, dtype=np.uint8)),
                    "accelerator": point.accelerator.model_dump(mode="json"),
                }
                for point in result.front
            ],
        },
        "networks": [network_figures(result.found, result.accelerator)],
    }


def _drop_if_empty(path: Path, digest: str) -> None:
    """Take away a history without a generation: a search that never began leaves nothing."""
    if not path.exists():
        return
    with History.open(path, digest=digest, resume=True) as history:
        if history.num_generations:
            return
    for entry in path.parent.glob(f"{path.name}*"):
        entry.unlink()


def map(  # the verb; the builtin is not used in this module
    network: Network,
    accelerator: Accelerator,
    settings: MappingSettings | None = None,
    *,
    run: str | Path | None = None,
    force: bool = False,
    executor: Executor | None = None,
    num_processes: int = 1,
    progress: Callable[[Layer, MappingResult], None] | None = None,
    command: Sequence[str] = ("naas", "map"),
) -> NetworkResult:
    """Search mappings of a network for a given accelerator.

    Parameters
    ----------
    run : folder that gets the design and the result; None writes nothing.
    force : start a run that exists anew.
    executor, num_processes : as of `search`.
    progress : told of each distinct layer, in order.
    command : how the manifest says that it was made.

    Raises
    ------
    InputError : no legal mapping was found for a layer; the folder cannot be used.
    WorkerError : the executor lost a task.
    """
    settings = settings or MappingSettings(objective=Objective.EDP, table=SIZED)
    if run is None:
        return _mapped(network, accelerator, settings, executor, num_processes, progress)
    manifest = Manifest.of(
        command=command,
        digest=digest_of(
            network.model_dump_json(),
            accelerator.model_dump_json(),
            settings.table.model_dump_json(),
            *(str(getattr(settings, entry.name)) for entry in fields(settings)),
        ),
        seed=settings.seed,
        packages=SEARCH_PACKAGES,
        energy_table=_named_digest(settings.table),
    )
    with RunFolder.create(Path(run), manifest, force=force) as folder:
        result = _mapped(network, accelerator, settings, executor, num_processes, progress)
        _write_design(
            folder,
            Design(accelerator=accelerator, network=network, mappings=result.mappings),
            settings.table,
            {
                "objective": settings.objective.value,
                "score": result.score(settings.objective),
                **_effort(result),
                "networks": [network_figures(result, accelerator)],
            },
        )
    return result


def _mapped(
    network: Network,
    accelerator: Accelerator,
    settings: MappingSettings,
    executor: Executor | None,
    num_processes: int,
    progress: Callable[[Layer, MappingResult], None] | None,
) -> NetworkResult:
    given = worker_processes(num_processes) if executor is None else nullcontext(executor)
    with given as found:
        return map_network(accelerator, network, settings, executor=found, progress=progress)


def _joined(networks: Sequence[Network]) -> Network:
    """One network of all layers; of several, each layer's name begins with its network's."""
    if len(networks) == 1:
        return networks[0]
    return Network(
        name="-".join(network.name for network in networks),
        layers=tuple(
            Layer.model_validate({**dict(layer), "name": f"{network.name}.{layer.name}"})
            for network in networks
            for layer in network.layers
        ),
    )


def _joined_mappings(results: Sequence[NetworkResult]) -> dict[str, Mapping]:
    if len(results) == 1:
        return dict(results[0].mappings)
    return {
        f"{result.network.name}.{name}": mapping
        for result in results
        for name, mapping in result.mappings.items()
    }


def _effort(result: SearchResult | NetworkResult) -> dict[str, Any]:
    return {
        "num_evaluations": result.num_evaluations,
        "num_legal": result.num_legal,
        "num_exact": result.num_exact,
        "largest_gap": result.largest_gap,
    }


def _finite(value: float) -> float | None:
    return None if value == inf else value


def search_figures(result: SearchResult) -> dict[str, Any]:
    """What a search found, as JSON has it."""
    return {
        "objective": result.objective.value,
        "score": result.score,
        "interrupted": result.interrupted,
        "num_candidates": result.num_candidates,
        "num_screened": result.num_screened,
        "num_invalid": result.num_invalid,
        "num_hopeless": result.num_hopeless,
        "best_scores": [_finite(score) for score in result.best_scores],
        "population_means": [_finite(mean) for mean in result.population_means],
        **_effort(result),
        "front": front_figures(result.front),
        "networks": [network_figures(found, result.accelerator) for found in result.networks],
    }


def front_figures(front: Front) -> dict[str, Any]:
    """Designs that none beats in cycles, energy and area at once, as JSON has them."""
    names = ("cycles", "energy_pj", "area_um2")
    return {
        "reference": dict(zip(names, front.reference, strict=True)),
        "hypervolume": front.hypervolume,
        "hypervolumes": list(front.hypervolumes),
        "points": [
            {
                **dict(zip(names, point.figures, strict=True)),
                "accelerator": point.accelerator.model_dump(mode="json"),
            }
            for point in front.points
        ],
    }


def network_figures(found: NetworkResult, accelerator: Accelerator) -> dict[str, Any]:
    """A network's cost, layer by layer, as JSON has it."""
    return {
        "name": found.network.name,
        "cycles": found.report.cycles,
        "energy_pj": found.report.energy_pj,
        "edp": found.report.edp,
        "utilization": found.utilization(accelerator),
        "layers": [layer_figures(report) for report in found.report.layers],
        "proven_gaps": dict(found.proven_gaps),
    }


def _write_design(
    folder: RunFolder, design: Design, table: EnergyTable, figures: dict[str, Any]
) -> None:
    """The files of a design; its energy table too, where that is one of the user's own."""
    mapping = NetworkMapping(network=design.network.name, layers=dict(design.mappings))
    folder.write_text("accelerator.yaml", dump_yaml(design.accelerator))
    folder.write_text("network.yaml", dump_yaml(design.network))
    folder.write_text("mapping.yaml", dump_yaml(mapping))
    if table not in ENERGY_TABLES.values() and isinstance(table, SizedTable):
        folder.write_text(ENERGY_TABLE_FILE, dump_yaml(table))
    whole = {"version": 1, "energy_table": table.name, **figures}
    folder.write_text("result.json", json.dumps(whole, indent=1) + "\n")


def layer_figures(report: CostReport) -> dict[str, Any]:
    """A layer's cost as JSON has it."""
    return {
        "name": report.layer,
        "cycles": report.cycles,
        "utilization": report.utilization,
        "stalls": vars(report.stalls),
        "engines": vars(report.engines),
        "accesses": vars(report.accesses),
        "energy_pj": report.energy_pj,
        "energy_pj_by_level": vars(report.energy),
        "edp": report.edp,
    }


# ---------------------------------------------------------------- evaluate


def evaluate(
    design: Design | str | Path, *, table: str | EnergyTable | None = None
) -> NetworkReport:
    """Exact cost of a design, layer by layer.

    Parameters
    ----------
    design : a value, or the folder that holds it.
    table : an energy table, its name or file; that of the run, else the default one.

    Raises
    ------
    InputError : something is missing, wrong or illegal.
    """
    found = _design_of(design)
    chosen = _table_of(design, table)
    return evaluate_network(found.accelerator, found.network, found.mappings, chosen)


# ---------------------------------------------------------------- export, import


def export(
    design: Design | str | Path,
    *,
    to: Format,
    version: Version = Version.V03,
    pad: bool = False,
    layers: Sequence[str] | None = None,
    table: str | EnergyTable | None = None,
) -> FilePlan:
    """The files of a design in a peer's format, not yet written.

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
    found = _design_of(design)
    wanted = found.network.layers if layers is None else _named(found.network, layers)
    accelerator, mappings = found.accelerator, found.mappings
    if to is Format.MAESTRO:
        files = maestro_files(accelerator, wanted, mappings, network=found.network.name)
    else:
        energy = _table_of(design, table).access_energy(accelerator)
        files = timeloop_files(
            accelerator, wanted, mappings, energy=energy, area=AREA, version=version, pad=pad
        )
    return FilePlan.of(dict(files))


def _named(network: Network, names: Sequence[str]) -> list[Layer]:
    by_name = {layer.name: layer for layer in network.layers}
    for name in names:
        if name not in by_name:
            raise InputError(f"layers must be those of {network.name}, not {name!r}")
    return [by_name[name] for name in names]


def import_mappings(
    source: str | Path, *, design: Design | str | Path | None = None
) -> NetworkMapping:
    """Mappings from Timeloop's files.

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
        return NetworkMapping(layers={name: found.mapping for name, found in read.items()})
    known = _design_of(design)
    for layer in _named(known.network, list(read)):
        found = read[layer.name]
        geometry = Geometry(accelerator=known.accelerator, layer=layer, mapping=found.mapping)
        broken = violations(known.accelerator, layer, found.mapping)
        if broken and not broken[0].startswith(MODEL_ONLY):
            raise InputError(f"{source}: layer {layer.name}: {broken[0]}")
        for dim, tiles in geometry.num_tiles.items():
            if found.tiles[dim] != tiles:
                raise InputError(
                    f"{source}: layer {layer.name}: the tiles of {dim} must be {tiles} for its "
                    f"{layer.bounds[dim]}, not {found.tiles[dim]}"
                )
    mappings = {**known.mappings, **{name: found.mapping for name, found in read.items()}}
    return NetworkMapping(network=known.network.name, layers=mappings)


# ---------------------------------------------------------------- report


def report(run: str | Path, *, output: str | Path | None = None) -> Path:
    """Write the HTML report of a run; where it is.

    Parameters
    ----------
    run : a run folder, or any folder with the three YAML files.
    output : the file; `report.html` in the run folder if None.

    Raises
    ------
    InputError : something is missing, wrong or illegal, or the file cannot be written.
    """
    run = Path(run)
    design, table = read_design(run), run_table(run)
    facts = read_run_facts(
        RunFolder(run), design.accelerator, design.network, design.mappings, table
    )
    text = render_report(facts)
    if output is not None:
        write_atomic(output, text)
        return Path(output)
    with _writing(run, "report") as folder:
        return folder.write_text("report.html", text)


# ---------------------------------------------------------------- generate


def generate(
    design: Design | str | Path, *, program: bool = True, seed: int = 0
) -> GeneratedDesign:
    """Verilog, its test, the header of its registers, and a program of each layer.

    Parameters
    ----------
    design : a value, or the folder that holds it, which then gets `rtl/` and `program/`.
    program : whether programs are made.
    seed : of the example tensors in the programs.

    Raises
    ------
    InputError : something is missing, wrong or illegal, or the folder cannot be written.
    ToolError : what makes Verilog is missing.
    """
    found = _design_of(design)
    hardware = generate_hardware(found.accelerator)
    generated = plan_design(
        found.accelerator,
        hardware.sources,
        hardware.digest,
        network=found.network if program else None,
        mappings=found.mappings,
        seed=seed,
    )
    if not isinstance(design, Design):
        with _writing(Path(design), "generate") as run:
            _replace(run, generated.files)
    return generated


def _replace(run: RunFolder, plan: FilePlan) -> None:
    """Write a plan into the run, then drop what an earlier one left beside it."""
    plan.write(run.path)
    planned = set(plan)
    for folder in {path.split("/")[0] for path in planned}:
        for path in sorted((run.path / folder).rglob("*"), reverse=True):
            if path.is_dir() and not path.is_symlink():
                if not any(path.iterdir()):
                    path.rmdir()
            elif path.relative_to(run.path).as_posix() not in planned:
                path.unlink()


# ---------------------------------------------------------------- simulate


def simulate(
    design: Design | str | Path,
    *,
    simulator: str,
    layers: Sequence[str] | None = None,
    seed: int = 0,
    stalls: Stalls | None = None,
    waves: bool = False,
    num_processes: int = 1,
    progress: Callable[[LayerReport], None] | None = None,
) -> SimulationReport:
    """Run layers on the RTL and compare cycles, counts and output bytes with the model's.

    Parameters
    ----------
    design : a value, or the folder that holds it; that folder gets `sim/predicted.json` before
        the simulator starts, and `sim/simulated.json` at the end.
    simulator : icarus or verilator.
    layers : names; all that the hardware runs if None. Layers that are the same run once.
    seed : of the tensors.
    stalls : random stalls of the memory; then only the output bytes are compared.
    waves : whether waves are kept, in `sim/waves/`; needs a folder.
    num_processes : simulations at a time.
    progress : told of each layer that was simulated.

    Raises
    ------
    InputError : something is missing, wrong or illegal, or the folder cannot be written.
    ToolError : the simulator is missing or too old.
    SimulationError : it failed.
    """
    if waves and isinstance(design, Design):
        raise InputError("waves must have a run folder to be written to, not a value only")
    found = _design_of(design)
    tool = find_simulator(simulator)
    skipped: tuple[str, ...] = ()
    if layers is None:
        skipped = tuple(x.name for x in found.network.layers if x.kind is Kind.TRANSPOSED)
        layers = [layer.name for layer in found.network.layers if layer.name not in skipped]
    runs = plan_runs(found.accelerator, found.network, found.mappings, layers=layers)
    hardware = generate_hardware(found.accelerator)

    def simulated(folder: Path | None) -> SimulationReport:
        return SimulationReport(
            layers=simulate_runs(
                hardware,
                runs,
                simulator=tool,
                seed=seed,
                stalls=stalls,
                waves=folder,
                num_processes=num_processes,
                progress=progress,
            ),
            simulator=tool.name,
            version=tool.version,
            timed=stalls is None,
            skipped=skipped,
        )

    if isinstance(design, Design):
        return simulated(None)
    with _writing(Path(design), "simulate") as run:
        run.write_text("sim/predicted.json", _predicted_json(runs, hardware.digest))
        report = simulated(run.path / "sim" / "waves" if waves else None)
        run.write_text("sim/simulated.json", simulation_json(report))
    return report


def _predicted_json(runs: Sequence[LayerRun], digest: int) -> str:
    layers = [
        {
            "name": name,
            "macs": run.prediction.num_macs,
            "pes_used": run.prediction.pes_used,
            "cycles": run.prediction.cycles,
            "stalls": vars(run.prediction.stalls),
            "accesses": vars(run.prediction.accesses),
            "counts": run.prediction.counts,
        }
        for run in runs
        for name in run.names
    ]
    return json.dumps({"version": 1, "digest": f"{digest:016x}", "layers": layers}, indent=1) + "\n"


def simulation_json(report: SimulationReport) -> str:
    """The comparison as JSON: `layers`, and `ok`."""
    layers = [
        {
            "name": layer.name,
            "ok": layer.ok,
            "status": layer.status,
            "groups": layer.groups,
            "macs": layer.num_macs,
            "pes_used": layer.pes_used,
            "predicted_cycles": layer.predicted_cycles,
            "simulated_cycles": layer.simulated_cycles,
            "utilization": layer.utilization,
            "count_difference": layer.count_difference,
            "output_mismatches": layer.output_mismatches,
            "pieces_compared": layer.pieces_compared,
            "first_piece": str(layer.first_piece) if layer.first_piece else None,
            "counts_that_differ": [str(count) for count in layer.counts],
            "counted": dict(layer.counted),
            "messages": list(layer.messages),
            "waves": layer.waves.name if layer.waves else None,
        }
        for layer in report.layers
    ]
    whole = {
        "version": 1,
        "simulator": f"{report.simulator} {report.version}",
        "timed": report.timed,
        "skipped": list(report.skipped),
        "layers": layers,
        "ok": report.ok,
    }
    return json.dumps(whole, indent=1) + "\n"
