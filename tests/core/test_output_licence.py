"""Each text that naas writes for a user says near its beginning under which terms it is used."""

import tomllib
from pathlib import Path

import pytest

from naas_hw.core.output_licence import OUTPUT_LICENCE, SPDX_LINE
from naas_hw.core.resources import bench_folder, template_folder
from naas_hw.core.templates import render_template

ROOT = Path(__file__).parents[2]
FILLED_IN = sorted(
    path
    for folder in ("driver", "package", "litex")
    for path in (template_folder() / folder).rglob("*.j2")
) + [template_folder() / "fpga" / f"vivado.{end}.j2" for end in ("tcl", "xdc")]
COPIED = sorted(
    path for path in (template_folder() / "litex").rglob("*") if path.is_file()
    and path.suffix not in {".j2", ".pyc"}
) + [
    bench_folder() / f"naas_{name}.v"
    for name in ("axi_check", "dram", "ecp5_primitives", "ice40_primitives")
]  # fmt: skip


def head(path: Path) -> str:
    """The first three lines: formats begin with a line of their own."""
    return "\n".join(path.read_text(encoding="utf-8").splitlines()[:3])


@pytest.mark.parametrize("path", FILLED_IN, ids=lambda path: path.name)
def test_a_template_has_the_line(path: Path) -> None:
    assert "{{ spdx }}" in head(path)


@pytest.mark.parametrize("path", COPIED, ids=lambda path: path.name)
def test_a_file_that_is_copied_has_the_line(path: Path) -> None:
    assert SPDX_LINE in head(path)


def test_the_report_has_the_line_behind_the_type_of_the_document() -> None:
    text = (template_folder() / "report" / "report.html.j2").read_text(encoding="utf-8")
    assert "<!DOCTYPE html>\n<!-- {{ spdx }} -->\n" in text


def test_the_line_is_put_into_a_template() -> None:
    text = render_template("fpga", "vivado.xdc.j2", clock="aclk", period_ns=10.0)
    assert text.startswith(f"# {SPDX_LINE}\n")


def test_the_documents_name_the_licence_of_the_output_and_it_is_not_that_of_naas() -> None:
    text = (ROOT / "docs" / "licences.md").read_text(encoding="utf-8")
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert SPDX_LINE in text
    assert project["license"] != OUTPUT_LICENCE
