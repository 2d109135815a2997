"""`naas simulate RUN`: layers on the RTL, beside what the model said of them."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from naas_hw.cli.choices import MAX_PROCESSES, MAX_SEED
from naas_hw.cli.exits import ExitStatus
from naas_hw.cli.given import refuse_given

if TYPE_CHECKING:
    from naas_hw.sim.layer import LayerReport


def simulate(
    context: typer.Context,
    run: Annotated[Path, typer.Argument(help="A run folder, or a folder with a design's files.")],
    sim: Annotated[str, typer.Option(help="icarus or verilator.")] = "verilator",
    layers: Annotated[
        str | None, typer.Option(help="Names of layers, with commas; all if not given.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, max=MAX_SEED, help="Of the tensors.")] = 0,
    stalls: Annotated[
        bool,
        typer.Option("--stalls", help="The memory stalls at random; only bits are compared."),
    ] = False,
    stall_percent: Annotated[
        int, typer.Option(min=0, max=95, help="Cycles in which it stalls.")
    ] = 30,
    memory: Annotated[
        str,
        typer.Option(
            help="exact, any, or habits of the memory; unless exact, only bits are compared."
        ),
    ] = "exact",
    tensors: Annotated[
        str, typer.Option(help="spread, or extreme: sums wrap and outputs clamp.")
    ] = "spread",
    before: Annotated[
        str | None,
        typer.Option(help="A reset or an erroneous start before each run; as `naas verify` draws."),
    ] = None,
    waves: Annotated[bool, typer.Option("--waves", help="Keep waves in sim/waves.")] = False,
    processes: Annotated[
        int, typer.Option(min=1, max=MAX_PROCESSES, help="Simulations at a time.")
    ] = 2,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> int:
    """Run layers on the RTL and compare cycles, accesses and output bits with the model's.

    Exit status 1 if anything differs.
    """
    from naas_hw import api
    from naas_hw.cli.choices import choice_of
    from naas_hw.cli.tables import complaints, print_table, simulation_table
    from naas_hw.sim.run import Stalls
    from naas_hw.workload.arithmetic.quantise import Tensors

    if not stalls:
        refuse_given(context, ("stall_percent",), "without --stalls")
    screen = Console(stderr=True, highlight=False, soft_wrap=True)

    def tell(report: "LayerReport") -> None:
        word = "equal" if report.ok else "differs"
        screen.print(f"{report.name}: {report.simulated_cycles:,} cycles, {word}", markup=False)

    report = api.simulate(
        run,
        simulator=sim,
        layers=None if layers is None else [name.strip() for name in layers.split(",")],
        seed=seed,
        stalls=Stalls(seed=seed, percent=stall_percent) if stalls else None,
        memory=memory,
        before=before,
        tensors=choice_of(Tensors, tensors, "tensors"),
        waves=waves,
        num_processes=processes,
        progress=tell if screen.is_terminal else None,
    )
    if as_json:
        print(api.simulation_json(report), end="")
    else:
        title = f"{run.resolve().name} on {report.simulator} {report.version}"
        print_table(simulation_table(title, report.layers))
        for name in report.skipped:
            print(f"{name}: not run, it exists in the model only")
        for layer in report.layers:
            for line in complaints(layer):
                print(line)
            if layer.waves is not None:
                print(f"{layer.name}: waves in {layer.waves}")
    return ExitStatus.DONE if report.ok else ExitStatus.DIFFERENT
