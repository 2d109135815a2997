"""Rules of legality as compiled code knows them: the index of the first rule that is broken."""

from typing import Final

from naas_hw.workload.layer import DIMS

LEGAL: Final = -1

SPATIAL: Final = 0
"""The rule about the used positions along dim d is `SPATIAL + d`."""

(
    WEIGHT_BUFFER,
    INPUT_BUFFER,
    ACCUMULATOR_BANK,
    GLOBAL_BUFFER,
    SCALES,
    BLOCK_K,
    BLOCK_C,
    FIELD,
) = range(6, 14)
"""The other rules; those before `GLOBAL_BUFFER` concern one PE and its axes only."""

RULES: Final[tuple[str, ...]] = (
    *(f"spatial: {dim}" for dim in DIMS),
    "capacity: weights in a PE",
    "capacity: inputs in a PE",
    "capacity: accumulator bank",
    "capacity: banks of the global buffer",
    "capacity: scales",
    "block: K",
    "block: C",
    "field",
)
"""Names of the rules, by index."""
