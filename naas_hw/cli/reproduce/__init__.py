"""`naas reproduce NAME`: figures of docs/results.md, made again."""

import time
from functools import partial
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.console import Console

from naas_hw.cli.choices import MAX_COUNT, MAX_GENERATIONS, MAX_POPULATION, MAX_PROCESSES, MAX_SEED
from naas_hw.cli.exits import ExitStatus
from naas_hw.cli.reproduce.build import build_section
from naas_hw.cli.reproduce.checks import gap_section, timeloop_section, utilization_section
from naas_hw.cli.reproduce.designs import edp_section, sensitivity_section
from naas_hw.cli.reproduce.eyeriss import eyeriss_section
from naas_hw.cli.reproduce.joint import joint_section
from naas_hw.cli.reproduce.nasaic import nasaic_section
from naas_hw.cli.reproduce.options import Maker, Options, Section
from naas_hw.cli.reproduce.speed import model_section, search_section
from naas_hw.cli.reproduce.tables import TABLES, table_section
from naas_hw.core.errors import InputError

_SIZES: Final = ("population", "generations", "evaluations", "seed")
_PLACE: Final = ("network", "preset")
_SEARCHES: Final = (*_PLACE, *_SIZES, "seeds", "energy_table", "keep")

MAKERS: Final[dict[str, Maker]] = {
    **{name: Maker(partial(table_section, name), _SEARCHES) for name in TABLES},
    "edp": Maker(edp_section, (*_PLACE, *_SIZES, "energy_table", "keep")),
    "eyeriss": Maker(eyeriss_section, ("evaluations", "seed", "keep")),
    "sensitivity": Maker(sensitivity_section, _SEARCHES),
    "utilization": Maker(utilization_section, (*_PLACE, "evaluations", "seed", "sim", "layers")),
    "model": Maker(model_section, (*_PLACE, "seed", "energy_table")),
    "search": Maker(search_section, (*_PLACE, *_SIZES, "seeds", "times")),
    "gap": Maker(
        gap_section,
        (
            *("per_network", "beside_chance", "proof_budget"),
            *("evaluations", "seed", "seeds", "energy_table"),
        ),
    ),
    "timeloop": Maker(timeloop_section, ("cases",)),
    "joint": Maker(joint_section, (*_SIZES, "seeds")),
    "nasaic": Maker(nasaic_section, (*_SIZES, "seeds")),
    "build": Maker(build_section, ()),
}
NAMES: Final = tuple(MAKERS)
ALL: Final = "all"


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
        typer.Option(
            min=2,
            max=MAX_POPULATION,
            help="Accelerators of a generation, instead of the due number.",
        ),
    ] = None,
    generations: Annotated[
        int | None,
        typer.Option(min=1, max=MAX_GENERATIONS, help="Generations, instead of the due number."),
    ] = None,
    evaluations: Annotated[
        int | None,
        typer.Option(min=1, max=MAX_COUNT, help="Mappings a layer, instead of the due number."),
    ] = None,
    seed: Annotated[
        int | None,
        typer.Option(min=0, max=MAX_SEED, help="Of everything random; 0 if not given (joint: 20)."),
    ] = None,
    seeds: Annotated[
        int | None,
        typer.Option(min=1, max=MAX_COUNT, help="Searches of each kind, from --seed on."),
    ] = None,
    energy_table: Annotated[
        str | None,
        typer.Option(help="Built-in energy table or a YAML file, in the place of ours."),
    ] = None,
    keep: Annotated[
        Path | None, typer.Option(help="Folder that keeps searches: the same command goes on.")
    ] = None,
    sim: Annotated[
        str | None, typer.Option(help="verilator, icarus, or none (utilization).")
    ] = None,
    layers: Annotated[
        str | None,
        typer.Option(
            help="Layers that are simulated, with commas; if not given eight of ResNet50's, "
            "all of another network's (utilization)."
        ),
    ] = None,
    cases: Annotated[
        Path | None, typer.Option(help="Timeloop's counts, as in the repository (timeloop).")
    ] = None,
    per_network: Annotated[
        int | None,
        typer.Option(min=1, max=MAX_COUNT, help="Layers of each built-in network (gap)."),
    ] = None,
    beside_chance: Annotated[
        int | None,
        typer.Option(
            min=0, max=MAX_COUNT, help="Layers of them that are searched at random too (gap)."
        ),
    ] = None,
    proof_budget: Annotated[
        int | None,
        typer.Option(
            min=1, max=MAX_COUNT, help="Mappings and tiles a layer of branch and bound (gap)."
        ),
    ] = None,
    times: Annotated[
        int | None,
        typer.Option(
            min=0,
            max=MAX_COUNT,
            help="Generations of the longer searches, by the others' (search).",
        ),
    ] = None,
    processes: Annotated[int, typer.Option(min=1, max=MAX_PROCESSES, help="Processes.")] = 2,
) -> int:
    """Make figures of docs/results.md again; an option that a section does not take is refused.

    speedup: accelerators searched with what five presets have, beside them, for three networks
    each. sizing: searches of sizes only. encoding: indices of parallel dims and loop orders.
    convergence: CMA-ES beside uniform points. All under two energy tables and over seeds, beside
    the paper's figures; --network and --preset take the place of all of theirs.
    edp: MobileNetV2 on an accelerator searched within Eyeriss' resources, beside the preset and
    *folded*, the best array for each layer that the chip's network could form.
    eyeriss: AlexNet and VGG16 layer by layer, the chip's published times beside preset and folded.
    sensitivity: the same search with DRAM at half and at twice its price, and with MAESTRO's
    constants.
    model: how fast the cost model is. search: optimisers of accelerators for ResNet50, and the
    default ten times as long.
    gap: the default mapping search beside branch and bound, other optimisers, and random search.
    utilization: ResNet50 on a C-K 16 x 16 array, predicted and simulated.
    timeloop: accesses beside Timeloop's for the same nests, each difference with its cause.
    joint: networks of ofa-resnet50 with their accelerators, beside rivals that search less.
    nasaic: a ResNet of 32 x 32 pixels on one accelerator and on a heterogeneous pair.
    build: two arrays of 64 PEs on an FPGA, place and route for an hour at most; to be run in the
    repository. all: every section with the options that it takes.

    Exit status 1 if a simulation differs from its prediction, a count is not explained, or a limit
    does not hold (gap: 2 % on 90 % of the layers, and chance nowhere better; search: 3 % above the
    longer one; joint: 1 % behind one after the other; model: the rates that are due).
    """
    if name not in (*NAMES, ALL):
        raise InputError(f"name must be one of {', '.join(NAMES)}, {ALL}, not {name!r}")
    options = Options(
        network=network,
        preset=preset,
        population=population,
        generations=generations,
        evaluations=evaluations,
        seed=seed,
        seeds=seeds,
        energy_table=energy_table,
        keep=keep,
        sim=sim,
        layers=layers,
        cases=cases,
        per_network=per_network,
        beside_chance=beside_chance,
        proof_budget=proof_budget,
        times=times,
        processes=processes,
    )
    screen = Console(stderr=True, highlight=False, soft_wrap=True)
    if name != ALL:
        MAKERS[name].check(name, options)
    good = True
    for wanted in NAMES if name == ALL else (name,):
        started = time.perf_counter()
        made = MAKERS[wanted]
        section = made.make(made.taken(options) if name == ALL else options, screen)
        _deliver(into, wanted, section)
        minutes = (time.perf_counter() - started) / 60
        verdict = "" if section.holds else "; a limit does not hold"
        screen.print(f"{wanted}: {minutes:.1f} minutes{verdict}", markup=False)
        good = good and section.holds
    return ExitStatus.DONE if good else ExitStatus.DIFFERENT


def _deliver(into: Path | None, name: str, section: Section) -> None:
    from naas_hw.experiments.results import write_section

    if into is None:
        print(section.body)
    else:
        command = " ".join((*section.words, "--into", into.as_posix()))
        write_section(into, name, command, section.body)
