"""`naas simulate RUN`: layers on the RTL, beside what the model said of them."""

from time import monotonic
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from naas_hw.cli.choices import MAX_PROCESSES, MAX_SEED
from naas_hw.cli.exits import ExitStatus
from naas_hw.cli.given import refuse_given
from naas_hw.cli.options import DesignFolder, Json, Memory, Simulator, Stalls
from naas_hw.cli.panels import HARDWARE, MAIN, RUN

if TYPE_CHECKING:
    from pathlib import Path

    from naas_hw.api.settings import SimulationSettings
    from naas_hw.sim.layer import LayerReport


def simulate(
    context: typer.Context,
    run: DesignFolder,
    sim: Simulator = "verilator",
    network: Annotated[
        bool,
        typer.Option(
            "--network",
            help="Run the whole network with its own values, of a search of a model.",
            rich_help_panel=MAIN,
        ),
    ] = False,
    layers: Annotated[
        str | None,
        typer.Option(
            help="Names of layers, separated by commas; all by default.", rich_help_panel=MAIN
        ),
    ] = None,
    seed: Annotated[
        int,
        typer.Option(min=0, max=MAX_SEED, help="Random seed of the tensors.", rich_help_panel=MAIN),
    ] = 0,
    waves: Annotated[
        bool,
        typer.Option("--waves", help="Keep waveforms in sim/waves.", rich_help_panel=MAIN),
    ] = False,
    stalls: Stalls = False,
    stall_percent: Annotated[
        int,
        typer.Option(
            min=0,
            max=95,
            help="With --stalls: percentage of cycles in which the memory stalls.",
            rich_help_panel=HARDWARE,
        ),
    ] = 30,
    memory: Memory = "exact",
    tensors: Annotated[
        str,
        typer.Option(
            help="spread, or extreme: values whose partial sums wrap and whose outputs clamp.",
            rich_help_panel=HARDWARE,
        ),
    ] = "spread",
    before: Annotated[
        str | None,
        typer.Option(
            metavar="EVENT",
            help="A reset or a start that fails before each run, by the name that `naas verify` "
            "prints.",
            rich_help_panel=HARDWARE,
        ),
    ] = None,
    processes: Annotated[
        int,
        typer.Option(
            min=1,
            max=MAX_PROCESSES,
            help="Number of simulations at a time.",
            rich_help_panel=RUN,
        ),
    ] = 2,
    as_json: Json = False,
) -> int:
    """Run layers on the RTL and compare cycles, accesses and output bits with the model's.

    The exit status is 1 if anything differs.

    Examples
    --------
    naas simulate run
    naas simulate run --sim icarus --layers conv1,fc --json
    naas simulate run --stalls --stall-percent 50 --seed 7
    naas simulate run --network --json
    """
    from naas_hw import api
    from naas_hw.cli.choices import choice_of
    from naas_hw.cli.tables import complaints, print_table, simulation_table
    from naas_hw.sim.run import Stalls as RandomStalls
    from naas_hw.workload.arithmetic.quantise import Tensors

    if not stalls:
        refuse_given(context, ("stall_percent",), "without --stalls")
    screen = Console(stderr=True, highlight=False, soft_wrap=True)
    if network:
        refuse_given(context, ("layers", "waves", "memory", "tensors", "before"), "with --network")
        settings = api.SimulationSettings(
            simulator=sim,
            seed=seed,
            stalls=RandomStalls(seed=seed, percent=stall_percent) if stalls else None,
        )
        return _simulate_network(run, settings, screen, processes, as_json)

    def tell(report: "LayerReport") -> None:
        word = "equal" if report.ok else "differs"
        screen.print(f"{report.name}: {report.simulated_cycles:,} cycles, {word}", markup=False)

    report = api.simulate(
        run,
        api.SimulationSettings(
            simulator=sim,
            seed=seed,
            stalls=RandomStalls(seed=seed, percent=stall_percent) if stalls else None,
            memory=memory,
            before=before,
            tensors=choice_of(Tensors, tensors, "tensors"),
            waves=waves,
        ),
        layers=None if layers is None else [name.strip() for name in layers.split(",")],
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


def _simulate_network(
    run: "Path", settings: "SimulationSettings", screen: Console, processes: int, as_json: bool
) -> int:
    """The whole network of a run."""
    from naas_hw.api.network_simulation import network_simulation_json, simulate_run_network
    from naas_hw.cli.tables import complaints, print_table, simulation_table

    begin = monotonic()

    def tell(report: "LayerReport", done: int, total: int) -> None:
        word = "equal" if report.ok else "differs"
        left = (monotonic() - begin) * (total - done) / done
        screen.print(
            f"{done}/{total} {report.name}: {report.simulated_cycles:,} cycles, {word}; "
            f"about {left:.0f} s left",
            markup=False,
        )

    simulation = simulate_run_network(
        run,
        settings,
        num_processes=processes,
        progress=tell if screen.is_terminal else None,
    )
    if as_json:
        print(network_simulation_json(simulation), end="")
        return ExitStatus.DONE if simulation.ok else ExitStatus.DIFFERENT
    result = simulation.run
    title = f"{simulation.network} on {simulation.simulator}"
    print_table(simulation_table(title, result.layers))
    for layer in result.layers:
        for line in complaints(layer):
            print(line)
    host = ", ".join(result.host_operators) or "nothing"
    print(
        f"{result.simulated_cycles:,} cycles, {result.predicted_cycles:,} predicted; "
        f"{result.output_mismatches} wrong bytes; on the host: {host}; "
        f"{result.cycles_per_second:,.0f} cycles a second"
    )
    return ExitStatus.DONE if simulation.ok else ExitStatus.DIFFERENT
