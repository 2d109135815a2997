"""A network for scikit-learn's digits: trained, measured, searched with its accelerator, simulated.

    python examples/digits.py

Needs `pip install 'naas_hw[torch,digits]'`; takes minutes. A once-for-all supernet is trained,
networks cut out of it are measured, a predictor is fitted to them, and their ranking is compared
with that of networks trained alone. Then a network above an accuracy floor is searched together
with its accelerator and mappings, and every layer of it runs on the Verilog. The exit status is 1
if anything that was predicted differs from what was simulated.
"""

import argparse
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from rich.console import Console

from naas_hw import api
from naas_hw.cli.exits import ExitStatus, run_to_status
from naas_hw.cli.progress import SearchProgress, array_of
from naas_hw.cli.tables import complaints, print_table, simulation_table
from naas_hw.core.torch_extra import require_torch
from naas_hw.nas.accuracy.images import ImageSplit, load_digits, split_images
from naas_hw.nas.accuracy.oracle import Accuracies
from naas_hw.nas.accuracy.predictor import PredictedAccuracy, fit_predictor
from naas_hw.nas.accuracy.shared_weights import SharedWeightsAccuracy
from naas_hw.nas.accuracy.training import RankReport, compare_with_alone, train_supernet
from naas_hw.nas.accuracy.training_settings import TrainingSettings
from naas_hw.nas.joint.architecture_search import ArchitectureSettings
from naas_hw.nas.joint.joint_search import JointResult
from naas_hw.nas.joint.settings import JointSettings
from naas_hw.nas.spaces.builtin import load_builtin_space
from naas_hw.nas.spaces.space import TrainableSpace
from naas_hw.parallel.cpu_time import cpu_seconds
from naas_hw.search import SearchSettings
from naas_hw.sim.simulators import SimulatorName, find_simulator

BUDGET = "shidiannao"
SIMULATOR: SimulatorName = "verilator"
FLOOR_PERCENTILE = 75

Say = Callable[[str], None]


@dataclass(frozen=True, kw_only=True)
class Study:
    """What training and measuring found."""

    space: TrainableSpace
    oracle: SharedWeightsAccuracy
    measured: Accuracies
    predictor: PredictedAccuracy
    ranking: RankReport


# 1. Accuracies -----------------------------------------------------------------------------------


def study(
    *,
    num_epochs: int,
    num_epochs_alone: int,
    num_alone: int,
    num_measured: int,
    seed: int,
    say: Say,
    data: ImageSplit | None = None,
) -> Study:
    """Train a supernet, measure networks of it, fit a predictor, train some networks alone."""
    rng = np.random.default_rng(seed)
    space = load_builtin_space("digits")
    data = data or split_images(load_digits(), rng, held_out=0.5)
    settings = TrainingSettings(num_epochs=num_epochs, seed=seed)
    supernet = train_supernet(space, data.train, settings)
    say(f"supernet: {num_epochs} epochs of {len(data.train)} images")

    oracle = SharedWeightsAccuracy(supernet=supernet, data=data)
    encodings = space.sample(rng, num_measured)
    measured = oracle.accuracies(encodings)
    low, high = measured.top1_percent.min(), measured.top1_percent.max()
    say(f"{num_measured} networks: {low:.1f} to {high:.1f} %, {oracle.source.label}")

    predictor = fit_predictor(space, encodings, measured, rng)
    say(f"predictor: {predictor.source.label}")

    chosen = np.concatenate([np.stack([space.largest, space.smallest]), encodings])[:num_alone]
    alone = TrainingSettings(num_epochs=num_epochs_alone, seed=seed)
    ranking = compare_with_alone(space, oracle, chosen, data, alone)
    say(ranking.text)
    return Study(
        space=space, oracle=oracle, measured=measured, predictor=predictor, ranking=ranking
    )


# 2. A network with its accelerator, on the Verilog ------------------------------------------------


def choose_floor(found: Study, wanted: float | None, say: Say) -> float:
    """The accuracy asked for; else what a quarter of the measured networks reach. Says which."""
    if wanted is not None:
        say(f"accuracy floor: {wanted:.2f} %, as asked")
        return wanted
    floor_percent = float(np.percentile(found.measured.top1_percent, FLOOR_PERCENTILE))
    say(
        f"accuracy floor: {floor_percent:.2f} %, the {FLOOR_PERCENTILE}th percentile of the "
        f"{len(found.measured)} networks, {found.measured.source.label}"
    )
    return floor_percent


