"""The help of every command: named groups, no hidden option, examples that can be typed."""

import shlex
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
import typer
from typer.core import TyperGroup, TyperOption

from naas_hw.cli import main
from naas_hw.cli.app import app

MAX_GROUP = 10
EXAMPLE = "naas "
LONGEST_EXAMPLE = 76
ROOT = typer.main.get_command(app)


def commands_below(command, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Any]]:
    """The command, and every command below it, each with the words that call it."""
    yield path, command
    if isinstance(command, TyperGroup):
        for name, below in command.commands.items():
            yield from commands_below(below, (*path, name))


COMMANDS = dict(commands_below(ROOT, ("naas",)))
every_command = pytest.mark.parametrize("path", COMMANDS, ids=" ".join)


def options_of(path) -> list[TyperOption]:
    command = COMMANDS[path]
    parameters = command.get_params(typer.Context(command))
    return [parameter for parameter in parameters if isinstance(parameter, TyperOption)]


def examples_of(path) -> list[str]:
    lines = (line.strip() for line in (COMMANDS[path].epilog or "").splitlines())
    return [line for line in lines if line.startswith(EXAMPLE)]


def parse(line: str):
    """Parse a command line, and run nothing; returns the context of the innermost command."""
    command: Any = ROOT
    words = shlex.split(line.partition(" > ")[0])
    context = ROOT.make_context(words[0], words[1:])
    while isinstance(command, TyperGroup):
        rest = [*context._protected_args, *context.args]
        name, command, rest = command.resolve_command(context, rest)
        context = command.make_context(name, rest, parent=context)
    return context


@every_command
def test_every_option_is_shown_in_a_named_group_with_a_sentence(path):
    for option in options_of(path):
        assert not option.hidden, option.opts
        assert option.rich_help_panel, option.opts
        assert option.help and option.help.endswith("."), option.opts


@every_command
def test_a_group_has_ten_options_at_most(path):
    sizes = Counter(option.rich_help_panel for option in options_of(path))
    assert max(sizes.values()) <= MAX_GROUP, sizes


@every_command
def test_a_command_has_examples_that_fit_a_terminal(path):
    examples = examples_of(path)
    assert examples
    assert all(len(line) <= LONGEST_EXAMPLE for line in examples)


@pytest.mark.parametrize("line", [line for path in COMMANDS for line in examples_of(path)])
def test_an_example_is_a_valid_command_line(line):
    parse(line)


@every_command
def test_the_examples_are_of_the_command_itself(path):
    if not isinstance(COMMANDS[path], TyperGroup):
        assert all(line.startswith(" ".join(path)) for line in examples_of(path))


@pytest.mark.parametrize("columns", [80, 120])
@every_command
def test_the_help_fits_the_terminal_and_shows_all(path, columns, monkeypatch, capsys):
    monkeypatch.setenv("COLUMNS", str(columns))
    assert main([*path[1:], "--help"]) == 0
    shown = capsys.readouterr().out
    assert max(map(len, shown.splitlines())) <= columns
    words = shown.split()
    for option in options_of(path):
        assert max(option.opts, key=len) in words
    for line in examples_of(path):
        assert f"   {line}" in shown


@pytest.mark.parametrize(
    "line",
    [
        "naas search a b --budget B --seed 1 -o RUN --generations 3 --json",
        "naas search --joint S --min-accuracy 7 --accuracy a --joint-mode joint --front "
        "--budget B -o RUN",
        "naas cosearch S --min-accuracy 7 --budget B --seed 1 -o RUN",
        "naas map a --accelerator A -o RUN",
        "naas generate RUN",
        "naas evaluate RUN",
        "naas check MODEL --input-shape 1x3x9x9 --json",
        "naas report RUN -o page.html",
        "naas simulate RUN --sim icarus --json",
        "naas verify --random 3 --seed 1 --sim icarus --stalls --memory any --size large --json",
        "naas verify --corrupt 3 --seed 1 --json",
        "naas verify --networks --random 3 --seed 1 --sim icarus --json",
        "naas build RUN --device PART --seeds 3 --json",
        "naas build RUN --board NAME --seeds 3 --json",
        "naas bench model --json",
    ],
)
def test_the_command_lines_that_scripts_rely_on_are_accepted(line):
    parse(line)


def test_the_help_of_all_commands_names_each_of_them(capsys):
    assert main(["--help"]) == 0
    words = capsys.readouterr().out.split()
    assert all(path[1] in words for path in COMMANDS if len(path) == 2)


def test_the_help_loads_none_of_the_slow_libraries():
    program = (
        "import sys; from naas_hw.cli import main; main(['--help']);"
        "print(*{name.split('.')[0] for name in sys.modules})"
    )
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert ended.returncode == 0, ended.stderr
    loaded = set(ended.stdout.splitlines()[-1].split())
    assert "typer" in loaded
    assert not loaded & {"numpy", "numba", "torch", "amaranth", "cma", "jinja2"}
