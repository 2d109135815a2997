"""`naas search NETWORK... --budget B -o RUN`: an accelerator for networks, with their mappings."""

import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer
from rich.console import Console

from naas_hw.cli.choices import MAX_COUNT, MAX_GENERATIONS
from naas_hw.cli.cosearch import (
    ACCURACY,
    GENERATIONS,
    MAPPING_EVALUATIONS,
    MODE,
    JointRequest,
    run_joint,
)
from naas_hw.cli.executors import Dask, Processes, without_place, workers
from naas_hw.cli.exits import ExitStatus
from naas_hw.cli.given import refuse_given
from naas_hw.cli.models import (
    Calibration,
    Host,
    InputShape,
    LayersOnly,
    NetworkSources,
    Resolution,
    shape_of,
)
from naas_hw.cli.options import (
    BudgetName,
    EncodingName,
    Force,
    Json,
    MappingOptimiserName,
    MinLegal,
    NewRun,
    ObjectiveOfBudget,
    OptimiserName,
    Population,
    Resume,
    Screening,
    Seed,
    Ties,
)
from naas_hw.cli.panels import DEPRECATED, EFFORT, METHOD, NETWORK
from naas_hw.cli.progress import SearchProgress, array_of
from naas_hw.core.deprecation import warn_renamed
from naas_hw.core.errors import InputError
from naas_hw.system.text import printable

if TYPE_CHECKING:
    from naas_hw.search import SearchResult

_OF_JOINT: Final = ("min_accuracy", "accuracy", "joint_mode", "joint_front")
_NOT_WITH_JOINT: Final = ("resolution", "input_shape", "host", "layers_only", "data")


