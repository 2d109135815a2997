"""Searches whose histories are kept in a folder, so that a long comparison goes on where it was."""

from collections.abc import Sequence
from concurrent.futures import Executor
from pathlib import Path
from typing import Final

from naas_hw.arch.budget import Budget
from naas_hw.errors import InputError
from naas_hw.search.accelerator_search import search
from naas_hw.search.search_result import ProgressCallback, SearchResult
from naas_hw.search.search_settings import SearchSettings, settings_digest
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


def _made(folder: Path) -> Path:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"{folder} must be a folder that can be made: {error.strerror}") from error
    return folder
