"""`naas simulate RUN`: layers on the RTL, beside what the model said of them."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer
from rich.console import Console

from naas_hw.cli.choices import MAX_PROCESSES, MAX_SEED
from naas_hw.cli.exits import ExitStatus
from naas_hw.cli.given import refuse_given
from naas_hw.cli.options import DesignFolder, Json, Memory, Simulator, Stalls
from naas_hw.cli.panels import HARDWARE, MAIN, RUN
from naas_hw.core.errors import InputError
from naas_hw.system.text import printable

if TYPE_CHECKING:
    from naas_hw.api.network_simulation import NetworkSimulation
    from naas_hw.sim.layer import LayerReport
    from naas_hw.sim.network_segments import SegmentsRun

_OF_LAYERS: Final = ("layers", "waves", "memory", "tensors", "before", "netlist")
_OF_NETWORK: Final = ("inputs", "outputs", "whole_starts")


def simulate(
    context: typer.Context,
    run: DesignFolder,
    sim: Simulator = "verilator",
    network: Annotated[
        bool,
        typer.Option(
            "--network",
            help="Run the whole network with its own values; the run must come from a search "
            "of a model.",
            rich_help_panel=MAIN,
        ),
    ] = False,
    inputs: Annotated[
        list[str] | None,
        typer.Option(
            "--input",
            metavar="[NAME=]FILE.npy",
            help="With --network: the file of an input, instead of random numbers; repeat it "
            "for each input.",
            rich_help_panel=MAIN,
        ),
    ] = None,
    outputs: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER",
            help="With --network: write the outputs of the network as .npy files, if nothing "
            "differs.",
            rich_help_panel=MAIN,
        ),
    ] = None,
    whole_starts: Annotated[
        bool,
        typer.Option(
            "--whole-starts",
            help="With --network: after each layer has run on its own, also run all layers of "
            "each start as one list, and measure its cycles.",
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
    netlist: Annotated[
        bool,
        typer.Option(
            "--netlist",
            help="Synthesise a netlist for an ECP5 and run it in step with the Verilog: in "
            "every cycle, all outputs of both must be equal.",
            rich_help_panel=HARDWARE,
        ),
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
            help="Values of the tensors: spread, or extreme, whose partial sums wrap and "
            "outputs clamp.",
            rich_help_panel=HARDWARE,
        ),
    ] = "spread",
    before: Annotated[
        str | None,
        typer.Option(
            metavar="EVENT",
            help="An event before each run, a reset or a start that fails, by the name that "
            "`naas verify` prints.",
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
    naas simulate run --layers fc --netlist
    naas simulate run --network --json
    naas simulate run --network --input image.npy --outputs answers
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
        from naas_hw.api.network_simulation import simulate_run_network
        from naas_hw.cli.progress import SimulationProgress

        refuse_given(context, _OF_LAYERS, "with --network")
        if inputs and not stalls:
            refuse_given(context, ("seed",), "with --input")
        simulation = simulate_run_network(
            run,
            api.SimulationSettings(
                simulator=sim,
                seed=seed,
                stalls=RandomStalls(seed=seed, percent=stall_percent) if stalls else None,
            ),
            inputs=files_of(inputs) if inputs else None,
            outputs=outputs,
            whole_starts=whole_starts,
            num_processes=processes,
            progress=SimulationProgress(screen) if screen.is_terminal else None,
        )
        return _say_network(simulation, outputs, as_json)
    refuse_given(context, _OF_NETWORK, "without --network")

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
            netlist=netlist,
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
            print(f"{name}: not run, because this kind of layer exists in the cost model only")
        for layer in report.layers:
            for line in complaints(layer):
                print(line)
            if layer.waves is not None:
                print(f"{layer.name}: waves in {layer.waves}")
    return ExitStatus.DONE if report.ok else ExitStatus.DIFFERENT


def files_of(words: Sequence[str]) -> dict[str, str]:
    """Name of an input -> its file, out of `NAME=FILE`; a file alone is that of the only input.

    Raises
    ------
    InputError : two files for one input.
    """
    files: dict[str, str] = {}
    for word in words:
        name, equals, file = word.partition("=")
        if not equals or Path(word).exists():
            name, file = "", word
        if name in files:
            raise InputError(
                f"--input must be given once for each input, not twice for {name!r}"
                if name
                else "--input must be NAME=FILE where there are several"
            )
        files[name] = file
    return files


def _say_network(simulation: "NetworkSimulation", folder: Path | None, as_json: bool) -> int:
    """What the simulation of a whole network found; the exit status."""
    from naas_hw.api.network_simulation import network_simulation_json
    from naas_hw.cli.tables import complaints, print_table, simulation_table

    status = ExitStatus.DONE if simulation.ok else ExitStatus.DIFFERENT
    if as_json:
        print(network_simulation_json(simulation), end="")
        return status
    result = simulation.run
    title = f"{simulation.network} on {simulation.simulator}"
    print_table(simulation_table(title, result.layers))
    for layer in result.layers:
        for line in complaints(layer):
            print(line)
    host = ", ".join(result.host_operators) or "nothing"
    print(
        f"{simulation.simulated_cycles:,} cycles, {result.predicted_cycles:,} predicted; "
        f"{result.output_mismatches} wrong bytes; on the host: {host}; "
        f"{result.cycles_per_second:,.0f} cycles a second"
    )
    if simulation.starts is not None:
        for line in start_lines(simulation.starts):
            print(line)
    for name, file in simulation.outputs.items():
        print(f"output {printable(name)}: {printable(str(folder))}/{file}")
    if folder is not None and not simulation.outputs:
        print(f"no output is written to {printable(str(folder))}, because something differs")
    return status


def start_lines(starts: "SegmentsRun") -> list[str]:
    """A line for each start that ran as a whole, and what differs in it."""
    lines = []
    for number, start in enumerate(starts.segments, 1):
        count = "1 layer" if len(start.layers) == 1 else f"{len(start.layers)} layers"
        lines.append(
            f"start {number}, {count}: {start.simulated_cycles:,} cycles, "
            f"{start.predicted_cycles:,} predicted; {start.output_mismatches} wrong bytes"
        )
        lines += [f"start {number}: {what}" for what in (*start.counts, *start.messages)]
        if start.status != "done":
            lines.append(f"start {number}: {start.status}")
    return lines
