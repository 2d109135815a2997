"""Rules of legality as compiled code knows them: the index of the first rule that is broken."""

from typing import Final

from naas_hw.mapping.legality import Rule
from naas_hw.workload.layer import DIMS

LEGAL: Final = -1

SPATIAL: Final = 0
"""The rule about the used positions along dim d is `SPATIAL + d`."""

(
    OPTION,
    WEIGHT_BUFFER,
    INPUT_BUFFER,
    ACCUMULATOR_BANK,
    GLOBAL_BUFFER,
    SCALES,
    BLOCK_K,
    BLOCK_C,
    FIELD,
    VISITS,
) = range(6, 16)
"""The other rules; those before `GLOBAL_BUFFER` do not depend on the orders of the loops."""

_RULES: Final = (
    *((Rule.SPATIAL, dim) for dim in DIMS),
    (Rule.OPTION, "hardware"),
    (Rule.CAPACITY, "weights in a PE"),
    (Rule.CAPACITY, "inputs in a PE"),
    (Rule.CAPACITY, "accumulator bank"),
    (Rule.CAPACITY, "banks of the global buffer"),
    (Rule.CAPACITY, "scales"),
    (Rule.BLOCK, "K"),
    (Rule.BLOCK, "C"),
    (Rule.FIELD, "width"),
    (Rule.OPTION, "visits"),
)

RULE_OF: Final[tuple[Rule, ...]] = tuple(rule for rule, _ in _RULES)
"""The rule of the readable form, by index."""

RULES: Final[tuple[str, ...]] = tuple(f"{rule}: {what}" for rule, what in _RULES)
"""Names of the rules, by index."""
