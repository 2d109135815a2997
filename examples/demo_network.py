"""Train a small network, put it on hardware that was searched for it, and let the RTL classify.

    python examples/demo_network.py     what `make demo-network` runs: anew, in build/demo-network

Needs `pip install 'naas_hw[torch,digits]'`. A CNN is trained on scikit-learn's digits in seconds,
quantised to int8, an accelerator is searched for it, its Verilog is written, and test images run on
that Verilog. The exit status is 1 if an output differs from the integer reference, or cycles from
the prediction.
"""

import argparse
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from rich.console import Console

from naas_hw import api
from naas_hw.api.loaded import LoadedNetwork, load
from naas_hw.api.models import Model
from naas_hw.arch.budget import Budget
from naas_hw.cli.exits import ExitStatus, run_to_status
from naas_hw.cli.progress import SearchProgress, array_of
from naas_hw.core.torch_extra import require_torch
from naas_hw.graph.float_execution import run_floats
from naas_hw.graph.graph import Array, Graph
from naas_hw.graph.importers.torch_program import read_torch_module
from naas_hw.graph.quantise.data import CalibrationData
from naas_hw.graph.quantise.measured_accuracy import measure_accuracy
from naas_hw.graph.quantise.quantisation import quantise_measured
from naas_hw.nas.accuracy.images import LabelledImages, load_digits, split_images
from naas_hw.search import SearchSettings
from naas_hw.sim.simulators import SimulatorName

if TYPE_CHECKING:
    from torch import nn

NUM_TEST_IMAGES: Final = 100
NUM_CALIBRATION_IMAGES: Final = 64
EPOCHS: Final = 12
BUDGET: Final = Budget(
    name="small",
    max_pes=64,
    on_chip_bytes=32 * 1024,
    beat_bytes=8,
    dram_latency_cycles=20,
    num_banks=12,
    scale_depth=128,
)
SEARCH: Final = SearchSettings(generations=4, mapping_evaluations=300)


def make_network() -> "nn.Module":
    """Convolutions with a residual between them, a pool, a linear layer."""
    from torch import nn

    class Residual(nn.Module):
        def __init__(self, channels: int) -> None:
            super().__init__()
            self.first = nn.Conv2d(channels, channels, 3, padding=1)
            self.second = nn.Conv2d(channels, channels, 3, padding=1)

        def forward(self, x: Any) -> Any:
            return (x + self.second(self.first(x).relu())).relu()

    return nn.Sequential(
        nn.Conv2d(1, 16, 3, padding=1),
        nn.BatchNorm2d(16),
        nn.ReLU(),
        Residual(16),
        nn.MaxPool2d(2),
        nn.Conv2d(16, 32, 3, padding=1),
        nn.Hardswish(),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(32, 10),
    )


def train(images: LabelledImages, seed: int) -> "nn.Module":
    """The network, trained on the images, in evaluation mode."""
    import torch
    from torch import nn

    torch.manual_seed(seed)
    network = make_network()
    values = torch.from_numpy(np.ascontiguousarray(images.images))
    labels = torch.from_numpy(np.ascontiguousarray(images.labels))
    optimiser = torch.optim.AdamW(network.parameters(), lr=3e-3)
    loss = nn.CrossEntropyLoss()
    for _ in range(EPOCHS):
        for batch in torch.randperm(len(values)).split(64):
            optimiser.zero_grad()
            loss(network(values[batch]), labels[batch]).backward()
            optimiser.step()
    return network.eval()


def run_demo(run: Path, console: Console, *, seed: int, simulator: SimulatorName) -> int:
    """All of it; the exit status."""
    console.rule("1. train, and quantise")
    model, graph, shown = quantised_digits(seed)
    console.print(
        f"{len(graph.operators)} operators of the float model; {len(model.quantised.operators)} "
        f"in integers, calibrated on {NUM_CALIBRATION_IMAGES} images."
    )
    console.rule("2. search, and write Verilog")
    _search(model, run, console, seed)
    console.rule(f"3. {len(shown.images)} test images on the RTL, {simulator}")
    return say_result(load(run, simulator=simulator), _floats(graph, shown), shown, console)


