"""Cycles, accesses and energy of a layer under a mapping, exact for the generated hardware."""

from naas_hw.cost.compiled.batch import (
    BoundReport,
    ExactReport,
    MappingBatch,
    evaluate_bounds,
    evaluate_exact,
)
from naas_hw.cost.compiled.columns import ENGINE_NAMES, STALL_NAMES
from naas_hw.cost.compiled.rules import RULES
from naas_hw.cost.energy import Energy
from naas_hw.cost.evaluate import (
    CostReport,
    EngineTotals,
    NetworkReport,
    evaluate,
    evaluate_network,
)
from naas_hw.cost.reference.accesses import ACCESS_NAMES, Accesses, accesses_of
from naas_hw.cost.reference.recurrence import StallCycles, Timeline, timeline_of

__all__ = [
    "ACCESS_NAMES",
    "ENGINE_NAMES",
    "RULES",
    "STALL_NAMES",
    "Accesses",
    "BoundReport",
    "CostReport",
    "Energy",
    "EngineTotals",
    "ExactReport",
    "MappingBatch",
    "NetworkReport",
    "StallCycles",
    "Timeline",
    "accesses_of",
    "evaluate",
    "evaluate_bounds",
    "evaluate_exact",
    "evaluate_network",
    "timeline_of",
]
