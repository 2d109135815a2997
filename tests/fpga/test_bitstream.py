"""What goes wrong while a bitstream is written is said with the tool's own words."""

import pytest

from naas_hw.core.errors import ToolError
from naas_hw.fpga import bitstream


def tool(tmp_path, monkeypatch, script: str) -> None:
    program = tmp_path / "ecppack"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    monkeypatch.setattr(bitstream, "require_tool", lambda name: program)


def test_the_bytes_that_the_tool_writes_come_back(tmp_path, monkeypatch):
    tool(tmp_path, monkeypatch, 'printf "%s" "$*" > bitstream.bit')
    assert bitstream.pack("route_3.config", folder=tmp_path) == (
        b"--compress --input route_3.config --bit bitstream.bit"
    )


@pytest.mark.parametrize("script", ["echo no such chip; exit 1", "echo no such chip"])
def test_a_tool_that_writes_none_is_told(script, tmp_path, monkeypatch):
    tool(tmp_path, monkeypatch, script)
    with pytest.raises(ToolError, match="yowasp-ecppack must write a bitstream.*: no such chip"):
        bitstream.pack("route_1.config", folder=tmp_path)
