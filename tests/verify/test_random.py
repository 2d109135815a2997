"""`naas verify`: what is drawn, what is reported, and that what fails is reduced and written."""

import json
import os
import secrets
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from stored_cases import read_case

from naas_hw.arch.accelerator import Accelerator, Axis
from naas_hw.cli import main
from naas_hw.compiler.layout import descriptor_beats
from naas_hw.core.errors import InputError
from naas_hw.mapping.legality import Rule, violations
from naas_hw.mapping.mapping import Mapping
from naas_hw.sim import simulators
from naas_hw.sim.layer import predict_layer, simulate_layer
from naas_hw.sim.memory_habits import choose_habits, parse_habits
from naas_hw.sim.simulators import Simulator, find_simulator
from naas_hw.verify import random as verify_module
from naas_hw.verify.case import Case
from naas_hw.verify.case_files import write_case
from naas_hw.verify.coverage import BEATS, BINS, LARGE_BINS, LARGE_LATENCIES, LATENCIES, Size
from naas_hw.verify.random import CaseResult, report_json, verify
from naas_hw.verify.random_accelerator import SMALLEST_LAYER, random_accelerator
from naas_hw.verify.random_case import CASES_PER_HARDWARE, Draw, draw_cases
from naas_hw.verify.reduce import reduce_case, simpler_cases

ICARUS = Simulator(name="icarus", version="0", path=Path("iverilog"))
MAX_CYCLES = 20_000


@pytest.fixture(scope="module", params=[0, 1])
def draw(request: pytest.FixtureRequest) -> Draw:
    """Forty triples, for two seeds."""
    return draw_cases(40, request.param, max_cycles=MAX_CYCLES)


@pytest.mark.takes_seconds
def test_forty_triples_leave_no_bin_empty(draw: Draw) -> None:
    """Whatever the seed."""
    assert set(draw.coverage) == set(BINS)
    assert [name for name, number in draw.coverage.items() if number == 0] == []


def test_forty_large_triples_leave_no_bin_empty() -> None:
    """They reach 1,024 PEs, latency 1,000, sums that wrap and outputs that clamp."""
    drawn = draw_cases(40, 0, max_cycles=3 * MAX_CYCLES, size=Size.LARGE)
    assert set(drawn.coverage) == set(LARGE_BINS)
    assert [name for name, number in drawn.coverage.items() if number == 0] == []
    sizes = [group[0].case.accelerator.num_pes for group in drawn.groups]
    assert max(sizes) == 1024 and min(sizes) <= 64
    assert max(d.case.accelerator.dram_latency_cycles for d in drawn.cases) == 1000


def test_every_triple_is_legal_and_short_enough(draw: Draw) -> None:
    """The limit of cycles is kept by shrinking the layer."""
    for drawn in draw.cases:
        case = drawn.case
        assert violations(case.accelerator, case.layer, case.mapping) == []
        assert predict_layer(case.accelerator, case.layer, case.mapping).cycles <= MAX_CYCLES


def test_layers_need_hardware_that_is_there(draw: Draw) -> None:
    """Not always all of it; some accelerators have none."""
    cases = [drawn.case for drawn in draw.cases]
    assert all(case.layer.options <= case.accelerator.options for case in cases)
    assert any(case.layer.options < case.accelerator.options for case in cases)
    assert any(not case.accelerator.options for case in cases)


def test_rejections_are_those_of_legality(draw: Draw) -> None:
    """Nothing else may make a triple illegal."""
    assert set(draw.rejections) <= {"capacity", "block", "field", "repeated"}
    assert draw.rejections["capacity"] > 0


def test_triples_of_a_group_share_all_hardware(draw: Draw) -> None:
    """Only the memory outside differs among them."""
    for group in draw.groups:
        assert len(group) <= CASES_PER_HARDWARE
        outside = {"dram_latency_cycles": 1, "dram_beat_period_cycles": 1}
        assert len({drawn.case.accelerator.model_copy(update=outside) for drawn in group}) == 1


