"""Results of three tools become tables; nothing that is missing or wrong looks like a figure."""

import json
from pathlib import Path
from typing import Any

import pytest
from side_by_side import chipleap_steps, naas_steps, nngen_steps
from side_by_side.command import main
from side_by_side.outcomes import LimitError, Outcome, Results, Status, outcome_of
from side_by_side.page import BEGIN, END, with_section
from side_by_side.synthesis import peer_script
from side_by_side.tables import SYNTHESES, Run, best_run, runs_of, tables
from side_by_side.workloads import LATENCIES, LAYERS, MACS, NETWORKS

from naas_hw.arch.devices import TARGET_MHZ
from naas_hw.core.errors import InputError, ToolError
from naas_hw.fpga.synthesis import synthesis_script
from naas_hw.workload.layer import Layer


def outcome(name: str, **facts: Any) -> Outcome:
    return Outcome(name=name, status=Status.DONE, limit_minutes=30.0, facts=facts)


def run(cycles: int, *, wrong: int = 0, predicted: int | None = None) -> dict[str, Any]:
    found = {"workload": "gemm64", "latency": 1, "cycles": cycles, "wrong_words": wrong}
    return found | ({} if predicted is None else {"predicted_cycles": predicted})


def row_of(text: str, start: str) -> list[str]:
    lines = [line for line in text.splitlines() if line.startswith(f"| {start} |")]
    return [cell.strip() for cell in lines[0].strip("|").split("|")]


def test_the_fastest_of_a_tools_designs_stands_for_it() -> None:
    slow = outcome("chipleap-os", multipliers=64, variant="os", runs=[run(9000)])
    fast = outcome("chipleap-ws", multipliers=64, variant="ws", runs=[run(8000)])
    found = runs_of({o.name: o for o in (slow, fast)}, "chipleap")
    best = best_run(found, "gemm64", 1)
    assert best is not None and (best.cycles, best.variant) == (8000, "ws")
    assert best.utilisation == MACS["gemm64"] / (8000 * 64)
    assert best_run(found, "gemm64", 50) is None


def test_the_error_of_a_model_is_positive_where_it_says_too_many_cycles() -> None:
    facts: dict[str, Any] = {"workload": "gemm64", "latency": 1, "is_right": True}
    made = Run(cycles=100, predicted_cycles=110, multipliers=1, **facts)
    assert made.model_error == pytest.approx(0.1)


def test_each_cell_of_cycles_has_a_figure_or_the_reason_why_not() -> None:
    outcomes = {
        "naas-layers-1": outcome("naas-layers-1", multipliers=64, runs=[run(4096, predicted=4096)]),
        "nngen-gemm64-1": Outcome(
            name="nngen-gemm64-1", status=Status.LIMIT, limit_minutes=7.0, reason="slow"
        ),
        "chipleap-ws": Outcome(name="chipleap-ws", status=Status.FAILED, limit_minutes=7.0),
    }
    text = tables(outcomes)
    first = row_of(text, "matrix product 64 x 64 x 64 | 1")
    assert first[2:] == ["4,096 (100.0%)", "failed", "over 7 minutes"]
    network = row_of(text, "small CNN | 50")
    assert network[2:] == ["not measured", "cannot", "not measured"]


def test_wrong_outputs_are_said() -> None:
    wrong = outcome("nngen-gemm64-1", multipliers=64, runs=[run(5000, wrong=3)])
    assert "WRONG OUTPUTS" in tables({wrong.name: wrong})


def test_synthesis_is_told_by_mac() -> None:
    counts = {"lut4": 6400, "ff": 1234, "dsp": 64, "block_ram": 8, "verilog_lines": 1000}
    found = outcome("naas-synthesis", multipliers=64, **counts)
    title = SYNTHESES["naas-synthesis"]
    row = row_of(tables({found.name: found}), title)
    assert row == [title, "64", "6,400", "100", "1,234", "64", "8", "1,000"]


def test_a_result_is_kept_as_it_was_and_is_not_measured_again(tmp_path: Path) -> None:
    results = Results(folder=tmp_path / "results")
    kept = outcome("naas-first", seconds=2.5)
    results.keep(kept)
    assert results.read() == {"naas-first": kept}
    assert kept.is_final(limit_minutes=1000.0)