def quantised_digits(seed: int) -> tuple[Model, Graph, LabelledImages]:
    """A network that was trained on digits, in int8 and in float, and images that are new to it."""
    require_torch("to train a network")
    digits = split_images(load_digits(), np.random.default_rng(seed))
    training, shown = digits.train, digits.held_out.take(np.arange(NUM_TEST_IMAGES))
    graph = read_torch_module(
        train(training, seed), input_shapes={"x": (1, *shown.images.shape[1:])}, name="digits"
    )
    return _quantised(graph, training, shown), graph, shown


def _quantised(graph: Graph, training: LabelledImages, shown: LabelledImages) -> Model:
    """The model in int8, and its accuracy on the images that the RTL is going to see."""
    (name,) = graph.inputs
    images = [{name: image[None]} for image in training.images[:NUM_CALIBRATION_IMAGES]]
    done = quantise_measured(graph, images)
    labelled = CalibrationData(
        images=[{name: image[None]} for image in shown.images], labels=shown.labels
    )
    measured = measure_accuracy(
        done.graph, labelled, name="digits", real=done.real, num_calibrating=0
    )
    return Model(graph=done.graph, calibration="training images", accuracy=measured)


def _search(model: Model, run: Path, console: Console, seed: int) -> None:
    network = model.network(BUDGET.beat_bytes)
    kept = api.RunSettings(
        folder=run,
        force=True,
        command=("python", "examples/demo_network.py"),
        files=model.files,
    )
    with SearchProgress(console) as progress:
        settings = replace(SEARCH, seed=seed)
        found = api.search([network], BUDGET, settings, run=kept, progress=progress)
    options = ", ".join(sorted(found.accelerator.options)) or "none"
    console.print(
        f"{array_of(found.accelerator)}, optional hardware: {options}; "
        f"{found.networks[0].report.cycles:,} cycles an image, of {len(network.layers)} layers."
    )
    api.generate(run, program=False)


def _floats(graph: Graph, shown: LabelledImages) -> Array:
    """What the float model makes of the images."""
    (given,) = graph.inputs
    return np.concatenate(
        [run_floats(graph, {given: image[None]})[graph.outputs[0]] for image in shown.images]
    )


def say_result(
    loaded: LoadedNetwork, floats: Array, shown: LabelledImages, console: Console
) -> int:
    """Run the images, compare, and say how accurate the answers are; the exit status."""
    result = loaded(shown.images)
    reference = loaded.reference(shown.images)
    (name,) = result.outputs
    answers = result.outputs[name]
    wrong = int(np.count_nonzero((answers != reference[name]).any(axis=1)))
    differing = sum(cycles != result.predicted_cycles for cycles in result.cycles)
    console.print(
        f"{len(answers)} images, {result.predicted_cycles:,} cycles each as predicted"
        f"{'' if not differing else f', but for {differing}'}; {wrong} outputs differ from the "
        f"integer reference."
    )
    console.print(f"The run is in {loaded.folder}.")
    console.print(f"accuracy of the float model: {_accuracy(floats, shown):.1%}")
    console.print(f"accuracy of the RTL: {_accuracy(answers, shown):.1%}")
    return ExitStatus.DIFFERENT if wrong or differing else ExitStatus.DONE


def _accuracy(outputs: Array, shown: LabelledImages) -> float:
    return float(np.mean(outputs.reshape(len(outputs), -1).argmax(axis=1) == shown.labels))


def main(arguments: Sequence[str]) -> int:
    """The command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--run", type=Path, default=Path("build/demo-network"), help="run folder")
    parser.add_argument("--seed", type=int, default=0, help="random seed")
    given = parser.parse_args(arguments)
    console = Console(highlight=False, markup=False)
    return run_demo(given.run, console, seed=given.seed, simulator="verilator")


if __name__ == "__main__":
    sys.exit(run_to_status(lambda: main(sys.argv[1:])))
