"""`naas reproduce NAME`: measures figures of docs/results.md again."""

import time
from functools import partial
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.console import Console

from naas_hw.cli.choices import MAX_COUNT, MAX_GENERATIONS, MAX_POPULATION, MAX_PROCESSES, MAX_SEED
from naas_hw.cli.exits import ExitStatus
from naas_hw.cli.panels import EFFORT, FPGA, MAIN, OUTPUT, SECTIONS
from naas_hw.cli.reproduce.build import build_section
from naas_hw.cli.reproduce.checks import gap_section, timeloop_section, utilization_section
from naas_hw.cli.reproduce.designs import edp_section, sensitivity_section
from naas_hw.cli.reproduce.drain import drain_section
from naas_hw.cli.reproduce.eyeriss import eyeriss_section
from naas_hw.cli.reproduce.fpga import fpga_section
from naas_hw.cli.reproduce.hardware_options import options_section
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
    "drain": Maker(drain_section, _SEARCHES),
    "utilization": Maker(utilization_section, (*_PLACE, "evaluations", "seed", "sim", "layers")),
    "model": Maker(model_section, (*_PLACE, "seed", "energy_table")),
    "search": Maker(search_section, (*_PLACE, *_SIZES, "seeds", "times")),
    "gap": Maker(
        gap_section,
        (
            *("per_network", "random_layers", "proof_budget"),
            *("evaluations", "seed", "seeds", "energy_table"),
        ),
    ),
    "timeloop": Maker(timeloop_section, ("cases",)),
    "joint": Maker(joint_section, (*_SIZES, "seeds")),
    "nasaic": Maker(nasaic_section, (*_SIZES, "seeds")),
    "build": Maker(build_section, ()),
    "options": Maker(options_section, ("limit_minutes",)),
    "fpga": Maker(
        fpga_section,
        (
            *("data", "designs", "held_out", "large"),
            *("limit_minutes", "synthesis_only", "seed", "keep"),
        ),
    ),
}
NAMES: Final = tuple(MAKERS)
ALL: Final = "all"