def joint_settings(floor_percent: float, seed: int) -> JointSettings:
    """Six generations of six accelerators, and few networks: each one is measured."""
    return JointSettings(
        networks=ArchitectureSettings(
            min_top1_percent=floor_percent, population=8, generations=6, seed=seed
        ),
        accelerators=SearchSettings(
            population=6, generations=6, mapping_evaluations=400, finalists=2, seed=seed
        ),
    )


def find_design(
    found: Study,
    settings: JointSettings,
    run: Path,
    console: Console,
    say: Say,
    *,
    simulator: SimulatorName = SIMULATOR,
    layers: Sequence[str] | None = None,
    num_processes: int = 2,
) -> int:
    """Search for a design, write it to `run`, run layers on it, all if None; the exit status."""
    result = _search(found, settings, run, console, num_processes)
    _say_design(found, result, say)
    if result.interrupted:
        return ExitStatus.INTERRUPTED
    api.generate(run)
    report = api.simulate(
        run,
        api.SimulationSettings(simulator=simulator, seed=settings.accelerators.seed),
        layers=layers,
        num_processes=num_processes,
    )
    _say_simulated(report, run, say)
    return ExitStatus.DONE if report.ok else ExitStatus.DIFFERENT


def _search(
    found: Study, settings: JointSettings, run: Path, console: Console, num_processes: int
) -> JointResult:
    with SearchProgress(console) as progress:
        return api.search_jointly(
            found.space,
            found.oracle,
            api.find_budget(BUDGET),
            settings,
            run=api.RunSettings(folder=run, force=True, command=("python", "examples/digits.py")),
            workers=num_processes,
            progress=progress,
        )


def _say_design(found: Study, result: JointResult, say: Say) -> None:
    encodings = np.array([result.encoding], dtype=np.uint8)
    predicted = found.predictor.accuracies(encodings).top1_percent[0]
    accelerator, cost = result.accelerator, result.network_result.report
    say(
        f"{result.num_accelerators} accelerators with what {BUDGET} has, {result.num_networks} "
        f"networks; the best is a network of {len(result.network_result.network.layers)} layers on "
        f"{array_of(accelerator)} ({accelerator.num_pes} PEs)"
    )
    say(
        f"top-1 {result.top1_percent:.2f} %, {result.accuracy_source.label}; "
        f"{predicted:.2f} %, {found.predictor.source.label}"
    )
    say(f"{cost.cycles:,} cycles, {cost.energy_pj / 1e6:,.2f} uJ, as the model says")


def _say_simulated(report: api.SimulationReport, run: Path, say: Say) -> None:
    print_table(simulation_table("Predicted beside simulated", report.layers))
    for layer in report.layers:
        for line in complaints(layer):
            say(line)
    equal = sum(layer.ok for layer in report.layers)
    say(
        f"{equal} of {len(report.layers)} layers: cycles, counted accesses and output bytes equal; "
        "shapes are the network's, values are random (seeded)"
    )
    say(f"the design and its Verilog are in {run}")


# The command line --------------------------------------------------------------------------------


def speaker(console: Console) -> Say:
    """What prints a line with the CPU seconds so far before it."""
    started = cpu_seconds()
    return lambda text: console.print(f"{cpu_seconds() - started:5.0f} s CPU  {text}")


def _percent(text: str) -> float:
    value = float(text)
    if not 0 <= value <= 100:
        raise argparse.ArgumentTypeError(f"must be 0 to 100, not {text}")
    return value


def _parsed(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--epochs", type=int, default=60, help="of the supernet")
    parser.add_argument("--alone", type=int, default=16, help="networks to train alone")
    parser.add_argument("--measured", type=int, default=120, help="networks to measure")
    parser.add_argument(
        "--min-accuracy",
        type=_percent,
        help="top-1 in percent, at least; by default what a quarter of the measured networks reach",
    )
    parser.add_argument("--run", type=Path, default=Path("build/digits"), help="run folder")
    parser.add_argument("--seed", type=int, default=0)
    return parser.parse_args(arguments)


def main(arguments: Sequence[str]) -> int:
    """All of it; the exit status."""
    given = _parsed(arguments)
    require_torch("to train on the digits")
    find_simulator(SIMULATOR)  # before minutes of training
    import torch

    torch.set_num_threads(1)  # the networks are too small for more
    console = Console(highlight=False, markup=False, soft_wrap=True)
    say = speaker(console)
    found = study(
        num_epochs=given.epochs,
        num_epochs_alone=20,
        num_alone=given.alone,
        num_measured=given.measured,
        seed=given.seed,
        say=say,
    )
    settings = joint_settings(choose_floor(found, given.min_accuracy, say), given.seed)
    return find_design(found, settings, given.run, console, say)


if __name__ == "__main__":
    sys.exit(run_to_status(lambda: main(sys.argv[1:])))
