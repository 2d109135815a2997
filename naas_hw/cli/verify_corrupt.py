"""`naas verify --corrupt`: corrupted descriptors on the RTL."""

from typing import TYPE_CHECKING

from rich.console import Console

from naas_hw.cli.exits import ExitStatus

if TYPE_CHECKING:
    from naas_hw.verify.corruption_report import CorruptReport, CorruptResult


def verify_corrupt(
    num_corruptions: int, *, seed: int, sim: str, processes: int, as_json: bool
) -> ExitStatus:
    """Corrupt descriptors, print what became of them."""
    from naas_hw.sim.simulators import find_simulator
    from naas_hw.verify.corruption_check import verify_corrupt as run_corrupt
    from naas_hw.verify.corruption_report import corrupt_json

    screen = Console(stderr=True, highlight=False, soft_wrap=True)

    def tell(result: "CorruptResult") -> None:
        after = "" if result.next_is_exact else "; THE NEXT START WAS NOT EXACT"
        screen.print(f"{result.index}: {result.what}: {result.outcome}{after}", markup=False)

    report = run_corrupt(
        num_corruptions,
        seed,
        simulator=find_simulator(sim),
        num_processes=processes,
        progress=tell if screen.is_terminal else None,
    )
    print(corrupt_json(report) if as_json else _words(report))
    return ExitStatus.DONE if report.ok else ExitStatus.DIFFERENT


def _words(report: "CorruptReport") -> str:
    lines = [
        f"case {result.index} failed: {result.what}: {result.outcome}, status {result.status:#x}, "
        f"next start {'exact' if result.next_is_exact else 'not exact'}"
        for result in report.results
        if not result.ok
    ]
    counts = ", ".join(f"{number} {name}" for name, number in report.counts.items())
    num_exact = sum(result.next_is_exact for result in report.results)
    number = len(report.results)
    lines.append(
        f"{number} corrupted descriptors with {report.simulator}, seed {report.seed}: {counts}; "
        f"the next start was exact after {num_exact}"
    )
    return "\n".join(lines)
