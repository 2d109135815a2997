"""Random triples on the RTL, each compared with the model; a failing one is reduced and written."""

import json
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from naas_hw.arch.families import Family
from naas_hw.core.errors import ToolError
from naas_hw.search.mapping.network_search import layer_generator
from naas_hw.sim.hardware import Hardware, generate
from naas_hw.sim.layer import LayerReport, predict_layer, simulate_layer
from naas_hw.sim.memory_habits import EXACT, MemoryHabits, check_memory, choose_habits
from naas_hw.sim.preludes import PRELUDES
from naas_hw.sim.run import Stalls
from naas_hw.sim.simulators import Simulator, SimulatorName
from naas_hw.verify.case import Case
from naas_hw.verify.case_files import write_case
from naas_hw.verify.coverage import Size
from naas_hw.verify.groups import check_draw, run_groups
from naas_hw.verify.random_case import draw_cases, tensors_of
from naas_hw.verify.reduce import reduce_case
from naas_hw.workload.arithmetic.quantise import Tensors

MAX_CYCLES: Final[dict[SimulatorName, int]] = {"icarus": 20_000, "verilator": 200_000}
"""Predicted cycles of the longest triple."""

LARGE_FACTOR: Final[dict[Size, int]] = {Size.SMALL: 1, Size.LARGE: 3}
"""How many times as long the longest triple of a size is."""

LATE_CYCLES: Final[dict[SimulatorName, int]] = {"icarus": 5_000, "verilator": 400_000}
"""Cycles that a memory with random habits may make a triple longer by, about."""

STALL_PERCENT: Final = 30
MAX_TRIALS: Final = 40
"""Simulations that the reduction of a failing triple may take."""

MAX_CASES: Final = 100_000


@dataclass(frozen=True, kw_only=True)
class CaseResult:
    """What became of one triple.

    Parameters
    ----------
    index : in the draw.
    cycle_difference, count_difference : largest ones; None where cycles are not compared.
    problem : what is wrong, in words; empty if nothing is.
    hung : whether no interrupt came.
    habits : of the memory; None for its exact timing.
    reduced : a smaller triple that fails too, where this one fails.
    """

    index: int
    case: Case
    cycles: int
    cycle_difference: int | None
    count_difference: int | None
    output_mismatches: int
    problem: str
    hung: bool = False
    habits: MemoryHabits | None = None
    reduced: Case | None = None

    @property
    def ok(self) -> bool:
        """Whether all that was compared is equal."""
        return not self.problem


@dataclass(frozen=True, kw_only=True)
class Conditions:
    """What the triples of a run share."""

    simulator: Simulator
    seed: int
    stalls: bool = False
    memory: str = EXACT
    size: Size = Size.SMALL
    family: Family = Family.GENERIC

    @property
    def random_stalls(self) -> Stalls | None:
        """Of the memory."""
        return Stalls(seed=self.seed, percent=STALL_PERCENT) if self.stalls else None

    def habits(self, index: int, num_beats: int) -> MemoryHabits | None:
        """Of the memory, for one triple of so many beats."""
        return choose_habits(
            self.memory,
            seed=self.seed,
            index=index,
            num_beats=num_beats,
            max_cycles=LATE_CYCLES[self.simulator.name],
        )


@dataclass(frozen=True, kw_only=True)
class Failure:
    """A failing triple, and the folder that holds its files."""

    result: CaseResult
    folder: Path


@dataclass(frozen=True, kw_only=True)
class VerifyReport:
    """What `verify` found.

    Parameters
    ----------
    results : of every triple, in the order of the draw.
    coverage : triples in each bin.
    rejections : illegal draws by rule.
    failures : what was written of the triples that failed.
    """

    simulator: str
    seed: int
    stalls: bool
    memory: str
    size: Size
    family: Family
    results: tuple[CaseResult, ...]
    coverage: dict[str, int]
    rejections: dict[str, int]
    failures: tuple[Failure, ...]

    @property
    def ok(self) -> bool:
        """Whether no triple failed."""
        return all(result.ok for result in self.results)


def most_cycles(simulator: SimulatorName, size: Size) -> int:
    """Predicted cycles of the longest triple."""
    return MAX_CYCLES[simulator] * LARGE_FACTOR[size]


