"""A network in integers: every tensor has a scale and a zero point, every operator one meaning.

Tensors are int8 images [C, H, W]; a vector is [C, 1, 1]. A real number is scale * (q - zero point).
What each operator computes is written at its class, `naas_hw.graph.integer_execution` executes it,
and the hardware gives the same bytes. Requantisation, additions and tables are those of
`naas_hw.workload.arithmetic`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from naas_hw.graph.graph import Array, Attribute
from naas_hw.workload.arithmetic.epilogue import Addition

Pair = tuple[int, int]
Sides = tuple[int, int, int, int]
"""Rows above, columns to the left, rows below, columns to the right."""

Shape = tuple[int, int, int]
"""Channels, rows, columns."""


@dataclass(frozen=True, kw_only=True)
class QuantisedTensor:
    """An int8 image, or what the host alone sees.

    Parameters
    ----------
    shape : [C, H, W]; more axes of the model's are one, in the order of its numbers.
    scale, zero_point : of all its numbers.
    dtype : of the numbers: "int8", or "float32", "int64" and the like of what the host alone sees.
    graph_shape : what the model calls it, the batch included.
    graph_dtype : what the model's user hands in or gets: "float32", "int8", "uint8".
    channels_last : whether the file kept channels last; `graph_shape` has them last, too.
    """

    name: str
    shape: Shape
    scale: float
    zero_point: int
    graph_shape: tuple[int, ...]
    dtype: str = "int8"
    graph_dtype: str = "float32"
    channels_last: bool = False


@dataclass(frozen=True, kw_only=True, eq=False)
class QuantisedOperator:
    """What all operators have.

    Parameters
    ----------
    name : of the main operator of the file.
    inputs, output : names of tensors.
    sources : names of all operators of the file that went into it.
    """

    name: str
    inputs: tuple[str, ...]
    output: str
    sources: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, eq=False)
class Convolution(QuantisedOperator):
    """clamp(z_y + requantise(bias + sum of w (x - z_x))), as `arithmetic.requantise` says.

    What lies outside the image is z_x. A depthwise layer has groups = C = K.

    Parameters
    ----------
    weights : int8 [K, C / groups, R, S].
    bias : int32 [K]; the input's zero point is not in it.
    multiplier, shift : int32 [K].
    padding : sides; negative ones crop.
    rounds_once : as a linear layer of TensorFlow Lite does; otherwise it rounds twice.
    """

    weights: NDArray[np.int8]
    bias: NDArray[np.int32]
    multiplier: NDArray[np.int32]
    shift: NDArray[np.int32]
    stride: Pair = (1, 1)
    padding: Sides = (0, 0, 0, 0)
    dilation: Pair = (1, 1)
    groups: int = 1
    clamp_min: int = -128
    clamp_max: int = 127
    rounds_once: bool = False


@dataclass(frozen=True, kw_only=True, eq=False)
class TransposedConvolution(QuantisedOperator):
    """As `Convolution`, of the image with stride - 1 rows and columns of z_x between its own.

    Parameters
    ----------
    weights : int8 [C, K / groups, R, S].
    padding : sides that are cut off the result; negative ones add to it.
    """

    weights: NDArray[np.int8]
    bias: NDArray[np.int32]
    multiplier: NDArray[np.int32]
    shift: NDArray[np.int32]
    stride: Pair = (1, 1)
    padding: Sides = (0, 0, 0, 0)
    dilation: Pair = (1, 1)
    groups: int = 1
    clamp_min: int = -128
    clamp_max: int = 127


@dataclass(frozen=True, kw_only=True, eq=False)
class Sum(QuantisedOperator):
    """`addition.of(first input, second input)`."""

    addition: Addition


@dataclass(frozen=True, kw_only=True, eq=False)
class Lookup(QuantisedOperator):
    """Each byte becomes an entry of a table.

    Parameters
    ----------
    entries : int8 [256]; entry i belongs to the byte i, so the numbers -128 to -1 come last.
    """

    entries: NDArray[np.int8]


@dataclass(frozen=True, kw_only=True, eq=False)
class MaximumPool(QuantisedOperator):
    """The largest byte under the kernel; outside the image it is -128."""

    kernel: Pair
    stride: Pair
    padding: Sides = (0, 0, 0, 0)
    dilation: Pair = (1, 1)


@dataclass(frozen=True, kw_only=True, eq=False)
class AveragePool(QuantisedOperator):
    """clamp(z_y + requantise(sum of weight (x - z_x))), the divisor being in the multiplier.

    Outside the image is z_x. Where the tensors share scale and zero point and what is outside does
    not count, z_x and z_y are 0, so that a mean between two bytes goes away from the byte 0.

    Parameters
    ----------
    input_zero_point, output_zero_point : z_x and z_y.
    weight : of each position, 1 to 127.
    multiplier, shift : int32, one for all channels.
    """

    kernel: Pair
    stride: Pair
    weight: int
    multiplier: int
    shift: int
    input_zero_point: int
    output_zero_point: int
    padding: Sides = (0, 0, 0, 0)
    clamp_min: int = -128
    clamp_max: int = 127


@dataclass(frozen=True, kw_only=True, eq=False)
class Concatenation(QuantisedOperator):
    """Channels of the inputs, one after the other; all have the output's scale and zero point."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Crop(QuantisedOperator):
    """A part of the image: channels, rows and columns `starts` to `ends`, every `steps`-th."""

    starts: Shape
    ends: Shape
    steps: Shape = (1, 1, 1)


