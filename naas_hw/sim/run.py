"""One run of generated Verilog in a simulator: build (or take from the cache), run, read back."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from naas_hw.errors import InputError, SimulationError
from naas_hw.resources import bench_folder
from naas_hw.sim import runner_process
from naas_hw.sim.build_cache import (
    BuildCache,
    default_cache_folder,
    digest_of,
    temporary_folder,
)
from naas_hw.sim.simulators import Simulator, has_fst_headers

Status = Literal["done", "hang", "reset", "no_start", "no_answer"]
"""done: the interrupt came; hang: it did not within the limit of cycles; reset: as was asked for;
no_start: the last write was answered and nothing started; no_answer: the register port did not
answer."""

HARNESS: Final = "naas_harness"
BEAT_BYTES: Final = (4, 8, 16, 32)
_BENCH_VERILOG: Final = ("naas_dram.v", "naas_harness.v")
_SMALLEST_DRAM_BYTES: Final[Mapping[str, int]] = {
    # Icarus pays for every word, and builds in a second; Verilator builds slowly, so that one
    # build should serve many layers.
    "icarus": 1 << 16,
    "verilator": 1 << 26,
}
_VERILATOR_FLAGS: Final = (
    "-Wno-fatal",
    "-Wno-lint",
    "-Wno-style",
    "--x-assign",
    "unique",
    "--x-initial",
    "unique",
    # The runner makes every signal visible to Python, which keeps Verilator from optimising;
    # the harness marks those that the bench needs.
    "--no-public-flat-rw",
)
_RUNTIME_OBJECTS: Final = (
    "verilated.o",
    "verilated_dpi.o",
    "verilated_fst_c.o",
    "verilated_threads.o",
    "verilated_vcd_c.o",
    "verilated_vpi.o",
)
_LINES_OF_A_LOG: Final = 15
_SECONDS_AHEAD: Final = 3600
_OPTIMIZE: Final = ("-O0", "-O1", "-O2", "-O3", "-Os")


@dataclass(frozen=True, kw_only=True)
class Stalls:
    """Random stalls of the memory: each of its valid and ready is low in `percent` of cycles."""

    seed: int
    percent: int

    def __post_init__(self) -> None:
        if not 0 <= self.percent <= 95:
            raise InputError(f"percent must be 0 to 95, not {self.percent}")
        if not 0 <= self.seed < 1 << 63:
            raise InputError(f"seed must be 0 to 2**63 - 1, not {self.seed}")


@dataclass(frozen=True, kw_only=True)
class Build:
    """What is compiled.

    Parameters
    ----------
    sources : file name -> Verilog text; one of them has the module `top`.
    beat_bytes : width of the AXI data bus.
    num_events : width of the top module's `probe_events`.
    num_l2 : width of the top module's `probe_l2`.
    top : name of the accelerator's module.
    defines : further macros.
    optimize : of the C++ compiler, for Verilator.
    """

    sources: Mapping[str, str]
    beat_bytes: int
    num_events: int
    num_l2: int
    top: str = "naas_accelerator"
    defines: Mapping[str, str] | None = None
    optimize: str = "-O1"

    def __post_init__(self) -> None:
        if not self.sources:
            raise InputError("sources must have at least one file, not 0")
        for name in self.sources:
            if not re.fullmatch(r"[A-Za-z0-9_]+\.s?v", name) or name in _BENCH_VERILOG:
                raise InputError(f"a source must be a Verilog file of its own name, not {name!r}")
        if self.beat_bytes not in BEAT_BYTES:
            raise InputError(f"beat_bytes must be 4, 8, 16 or 32, not {self.beat_bytes}")
        if min(self.num_events, self.num_l2) < 1:
            raise InputError(
                f"num_events and num_l2 must be at least 1, not {self.num_events} and {self.num_l2}"
            )
        if self.optimize not in _OPTIMIZE:
            raise InputError(f"optimize must be one of {', '.join(_OPTIMIZE)}, not {self.optimize}")


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
    """

    writes: tuple[tuple[int, int], ...]
    reads: tuple[int, ...] = ()
    writes_while_busy: tuple[tuple[int, int], ...] = ()
    reset_after: int | None = None

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
        }


