"""What became of corrupted descriptors, and the counts of it as JSON."""

import json
from collections import Counter
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from naas_hw.verify.corruption import CorruptionKind

GOOD: Final = "done, status 0x0"


class CorruptionOutcome(StrEnum):
    """What became of a corrupted descriptor.

    harmless: the output is right and the status is 0. refused: no layer began, and the status says
    why. told: the layer ran, and the status says that something is wrong. stuck: no end within the
    limit of cycles. outside: a byte beyond the range in the registers was written. silent: the
    output is wrong and the status is 0, although the checksum is wrong. silent_valid_checksum: the
    same where the checksum is right.
    """

    HARMLESS = "harmless"
    REFUSED = "refused"
    TOLD = "told"
    STUCK = "stuck"
    OUTSIDE = "outside"
    SILENT = "silent"
    SILENT_VALID_CHECKSUM = "silent_valid_checksum"


FORBIDDEN: Final = (CorruptionOutcome.STUCK, CorruptionOutcome.OUTSIDE, CorruptionOutcome.SILENT)


@dataclass(frozen=True, kw_only=True)
class CorruptResult:
    """One corrupted start, and the good one behind it.

    Parameters
    ----------
    index : of the corruption in the draw.
    kind : of the change; what : in words, with its checksum and of which layer.
    status : of the register.
    next_status : how the good start behind it ended, and its register: "done, status 0x0".
    cycle_difference, count_difference, output_mismatches : of that good start, the largest ones.
    """

    index: int
    kind: CorruptionKind
    what: str
    outcome: CorruptionOutcome
    status: int
    next_status: str
    cycle_difference: int
    count_difference: int
    output_mismatches: int

    @property
    def next_is_exact(self) -> bool:
        """Whether the good start ended without error in all that was predicted."""
        differences = (self.cycle_difference, self.count_difference, self.output_mismatches)
        return self.next_status == GOOD and not any(differences)

    @property
    def ok(self) -> bool:
        """Whether what must never happen did not."""
        return self.outcome not in FORBIDDEN and self.next_is_exact


@dataclass(frozen=True, kw_only=True)
class CorruptReport:
    """What became of all corrupted descriptors, in the order of the draw."""

    simulator: str
    seed: int
    results: tuple[CorruptResult, ...]

    @property
    def counts(self) -> dict[str, int]:
        """How many fell into each outcome."""
        counts = Counter(result.outcome for result in self.results)
        return {outcome.value: counts[outcome] for outcome in CorruptionOutcome}

    @property
    def coverage(self) -> dict[str, int]:
        """How many were changed in each way."""
        counts = Counter(result.kind for result in self.results)
        return {kind.value: counts[kind] for kind in CorruptionKind}

    @property
    def ok(self) -> bool:
        """Whether what must never happen never did."""
        return all(result.ok for result in self.results)


def corrupt_json(report: CorruptReport) -> str:
    """The report as JSON."""
    return json.dumps(
        {
            "version": 1,
            "simulator": report.simulator,
            "seed": report.seed,
            "cases": len(report.results),
            "failed": sum(not result.ok for result in report.results),
            "hung": report.counts[CorruptionOutcome.STUCK],
            "max_cycle_difference": max(result.cycle_difference for result in report.results),
            "max_count_difference": max(result.count_difference for result in report.results),
            "output_mismatches": sum(result.output_mismatches for result in report.results),
            **report.counts,
            "next_start_wrong": sum(not result.next_is_exact for result in report.results),
            "coverage": report.coverage,
            "failures": [
                {
                    "case": result.index,
                    "what": result.what,
                    "outcome": result.outcome,
                    "status": result.status,
                    "next_start": result.next_status,
                    "cycle_difference": result.cycle_difference,
                    "count_difference": result.count_difference,
                    "output_mismatches": result.output_mismatches,
                }
                for result in report.results
                if not result.ok
            ],
            "ok": report.ok,
        },
        indent=1,
    )
