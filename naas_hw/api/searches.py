"""Searches of accelerators, networks and mappings, into run folders."""

from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from contextlib import nullcontext
from dataclasses import fields
from pathlib import Path
from typing import Any, Final

from naas_hw.api.bounds import bounds_digest
from naas_hw.api.designs import ENERGY_TABLE_FILE, Design, find_network, named_digest
from naas_hw.api.old_keywords import RUN_KEYWORDS, WORKER_KEYWORDS, accepts_old_keywords
from naas_hw.api.settings import RunSettings, Workers, placement_of, run_settings
from naas_hw.arch.accelerator import Accelerator
from naas_hw.arch.budget import Budget
from naas_hw.arch.files import find_accelerator
from naas_hw.arch.technology import (
    ENERGY_TABLES,
    EnergyTable,
    SizedTable,
    energy_table,
)
from naas_hw.core.errors import InputError
from naas_hw.mapping.files import NetworkMapping
from naas_hw.mapping.mapping import Mapping
from naas_hw.nas.accuracy.old_oracles import current_oracle
from naas_hw.nas.accuracy.oracle import AccuracyOracle
from naas_hw.nas.joint.joint_search import JointResult
from naas_hw.nas.joint.joint_search import search_jointly as search_jointly_for
from naas_hw.nas.joint.settings import JointSettings, joint_digest
from naas_hw.nas.spaces.space import Space
from naas_hw.runs.folder import RunFolder
from naas_hw.runs.manifest import Manifest, digest_of
from naas_hw.runs.result_json import (
    RESULT_FILE,
    effort_figures,
    joint_figures,
    method_figures,
    network_figures,
    result_text,
    search_figures,
)
from naas_hw.search.accelerator.history import History
from naas_hw.search.accelerator.layer_store import LayerStore
from naas_hw.search.accelerator.result import ProgressCallback, SearchResult
from naas_hw.search.accelerator.search import search as search_accelerator
from naas_hw.search.accelerator.settings import SearchSettings, settings_digest
from naas_hw.search.mapping.layer_search import MappingResult
from naas_hw.search.mapping.network_search import MappingSettings, NetworkResult, map_network
from naas_hw.search.mapping.robust import DramTiming, map_robustly
from naas_hw.search.processes import worker_processes
from naas_hw.system.yaml_files import dump_yaml
from naas_hw.workload.layer import Layer
from naas_hw.workload.network import Network

HISTORY: Final = "history.sqlite"
LAYERS: Final = "layers.sqlite"
SEARCH_PACKAGES: Final = ("cma", "numpy", "numba", "pydantic")


@accepts_old_keywords(RUN_KEYWORDS, WORKER_KEYWORDS)
def search(
    networks: Sequence[Network],
    budget: Budget,
    settings: SearchSettings | None = None,
    *,
    run: str | Path | RunSettings | None = None,
    workers: Workers = 1,
    progress: ProgressCallback | None = None,
) -> SearchResult:
    """Search for an accelerator within a budget, and for mappings of all networks on it.

    Parameters
    ----------
    run : the folder that gets the design, the history and the result, or settings of it; None
        writes nothing.
    workers : a number of processes, or any `concurrent.futures.Executor`. The result is the same.
    progress : called after every candidate, in order.

    Raises
    ------
    InputError : as of `naas_hw.search.search`, and where the folder cannot be used.
    WorkerError : the executor lost a task; what the history holds can be resumed.
    """
    settings = settings or SearchSettings()
    if run is None:
        return search_accelerator(
            networks, budget, settings, **placement_of(workers), progress=progress
        )
    run = run_settings(run)
    if not networks:
        raise InputError("networks must be at least 1, not 0")
    network = _joined(networks)
    table = settings.table or energy_table(budget.energy_table)
    digest = settings_digest(networks, budget, settings)
    manifest = Manifest.of(
        command=run.command_or("search"),
        digest=run.digest(digest),
        seed=settings.seed,
        packages=SEARCH_PACKAGES,
        energy_table=named_digest(table),
    )
    with RunFolder.create(Path(run.folder), manifest, resume=run.resume, force=run.force) as folder:
        history = folder.path / HISTORY
        folder.claim(sqlite_files(HISTORY))
        folder.write_files(run.files)
        try:
            result = search_accelerator(
                networks,
                budget,
                settings,
                **placement_of(workers),
                history=history,
                resume=history.exists(),
                progress=progress,
            )
        except BaseException:
            _drop_if_empty(folder, digest)
            raise
        mappings = _joined_mappings(result.networks)
        _write_design(
            folder,
            Design(accelerator=result.accelerator, network=network, mappings=mappings),
            table,
            {
                "budget": budget.name,
                "clock_hz": budget.clock_hz,
                **method_figures(settings),
                **search_figures(result),
            },
        )
    return result