@dataclass(frozen=True, kw_only=True, eq=False)
class BenchResult:
    """What a run gave.

    Parameters
    ----------
    status : see Status.
    cycles : from the accepted start (cycle 0) to the first cycle with the interrupt high.
    counters : name -> count, from the start on: beats and bursts of DRAM, writes of the weight and
        input buffers, MACs; `protocol_errors`, `ordering_errors` and `rready_low` of the memory.
        -1 where a simulator says X.
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
    stalls: Stalls | None = None,
    read_error_address: int | None = None,
    write_error_address: int | None = None,
    want_events: bool = False,
    dump: tuple[int, int] | None = None,
    waves: Path | None = None,
    cache: BuildCache | None = None,
    timeout_seconds: float | None = None,
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
        stalls=stalls,
        read_error_address=read_error_address,
        write_error_address=write_error_address,
        want_events=want_events,
        dump=dump,
        waves=waves,
        cache=cache,
        timeout_seconds=timeout_seconds,
    )[0]


def run_starts(
    build: Build,
    *,
    simulator: Simulator,
    starts: Sequence[Start],
    dram_image: NDArray[np.uint8],
    latency: int,
    period: int,
    cycle_limit: int,
    stalls: Stalls | None = None,
    read_error_address: int | None = None,
    write_error_address: int | None = None,
    want_events: bool = False,
    dump: tuple[int, int] | None = None,
    waves: Path | None = None,
    cache: BuildCache | None = None,
    timeout_seconds: float | None = None,
) -> tuple[BenchResult, ...]:
    """Simulate some starts of the accelerator, one after the other; a result for each.

    Parameters
    ----------
    build : what is compiled; kept in the cache.
    starts : what is written to registers, and read.
    dram_image : uint8, a whole number of beats; its size is the window of legal addresses.
    latency, period : of the memory, in cycles (see naas_dram.v).
    cycle_limit : a run counts as hung if no interrupt came up to this cycle.
    stalls : random stalls of the memory; None for its exact timing.
    read_error_address, write_error_address : where the memory answers SLVERR.
    want_events : whether events are logged.
    dump : bytes of memory that are read back after the last run, from and to (not included), both
        multiples of a beat; None for all, an empty range for none. Every result has them.
    waves : file for waves, without its suffix; the result says which was written.
    cache : None for the user's own.
    timeout_seconds : the simulator is killed after that; a net below `cycle_limit`, for loops
        within one cycle.

    Raises
    ------
    SimulationError where the build fails, or the simulator ends without a result.
    """
    _check_run(build, dram_image, latency, period, cycle_limit, starts)
    first, end = _check_dump(build, dram_image, dump)
    wave_format = _wave_format(simulator, waves)
    with temporary_folder("naas_sim_") as folder:
        dram_bytes = _storage_bytes(simulator, dram_image.size)
        from_cache = _fetch_program(
            build, simulator, dram_bytes, wave_format, cache or _user_cache(), folder
        )
        _swapped(dram_image, build.beat_bytes).tofile(folder / "dram.bin")
        request = {
            "starts": [start.request() for start in starts],
            "dump": first < end,
            "num_l2": build.num_l2,
        }
        (folder / "request.json").write_text(json.dumps(request), encoding="utf-8")
        plusargs = {
            "dram_binary": "dram.bin",
            "dram_result": "result.hex",
            "dram_bytes": str(dram_image.size),
            "latency": str(latency),
            "period": str(period),
            "cycle_limit": str(cycle_limit),
            "dump_first": str(first // build.beat_bytes),
            "dump_last": str(end // build.beat_bytes - 1),
            **({"event_log": "events.txt"} if want_events else {}),
            **({"stall_seed": str(stalls.seed)} if stalls else {}),
            **({"stall_percent": str(stalls.percent)} if stalls else {}),
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


def image_to_hex(image: NDArray[np.uint8], beat_bytes: int) -> bytes:
    """Text for $readmemh: a beat a line, byte 0 in the last two digits.

    Examples
    --------
    >>> image_to_hex(np.arange(8, dtype=np.uint8), 4)
    b'03020100\\n07060504\\n'
    """
    return _swapped(image, beat_bytes).tobytes().hex("\n", beat_bytes).encode() + b"\n"


def hex_to_image(text: bytes, beat_bytes: int) -> tuple[NDArray[np.uint8], int]:
    """The memory that $writememh wrote, and how many of its digits are X or Z (0 in the memory).

    Examples
    --------
    >>> hex_to_image(b"// 0x00000000\\n03020100\\nxx060504\\n", 4)
    (array([0, 1, 2, 3, 4, 5, 6, 0], dtype=uint8), 2)
    """
    if b"/" in text or b"@" in text:
        text = re.sub(rb"(?m)^[/@].*$", b"", text)
    known = text.translate(bytes.maketrans(b"xXzZ", b"0000"))
    unknown = sum(text.count(digit) for digit in (b"x", b"X", b"z", b"Z"))
    return _swapped(np.frombuffer(bytes.fromhex(known.decode()), np.uint8), beat_bytes), unknown


def _swapped(data: NDArray[np.uint8], beat_bytes: int) -> NDArray[np.uint8]:
    """Every beat with its bytes in reverse: Verilog's order of writing, and back."""
    return np.ascontiguousarray(data.reshape(-1, beat_bytes)[:, ::-1]).reshape(-1)


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


