"""`naas bench search`: optimisers of accelerators side by side, and a longer search."""

import json
import time
from typing import TYPE_CHECKING, Annotated, Final

import typer
from rich.console import Console

from naas_hw.cli.choices import MAX_COUNT, MAX_GENERATIONS, MAX_POPULATION, MAX_PROCESSES, MAX_SEED
from naas_hw.cli.exits import ExitStatus
from naas_hw.cli.models import Host, InputShape, Resolution, shape_of
from naas_hw.parallel.cpu_time import cpu_seconds

if TYPE_CHECKING:
    from naas_hw.experiments.bench.search import Timed

DEFAULT: Final = "climb,cma,genetic,differential,random"


def bench_search(
    networks: Annotated[
        list[str] | None,
        typer.Argument(
            help="Built-in names, .yaml or .pt2 files, or module:callable (this runs its code); "
            "resnet50 if none."
        ),
    ] = None,
    budget: Annotated[str, typer.Option(help="A preset's name, or a YAML file.")] = "eyeriss",
    optimisers: Annotated[
        str, typer.Option(help="With commas; the first is the one that is searched longer.")
    ] = DEFAULT,
    seeds: Annotated[
        int, typer.Option(min=1, max=MAX_COUNT, help="Searches of each, from --seed on.")
    ] = 5,
    times: Annotated[
        int,
        typer.Option(
            min=0, max=MAX_COUNT, help="Generations of the longer ones, by those of the others."
        ),
    ] = 10,
    population: Annotated[
        int, typer.Option(min=2, max=MAX_POPULATION, help="Accelerators of a generation.")
    ] = 8,
    generations: Annotated[
        int, typer.Option(min=1, max=MAX_GENERATIONS, help="Of accelerators.")
    ] = 40,
    screening: Annotated[
        int,
        typer.Option(min=1, max=MAX_POPULATION, help="How many times as many are tried out first."),
    ] = 1,
    evaluations: Annotated[
        int,
        typer.Option(
            min=1, max=MAX_COUNT, help="Mappings tried for each layer of each accelerator."
        ),
    ] = 4000,
    seed: Annotated[int, typer.Option(min=0, max=MAX_SEED, help="The first one.")] = 0,
    resolution: Resolution = None,
    input_shape: InputShape = None,
    host: Host = None,
    processes: Annotated[int, typer.Option(min=1, max=MAX_PROCESSES, help="Worker processes.")] = 2,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> int:
    """Search with each optimiser and seed, and with the first one longer; wall and CPU seconds.

    Every search begins with the same accelerators and has the same evaluations. A gap is what a
    search ends on by what the longer one of the same seed does, less one.
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