def search(
    context: typer.Context,
    networks: NetworkSources = None,
    *,
    budget: BudgetName,
    run: NewRun,
    objective: ObjectiveOfBudget = None,
    seed: Seed = 0,
    generations: Annotated[
        int | None,
        typer.Option(
            min=1,
            max=MAX_GENERATIONS,
            help="Number of generations of accelerators; 40 by default.",
            rich_help_panel=EFFORT,
        ),
    ] = None,
    population: Population = 8,
    evaluations: Annotated[
        int | None,
        typer.Option(
            min=1,
            max=MAX_COUNT,
            help="Number of mappings tried for each layer of each accelerator; 4000 by default.",
            rich_help_panel=EFFORT,
        ),
    ] = None,
    screening: Screening = 1,
    min_legal: MinLegal = 60,
    resolution: Resolution = None,
    input_shape: InputShape = None,
    host: Host = None,
    layers_only: LayersOnly = False,
    data: Calibration = None,
    energy_table: Annotated[
        str | None,
        typer.Option(
            help="A built-in energy table or a YAML file, by default the budget's.",
            rich_help_panel=NETWORK,
        ),
    ] = None,
    optimiser: OptimiserName = "climb",
    mapping_optimiser: MappingOptimiserName = "evolve",
    encoding: EncodingName = "importance",
    sizing_only: Annotated[
        str | None,
        typer.Option(
            metavar="PRESET",
            help="Search sizes only, and keep the axes and the dataflow of this preset.",
            rich_help_panel=METHOD,
        ),
    ] = None,
    ties: Ties = 0.01,
    drain_lanes: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="Number of requantisers: a quarter, half or all of the bytes in a beat; "
            "searched by default.",
            rich_help_panel=METHOD,
        ),
    ] = None,
    processes: Processes = None,
    dask: Dask = None,
    resume: Resume = False,
    force: Force = False,
    as_json: Json = False,
    joint: Annotated[
        str | None,
        typer.Option(
            metavar="SPACE",
            help="Search for a network of this space too: `naas cosearch SPACE`.",
            rich_help_panel=DEPRECATED,
        ),
    ] = None,
    min_accuracy: Annotated[
        float | None,
        typer.Option(
            min=0,
            max=100,
            help="With --joint: `naas cosearch --min-accuracy`.",
            rich_help_panel=DEPRECATED,
        ),
    ] = None,
    accuracy: Annotated[
        str,
        typer.Option(
            help="With --joint: `naas cosearch --accuracy`.",
            show_default=False,
            rich_help_panel=DEPRECATED,
        ),
    ] = ACCURACY,
    joint_mode: Annotated[
        str,
        typer.Option(
            help="With --joint: `naas cosearch --mode`.",
            show_default=False,
            rich_help_panel=DEPRECATED,
        ),
    ] = MODE,
    joint_front: Annotated[
        bool,
        typer.Option(
            "--front",
            help="With --joint: `naas cosearch --front`.",
            rich_help_panel=DEPRECATED,
        ),
    ] = False,
) -> int:
    """Search for an accelerator for networks within a budget, and mappings of all their layers.

    Several networks share one accelerator; the search minimises the geometric mean of their
    objectives. With a board as the budget, the search predicts which accelerators fit its FPGA,
    and minimises milliseconds at the predicted clock. Ctrl-C ends the search and keeps the best
    accelerator so far; --resume continues it.

    Examples
    --------
    naas search mobilenet_v2 --budget eyeriss -o run
    naas search mobilenet_v2 squeezenet1_0 --budget eyeriss -o shared
    naas search resnet50 --budget nvdla-256 --objective latency -o fast
    naas search mobilenet_v2 --budget eyeriss -o run --resume
    naas search mobilenet_v2 --budget ulx3s-85f -o board
    """
    from naas_hw import api
    from naas_hw.arch.files import find_energy_table
    from naas_hw.arch.presets import find_preset
    from naas_hw.cli.choices import choice_of
    from naas_hw.search import Encoding, Objective, Optimiser, OuterOptimiser, SearchSettings

    is_joint = joint is not None
    limits = api.find_budget(budget)
    objective = objective or ("edp" if limits.fpga is None else "latency")
    settings = SearchSettings(
        objective=choice_of(Objective, objective, "objective"),
        table=None if energy_table is None else find_energy_table(energy_table),
        population=population,
        generations=generations or (GENERATIONS if is_joint else SearchSettings.generations),
        mapping_evaluations=evaluations
        or (MAPPING_EVALUATIONS if is_joint else SearchSettings.mapping_evaluations),
        min_legal=min_legal,
        seed=seed,
        screening=screening,
        encoding=choice_of(Encoding, encoding, "encoding"),
        drain_lanes=drain_lanes,
        ties=ties,
        optimiser=choice_of(OuterOptimiser, optimiser, "optimiser"),
        mapping_optimiser=choice_of(Optimiser, mapping_optimiser, "mapping optimiser"),
    )
    if sizing_only is not None:
        settings = settings.sizing_only(find_preset(sizing_only))
    kept = api.RunSettings(
        folder=run, resume=resume, force=force, command=("naas", *without_place(sys.argv[1:]))
    )
    if joint is not None:
        if networks:
            raise InputError("networks must not be given with --joint, which searches for one")
        refuse_given(context, _NOT_WITH_JOINT, "with --joint, whose space has its own")
        if min_accuracy is None:
            raise InputError("--min-accuracy must be given with --joint")
        warn_renamed("naas search --joint", "naas cosearch")
        request = JointRequest(
            space=joint,
            min_accuracy=min_accuracy,
            accuracy=accuracy,
            budget=budget,
            mode=joint_mode,
            whole_front=joint_front,
        )
        return run_joint(request, settings, kept, processes=processes, dask=dask, as_json=as_json)
    refuse_given(context, _OF_JOINT, "without --joint")
    if not networks:
        raise InputError("networks must be at least 1, not 0")
    screen = Console(stderr=True, highlight=False, soft_wrap=True)
    wanted = api.NetworkRequest(
        sources=tuple(networks),
        resolution=resolution,
        input_shape=shape_of(input_shape),
        host=tuple(host or ()),
        layers_only=layers_only,
        data=data,
    ).resolved(limits.beat_bytes)
    for note in wanted.notes:
        screen.print(note, markup=False)
    with workers(processes, dask, kept) as given, SearchProgress(screen) as progress:
        result = api.search(
            wanted.networks,
            limits,
            settings,
            run=replace(kept, files=wanted.files),
            workers=given,
            progress=progress,
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
        print(
            "interrupted: this is the best so far; --resume continues the search in "
            f"{printable(str(run))}"
        )
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
    for line in _fpga_lines(result):
        print(line)
    for network in result.networks:
        milliseconds = result.milliseconds(network)
        time = "" if milliseconds is None else f"{milliseconds:,.3f} ms, "
        print(
            f"{network.network.name}: {time}{network.report.cycles:,} cycles, "
            f"{network.report.energy_pj / 1e6:,.1f} uJ, "
            f"EDP {network.report.edp / 1e6:.4g} uJ x cycles, "
            f"utilisation {network.utilization(accelerator):.1%}"
        )
        for note in network_notes(network.network):
            print(f"{network.network.name}: {note}")
    print(
        f"{printable(str(run))} holds the design; continue with naas evaluate, generate and "
        "simulate"
    )


def _fpga_lines(result: "SearchResult") -> list[str]:
    """What the accelerator is predicted to take of the board that is the budget."""
    from naas_hw.arch.devices import RESOURCE_LABELS

    if result.fpga is None or result.prediction is None:
        return []
    available = result.fpga.part.device.resources
    needs = [
        f"{getattr(result.prediction.resources, name):,} of {getattr(available, name):,} {label}"
        for name, label in RESOURCE_LABELS.items()
    ]
    lines = [
        f"{result.fpga.board}, predicted: {', '.join(needs)}, {result.prediction.clock_mhz:.1f} MHz"
    ]
    if result.prediction.is_provisional:
        lines.append("the prediction may be far off, because too few designs were built to test it")
    return lines
