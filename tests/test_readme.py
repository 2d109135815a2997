"""The README and the list of commands are true: library code runs, commands and files exist."""

import re
from pathlib import Path

import pytest
import typer
from typer.core import TyperGroup

from naas_hw.cli import main
from naas_hw.cli.app import app

REPOSITORY = Path(__file__).resolve().parent.parent
README = (REPOSITORY / "README.md").read_text(encoding="utf-8")
LIST_OF_COMMANDS = (REPOSITORY / "docs" / "commands.md").read_text(encoding="utf-8")
COMMANDS = sorted(set(re.findall(r"`naas ([a-z-]+)", README + LIST_OF_COMMANDS)))


def test_the_library_code_runs(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    blocks = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    assert blocks
    for block in blocks:
        exec(compile(block, "README.md", "exec"), {})
    assert capsys.readouterr().out


def test_the_list_of_commands_is_whole():
    """Whoever reads it finds every command."""
    command = typer.main.get_command(app)
    assert isinstance(command, TyperGroup)
    assert set(command.commands) <= set(re.findall(r"`naas ([a-z-]+)", LIST_OF_COMMANDS))


def test_the_picture_adapts_to_a_dark_page():
    """One file serves light and dark pages; it names no font or picture from elsewhere."""
    picture = (REPOSITORY / "docs" / "images" / "accelerator.svg").read_text(encoding="utf-8")
    assert "docs/images/accelerator.svg" in README
    assert "prefers-color-scheme: dark" in picture
    assert not re.search(r"(?:href|url\()\s*=?\s*[\"']?https?:", picture)


@pytest.mark.parametrize("command", COMMANDS)
def test_the_commands_exist(command, capsys):
    assert main([command, "--help"]) == 0
    assert f"naas {command}" in capsys.readouterr().out
