"""A package imports only from packages to its left, so there is one way through the code."""

import ast
from pathlib import Path

import pytest

import naas_hw

PACKAGE = Path(naas_hw.__file__).parent

ORDER = (
    "errors resources system parallel workload spaces accuracy arch mapping cost exchange search "
    "joint rtl emit sim flow report bench api cli"
).split()
RTL_MAY_IMPORT = {"errors", "workload", "arch", "mapping", "rtl"}
COST_MUST_NOT_IMPORT = {"amaranth", "naas_hw.rtl"}
ONLY_RTL_SIDE = {"rtl", "emit", "sim", "flow"}  # who may import amaranth

FILES = sorted(path for path in PACKAGE.rglob("*.py") if path != PACKAGE / "__init__.py")


def imported_modules(path: Path) -> list[tuple[int, str]]:
    """(line, absolute module) of every import of a file, function-local ones included."""
    found = []
    package = ("naas_hw", *path.relative_to(PACKAGE).parts[:-1])
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found += [(node.lineno, alias.name) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else ()
            module = ".".join([*base, *([node.module] if node.module else [])])
            found += [(node.lineno, f"{module}.{alias.name}") for alias in node.names]
    return found


def area_of(path: Path) -> str:
    """The package, or top-level module, that a file belongs to."""
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def may_import(importer: str) -> set[str]:
    """The areas whose modules a file of `importer` may import."""
    return RTL_MAY_IMPORT if importer == "rtl" else set(ORDER[: ORDER.index(importer) + 1])


def violations_of(path: Path) -> list[str]:
    """What a file imports that lies to its right, or that its package must not know."""
    importer = area_of(path)
    found = []
    for line, module in imported_modules(path):
        parts = module.split(".")
        place = f"{path.relative_to(PACKAGE.parent)}:{line} imports {module}"
        if parts[0] == "naas_hw" and len(parts) > 1 and parts[1] not in may_import(importer):
            found.append(place)
        if parts[0] == "amaranth" and importer not in ONLY_RTL_SIDE:
            found.append(place)
        if importer == "cost" and any(
            module == name or module.startswith(f"{name}.") for name in COST_MUST_NOT_IMPORT
        ):
            found.append(place)
    return found


def test_every_file_belongs_to_a_package_of_the_order():
    assert {area_of(path) for path in FILES} <= set(ORDER)


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_point_left(path: Path):
    assert violations_of(path) == []


@pytest.mark.parametrize(
    ("file", "source", "num_violations"),
    [
        ("cost/a.py", "import amaranth", 2),
        ("cost/a.py", "def f():\n    from naas_hw.rtl import mac", 2),
        ("cost/a.py", "from ..rtl import mac", 2),
        ("cost/a.py", "from naas_hw import rtl", 2),
        ("rtl/a.py", "from naas_hw.cost import cycles", 1),
        ("rtl/a.py", "from naas_hw.search import history", 1),
        ("rtl/a.py", "from naas_hw.mapping import Mapping\nfrom amaranth import Module", 0),
        ("workload/a.py", "from naas_hw.arch import Budget", 1),
        ("workload/a.py", "from .layer import Layer\nimport numpy", 0),
        ("cli/a.py", "from naas_hw.flow import build", 0),
    ],
)
def test_the_rule_finds_what_breaks_it(file, source, num_violations, tmp_path, monkeypatch):
    monkeypatch.setitem(globals(), "PACKAGE", tmp_path / "naas_hw")
    path = tmp_path / "naas_hw" / file
    path.parent.mkdir(parents=True)
    path.write_text(source, encoding="utf-8")
    assert len(violations_of(path)) == num_violations
