"""The constants of rules name the rules that `RULES` names."""

from naas_hw.cost import RULES
from naas_hw.cost.compiled import rules
from naas_hw.workload.layer import DIMS


def test_each_rule_has_its_constant() -> None:
    """The index that compiled code returns leads to the name of the rule."""
    assert [RULES[rules.SPATIAL + d] for d in range(len(DIMS))] == [f"spatial: {d}" for d in DIMS]
    assert RULES[rules.WEIGHT_BUFFER] == "capacity: weights in a PE"
    assert RULES[rules.INPUT_BUFFER] == "capacity: inputs in a PE"
    assert RULES[rules.ACCUMULATOR_BANK] == "capacity: accumulator bank"
    assert RULES[rules.GLOBAL_BUFFER] == "capacity: banks of the global buffer"
    assert RULES[rules.SCALES] == "capacity: scales"
    assert RULES[rules.BLOCK_K] == "block: K"
    assert RULES[rules.BLOCK_C] == "block: C"
    assert RULES[rules.FIELD] == "field: width"
    assert RULES[rules.OPTION] == "option: hardware"
    assert RULES[rules.VISITS] == "option: visits" and len(RULES) == rules.VISITS + 1
