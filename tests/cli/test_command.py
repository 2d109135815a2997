"""Old names of options, and help made of docstrings."""

from typing import Annotated

import pytest
import typer
from typer.core import TyperGroup

from naas_hw.cli.app import app
from naas_hw.cli.command import Command, command_with_old_names
from naas_hw.cli.exits import run_to_status
from naas_hw.core.deprecation import REMOVED_IN


def greet(
    rest: Annotated[list[str] | None, typer.Argument()] = None,
    *,
    name: Annotated[str, typer.Option(rich_help_panel="Main options")],
) -> None:
    """Say hello.

    Nothing else
    happens. The words are:
    - one: a first word
    that is long.
    - two.

    Examples
    --------
    naas greet --name Ann
    """
    print(f"hello {name}", *rest or ())


@pytest.fixture
def run():
    """Run the command with these words; returns its exit status."""
    small = typer.Typer(rich_markup_mode="rich")
    small.command(cls=command_with_old_names({"--who": "--name"}))(greet)
    return lambda *words: run_to_status(
        lambda: small(list(words), prog_name="naas greet", standalone_mode=False)
    )


@pytest.mark.parametrize("words", [["--who", "Ann"], ["--who=Ann"]])
def test_an_old_name_works_and_is_told_once_in_a_line(words, run, capsys):
    assert run(*words) == 0
    captured = capsys.readouterr()
    assert captured.out == "hello Ann\n"
    assert captured.err == (
        "naas: warning: naas greet --who is deprecated and will stop working in version "
        f"{REMOVED_IN}; use --name instead\n"
    )


def test_an_old_name_that_is_given_twice_is_told_once(run, capsys):
    assert run("--who", "Ann", "--who", "Ben") == 0
    assert capsys.readouterr().err.count("\n") == 1


def test_todays_name_is_told_nothing(run, capsys):
    assert run("--name", "Ann") == 0
    assert capsys.readouterr() == ("hello Ann\n", "")


def test_words_after_the_end_of_options_are_left_alone(run, capsys):
    assert run("--name", "Ann", "--", "--who") == 0
    assert capsys.readouterr() == ("hello Ann --who\n", "")


def test_paragraphs_flow_items_have_lines_and_examples_stay_below():
    command = Command("greet", callback=greet, help=greet.__doc__)
    assert command.help == (
        "Say hello.\n\n"
        "Nothing else happens. The words are:\n- one: a first word that is long.\n- two."
    )
    assert command.epilog == "\n[bold]Examples[/bold]\n  naas greet --name Ann"


@pytest.mark.parametrize("name", ["export", "import"])
def test_out_is_the_old_name_of_output(name):
    group = typer.main.get_command(app)
    assert isinstance(group, TyperGroup)
    command = group.commands[name]
    assert isinstance(command, Command) and command.renamed == {"--out": "--output"}


def test_sections_are_shown_below_the_options_one_line_an_item():
    """They flow with the terminal, and are not part of the help above."""

    def count() -> None:
        """Count.

        Sections
        --------
        - one: a first item
        that is long.
        - two.
        """

    command = Command("count", callback=count, help=count.__doc__)
    assert command.help == "Count."
    assert command.epilog == "\n[bold]Sections[/bold]\n- one: a first item that is long.\n- two."
