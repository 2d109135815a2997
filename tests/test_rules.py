"""The rules that `make lint` checks: which they are, and that none is left out of a part."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).resolve().parent.parent
TOOLS = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))["tool"]


def flags_of_strict() -> dict[str, bool]:
    """Setting -> value of what `mypy --strict` turns on, as the installed mypy says it."""
    ended = subprocess.run(
        [sys.executable, "-m", "mypy", "--help"], capture_output=True, text=True, check=True
    )
    text = re.sub(r"-\n\s+", "-", ended.stdout)
    strict = re.search(r"enables the following flags:\s(.*?)\n  --\w", text, re.S)
    assert strict is not None
    flags = re.findall(r"--([\w-]+)", strict[1])
    names = [flag.replace("-", "_") for flag in flags]
    return {name.removeprefix("no_"): not name.startswith("no_") for name in names}


def mypy_settings(module: str) -> dict[str, Any]:
    """The settings of all files, with those of this pattern of modules."""
    mypy = TOOLS["mypy"]
    (override,) = [each for each in mypy["overrides"] if module in each["module"]]
    return {**mypy, **override}


def test_mypy_is_strict_in_the_package():
    expected = flags_of_strict()
    settings = mypy_settings("naas_hw.*")
    assert len(expected) > 10
    assert {name: settings.get(name) for name in expected} == expected


def test_mypy_checks_the_bodies_of_tests_and_benches():
    assert TOOLS["mypy"]["check_untyped_defs"]
    assert {"naas_hw", "tests", "sim"} <= set(TOOLS["mypy"]["files"])


def test_mypy_finds_the_helpers_of_tests_where_pytest_does():
    folders = TOOLS["pytest"]["ini_options"]["pythonpath"]
    root = "$MYPY_CONFIG_FILE_DIR"
    assert TOOLS["mypy"]["mypy_path"] == [root, *(f"{root}/{folder}" for folder in folders)]


def test_ruff_checks_docstrings_names_paths_and_complexity():
    lint = TOOLS["ruff"]["lint"]
    assert {"D", "N", "PTH", "C901"} <= set(lint["select"])
    assert lint["pydocstyle"]["convention"] == "numpy"
    assert not set(lint["ignore"]) - {"D105", "D401", "N803", "N806"}
