"""What every component of the hardware has, and how long its functions are."""

import ast
import inspect
import re
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from textwrap import indent
from typing import Any

import pytest
from amaranth.hdl import Fragment
from amaranth.lib import wiring

import naas_hw.rtl
from naas_hw.arch.accelerator import Accelerator, Axis
from naas_hw.rtl.accelerator import AcceleratorTop
from naas_hw.rtl.board.board_memory import BoardMemory
from naas_hw.rtl.board.serial_bridge import SerialBridge

FOLDER = Path(naas_hw.rtl.__file__).parent
FILES = sorted(path for path in FOLDER.rglob("*.py") if path.name != "__init__.py")
TESTS = Path(__file__).parent
SECTIONS = ["Parameters", "Members", "Latency", "Raises"]
MAX_LINES, MAX_LINES_OF_90_PERCENT = 60, 25


@cache
def components() -> dict[type[wiring.Component], wiring.Component]:
    """An instance of each class of component, on a board.

    Of an accelerator with all options, and of one without a maximum.
    """
    instances: dict[type[wiring.Component], wiring.Component] = {}
    original = wiring.Component.__init__

    def record(self: wiring.Component, *arguments: Any, **keywords: Any) -> None:
        original(self, *arguments, **keywords)
        instances.setdefault(type(self), self)

    accelerator = Accelerator(
        axes=(Axis(dim="K", size=4), Axis(dim="C", size=4), Axis(dim="R", size=3)),
        weight_buffer_bytes=32,
        input_buffer_bytes=32,
        accumulator_words=64,
        bank_bytes=256,
        beat_bytes=8,
        scale_depth=64,
        residual=True,
        table=True,
        maximum=True,
        pitched_store=True,
        single_rounding=True,
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(wiring.Component, "__init__", record)
        Fragment.get(AcceleratorTop(accelerator), None)
        Fragment.get(AcceleratorTop(accelerator.model_copy(update={"maximum": False})), None)
        Fragment.get(SerialBridge(divisor=4, size_bytes=4096), None)
        Fragment.get(BoardMemory(size_bytes=4096, beat_bytes=8), None)
    return {
        kind: one for kind, one in instances.items() if kind.__module__.startswith("naas_hw.rtl.")
    }


def classes_with_a_signature() -> list[str]:
    """Names of all classes in the sources that derive from a component."""
    names = []
    for path in FILES:
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.ClassDef):
                bases = {ast.unparse(base) for base in node.bases}
                if bases & {"SharedComponent", "wiring.Component", "Component"}:
                    names.append(node.name)
    return [name for name in names if name != "SharedComponent"]


NAMES = classes_with_a_signature()


def instance_of(name: str) -> wiring.Component:
    return next(one for kind, one in components().items() if kind.__name__ == name)


def section(docstring: str, title: str) -> list[str] | None:
    """Lines of a section of a docstring, without those that go on; None if there is none."""
    match = re.search(rf"^{title}\n-+\n(.*?)(?=^\w[\w ]*\n-+\n|\Z)", docstring, re.M | re.S)
    return [line for line in match[1].splitlines() if line[:1].strip()] if match else None


def documented_members(docstring: str) -> dict[str, str]:
    """Name -> "In" or "Out" of each port that a section of members names."""
    directions = {}
    for line in section(docstring, "Members") or ():
        names, separator, rest = line.partition(" : ")
        assert separator, f"a member must be written as `name : direction`, not {line!r}"
        for name in names.split(", "):
            directions[name] = rest.split("(")[0].split(",")[0].split(".")[0].split(" ")[0]
    return directions


@pytest.mark.parametrize("name", NAMES)
def test_every_component_is_part_of_an_accelerator_on_a_board(name):
    assert name in {kind.__name__ for kind in components()}


@pytest.mark.parametrize("name", NAMES)
def test_a_docstring_names_exactly_the_ports(name):
    component = instance_of(name)
    members = component.signature.members
    documented = documented_members(inspect.getdoc(type(component)) or "")
    assert documented == {port: member.flow.name for port, member in members.items()}


@pytest.mark.parametrize("name", NAMES)
def test_a_docstring_has_the_sections_of_a_contract(name):
    docstring = inspect.getdoc(type(instance_of(name))) or ""
    assert re.findall(r"^(\w+)\n-+$", docstring, re.M) == SECTIONS
    assert all(section(docstring, title) for title in SECTIONS)