def _storage_bytes(simulator: Simulator, num_bytes: int) -> int:
    power = 1 << (num_bytes - 1).bit_length()
    return max(power, _SMALLEST_DRAM_BYTES[simulator.name])


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


# ---------------------------------------------------------------- build


@cache
def _versions() -> str:
    return f"cocotb {metadata.version('cocotb')} python {sys.version} {sys.platform}"


def _bench_text() -> dict[str, str]:
    return {name: (bench_folder() / name).read_text(encoding="utf-8") for name in _BENCH_VERILOG}


def _parameters(build: Build, dram_bytes: int) -> dict[str, int]:
    return {
        "BEAT_BYTES": build.beat_bytes,
        "DRAM_BYTES": dram_bytes,
        "NUM_EVENTS": build.num_events,
        "NUM_L2": build.num_l2,
    }


def _tool_parts(simulator: Simulator, wave_format: str | None) -> dict[str, str]:
    return {
        "tools": f"{simulator.name} {simulator.version} {simulator.path} {_versions()}",
        "flags": f"{_VERILATOR_FLAGS} {wave_format}",
    }


def _fetch_program(
    build: Build,
    simulator: Simulator,
    dram_bytes: int,
    wave_format: str | None,
    store: BuildCache,
    into: Path,
) -> bool:
    parts = {
        **_tool_parts(simulator, wave_format),
        "optimize": build.optimize,
        **{f"source {name}": text for name, text in build.sources.items()},
        **{f"bench {name}": text for name, text in _bench_text().items()},
        "top": build.top,
        "defines": repr(sorted((build.defines or {}).items())),
        "parameters": repr(_parameters(build, dram_bytes)),
    }

    def compile_into(entry: Path) -> None:
        with temporary_folder("naas_build_") as folder:
            _compile(build, simulator, dram_bytes, wave_format, store, folder)
            program = "sim.vvp" if simulator.name == "icarus" else HARNESS
            shutil.copy2(folder / program, entry / program)

    return store.fetch(digest_of(parts), compile_into, into)


