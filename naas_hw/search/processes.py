"""Worker processes: started afresh, deaf to Ctrl-C, with compiled code from the cache."""

import multiprocessing
import signal
from collections.abc import Iterator
from concurrent.futures import Executor, ProcessPoolExecutor
from contextlib import contextmanager

from naas_hw.arch.accelerator import Accelerator, Axis
from naas_hw.arch.technology import SIZED
from naas_hw.cost.compiled import MappingBatch, evaluate_bounds, evaluate_exact
from naas_hw.errors import InputError
from naas_hw.mapping.mapping import Mapping
from naas_hw.workload.layer import Layer


@contextmanager
def worker_processes(num_processes: int) -> Iterator[Executor | None]:
    """An executor of so many processes; None, which means this process, for one.

    Processes are spawned, not forked: a progress display has threads. On the way out of an error
    or Ctrl-C what has not begun is dropped.

    Raises
    ------
    InputError : a number below 1.
    """
    if num_processes < 1:
        raise InputError(f"processes must be at least 1, not {num_processes}")
    compile_once()
    if num_processes == 1:
        yield None
        return
    executor = ProcessPoolExecutor(
        num_processes,
        mp_context=multiprocessing.get_context("spawn"),
        initializer=_ignore_interrupts,
    )
    try:
        yield executor
    finally:
        executor.shutdown(wait=True, cancel_futures=True)


def _ignore_interrupts() -> None:
    """Ctrl-C reaches the whole process group; who started the workers decides what it means."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


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
    batch = MappingBatch.from_mappings([Mapping()])
    evaluate_bounds(accelerator, layer, batch, SIZED)
    evaluate_exact(accelerator, layer, batch, [0], SIZED)