@pytest.mark.parametrize("name", NAMES)
def test_a_docstring_says_what_the_parameters_are(name):
    kind = type(instance_of(name))
    words = list(inspect.signature(kind.__init__).parameters)[1:]
    lines = section(inspect.getdoc(kind) or "", "Parameters") or []
    documented = [word for line in lines for word in line.partition(" : ")[0].split(", ")]
    assert documented == (words or ["None."])


@pytest.mark.parametrize("name", NAMES)
def test_a_docstring_says_what_a_component_refuses(name):
    """What it refuses itself, or by the signatures that it is made of, has a test."""
    kind = type(instance_of(name))
    lines = section(inspect.getdoc(kind) or "", "Raises") or []
    path = Path(inspect.getfile(kind)).relative_to(FOLDER)
    refusals = "pytest.raises(" in (TESTS / path.with_name(f"test_{path.name}")).read_text()
    if "raise " in inspect.getsource(kind.__init__):
        assert lines != ["Nothing."]
    if lines != ["Nothing."]:
        assert all(re.match(r"\w+Error(, \w+Error)* : ", line) for line in lines)
        assert refusals, "what it refuses must be tested"


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(FOLDER)))
def test_a_component_has_a_test_of_its_own(path):
    names = re.findall(
        r"^class (\w+)\((?:SharedComponent|wiring\.Component)\)", path.read_text(), re.M
    )
    test = TESTS / path.relative_to(FOLDER).with_name(f"test_{path.name}")
    text = test.read_text() if test.exists() else ""
    assert [name for name in names if name != "SharedComponent" and name not in text] == []


def num_lines(statement: ast.stmt) -> int:
    assert statement.end_lineno is not None
    return statement.end_lineno - statement.lineno + 1


def function_lengths() -> list[tuple[int, str]]:
    """(lines without the docstring, name) of each function."""
    lengths = []
    for path in FILES:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef):
                lines = num_lines(node)
                if ast.get_docstring(node) is not None:
                    lines -= num_lines(node.body[0])
                lengths.append((lines, f"{path.relative_to(FOLDER)}: {node.name}"))
    return sorted(lengths)


def test_functions_are_short():
    lengths = function_lengths()
    assert lengths[-1][0] <= MAX_LINES, lengths[-1]
    assert lengths[len(lengths) * 9 // 10][0] <= MAX_LINES_OF_90_PERCENT


def dicts_of_signals(source: str) -> list[int]:
    """Lines of dicts whose values are made by `Signal`, and of annotations of such dicts."""
    lines = []
    for node in ast.walk(ast.parse(source)):
        values = node.values if isinstance(node, ast.Dict) else []
        values = [node.value] if isinstance(node, ast.DictComp) else values
        made = any(
            isinstance(value, ast.Call) and ast.unparse(value.func).startswith("Signal")
            for value in values
        )
        annotated = isinstance(node, ast.Subscript) and re.match(
            r"(?:dict|Mapping)\[str, (?:Signal|Value|Any)\]", ast.unparse(node)
        )
        if isinstance(node, ast.expr) and (made or annotated):
            lines.append(node.lineno)
    return lines


def computed_attributes(source: str) -> list[int]:
    """Lines that reach a port by a name that is put together."""
    return [
        node.lineno
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Call)
        and ast.unparse(node.func) in ("getattr", "setattr")
        and isinstance(node.args[1], ast.JoinedStr)
    ]


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(FOLDER)))
def test_signals_are_attributes_not_entries_of_dicts(path):
    source = path.read_text(encoding="utf-8")
    assert (dicts_of_signals(source), computed_attributes(source)) == ([], [])


@pytest.mark.parametrize(
    ("source", "dicts", "attributes"),
    [
        ("a = {'b': Signal()}", [1], []),
        ("a = {n: Signal(name=n) for n in names}", [1], []),
        ("def f() -> dict[str, Signal]: ...", [1], []),
        ("a = {'b': 1}\nself.b = Signal()", [], []),
        ("getattr(self, f'group_{i}')", [], [1]),
        ("getattr(self, 'group')", [], []),
    ],
)
def test_the_rules_find_what_breaks_them(source, dicts, attributes):
    assert dicts_of_signals(source) == dicts
    assert computed_attributes(source) == attributes


