"""Search for an accelerator for MobileNetV2, write its Verilog, run real layers on it, and compare.

    python examples/demo.py             what `make demo` runs: anew, in build/demo
    python examples/demo.py --resume    goes on with a run that was interrupted

The exit status is 1 if anything that was predicted differs from what was simulated.
"""

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from naas_hw import api
from naas_hw.arch.accelerator import Accelerator
from naas_hw.arch.budget import Budget, on_chip_bytes
from naas_hw.cli.compiling import compile_search
from naas_hw.cli.exits import ExitStatus, run_to_status
from naas_hw.cli.tables import complaints, print_table, simulation_table
from naas_hw.runs.history_counts import count_history
from naas_hw.search import Progress as SearchProgress
from naas_hw.search import SearchResult, SearchSettings
from naas_hw.sim.layer import LayerReport
from naas_hw.sim.simulators import SimulatorName
from naas_hw.workload.network import Network

MOBILENET_LAYERS = (
    "features.0.0",  # the first convolution: 3x3, stride 2, three channels
    "features.1.conv.0.0",  # depthwise, stride 1, 112 x 112
    "features.2.conv.0.0",  # expanding pointwise, 112 x 112
    "features.2.conv.1.0",  # depthwise, stride 2
    "features.2.conv.2",  # projecting pointwise
    "features.8.conv.0.0",  # expanding pointwise, 14 x 14
    "features.12.conv.1.0",  # depthwise, stride 1, 14 x 14
    "features.14.conv.1.0",  # depthwise, stride 2, 14 x 14
    "features.17.conv.2",  # projecting pointwise, 7 x 7
    "features.18.0",  # the last 1x1: 320 to 1280 channels
    "classifier.1",  # the classifier
)


@dataclass(frozen=True, kw_only=True)
class Demo:
    """What is searched, and what is simulated of it.

    Members
    -------
    least_candidates, least_mappings : what the history has to hold: distinct accelerators, and
        distinct legal mappings of each layer of each.
    layers : names of those that are simulated.
    """

    network: Network
    budget: Budget
    settings: SearchSettings
    least_candidates: int
    least_mappings: int
    layers: Sequence[str]
    simulator: SimulatorName = "verilator"
    num_processes: int = 2


def mobilenet_demo(seed: int = 0) -> Demo:
    """The demo: MobileNetV2 on one image of 224 x 224.

    It stays within Eyeriss' resources (168 PEs, 193 KiB on chip, 8 bytes a cycle).
    """
    return Demo(
        network=api.find_network("mobilenet_v2"),
        budget=api.find_budget("eyeriss"),
        settings=SearchSettings(
            population=8, generations=20, mapping_evaluations=1000, min_legal=60, seed=seed
        ),
        least_candidates=60,
        least_mappings=60,
        layers=MOBILENET_LAYERS,
    )


def run_demo(demo: Demo, run: Path, console: Console, *, resume: bool = False) -> int:
    """All of it; the exit status."""
    _say_task(demo, console)
    found = _search(demo, run, console, resume=resume)
    _say_found(demo, found, console)
    if found.interrupted:
        console.print(
            f"Interrupted: this is the best so far. --resume continues the search in {run}."
        )
        return ExitStatus.INTERRUPTED
    enough = _say_history(demo, run, console)
    _generate(run, console)
    reports = _simulate(demo, run, console)
    console.print(f"{api.report(run)} shows it all, in a browser.")
    return (
        ExitStatus.DONE
        if enough and all(report.ok for report in reports)
        else (ExitStatus.DIFFERENT)
    )


# 1. Search ---------------------------------------------------------------------------------------


def _say_task(demo: Demo, console: Console) -> None:
    network, budget = demo.network, demo.budget
    console.rule(f"1. search: an accelerator for {network.name} with what {budget.name} has")
    console.print(
        f"{network.name}: {len(network.layers)} layers, {len(network.distinct_layers)} of them "
        f"distinct, {network.num_macs / 1e6:,.1f} M MACs.\n"
        f"At most {budget.max_pes} PEs, {budget.on_chip_bytes:,} bytes on chip, "
        f"{budget.beat_bytes} bytes a cycle from DRAM."
    )


def _search(demo: Demo, run: Path, console: Console, *, resume: bool) -> SearchResult:
    compile_search(console)
    columns = (
        TextColumn("{task.description}"),
        BarColumn(bar_width=24),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("{task.fields[best]}"),
    )
    with Progress(*columns, console=console) as bars:
        task = bars.add_task("candidates", total=None, best="")
        best = float("inf")

        def tell(progress: SearchProgress) -> None:
            nonlocal best
            bars.update(
                task,
                description=progress.stage,
                completed=progress.num_candidates,
                total=progress.num_planned,
                best="" if progress.best_score is None else f"best EDP {_edp(progress.best_score)}",
            )
            if progress.best is None or progress.best_score is None:
                return
            if progress.best_score < best:
                best = progress.best_score
                console.print(
                    f"candidate {progress.num_candidates:3} of {progress.num_planned}: "
                    f"EDP {_edp(best)}, {_array(progress.best)}"
                )

        return api.search(
            [demo.network],
            demo.budget,
            demo.settings,
            run=api.RunSettings(
                folder=run,
                resume=resume,
                force=not resume,
                command=("python", "examples/demo.py"),
            ),
            workers=demo.num_processes,
            progress=tell,
        )


