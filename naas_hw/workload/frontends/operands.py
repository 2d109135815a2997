"""The tensors of an operator with weights: which is the input, which the weights, what is added."""

from collections.abc import Container
from dataclasses import dataclass
from typing import Final

from naas_hw.workload.frontends.graph import Reference, TracedOperator

_CONVOLUTION: Final = ("input", "weight", "bias")
_ROLES: Final[dict[str, tuple[str, str, str | None]]] = {
    "conv2d": _CONVOLUTION,
    "convolution": _CONVOLUTION,
    "_convolution": _CONVOLUTION,
    "conv_transpose2d": _CONVOLUTION,
    "conv1d": _CONVOLUTION,
    "conv3d": _CONVOLUTION,
    "conv_transpose1d": _CONVOLUTION,
    "conv_transpose3d": _CONVOLUTION,
    "linear": _CONVOLUTION,
    "mm": ("self", "mat2", None),
    "matmul": ("self", "other", None),
    "bmm": ("self", "mat2", None),
    "addmm": ("mat1", "mat2", "self"),
    "baddbmm": ("batch1", "batch2", "self"),
    "addbmm": ("batch1", "batch2", "self"),
}
"""Kind -> names of the arguments: first factor, second factor, what is added."""

EITHER_FACTOR: Final = frozenset({"mm", "matmul", "bmm", "addmm", "baddbmm", "addbmm"})
"""Products in which the weights may be the first factor."""

WEIGHTED: Final = frozenset(_ROLES)
"""Kinds of operators that may have weights."""

_SCALED: Final = frozenset({"addmm", "baddbmm", "addbmm"})


@dataclass(frozen=True, kw_only=True)
class Operands:
    """The tensors of an operator with constant weights.

    Parameters
    ----------
    input, weight : names of the factors.
    weight_first : whether the weights are the first factor of the product.
    addend : the tensor that is added, a bias if it is constant; None if there is none.
    scales : `alpha` (of the product) and `beta` (of the addend); constant numbers.
    """

    input: str
    weight: str
    weight_first: bool = False
    addend: str | None = None
    scales: tuple[float, float] = (1, 1)


def operands_of(operator: TracedOperator, constants: Container[str]) -> Operands | str:
    """The tensors of an operator whose kind is in `WEIGHTED`, or why it has no constant weights.

    A product of two activations has none, for example.
    """
    first, second, addend = (_tensor(operator, name) for name in _ROLES[operator.kind])
    scales = _scales(operator)
    if first is None or second is None:
        return "its factors are no tensors"
    if scales is None:
        return "alpha or beta is computed from the input"
    if first in constants and second in constants:
        return "only what it adds is computed from the input"
    weight_first = first in constants and operator.kind in EITHER_FACTOR
    if not weight_first and second not in constants:
        what = "both factors" if operator.kind in EITHER_FACTOR else "its weights"
        return f"{what} are computed from the input"
    return Operands(
        input=second if weight_first else first,
        weight=first if weight_first else second,
        weight_first=weight_first,
        addend=addend if scales[1] != 0 else None,
        scales=scales,
    )


def _tensor(operator: TracedOperator, argument: str | None) -> str | None:
    value = None if argument is None else operator.arguments.get(argument)
    return value.name if isinstance(value, Reference) else None


def _scales(operator: TracedOperator) -> tuple[float, float] | None:
    """`alpha` and `beta`; None where one of them is computed."""
    if operator.kind not in _SCALED:
        return (1, 1)
    alpha, beta = (operator.arguments.get(name, 1) for name in ("alpha", "beta"))
    if isinstance(alpha, int | float) and isinstance(beta, int | float):
        return alpha, beta
    return None
