"""What differs between two accelerators, and what each difference does under the same mappings."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from naas_hw.arch.accelerator import Accelerator
from naas_hw.arch.technology import EnergyTable
from naas_hw.report.level_counts import number
from naas_hw.report.values import array_text
from naas_hw.report.words import counted, more_or_less
from naas_hw.runs.kept_mappings import changed, evaluate_kept
from naas_hw.search.mapping.network_search import NetworkResult

_SIZES: Final = {
    "weight_buffer_bytes": ("weight buffer of a PE", "byte"),
    "input_buffer_bytes": ("input buffer of a PE", "byte"),
    "accumulator_words": ("accumulators behind a tree", "word"),
    "num_banks": ("banks of the global buffer", "bank"),
    "bank_bytes": ("bank of the global buffer", "byte"),
    "drain_lanes": ("drain", "lane"),
    "beat_bytes": ("beat", "byte"),
    "dram_beat_period_cycles": ("period of a DRAM beat", "cycle"),
    "dram_latency_cycles": ("DRAM latency", "cycle"),
}
"""Field -> what it is, and what it counts; all but the array, in the order of a report."""


@dataclass(frozen=True, kw_only=True)
class DesignChange:
    """One difference.

    Members
    -------
    what : the part of the accelerator.
    before, after : its two sizes.
    field : of `Accelerator`; None of the array, which no mapping survives.
    """

    what: str
    before: str
    after: str
    field: str | None = None

    @property
    def text(self) -> str:
        """`drain: 2 → 4 lanes`."""
        before = self.before if self.field is None else self.before.partition(" ")[0]
        return f"{self.what}: {before} → {self.after}"


def design_changes(before: Accelerator, after: Accelerator) -> list[DesignChange]:
    """All differences in what the hardware is, the array first."""
    found = []
    if before.axes != after.axes:
        arrays = [f"{array_text(one)} ({number(one.num_pes)} PEs)" for one in (before, after)]
        found.append(DesignChange(what="array", before=arrays[0], after=arrays[1]))
    for field, (what, unit) in _SIZES.items():
        values = getattr(before, field), getattr(after, field)
        if values[0] != values[1]:
            sizes = [counted(value, unit) for value in values]
            found.append(DesignChange(what=what, before=sizes[0], after=sizes[1], field=field))
    return found


def changes_text(before: Accelerator, after: Accelerator) -> str:
    """All differences in a line."""
    return (
        "; ".join(one.text for one in design_changes(before, after)) or "nothing in the accelerator"
    )


def undone(
    before: Accelerator,
    after: Accelerator,
    networks: Sequence[NetworkResult],
    table: EnergyTable,
) -> list[str]:
    """For each change but that of the array: what the same mappings cost without it.

    Parameters
    ----------
    networks : under their mappings on the accelerator `after`.
    """
    changes = [one for one in design_changes(before, after) if one.field is not None]
    sentences = (_undone(one, before, after, networks, table) for one in changes)
    return [sentence for sentence in sentences if sentence is not None]


def _undone(
    change: DesignChange,
    before: Accelerator,
    after: Accelerator,
    networks: Sequence[NetworkResult],
    table: EnergyTable,
) -> str | None:
    assert change.field is not None
    reverted = changed(after, **{change.field: getattr(before, change.field)})
    if reverted is None:
        return None
    kept = [
        evaluate_kept(reverted, [(x, one.mappings[x.name]) for x in one.network.layers], table)
        for one in networks
    ]
    head = f"With {change.before} instead of {change.after} ({change.what})"
    illegal = sum(one.num_illegal for one in kept)
    if illegal:
        total = sum(len(one.costs) for one in kept)
        return (
            f"{head}, the mappings of {illegal:,} of {counted(total, 'layer')} would not be legal."
        )
    cycles = more_or_less(
        sum(one.report.cycles for one in networks), sum(one.num_cycles or 0 for one in kept)
    )
    energy = more_or_less(
        sum(one.report.energy_pj for one in networks), sum(one.energy_pj or 0.0 for one in kept)
    )
    if cycles == energy:
        return f"{head}, the same mappings would need {cycles} cycles and energy."
    return f"{head}, the same mappings would need {cycles} cycles and {energy} energy."