def reproduce(
    name: Annotated[str, typer.Argument(help=f"One of {', '.join(NAMES)}, {ALL}.")],
    network: Annotated[
        str | None,
        typer.Option(
            help="A built-in network or a .yaml file, instead of the section's own networks; for "
            "drain several, separated by commas.",
            rich_help_panel=MAIN,
        ),
    ] = None,
    preset: Annotated[
        str | None,
        typer.Option(help="A preset, instead of the section's own presets.", rich_help_panel=MAIN),
    ] = None,
    energy_table: Annotated[
        str | None,
        typer.Option(
            help="A built-in energy table or a YAML file, instead of the section's own tables.",
            rich_help_panel=MAIN,
        ),
    ] = None,
    seed: Annotated[
        int | None,
        typer.Option(
            min=0,
            max=MAX_SEED,
            help="Random seed, by default 0 (joint: 20). The same seed gives the same result.",
            rich_help_panel=MAIN,
        ),
    ] = None,
    seeds: Annotated[
        int | None,
        typer.Option(
            min=1,
            max=MAX_COUNT,
            help="Number of searches of each kind; their seeds count up from --seed.",
            rich_help_panel=EFFORT,
        ),
    ] = None,
    generations: Annotated[
        int | None,
        typer.Option(
            min=1,
            max=MAX_GENERATIONS,
            help="Number of generations of accelerators.",
            rich_help_panel=EFFORT,
        ),
    ] = None,
    population: Annotated[
        int | None,
        typer.Option(
            min=2,
            max=MAX_POPULATION,
            help="Number of accelerators in a generation.",
            rich_help_panel=EFFORT,
        ),
    ] = None,
    evaluations: Annotated[
        int | None,
        typer.Option(
            min=1,
            max=MAX_COUNT,
            help="Number of mappings tried for each layer.",
            rich_help_panel=EFFORT,
        ),
    ] = None,
    keep: Annotated[
        Path | None,
        typer.Option(
            help="A folder that keeps searches, so that the same command continues them.",
            rich_help_panel=EFFORT,
        ),
    ] = None,
    processes: Annotated[
        int,
        typer.Option(
            min=1,
            max=MAX_PROCESSES,
            help="Number of worker processes.",
            rich_help_panel=EFFORT,
        ),
    ] = 2,
    sim: Annotated[
        str | None,
        typer.Option(
            help="utilization: the simulator, verilator, icarus or none.",
            rich_help_panel=SECTIONS,
        ),
    ] = None,
    layers: Annotated[
        str | None,
        typer.Option(
            help="utilization: names of the layers that are simulated, separated by commas; by "
            "default eight layers of ResNet50, and all layers of another network.",
            rich_help_panel=SECTIONS,
        ),
    ] = None,
    cases: Annotated[
        Path | None,
        typer.Option(
            help="timeloop: the file of Timeloop's counts, by default the repository's.",
            rich_help_panel=SECTIONS,
        ),
    ] = None,
    per_network: Annotated[
        int | None,
        typer.Option(
            min=1,
            max=MAX_COUNT,
            help="gap: number of layers of each built-in network.",
            rich_help_panel=SECTIONS,
        ),
    ] = None,
    random_layers: Annotated[
        int | None,
        typer.Option(
            min=0,
            max=MAX_COUNT,
            help="gap: number of these layers that random search maps too.",
            rich_help_panel=SECTIONS,
        ),
    ] = None,
    proof_budget: Annotated[
        int | None,
        typer.Option(
            min=1,
            max=MAX_COUNT,
            help="gap: number of mappings and tiles that branch and bound visits for each layer.",
            rich_help_panel=SECTIONS,
        ),
    ] = None,
    times: Annotated[
        int | None,
        typer.Option(
            min=0,
            max=MAX_COUNT,
            help="search: the longer searches have this number of times the generations of the "
            "others.",
            rich_help_panel=SECTIONS,
        ),
    ] = None,
    data: Annotated[
        Path | None,
        typer.Option(
            help="The folder of the built designs, by default that of the model.",
            rich_help_panel=FPGA,
        ),
    ] = None,
    designs: Annotated[
        int | None,
        typer.Option(
            min=1,
            max=MAX_COUNT,
            help="Number of designs that the model is fitted to, by default 30.",
            rich_help_panel=FPGA,
        ),
    ] = None,
    held_out: Annotated[
        int | None,
        typer.Option(
            min=0,
            max=MAX_COUNT,
            help="Number of designs that the model is tested with, by default 10.",
            rich_help_panel=FPGA,
        ),
    ] = None,
    large: Annotated[
        int | None,
        typer.Option(
            min=0,
            max=MAX_COUNT,
            help="Number of large designs that are only synthesised, for the fit of resources, "
            "by default 6.",
            rich_help_panel=FPGA,
        ),
    ] = None,
    limit_minutes: Annotated[
        float | None,
        typer.Option(
            help="Time limit of synthesis, and of place and route for each seed, by default 60.",
            rich_help_panel=FPGA,
        ),
    ] = None,
    synthesis_only: Annotated[
        bool,
        typer.Option(
            "--synthesis-only",
            help="Do not place and route; designs that are built so have no clock.",
            rich_help_panel=FPGA,
        ),
    ] = False,
    into: Annotated[
        Path | None,
        typer.Option(
            help="A document whose section is replaced; without it the section is printed.",
            rich_help_panel=OUTPUT,
        ),
    ] = None,
) -> int:
    """Reproduce the figures of docs/results.md.

    An option that a section does not take is refused. The sections are listed below the options.

    The first four sections use three networks for each preset, two energy tables and several seeds,
    and show the paper's figures too; --network and --preset replace all of theirs.

    The exit status is 1 if a simulation differs from its prediction, a count is not explained, or
    one of these limits does not hold. In gap, the distance to the proven bound is at most 2 % on 90
    % of the layers, and random search is better on none. In search, the objective is at most 3 %
    above that of the longer search. In drain, cycles and energy times cycles are at most the shares
    in its tables. In joint, the objective is at most 1 % above that of one search after the other.
    In fpga, multipliers and block memories are exact, LUTs and flip-flops within 10 %, and the
    clock within 15 %. In model, the rates reach those that are required.

    Examples
    --------
    naas reproduce edp
    naas reproduce speedup --network mobilenet_v2 --preset eyeriss --seeds 1
    naas reproduce all --keep kept --into docs/results.md

    Sections
    --------
    - speedup: accelerators searched within the resources of five presets, compared with them.
    - sizing: the same searches, of sizes only.
    - encoding: the same searches, with indices of parallel dims and of loop orders.
    - convergence: CMA-ES compared with uniform random points.
    - edp: MobileNetV2 on an accelerator searched within Eyeriss' resources, compared with the
    preset and with the best array for each layer that the chip's network could form (folded).
    - eyeriss: AlexNet and VGG16 layer by layer, the chip's published times compared with the preset
    and the folded array.
    - sensitivity: the search of edp with DRAM at half and at twice its energy, and with MAESTRO's
    constants.
    - drain: accelerators whose drain finishes a quarter of a beat in a cycle, compared with those
    whose lanes of drain are searched, and with the roofline.
    - utilization: ResNet50 on a C-K 16 x 16 array, predicted and simulated.
    - model: how fast the cost model is.
    - search: optimisers of accelerators for ResNet50, compared with a search ten times as long.
    - gap: the default mapping search compared with branch and bound, with other optimisers and with
    random search.
    - timeloop: accesses compared with Timeloop's for the same loop nests, each difference with its
    cause.
    - joint: networks of ofa-resnet50 with their accelerators, compared with searches that search
    less.
    - nasaic: a ResNet for 32 x 32 pixels on one accelerator and on a heterogeneous pair.
    - build: two arrays of 64 PEs on an FPGA, with an hour for place and route; this section must
    run in the repository.
    - options: what each width of drain and each option of the hardware adds on an FPGA; this
    section must run in the repository.
    - fpga: resources and clock as a search for a board predicts them, compared with designs that
    are built; the same command continues after a stop.
    - all: every section, with the options that it takes.
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
        random_layers=random_layers,
        proof_budget=proof_budget,
        times=times,
        data=data,
        designs=designs,
        held_out=held_out,
        large=large,
        limit_minutes=limit_minutes,
        synthesis_only=synthesis_only or None,
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
