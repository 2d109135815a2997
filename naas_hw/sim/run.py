"""One run of generated Verilog in a simulator: build (or take from the cache), run, read back."""

import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from naas_hw.compiler.program import PAGE_BYTES, WINDOW_BYTES
from naas_hw.core.errors import InputError, SimulationError
from naas_hw.sim.build import HARNESS, Build, fetch_program
from naas_hw.sim.build_cache import BuildCache, default_cache_folder
from naas_hw.sim.dram_image import hex_to_image, swap_bytes
from naas_hw.sim.memory_habits import MAX_STALL_PERCENT, MemoryHabits
from naas_hw.sim.runner import log_tail, run_runner
from naas_hw.sim.simulators import Simulator, has_fst_headers
from naas_hw.system.temporary import temporary_folder

MESSAGES: Final = ("naas_dram:", "naas_axi_check:", "naas_monitor:")
"""How lines of the log begin that tell of an error."""

Status = Literal["done", "hang", "reset", "no_start", "no_answer"]
"""done: the interrupt came; hang: it did not within the limit of cycles; reset: as was asked for;
no_start: the last write was answered and nothing started; no_answer: the register port did not
answer."""


@dataclass(frozen=True, kw_only=True)
class Stalls:
    """Random stalls of the memory: each of its valid and ready is low in `percent` of cycles."""

    seed: int
    percent: int

    def __post_init__(self) -> None:
        if not 0 <= self.percent <= MAX_STALL_PERCENT:
            raise InputError(f"percent must be 0 to {MAX_STALL_PERCENT}, not {self.percent}")
        if not 0 <= self.seed < 1 << 63:
            raise InputError(f"seed must be 0 to 2**63 - 1, not {self.seed}")


@dataclass(frozen=True, kw_only=True)
class Start:
    """What is done at the register port for one run of the accelerator.

    Parameters
    ----------
    writes : (address, value) of registers, in order; the last one starts.
    reads : addresses of registers that are read after the end.
    writes_while_busy : like writes, right behind the one that starts.
    reset_after : cycles after the last write at which accelerator and memory are reset; the
        contents of memory stay.
    writable : (first byte, byte behind the last) outside of which the bench counts written bursts
        in `writes_outside`; whole blocks of 4 KiB. None: nothing is outside.
    core_only : then the accelerator alone is reset, and naas_isolator.v ends what is under way.
    """

    writes: tuple[tuple[int, int], ...]
    reads: tuple[int, ...] = ()
    writes_while_busy: tuple[tuple[int, int], ...] = ()
    reset_after: int | None = None
    writable: tuple[int, int] | None = None
    core_only: bool = False

    def __post_init__(self) -> None:
        if not self.writes:
            raise InputError("writes must have at least the one that starts, not 0 entries")
        if self.reset_after is not None and self.reset_after < 1:
            raise InputError(f"reset_after must be at least 1, not {self.reset_after}")

    def request(self) -> dict[str, Any]:
        """The same for the bench."""
        return {
            "writes": [[int(address), int(value)] for address, value in self.writes],
            "reads": [int(address) for address in self.reads],
            "writes_while_busy": [[int(a), int(value)] for a, value in self.writes_while_busy],
            "reset_after": self.reset_after,
            "writable": self.writable and [int(self.writable[0]), int(self.writable[1]) - 1],
            "core_only": self.core_only,
        }


@dataclass(frozen=True, kw_only=True, eq=False)
class BenchResult:
    """What a run gave.

    Parameters
    ----------
    status : see Status.
    cycles : from the accepted start (cycle 0) to the first cycle with the interrupt high.
    counters : name -> count, from the start on: beats and bursts of DRAM, writes of the weight and
        input buffers, MACs; `writes_outside`, see Start; `protocol_errors`, `ordering_errors` and
        `rready_low` of the memory. -1 where a simulator says X.
    l2_accesses : a count for each bit of `probe_l2`.
    events : int64, shape (number of events, 2): cycle, bit of `probe_events`; by cycle, then bit.
    dram : uint8, the bytes of memory that were asked for, after the run.
    num_unknown_dram_digits : hexadecimal digits of `dram` that the simulator calls X; 0 in `dram`.
    registers : address -> value; empty if the port did not answer.
    messages : what the memory said about the protocol.
    waves : the file of waves; None if they were not asked for.
    from_cache : whether the build was there already.
    """

    status: Status
    cycles: int
    counters: Mapping[str, int]
    l2_accesses: tuple[int, ...]
    events: NDArray[np.int64]
    dram: NDArray[np.uint8]
    num_unknown_dram_digits: int
    registers: Mapping[int, int]
    messages: tuple[str, ...]
    waves: Path | None
    from_cache: bool


