"""`naas verify`: random triples of accelerator, layer and mapping on the RTL."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from naas_hw.cli.choices import MAX_COUNT, MAX_PROCESSES
from naas_hw.cli.exits import ExitStatus
from naas_hw.cli.given import refuse_given
from naas_hw.cli.options import Json, Memory, Seed, Simulator, Stalls
from naas_hw.cli.panels import HARDWARE, MAIN, RUN
from naas_hw.cli.verify_corrupt import verify_corrupt
from naas_hw.cli.verify_networks import verify_network_case, verify_networks

if TYPE_CHECKING:
    from naas_hw.verify.random import CaseResult, VerifyReport


def verify(
    context: typer.Context,
    num_random: Annotated[
        int,
        typer.Option(
            "--random",
            min=1,
            max=MAX_COUNT,
            help="Number of random triples, or networks; some share one accelerator.",
            rich_help_panel=MAIN,
        ),
    ] = 40,
    networks: Annotated[
        bool,
        typer.Option(
            "--networks",
            help="Run random networks instead, as described above.",
            rich_help_panel=MAIN,
        ),
    ] = False,
    case: Annotated[
        Path | None,
        typer.Option(
            "--case",
            help="With --networks: run only the network of a folder that an earlier run wrote.",
            rich_help_panel=MAIN,
        ),
    ] = None,
    num_corrupt: Annotated[
        int | None,
        typer.Option(
            "--corrupt",
            min=1,
            max=MAX_COUNT,
            help="Corrupt this number of descriptors instead, as described above.",
            rich_help_panel=MAIN,
        ),
    ] = None,
    seed: Seed = 0,
    sim: Simulator = "verilator",
    output: Annotated[
        Path,
        typer.Option(
            "--output",
            "-o",
            help="The folder for the files of triples that fail.",
            rich_help_panel=MAIN,
        ),
    ] = Path("verify_failures"),
    size: Annotated[
        str,
        typer.Option(
            help="Size of the cases: small, or large: up to 1,024 PEs, a latency of 1,000 and "
            "partial sums that wrap.",
            rich_help_panel=HARDWARE,
        ),
    ] = "small",
    family: Annotated[
        str,
        typer.Option(
            help="Simulate the multiplier and the memories of a family of FPGAs, with models of "
            "their primitives: generic, ecp5 or ice40.",
            rich_help_panel=HARDWARE,
        ),
    ] = "generic",
    stalls: Stalls = False,
    memory: Memory = "exact",
    processes: Annotated[
        int,
        typer.Option(
            min=1,
            max=MAX_PROCESSES,
            help="Number of accelerators simulated at a time.",
            rich_help_panel=RUN,
        ),
    ] = 2,
    as_json: Json = False,
) -> int:
    """Draw accelerators, layers and mappings at random and compare the RTL with the model.

    Each triple of an accelerator, a layer and a mapping is generated, simulated and compared with
    the model: cycles piece by piece, counted accesses, output bits. Any legal mapping can be drawn.
    Up to four triples share the hardware of one accelerator and differ in layer, mapping and
    external memory. From 40 triples on, every bin of `coverage` is hit, for any seed. A triple that
    fails is reduced and written as files that `naas simulate` takes. The exit status is 1 if a
    triple fails.

    Small arrays have 1 to 3 axes of any dims and up to 256 PEs. Layers are of every kind, with up
    to 512 channels and 112 rows and columns; a layer is made smaller until it takes at most 200,000
    cycles (Icarus: 20,000). Large draws have up to 1,024 PEs, a latency of 1,000 and three times as
    many cycles, and every other triple has tensors whose partial sums wrap and whose outputs clamp.

    Before most triples, another event happens in the same simulation: a reset of accelerator and
    memory or of the accelerator alone at a random cycle, or a start that ends in an error. The run
    after it must be exact.

    With --memory any, each triple has its own way of handshaking, among all that AXI4 allows: which
    READY waits for which VALID, how many transfers are outstanding, how fast each channel is, when
    responses come. A name, such as address_after_data_offered, or the settings that a failure
    prints choose one way for all triples.

    With --corrupt N, descriptors of random layers are changed in one or more bits, fields or beats;
    half of them get a valid checksum again. A good descriptor runs after each, and must be exact. A
    corrupted descriptor ends as one of these:
    - harmless: the output is right.
    - refused: it is rejected before its layer starts.
    - told: the status reports an error.
    - silent_valid_checksum: the output is wrong, no error is reported, and the checksum is valid.
    - stuck, outside (a write beyond the range in the registers) or silent (a wrong output without
    an error, though the checksum is wrong): these must not happen.

    With --networks, the cases are random networks in integers on at most six accelerators with all
    optional hardware: branches, residuals, concatenations, crops, pooling, tables, and host
    operators in between. Half of them run one layer at a time. The others run one start at a time,
    each on the memory contents that the previous start left. From 40 networks on, every bin of
    `coverage` is hit. A network that fails is reduced and written as files that --case takes.

    In JSON, differences and mismatches are those of the good descriptors, and coverage counts kinds
    of change.

    Examples
    --------
    naas verify --random 40 --seed 1
    naas verify --random 100 --size large --sim verilator --json
    naas verify --random 40 --memory any
    naas verify --random 40 --family ecp5
    naas verify --corrupt 100
    naas verify --networks --random 40 --seed 1
    """
    if networks:
        refuse_given(
            context, ("num_corrupt", "stalls", "memory", "size", "family"), "with --networks"
        )
        if case is not None:
            others = ("num_random", "seed", "output", "processes", "as_json")
            refuse_given(context, others, "with --case")
            return verify_network_case(case, sim=sim)
        return verify_networks(
            num_random, seed=seed, sim=sim, processes=processes, output=output, as_json=as_json
        )
    refuse_given(context, ("case",), "without --networks")
    if num_corrupt is not None:
        settings = ("num_random", "stalls", "memory", "size", "family", "output")
        refuse_given(context, settings, "with --corrupt")
        return verify_corrupt(num_corrupt, seed=seed, sim=sim, processes=processes, as_json=as_json)
    from naas_hw import api
    from naas_hw.arch.families import Family
    from naas_hw.cli.choices import choice_of
    from naas_hw.verify.coverage import Size
    from naas_hw.verify.random import case_text, report_json

    screen = Console(stderr=True, highlight=False, soft_wrap=True)

    def tell(result: "CaseResult") -> None:
        word = f"{result.cycles:,} cycles, equal" if result.ok else f"FAILED: {result.problem}"
        screen.print(f"{result.index}: {case_text(result.case)}: {word}", markup=False)

    report = api.verify(
        api.VerifySettings(
            num_cases=num_random,
            seed=seed,
            simulator=sim,
            stalls=stalls,
            memory=memory,
            size=choice_of(Size, size, "size"),
            family=choice_of(Family, family, "family"),
        ),
        folder=output,
        num_processes=processes,
        progress=tell if screen.is_terminal else None,
    )
    if as_json:
        print(report_json(report))
    else:
        _print_report(report)
    return ExitStatus.DONE if report.ok else ExitStatus.DIFFERENT


def _print_report(report: "VerifyReport") -> None:
    from naas_hw.verify.random import case_text, reproduce_command

    for failure in report.failures:
        result = failure.result
        print(f"case {result.index} failed ({case_text(result.case)}): {result.problem}")
        if result.habits is not None:
            print(f"  habits of the memory: {result.habits}")
        print(f"  reduced to {failure.folder}; run it with: {reproduce_command(report, failure)}")
    for title, counts in (("coverage", report.coverage), ("rejections", report.rejections)):
        print(f"{title}: " + ", ".join(f"{name} {number}" for name, number in counts.items()))
    exact = report.memory == "exact" and not report.stalls
    compared = "output bits" if not exact else "cycles, counts and output bits"
    failed = len(report.failures)
    print(
        f"{len(report.results)} cases with {report.simulator}, seed {report.seed}: "
        + (f"{compared} equal in all" if report.ok else f"{failed} failed ({compared} compared)")
    )
