"""What the documents show is true: Python runs, command lines are ones that `naas` takes."""

import ast
import inspect
import re
import shlex
from collections.abc import Iterator
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any, Final, NamedTuple

import pytest
from ruamel.yaml import YAML
from typer.core import TyperGroup
from typer.main import get_command

from naas_hw.cli.app import app
from naas_hw.workload.network import Network

REPOSITORY: Final = Path(__file__).resolve().parents[2]
PAGES: Final = [
    *sorted((REPOSITORY / "docs").rglob("*.md")),
    *(REPOSITORY / name for name in ("README.md", "CONTRIBUTING.md", "examples/README.md")),
]
RUN_ELSEWHERE: Final = ("README.md", "docs/tutorials/")
"""Pages whose Python is run by a test of their own."""

BLOCK: Final = re.compile(r"^(?:<!-- (not run: .+) -->\n)?```(\w*)[^\n]*\n(.*?)^```$", re.M | re.S)
SHELL: Final = ("", "sh", "console")
INLINE: Final = re.compile(r"`(naas [^`]+)`")
OPTION: Final = re.compile(r"`(--[\w-]+)[^`\n]*`")
END_OF_COMMAND: Final = re.compile(r"\s[|&;>]|\s#\s")


class Block(NamedTuple):
    """A block of code of a page; `mark` says why it is not run."""

    page: str
    mark: str
    language: str
    text: str


def blocks() -> Iterator[Block]:
    for path in PAGES:
        page = path.relative_to(REPOSITORY).as_posix()
        for mark, language, text in BLOCK.findall(path.read_text(encoding="utf-8")):
            yield Block(page, mark, language, text)


BLOCKS: Final = list(blocks())
PYTHON: Final = [block for block in BLOCKS if block.language == "python"]
RUN: Final = sorted({b.page for b in PYTHON if not b.mark and not b.page.startswith(RUN_ELSEWHERE)})


def command_lines(block: Block) -> list[str]:
    """The lines of a block that call `naas`."""
    if block.language not in SHELL:
        return []
    lines = block.text.replace("\\\n", " ").splitlines()
    lines = [END_OF_COMMAND.split(line.removeprefix("$ "))[0] for line in lines]
    return [line for line in lines if line.startswith("naas ")]


COMMANDS: Final = sorted({(block.page, line) for block in BLOCKS for line in command_lines(block)})
MENTIONS: Final = sorted(
    {
        (path.relative_to(REPOSITORY).as_posix(), " ".join(mention.split()))
        for path in PAGES
        for mention in INLINE.findall(path.read_text(encoding="utf-8"))
    }
)


@cache
def naas() -> Any:
    """The command line, as Typer made it."""
    return get_command(app)


def parse(words: list[str]) -> None:
    """Parse a command line as `naas` does, without running it."""
    command: Any = naas()
    context = command.make_context("naas", list(words))
    while isinstance(command, TyperGroup):
        name, command, rest = command.resolve_command(
            context, [*context._protected_args, *context.args]
        )
        context = command.make_context(name, rest, parent=context)


@pytest.mark.parametrize(("page", "line"), COMMANDS)
def test_a_command_line_is_one_that_naas_takes(page, line):
    parse(shlex.split(line, comments=True)[1:])


@pytest.mark.parametrize(
    "line", ["search mobilenet_v2 --no-such-option", "no-such-command", "evaluate", "map a b c d"]
)
def test_a_wrong_command_line_is_found(line):
    with pytest.raises(Exception, match=r"(?i)no such|missing|unexpected"):
        parse(line.split())


def command_of(words: list[str]) -> Any:
    """The command that a line begins with."""
    command = naas()
    for word in words:
        if not isinstance(command, TyperGroup) or not word.islower() or word.startswith("-"):
            break
        assert word in command.commands, f"naas has no command {word}"
        command = command.commands[word]
    return command


def test_targets_of_make_that_are_shown_exist():
    text = (REPOSITORY / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z-]+):", text, re.M))
    shown = {
        target
        for block in BLOCKS
        if block.language in SHELL
        for target in re.findall(r"^make ([a-z-]+)", block.text, re.M)
    }
    assert shown and shown <= targets


def options_of(command: Any) -> set[str]:
    """The long and short options of a command."""
    options = {option for one in command.params for option in [*one.opts, *one.secondary_opts]}
    return options | {"--help"} | set(getattr(command, "renamed", {}))


@pytest.mark.parametrize(("page", "mention"), MENTIONS)
def test_a_command_in_a_sentence_exists_with_its_options(page, mention):
    words = mention.split()[1:]
    given = {word.partition("=")[0].rstrip(",.;") for word in words if word.startswith("--")}
    assert given <= options_of(command_of(words))


def all_options(command: Any) -> set[str]:
    """The options of a command and of those below it."""
    below = getattr(command, "commands", {}).values()
    return options_of(command).union(*map(all_options, below))


def test_options_that_sentences_name_exist():
    texts = {path.name: path.read_text(encoding="utf-8") for path in PAGES}
    found = {(name, option) for name in texts for option in OPTION.findall(texts[name])}
    known = all_options(naas())
    assert len(found) > 30
    assert [(name, option) for name, option in sorted(found) if option not in known] == []


@pytest.mark.parametrize(
    "block",
    [one for one in BLOCKS if one.language == "yaml" and "layers:" in one.text],
    ids=lambda block: block.page,
)
def test_a_network_that_is_shown_is_one(block):
    Network.model_validate({"name": "shown", **YAML(typ="safe").load(block.text)})


@pytest.mark.takes_seconds
@pytest.mark.parametrize("page", RUN)
def test_the_python_of_a_page_runs(page, tmp_path, monkeypatch):
    """The blocks of a page run one after the other, in one namespace."""
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {}
    for block in PYTHON:
        if block.page == page and not block.mark:
            exec(compile(block.text, page, "exec"), names)


def imported_names(tree: ast.Module) -> dict[str, Any]:
    """What a block imports of naas_hw, by the name that it gives it; all of it has to exist."""
    found: dict[str, Any] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("naas_hw"):
            module = import_module(node.module or "")
            found |= {one.asname or one.name: getattr(module, one.name) for one in node.names}
        elif isinstance(node, ast.Import):
            names = [one.name for one in node.names if one.name == "naas_hw"]
            found |= {name: import_module(name) for name in names}
    return found


def callee(function: ast.expr, names: dict[str, Any]) -> Any:
    """What is called, where it is of naas_hw; else None."""
    if isinstance(function, ast.Name):
        return names.get(function.id)
    if isinstance(function, ast.Attribute) and isinstance(function.value, ast.Name):
        owner = names.get(function.value.id)
        return None if owner is None else getattr(owner, function.attr)
    return None


@pytest.mark.parametrize("block", [b for b in PYTHON if b.mark], ids=lambda block: block.page)
def test_python_that_is_not_run_names_what_exists(block):
    """Imports exist, and calls have arguments that are taken."""
    tree = ast.parse(block.text)
    names = imported_names(tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and (called := callee(node.func, names)) is not None:
            keywords = {one.arg: None for one in node.keywords if one.arg}
            if not any(isinstance(argument, ast.Starred) for argument in node.args):
                inspect.signature(called).bind(*[None] * len(node.args), **keywords)