def test_bins_of_latency_meet() -> None:
    """From 1 to 200 cycles, in large draws to the most there is; none left out."""
    assert LATENCIES[0][0] == 1 and LATENCIES[-1][1] == 200 and LARGE_LATENCIES[-1][1] == 1000
    for (_, high), (low, _) in zip(LARGE_LATENCIES[:-1], LARGE_LATENCIES[1:], strict=True):
        assert low == high + 1


def test_the_same_seed_draws_the_same() -> None:
    """And another one draws another."""
    first, again, other = (draw_cases(3, seed, max_cycles=5000) for seed in (5, 5, 6))
    assert first == again
    assert first.cases[0].case != other.cases[0].case


@pytest.mark.takes_seconds
def test_a_limit_that_no_layer_keeps_gives_the_smallest_layer() -> None:
    """The draw ends all the same."""
    for drawn in draw_cases(2, 0, max_cycles=10).cases:
        assert drawn.case.layer.bounds == SMALLEST_LAYER.bounds


@pytest.mark.parametrize("beat_bytes", BEATS)
def test_an_accelerator_that_is_drawn_runs_something(beat_bytes: int) -> None:
    """The draw of its triples would never end."""
    rng = np.random.default_rng(beat_bytes)
    rejections: Counter[str] = Counter()
    for _ in range(100):
        found = random_accelerator(rng, rejections, beat_bytes=beat_bytes, num_axes=2)
        assert violations(found, SMALLEST_LAYER, Mapping()) == []
    assert rejections["repeated"] > 0


def test_there_are_accelerators_that_run_nothing() -> None:
    """A K axis whose lanes need more scales than there are: hence the check of each draw."""
    useless = Accelerator(
        axes=(Axis(dim="K", size=16),),
        weight_buffer_bytes=64,
        input_buffer_bytes=64,
        accumulator_words=64,
        bank_bytes=1024,
        scale_depth=8,
        beat_bytes=16,
    )
    broken = violations(useless, SMALLEST_LAYER, Mapping())
    assert [violation.rule for violation in broken] == [Rule.CAPACITY]


def test_a_short_limit_leaves_time_beside_the_descriptor() -> None:
    """With a slow memory the descriptor alone could take longer than the limit."""
    for drawn in draw_cases(8, 2, max_cycles=2000).cases:
        accelerator = drawn.case.accelerator
        beats = descriptor_beats(accelerator)
        period = accelerator.dram_beat_period_cycles
        assert period == 1 or beats * period <= 2000 // 4


def test_simpler_triples_are_legal_and_new(draw: Draw) -> None:
    """A reduction never leaves what the hardware runs."""
    for drawn in draw.cases[:5]:
        found = list(simpler_cases(drawn.case))
        assert drawn.case not in found and len(set(found)) == len(found)
        for case in found:
            assert violations(case.accelerator, case.layer, case.mapping) == []


def test_a_failing_triple_is_reduced_to_what_fails(draw: Draw) -> None:
    """With a made-up fault in every layer of at least 2 output channels, 2 is where it ends."""
    case = next(d.case for d in draw.cases if d.case.layer.K >= 4)
    reduced = reduce_case(case, lambda smaller: smaller.layer.K >= 2, max_trials=10_000)
    assert reduced.layer.K == 2
    assert (reduced.layer.C, reduced.layer.P, reduced.layer.Q) == (1, 1, 1)
    assert violations(reduced.accelerator, reduced.layer, reduced.mapping) == []


def test_a_reduction_keeps_to_its_trials(draw: Draw) -> None:
    """A simulation costs seconds."""
    asked: list[Case] = []

    def fails(case: Case) -> bool:
        asked.append(case)
        return True

    reduce_case(draw.cases[0].case, fails, max_trials=3)
    assert len(asked) == 3


def test_files_of_a_triple_are_read_back(draw: Draw, tmp_path: Path) -> None:
    """What is written is the triple that failed, to the last field."""
    case = draw.cases[0].case
    write_case(case, tmp_path / "a case")
    assert read_case(tmp_path / "a case") == case


def failing(index: int, case: Case) -> CaseResult:
    """A result with a difference of three cycles."""
    return CaseResult(
        index=index,
        case=case,
        cycles=100,
        cycle_difference=3,
        count_difference=0,
        output_mismatches=2,
        problem="cycles: predicted 97, simulated 100",
    )


