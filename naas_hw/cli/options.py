"""Arguments and options that several commands have, each said once."""

from pathlib import Path
from typing import Annotated

import typer

from naas_hw.cli.choices import (
    MAX_COUNT,
    MAX_GENERATIONS,
    MAX_LEGAL,
    MAX_POPULATION,
    MAX_SEED,
)
from naas_hw.cli.panels import EFFORT, HARDWARE, MAIN, METHOD, OUTPUT, RUN, TIMELOOP

DesignFolder = Annotated[
    Path, typer.Argument(help="A run folder, or a folder with a design's files.")
]
BudgetName = Annotated[
    str,
    typer.Option(
        "--budget",
        help="The resources that the accelerator may use: a preset's name, a board's name, or a "
        "YAML file of a budget or of a board.",
        rich_help_panel=MAIN,
    ),
]
BudgetWithoutBoard = Annotated[
    str,
    typer.Option(
        "--budget",
        help="The resources that the accelerator may use: a preset's name, or a YAML file of a "
        "budget.",
        rich_help_panel=MAIN,
    ),
]
NewRun = Annotated[
    Path,
    typer.Option(
        "--output", "-o", help="The run folder that the command makes.", rich_help_panel=MAIN
    ),
]
ObjectiveName = Annotated[
    str,
    typer.Option(
        "--objective",
        help="What the search minimises: edp (energy times cycles), latency or energy.",
        rich_help_panel=MAIN,
    ),
]
ObjectiveOfBudget = Annotated[
    str | None,
    typer.Option(
        "--objective",
        help="What the search minimises: edp (energy times cycles), latency or energy; by default "
        "edp, and latency with a board as the budget. With a board, time is in milliseconds.",
        rich_help_panel=MAIN,
    ),
]
Seed = Annotated[
    int,
    typer.Option(
        "--seed",
        min=0,
        max=MAX_SEED,
        help="Random seed: the same seed gives the same result.",
        rich_help_panel=MAIN,
    ),
]
Generations = Annotated[
    int,
    typer.Option(
        "--generations",
        min=1,
        max=MAX_GENERATIONS,
        help="Number of generations of accelerators.",
        rich_help_panel=EFFORT,
    ),
]
Population = Annotated[
    int,
    typer.Option(
        "--population",
        min=2,
        max=MAX_POPULATION,
        help="Number of accelerators in a generation.",
        rich_help_panel=EFFORT,
    ),
]
Evaluations = Annotated[
    int,
    typer.Option(
        "--evaluations",
        min=1,
        max=MAX_COUNT,
        help="Number of mappings tried for each layer of each accelerator.",
        rich_help_panel=EFFORT,
    ),
]
Screening = Annotated[
    int,
    typer.Option(
        "--screening",
        min=1,
        max=MAX_POPULATION,
        help="Screening factor N: evaluate N times the population with 1/8 of the evaluations, "
        "and keep the best.",
        rich_help_panel=EFFORT,
    ),
]
MinLegal = Annotated[
    int,
    typer.Option(
        "--min-legal",
        min=1,
        max=MAX_LEGAL,
        help="Minimum number of distinct legal mappings to try for a layer that has so many.",
        rich_help_panel=EFFORT,
    ),
]
Ties = Annotated[
    float,
    typer.Option(
        "--ties",
        min=0,
        max=1,
        help="With the objective latency, after branch and bound: among the mappings that take "
        "at most this share more cycles than the fastest, choose the one with the least "
        "DRAM traffic. 0 chooses the fastest, and so does a search without branch and "
        "bound.",
        rich_help_panel=EFFORT,
    ),
]
OptimiserName = Annotated[
    str,
    typer.Option(
        "--optimiser",
        help="Optimiser of accelerators: climb, cma, genetic, differential or random.",
        rich_help_panel=METHOD,
    ),
]
MappingOptimiserName = Annotated[
    str,
    typer.Option(
        "--mapping-optimiser",
        help="Optimiser of mappings: evolve, cma or random.",
        rich_help_panel=METHOD,
    ),
]
EncodingName = Annotated[
    str,
    typer.Option(
        "--encoding",
        help="Encoding of parallel dims as numbers: importance or index. The mapping optimisers "
        "cma and random encode loop orders in the same way.",
        rich_help_panel=METHOD,
    ),
]
Simulator = Annotated[
    str, typer.Option("--sim", help="The simulator: verilator or icarus.", rich_help_panel=MAIN)
]
Stalls = Annotated[
    bool,
    typer.Option(
        "--stalls",
        help="Let the memory stall at random; then only output bits are compared.",
        rich_help_panel=HARDWARE,
    ),
]
Memory = Annotated[
    str,
    typer.Option(
        "--memory",
        help="How the memory handshakes: exact, any (drawn at random), a name or settings. Unless "
        "it is exact, only output bits are compared.",
        rich_help_panel=HARDWARE,
    ),
]
Pad = Annotated[
    bool,
    typer.Option(
        "--pad",
        help="Enlarge problems whose edges Timeloop cannot count.",
        rich_help_panel=TIMELOOP,
    ),
]
Resume = Annotated[
    bool,
    typer.Option(
        "--resume", help="Continue the search that is in the run folder.", rich_help_panel=RUN
    ),
]
Force = Annotated[
    bool,
    typer.Option("--force", help="Replace the run that is in the run folder.", rich_help_panel=RUN),
]
Json = Annotated[
    bool, typer.Option("--json", help="Print JSON instead of text.", rich_help_panel=OUTPUT)
]
