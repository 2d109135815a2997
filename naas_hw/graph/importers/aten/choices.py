"""`where`, as the decompositions of torch write it for PReLU, softplus and attention."""

from typing import Final

import numpy as np

from naas_hw.graph.graph import Operator
from naas_hw.graph.importers.aten.call import Call, Translation, UnsupportedError


def where(call: Call) -> str:
    """PReLU, softplus, or attention's replacement of rows without any finite number.

    Raises
    ------
    UnsupportedError : another choice.
    """
    condition, first, second = (call.tensor(name) for name in ("condition", "self", "other"))
    slope = _slope(call, condition, first, second)
    if slope is not None:
        return call.emit("prelu", [first, slope])
    if _is_softplus(call, first, second):
        return call.emit("softplus", [first])
    if _is_row_without_numbers(call, condition):
        return second
    raise UnsupportedError("torch.where must be a part of PReLU, softplus or attention")


def _slope(call: Call, condition: str, x: str, scaled: str) -> str | None:
    """The slope of `where(x > 0, x, slope * x)`; None of anything else."""
    comparison, product = call.builder.producer(condition), call.builder.producer(scaled)
    if comparison is None or product is None or product.kind != "multiply":
        return None
    is_positive = comparison.kind == "gt" and comparison.attributes.get("other") == 0
    if not is_positive or comparison.inputs != (x,) or x not in product.inputs:
        return None
    others = [name for name in product.inputs if name != x]
    return others[0] if len(others) == 1 and call.builder.is_constant(others[0]) else None


def _is_softplus(call: Call, x: str, logarithm: str) -> bool:
    """Whether a choice is one between x, where x is large, and log(1 + exp(x))."""
    outer = call.builder.producer(logarithm)
    inner = call.builder.producer(outer.inputs[0]) if outer is not None else None
    if outer is None or inner is None:
        return False
    return (outer.kind, inner.kind, inner.inputs) == ("log1p", "exp", (x,))


def _is_row_without_numbers(call: Call, condition: str) -> bool:
    """Whether a condition is `not any(not (scores == -infinity))`."""
    for kind in ("logical_not", "any", "logical_not"):
        operator: Operator | None = call.builder.producer(condition)
        if operator is None or operator.kind != kind:
            return False
        condition = operator.inputs[0]
    comparison = call.builder.producer(condition)
    return (
        comparison is not None
        and comparison.kind == "eq"
        and comparison.attributes.get("other") == -np.inf
    )


TRANSLATIONS: Final[dict[str, Translation]] = {"where": where}