def test_a_failure_is_counted_and_its_files_are_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The report says what failed, and how to run it again."""

    def run_group(group: list[tuple[int, Case]], _: object) -> list[CaseResult]:
        results = [failing(index, case) for index, case in group]
        equal: dict[str, Any] = {"cycle_difference": 0, "output_mismatches": 0, "problem": ""}
        return [results[0], *(replace(result, **equal) for result in results[1:])]

    monkeypatch.setattr(verify_module, "run_group", run_group)
    report = verify(3, 7, simulator=ICARUS, folder=tmp_path / "failing cases")
    said = json.loads(report_json(report))
    assert not report.ok and not said["ok"]
    assert (said["cases"], said["failed"]) == (3, 1)
    assert (said["max_cycle_difference"], said["max_count_difference"]) == (3, 0)
    assert said["output_mismatches"] == 2
    assert read_case(Path(said["failures"][0]["folder"])) == report.results[0].case
    assert said["failures"][0]["command"].endswith("--sim icarus --seed 7")
    assert said["failures"][0]["memory"] == said["memory"] == "exact"


def test_a_hang_is_counted_and_its_command_says_all_that_is_random(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The habits of the memory as they are read back, the tensors, and what happened before."""
    habits = choose_habits("any", seed=7, index=1, num_beats=10, max_cycles=1000)

    def run_group(group: list[tuple[int, Case]], _: object) -> list[CaseResult]:
        results = [failing(index, case) for index, case in group]
        return [replace(result, hung=True, habits=habits) for result in results]

    monkeypatch.setattr(verify_module, "run_group", run_group)
    report = verify(
        2, 7, simulator=ICARUS, memory="any", size=Size.LARGE, folder=tmp_path / "failing"
    )
    said = json.loads(report_json(report))
    assert (said["hung"], said["memory"], said["size"]) == (2, "any", "large")
    assert said["before"] == {"nothing": 1, "reset": 1}
    command = said["failures"][1]["command"]
    assert command.endswith(f" --before reset --tensors extreme --memory {habits}")
    assert parse_habits(command.split()[-1]) == habits


def test_a_fault_of_the_generator_is_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    """It must not end the run, nor pass for a triple that is equal."""

    def broken(_: object, **_options: object) -> None:
        raise RuntimeError("no such wire")

    monkeypatch.setattr(verify_module, "generate", broken)
    case = draw_cases(1, 0, max_cycles=5000).cases[0].case
    (result,) = verify_module.run_group(
        [(0, case)], verify_module.Conditions(simulator=ICARUS, seed=0)
    )
    assert not result.ok
    assert result.problem == "RuntimeError: no such wire"


def test_verify_wrong_number_of_cases(tmp_path: Path) -> None:
    """None is no verification."""
    with pytest.raises(InputError, match="cases must be 1 to 100000, not 0"):
        verify(0, 0, simulator=ICARUS, folder=tmp_path)


@pytest.mark.sim
@pytest.mark.needs("iverilog")
@pytest.mark.parametrize(
    ("stalls", "memory"),
    [
        (False, "exact"),
        (True, "exact"),
        pytest.param(False, "any", marks=pytest.mark.slow),
    ],
)
def test_random_triples_are_equal_on_icarus(stalls: bool, memory: str, tmp_path: Path) -> None:
    """Two triples: with the memory's exact timing all is compared, else the bits."""
    report = verify(
        2,
        11,
        simulator=find_simulator("icarus"),
        stalls=stalls,
        memory=memory,
        folder=tmp_path / "failures",
    )
    timed = not stalls and memory == "exact"
    said = json.loads(report_json(report))
    assert said["failures"] == [] and said["failed"] == 0 and said["output_mismatches"] == 0
    assert said["hung"] == 0
    assert said["max_cycle_difference"] == (0 if timed else None)
    assert said["max_count_difference"] == (0 if timed else None)
    assert not (tmp_path / "failures").exists()