@pytest.mark.parametrize(("limit", "is_final"), [(20.0, True), (30.0, True), (31.0, False)])
def test_what_ran_out_of_time_runs_again_with_more_of_it(limit: float, is_final: bool) -> None:
    late = Outcome(name="nngen-cnn-1", status=Status.LIMIT, limit_minutes=30.0)
    assert late.is_final(limit) is is_final


@pytest.mark.parametrize(
    ("error", "status"), [(LimitError("slow"), Status.LIMIT), (ToolError("bad"), Status.FAILED)]
)
def test_a_step_that_fails_says_how(error: Exception, status: Status) -> None:
    def measure() -> dict[str, Any]:
        raise error

    assert outcome_of("a-step", measure, 30.0).status is status


def test_an_interrupted_step_leaves_no_result() -> None:
    def measure() -> dict[str, Any]:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        outcome_of("a-step", measure, 30.0)


def test_what_stands_around_the_marks_of_the_page_stays() -> None:
    page = f"Above.\n{BEGIN}\nold\n{END}\nBelow.\n"
    assert with_section(page, "new\n") == page.replace("old", "new")


@pytest.mark.parametrize("page", ["", BEGIN, f"{END}{BEGIN}", f"{BEGIN}{END}{BEGIN}{END}"])
def test_a_page_without_both_marks_is_refused(page: str) -> None:
    with pytest.raises(InputError, match="must have"):
        with_section(page, "new")


def test_the_command_replaces_the_section_from_results_alone(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(f"Above.\n{BEGIN}\n{END}\nBelow.\n", encoding="utf-8")
    kept = outcome("naas-layers-1", multipliers=64, runs=[run(4242, predicted=4242)])
    Results(folder=tmp_path / "results").keep(kept)
    assert main(["--tables", "--folder", str(tmp_path), "--into", str(page)]) == 0
    assert "4,242" in page.read_text(encoding="utf-8")


def test_layers_are_the_same_work_for_all_tools() -> None:
    for workload in LAYERS:
        layer = Layer.model_validate(workload.layer)
        macs = layer.K * layer.C * layer.P * layer.Q * layer.R * layer.S
        sizes = workload.product
        assert macs == workload.macs == sizes["M"] * sizes["K"] * sizes["N"]


def test_steps_have_names_of_their_own_and_belong_to_their_tool() -> None:
    tools = {"naas": naas_steps, "chipleap": chipleap_steps, "nngen": nngen_steps}
    names = [step.name for tool in tools.values() for step in tool.steps()]
    assert len(names) == len(set(names))
    for tool, module in tools.items():
        assert all(step.name.startswith(f"{tool}-") for step in module.steps())
    assert {nngen_steps.FIRST, *SYNTHESES} <= set(names)
    wanted = {f"nngen-{name}-{latency}" for name in NETWORKS for latency in LATENCIES}
    assert wanted <= set(names)


def test_a_peers_verilog_goes_through_the_script_of_a_build() -> None:
    as_built = synthesis_script(["core.v"], top="core", target_mhz=TARGET_MHZ)
    assert peer_script([Path("core.v")], top="core", parameters={}) == as_built
    script = peer_script([Path("core.sv")], top="core", parameters={"ROWS": 8})
    read = "read_slang --threads 1 -DSYNTHESIS --top core -G ROWS=8 core.sv"
    assert script == as_built.replace("read_verilog -DSYNTHESIS core.v", read)


def test_what_naas_prints_of_a_layer_becomes_a_run() -> None:
    printed = '{"name": "a", "simulated_cycles": 7, "predicted_cycles": 7, "output_mismatches": 0}'
    found = naas_steps.run_of_layer(json.loads(printed), 10)
    figures = {"latency": 10, "cycles": 7, "predicted_cycles": 7, "wrong_words": 0}
    assert found == {"workload": "a", **figures}


def test_the_effort_has_seconds_of_cpu_which_other_jobs_do_not_change() -> None:
    found = outcome("chipleap-install", seconds=341.2, cpu_seconds=12.4, versions=[])
    assert row_of(tables({found.name: found}), "ChipLeap")[2:] == ["12 s (341 s)", "not measured"]