def run_starts(
    build: Build,
    *,
    simulator: Simulator,
    starts: Sequence[Start],
    dram_image: NDArray[np.uint8],
    latency: int,
    period: int,
    cycle_limit: int,
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
) -> tuple[BenchResult, ...]:
    """Simulate some starts of the accelerator, one after the other; a result for each.

    Parameters
    ----------
    build : what is compiled; kept in the cache.
    starts : what is written to registers, and read.
    dram_image : uint8, a whole number of beats; its size is the window of legal addresses.
    latency, period : of the memory, in cycles (see naas_dram.v).
    cycle_limit : a run counts as hung if no interrupt came up to this cycle.
    idle_limit : it also counts as hung if nothing moved for so many cycles; None for no limit.
    stalls : random stalls of the memory; None for its exact timing.
    habits : other handshakes that AXI4 allows; None for its exact timing.
    read_error_address, write_error_address : where the memory answers SLVERR.
    want_events : whether events are logged.
    dump : bytes of memory that are read back after the last run, from and to (not included), both
        multiples of a beat; None for all, an empty range for none. Every result has them.
    waves : file for waves, without its suffix; the result says which was written.
    cache : None for the user's own.
    timeout_seconds : the simulator is killed after that; a net below `cycle_limit`, for loops
        within one cycle.
    base : where the image stands in memory, a multiple of 4 KiB; addresses given here count from
        it. The accelerator has a register for it.

    Raises
    ------
    SimulationError where the build fails, or the simulator ends without a result.
    """
    _check_run(build, dram_image, latency, period, cycle_limit, starts)
    _check_base(base, dram_image)
    first, end = _check_dump(build, dram_image, dump)
    wave_format = _wave_format(simulator, waves)
    with temporary_folder("naas_sim_") as folder:
        from_cache = fetch_program(
            build, simulator, dram_image.size, wave_format, cache or _user_cache(), folder
        )
        swap_bytes(dram_image, build.beat_bytes).tofile(folder / "dram.bin")
        request = {
            "starts": [start.request() for start in starts],
            "dump": first < end,
            "num_l2": build.num_l2,
            "period": period,
        }
        (folder / "request.json").write_text(json.dumps(request), encoding="utf-8")
        plusargs = {
            "dram_binary": "dram.bin",
            "dram_result": "result.hex",
            "dram_bytes": str(dram_image.size),
            "dram_base": f"{base:x}",
            "latency": str(latency),
            "period": str(period),
            "cycle_limit": str(cycle_limit),
            "dump_first": str(first // build.beat_bytes),
            "dump_last": str(end // build.beat_bytes - 1),
            **({"event_log": "events.txt"} if want_events else {}),
            **({"idle_limit": str(idle_limit)} if idle_limit else {}),
            **({"stall_seed": str(stalls.seed)} if stalls else {}),
            **({"stall_percent": str(stalls.percent)} if stalls else {}),
            **(habits.plusargs() if habits else {}),
            **_hex_plusarg("read_error_address", read_error_address),
            **_hex_plusarg("write_error_address", write_error_address),
        }
        _simulate(simulator, build, plusargs, wave_format, folder, timeout_seconds)
        results = json.loads((folder / "result.json").read_text(encoding="utf-8"))
        dram, unknown = (
            hex_to_image((folder / "result.hex").read_bytes(), build.beat_bytes)
            if first < end
            else (np.zeros(0, np.uint8), 0)
        )
        messages = _messages(folder / "run.log")
        kept = _keep_waves(folder, waves, wave_format)
        logs = _read_events(folder / "events.txt", results)
        return tuple(
            BenchResult(
                status=result["status"],
                cycles=result["cycles"],
                counters=result["counters"],
                l2_accesses=tuple(result["l2_accesses"]),
                events=events,
                dram=dram,
                num_unknown_dram_digits=unknown,
                registers={int(address): value for address, value in result["registers"].items()},
                messages=messages,
                waves=kept,
                from_cache=from_cache,
            )
            for result, events in zip(results, logs, strict=True)
        )


def _check_run(
    build: Build,
    dram_image: NDArray[np.uint8],
    latency: int,
    period: int,
    cycle_limit: int,
    starts: Sequence[Start],
) -> None:
    if dram_image.dtype != np.uint8:
        raise TypeError(f"dram_image must be of uint8, not {dram_image.dtype}")
    if dram_image.ndim != 1 or dram_image.size == 0 or dram_image.size % build.beat_bytes:
        raise InputError(
            f"dram_image must be a whole number of beats of {build.beat_bytes} bytes, "
            f"not of shape {dram_image.shape}"
        )
    if min(latency, period, cycle_limit) < 1:
        raise InputError(
            "latency, period and cycle_limit must be at least 1, "
            f"not {latency}, {period}, {cycle_limit}"
        )
    if not starts:
        raise InputError("starts must have at least one entry, not 0")


def _check_base(base: int, dram_image: NDArray[np.uint8]) -> None:
    last = WINDOW_BYTES - dram_image.size
    if base % PAGE_BYTES or not 0 <= base <= last:
        raise InputError(f"base must be a multiple of {PAGE_BYTES} from 0 to {last}, not {base}")


def _check_dump(
    build: Build, dram_image: NDArray[np.uint8], dump: tuple[int, int] | None
) -> tuple[int, int]:
    first, end = (0, dram_image.size) if dump is None else dump
    if not 0 <= first <= end <= dram_image.size or (first | end) % build.beat_bytes:
        raise InputError(
            f"dump must be a range of whole beats within {dram_image.size} bytes, "
            f"not {first} to {end}"
        )
    return first, end


def _user_cache() -> BuildCache:
    return BuildCache(folder=default_cache_folder())


def _hex_plusarg(name: str, value: int | None) -> dict[str, str]:
    return {} if value is None else {name: f"{value:x}"}


# ---------------------------------------------------------------- waves


def _wave_format(simulator: Simulator, waves: Path | None) -> str | None:
    if waves is None:
        return None
    return "fst" if simulator.name == "icarus" or has_fst_headers() else "vcd"


def _keep_waves(folder: Path, waves: Path | None, wave_format: str | None) -> Path | None:
    if waves is None:
        return None
    target = waves.with_name(f"{waves.name}.{wave_format}")
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.move(folder / f"waves.{wave_format}", target)
    return target


# ---------------------------------------------------------------- run


def _simulate(
    simulator: Simulator,
    build: Build,
    plusargs: Mapping[str, str],
    wave_format: str | None,
    folder: Path,
    timeout_seconds: float | None,
) -> None:
    arguments = [f"+{name}={value}" for name, value in plusargs.items()]
    test_args: list[str] = []
    if wave_format is not None and simulator.name == "icarus":
        arguments.append(f"+waves=waves.{wave_format}")
    elif wave_format is not None:
        test_args = ["--trace-file", f"waves.{wave_format}"]
    run_runner(
        simulator,
        {
            "test": {
                "test_module": "bench",
                "hdl_toplevel": HARNESS,
                "hdl_toplevel_lang": "verilog",
                "build_dir": str(folder),
                "test_dir": str(folder),
                "test_args": test_args,
                "plusargs": arguments,
                "waves": wave_format is not None,
                "seed": 0,
                "extra_env": {
                    "NAAS_BENCH_REQUEST": "request.json",
                    "NAAS_BENCH_RESULT": "result.json",
                },
                "log_file": str(folder / "run.log"),
            }
        },
        folder,
        optimize=build.optimize,
        log=folder / "run.log",
        what="run",
        timeout_seconds=timeout_seconds,
    )
    if not (folder / "result.json").is_file():
        raise SimulationError(
            f"{simulator.name} ended without a result: {log_tail(folder / 'run.log')}"
        )


# ---------------------------------------------------------------- reading back


def _messages(log: Path) -> tuple[str, ...]:
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
    return tuple(line for line in lines if line.startswith(MESSAGES))


def _read_events(path: Path, results: Sequence[Mapping[str, Any]]) -> list[NDArray[np.int64]]:
    """The log of each run; a run that never started has none."""
    logged = (
        np.fromfile(path, np.int64, sep=" ").reshape(-1, 2)
        if path.is_file()
        else np.zeros((0, 2), np.int64)
    )
    begins = np.flatnonzero(logged[:, 1] < 0)
    logs = [part[1:] for part in np.split(logged, begins)[1:]]
    nothing = np.zeros((0, 2), np.int64)
    return [
        nothing if result["status"] in ("no_start", "no_answer") or not logs else logs.pop(0)
        for result in results
    ]
