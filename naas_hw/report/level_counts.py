"""Figures as people read them, in tables of a terminal and of the report."""

from collections.abc import Mapping as AbstractMapping
from typing import Final

LEVELS: Final = {
    "DRAM": ("dram_read_beats", "dram_write_beats"),
    "L2": (
        "l2 weights", "l2 inputs", "l2 sums", "l2 residual", "l2 store", "l2 load", "l2 drain",
    ),
    "L1 writes": ("weight_buffer_writes", "input_buffer_writes"),
    "L1 reads": ("weight_buffer_reads", "input_buffer_reads"),
    "accumulators": ("accumulator_reads", "accumulator_writes"),
    "MACs": ("macs",),
}  # fmt: skip
"""Level -> counts of `LayerReport` that are its accesses."""

_OPTIONAL: Final = {"l2 residual": 0}
"""Counts that not every accelerator has, and what they are there."""


def number(value: int) -> str:
    """With a comma every three digits."""
    return f"{value:,}"


def level_counts(counts: AbstractMapping[str, int]) -> dict[str, int]:
    """Accesses of each level out of single counts."""
    there = {**_OPTIONAL, **counts}
    return {level: sum(there[name] for name in names) for level, names in LEVELS.items()}
