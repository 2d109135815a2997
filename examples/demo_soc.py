"""A SoC in simulation whose CPU runs a network on an accelerator that was searched for it.

    python examples/demo_soc.py     what `make demo-soc` runs: anew, in build/demo-soc

The network is a quantised model that --model names, else the keyword spotting model of MLPerf Tiny
if it lies in ../shared/models, else a small one that is trained on scikit-learn's digits. An
accelerator is searched for it, and a LiteX SoC is simulated with Verilator: VexRiscv, SDRAM, serial
line and the accelerator. Its firmware loads the network and an input, starts the accelerator, waits
for the interrupt and prints the answer. Two SoCs run, with and without a data cache. The exit
status is 1 if an answer or a count of accesses is not as expected.

Needs `pip install 'naas_hw[litex]'`, and of Debian gcc-riscv64-unknown-elf, libevent-dev and
libjson-c-dev; for the digits also `naas_hw[torch,digits]`.
"""

import argparse
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from os import environ
from pathlib import Path
from typing import Final

import numpy as np
from demo_network import quantised_digits
from numpy.typing import NDArray
from rich.console import Console

from naas_hw import api
from naas_hw.api.litex import export_litex
from naas_hw.api.models import Model, find_model
from naas_hw.cli.exits import ExitStatus, run_to_status
from naas_hw.cli.progress import SearchProgress, array_of
from naas_hw.search import SearchSettings
from naas_hw.sim.simulators import find_simulator
from naas_hw.system.tools import require_tool

KEYWORDS: Final = Path(__file__).parents[2] / "shared" / "models" / "kws_ref_model.tflite"
BUDGET: Final = Path(__file__).parent / "soc_budget.yaml"
BANKS_WITH_RESIDUALS: Final = 8
"""Two buffers each of weights, inputs, outputs and residuals."""
SEARCH: Final = SearchSettings(generations=2, population=8, mapping_evaluations=300)
CPUS: Final = ("lite", "standard")
"""Variants of VexRiscv: the second has a data cache; both have one for instructions."""

Inputs = Mapping[str, NDArray[np.float32]]


def choose_model(file: Path | None, seed: int) -> tuple[Model, Inputs | None]:
    """The model of a file, or digits with an image; None: seeded numbers are the input."""
    file = file or (KEYWORDS if KEYWORDS.is_file() else None)
    if file is not None:
        return find_model(file), None
    model, _, shown = quantised_digits(seed)
    (name,) = model.quantised.inputs
    return model, {name: shown.images[:1]}


def search(model: Model, run: Path, console: Console, seed: int) -> None:
    """Put an accelerator for the model into a run folder."""
    budget = api.find_budget(str(BUDGET))
    network = model.network(budget.beat_bytes)
    if any(layer.residual for layer in network.layers):
        budget = budget.model_copy(update={"num_banks": BANKS_WITH_RESIDUALS})
    kept = api.RunSettings(
        folder=run, force=True, command=("python", "examples/demo_soc.py"), files=model.files
    )
    with SearchProgress(console) as progress:
        settings = replace(SEARCH, seed=seed)
        found = api.search([network], budget, settings, run=kept, progress=progress)
    console.print(
        f"{network.name}: {array_of(found.accelerator)}, "
        f"{found.networks[0].report.cycles:,} cycles by the model"
    )


def simulate(soc: Path, variant: str) -> str:
    """Build and run the simulation with a variant of the CPU; its last line."""
    environment = find_simulator("verilator").environment(environ)
    command = [sys.executable, "soc_sim.py", "--cpu-variant", variant]
    command += ["--output", f"build-{variant}"]
    log = soc / f"{variant}.log"
    with log.open("w") as file:
        subprocess.run(
            command, cwd=soc, env=environment, stdout=file, stderr=subprocess.STDOUT, check=False
        )
    lines = log.read_text(errors="replace").splitlines()
    return lines[-1] if lines else "nothing was printed"


def run_demo(run: Path, console: Console, *, file: Path | None, seed: int) -> int:
    """All of it; the exit status."""
    for tool in ("litex", "riscv64-unknown-elf-gcc", "event2/event.h", "json-c/json.h"):
        require_tool(tool)
    console.rule("1. search an accelerator for the network")
    model, inputs = choose_model(file, seed)
    search(model, run, console, seed)
    soc = run / "soc"
    export_litex(run, inputs=inputs, seed=seed).write(soc)
    console.rule("2. simulate a SoC with it, by LiteX and Verilator")
    failed = []
    for variant in CPUS:
        last = simulate(soc, variant)
        console.print(f"VexRiscv {variant}: {last}")
        failed += [] if last.startswith("PASS") else [variant]
    if failed:
        console.print(f"FAIL: see {soc}/{failed[0]}.log")
        return ExitStatus.DIFFERENT
    console.print(f"PASS: {model.graph.name} on {len(CPUS)} SoCs, answers as the integer reference")
    return ExitStatus.DONE


def main(arguments: Sequence[str]) -> int:
    """The command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--run", type=Path, default=Path("build/demo-soc"), help="run folder")
    parser.add_argument("--model", type=Path, help="a model with its values")
    parser.add_argument("--seed", type=int, default=0, help="random seed")
    given = parser.parse_args(arguments)
    console = Console(highlight=False, markup=False)
    return run_demo(given.run, console, file=given.model, seed=given.seed)


if __name__ == "__main__":
    sys.exit(run_to_status(lambda: main(sys.argv[1:])))
