"""`naas search NETWORK... --budget B -o RUN`: an accelerator for networks, with their mappings."""

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from naas_hw.cli.choices import (
    MAX_COUNT,
    MAX_GENERATIONS,
    MAX_LEGAL,
    MAX_POPULATION,
    MAX_SEED,
)
from naas_hw.cli.executors import Dask, Processes, without_place, workers
from naas_hw.cli.exits import ExitStatus
from naas_hw.cli.given import refuse_given
from naas_hw.cli.models import Host, InputShape, Resolution, shape_of
from naas_hw.cli.progress import SearchProgress, array_of
from naas_hw.cli.search_joint import JointWords, run_joint
from naas_hw.core.errors import InputError
from naas_hw.system.text import printable

if TYPE_CHECKING:
    from naas_hw.search import SearchResult


def search(
    context: typer.Context,
    networks: Annotated[
        list[str] | None,
        typer.Argument(
            help="Built-in names, .yaml or .pt2 files, or module:callable (this runs its code)."
        ),
    ] = None,
    *,
    budget: Annotated[str, typer.Option(help="A preset's name, or a YAML file.")],
    run: Annotated[Path, typer.Option("--output", "-o", help="The run folder to be made.")],
    objective: Annotated[str, typer.Option(help="edp, latency or energy.")] = "edp",
    joint: Annotated[
        str | None,
        typer.Option(
            metavar="SPACE",
            help="Instead of networks, a space from which one is searched too: a built-in name or "
            "module:object (this runs its code).",
        ),
    ] = None,
    min_accuracy: Annotated[
        float | None, typer.Option(help="With --joint: top-1 in percent, at least.")
    ] = None,
    accuracy: Annotated[
        str,
        typer.Option(
            help="With --joint: imagenet-estimate (optimistic; ofa-resnet50 only) or "
            "module:object (this runs its code)."
        ),
    ] = "imagenet-estimate",
    joint_mode: Annotated[
        str, typer.Option(help="With --joint: joint, network-only or one-after-the-other.")
    ] = "joint",
    joint_front: Annotated[
        bool,
        typer.Option(
            "--front",
            help="With --joint: breed networks along the whole front of accuracy and objective "
            "above the floor, not toward the best objective only.",
        ),
    ] = False,
    generations: Annotated[
        int | None,
        typer.Option(
            min=1, max=MAX_GENERATIONS, help="Of accelerators; by default 40, with --joint 24."
        ),
    ] = None,
    population: Annotated[
        int, typer.Option(min=2, max=MAX_POPULATION, help="Accelerators of a generation.")
    ] = 8,
    screening: Annotated[
        int,
        typer.Option(
            min=1,
            max=MAX_POPULATION,
            help="How many times as many are tried out first, with an eighth of the evaluations.",
        ),
    ] = 1,
    evaluations: Annotated[
        int | None,
        typer.Option(
            min=1,
            max=MAX_COUNT,
            help="Mappings tried for each layer of each accelerator; by default 4000, with "
            "--joint 400.",
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
    optimiser: Annotated[
        str, typer.Option(help="Of accelerators: climb, cma, genetic, differential or random.")
    ] = "climb",
    encoding: Annotated[
        str,
        typer.Option(
            help="Of parallel dims, and of loop orders where --mapping-optimiser is cma or random: "
            "importance or index."
        ),
    ] = "importance",
    sizing_only: Annotated[
        str | None,
        typer.Option(help="Search sizes only, with the axes and dataflow of this preset."),
    ] = None,
    mapping_optimiser: Annotated[
        str, typer.Option(help="Of mappings: evolve (which knows no --encoding), cma or random.")
    ] = "evolve",
    energy_table: Annotated[
        str | None,
        typer.Option(help="Built-in energy table or a YAML file; by default the budget's."),
    ] = None,
    resolution: Resolution = None,
    input_shape: InputShape = None,
    host: Host = None,
    seed: Annotated[
        int, typer.Option(min=0, max=MAX_SEED, help="Of everything random: same seed, same result.")
    ] = 0,
    processes: Processes = None,
    dask: Dask = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with a run.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Start a run anew.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> int:
    """Search an accelerator for networks within a budget, and mappings of all their layers.

    Ctrl-C ends the search with the best so far, which is kept; --resume goes on.
    """
    from naas_hw import api
    from naas_hw.arch.files import find_energy_table
    from naas_hw.arch.presets import find_preset
    from naas_hw.cli.choices import choice_of
    from naas_hw.search import Encoding, Objective, Optimiser, OuterOptimiser, SearchSettings

    settings = SearchSettings(
        objective=choice_of(Objective, objective, "objective"),
        table=None if energy_table is None else find_energy_table(energy_table),
        population=population,
        generations=(24 if joint else 40) if generations is None else generations,
        mapping_evaluations=(400 if joint else 4000) if evaluations is None else evaluations,
        min_legal=min_legal,
        seed=seed,
        screening=screening,
        encoding=choice_of(Encoding, encoding, "encoding"),
        optimiser=choice_of(OuterOptimiser, optimiser, "optimiser"),
        mapping_optimiser=choice_of(Optimiser, mapping_optimiser, "mapping optimiser"),
    )
    if sizing_only is not None:
        settings = settings.sizing_only(find_preset(sizing_only))
    if joint is not None:
        if networks:
            raise InputError("networks must not be given with --joint, which searches one")
        refuse_given(
            context, ("resolution", "input_shape", "host"), "with --joint, whose space has its own"
        )
        wanted = JointWords(
            space=joint,
            min_accuracy=min_accuracy,
            accuracy=accuracy,
            mode=joint_mode,
            whole_front=joint_front,
        )
        where = (processes, dask)
        kept = {"resume": resume, "force": force}
        return run_joint(wanted, budget, settings, run, kept=kept, where=where, as_json=as_json)
    refuse_given(
        context, ("min_accuracy", "accuracy", "joint_mode", "joint_front"), "without --joint"
    )
    if not networks:
        raise InputError("networks must be at least 1, or --joint be given, not neither")
    screen = Console(stderr=True, highlight=False, soft_wrap=True)
    with workers(processes, dask) as given, SearchProgress(screen) as progress:
        result = api.search(
            api.find_networks(
                networks,
                resolution=resolution,
                input_shape=shape_of(input_shape),
                host=host or (),
            ),
            api.find_budget(budget),
            settings,
            run=run,
            resume=resume,
            force=force,
            **given,
            progress=progress,
            command=("naas", *without_place(sys.argv[1:])),
        )
    if as_json:
        print(json.dumps(api.search_figures(result), indent=2))
    else:
        _print(result, run)
    return ExitStatus.INTERRUPTED if result.interrupted else ExitStatus.DONE


def _print(result: "SearchResult", run: Path) -> None:
    from naas_hw.cli.tables import network_notes

    accelerator = result.accelerator
    if result.interrupted:
        print(f"interrupted: the best so far; --resume goes on with {printable(str(run))}")
    print(
        f"{array_of(accelerator)} ({accelerator.num_pes} PEs), "
        f"{accelerator.global_buffer_bytes:,} bytes of global buffer; a PE has "
        f"{accelerator.weight_buffer_bytes} bytes of weights, "
        f"{accelerator.input_buffer_bytes} of inputs"
    )
    print(
        f"{result.num_candidates} accelerators, {result.num_legal:,} legal mappings, "
        f"{result.num_exact:,} timed exactly; the lower bound was off by at most "
        f"{result.largest_gap:.1%}"
    )
    for found in result.networks:
        print(
            f"{found.network.name}: {found.report.cycles:,} cycles, "
            f"{found.report.energy_pj / 1e6:,.1f} uJ, "
            f"EDP {found.report.edp / 1e6:.4g} uJ x cycles, "
            f"utilisation {found.utilization(accelerator):.1%}"
        )
        for note in network_notes(found.network):
            print(f"{found.network.name}: {note}")
    print(
        f"{printable(str(run))} holds the design; "
        "naas evaluate, generate and simulate go on with it"
    )
