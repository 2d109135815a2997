"""`naas verify`: random triples of accelerator, layer and mapping on the RTL."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from naas_hw.cli.choices import MAX_COUNT, MAX_PROCESSES, MAX_SEED
from naas_hw.cli.exits import ExitStatus
from naas_hw.cli.given import refuse_given
from naas_hw.cli.verify_corrupt import verify_corrupt

if TYPE_CHECKING:
    from naas_hw.verify.random import CaseResult, VerifyReport


def verify(
    context: typer.Context,
    num_random: Annotated[
        int,
        typer.Option(
            "--random", min=1, max=MAX_COUNT, help="Triples; up to four share one accelerator."
        ),
    ] = 40,
    num_corrupt: Annotated[
        int | None,
        typer.Option(
            "--corrupt",
            min=1,
            max=MAX_COUNT,
            help="Corrupt so many descriptors instead; see below.",
        ),
    ] = None,
    seed: Annotated[
        int, typer.Option(min=0, max=MAX_SEED, help="Of the draw and of the tensors.")
    ] = 0,
    sim: Annotated[str, typer.Option(help="icarus or verilator.")] = "verilator",
    stalls: Annotated[
        bool,
        typer.Option("--stalls", help="The memory stalls at random; only bits are compared."),
    ] = False,
    memory: Annotated[
        str,
        typer.Option(
            help="exact, any, or habits of the memory; unless exact, only bits are compared."
        ),
    ] = "exact",
    size: Annotated[
        str, typer.Option(help="small or large; large reaches 1,024 PEs, latency 1,000 and wraps.")
    ] = "small",
    processes: Annotated[
        int, typer.Option(min=1, max=MAX_PROCESSES, help="Accelerators at a time.")
    ] = 2,
    output: Annotated[
        Path, typer.Option("--output", "-o", help="Folder for the files of failing triples.")
    ] = Path("verify_failures"),
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> int:
    """Draw triples of accelerator, layer and mapping at random; compare.

    Arrays have 1 to 3 axes of any dims and up to 256 PEs, layers are of every kind with up to 512
    channels and 112 rows and columns; a layer is made smaller until it takes at most 200,000
    cycles (Icarus: 20,000). All mappings that are legal can be drawn.

    Large draws have up to 1,024 PEs, latency 1,000 and three times as many cycles, and every other
    triple has tensors whose sums wrap and whose outputs clamp.

    Each is generated, simulated, and compared with the model: cycles piece by piece, counted
    accesses, output bits. Up to four triples differ in layer, mapping and the memory outside, and
    share the hardware of one accelerator, because a simulator builds longer than it runs. From 40
    triples on no bin of `coverage` is empty, for any seed. A triple that fails is reduced and
    written as files that `naas simulate` takes.

    Before most triples something else happens in the same simulation, each kind in turn: a reset
    of accelerator and memory or of the accelerator alone at a random cycle, a start that ends in an
    error. The run after it has to be exact.

    With `--memory any` the memory handshakes in another way in each triple, out of all that AXI4
    allows: which READY waits for which VALID, how much is outstanding, how fast each channel is,
    when responses come. A name, as `address_after_data_offered`, or settings, as a failure prints
    them, choose one way for all triples.

    With `--corrupt N` descriptors of random layers are changed, in one to many bits, fields or
    beats; half of them get a checksum that is right again. Each is started, and a good one behind
    it, which has to be exact. What becomes of a corrupted one: `harmless`, `refused` before its
    layer starts, `told` in the status, `stuck`, `outside` (a write beyond the range in the
    registers), `silent` (a wrong output, no error, though the checksum is wrong),
    `silent_valid_checksum`. Only refused, told, harmless and the last may happen. In JSON,
    differences and mismatches are those of the good starts, and coverage is by kind of change.

    Exit status 1 if a triple fails.
    """
    if num_corrupt is not None:
        others = ("num_random", "stalls", "memory", "size", "output")
        refuse_given(context, others, "with --corrupt")
        return verify_corrupt(num_corrupt, seed=seed, sim=sim, processes=processes, as_json=as_json)
    from naas_hw.cli.choices import choice_of
    from naas_hw.sim.simulators import find_simulator
    from naas_hw.verify.coverage import Size
    from naas_hw.verify.random import case_text, report_json
    from naas_hw.verify.random import verify as run_verify

    screen = Console(stderr=True, highlight=False, soft_wrap=True)

    def tell(result: "CaseResult") -> None:
        word = f"{result.cycles:,} cycles, equal" if result.ok else f"FAILED: {result.problem}"
        screen.print(f"{result.index}: {case_text(result.case)}: {word}", markup=False)

    report = run_verify(
        num_random,
        seed,
        simulator=find_simulator(sim),
        stalls=stalls,
        memory=memory,
        size=choice_of(Size, size, "size"),
        num_processes=processes,
        folder=output,
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
