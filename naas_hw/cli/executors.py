"""Options that say where a command works, and the workers that they mean."""

from collections.abc import Iterator, Sequence
from concurrent.futures import Executor
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from naas_hw.cli.choices import MAX_PROCESSES
from naas_hw.cli.compiling import compile_search
from naas_hw.cli.panels import RUN
from naas_hw.core.errors import InputError
from naas_hw.parallel.worker_pool import num_cores

if TYPE_CHECKING:
    from naas_hw.api import RunSettings

Processes = Annotated[
    int | None,
    typer.Option(
        min=1,
        max=MAX_PROCESSES,
        help="Number of worker processes, by default one for each core. The result does not "
        "depend on it.",
        rich_help_panel=RUN,
    ),
]
Dask = Annotated[
    str | None,
    typer.Option(
        metavar="ADDRESS",
        help="Use the workers of the Dask scheduler at tcp://host:port instead. You must trust it: "
        "it can run code here and on all workers.",
        rich_help_panel=RUN,
    ),
]


@contextmanager
def workers(
    processes: int | None, dask: str | None, run: "RunSettings"
) -> Iterator[int | Executor]:
    """The workers that the options mean, as the verbs that search take them.

    They are connected until the `with` ends. A number of processes is started by the verb, after
    everything else was checked. Before, the search is compiled once for all of them, unless the
    folder of the run is refused.
    """
    from naas_hw.runs.folder import check_new_run

    check_new_run(Path(run.folder), resume=run.resume, force=run.force)
    if dask is None:
        compile_search(Console(stderr=True, highlight=False, soft_wrap=True))
        yield num_cores() if processes is None else processes
        return
    if processes is not None:
        raise InputError("--processes and --dask must not be given together")
    from naas_hw.api import SEARCH_PACKAGES
    from naas_hw.parallel.dask import dask_executor

    with dask_executor(dask, packages=("naas_hw", *SEARCH_PACKAGES)) as executor:
        yield executor


def without_place(words: Sequence[str]) -> tuple[str, ...]:
    """The command line without the options that say where the work is done."""
    kept: list[str] = []
    skip = False
    for word in words:
        if skip or word == "--dask":
            skip = not skip
        elif not word.startswith("--dask="):
            kept.append(word)
    return tuple(kept)
