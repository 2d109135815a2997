"""`naas map NETWORK --accelerator FILE -o RUN`: mappings for an accelerator that is given."""

import json
import sys
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from naas_hw.cli.choices import MAX_COUNT, MAX_LEGAL, MAX_SEED
from naas_hw.cli.executors import Dask, Processes, without_place, workers
from naas_hw.cli.models import Host, InputShape, Resolution, shape_of

if TYPE_CHECKING:
    from naas_hw.search import MappingResult
    from naas_hw.workload.layer import Layer


def map_(
    network: Annotated[
        str,
        typer.Argument(
            help="A built-in name, a .yaml or .pt2 file, or module:callable (this runs its code)."
        ),
    ],
    accelerator: Annotated[str, typer.Option(help="A preset's name, or a YAML file.")],
    run: Annotated[Path, typer.Option("--output", "-o", help="The run folder to be made.")],
    objective: Annotated[str, typer.Option(help="edp, latency or energy.")] = "edp",
    evaluations: Annotated[
        int | None,
        typer.Option(
            min=1, max=MAX_COUNT, help="Mappings tried for each layer; 20,000 unless told."
        ),
    ] = None,
    proof: Annotated[
        int | None,
        typer.Option(
            min=0,
            max=MAX_COUNT,
            help="Mappings and tiles that branch and bound looks at afterwards, a layer; 0: it "
            "does not run; 1,000,000 unless told.",
        ),
    ] = None,
    min_legal: Annotated[
        int,
        typer.Option(
            min=1,
            max=MAX_LEGAL,
            help="Distinct legal ones among them at least, where there are so many.",
        ),
    ] = 60,
    optimiser: Annotated[str, typer.Option(help="evolve, cma or random.")] = "evolve",
    energy_table: Annotated[
        str, typer.Option(help="A built-in energy table, or a YAML file.")
    ] = "default",
    resolution: Resolution = None,
    input_shape: InputShape = None,
    host: Host = None,
    seed: Annotated[
        int, typer.Option(min=0, max=MAX_SEED, help="Of everything random: same seed, same result.")
    ] = 0,
    processes: Processes = None,
    dask: Dask = None,
    force: Annotated[bool, typer.Option("--force", help="Start a run anew.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Search a mapping of each layer of a network for a given accelerator."""
    from naas_hw import api
    from naas_hw.arch.files import find_energy_table
    from naas_hw.cli.choices import choice_of
    from naas_hw.cli.tables import cost_table, network_notes, print_table
    from naas_hw.search import MappingSettings, Objective, Optimiser
    from naas_hw.search.mapping.network_search import (
        EVALUATIONS,
        PROOF_EVALUATIONS,
        distinct_layers,
    )

    settings = MappingSettings(
        objective=choice_of(Objective, objective, "objective"),
        table=find_energy_table(energy_table),
        evaluations=EVALUATIONS if evaluations is None else evaluations,
        proof_evaluations=PROOF_EVALUATIONS if proof is None else proof,
        min_legal=min_legal,
        optimiser=choice_of(Optimiser, optimiser, "optimiser"),
        seed=seed,
    )
    screen = Console(stderr=True, highlight=False, soft_wrap=True)

    given, hardware = (
        api.find_network(
            network, resolution=resolution, input_shape=shape_of(input_shape), host=host or ()
        ),
        api.find_accelerator(accelerator),
    )
    num_layers = len(distinct_layers([given]))
    numbers = count(1)

    def tell(layer: "Layer", found: "MappingResult") -> None:
        screen.print(
            f"{next(numbers)}/{num_layers} {layer.name}: {found.best.cycles:,} cycles, "
            f"{found.num_legal} legal mappings{_proven(found.proven_gap(settings.objective))}",
            markup=False,
        )

    with workers(processes, dask) as where:
        result = api.map(
            given,
            hardware,
            settings,
            run=run,
            force=force,
            **where,
            progress=tell if screen.is_terminal else None,
            command=("naas", *without_place(sys.argv[1:])),
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
    for note in network_notes(given):
        print(note)


def _proven(gap: float | None) -> str:
    """How good a mapping is at least, in words."""
    return "" if gap is None else f", at most {gap:.1%} above the least"
