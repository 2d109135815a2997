"""What a tensor of the model is while its integer form grows."""

from dataclasses import dataclass
from math import prod

import numpy as np
from numpy.typing import NDArray

from naas_hw.graph.float_execution import run_kind
from naas_hw.graph.graph import Array, Operator
from naas_hw.graph.quantised import Shape

GraphShape = tuple[int, ...]


class HostOnly(Exception):  # noqa: N818 - no error: the host computes the operator
    """An operator has no integer form; says why, in a few words."""


@dataclass(frozen=True, kw_only=True)
class Quantisation:
    """The real number of a byte q is scale * (q - zero_point)."""

    scale: float
    zero_point: int

    def bytes_of(self, values: Array) -> NDArray[np.int8]:
        """Real numbers as bytes."""
        given = {"scale": self.scale, "zero_point": self.zero_point, "axis": None, "dtype": "int8"}
        return run_kind("quantize", given, [values], values.shape)

    def real(self, values: Array) -> NDArray[np.float32]:
        """Bytes as real numbers."""
        given = {"scale": self.scale, "zero_point": self.zero_point, "axis": None, "dtype": "int8"}
        return run_kind("dequantize", given, [values], values.shape)

    def bounds(self, low: float | None, high: float | None) -> tuple[int, int]:
        """The smallest and the largest byte between two real numbers."""
        limits = np.array(
            [-np.inf if low is None else low, np.inf if high is None else high], np.float32
        )
        smallest, largest = self.bytes_of(limits)
        return int(smallest), int(largest)


ALL_BYTES = np.arange(256, dtype=np.uint8).view(np.int8)
"""Every byte, at the place that a table has for it."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Bytes:
    """A tensor of the quantised graph.

    Parameters
    ----------
    shape : of the model.
    root : a tensor whose bytes decide these, and what each of them becomes; its own without one.
    turned : its channels are to come last: `shape` has them last, the tensor does not.
    """

    tensor: str
    shape: GraphShape
    quantisation: Quantisation
    root: tuple["Bytes", NDArray[np.int8]] | None = None
    turned: bool = False


@dataclass(frozen=True, kw_only=True, eq=False)
class Function:
    """A function of one byte, not yet quantised.

    Parameters
    ----------
    values : float32 [256], of `ALL_BYTES`.
    operator, inputs : what computes it, for the host.
    sources : operators that went into the values.
    """

    root: Bytes
    shape: GraphShape
    values: Array
    operator: Operator
    inputs: tuple["Value", ...]
    sources: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, eq=False)
class ConstantValue:
    """A constant.

    Parameters
    ----------
    scale, zero_point : of as many axes as the values, of size 1 where they do not depend on it.
    """

    values: Array
    scale: Array | None = None
    zero_point: Array | None = None

    @property
    def shape(self) -> GraphShape:
        """Of its values."""
        return self.values.shape

    @property
    def real(self) -> Array:
        """Its real numbers."""
        if self.scale is None or self.zero_point is None:
            return self.values
        moved = self.values.astype(np.int64) - self.zero_point
        return moved.astype(np.float32) * self.scale.astype(np.float32)


@dataclass(frozen=True, kw_only=True, eq=False)
class Outside:
    """An input of the model of which nobody has said yet what its numbers mean.

    Parameters
    ----------
    tensor : its name.
    shape : as it is read now.
    channels_last : whether it was read with channels last.
    """

    tensor: str
    shape: GraphShape
    channels_last: bool = False


@dataclass(frozen=True, kw_only=True, eq=False)
class Numbers:
    """A tensor that the host alone sees."""

    tensor: str
    shape: GraphShape


@dataclass(frozen=True, kw_only=True, eq=False)
class Result:
    """What an operator computes of its inputs, not yet quantised.

    Parameters
    ----------
    inputs : None where an optional one is missing.
    clamps : operators behind it that are bounds.
    low, high : the bounds together.
    """

    operator: Operator
    inputs: "tuple[Value | None, ...]"
    shape: GraphShape
    clamps: tuple[Operator, ...] = ()
    low: float | None = None
    high: float | None = None

    @property
    def name(self) -> str:
        """The tensor of the model that it is."""
        return (self.clamps or (self.operator,))[-1].outputs[0]

    @property
    def sources(self) -> tuple[str, ...]:
        """Names of its operators."""
        return (self.operator.name, *(clamp.name for clamp in self.clamps))


@dataclass(frozen=True, kw_only=True, eq=False)
class Moved:
    """Numbers in another place, not yet quantised: quantised first, they can be moved as bytes."""

    operator: Operator
    value: "Function | Result | Moved"
    shape: GraphShape


Waiting = Function | Result | Moved
"""What a `quantize` operator is waited for."""

Value = Bytes | ConstantValue | Outside | Numbers | Waiting


def image_shape(shape: GraphShape) -> Shape:
    """[C, H, W] of a shape of the model, with the same order of numbers.

    >>> image_shape((1, 3, 8, 9)), image_shape((1, 10)), image_shape((1, 4, 7))
    ((3, 8, 9), (10, 1, 1), (4, 1, 7))
    """
    sizes = shape[1:] if len(shape) > 1 and shape[0] == 1 else shape
    if len(sizes) < 2:
        return (prod(sizes), 1, 1)
    return (sizes[0], prod(sizes[1:-1]), sizes[-1])


def is_image(shape: GraphShape) -> bool:
    """Whether it is one image [1, C, H, W]."""
    return len(shape) == 4 and shape[0] == 1