@accepts_old_keywords(RUN_KEYWORDS, WORKER_KEYWORDS)
def search_jointly(
    space: Space,
    oracle: AccuracyOracle,
    budget: Budget,
    settings: JointSettings,
    *,
    run: str | Path | RunSettings,
    workers: Workers = 1,
    progress: ProgressCallback | None = None,
) -> JointResult:
    """Search for a network of a space above a minimum accuracy, its accelerator and mappings.

    The other parameters are those of `search`. A joint search that is resumed starts again from
    the beginning, and reads the costs of layers that it had stored in the folder.

    Parameters
    ----------
    space : the networks to choose from.
    oracle : gives the accuracy of each of them.

    Raises
    ------
    InputError : as of `naas_hw.nas.joint.joint_search`, and where the folder cannot be used.
    WorkerError : the executor lost a task.
    """
    run = run_settings(run)
    oracle = current_oracle(oracle) or oracle
    table = settings.accelerators.table or energy_table(budget.energy_table)
    manifest = Manifest.of(
        command=run.command_or("cosearch"),
        digest=joint_digest(space, oracle, budget, settings),
        seed=settings.accelerators.seed,
        packages=SEARCH_PACKAGES,
        energy_table=named_digest(table),
    )
    with RunFolder.create(Path(run.folder), manifest, resume=run.resume, force=run.force) as folder:
        history = folder.path / HISTORY
        folder.remove(HISTORY)  # it is made again, out of the costs of layers
        folder.claim([*sqlite_files(HISTORY), *sqlite_files(LAYERS)])
        try:
            result = search_jointly_for(
                space,
                oracle,
                budget,
                settings,
                **placement_of(workers),
                history=history,
                store=folder.path / LAYERS,
                progress=progress,
            )
        except BaseException:
            _drop_if_empty(folder, manifest.digest)
            raise
        network_result = result.network_result
        _write_design(
            folder,
            Design(
                accelerator=result.accelerator,
                network=network_result.network,
                mappings=network_result.mappings,
            ),
            table,
            {
                "budget": budget.name,
                "clock_hz": budget.clock_hz,
                "objective": settings.accelerators.objective.value,
                **method_figures(settings.accelerators),
                **joint_figures(space, result, settings.accelerators.objective),
            },
        )
    return result


