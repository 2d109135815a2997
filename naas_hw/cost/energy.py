"""Energy from accesses: counts times a table, by level and by tensor."""

from dataclasses import dataclass, fields
from typing import Final

import numpy as np
from numpy.typing import NDArray

from naas_hw.arch.accelerator import Accelerator
from naas_hw.arch.technology import AccessEnergy, EnergyTable
from naas_hw.cost.reference.accesses import ACCESS_NAMES, Accesses


@dataclass(frozen=True, kw_only=True)
class Energy:
    """Picojoules of a layer by where they go."""

    dram: float
    global_buffer: float
    scales: float
    private_buffers: float
    accumulators: float
    macs: float

    @property
    def total(self) -> float:
        """All of it."""
        return float(sum(getattr(self, entry.name) for entry in fields(self)))


LEVELS: tuple[str, ...] = tuple(entry.name for entry in fields(Energy))

TENSORS: Final = {
    "descriptor": ("dram_descriptor",),
    "scales": ("dram_scales",),
    "table": ("dram_table",),
    "weights": (
        "dram_weights",
        "l2_fill_weights",
        "l2_load_weights",
        "l1_weight_writes",
        "l1_weight_reads",
    ),
    "inputs": (
        "dram_inputs",
        "l2_fill_inputs",
        "l2_load_inputs",
        "l1_input_writes",
        "l1_input_reads",
    ),
    "residual": ("dram_residual", "l2_drain_residual", "l2_load_residual"),
    "sums": (
        "dram_sums_in",
        "dram_sums_out",
        "l2_drain_sums",
        "l2_store_sums",
        "l2_load_sums",
        "accumulator_reads",
        "accumulator_writes",
    ),
    "outputs": ("dram_outputs", "l2_store_outputs", "l2_drain"),
    "products": ("macs",),
}
"""What is accessed -> its counts; of `l2_drain`, `drained_sums` are sums."""


def drained_sums(accesses: Accesses) -> int:
    """Words of sums that drain writes to L2: as many as it reads back, each once."""
    return accesses.l2_drain_sums


def _prices(price: AccessEnergy) -> dict[str, dict[str, float]]:
    """Level -> count -> picojoules of one."""
    word, sums = price.l2_word, price.l2_sum_word
    return {
        "dram": {name: price.dram_beat for name in ACCESS_NAMES if name.startswith("dram_")},
        "global_buffer": {
            "l2_fill_weights": word,
            "l2_fill_inputs": word,
            "l2_drain_sums": sums,
            "l2_drain_residual": word,
            "l2_store_outputs": word,
            "l2_store_sums": sums,
            "l2_load_weights": word,
            "l2_load_inputs": word,
            "l2_load_residual": word,
            "l2_load_sums": sums,
            "l2_drain": sums,  # D values, whether bytes or sums
        },
        "scales": {"dram_scales": price.scale_word},
        "private_buffers": {
            "l1_weight_writes": price.l1_weight_write,
            "l1_input_writes": price.l1_input_write,
            "l1_weight_reads": price.l1_weight_read,
            "l1_input_reads": price.l1_input_read,
        },
        "accumulators": {
            "accumulator_reads": price.accumulator,
            "accumulator_writes": price.accumulator,
        },
        "macs": {"macs": price.mac},
    }


def price_matrix(accelerator: Accelerator, table: EnergyTable) -> NDArray[np.float64]:
    """Picojoules of each access at each level.

    Returns
    -------
    float64 [levels, counts], rows as in `LEVELS`, columns as in `ACCESS_NAMES`.
    """
    prices = _prices(table.access_energy(accelerator))
    rows = [[prices[level].get(name, 0.0) for name in ACCESS_NAMES] for level in LEVELS]
    return np.array(rows, np.float64)


def energy_of(accelerator: Accelerator, accesses: Accesses, table: EnergyTable) -> Energy:
    """Energy of these accesses in this accelerator."""
    counts = np.array([getattr(accesses, name) for name in ACCESS_NAMES], np.float64)
    by_level = price_matrix(accelerator, table) @ counts
    return Energy(**dict(zip(LEVELS, map(float, by_level), strict=True)))


def energy_by_tensor(
    accelerator: Accelerator, accesses: Accesses, table: EnergyTable
) -> dict[str, dict[str, float]]:
    """Picojoules by level and by what is accessed, each level's adding up to its `Energy`.

    Returns
    -------
    level of `LEVELS` -> tensor of `TENSORS` -> picojoules; only tensors that the level holds.
    """
    prices = _prices(table.access_energy(accelerator))
    breakdown: dict[str, dict[str, float]] = {level: {} for level in LEVELS}
    for tensor, names in TENSORS.items():
        for level, price in prices.items():
            priced = [price[name] * getattr(accesses, name) for name in names if name in price]
            if priced:
                breakdown[level][tensor] = sum(priced)
    moved = prices["global_buffer"]["l2_drain"] * drained_sums(accesses)
    breakdown["global_buffer"]["outputs"] -= moved
    breakdown["global_buffer"]["sums"] += moved
    return breakdown
