"""`naas reproduce utilization`, `gap`, `timeloop`: figures with a limit, or a rival's beside."""

from pathlib import Path
from typing import TYPE_CHECKING, Final

from rich.console import Console

from naas_hw.cli.reproduce.options import Options, Section, words_of
from naas_hw.cli.reproduce.tables import read_source

if TYPE_CHECKING:
    from naas_hw.sim.layer import LayerReport

CASES: Final = Path("tests/data/timeloop_cases.json")
EVALUATIONS: Final = 20_000
GAP_SEEDS: Final = 10
SIMULATED: Final = (
    "layer1.0.conv2,layer2.1.conv1,layer2.1.conv2,layer3.1.conv1,layer3.1.conv2,"
    "layer4.0.downsample.0,layer4.0.conv2,layer4.1.conv3"
)
"""Of ResNet50: a 3x3 and a 1x1 layer of two stages, and more."""


def timeloop_section(options: Options, screen: Console) -> Section:
    """Accesses beside Timeloop's; all differences have to be explained."""
    from naas_hw.experiments.timeloop import compare_with_timeloop, timeloop_markdown

    cases = options.cases or CASES
    compared = compare_with_timeloop(cases)
    return Section(
        words=words_of("timeloop", cases=cases.as_posix()),
        body=timeloop_markdown(compared),
        holds=compared.ok,
    )


def utilization_section(options: Options, screen: Console) -> Section:
    """Layers that are not limited by memory, predicted and simulated."""
    from naas_hw.arch.presets import find_preset
    from naas_hw.experiments.utilization import measure_utilization, utilization_markdown
    from naas_hw.sim.simulators import find_simulator

    def tell(report: "LayerReport") -> None:
        verdict = "equal" if report.ok else "differs"
        screen.print(f"{report.name}: {report.simulated_cycles:,} cycles, {verdict}", markup=False)

    source, preset = options.network or "resnet50", options.preset or "nvdla-256"
    network, accelerator = read_source(source), find_preset(preset).accelerator
    effort, sim = options.evaluations or EVALUATIONS, options.sim or "verilator"
    layers = options.layers or (None if options.network else SIMULATED)
    measured = measure_utilization(
        accelerator,
        network,
        evaluations=effort,
        seed=options.first_seed,
        simulator=None if sim == "none" else find_simulator(sim),
        layers=layers.split(",") if layers else None,
        num_processes=options.processes,
        progress=tell,
    )
    return Section(
        words=words_of(
            "utilization",
            network=source,
            preset=preset,
            sim=sim,
            layers=layers,
            evaluations=effort,
            seed=options.first_seed,
        ),
        body=utilization_markdown(accelerator, network, measured),
        holds=all(entry.ok for entry in measured),
    )


def gap_section(options: Options, screen: Console) -> Section:
    """The default mapping search against branch and bound, other optimisers and random search."""
    from naas_hw.experiments.gap import gap_markdown, holds, measure_gaps, measure_ratios, places
    from naas_hw.experiments.mappers import mappers_markdown, measure_mappers
    from naas_hw.search.mapping.network_search import PROOF_EVALUATIONS

    def tell(text: str) -> None:
        screen.print(text, markup=False)

    per_network = 6 if options.per_network is None else options.per_network
    num_random = 8 if options.random_layers is None else options.random_layers
    effort, budget = options.evaluations or EVALUATIONS, options.proof_budget or 300_000_000
    seeds = range(options.first_seed, options.first_seed + (options.seeds or GAP_SEEDS))
    chosen = places(per_network)
    gaps = measure_gaps(
        chosen,
        evaluations=effort,
        proof_evaluations=PROOF_EVALUATIONS,
        budget=budget,
        seed=seeds[0],
        table=options.table,
        progress=lambda gap: tell(f"{gap.place.name}: gap {gap.proven:.2%}"),
    )
    mappers = measure_mappers(
        gaps,
        evaluations=effort,
        seeds=seeds[:3],
        table=options.table,
        progress=tell,
    )
    ratios = measure_ratios(
        chosen[:: max(1, len(chosen) // max(1, num_random))][:num_random],
        evaluations=effort,
        seeds=seeds,
        table=options.table,
        progress=lambda ratio: tell(f"{ratio.place.name}: random by default {ratio.mean:.3f}"),
    )
    words = words_of(
        "gap",
        per_network=per_network,
        random_layers=num_random,
        proof_budget=budget,
        energy_table=options.other_table,
        seeds=len(seeds),
        evaluations=effort,
        seed=seeds[0],
    )
    body = "\n\n".join(
        (gap_markdown(gaps, ratios, effort, PROOF_EVALUATIONS), mappers_markdown(mappers, effort))
    )
    return Section(words=words, body=body, holds=holds(gaps, ratios))