@dataclass(frozen=True, kw_only=True, eq=False)
class Padded(QuantisedOperator):
    """The image with `value`, a byte, around it."""

    padding: Sides
    value: int


@dataclass(frozen=True, kw_only=True, eq=False)
class Upsampling(QuantisedOperator):
    """Each pixel repeated: y[c, p, q] = x[c, p div rows, q div columns]."""

    factors: Pair


@dataclass(frozen=True, kw_only=True, eq=False)
class Rearranged(QuantisedOperator):
    """The same bytes in another order: `y = x.reshape(before).transpose(axes).reshape(after)`.

    Depth to space, channel shuffle, flatten and the like, on [C, H, W].

    Parameters
    ----------
    after : the shape of the output.
    """

    before: tuple[int, ...]
    axes: tuple[int, ...]
    after: Shape


@dataclass(frozen=True, kw_only=True, eq=False)
class HostFunction(QuantisedOperator):
    """An operator of the float model that the host computes: dequantise, compute, quantise.

    Parameters
    ----------
    input_shapes : of the model, of each input.
    output_shape : of the model.
    kind, attributes : of `naas_hw.graph.operators`.
    constants : by position among the operator's inputs, None where one is missing; the other
        positions are `inputs`, in order.
    macs : its multiply-accumulates, which the accelerator does not do.
    reason : why the host computes it.
    """

    kind: str
    input_shapes: tuple[tuple[int, ...], ...]
    output_shape: tuple[int, ...]
    attributes: Mapping[str, Attribute] = field(default_factory=dict)
    constants: Mapping[int, Array | None] = field(default_factory=dict)
    macs: int = 0
    reason: str = ""


@dataclass(frozen=True, kw_only=True, eq=False)
class QuantisedGraph:
    """A network in integers, in order of execution.

    Parameters
    ----------
    tensors : by name.
    inputs, outputs : names of the network's own.
    """

    name: str
    operators: tuple[QuantisedOperator, ...]
    tensors: Mapping[str, QuantisedTensor]
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    num_weights: int = 0

    def consumers(self, tensor: str) -> tuple[QuantisedOperator, ...]:
        """Operators that read a tensor."""
        return tuple(operator for operator in self.operators if tensor in operator.inputs)
