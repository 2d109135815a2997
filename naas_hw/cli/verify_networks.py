"""`naas verify --networks`: random networks on the RTL."""

from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

from naas_hw.cli.exits import ExitStatus

if TYPE_CHECKING:
    from naas_hw.verify.networks.report import NetworkCaseResult, NetworksReport


def verify_networks(
    num_cases: int, *, seed: int, sim: str, processes: int, output: Path, as_json: bool
) -> ExitStatus:
    """Run random networks, print what differed."""
    from naas_hw.sim.simulators import find_simulator
    from naas_hw.verify.networks.check import verify_networks as run_networks
    from naas_hw.verify.networks.report import networks_json

    screen = Console(stderr=True, highlight=False, soft_wrap=True)

    def tell(result: "NetworkCaseResult") -> None:
        screen.print(_line(result), markup=False)

    report = run_networks(
        num_cases,
        seed,
        simulator=find_simulator(sim),
        num_processes=processes,
        folder=output,
        progress=tell if screen.is_terminal else None,
    )
    print(networks_json(report) if as_json else _words(report))
    return ExitStatus.DONE if report.ok else ExitStatus.DIFFERENT


def verify_network_case(folder: Path, *, sim: str) -> ExitStatus:
    """Run the network that an earlier run wrote, print what differs."""
    from naas_hw.sim.simulators import find_simulator
    from naas_hw.verify.networks.check import run_network_case
    from naas_hw.verify.networks.files import read_network_case

    result = run_network_case(read_network_case(folder), simulator=find_simulator(sim))
    print(_line(result))
    return ExitStatus.DONE if result.ok else ExitStatus.DIFFERENT


def _line(result: "NetworkCaseResult") -> str:
    from naas_hw.verify.networks.report import network_text

    word = f"{result.cycles:,} cycles, equal" if result.ok else f"FAILED: {result.problem}"
    return f"{result.index}: {network_text(result.case)}: {word}"


def _words(report: "NetworksReport") -> str:
    from naas_hw.verify.networks.report import network_text, reproduce_command

    lines = []
    for failure in report.failures:
        result = failure.result
        lines += [
            f"network {result.index} failed ({network_text(result.case)}): {result.problem}",
            f"  reduced to {failure.folder}; run it with: {reproduce_command(report, failure)}",
        ]
    for title, counts in (("coverage", report.coverage), ("rejections", report.rejections)):
        lines.append(
            f"{title}: " + ", ".join(f"{name} {number}" for name, number in counts.items())
        )
    compared = "cycles, counts and output bytes"
    lines.append(
        f"{len(report.results)} networks with {report.simulator}, seed {report.seed}: "
        + (
            f"{compared} equal in all"
            if report.ok
            else f"{len(report.failures)} failed ({compared} compared)"
        )
    )
    return "\n".join(lines)