def verify(
    num_cases: int,
    seed: int,
    *,
    simulator: Simulator,
    stalls: bool = False,
    memory: str = EXACT,
    size: Size = Size.SMALL,
    family: Family = Family.GENERIC,
    num_processes: int = 1,
    folder: Path = Path("verify_failures"),
    progress: Callable[[CaseResult], None] | None = None,
) -> VerifyReport:
    """Draw triples of accelerator, layer and mapping, run them on the RTL, compare with the model.

    Parameters
    ----------
    num_cases : triples; from 40 on every bin of coverage holds one. Up to four share the hardware
        of one accelerator.
    seed : of the draw and of the tensors.
    stalls : the memory stalls at random; then only output bits are compared.
    size : of the draws (see `coverage.Size`).
    family : whose forms of multiplier and memory are simulated, with models of their primitives.
    memory : `exact`, `any` for other habits of the memory in each triple, or those that
        `parse_habits` takes; unless it is exact only output bits are compared.
    num_processes : accelerators that are generated and simulated at a time.
    folder : for the files of failing triples; made only if there is one.
    progress : told of each triple that has ended, in any order.

    Raises
    ------
    InputError : a number out of range, a folder that cannot be written.
    ToolError : a tool is missing.
    """
    check_draw(num_cases, seed, most=MAX_CASES)
    check_memory(memory)
    draw = draw_cases(num_cases, seed, max_cycles=most_cycles(simulator.name, size), size=size)
    groups: list[list[tuple[int, Case]]] = []
    for group in draw.groups:
        first = sum(map(len, groups))
        groups.append([(first + i, drawn.case) for i, drawn in enumerate(group)])
    conditions = Conditions(
        simulator=simulator, seed=seed, stalls=stalls, memory=memory, size=size, family=family
    )
    results: list[CaseResult] = []
    for results_of_group in run_groups(run_group, groups, conditions, num_processes):
        for result in results_of_group:
            results.append(result)
            if progress is not None:
                progress(result)
    results.sort(key=lambda result: result.index)
    return VerifyReport(
        simulator=f"{simulator.name} {simulator.version}",
        seed=seed,
        stalls=stalls,
        memory=memory,
        size=size,
        family=family,
        results=tuple(results),
        coverage=draw.coverage,
        rejections=draw.rejections,
        failures=tuple(_write_failures(results, seed, folder)),
    )


def run_group(
    group: Sequence[tuple[int, Case]], conditions: Conditions, *, max_trials: int | None = None
) -> list[CaseResult]:
    """Run numbered triples that share their hardware; what runs in a worker.

    A fault on the way (in the generator, the compiler, the simulator) is a failure of the triple.
    """
    most = MAX_TRIALS if max_trials is None else max_trials
    hardware: Hardware | None = None
    results = []
    for index, case in group:
        try:
            hardware = hardware or generate(case.accelerator, family=conditions.family)
        except Exception as error:
            results.append(_fault(index, case, error))
            continue
        result = run_case(index, case, hardware, conditions)
        if not result.ok:
            result = replace(result, reduced=_reduced(result, hardware, conditions, most))
        results.append(result)
    return results


def before_of(index: int) -> str | None:
    """What happens before a triple: each prelude in turn, and nothing."""
    kinds = (None, *PRELUDES)
    return kinds[index % len(kinds)]


def run_case(index: int, case: Case, hardware: Hardware, conditions: Conditions) -> CaseResult:
    """Run one triple on hardware whose memory outside may be another one."""
    habits = None
    try:
        prediction = predict_layer(case.accelerator, case.layer, case.mapping)
        habits = conditions.habits(index, prediction.num_beats)
        report = simulate_layer(
            replace(hardware, accelerator=case.accelerator),
            case.layer,
            case.mapping,
            simulator=conditions.simulator,
            rng=layer_generator(conditions.seed, case.accelerator, case.layer),
            stalls=conditions.random_stalls,
            habits=habits,
            tensors=tensors_of(index, conditions.size),
            before=before_of(index),
            prediction=prediction,
        )
    except ToolError:
        raise
    except Exception as error:
        return replace(_fault(index, case, error), habits=habits)
    return CaseResult(
        index=index,
        case=case,
        cycles=report.simulated_cycles,
        cycle_difference=(
            abs(report.simulated_cycles - report.predicted_cycles) if report.timed else None
        ),
        count_difference=report.count_difference if report.timed else None,
        output_mismatches=report.output_mismatches,
        problem="" if report.ok else _problem_of(report),
        hung=report.status == "hang",
        habits=habits,
    )


