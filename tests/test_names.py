"""A class name says which class is meant: no two classes of the package share one."""

import ast
from collections import defaultdict
from pathlib import Path

import naas_hw

PACKAGE = Path(naas_hw.__file__).parent


def test_no_two_classes_share_a_name():
    """Where two classes need the same name, each name must say more."""
    places = defaultdict(list)
    for path in sorted(PACKAGE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ClassDef):
                places[node.name].append(f"{path.relative_to(PACKAGE)}:{node.lineno}")
    assert {name: where for name, where in places.items() if len(where) > 1} == {}