@pytest.mark.sim
@pytest.mark.needs("iverilog")
def test_the_command_says_what_was_equal(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    """One triple on Icarus, as JSON."""
    words = ["verify", "--random", "1", "--seed", "4", "--sim", "icarus", "--json"]
    assert main([*words, "-o", str(tmp_path / "failures")]) == 0
    said = json.loads(capsys.readouterr().out)
    assert (said["ok"], said["cases"], said["failed"], said["output_mismatches"]) == (True, 1, 0, 0)
    assert (said["max_cycle_difference"], said["max_count_difference"]) == (0, 0)
    assert sum(said["coverage"].values()) > 0


def test_the_command_fails_with_a_triple_that_differs(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    """Exit status 1, the case's files, and how to run them again."""

    def run_group(group: list[tuple[int, Case]], _: object) -> list[CaseResult]:
        return [failing(index, case) for index, case in group]

    monkeypatch.setattr(verify_module, "run_group", run_group)
    monkeypatch.setattr(simulators, "find_simulator", lambda name: ICARUS)
    words = ["verify", "--random", "1", "--sim", "icarus", "--processes", "1"]
    assert main([*words, "-o", str(tmp_path / "failures")]) == 1
    said = capsys.readouterr().out
    assert "case 0 failed" in said and "run it with: naas simulate " in said
    assert "1 failed (cycles, counts and output bits compared)" in said


LONG_RUNS = [
    ("verilator", 40, "--memory", "exact"),
    ("icarus", 15, "--memory", "exact"),
    ("verilator", 12, "--stalls", ""),
    ("icarus", 8, "--stalls", ""),
    ("verilator", 40, "--memory", "any"),
    ("icarus", 13, "--memory", "any"),
    ("verilator", 10, "--size", "large"),
    ("verilator", 40, "--family", "ecp5"),
    ("icarus", 8, "--family", "ecp5"),
    ("verilator", 12, "--family", "ice40"),
]


@pytest.mark.slow
@pytest.mark.sim
@pytest.mark.needs("iverilog", "verilator")
@pytest.mark.parametrize(("sim", "number", "option", "value"), LONG_RUNS)
def test_random_triples_of_a_seed_never_used_before(
    sim: str,
    number: int,
    option: str,
    value: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture,
) -> None:
    """Another seed in each run, or NAAS_VERIFY_SEED; the seed is in what a failure says."""
    seed = os.environ.get("NAAS_VERIFY_SEED") or str(secrets.randbelow(1 << 31))
    words = ["verify", "--random", str(number), "--seed", seed, "--sim", sim, "--json"]
    words += ["--processes", "1", "-o", str(tmp_path / "failures")]
    words += [word for word in (option, value) if word]
    timed = option != "--stalls" and value != "any"
    status = main(words)
    said = json.loads(capsys.readouterr().out)
    assert status == 0 and said["ok"], (words, said["failures"])
    assert (said["cases"], said["failed"], said["output_mismatches"]) == (number, 0, 0)
    assert said["hung"] == 0
    assert said["max_cycle_difference"] == (0 if timed else None)
    assert said["max_count_difference"] == (0 if timed else None)
    assert number < 40 or all(said["coverage"].values())


@pytest.mark.slow
@pytest.mark.parametrize("max_cycles", [20_000, 200_000])
def test_no_bin_is_empty_for_many_seeds(max_cycles: int) -> None:
    """Under the limits of both simulators."""
    for seed in range(10, 20):
        drawn = draw_cases(40, seed, max_cycles=max_cycles)
        assert [name for name, number in drawn.coverage.items() if number == 0] == []


@pytest.mark.sim
@pytest.mark.needs("iverilog")
def test_a_wrong_prediction_is_found_reduced_and_written(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The same triple, with a model that is one cycle off, fails."""

    def off_by_one(*arguments: object, **named: object) -> object:
        report = simulate_layer(*arguments, **named)  # type: ignore[arg-type]
        return replace(report, predicted_cycles=report.predicted_cycles - 1)

    monkeypatch.setattr(verify_module, "simulate_layer", off_by_one)
    monkeypatch.setattr(verify_module, "MAX_TRIALS", 2)
    found = verify(1, 11, simulator=find_simulator("icarus"), folder=tmp_path)
    assert [failure.result.cycle_difference for failure in found.failures] == [1]
    reduced = read_case(found.failures[0].folder)
    assert reduced == found.results[0].reduced != found.results[0].case
