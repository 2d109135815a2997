"""The tutorials are true: what they say is typed in a folder, and prints what they show.

Numbers may differ from those of the pages, since some searches are made shorter here. A page whose
commands or output change has to be changed with them.
"""

import shlex
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from socket import socket

import pytest
import typer.main
from tutorial_pages import (
    REPOSITORY,
    TUTORIALS,
    WIDTH,
    Reader,
    blocks_of,
    pattern_of,
    plain,
    shortened,
)
from typer.exceptions import TyperException

from naas_hw.api import hardware, litex, network_simulation
from naas_hw.arch.accelerator import Accelerator
from naas_hw.arch.families import Family
from naas_hw.cli.app import app
from naas_hw.sim.hardware import Hardware, generate

SHORTER_SEARCH = {
    "--generations 4 --population 4 --evaluations 200": (
        "--generations 1 --population 2 --evaluations 40"
    )
}
PAGES = sorted(path.stem for path in TUTORIALS.glob("*.md") if path.stem != "index")
NOT_RUN = [
    (page, command)
    for page in PAGES
    for block in blocks_of(page)
    if block.not_run is not None
    for command in block.commands
]


@pytest.fixture
def reader(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Reader]:
    """Somebody in an empty folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", WIDTH)
    somebody = Reader(folder=tmp_path)
    yield somebody
    somebody.leave()


@pytest.fixture(autouse=True)
def hardware_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make the Verilog of an accelerator once for all commands of a page."""

    @cache
    def made(accelerator: Accelerator, family: Family) -> Hardware:
        return generate(accelerator, family=family)

    def once(accelerator: Accelerator, *, family: Family = Family.GENERIC) -> Hardware:
        return made(accelerator, family)

    for module in (hardware, network_simulation, litex):
        monkeypatch.setattr(module, "generate_hardware", once)


def free_port() -> str:
    with socket() as one:
        one.bind(("127.0.0.1", 0))
        return str(one.getsockname()[1])


@pytest.mark.sim
@pytest.mark.takes_seconds
@pytest.mark.needs("torch", "iverilog", "vvp", "libpython")
def test_from_a_torch_model_to_simulated_bits(reader: Reader) -> None:
    smaller = {"(1, 8, 3,": "(1, 4, 3,", "(8, 16, 3,": "(4, 4, 3,", "(16 * 4 * 4,": "(4 * 4 * 4,"}
    shorter = {"EPOCHS = 12": "EPOCHS = 1", **smaller, **SHORTER_SEARCH}
    reader.follow(shortened(blocks_of("torch-to-bits"), shorter))


@pytest.mark.takes_seconds
def test_from_an_onnx_file_to_a_board(reader: Reader) -> None:
    reader.follow(shortened(blocks_of("onnx-to-ulx3s"), SHORTER_SEARCH))


@pytest.mark.sim
@pytest.mark.takes_seconds
@pytest.mark.needs("iverilog", "vvp", "libpython")
def test_a_design_in_a_soc(reader: Reader) -> None:
    shorter = {"~/naas_hw": str(REPOSITORY), **SHORTER_SEARCH}
    reader.follow(shortened(blocks_of("soc"), shorter))


@pytest.mark.takes_seconds
def test_an_energy_table(reader: Reader) -> None:
    reader.follow(shortened(blocks_of("energy-table"), {}))


@pytest.mark.takes_seconds
@pytest.mark.needs("torch")
def test_a_space_of_networks(reader: Reader) -> None:
    shorter = {"EPOCHS = 8": "EPOCHS = 1", "--min-accuracy 85": "--min-accuracy 10"}
    reader.follow(shortened(blocks_of("space"), shorter))


@pytest.mark.takes_seconds
def test_a_cluster(reader: Reader) -> None:
    shorter = {"8786": free_port(), "--nworkers 2": "--nworkers 1"}
    reader.follow(shortened(blocks_of("cluster"), shorter))


def parse(command: str) -> None:
    """Refuse a command of naas that does not exist, and options that it does not have."""
    words = shlex.split(command, comments=True)
    if words[0] == "naas":
        group = typer.main.get_group(app)
        with group.make_context("naas", words[1:]) as context:
            name, known, rest = group.resolve_command(context, words[1:])
            assert known is not None
            known.make_context(name, rest, parent=context)


@pytest.mark.parametrize(("page", "command"), NOT_RUN, ids=lambda word: word)
def test_commands_that_are_not_run_exist_with_their_options(page: str, command: str) -> None:
    parse(command)


@pytest.mark.parametrize(
    "command", ["naas build run --bord ulx3s-85f", "naas bild run", "naas simulate run --seed one"]
)
def test_a_command_that_does_not_exist_is_found(command: str) -> None:
    with pytest.raises(TyperException):
        parse(command)


def test_the_index_names_each_page() -> None:
    index = (TUTORIALS / "index.md").read_text(encoding="utf-8")
    assert [page for page in PAGES if f"({page}.md)" not in index] == []


@pytest.mark.parametrize(
    ("printed", "is_it"),
    [
        ("net: 7 cycles,  0.5 uJ and more  on C 2 x K 8", True),
        ("net: 1,234 cycles, 2.5 uJ  on K 4 x P 2", True),
        ("net: 1,234 cycles, 2.5e+04 uJ  on P 2", True),
        ("net: 1,234 accesses, 2.5 uJ and more on K 4 x P 2", False),
        ("net: 1,234 cycles, 2.5 uJ and more on K 4 x P 2 at 100 MHz", False),
    ],
)
def test_a_line_of_a_page_is_compared_by_its_words(printed: str, is_it: bool) -> None:
    pattern = pattern_of("net: 1,234 cycles, 2.5 uJ ... on K 4 x P 2")
    assert bool(pattern.fullmatch(plain(printed))) is is_it
