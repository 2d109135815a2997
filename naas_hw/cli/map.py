"""`naas map NETWORK --accelerator FILE -o RUN`: mappings for an accelerator that is given."""

import json
import sys
from itertools import count
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from naas_hw.cli.choices import MAX_COUNT
from naas_hw.cli.executors import Dask, Processes, without_place, workers
from naas_hw.cli.models import (
    Calibration,
    Host,
    InputShape,
    LayersOnly,
    NetworkSource,
    Resolution,
    shape_of,
)
from naas_hw.cli.options import Force, Json, MinLegal, NewRun, ObjectiveName, Seed, Ties
from naas_hw.cli.panels import EFFORT, MAIN, NETWORK
from naas_hw.core.errors import InputError

if TYPE_CHECKING:
    from naas_hw.search import MappingResult
    from naas_hw.search.mapping.robust import DramTiming
    from naas_hw.workload.layer import Layer


def map_(
    network: NetworkSource,
    accelerator: Annotated[
        str,
        typer.Option(
            help="The accelerator: a preset's name, or a YAML file.", rich_help_panel=MAIN
        ),
    ],
    run: NewRun,
    objective: ObjectiveName = "edp",
    seed: Seed = 0,
    evaluations: Annotated[
        int | None,
        typer.Option(
            min=1,
            max=MAX_COUNT,
            help="Number of mappings tried for each layer; 20,000 by default.",
            rich_help_panel=EFFORT,
        ),
    ] = None,
    proof: Annotated[
        int | None,
        typer.Option(
            min=0,
            max=MAX_COUNT,
            help="Number of mappings and tiles that branch and bound then visits for each layer; "
            "1,000,000 by default, and with 0 it does not run.",
            rich_help_panel=EFFORT,
        ),
    ] = None,
    min_legal: MinLegal = 60,
    optimiser: Annotated[
        str,
        typer.Option(help="Optimiser of mappings: evolve, cma or random.", rich_help_panel=EFFORT),
    ] = "evolve",
    ties: Ties = 0.01,
    robust: Annotated[
        str | None,
        typer.Option(
            metavar="LATENCY:PERIOD,...",
            help="Other external memories, each as its latency in cycles and its cycles per "
            "beat: choose the mappings with the least mean objective over these and the "
            "accelerator's own.",
            rich_help_panel=EFFORT,
        ),
    ] = None,
    resolution: Resolution = None,
    input_shape: InputShape = None,
    host: Host = None,
    layers_only: LayersOnly = False,
    data: Calibration = None,
    energy_table: Annotated[
        str,
        typer.Option(help="A built-in energy table, or a YAML file.", rich_help_panel=NETWORK),
    ] = "default",
    processes: Processes = None,
    dask: Dask = None,
    force: Force = False,
    as_json: Json = False,
) -> None:
    """Search for a mapping of each layer of a network for a given accelerator.

    Branch and bound then proves how far each mapping can be from the best one.

    Examples
    --------
    naas map resnet50 --accelerator nvdla-256 -o run
    naas map resnet50 --accelerator mine.yaml --objective latency -o run
    naas map mobilenet_v2 --accelerator eyeriss --proof 0 -o quick --json
    naas map vgg16 --accelerator eyeriss --robust 100:1,50:2 -o run
    """
    from naas_hw import api
    from naas_hw.arch.files import find_energy_table
    from naas_hw.cli.choices import choice_of
    from naas_hw.cli.tables import cost_table, network_notes, print_table
    from naas_hw.cost.evaluate import evaluate_network
    from naas_hw.search import MappingSettings, Objective, Optimiser
    from naas_hw.search.mapping.network_search import (
        EVALUATIONS,
        PROOF_EVALUATIONS,
    )
    from naas_hw.search.mapping.robust import with_memory

    settings = MappingSettings(
        objective=choice_of(Objective, objective, "objective"),
        table=find_energy_table(energy_table),
        evaluations=EVALUATIONS if evaluations is None else evaluations,
        proof_evaluations=PROOF_EVALUATIONS if proof is None else proof,
        min_legal=min_legal,
        ties=ties,
        optimiser=choice_of(Optimiser, optimiser, "optimiser"),
        seed=seed,
    )
    memories = _memories(robust)
    screen = Console(stderr=True, highlight=False, soft_wrap=True)

    hardware = api.find_accelerator(accelerator)
    request = api.NetworkRequest(
        sources=(network,),
        resolution=resolution,
        input_shape=shape_of(input_shape),
        host=tuple(host or ()),
        layers_only=layers_only,
        data=data,
    )
    wanted = request.resolved(hardware.beat_bytes, hardware.options)
    (given,) = wanted.networks
    for note in wanted.notes:
        screen.print(note, markup=False)
    num_layers = len(given.distinct_layers)
    numbers = count(1)

    def tell(layer: "Layer", result: "MappingResult") -> None:
        screen.print(
            f"{next(numbers)}/{num_layers} {layer.name}: {result.best.cycles:,} cycles, "
            f"{result.num_legal} legal mappings{_proven(result.proven_gap(settings.objective))}",
            markup=False,
        )

    kept = api.RunSettings(
        folder=run,
        force=force,
        command=("naas", *without_place(sys.argv[1:])),
        files=wanted.files,
    )
    with workers(processes, dask, kept) as given_workers:
        result = api.map(
            given,
            hardware,
            settings,
            run=kept,
            memories=memories,
            workers=given_workers,
            progress=tell if screen.is_terminal else None,
        )
    if as_json:
        print(json.dumps(api.network_figures(result, hardware, settings.objective), indent=2))
        return
    title = f"{given.name} on {hardware.name}, energy table {settings.table.name}"
    table = cost_table(
        title,
        hardware,
        given,
        result.mappings,
        result.report,
        objective=settings.objective,
        bounds=result.proven_bounds,
    )
    print_table(table)
    for memory in memories:
        other = with_memory(hardware, memory)
        cycles = evaluate_network(other, given, result.mappings, settings.table).cycles
        print(
            f"with DRAM latency {memory.latency_cycles} and beat period "
            f"{memory.beat_period_cycles}: {cycles:,} cycles"
        )
    for note in network_notes(given):
        print(note)


def _memories(text: str | None) -> "tuple[DramTiming, ...]":
    """Memories as they are typed: `100:1,50:2`."""
    from naas_hw.search.mapping.robust import DramTiming

    pairs = [pair.split(":") for pair in text.split(",")] if text is not None else []
    if not all(len(pair) == 2 and all(map(str.isdecimal, pair)) for pair in pairs):
        raise InputError(
            f"--robust must be like 100:1,50:2 (latency and cycles per beat), not {text!r}"
        )
    return tuple(DramTiming(int(latency), int(period)) for latency, period in pairs)


def _proven(gap: float | None) -> str:
    """How good a mapping is at least, in words."""
    return "" if gap is None else f", at most {gap:.1%} above the least"
