"""Every signal keeps its name: Amaranth takes it from the one variable that it is assigned to."""

import ast
from pathlib import Path

import pytest

import naas_hw.rtl

FOLDER = Path(naas_hw.rtl.__file__).parent
FILES = sorted(FOLDER.rglob("*.py"))


def nameless_signals(source: str) -> list[int]:
    """Lines of signals that have neither a `name` nor a variable of their own."""
    tree = ast.parse(source)
    named: set[ast.AST] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign) and len(node.targets) == 1:
            if isinstance(node.targets[0], ast.Name | ast.Attribute):
                named.add(node.value)
        if isinstance(node, ast.Call) and any(word.arg == "name" for word in node.keywords):
            named.add(node)
    signals = (
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and ast.unparse(node.func) in ("Signal", "Signal.like")
    )
    return [node.lineno for node in signals if node not in named]


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(FOLDER)))
def test_every_signal_has_a_statement_or_a_name_of_its_own(path):
    assert nameless_signals(path.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    ("source", "lines"),
    [
        ("a, b = Signal(), Signal()", [1, 1]),
        ("a = [Signal() for _ in range(2)]", [1]),
        ("a = Signal()\nself.b = Signal(4)", []),
        ("a = [Signal(name=f'a_{i}') for i in range(2)]", []),
        ("a = f(Signal.like(b))", [1]),
    ],
)
def test_the_rule_finds_what_breaks_it(source, lines):
    assert nameless_signals(source) == lines