def root(node: ast.expr) -> ast.expr:
    """What a chain of attributes and subscripts begins with."""
    while isinstance(node, ast.Attribute | ast.Subscript):
        node = node.value
    return node


def aliases(function: ast.FunctionDef) -> dict[str, str]:
    """Local name -> the chain of attributes that a statement gives this name to."""
    names = {}
    for node in ast.walk(function):
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name | ast.Tuple):
            target, value = node.targets[0], node.value
            pairs: list[tuple[ast.expr, ast.expr]] = [(target, value)]
            if isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple):
                pairs = list(zip(target.elts, value.elts, strict=True))
            for name, chain in pairs:
                if isinstance(name, ast.Name) and isinstance(chain, ast.Attribute):
                    names[name.id] = ast.unparse(chain)
    return names


def member(node: ast.expr, names: dict[str, str]) -> tuple[str, str] | None:
    """(interface, name) of what is written `interface.name`; fields of a payload are no ports."""
    first = root(node)
    if not isinstance(node, ast.Attribute) or not isinstance(first, ast.Name):
        return None
    interface = ast.unparse(node.value)
    interface = names.get(first.id, first.id) + interface.removeprefix(first.id)
    return None if "payload" in interface.split(".") else (interface, node.attr)


def unconditional(statements: Sequence[ast.stmt]) -> Iterator[ast.Call]:
    """Assignments `x.eq(y)` of combinational logic that stand under no condition."""
    for statement in statements:
        if isinstance(statement, ast.For):
            yield from unconditional(statement.body)
        if isinstance(statement, ast.AugAssign) and ast.unparse(statement.target) == "m.d.comb":
            for node in ast.walk(statement.value):
                if isinstance(node, ast.Call) and ast.unparse(node.func).endswith(".eq"):
                    yield node


def wired_field_by_field(source: str) -> list[int]:
    """First line of each pair of interfaces that a function joins without `connect`.

    Two members or more of the one are assigned to those of the same names of the other.
    """
    lines = []
    for function in ast.walk(ast.parse(source)):
        if isinstance(function, ast.FunctionDef):
            names = aliases(function)
            joined: dict[frozenset[str], list[int]] = {}
            for node in unconditional(function.body):
                assert isinstance(node.func, ast.Attribute)
                to, by = member(node.func.value, names), member(node.args[0], names)
                if to and by and to[1] == by[1]:
                    joined.setdefault(frozenset((to[0], by[0])), []).append(node.lineno)
            lines += [at[0] for at in joined.values() if len(at) > 1]
    return lines


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(FOLDER)))
def test_interfaces_are_joined_by_connect(path):
    assert wired_field_by_field(path.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    "statements",
    [
        "m.d.comb += [a.x.eq(b.x), a.y.eq(b.y)]",
        "m.d.comb += a.x.eq(b.x)\nm.d.comb += b.y.eq(a.y)",
        "m.d.comb += [self.o.x.eq(b.c[0].x), self.o.y.eq(b.c[0].y)]",
        "o, i = self.o, self.i\nm.d.comb += [o.x.eq(i.x), self.o.y.eq(self.i.y)]",
        "for part in parts:\n    m.d.comb += [part.x.eq(self.x), part.y.eq(self.y)]",
    ],
)
def test_fields_that_are_wired_one_by_one_are_found(statements):
    assert len(wired_field_by_field(f"def build(m):\n{indent(statements, '    ')}")) == 1


@pytest.mark.parametrize(
    "statements",
    [
        "connect(m, a, b)\nm.d.comb += a.x.eq(b.x)",
        "m.d.comb += [a.x.eq(b.x), a.y.eq(c.y)]",
        "m.d.comb += [a.x.eq(b.x), a.y.eq(b.z)]",
        "m.d.comb += [a.x.eq(b.x[2:]), a.y.eq(b.y + 1)]",
        "m.d.sync += [a.x.eq(b.x), a.y.eq(b.y)]",
        "with m.If(hit):\n    m.d.comb += [a.x.eq(b.x), a.y.eq(b.y)]",
        "load = self.i.payload\nm.d.comb += [a.x.eq(load.x), a.y.eq(load.y)]",
    ],
)
def test_conversions_registers_choices_and_payloads_are_no_wires(statements):
    assert wired_field_by_field(f"def build(m):\n{indent(statements, '    ')}") == []
