"""A package imports only from packages below it, and no import goes in a circle."""

import ast
from collections.abc import Iterable
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

import naas_hw

PACKAGE = Path(naas_hw.__file__).parent

BELOW_FIRST = (
    "core system parallel workload graph arch mapping compiler cost exchange search nas rtl driver "
    "emit sim verify fpga runs report experiments api testbench cli"
).split()
RTL_MAY_IMPORT = {"core", "workload", "arch", "mapping", "compiler", "rtl"}
RTL_BELOW_FIRST = "primitives memory array control engines accelerator board".split()
MAY_IMPORT_AMARANTH = {"rtl", "emit", "sim", "verify", "fpga"}

FILES = sorted(path for path in PACKAGE.rglob("*.py") if path != PACKAGE / "__init__.py")


def imported_names(path: Path) -> list[tuple[int, str]]:
    """(line, dotted name) of every import of a file, those inside functions included."""
    names = []
    package = ("naas_hw", *path.relative_to(PACKAGE).parts[:-1])
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names += [(node.lineno, alias.name) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else ()
            module = ".".join([*base, *([node.module] if node.module else [])])
            names += [(node.lineno, f"{module}.{alias.name}") for alias in node.names]
    return names


def package_of(path: Path) -> str:
    """The package of the first level that a file belongs to."""
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def may_import(importer: str) -> set[str]:
    """The packages that a file of `importer` may import."""
    if importer == "rtl":
        return RTL_MAY_IMPORT
    return set(BELOW_FIRST[: BELOW_FIRST.index(importer) + 1])


def violations_of(path: Path) -> list[str]:
    """What a file imports that lies above it, or that its package must not know."""
    importer = package_of(path)
    violations = []
    for line, name in imported_names(path):
        parts = name.split(".")
        message = f"{path.relative_to(PACKAGE.parent)}:{line} imports {name}"
        if parts[0] == "naas_hw" and len(parts) > 1 and parts[1] not in may_import(importer):
            violations.append(message)
        if parts[0] == "amaranth" and importer not in MAY_IMPORT_AMARANTH:
            violations.append(message)
    return violations


def file_of(name: str) -> Path | None:
    """The file that a dotted name is, or lies in; None of other packages."""
    parts = name.split(".")
    if parts[0] != "naas_hw":
        return None
    for length in range(len(parts), 0, -1):
        place = PACKAGE.joinpath(*parts[1:length])
        for path in (place.with_suffix(".py"), place / "__init__.py"):
            if path.is_file():
                return path
    return None


def imports_of(path: Path) -> set[Path]:
    """The files of this package that a file imports."""
    files = {file_of(name) for _, name in imported_names(path)}
    return {file for file in files if file not in (None, path)}


def assert_no_circle(graph: dict[str, set[str]]) -> None:
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(f"imports must not go in a circle: {' -> '.join(error.args[1])}")


def relative(path: Path) -> str:
    return str(path.relative_to(PACKAGE).with_suffix(""))


def folder_graph(files: Iterable[Path]) -> dict[str, set[str]]:
    """Which subpackages import which; a file beside subpackages is its own node."""
    folders_with_subpackages = {path.parent.parent for path in files}

    def node(path: Path) -> str:
        folder = path.parent
        return relative(path) if folder in folders_with_subpackages else relative(folder)

    graph: dict[str, set[str]] = {}
    for path in files:
        for imported in imports_of(path):
            if node(imported) != node(path):
                graph.setdefault(node(path), set()).add(node(imported))
    return graph


def test_every_file_belongs_to_a_package_of_the_order():
    assert {package_of(path) for path in FILES} == set(BELOW_FIRST)


@pytest.mark.parametrize("path", FILES, ids=relative)
def test_imports_point_down(path: Path):
    assert violations_of(path) == []


def test_no_file_imports_itself_through_others():
    assert_no_circle({relative(path): set(map(relative, imports_of(path))) for path in FILES})


def test_no_subpackage_imports_itself_through_others():
    assert_no_circle(folder_graph(FILES))


def test_the_hardware_is_built_from_the_bottom():
    """Primitives know nothing of engines, and engines nothing of the accelerator."""
    graph = folder_graph(path for path in FILES if package_of(path) == "rtl")
    for importer, imported in graph.items():
        ranks = [RTL_BELOW_FIRST.index(name.split("/")[1]) for name in (importer, *imported)]
        assert max(ranks) == ranks[0], (importer, imported)


@pytest.mark.parametrize(
    ("file", "source", "num_violations"),
    [
        ("cost/a.py", "import amaranth", 1),
        ("cost/a.py", "def f():\n    from naas_hw.rtl import mac", 1),
        ("cost/a.py", "from ..rtl import mac", 1),
        ("cost/a.py", "from naas_hw import rtl", 1),
        ("rtl/a.py", "from naas_hw.cost import cycles", 1),
        ("rtl/a.py", "from naas_hw.search import history", 1),
        ("rtl/a.py", "from naas_hw.mapping import Mapping\nfrom amaranth import Module", 0),
        ("workload/a.py", "from naas_hw.arch import Budget", 1),
        ("workload/a.py", "from .layer import Layer\nimport numpy", 0),
        ("cli/a.py", "from naas_hw.fpga import build", 0),
    ],
)
def test_the_rule_finds_what_breaks_it(file, source, num_violations, tmp_path, monkeypatch):
    monkeypatch.setitem(globals(), "PACKAGE", tmp_path / "naas_hw")
    path = tmp_path / "naas_hw" / file
    path.parent.mkdir(parents=True)
    path.write_text(source, encoding="utf-8")
    assert len(violations_of(path)) == num_violations


def test_a_circle_is_found():
    with pytest.raises(pytest.fail.Exception, match="a -> b -> a|b -> a -> b"):
        assert_no_circle({"a": {"b"}, "b": {"a"}})
