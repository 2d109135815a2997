"""What `naas verify --networks` found, in words and as JSON."""

import json
from dataclasses import dataclass
from pathlib import Path

from naas_hw.verify.networks.case import NetworkCase


@dataclass(frozen=True, kw_only=True, eq=False)
class NetworkCaseResult:
    """What became of one network.

    Parameters
    ----------
    index : in the draw.
    cycles : simulated, of all starts.
    cycle_difference, count_difference : largest ones of a layer or a start; None where it did not
        run.
    problem : what is wrong, in words; empty if nothing is.
    hung : whether no interrupt came.
    reduced : a smaller network that fails too, where this one fails.
    """

    index: int
    case: NetworkCase
    cycles: int
    cycle_difference: int | None
    count_difference: int | None
    output_mismatches: int
    problem: str
    hung: bool = False
    reduced: NetworkCase | None = None

    @property
    def ok(self) -> bool:
        """Whether all that was compared is equal."""
        return not self.problem


@dataclass(frozen=True, kw_only=True, eq=False)
class NetworkFailure:
    """A failing network, and the folder that holds its files."""

    result: NetworkCaseResult
    folder: Path


@dataclass(frozen=True, kw_only=True, eq=False)
class NetworksReport:
    """What `verify_networks` found.

    Parameters
    ----------
    results : of every network, in the order of the draw.
    coverage : networks in each bin.
    rejections : networks that were drawn and not taken, by the reason.
    failures : what was written of those that failed.
    """

    simulator: str
    seed: int
    results: tuple[NetworkCaseResult, ...]
    coverage: dict[str, int]
    rejections: dict[str, int]
    failures: tuple[NetworkFailure, ...]

    @property
    def ok(self) -> bool:
        """Whether no network failed."""
        return all(result.ok for result in self.results)


def network_text(case: NetworkCase) -> str:
    """One line about a case."""
    accelerator = case.accelerator
    latency, period = accelerator.dram_latency_cycles, accelerator.dram_beat_period_cycles
    way = "whole starts" if case.is_whole else "layer by layer"
    return (
        f"{accelerator.array_text}, {accelerator.beat_bytes} bytes a beat, latency {latency}, "
        f"period {period}; {len(case.graph.operators)} operators in {len(case.mappings)} layers, "
        f"{way}"
    )


def reproduce_command(report: NetworksReport, failure: NetworkFailure) -> str:
    """What runs a failing network again."""
    return f"naas verify --networks --case {failure.folder} --sim {report.simulator.split()[0]}"


def networks_json(report: NetworksReport) -> str:
    """The report as JSON."""
    cycles = [r.cycle_difference for r in report.results if r.cycle_difference is not None]
    counts = [r.count_difference for r in report.results if r.count_difference is not None]
    return json.dumps(
        {
            "version": 1,
            "simulator": report.simulator,
            "seed": report.seed,
            "cases": len(report.results),
            "failed": sum(not result.ok for result in report.results),
            "hung": sum(result.hung for result in report.results),
            "max_cycle_difference": max(cycles, default=None),
            "max_count_difference": max(counts, default=None),
            "output_mismatches": sum(result.output_mismatches for result in report.results),
            "coverage": report.coverage,
            "rejections": report.rejections,
            "failures": [
                {
                    "case": failure.result.index,
                    "what": network_text(failure.result.case),
                    "problem": failure.result.problem,
                    "folder": str(failure.folder),
                    "command": reproduce_command(report, failure),
                }
                for failure in report.failures
            ],
            "ok": report.ok,
        },
        indent=1,
    )
