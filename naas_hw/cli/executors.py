"""Where a command's work is done: options, and the executor they mean."""

from collections.abc import Iterator, Sequence
from concurrent.futures import Executor
from contextlib import contextmanager
from typing import Annotated, TypedDict

import typer

from naas_hw.cli.choices import MAX_PROCESSES
from naas_hw.core.errors import InputError
from naas_hw.parallel.worker_pool import num_cores


class Workers(TypedDict):
    """Arguments of the verbs that search."""

    executor: Executor | None
    num_processes: int


Processes = Annotated[
    int | None,
    typer.Option(
        min=1,
        max=MAX_PROCESSES,
        help="Worker processes; by default one for each core. The result is the same.",
    ),
]
Dask = Annotated[
    str | None,
    typer.Option(
        metavar="ADDRESS",
        help="Use the workers of the Dask scheduler at tcp://host:port instead. It has to be "
        "trusted: it can run code here and on all workers.",
    ),
]


@contextmanager
def workers(processes: int | None, dask: str | None) -> Iterator[Workers]:
    """What `api.search` and `api.map` are told of the options; connected until the `with` ends.

    Processes are started there, when all else is known to be right.
    """
    if dask is None:
        yield {"executor": None, "num_processes": num_cores() if processes is None else processes}
        return
    if processes is not None:
        raise InputError("--processes and --dask must not be given together")
    from naas_hw.api import SEARCH_PACKAGES
    from naas_hw.parallel.dask import dask_executor

    with dask_executor(dask, packages=("naas_hw", *SEARCH_PACKAGES)) as executor:
        yield {"executor": executor, "num_processes": 1}


def without_place(words: Sequence[str]) -> tuple[str, ...]:
    """A command line without where its work was done, which says nothing of the result."""
    kept: list[str] = []
    skip = False
    for word in words:
        if skip or word == "--dask":
            skip = not skip
        elif not word.startswith("--dask="):
            kept.append(word)
    return tuple(kept)
