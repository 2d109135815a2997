"""What LUTs, flip-flops and the clock of an accelerator depend on.

Each feature is a count that follows from the accelerator, so that one of it costs about the same in
each design.
"""

from math import log2, prod
from typing import Final

from naas_hw.arch.accelerator import REDUCTION_DIMS, Accelerator
from naas_hw.arch.devices import Resources
from naas_hw.cost.fpga.block_memories import (
    is_in_luts,
    lut_memory_luts,
    num_block_memories,
    num_enabled_lanes,
)
from naas_hw.cost.fpga.memories import Memories

FF_FEATURES: Final = (
    "one",
    "pes",
    "windows",
    "accumulators",
    "tree_adders",
    "drain_lanes",
    "beat_bytes",
    "residual_lanes",
    "table_lanes",
    "lut_memory_bits",
)
"""Features of flip-flops, in the order of a row."""

LUT_FEATURES: Final = (
    *FF_FEATURES,
    "input_bytes",
    "drain_ports",
    "bank_ports",
    "odd_banks",
    "table_bytes",
    "maximum_accumulators",
    "single_rounding_lanes",
    "lut_memory",
    "enabled_lanes",
)
"""Features of LUTs: also what only chooses, compares or enables."""

PORTS_OF_BUFFER: Final = 6
"""Readers and writers of the global buffer, without one for residuals."""

CLOCK_FEATURES: Final = (
    "one",
    "log2_bank_blocks",
    "lut_share",
    "log2_pes",
    "block_ram_share",
    "log2_reduced",
)
"""Features of the nanoseconds of the longest path. The path of the first designs led to the blocks
of the global buffer, most of it wires, so their number comes first."""


def area_features(accelerator: Accelerator) -> dict[str, float]:
    """Feature -> count, those of `LUT_FEATURES`.

    Notes
    -----
    `input_bytes` chooses bytes of the words of inputs, `windows` captures inputs at their
    positions, `drain_ports` joins what drain reads, `bank_ports` is the crossbar of the global
    buffer in bytes, `odd_banks` compares addresses with bounds that are no powers of two,
    `lut_memory_bits` are registers behind memories in LUTs, `table_bytes` chooses the byte of a
    table in each lane.
    """
    a, memories = accelerator, Memories(accelerator)
    groups = memories.num_groups
    copies = next(group.count for group in memories.groups if group.name == "drain copies")
    in_luts = [group for group in memories.groups if is_in_luts(group.shape)]
    is_odd = a.bank_words.bit_count() > 1
    counts = {
        "one": 1,
        "pes": a.num_pes,
        "input_bytes": a.num_pes * (a.input_word_bytes - 1),
        "windows": memories.num_windows * (memories.num_windows > 1),
        "accumulators": groups,
        "tree_adders": a.num_pes - groups,
        "drain_lanes": a.drain_lanes,
        "drain_ports": copies * a.accumulator_lanes,
        "bank_ports": a.num_banks * a.beat_bytes * (PORTS_OF_BUFFER + a.residual),
        "odd_banks": a.num_banks * is_odd,
        "beat_bytes": a.beat_bytes,
        "residual_lanes": a.residual * a.drain_lanes,
        "table_lanes": a.table * a.drain_lanes,
        "table_bytes": a.table * a.drain_lanes * a.beat_bytes,
        "maximum_accumulators": a.maximum * groups,
        "single_rounding_lanes": a.single_rounding * a.drain_lanes,
        "lut_memory_bits": sum(g.count * g.shape.width * g.shape.latency for g in in_luts),
        "lut_memory": sum(g.count * lut_memory_luts(g.shape) for g in in_luts),
        "enabled_lanes": sum(
            group.count * num_enabled_lanes(group.shape) for group in memories.groups
        ),
    }
    return {name: float(count) for name, count in counts.items()}


def clock_features(
    accelerator: Accelerator, predicted: Resources, available: Resources
) -> dict[str, float]:
    """Feature -> value, those of `CLOCK_FEATURES`.

    Parameters
    ----------
    predicted : what the accelerator takes.
    available : what the FPGA has.
    """
    reduced = prod(axis.size for axis in accelerator.axes if axis.dim in REDUCTION_DIMS)
    banks = next(g for g in Memories(accelerator).groups if g.name == "global buffer")
    return {
        "one": 1.0,
        "log2_bank_blocks": log2(max(1, banks.count * num_block_memories(banks.shape))),
        "log2_pes": log2(accelerator.num_pes),
        "lut_share": predicted.lut4 / available.lut4,
        "block_ram_share": predicted.block_ram / available.block_ram,
        "log2_reduced": log2(reduced),
    }
