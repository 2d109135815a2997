"""The README is true: its library code runs, and its commands exist."""

import re
from pathlib import Path

import pytest

from naas_hw.cli import main

README = (Path(__file__).resolve().parent.parent / "README.md").read_text(encoding="utf-8")
COMMANDS = sorted(set(re.findall(r"`naas ([a-z-]+)", README)))


@pytest.mark.needs("torch")
def test_the_library_code_runs(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    blocks = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    assert blocks
    for block in blocks:
        exec(compile(block, "README.md", "exec"), {})
    assert capsys.readouterr().out


@pytest.mark.parametrize("command", COMMANDS)
def test_the_commands_exist(command, capsys):
    assert main([command, "--help"]) == 0
    assert f"naas {command}" in capsys.readouterr().out
