"""What LUTs, flip-flops and the clock of an accelerator depend on.

Each feature is a count that follows from the accelerator, so that one of it costs about the same in
each design.
"""

from math import log2, prod
from typing import Final

from naas_hw.arch.accelerator import REDUCTION_DIMS, Accelerator
from naas_hw.arch.devices import Resources
from naas_hw.cost.fpga.block_memories import is_in_luts, lut_memory_luts
from naas_hw.cost.fpga.memories import Memories

AREA_FEATURES: Final = (
    "one",
    "pes",
    "input_bytes",
    "weight_bytes",
    "accumulators",
    "tree_adders",
    "drain_lanes",
    "drain_copies",
    "bank_bytes_wide",
    "banks",
    "beat_bytes",
    "residual_lanes",
    "table_lanes",
    "maximum_accumulators",
    "single_rounding_lanes",
    "pitched_store",
    "epilogue",
)
"""Features of flip-flops, in the order of a row."""

LUT_FEATURES: Final = (*AREA_FEATURES, "lut_memory")
"""Features of LUTs: also those of the memories that lie in LUTs."""

CLOCK_FEATURES: Final = ("one", "log2_pes", "lut_share", "log2_window")
"""Features of the nanoseconds of the longest path."""


def area_features(accelerator: Accelerator) -> dict[str, float]:
    """Feature -> count, those of `LUT_FEATURES`."""
    a, memories = accelerator, Memories(accelerator)
    groups = memories.num_groups
    reduced = prod(axis.size for axis in a.axes if axis.dim in REDUCTION_DIMS)
    copies = next(group.count for group in memories.groups if group.name == "drain copies")
    counts = {
        "one": 1,
        "pes": a.num_pes,
        "input_bytes": a.num_pes * a.input_word_bytes,
        "weight_bytes": memories.num_weight_buffers * a.weight_word_bytes,
        "accumulators": groups,
        "tree_adders": groups * (reduced - 1),
        "drain_lanes": a.drain_lanes,
        "drain_copies": copies * a.accumulator_lanes,
        "bank_bytes_wide": a.num_banks * a.beat_bytes,
        "banks": a.num_banks,
        "beat_bytes": a.beat_bytes,
        "residual_lanes": a.residual * a.drain_lanes,
        "table_lanes": a.table * a.drain_lanes,
        "maximum_accumulators": a.maximum * groups,
        "single_rounding_lanes": a.single_rounding * a.drain_lanes,
        "pitched_store": int(a.pitched_store),
        "epilogue": int(a.has_epilogue),
        "lut_memory": sum(
            group.count * lut_memory_luts(group.shape)
            for group in memories.groups
            if is_in_luts(group.shape)
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
    return {
        "one": 1.0,
        "log2_pes": log2(accelerator.num_pes),
        "lut_share": predicted.lut4 / available.lut4,
        "log2_window": log2(reduced),
    }
