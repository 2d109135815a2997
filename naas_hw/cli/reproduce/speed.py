"""`naas reproduce model`, `search`: how fast the model is, and what searches end on."""

from typing import TYPE_CHECKING, Final

from rich.console import Console

from naas_hw.cli.bench.search import clock
from naas_hw.cli.reproduce.options import Options, Section, words_of
from naas_hw.cli.reproduce.tables import read_source

if TYPE_CHECKING:
    from naas_hw.experiments.bench.search import Timed

NETWORK: Final = "resnet50"
PRESET: Final = "eyeriss"
REQUIRED_BOUNDS: Final = 1_000_000
REQUIRED_EXACT: Final = 2_000
"""Of random legal mappings of ResNet50 on the Eyeriss preset, in a second of CPU."""

MOST_GAP: Final = 0.03
"""Of a search, in the median over seeds, by what one of `--times` the length ends on."""


def model_section(options: Options, screen: Console) -> Section:
    """Rates of the cost model, and whether it says what its readable form says."""
    from naas_hw.arch.presets import find_preset
    from naas_hw.experiments.bench.model import bench_model, model_markdown

    source, preset = options.network or NETWORK, options.preset or PRESET
    bench = bench_model(
        read_source(source),
        find_preset(preset).accelerator,
        options.table,
        seed=options.first_seed,
    )
    has_required_rates = source == NETWORK and preset == PRESET
    fast = (
        bench.bounds_per_cpu_second >= REQUIRED_BOUNDS
        and bench.exact_per_cpu_second >= REQUIRED_EXACT
    )
    return Section(
        words=words_of(
            "model",
            network=source,
            preset=preset,
            energy_table=options.other_table,
            seed=options.first_seed,
        ),
        body=model_markdown(bench),
        holds=bench.comparison.max_difference_to_reference == 0
        and (fast or not has_required_rates),
    )


def search_section(options: Options, screen: Console) -> Section:
    """Optimisers of accelerators side by side, and the default for longer."""
    from naas_hw.arch.presets import find_preset
    from naas_hw.experiments.bench.search import measure_search, search_markdown
    from naas_hw.search import OuterOptimiser, SearchSettings, worker_processes

    source, preset = options.network or NETWORK, options.preset or PRESET
    settings = SearchSettings(
        population=options.population or 8,
        generations=options.generations or 40,
        mapping_evaluations=options.evaluations or 4000,
        seed=options.first_seed,
    )
    seeds, times = options.seeds or 5, 10 if options.times is None else options.times

    def tell(timed: "Timed") -> None:
        wanted = timed.settings
        screen.print(
            f"{wanted.optimiser}, seed {wanted.seed}, {wanted.generations} generations: "
            f"{timed.result.score:.5g} in {timed.wall_seconds:.1f} s",
            markup=False,
        )

    measured = measure_search(
        [read_source(source)],
        find_preset(preset).budget,
        settings,
        tuple(dict.fromkeys((settings.optimiser, *OuterOptimiser))),
        num_seeds=seeds,
        times=times,
        clock=clock,
        workers=lambda: worker_processes(options.processes),
        progress=tell,
    )
    words = words_of(
        "search",
        network=source,
        preset=preset,
        population=settings.population,
        generations=settings.generations,
        seeds=seeds,
        times=times,
        evaluations=settings.mapping_evaluations,
        seed=settings.seed,
    )
    gap = measured.median_gap
    holds = gap is None or gap <= MOST_GAP
    return Section(words=words, body=search_markdown(measured, source, preset), holds=holds)
