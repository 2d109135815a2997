"""One start of an accelerator, for tests of the bench."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from naas_hw.sim.build import Build
from naas_hw.sim.build_cache import BuildCache
from naas_hw.sim.memory_habits import MemoryHabits
from naas_hw.sim.run import BenchResult, Stalls, Start, run_starts
from naas_hw.sim.simulators import Simulator


def run_bench(
    build: Build,
    *,
    simulator: Simulator,
    writes: Sequence[tuple[int, int]],
    dram_image: NDArray[np.uint8],
    latency: int,
    period: int,
    cycle_limit: int,
    reads: Sequence[int] = (),
    idle_limit: int | None = None,
    stalls: Stalls | None = None,
    habits: MemoryHabits | None = None,
    read_error_address: int | None = None,
    write_error_address: int | None = None,
    want_events: bool = False,
    dump: tuple[int, int] | None = None,
    waves: Path | None = None,
    cache: BuildCache | None = None,
    timeout_seconds: float | None = None,
    base: int = 0,
) -> BenchResult:
    """Simulate one start of the accelerator; see `run_starts`."""
    return run_starts(
        build,
        simulator=simulator,
        starts=[Start(writes=tuple(writes), reads=tuple(reads))],
        dram_image=dram_image,
        latency=latency,
        period=period,
        cycle_limit=cycle_limit,
        idle_limit=idle_limit,
        stalls=stalls,
        habits=habits,
        read_error_address=read_error_address,
        write_error_address=write_error_address,
        want_events=want_events,
        dump=dump,
        waves=waves,
        cache=cache,
        timeout_seconds=timeout_seconds,
        base=base,
    )[0]