@accepts_old_keywords(RUN_KEYWORDS, WORKER_KEYWORDS)
def map(  # the verb; the builtin is not used in this module
    network: Network | str | Path,
    accelerator: Accelerator | str | Path,
    settings: MappingSettings | None = None,
    *,
    run: str | Path | RunSettings | None = None,
    memories: Sequence[DramTiming] = (),
    workers: Workers = 1,
    progress: Callable[[Layer, MappingResult], None] | None = None,
) -> NetworkResult:
    """Search for mappings of a network on a given accelerator.

    Parameters
    ----------
    network : a value, or what `find_network` takes: a built-in name or a file.
    accelerator : a value, or what `find_accelerator` takes: the name of a preset or a file.
    memories : beside the accelerator's own. With any, the mappings with the least mean objective
        over all of them are taken.
    run : the folder that gets the design and the result, or settings of it; None writes nothing.
    workers : as of `search`.
    progress : called after each distinct layer, in order.

    Raises
    ------
    InputError : a name or file means nothing; no legal mapping was found for a layer; the folder
        cannot be used, or its settings ask for a resumption, for which a search of mappings keeps
        nothing.
    WorkerError : the executor lost a task.
    """
    network = network if isinstance(network, Network) else find_network(network)
    if not isinstance(accelerator, Accelerator):
        accelerator = find_accelerator(str(accelerator))
    settings = settings or MappingSettings()
    if run is None:
        return _mapped(network, accelerator, settings, memories, workers, progress)
    run = run_settings(run)
    if run.resume:
        raise InputError("a search of mappings cannot be resumed; start it again with --force")
    manifest = Manifest.of(
        command=run.command_or("map"),
        digest=run.digest(
            digest_of(
                network.model_dump_json(),
                accelerator.model_dump_json(),
                settings.table.model_dump_json(),
                *(str(getattr(settings, entry.name)) for entry in fields(settings)),
                *(str(tuple(memory)) for memory in memories),
            )
        ),
        seed=settings.seed,
        packages=SEARCH_PACKAGES,
        energy_table=named_digest(settings.table),
    )
    with RunFolder.create(Path(run.folder), manifest, force=run.force) as folder:
        folder.write_files(run.files)
        result = _mapped(network, accelerator, settings, memories, workers, progress)
        _write_design(
            folder,
            Design(accelerator=accelerator, network=network, mappings=result.mappings),
            settings.table,
            {
                "objective": settings.objective.value,
                "score": result.score(settings.objective),
                **effort_figures(result),
                "networks": [network_figures(result, accelerator, settings.objective)],
            },
        )
    return result


def _mapped(
    network: Network,
    accelerator: Accelerator,
    settings: MappingSettings,
    memories: Sequence[DramTiming],
    workers: Workers,
    progress: Callable[[Layer, MappingResult], None] | None,
) -> NetworkResult:
    given = nullcontext(workers) if isinstance(workers, Executor) else worker_processes(workers)
    with given as executor:
        if not memories:
            return map_network(accelerator, network, settings, executor=executor, progress=progress)
        return map_robustly(
            accelerator, network, settings, memories, executor=executor, progress=progress
        )


def _joined(networks: Sequence[Network]) -> Network:
    """Join networks into one; with several, layer names get the network's name as prefix."""
    if len(networks) == 1:
        return networks[0]
    return Network(
        name="-".join(network.name for network in networks),
        layers=tuple(
            Layer.model_validate({**dict(layer), "name": f"{network.name}.{layer.name}"})
            for network in networks
            for layer in network.layers
        ),
        host=tuple(
            operator.model_copy(update={"name": f"{network.name}.{operator.name}"[:100]})
            for network in networks
            for operator in network.host
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
    digest = bounds_digest(design, table)
    folder.write_text(RESULT_FILE, result_text(table.name, digest, figures))


def sqlite_files(name: str) -> tuple[str, str]:
    """The file of this name, and the one that SQLite puts beside it while it writes."""
    return name, f"{name}-journal"


def _drop_if_empty(folder: RunFolder, digest: str) -> None:
    """Remove a history without a generation and a store without a result.

    A search that fails before it has evaluated anything leaves nothing then. `digest` is theirs.
    """
    history_path, store_path = folder.path / HISTORY, folder.path / LAYERS
    if history_path.exists():
        with History.open(history_path, digest=digest, resume=True) as history:
            num_generations = history.num_generations
        if not num_generations:
            folder.remove(*sqlite_files(HISTORY))
    if store_path.exists():
        with LayerStore.open(store_path, digest=digest) as store:
            num_results = store.num_results
        if not num_results:
            folder.remove(*sqlite_files(LAYERS))
