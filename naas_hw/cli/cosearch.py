"""`naas cosearch SPACE --min-accuracy A --budget B -o RUN`: a network and its accelerator."""

import json
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer
from rich.console import Console

from naas_hw.cli.choices import choice_of
from naas_hw.cli.executors import Dask, Processes, without_place, workers
from naas_hw.cli.exits import ExitStatus
from naas_hw.cli.options import (
    BudgetWithoutBoard,
    EncodingName,
    Evaluations,
    Force,
    Generations,
    Json,
    MappingOptimiserName,
    MinLegal,
    NewRun,
    ObjectiveName,
    OptimiserName,
    Population,
    Resume,
    Seed,
)
from naas_hw.cli.panels import MAIN, METHOD
from naas_hw.cli.progress import SearchProgress, array_of
from naas_hw.parallel.cpu_time import cpu_seconds
from naas_hw.system.text import printable

if TYPE_CHECKING:
    from naas_hw.api import RunSettings
    from naas_hw.nas.joint.joint_search import JointResult
    from naas_hw.search import SearchSettings

GENERATIONS: Final = 24
MAPPING_EVALUATIONS: Final = 400
FINALISTS: Final = 3
FINAL_EFFORT: Final = 20
ACCURACY: Final = "imagenet-estimate"
MODE: Final = "joint"


def cosearch(
    space: Annotated[
        str,
        typer.Argument(
            help="The space of networks: a built-in name, such as ofa-resnet50, or module:object "
            "(this runs its code)."
        ),
    ],
    *,
    min_accuracy: Annotated[
        float,
        typer.Option(
            min=0,
            max=100,
            help="Least top-1 accuracy of the network, in percent.",
            rich_help_panel=MAIN,
        ),
    ],
    budget: BudgetWithoutBoard,
    run: NewRun,
    objective: ObjectiveName = "edp",
    seed: Seed = 0,
    generations: Generations = GENERATIONS,
    population: Population = 8,
    evaluations: Evaluations = MAPPING_EVALUATIONS,
    min_legal: MinLegal = 60,
    accuracy: Annotated[
        str,
        typer.Option(
            help="Source of accuracies: imagenet-estimate (optimistic, and for ofa-resnet50 only), "
            "ofa-predictor:FILE (the published predictor of ofa-resnet50, read from a file) or "
            "module:object (this runs its code).",
            rich_help_panel=METHOD,
        ),
    ] = ACCURACY,
    front: Annotated[
        bool,
        typer.Option(
            "--front",
            help="Search the whole Pareto front of accuracy and objective above the least "
            "accuracy, instead of the network with the best objective.",
            rich_help_panel=METHOD,
        ),
    ] = False,
    mode: Annotated[
        str,
        typer.Option(
            help="joint searches networks and accelerators together; network-only keeps the "
            "accelerator of the preset; one-after-the-other searches the network first.",
            rich_help_panel=METHOD,
        ),
    ] = MODE,
    optimiser: OptimiserName = "climb",
    mapping_optimiser: MappingOptimiserName = "evolve",
    encoding: EncodingName = "importance",
    energy_table: Annotated[
        str | None,
        typer.Option(
            help="A built-in energy table or a YAML file, by default the budget's.",
            rich_help_panel=METHOD,
        ),
    ] = None,
    processes: Processes = None,
    dask: Dask = None,
    resume: Resume = False,
    force: Force = False,
    as_json: Json = False,
) -> int:
    """Search for a network of a space together with its accelerator and its mappings.

    The network keeps at least the given accuracy; the accelerator stays within the budget. Ctrl-C
    ends the search and keeps the best so far; --resume continues it.

    Examples
    --------
    naas cosearch ofa-resnet50 --min-accuracy 78.8 --budget eyeriss -o run
    naas cosearch ofa-resnet50 --min-accuracy 76 --budget eyeriss --front -o all
    naas cosearch ofa-resnet50 --min-accuracy 78 --budget mine.yaml -o run
    """
    from naas_hw import api
    from naas_hw.arch.files import find_energy_table
    from naas_hw.search import Encoding, Objective, Optimiser, OuterOptimiser, SearchSettings

    settings = SearchSettings(
        objective=choice_of(Objective, objective, "objective"),
        table=None if energy_table is None else find_energy_table(energy_table),
        population=population,
        generations=generations,
        mapping_evaluations=evaluations,
        min_legal=min_legal,
        seed=seed,
        encoding=choice_of(Encoding, encoding, "encoding"),
        optimiser=choice_of(OuterOptimiser, optimiser, "optimiser"),
        mapping_optimiser=choice_of(Optimiser, mapping_optimiser, "mapping optimiser"),
    )
    request = JointRequest(
        space=space,
        min_accuracy=min_accuracy,
        accuracy=accuracy,
        budget=budget,
        mode=mode,
        whole_front=front,
    )
    kept = api.RunSettings(
        folder=run, resume=resume, force=force, command=("naas", *without_place(sys.argv[1:]))
    )
    return run_joint(request, settings, kept, processes=processes, dask=dask, as_json=as_json)


