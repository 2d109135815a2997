"""Searches that are kept in a folder, so that a long comparison goes on where it was stopped."""

import hashlib
import json
from collections.abc import Sequence
from concurrent.futures import Executor
from pathlib import Path
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field

from naas_hw.arch.accelerator import Accelerator
from naas_hw.arch.budget import Budget
from naas_hw.arch.presets import Preset
from naas_hw.core.errors import InputError
from naas_hw.cost.evaluate import evaluate_network
from naas_hw.mapping.mapping import Mapping
from naas_hw.search.accelerator.baseline import Baseline, evaluate_baseline, map_fixed
from naas_hw.search.accelerator.folded import FoldedResult, map_folded, price_folded
from naas_hw.search.accelerator.result import ProgressCallback, SearchResult
from naas_hw.search.accelerator.search import search
from naas_hw.search.accelerator.settings import SearchSettings, settings_digest
from naas_hw.search.mapping.network_search import MappingSettings, NetworkResult, map_network
from naas_hw.system.files import write_file
from naas_hw.system.json_files import read_json
from naas_hw.system.yaml_files import validate
from naas_hw.workload.layer import Dim
from naas_hw.workload.network import Network

_DIGITS: Final = 24


def kept_search(
    networks: Sequence[Network],
    budget: Budget,
    settings: SearchSettings,
    folder: Path | None,
    *,
    executor: Executor | None = None,
    progress: ProgressCallback | None = None,
) -> SearchResult:
    """A search, with what the folder has of the same one already.

    The name of its history is a digest of all that determines the search, so one folder serves
    any number of them. The result is that of a search that was never interrupted.

    Raises
    ------
    InputError : as of `search`; the folder cannot be written.
    KeyboardInterrupt : Ctrl-C; what was searched so far is kept.
    """
    history = None
    if folder is not None:
        history = _made(folder) / f"{settings_digest(networks, budget, settings)[:_DIGITS]}.sqlite"
    result = search(
        networks,
        budget,
        settings,
        executor=executor,
        history=history,
        resume=history is not None and history.exists(),
        progress=progress,
    )
    if result.interrupted:
        raise KeyboardInterrupt
    return result


class KeptMappings(BaseModel):
    """Searched mappings of a network, as a file keeps them.

    Members
    -------
    arrays : name of a layer -> its array, where each layer has one of its own.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    version: Annotated[int, Field(ge=1, le=1)] = 1
    mappings: dict[str, Mapping]
    arrays: dict[str, Accelerator] | None = None


def kept_baseline(
    preset: Preset,
    network: Network,
    settings: MappingSettings,
    folder: Path | None,
    *,
    executor: Executor | None = None,
) -> Baseline:
    """Evaluate a preset on a network.

    Its searched mappings, and its arrays where it folds, are read from the folder if it has them.
    What is taken from the folder is priced anew. Counts of evaluations are not kept, and 0 then.

    Raises
    ------
    InputError : as of `evaluate_baseline`; the folder cannot be written, or its file is none.
    """
    if folder is None:
        return evaluate_baseline(preset, network, settings, executor=executor)
    return Baseline(
        preset=preset,
        fixed=map_fixed(
            preset.accelerator,
            network,
            preset.dataflow,
            objective=settings.objective,
            table=settings.table,
        ),
        searched=_kept_searched(preset, network, settings, _made(folder), executor),
        folded=(
            _kept_folded(preset, network, settings, _made(folder), executor)
            if preset.folding_dims
            else None
        ),
    )


def _kept_searched(
    preset: Preset,
    network: Network,
    settings: MappingSettings,
    folder: Path,
    executor: Executor | None,
) -> NetworkResult:
    """The preset with the mappings that the folder has, or with searched ones, then kept."""
    path = folder / f"{_baseline_digest(preset, network, settings)[:_DIGITS]}.json"
    if not path.exists():
        result = map_network(preset.accelerator, network, settings, executor=executor)
        write_file(path, KeptMappings(mappings=dict(result.mappings)).model_dump_json())
        return result
    mappings = read_kept(path, network).mappings
    return NetworkResult(
        network=network,
        mappings=mappings,
        report=evaluate_network(preset.accelerator, network, mappings, settings.table),
    )


def _kept_folded(
    preset: Preset,
    network: Network,
    settings: MappingSettings,
    folder: Path,
    executor: Executor | None,
) -> FoldedResult:
    """*Folded* with what the folder has, or with what is searched, then kept."""
    digest = _baseline_digest(preset, network, settings, family=preset.folding_dims)
    path = folder / f"{digest[:_DIGITS]}.json"
    if not path.exists():
        result = map_folded(preset, network, settings, executor=executor)
        kept = KeptMappings(mappings=dict(result.mappings), arrays=dict(result.arrays))
        write_file(path, kept.model_dump_json())
        return result
    kept = read_kept(path, network)
    arrays = kept.arrays or {}
    if list(arrays) != list(kept.mappings):
        raise InputError(f"{path} must have an array for each layer of {network.name}")
    return price_folded(network, arrays, kept.mappings, settings.table)


def _baseline_digest(
    preset: Preset,
    network: Network,
    settings: MappingSettings,
    *,
    family: Sequence[Dim] = (),
) -> str:
    """SHA-256 of everything that determines the searched mappings, and the arrays of a family."""
    plain = {
        "accelerator": preset.accelerator.model_dump(mode="json"),
        "network": network.model_dump(mode="json"),
        "table": settings.table.model_dump(mode="json"),
        "settings": {name: value for name, value in vars(settings).items() if name != "table"},
        **({"folded": list(family)} if family else {}),
    }
    return hashlib.sha256(json.dumps(plain, sort_keys=True).encode()).hexdigest()


def read_kept(path: Path, network: Network) -> KeptMappings:
    """What a file of `KeptMappings` holds, which must be mappings of the network.

    Raises
    ------
    InputError : it cannot be read, or holds something else.
    """
    kept = validate(KeptMappings, read_json(path), str(path))
    if list(kept.mappings) != [layer.name for layer in network.layers]:
        names = ", ".join(kept.mappings)
        raise InputError(f"{path} must have the layers of {network.name}, not {names}")
    return kept


def _made(folder: Path) -> Path:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"the folder {folder} cannot be made: {error.strerror}") from error
    return folder
