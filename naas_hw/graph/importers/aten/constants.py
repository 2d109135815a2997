"""Operators that make constants out of numbers."""

from typing import Any, Final

import numpy as np

from naas_hw.graph.graph import Array
from naas_hw.graph.importers.aten.call import Call, Translation, UnsupportedError

MAX_NUMBERS: Final = 1 << 24
"""Of a constant that an operator makes out of one number."""


def filled(call: Call) -> str:
    """`full`, `zeros`, `ones`, and the like with the shape of a tensor."""
    kind = call.operator.kind
    if "full" in kind or kind == "scalar_tensor":
        value: Any = call.argument("fill_value", call.argument("s"))
    else:
        value = 1 if "ones" in kind else 0
    if not isinstance(value, bool | int | float):
        raise UnsupportedError(f"{kind} must be filled with a number")
    _check_size(int(np.prod(call.shape, dtype=object)))
    return _constant(call, np.full(call.shape, value, call.dtype))


def counted(call: Call) -> str:
    """`arange`."""
    start, step = call.number("start", 0), call.number("step", 1)
    _check_size(call.shape[0])
    return _constant(call, (start + step * np.arange(call.shape[0])).astype(call.dtype))


def _check_size(size: int) -> None:
    if size > MAX_NUMBERS:
        raise UnsupportedError(f"a constant must have at most {MAX_NUMBERS} numbers, not {size}")


def _constant(call: Call, values: Array) -> str:
    return call.builder.add_constant(call.name, values)


TRANSLATIONS: Final[dict[str, Translation]] = {
    **dict.fromkeys(
        "full zeros ones full_like zeros_like ones_like new_full new_zeros new_ones "
        "scalar_tensor".split(),
        filled,
    ),
    "arange": counted,
}
