"""`naas reproduce NAME`: figures of docs/results.md, made again."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer
from rich.console import Console

from naas_hw.cli.build import build
from naas_hw.cli.exits import ExitStatus
from naas_hw.cli.reproduce_joint import JointOptions, joint_section
from naas_hw.cli.reproduce_nasaic import nasaic_section
from naas_hw.cli.reproduce_tables import TABLES, TableOptions, read_source, table_section
from naas_hw.errors import InputError

if TYPE_CHECKING:
    from naas_hw.arch.technology import EnergyTable
    from naas_hw.search import Progress
    from naas_hw.sim.layer import LayerReport
    from naas_hw.workload.network import Network

NAMES: Final = (
    *TABLES,
    "edp",
    "sensitivity",
    "utilization",
    "gap",
    "timeloop",
    "joint",
    "nasaic",
    "build",
)
ALL: Final = "all"
_NETWORKS: Final = {
    "edp": "mobilenet_v2",
    "sensitivity": "mobilenet_v2",
    "utilization": "resnet50",
}
_PRESETS: Final = {"edp": "eyeriss", "sensitivity": "eyeriss", "utilization": "nvdla-256"}
_EVALUATIONS: Final = {"edp": 100, "sensitivity": 100, "utilization": 20_000, "gap": 20_000}
_EXAMPLES: Final = (Path("examples/ck8x8.yaml"), Path("examples/pq8x8.yaml"))
_DEVICE: Final = "lfe5u-85f"
_LIMIT_MINUTES: Final = 60.0
_POPULATION: Final = 12
_GENERATIONS: Final = 16
_SEEDS: Final = 3
_GAP_SEEDS: Final = 10

Section = tuple[str, bool]
"""Markdown, and whether all that was compared is equal and every limit holds."""


def reproduce(
    name: Annotated[str, typer.Argument(help=f"One of {', '.join(NAMES)}, {ALL}.")],
    into: Annotated[
        Path | None, typer.Option(help="Document whose section is written; else it is printed.")
    ] = None,
    network: Annotated[
        str | None, typer.Option(help="A built-in network or a .yaml file, instead of the due one.")
    ] = None,
    preset: Annotated[str | None, typer.Option(help="Preset, instead of the due one.")] = None,
    population: Annotated[
        int | None,
        typer.Option(min=2, help="Accelerators of a generation, instead of the due number."),
    ] = None,
    generations: Annotated[
        int | None, typer.Option(min=1, help="Generations, instead of the due number.")
    ] = None,
    evaluations: Annotated[
        int | None, typer.Option(min=1, help="Mappings a layer, instead of the due number.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Of everything random.")] = 0,
    seeds: Annotated[
        int | None,
        typer.Option(min=1, help="Searches of each kind, from --seed on (not edp, utilization)."),
    ] = None,
    energy_table: Annotated[
        str,
        typer.Option(
            help="Built-in energy table or a YAML file, in the place of ours (all searches)."
        ),
    ] = "sized",
    keep: Annotated[
        Path | None,
        typer.Option(help="Folder that keeps searches: the same command goes on (not edp)."),
    ] = None,
    sim: Annotated[
        str, typer.Option(help="verilator, icarus, or none (utilization).")
    ] = "verilator",
    layers: Annotated[
        str | None,
        typer.Option(
            help="Layers that are simulated, with commas; all if not given (utilization)."
        ),
    ] = None,
    cases: Annotated[
        Path, typer.Option(help="Timeloop's counts, as in the repository (timeloop).")
    ] = Path("tests/data/timeloop_cases.json"),
    per_network: Annotated[
        int, typer.Option(min=1, help="Layers of each built-in network (gap).")
    ] = 6,
    beside_chance: Annotated[
        int, typer.Option(min=0, help="Layers of them that are searched at random too (gap).")
    ] = 8,
    proof_budget: Annotated[
        int, typer.Option(min=1, help="Mappings and tiles a layer of branch and bound (gap).")
    ] = 300_000_000,
    processes: Annotated[int, typer.Option(min=1, help="Processes.")] = 2,
) -> int:
    """Make figures of docs/results.md again.

    speedup: accelerators searched with what five presets have, beside them, for three networks
    each. sizing: searches of sizes only. encoding: indices of parallel dims and loop orders.
    convergence: CMA-ES beside uniform points. All under two energy tables and over seeds, beside
    the paper's figures; --network and --preset take the place of all of theirs.
    edp: MobileNetV2 on an accelerator searched with what Eyeriss has, beside Eyeriss.
    sensitivity: the same search with DRAM at half and at twice its price, and with the paper's
    energies.
    gap: the default mapping search beside branch and bound, and beside random search.
    utilization: ResNet50 on a C-K 16 x 16 array, predicted and simulated.
    timeloop: accesses beside Timeloop's for the same nests, each difference with its cause.
    joint: networks of ofa-resnet50 with their accelerators, beside rivals that search less.
    nasaic: a ResNet of 32 x 32 pixels on one accelerator and on a heterogeneous pair.
    build: two arrays of 64 PEs on an FPGA, place and route for an hour at most; to be run in the
    repository. Exit
    status 1 if a simulation differs from its prediction, a count is not explained, or a limit
    does not hold (gap: 2 % on 90 % of the layers, and chance nowhere better).
    """
    if name not in (*NAMES, ALL):
        raise InputError(f"name must be one of {', '.join(NAMES)}, {ALL}, not {name!r}")
    from naas_hw.arch.files import find_energy_table

    table = find_energy_table(energy_table)
    screen = Console(stderr=True, highlight=False, soft_wrap=True)
    good = True
    for wanted in NAMES if name == ALL else (name,):
        if wanted == "timeloop":
            body, holds = _timeloop(cases)
            words = ["naas", "reproduce", wanted, "--cases", cases.as_posix()]
            _deliver(into, wanted, words, body)
            good = good and holds
            continue
        if wanted in ("joint", "nasaic"):
            joint = JointOptions(
                population=population,
                generations=generations,
                evaluations=evaluations,
                seed=seed,
                seeds=seeds,
                processes=processes,
            )
            section = joint_section if wanted == "joint" else nasaic_section
            _deliver(into, wanted, *section(joint, screen))
            continue
        if wanted == "build":
            build(list(_EXAMPLES), device=_DEVICE, limit_minutes=_LIMIT_MINUTES, into=into)
            continue
        if wanted in TABLES:
            options = TableOptions(
                network=network,
                preset=preset,
                population=population,
                generations=generations,
                evaluations=evaluations,
                seed=seed,
                seeds=seeds,
                energies=table,
                energy_table=energy_table,
                keep=keep,
                processes=processes,
            )
            words, body = table_section(wanted, options, screen)
            _deliver(into, wanted, words, body)
            continue
        if wanted == "gap":
            effort = evaluations or _EVALUATIONS[wanted]
            amounts = (per_network, beside_chance, effort, proof_budget)
            how_many = range(seed, seed + (seeds or _GAP_SEEDS))
            body, holds = _gap(amounts, how_many, table, screen)
            words = ["naas", "reproduce", wanted, "--per-network", str(per_network)]
            words += ["--beside-chance", str(beside_chance), "--proof-budget", str(proof_budget)]
            words += ["--energy-table", energy_table] if energy_table != "sized" else []
            words += ["--seeds", str(len(how_many))]
            words += ["--evaluations", str(effort), "--seed", str(seed)]
            _deliver(into, wanted, words, body)
            good = good and holds
            continue
        source = network or _NETWORKS[wanted]
        found = read_source(source)
        kind = preset or _PRESETS[wanted]
        effort = evaluations or _EVALUATIONS[wanted]
        words = ["naas", "reproduce", wanted, "--network", source, "--preset", kind]
        sizes = (population or _POPULATION, generations or _GENERATIONS, effort)
        if wanted != "utilization":
            words += ["--population", str(sizes[0]), "--generations", str(sizes[1])]
            words += ["--energy-table", energy_table] if energy_table != "sized" else []
        if wanted == "edp":
            body, holds = _edp(found, kind, sizes, seed, table, processes, screen)
        elif wanted == "sensitivity":
            words += ["--seeds", str(seeds or _SEEDS)]
            how = (seed, seeds or _SEEDS, keep)
            body, holds = _sensitivity(found, kind, sizes, how, table, processes, screen)
        else:
            words += ["--sim", sim]
            words += ["--layers", layers] if layers else []
            names = layers.split(",") if layers else None
            body, holds = _utilization(found, kind, effort, seed, sim, names, processes, screen)
        words += ["--evaluations", str(effort), "--seed", str(seed)]
        _deliver(into, wanted, words, body)
        good = good and holds
    return ExitStatus.DONE if good else ExitStatus.DIFFERENT


def _deliver(into: Path | None, name: str, words: Sequence[str], body: str) -> None:
    from naas_hw.report.results import write_section

    if into is None:
        print(body)
    else:
        write_section(into, name, " ".join((*words, "--into", into.as_posix())), body)


def _timeloop(cases: Path) -> Section:
    from naas_hw.report.timeloop import compare_with_timeloop, timeloop_markdown

    tool, compared = compare_with_timeloop(cases)
    return timeloop_markdown(tool, compared), all(case.ok for case in compared)


def _gap(
    sizes: tuple[int, int, int, int], seeds: range, table: "EnergyTable", screen: Console
) -> Section:
    from naas_hw.report.gap import (
        Gap,
        Ratio,
        gap_markdown,
        holds,
        measure_gaps,
        measure_ratios,
        places,
    )
    from naas_hw.search.network_search import PROOF_EVALUATIONS

    def tell(gap: Gap) -> None:
        screen.print(f"{gap.place.name}: gap {gap.proven:.2%}, best {gap.to_best:.2%}")

    def tell_ratio(ratio: Ratio) -> None:
        screen.print(f"{ratio.place.name}: random by default {ratio.mean:.3f}")

    per_network, beside_chance, effort, budget = sizes
    chosen = places(per_network)
    gaps = measure_gaps(
        chosen,
        evaluations=effort,
        proof_evaluations=PROOF_EVALUATIONS,
        budget=budget,
        seed=seeds[0],
        table=table,
        progress=tell,
    )
    step = max(1, len(chosen) // max(1, beside_chance))
    ratios = measure_ratios(
        chosen[::step][:beside_chance],
        evaluations=effort,
        seeds=seeds,
        table=table,
        progress=tell_ratio,
    )
    return gap_markdown(gaps, ratios, effort, PROOF_EVALUATIONS), holds(gaps, ratios)


def _edp(
    network: "Network",
    preset_name: str,
    sizes: tuple[int, int, int],
    seed: int,
    energies: "EnergyTable",
    processes: int,
    screen: Console,
) -> Section:
    from naas_hw.arch.presets import find_preset
    from naas_hw.arch.technology import MAESTRO
    from naas_hw.report.baselines import compare_with_baseline, comparison_markdown
    from naas_hw.search import SearchSettings

    def tell(table: "EnergyTable", progress: "Progress") -> None:
        best = "-" if progress.best_score is None else f"{progress.best_score / 1e12:,.1f} J cycles"
        screen.print(
            f"{table.name}: {progress.stage}, {progress.num_candidates} of "
            f"{progress.num_planned}, best EDP {best}"
        )

    preset = find_preset(preset_name)
    settings = SearchSettings(
        population=sizes[0], generations=sizes[1], mapping_evaluations=sizes[2], seed=seed
    )
    compared = compare_with_baseline(
        network,
        preset,
        settings,
        tables=tuple(dict.fromkeys((energies, MAESTRO))),
        num_processes=processes,
        progress=tell,
    )
    return comparison_markdown(network, preset, settings, compared), True


def _sensitivity(
    network: "Network",
    preset_name: str,
    sizes: tuple[int, int, int],
    how: tuple[int, int, Path | None],
    energies: "EnergyTable",
    processes: int,
    screen: Console,
) -> Section:
    from naas_hw.arch.presets import find_preset
    from naas_hw.arch.technology import SizedTable
    from naas_hw.report.sensitivity import Case, measure_sensitivity, sensitivity_markdown
    from naas_hw.search import SearchSettings

    if not isinstance(energies, SizedTable):
        raise InputError(f"energy_table must be one with a price of DRAM, not {energies.name}")
    seed, num_seeds, keep = how

    def tell(case: Case, seed: int, progress: "Progress") -> None:
        best = "-" if progress.best_score is None else f"{progress.best_score / 1e12:,.1f} J cycles"
        screen.print(
            f"{case.title}, seed {seed}: {progress.stage}, {progress.num_candidates} of "
            f"{progress.num_planned}, best EDP {best}",
            markup=False,
        )

    preset = find_preset(preset_name)
    settings = SearchSettings(
        population=sizes[0], generations=sizes[1], mapping_evaluations=sizes[2], seed=seed
    )
    outcomes = measure_sensitivity(
        network,
        preset,
        settings,
        energies,
        num_seeds=num_seeds,
        keep=keep,
        num_processes=processes,
        progress=tell,
    )
    return sensitivity_markdown(network, preset, settings, outcomes), True


def _utilization(
    network: "Network",
    preset_name: str,
    evaluations: int,
    seed: int,
    sim: str,
    layers: Sequence[str] | None,
    processes: int,
    screen: Console,
) -> Section:
    from naas_hw.arch.presets import find_preset
    from naas_hw.report.utilization import measure_utilization, utilization_markdown
    from naas_hw.sim.simulators import find_simulator

    def tell(report: "LayerReport") -> None:
        verdict = "equal" if report.ok else "differs"
        screen.print(f"{report.name}: {report.simulated_cycles:,} cycles, {verdict}")

    accelerator = find_preset(preset_name).accelerator
    measured = measure_utilization(
        accelerator,
        network,
        evaluations=evaluations,
        seed=seed,
        simulator=None if sim == "none" else find_simulator(sim),
        layers=layers,
        num_processes=processes,
        progress=tell,
    )
    body = utilization_markdown(accelerator, network, measured)
    return body, all(entry.ok for entry in measured)
