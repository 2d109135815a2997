"""`naas bench search`: optimisers of accelerators side by side, and a longer search."""

import json
import time
from typing import TYPE_CHECKING, Annotated, Final

import typer
from rich.console import Console

from naas_hw.cli.choices import MAX_COUNT, MAX_PROCESSES
from naas_hw.cli.exits import ExitStatus
from naas_hw.cli.models import Host, InputShape, NetworkSources, Resolution, shape_of
from naas_hw.cli.options import (
    BudgetName,
    Evaluations,
    Generations,
    Json,
    Population,
    Screening,
    Seed,
)
from naas_hw.cli.panels import MAIN, RUN
from naas_hw.parallel.cpu_time import cpu_seconds

if TYPE_CHECKING:
    from naas_hw.experiments.bench.search import Timed

DEFAULT: Final = "climb,cma,genetic,differential,random"


def bench_search(
    networks: NetworkSources = None,
    budget: BudgetName = "eyeriss",
    optimisers: Annotated[
        str,
        typer.Option(
            help="Optimisers of accelerators, separated by commas; the first one is also searched "
            "longer.",
            rich_help_panel=MAIN,
        ),
    ] = DEFAULT,
    seeds: Annotated[
        int,
        typer.Option(
            min=1,
            max=MAX_COUNT,
            help="Number of searches with each optimiser; their seeds count up from --seed.",
            rich_help_panel=MAIN,
        ),
    ] = 5,
    times: Annotated[
        int,
        typer.Option(
            min=0,
            max=MAX_COUNT,
            help="The longer searches have this number of times the generations of the others.",
            rich_help_panel=MAIN,
        ),
    ] = 10,
    seed: Seed = 0,
    generations: Generations = 40,
    population: Population = 8,
    evaluations: Evaluations = 4000,
    screening: Screening = 1,
    resolution: Resolution = None,
    input_shape: InputShape = None,
    host: Host = None,
    processes: Annotated[
        int,
        typer.Option(
            min=1,
            max=MAX_PROCESSES,
            help="Number of worker processes.",
            rich_help_panel=RUN,
        ),
    ] = 2,
    as_json: Json = False,
) -> int:
    """Compare optimisers of accelerators over seeds, and the first one with a longer search.

    Every search begins with the same accelerators and has the same number of evaluations. The gap
    of a search is its final objective divided by that of the longer search with the same seed,
    minus one. Without networks, resnet50 is searched.

    Examples
    --------
    naas bench search resnet50 --budget eyeriss --json
    naas bench search mobilenet_v2 --optimisers climb,cma --seeds 3 --times 0
    """
    from naas_hw import api
    from naas_hw.cli.choices import choice_of
    from naas_hw.experiments.bench.search import bench_figures, bench_table, measure_search
    from naas_hw.search import OuterOptimiser, SearchSettings, worker_processes

    kinds = [choice_of(OuterOptimiser, name, "optimiser") for name in optimisers.split(",")]
    settings = SearchSettings(
        population=population,
        generations=generations,
        screening=screening,
        mapping_evaluations=evaluations,
        seed=seed,
    )
    screen = Console(stderr=True, highlight=False, soft_wrap=True)

    def tell(timed: "Timed") -> None:
        wanted = timed.settings
        screen.print(
            f"{wanted.optimiser}, seed {wanted.seed}, {wanted.generations} generations: "
            f"{timed.result.score:.5g} in {timed.wall_seconds:.1f} s "
            f"({timed.cpu_seconds:.1f} s of CPU)"
        )

    measured = measure_search(
        api.find_networks(
            networks or ["resnet50"],
            resolution=resolution,
            input_shape=shape_of(input_shape),
            host=host or (),
        ),
        api.find_budget(budget),
        settings,
        kinds,
        num_seeds=seeds,
        times=times,
        clock=clock,
        workers=lambda: worker_processes(processes),
        progress=tell,
    )
    if as_json:
        print(json.dumps(bench_figures(measured), indent=2))
    else:
        print(bench_table(measured))
    return ExitStatus.DONE


def clock() -> tuple[float, float]:
    """Seconds of wall, and of this process and of its children that ended."""
    return time.perf_counter(), cpu_seconds()