@dataclass(frozen=True, kw_only=True)
class JointRequest:
    """The options that say what a joint search looks for, as they were typed."""

    space: str
    min_accuracy: float
    accuracy: str
    budget: str
    mode: str
    whole_front: bool


def run_joint(
    request: JointRequest,
    settings: "SearchSettings",
    run: "RunSettings",
    *,
    processes: int | None,
    dask: str | None,
    as_json: bool,
) -> int:
    """Search, write the run folder and print the result; returns the exit status."""
    from naas_hw import api
    from naas_hw.nas.joint.architecture_search import Aim
    from naas_hw.nas.joint.settings import JointSettings, Mode, breeding, find_oracle
    from naas_hw.nas.spaces.find import find_space

    space = find_space(request.space)
    joint = JointSettings(
        networks=breeding(
            request.min_accuracy, settings.seed, Aim.FRONT if request.whole_front else Aim.SCORE
        ),
        accelerators=replace(settings, finalists=FINALISTS, final_effort=FINAL_EFFORT),
        mode=choice_of(Mode, request.mode, "mode"),
    )
    screen = Console(stderr=True, highlight=False, soft_wrap=True)
    before = cpu_seconds()
    with workers(processes, dask, run) as given, SearchProgress(screen) as progress:
        result = api.search_jointly(
            space,
            find_oracle(request.accuracy, space),
            api.find_budget(request.budget),
            joint,
            run=run,
            workers=given,
            progress=progress,
        )
    if as_json:
        print(json.dumps(api.joint_figures(space, result, settings.objective), indent=2))
    else:
        _print(result, Path(run.folder), cpu_seconds() - before)
    return ExitStatus.INTERRUPTED if result.interrupted else ExitStatus.DONE


def _print(result: "JointResult", run: Path, seconds: float) -> None:
    from naas_hw.experiments.search_cost import search_cost_text

    accelerator, report = result.accelerator, result.network_result.report
    if result.interrupted:
        print("interrupted: the best so far")
    print(f"{array_of(accelerator)} ({accelerator.num_pes} PEs)")
    print(
        f"{result.network_result.network.name}: top-1 {result.top1_percent:.2f} %, "
        f"{result.accuracy_source.label}; "
        f"{report.cycles:,} cycles, {report.energy_pj / 1e6:,.1f} uJ, "
        f"EDP {report.edp / 1e6:.4g} uJ x cycles"
    )
    print(
        f"{result.num_accelerators} accelerators, {result.num_networks} pairs of network and "
        f"accelerator, {result.num_layers} layers searched; {len(result.front)} on the front of "
        "accuracy and score"
    )
    print(f"search cost: {search_cost_text(seconds)}")
    print(
        f"{printable(str(run))} holds the design; "
        "continue with naas evaluate, generate and simulate"
    )
