"""A SoC in simulation whose CPU runs a network on an accelerator that was searched for it.

    python examples/demo_soc.py     what `make demo-soc` runs: anew, in build/demo-soc

The network is a quantised model that --model names, else the keyword spotting model of MLPerf Tiny
if it lies in ../shared/models, else a small one that is trained on scikit-learn's digits. An
accelerator is searched for it, and a LiteX SoC is simulated with Verilator: VexRiscv, SDRAM, serial
line and the accelerator. Its firmware loads the network and an input, starts the accelerator, waits
for the interrupt and prints the answer. Two SoCs run, with and without a data cache. What each of
them prints is shown beside what is expected. The exit status is 1 if an answer or a count of
accesses is not as expected.

Needs `pip install 'naas_hw[litex]'`, and of Debian gcc-riscv64-unknown-elf, libevent-dev and
libjson-c-dev; for the digits also `naas_hw[torch,digits]`.
"""

import argparse
import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from os import environ
from pathlib import Path
from typing import Any, Final

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
SAYS: Final = "naas: "
"""How the lines of the firmware begin."""
MOST_DIGITS: Final = 64
"""Hexadecimal digits of an output that are shown."""

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


def simulate(soc: Path, variant: str) -> list[str]:
    """Build and run the simulation with a variant of the CPU; the lines that it prints."""
    environment = find_simulator("verilator").environment(environ)
    command = [sys.executable, "soc_sim.py", "--cpu-variant", variant]
    command += ["--output", f"build-{variant}"]
    log = soc / f"{variant}.log"
    with log.open("w") as file:
        subprocess.run(
            command, cwd=soc, env=environment, stdout=file, stderr=subprocess.STDOUT, check=False
        )
    return [line.strip() for line in log.read_text(errors="replace").splitlines()]


def shortened(digits: str) -> str:
    """Hexadecimal digits, with the number of bytes in place of those beyond `MOST_DIGITS`."""
    if len(digits) <= MOST_DIGITS:
        return digits
    return f"{digits[:MOST_DIGITS]}... ({len(digits) // 2} bytes)"


def printed_and_expected(
    lines: Sequence[str], expected: Mapping[str, Any]
) -> list[tuple[str, str, str]]:
    """Outputs and cycles: the name, what the firmware printed, and what was expected.

    Cycles are those of the model with the memory of the search. They differ from those of the SoC,
    which has an SDRAM.
    """
    said = dict(
        line.removeprefix(SAYS).rsplit(" ", 1)
        for line in lines
        if line.startswith((f"{SAYS}output ", f"{SAYS}cycles "))
    )
    wanted = {f"output {i}": digits for i, digits in enumerate(expected["outputs"])}
    rows = [
        (name, shortened(said.get(name, "nothing")), shortened(digits))
        for name, digits in wanted.items()
    ]
    cycles = f"{expected['cycles']} by the model, with the memory of the search"
    return [*rows, ("cycles", said.get("cycles", "nothing"), cycles)]


def show(soc: Path, lines: Sequence[str], console: Console) -> None:
    """Print what the firmware printed over the serial line, beside what was expected."""
    expected = json.loads((soc / "expected.json").read_text(encoding="utf-8"))
    for name, printed, wanted in printed_and_expected(lines, expected):
        console.print(f"  {SAYS}{name} {printed}", soft_wrap=True)
        console.print(f"  {'expected':>{len(SAYS + name)}} {wanted}", soft_wrap=True)


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
        lines = simulate(soc, variant)
        last = lines[-1] if lines else "nothing was printed"
        console.print(f"VexRiscv {variant}, over the serial line:")
        show(soc, lines, console)
        console.print(f"VexRiscv {variant}: {last}", soft_wrap=True)
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
