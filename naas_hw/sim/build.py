"""Verilog and bench as one program of a simulator: compiled, or taken from the cache."""

import os
import re
import shutil
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Final

from naas_hw.core.errors import InputError
from naas_hw.core.resources import bench_folder
from naas_hw.sim.build_cache import BuildCache, build_digest
from naas_hw.sim.runner import run_runner
from naas_hw.sim.simulators import Simulator
from naas_hw.system.temporary import temporary_folder

HARNESS: Final = "naas_harness"
BEAT_BYTES: Final = (4, 8, 16, 32)
_BENCH_VERILOG: Final = (
    "naas_axi_check.v",
    "naas_dram.v",
    "naas_range_check.v",
    "naas_isolator.v",
    "naas_lockstep.v",
    "naas_harness.v",
)
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
_SECONDS_AHEAD: Final = 3600
_OPTIMIZE: Final = ("-O0", "-O1", "-O2", "-O3", "-Os")


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


def fetch_program(
    build: Build,
    simulator: Simulator,
    image_bytes: int,
    wave_format: str | None,
    store: BuildCache,
    into: Path,
) -> bool:
    """Put the program where it will run; whether it was in the cache.

    Parameters
    ----------
    image_bytes : what the memory of the bench has to hold at least.
    wave_format : `fst` or `vcd`; None where no waves will be asked for.
    store : where it is kept.
    into : the folder that gets it.

    Raises
    ------
    SimulationError where the build fails.
    """
    dram_bytes = _storage_bytes(simulator, image_bytes)
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

    return store.fetch(build_digest(parts), compile_into, into)


def _storage_bytes(simulator: Simulator, num_bytes: int) -> int:
    power = 1 << (num_bytes - 1).bit_length()
    return max(power, _SMALLEST_DRAM_BYTES[simulator.name])


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
        store_runtime = _reuse_runtime(store, build_digest(runtime), folder)
    run_runner(
        simulator,
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
        optimize=build.optimize,
        log=folder / "build.log",
        what="build",
    )
    if simulator.name == "verilator" and not store_runtime:
        store.fetch(
            build_digest(runtime), lambda entry: _copy_runtime(folder, entry), folder / "kept"
        )


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