def _compile(
    build: Build,
    simulator: Simulator,
    dram_bytes: int,
    wave_format: str | None,
    store: BuildCache,
    folder: Path,
) -> None:
    texts = {**build.sources, **_bench_text()}
    for name, text in texts.items():
        (folder / name).write_text(text, encoding="utf-8")
    runtime = {**_tool_parts(simulator, wave_format), "runtime": repr(_RUNTIME_OBJECTS)}
    flags: list[str] = []
    if simulator.name == "verilator":
        flags = [*_VERILATOR_FLAGS, *(["--trace-fst"] if wave_format == "fst" else [])]
        store_runtime = _reuse_runtime(store, digest_of(runtime), folder)
    _run_runner(
        simulator,
        build,
        {
            "build": {
                "sources": [str(folder / name) for name in texts],
                "hdl_toplevel": HARNESS,
                "build_dir": str(folder),
                "always": True,
                "parameters": _parameters(build, dram_bytes),
                "defines": {"NAAS_TOP": build.top, **(build.defines or {})},
                "build_args": flags,
                "timescale": ["1ns", "1ps"],
                "waves": wave_format is not None and simulator.name == "verilator",
                "log_file": str(folder / "build.log"),
            }
        },
        folder,
        log=folder / "build.log",
        what="build",
    )
    if simulator.name == "verilator" and not store_runtime:
        store.fetch(digest_of(runtime), lambda entry: _copy_runtime(folder, entry), folder / "kept")


def _reuse_runtime(store: BuildCache, digest: str, folder: Path) -> bool:
    """Put the compiled library of Verilator, the same for every design, where make finds it."""
    (folder / "kept").mkdir()
    if digest not in store.entries():
        return False

    def lost(_: Path) -> None:
        raise FileNotFoundError(digest)

    try:
        store.fetch(digest, lost, folder / "kept")
    except FileNotFoundError:
        return False
    _copy_runtime(folder / "kept", folder)
    for name in _RUNTIME_OBJECTS:
        if (folder / name).is_file():
            # They depend on the makefile, which Verilator writes only now: they have to be newer.
            newer = time.time() + _SECONDS_AHEAD
            os.utime(folder / name, (newer, newer))
    return True


def _copy_runtime(source: Path, target: Path) -> None:
    for name in _RUNTIME_OBJECTS:
        if (source / name).is_file():
            shutil.copyfile(source / name, target / name)


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
    _run_runner(
        simulator,
        build,
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
        log=folder / "run.log",
        what="run",
        timeout_seconds=timeout_seconds,
    )
    if not (folder / "result.json").is_file():
        raise SimulationError(
            f"{simulator.name} must leave a result, not end without: {_tail(folder / 'run.log')}"
        )


def _run_runner(
    simulator: Simulator,
    build: Build,
    request: Mapping[str, Any],
    folder: Path,
    *,
    log: Path,
    what: str,
    timeout_seconds: float | None = None,
) -> None:
    request = {"simulator": simulator.name, "path": [str(bench_folder())], **request}
    path = folder / f"{what}_request.json"
    path.write_text(json.dumps(request), encoding="utf-8")
    with open(folder / f"{what}_runner.log", "wb") as output:
        child = subprocess.Popen(
            [sys.executable, "-P", runner_process.__file__, str(path)],
            cwd=folder,
            env=simulator.environment(os.environ, optimize=build.optimize),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            status = child.wait(timeout_seconds)
        except subprocess.TimeoutExpired:
            raise SimulationError(
                f"{simulator.name} must end within {timeout_seconds} s, not go on: {_tail(log)}"
            ) from None
        finally:
            _end(child)
    if status != 0:
        tail = _tail(log) or _tail(folder / f"{what}_runner.log")
        raise SimulationError(f"{what} with {simulator.name} failed: {tail}")


def _end(child: subprocess.Popen[bytes]) -> None:
    """End a child and all that it started, if it still runs: on a timeout, or Ctrl-C."""
    if child.poll() is None:
        os.killpg(child.pid, signal.SIGKILL)
        child.wait()


# ---------------------------------------------------------------- reading back


def _tail(log: Path) -> str:
    """What a log says went wrong: its lines with "error", or its last ones."""
    if not log.is_file():
        return ""
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
    wrong = [line for line in lines if re.search(r"\berror\b", line, re.IGNORECASE)]
    return "\n".join((wrong or lines)[-_LINES_OF_A_LOG:]).replace(f"{log.parent}{os.sep}", "")


def _messages(log: Path) -> tuple[str, ...]:
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
    return tuple(line for line in lines if line.startswith(("naas_dram:", "naas_monitor:")))


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
