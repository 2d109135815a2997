"""Random networks on the RTL, each compared with the integer reference and the model of time."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np

from naas_hw.compiler.network_program import build_network_program
from naas_hw.core.errors import ToolError
from naas_hw.graph.integer_execution import run_integers
from naas_hw.sim.hardware import Hardware, generate
from naas_hw.sim.layer import LayerReport
from naas_hw.sim.network_run import NetworkRun, simulate_network
from naas_hw.sim.network_segments import SegmentReport, SegmentsRun, simulate_segments
from naas_hw.sim.simulators import Simulator, SimulatorName
from naas_hw.verify.groups import check_draw, run_groups
from naas_hw.verify.networks.case import NetworkCase
from naas_hw.verify.networks.draw import DrawnNetwork, draw_networks
from naas_hw.verify.networks.files import write_network_case
from naas_hw.verify.networks.reduce import reduce_network
from naas_hw.verify.networks.report import NetworkCaseResult, NetworkFailure, NetworksReport

MAX_CYCLES: Final[dict[SimulatorName, int]] = {"icarus": 15_000, "verilator": 60_000}
"""Predicted cycles of the longest network."""

MAX_TRIALS: Final = 60
"""Simulations that the reduction of a failing network may take."""

MAX_CASES: Final = 100_000


@dataclass(frozen=True, kw_only=True)
class NetworkConditions:
    """What the networks of a run share."""

    simulator: Simulator
    seed: int
    max_trials: int


def verify_networks(
    num_cases: int,
    seed: int,
    *,
    simulator: Simulator,
    num_processes: int = 1,
    folder: Path = Path("verify_failures"),
    progress: Callable[[NetworkCaseResult], None] | None = None,
) -> NetworksReport:
    """Draw networks in integers, run them on the RTL, compare bytes, cycles and counts.

    Parameters
    ----------
    num_cases : networks, on at most six accelerators; from 40 on every bin of coverage holds one.
    seed : of the draw.
    num_processes : accelerators that are generated and simulated at a time.
    folder : for the files of failing networks; made only if there is one.
    progress : told of each network that has ended, in any order.

    Raises
    ------
    InputError : a number out of range, a folder that cannot be written.
    ToolError : a tool is missing.
    """
    check_draw(num_cases, seed, most=MAX_CASES)
    draw = draw_networks(num_cases, seed, max_cycles=MAX_CYCLES[simulator.name])
    conditions = NetworkConditions(simulator=simulator, seed=seed, max_trials=MAX_TRIALS)
    results: list[NetworkCaseResult] = []
    for results_of_group in run_groups(run_group, draw.groups, conditions, num_processes):
        for result in results_of_group:
            results.append(result)
            if progress is not None:
                progress(result)
    results.sort(key=lambda result: result.index)
    return NetworksReport(
        simulator=f"{simulator.name} {simulator.version}",
        seed=seed,
        results=tuple(results),
        coverage=draw.coverage,
        rejections=draw.rejections,
        failures=tuple(_write_failures(results, seed, folder)),
    )


def run_network_case(
    case: NetworkCase, *, simulator: Simulator, index: int = 0
) -> NetworkCaseResult:
    """Generate the accelerator of a case and run it.

    Raises
    ------
    ToolError : a tool is missing.
    """
    return _run(index, case, generate(case.accelerator), simulator)


def run_group(
    group: Sequence[DrawnNetwork], conditions: NetworkConditions
) -> list[NetworkCaseResult]:
    """Run networks that share an accelerator; what runs in a worker.

    A fault on the way (in the generator, the compiler, the simulator) is a failure of the network.
    """
    hardware: Hardware | None = None
    results = []
    for drawn in group:
        try:
            hardware = hardware or generate(drawn.case.accelerator)
        except Exception as error:
            results.append(_fault(drawn.index, drawn.case, error))
            continue
        result = _run(drawn.index, drawn.case, hardware, conditions.simulator)
        if not result.ok:
            result = replace(result, reduced=_reduced(result, hardware, conditions))
        results.append(result)
    return results


def _reduced(
    result: NetworkCaseResult, hardware: Hardware, conditions: NetworkConditions
) -> NetworkCase:
    def fails(smaller: NetworkCase) -> bool:
        return not _run(result.index, smaller, hardware, conditions.simulator).ok

    return reduce_network(
        result.case, fails, seed=conditions.seed, max_trials=conditions.max_trials
    )


def _run(
    index: int, case: NetworkCase, hardware: Hardware, simulator: Simulator
) -> NetworkCaseResult:
    """Run one network on hardware whose memory outside may be another one."""
    hardware = replace(hardware, accelerator=case.accelerator)
    try:
        program = build_network_program(
            case.accelerator, case.lowered(), case.mappings, identity=hardware.identity
        )
        simulate = simulate_segments if case.is_whole else simulate_network
        run = simulate(hardware, program, case.mappings, case.inputs, simulator=simulator)
        expected = run_integers(case.graph, case.inputs)
    except ToolError:
        raise
    except Exception as error:
        return _fault(index, case, error)
    wrong = _wrong_outputs(case, run, expected) if run.ok else []
    parts = _parts(run)
    problems = [problem for part in parts if (problem := _problem_of(part))]
    return NetworkCaseResult(
        index=index,
        case=case,
        cycles=run.simulated_cycles,
        cycle_difference=max(
            (abs(part.simulated_cycles - part.predicted_cycles) for part in parts), default=0
        ),
        count_difference=max((part.count_difference for part in parts), default=0),
        output_mismatches=sum(part.output_mismatches for part in parts) + sum(wrong),
        problem="; ".join([*problems, *(["the outputs are wrong"] if any(wrong) else [])]),
        hung=any(part.status == "hang" for part in parts),
    )


def _parts(run: NetworkRun | SegmentsRun) -> tuple[LayerReport, ...] | tuple[SegmentReport, ...]:
    return run.segments if isinstance(run, SegmentsRun) else run.layers


def _wrong_outputs(
    case: NetworkCase, run: NetworkRun | SegmentsRun, expected: dict[str, np.ndarray]
) -> list[int]:
    """Wrong numbers of each output of the network."""
    return [
        int(np.count_nonzero(run.outputs[name] != expected[name])) for name in case.graph.outputs
    ]


def _problem_of(part: LayerReport | SegmentReport) -> str:
    """All that differs in a layer or a start."""
    if part.ok:
        return ""
    problems = [] if part.status == "done" else [f"the run must end, not {part.status}"]
    if isinstance(part, LayerReport) and part.first_piece is not None:
        problems.append(str(part.first_piece))
    if part.predicted_cycles != part.simulated_cycles:
        problems.append(
            f"cycles: predicted {part.predicted_cycles}, simulated {part.simulated_cycles}"
        )
    problems += [str(difference) for difference in part.counts]
    if part.output_mismatches:
        problems.append(f"{part.output_mismatches} output bytes are wrong")
    name = (
        part.name
        if isinstance(part, LayerReport)
        else " to ".join(part.layers[:: len(part.layers) - 1 or 1])
    )
    return f"{name}: " + ", ".join([*problems, *part.messages])


def _fault(index: int, case: NetworkCase, error: Exception) -> NetworkCaseResult:
    return NetworkCaseResult(
        index=index,
        case=case,
        cycles=0,
        cycle_difference=None,
        count_difference=None,
        output_mismatches=0,
        problem=f"{type(error).__name__}: {error}",
    )


def _write_failures(
    results: Sequence[NetworkCaseResult], seed: int, folder: Path
) -> Iterator[NetworkFailure]:
    for result in results:
        if not result.ok:
            place = folder / f"seed{seed}_network{result.index}"
            write_network_case(result.reduced or result.case, place)
            yield NetworkFailure(result=result, folder=place)
