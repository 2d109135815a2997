"""How many multiply-accumulates an operator has that is left to the host.

An operator of ATen that is no product of tensors has none. Of an operator of another library, and
of one whose sizes are not fixed, the number is unknown. A multiplication element by element is not
counted: nothing is accumulated.
"""

import re
from collections.abc import Callable
from math import prod
from typing import Final

from naas_hw.workload.frontends.graph import Reference, TracedOperator, references
from naas_hw.workload.frontends.operators import RECURRENT

Shapes = dict[str, tuple[int, ...]]


def host_macs(operator: TracedOperator, shapes: Shapes) -> int | None:
    """Multiply-accumulates of an operator; None where they are unknown."""
    formula = _FORMULAS.get(operator.kind)
    if formula is None:
        return None if _UNKNOWN.search(operator.kind) else 0
    try:
        macs = formula(_Sizes(operator, shapes))
    except (LookupError, ValueError):
        return None
    return macs if macs >= 0 else None


class _Sizes:
    """Shapes of an operator's arguments and result.

    Raises
    ------
    LookupError : there is no such tensor, or its shape is not known.
    ValueError : a size is not fixed.
    """

    def __init__(self, operator: TracedOperator, shapes: Shapes) -> None:
        self._operator, self._shapes = operator, shapes

    def __getitem__(self, argument: str) -> tuple[int, ...]:
        value = self._operator.arguments[argument]
        if not isinstance(value, Reference):
            raise LookupError(argument)
        return self.of(value.name)

    def of(self, tensor: str) -> tuple[int, ...]:
        """The shape of a tensor."""
        shape = self._shapes[tensor]
        if -1 in shape:
            raise ValueError(f"sizes of {tensor} must be fixed")
        return shape

    @property
    def result(self) -> tuple[int, ...]:
        """The shape of the first result."""
        return self.of(self._operator.outputs[0])

    def listed(self, argument: str) -> list[tuple[int, ...]]:
        """Shapes of a list of tensors."""
        return [self.of(name) for name in references(self._operator.arguments[argument])]

    def word(self, argument: str) -> str:
        """An argument that is text."""
        return str(self._operator.arguments[argument])

    def is_set(self, argument: str) -> bool:
        """Whether a flag is set."""
        return bool(self._operator.arguments.get(argument))


def _convolution(sizes: _Sizes) -> int:
    if sizes.is_set("transposed"):
        return _transposed(sizes)
    return prod(sizes.result) * prod(sizes["weight"][1:])


def _transposed(sizes: _Sizes) -> int:
    return prod(sizes["input"]) * prod(sizes["weight"][1:])


def _product(left: str) -> Callable[[_Sizes], int]:
    """A product of matrices: each number of the result is a sum along the left one's last axis."""
    return lambda sizes: prod(sizes.result) * sizes[left][-1]


def _all_of(argument: str) -> Callable[[_Sizes], int]:
    """A product in which each number of one tensor is used once."""
    return lambda sizes: prod(sizes[argument])


def _batch_sum(sizes: _Sizes) -> int:
    return prod(sizes["batch1"]) * sizes["batch2"][-1]


def _attention(sizes: _Sizes) -> int:
    """Queries by keys, and their weights by values."""
    query, key, value = sizes["query"], sizes["key"], sizes["value"]
    return prod(query[:-1]) * key[-2] * (query[-1] + value[-1])


def _bilinear(sizes: _Sizes) -> int:
    return prod(sizes.result) * prod(sizes["weight"][1:])


def _einsum(sizes: _Sizes) -> int:
    """Two factors: one multiply-accumulate for each combination of all indices."""
    terms = sizes.word("equation").replace(" ", "").split("->")[0].split(",")
    shapes = sizes.listed("tensors")
    if len(terms) != 2 or any("." in term for term in terms):
        raise ValueError("an einsum must have two factors and no ellipsis")
    indices = {
        index: size
        for term, shape in zip(terms, shapes, strict=True)
        for index, size in zip(term, shape, strict=True)
    }
    return prod(indices.values())


def _recurrent(sizes: _Sizes) -> int:
    """Each matrix of weights once a step."""
    steps = prod(sizes["input"][:-1])
    return steps * sum(prod(shape) for shape in sizes.listed("params") if len(shape) == 2)


_FORMULAS: Final[dict[str, Callable[[_Sizes], int]]] = {
    **dict.fromkeys(("conv1d", "conv2d", "conv3d", "convolution", "_convolution"), _convolution),
    **dict.fromkeys(("conv_transpose1d", "conv_transpose2d", "conv_transpose3d"), _transposed),
    "linear": _product("input"),
    "addmm": _product("mat1"),
    "mm": _product("self"),
    "matmul": _product("self"),
    "bmm": _product("self"),
    "baddbmm": _product("batch1"),
    "addbmm": _batch_sum,
    "mv": _all_of("self"),
    "addmv": _all_of("mat"),
    "dot": _all_of("self"),
    "vdot": _all_of("self"),
    "inner": _product("self"),
    "outer": lambda sizes: prod(sizes.result),
    "bilinear": _bilinear,
    "einsum": _einsum,
    **dict.fromkeys(
        (
            "scaled_dot_product_attention",
            "_scaled_dot_product_attention_math",
            "_scaled_dot_product_efficient_attention",
            "_scaled_dot_product_flash_attention",
            "_scaled_dot_product_flash_attention_for_cpu",
        ),
        _attention,
    ),
    **dict.fromkeys(RECURRENT, _recurrent),
}

_UNKNOWN: Final = re.compile(
    r"\.|conv(?!ert)|mm(_for_cpu|_with_scales\w*)?$|matmul|attention|tensordot|^_trilinear|cdist"
    r"|^_?linalg_(?!vector_norm|norm|cross|diagonal|vecdot)|^_?fft_|stft|_cell$|encoder_layer"
    r"|multi_dot|^(gru|lstm|rnn)|fbgemm_linear|mkldnn_linear|cholesky|svd|qr$|inverse$|solve$"
    r"|logdet|^det$|^matrix_|^while_loop$|^cond$|^map_impl$|^scan$|^wrap_with"
)
"""Kinds of other libraries, products without a formula, and operators with a graph inside."""
