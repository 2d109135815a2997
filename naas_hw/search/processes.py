"""Worker processes as the searches use them, with compiled code from the cache."""

from collections.abc import Iterator
from concurrent.futures import Executor
from contextlib import contextmanager
from typing import Final

import numpy as np

from naas_hw.arch.accelerator import Accelerator, Axis
from naas_hw.arch.technology import SIZED
from naas_hw.parallel.worker_pool import worker_pool
from naas_hw.search.mapping.layer_search import map_layer
from naas_hw.search.objective import Objective
from naas_hw.workload.layer import Layer

TASKS: Final = "naas_hw.search.mapping.network_search"
"""The module of what workers run."""


@contextmanager
def worker_processes(num_processes: int) -> Iterator[Executor | None]:
    """A `worker_pool` for searches, once the compiled code is in the cache.

    Raises
    ------
    InputError : a number below 1.
    """
    with worker_pool(num_processes, preload=TASKS) as pool:
        compile_once()
        yield pool


def compile_once() -> None:
    """Have the compiled code in the cache on disk, before many processes want it at once."""
    accelerator = Accelerator(
        axes=(Axis(dim="K", size=2),),
        weight_buffer_bytes=16,
        input_buffer_bytes=16,
        accumulator_words=16,
        bank_bytes=256,
    )
    layer = Layer(name="smallest", K=1, height=1, width=1)
    map_layer(
        accelerator,
        layer,
        objective=Objective.EDP,
        table=SIZED,
        budget_evaluations=100,
        rng=np.random.default_rng(0),
    )
