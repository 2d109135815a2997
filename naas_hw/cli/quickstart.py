"""`naas quickstart`: search, Verilog and simulation of a small layer in one command."""

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer
from rich.console import Console

from naas_hw.cli.exits import ExitStatus
from naas_hw.cli.options import Force, Json, Seed
from naas_hw.cli.panels import MAIN
from naas_hw.cli.progress import array_of
from naas_hw.cli.steps import StepLines, step_lines
from naas_hw.system.text import printable

if TYPE_CHECKING:
    from rich.table import Table

    from naas_hw.api.quickstart import Quickstart, QuickstartStep
    from naas_hw.sim.layer import LayerReport

_SENTENCES: Final = {
    "compile": "Compile the search for this machine, unless it is compiled already.",
    "search": "Search for an accelerator of at most 16 PEs for a 3x3 convolution, and its mapping.",
    "generate": "Write the accelerator's Verilog, a test of it and a program of the layer.",
    "simulate": "Build a simulator from the Verilog and run the layer on it.",
}

_NAMES: Final = {"DRAM": "DRAM beats", "L2": "global buffer words"}


def quickstart(
    run: Annotated[
        Path,
        typer.Option(
            "--output",
            "-o",
            help="The run folder that the command makes.",
            rich_help_panel=MAIN,
        ),
    ] = Path("quickstart"),
    sim: Annotated[
        str | None,
        typer.Option(
            "--sim",
            help="The simulator: icarus or verilator; by default Icarus where it is installed, "
            "which builds faster.",
            rich_help_panel=MAIN,
        ),
    ] = None,
    seed: Seed = 0,
    force: Force = False,
    as_json: Json = False,
) -> int:
    """Search for an accelerator for a small layer, write its Verilog, and simulate the layer on it.

    It compares the cycles, accesses and output bytes of the simulation with those that the model
    predicted. The exit status is 1 if anything differs.

    Examples
    --------
    naas quickstart
    naas quickstart --sim verilator -o first
    naas quickstart --force --json
    """
    from naas_hw import api
    from naas_hw.api.quickstart import quickstart as run_quickstart

    screen = Console(stderr=as_json, highlight=False, soft_wrap=True)
    with step_lines(screen, num_steps=len(_SENTENCES)) as lines:
        made = run_quickstart(
            api.RunSettings(folder=run, force=force, command=("naas", *sys.argv[1:])),
            simulator=sim,
            seed=seed,
            progress=_StepProgress(lines),
        )
    if as_json:
        print(json.dumps(_figures(made, lines.seconds), indent=2))
    else:
        _print(made)
    return ExitStatus.DONE if made.ok else ExitStatus.DIFFERENT


class _StepProgress:
    """Prints the steps of the quickstart; parts of a step are shown while they last."""

    def __init__(self, lines: StepLines) -> None:
        self._lines, self._step = lines, ""

    def __call__(self, step: "QuickstartStep", detail: str) -> None:
        """Begin a step, or go on with a part of it."""
        if step.value != self._step:
            self._step = step.value
            number = list(_SENTENCES).index(step.value) + 1
            self._lines.begin(step.value, number, _SENTENCES[step.value])
        if detail:
            self._lines.part(detail)


def _figures(made: "Quickstart", seconds: dict[str, float]) -> dict[str, Any]:
    """All of it, for JSON."""
    (layer,) = made.simulation.layers
    return {
        "ok": made.ok,
        "folder": str(made.folder),
        "array": array_of(made.search.accelerator),
        "candidates": made.search.num_candidates,
        "modules": made.generated.num_modules,
        "simulator": f"{made.simulation.simulator} {made.simulation.version}",
        "layer": layer.name,
        "macs": layer.num_macs,
        "predicted_cycles": layer.predicted_cycles,
        "simulated_cycles": layer.simulated_cycles,
        "utilization": layer.utilization,
        "count_difference": layer.count_difference,
        "output_mismatches": layer.output_mismatches,
        "seconds": seconds,
    }


def _print(made: "Quickstart") -> None:
    from naas_hw.cli.tables import complaints, print_table

    (layer,) = made.simulation.layers
    accelerator = made.search.accelerator
    print(
        f"\nThe best of {made.search.num_candidates} accelerators: array {array_of(accelerator)} "
        f"({accelerator.num_pes} PEs), {accelerator.global_buffer_bytes:,} bytes of global buffer."
    )
    print(
        f"The layer has {layer.num_macs:,} multiply-accumulates and uses "
        f"{layer.utilization:.1%} of the PEs' time.\n"
    )
    print_table(_comparison(layer))
    for line in complaints(layer):
        print(line)
    print("\n".join(("", *_files(made), "")))
    print(_verdict(layer))


def _files(made: "Quickstart") -> list[str]:
    """Where what is."""
    folder = Path(printable(str(made.folder)))
    return [
        f"{folder / 'rtl'}: Verilog, {made.generated.num_modules} modules; README.md says how to "
        "use it",
        f"{folder / 'program'}: the layer as the accelerator reads it",
        f"{folder / 'sim'}: what was predicted, and what was simulated",
        f"{folder / 'result.json'}: the result of the search",
        f"naas report {folder} writes a report of the run with pictures.",
    ]


def _comparison(layer: "LayerReport") -> "Table":
    """Cycles and accesses, a line each: narrow enough for any terminal."""
    from naas_hw.cli.tables import plain_table
    from naas_hw.report.level_counts import LEVELS, level_counts, number

    table = plain_table(layer.name, ["", "predicted", "counted"])
    predicted, counted = level_counts(layer.predicted), level_counts(layer.counted)
    table.add_row("cycles", number(layer.predicted_cycles), number(layer.simulated_cycles))
    for level in LEVELS:
        table.add_row(_NAMES.get(level, level), number(predicted[level]), number(counted[level]))
    table.add_row("wrong output bytes", "0", number(layer.output_mismatches))
    return table


def _verdict(layer: "LayerReport") -> str:
    """The last line."""
    if layer.ok:
        return (
            f"PASS: {layer.simulated_cycles:,} cycles, all access counts and all output bytes are "
            "as predicted."
        )
    return (
        f"FAIL: {layer.simulated_cycles:,} cycles, {layer.predicted_cycles:,} predicted; counts "
        f"differ by {layer.count_difference}; {layer.output_mismatches} output bytes are wrong."
    )