def _problem_of(report: LayerReport) -> str:
    """All that differs, the first piece first."""
    problems = [] if report.status == "done" else [f"the run must end, not {report.status}"]
    if report.first_piece is not None:
        problems.append(str(report.first_piece))
    if report.timed and report.predicted_cycles != report.simulated_cycles:
        problems.append(
            f"cycles: predicted {report.predicted_cycles}, simulated {report.simulated_cycles}"
        )
    if report.timed:
        problems += [str(difference) for difference in report.counts]
    if report.output_mismatches:
        problems.append(f"{report.output_mismatches} output bytes are wrong")
    return "; ".join([*problems, *report.messages])


def _fault(index: int, case: Case, error: Exception) -> CaseResult:
    return CaseResult(
        index=index,
        case=case,
        cycles=0,
        cycle_difference=None,
        count_difference=None,
        output_mismatches=0,
        problem=f"{type(error).__name__}: {error}",
    )


def _reduced(result: CaseResult, hardware: Hardware, conditions: Conditions, most: int) -> Case:
    """A smaller triple that fails with the same habits of the memory."""
    if result.habits is not None:
        conditions = replace(conditions, memory=str(result.habits))

    def fails(smaller: Case) -> bool:
        return not run_case(result.index, smaller, hardware, conditions).ok

    return reduce_case(result.case, fails, max_trials=most)


def _write_failures(results: Sequence[CaseResult], seed: int, folder: Path) -> Iterator[Failure]:
    for result in results:
        if not result.ok:
            place = folder / f"seed{seed}_case{result.index}"
            write_case(result.reduced or result.case, place, name=place.name)
            yield Failure(result=result, folder=place)


# Words -------------------------------------------------------------------------------------------


def case_text(case: Case) -> str:
    """One line about a triple."""
    accelerator, layer = case.accelerator, case.layer
    array = accelerator.array_text
    bounds = " ".join(f"{dim} {bound}" for dim, bound in layer.bounds.items() if bound > 1)
    latency, period = accelerator.dram_latency_cycles, accelerator.dram_beat_period_cycles
    return (
        f"{array}, {accelerator.beat_bytes} bytes a beat, latency {latency}, period {period}; "
        f"{layer.kind.value} {bounds or 'of one MAC'}"
    )


def reproduce_command(report: VerifyReport, failure: Failure) -> str:
    """What runs a failing triple again."""
    words = ["naas simulate", str(failure.folder), f"--sim {report.simulator.split()[0]}"]
    words.append(f"--seed {report.seed}")
    if (before := before_of(failure.result.index)) is not None:
        words.append(f"--before {before}")
    if (tensors := tensors_of(failure.result.index, report.size)) is not Tensors.SPREAD:
        words.append(f"--tensors {tensors}")
    if failure.result.habits is not None:
        words.append(f"--memory {failure.result.habits}")
    return " ".join([*words, "--stalls"] if report.stalls else words)


def _counts_before(report: VerifyReport) -> dict[str, int]:
    return dict(Counter(before_of(result.index) or "nothing" for result in report.results))


def report_json(report: VerifyReport) -> str:
    """The report as JSON; a difference that was not compared is null."""
    cycles = [r.cycle_difference for r in report.results if r.cycle_difference is not None]
    counts = [r.count_difference for r in report.results if r.count_difference is not None]
    return json.dumps(
        {
            "version": 1,
            "simulator": report.simulator,
            "seed": report.seed,
            "stalls": report.stalls,
            "memory": report.memory,
            "size": report.size,
            "family": report.family,
            "cases": len(report.results),
            "failed": sum(not result.ok for result in report.results),
            "hung": sum(result.hung for result in report.results),
            "max_cycle_difference": max(cycles, default=None),
            "max_count_difference": max(counts, default=None),
            "output_mismatches": sum(result.output_mismatches for result in report.results),
            "coverage": report.coverage,
            "before": _counts_before(report),
            "rejections": report.rejections,
            "failures": [
                {
                    "case": failure.result.index,
                    "what": case_text(failure.result.case),
                    "problem": failure.result.problem,
                    "memory": str(failure.result.habits or report.memory),
                    "folder": str(failure.folder),
                    "command": reproduce_command(report, failure),
                }
                for failure in report.failures
            ],
            "ok": report.ok,
        },
        indent=1,
    )