def _say_found(demo: Demo, found: SearchResult, console: Console) -> None:
    accelerator, result = found.accelerator, found.networks[0]
    console.print(
        f"Found: {_array(accelerator)}; a PE has {accelerator.weight_buffer_bytes} bytes for "
        f"weights and {accelerator.input_buffer_bytes} for inputs, a tree "
        f"{accelerator.accumulator_words} accumulators; L2 {accelerator.global_buffer_bytes:,} "
        f"bytes; {on_chip_bytes(accelerator):,} bytes in all.\n"
        f"Exact: {result.report.cycles:,} cycles, {result.report.energy_pj / 1e6:,.0f} uJ, "
        f"EDP {_edp(found.score)}, {result.utilization(accelerator):.1%} of all MACs in use. "
        f"Exact cycles were at most {found.largest_gap:.1%} above the bound that ranks."
    )


def _say_history(demo: Demo, run: Path, console: Console) -> bool:
    """Count in the history file; whether that is enough."""
    counts = count_history(run / "history.sqlite", due_mappings=demo.least_mappings)
    console.print(
        f"The history holds {counts.num_candidates} distinct accelerators, each with at least "
        f"{demo.least_mappings} distinct legal mappings of each of {counts.num_layers} distinct "
        f"layers; {counts.num_mappings:,} mappings in all, {counts.num_exact:,} timed exactly."
    )
    if counts.num_short:
        console.print(
            f"It holds {counts.num_short} more, on which some layer has fewer legal mappings "
            f"(fewest found: {counts.least_mappings})."
        )
    enough = counts.num_candidates >= demo.least_candidates
    if not enough:
        console.print(
            f"There must be at least {demo.least_candidates} such accelerators, "
            f"not {counts.num_candidates}.",
            style="bold red",
        )
    return enough


def _array(accelerator: Accelerator) -> str:
    axes = " x ".join(f"{axis.dim} {axis.size}" for axis in accelerator.axes)
    return f"array {axes} ({accelerator.num_pes} PEs)"


def _edp(score: float) -> str:
    """Picojoules times cycles, in joules times cycles."""
    return f"{score / 1e12:,.0f} J cycles"


# 2. Verilog --------------------------------------------------------------------------------------


def _generate(run: Path, console: Console) -> None:
    console.rule("2. Verilog: one netlist for all layers")
    api.generate(run, program=False)
    files = sorted((run / "rtl").glob("*.v"))
    texts = [file.read_text(encoding="utf-8") for file in files]
    console.print(
        f"{run / 'rtl'}: {len(files)} files, "
        f"{sum(text.count('endmodule') for text in texts)} modules, "
        f"{sum(len(text.splitlines()) for text in texts):,} lines."
    )


# 3. Simulation -----------------------------------------------------------------------------------


def _simulate(demo: Demo, run: Path, console: Console) -> tuple[LayerReport, ...]:
    console.rule(f"3. simulation: {len(demo.layers)} layers at full size, {demo.simulator}")
    console.print(
        f"Predictions are in {run / 'sim' / 'predicted.json'} before the simulator starts. "
        "Shapes are the network's, values are random (seeded)."
    )
    columns = (TextColumn("layers"), BarColumn(bar_width=24), MofNCompleteColumn())
    with Progress(*columns, TimeElapsedColumn(), console=console) as bars:
        task = bars.add_task("layers", total=len(demo.layers))

        def tell(report: LayerReport) -> None:
            bars.advance(task)
            console.print(
                f"{report.name}: {report.simulated_cycles:,} cycles, "
                f"{'as predicted' if report.ok else 'not as predicted'}"
            )

        result = api.simulate(
            run,
            api.SimulationSettings(simulator=demo.simulator, seed=demo.settings.seed),
            layers=demo.layers,
            num_processes=demo.num_processes,
            progress=tell,
        )
    print_table(simulation_table("Predicted beside simulated", result.layers))
    for report in result.layers:
        for line in complaints(report):
            console.print(line, style="bold red", markup=False)
    equal = sum(report.ok for report in result.layers)
    console.print(
        f"{equal} of {len(result.layers)} layers: cycles, counted accesses and output bytes equal. "
        f"The run is in {run}."
    )
    return result.layers


def main(arguments: Sequence[str]) -> int:
    """The command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--run", type=Path, default=Path("build/demo"), help="run folder")
    parser.add_argument("--resume", action="store_true", help="go on with the run in that folder")
    parser.add_argument("--seed", type=int, default=0, help="random seed")
    given = parser.parse_args(arguments)
    console = Console(highlight=False, markup=False)
    return run_demo(mobilenet_demo(given.seed), given.run, console, resume=given.resume)


if __name__ == "__main__":
    sys.exit(run_to_status(lambda: main(sys.argv[1:])))
