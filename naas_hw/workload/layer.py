"""A layer: a nest of the loops K C P Q R S.

K output channels, C input channels, P output rows, Q output columns, R kernel rows, S kernel
columns (batch is 1). Other tools' names: ZigZag K C OY OX FY FX; MAESTRO K C Y' X' R S; Timeloop
M for K; a matrix product has P = M, K = N, C = K.
"""

from enum import StrEnum
from typing import Annotated, Final, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from naas_hw.workload.option import Option

Dim = Literal["K", "C", "P", "Q", "R", "S"]
DIMS: Final[tuple[Dim, ...]] = ("K", "C", "P", "Q", "R", "S")

NAME_PATTERN: Final = r"^[A-Za-z0-9_][A-Za-z0-9_.\-]{0,99}$"
Name = Annotated[str, Field(pattern=NAME_PATTERN)]
"""A name that may reach a path, a shell or Verilog: letters, digits, `_`, `.`, `-`."""

MAX_REACH: Final = 65535
"""Rows or columns of the input that a layer may span, padding included."""

MAX_SIZE: Final = 65535
"""The largest bound of a loop, and the most rows or columns of an image."""

Size = Annotated[int, Field(ge=1, le=MAX_SIZE)]
Pair = tuple[Size, Size]

MAX_PADDING: Final = 255
Leading = Annotated[int, Field(ge=0, le=MAX_PADDING)]
Trailing = Annotated[int, Field(ge=-MAX_SIZE, le=MAX_PADDING)]


class Kind(StrEnum):
    """What a layer computes; `LINEAR` is a 1x1 convolution of a 1x1 image."""

    CONV = "conv"
    DEPTHWISE = "depthwise"
    LINEAR = "linear"
    TRANSPOSED = "transposed"  # in the model only: a 1x1 convolution to K R S channels


class Activation(StrEnum):
    """What is clamped after requantisation."""

    NONE = "none"
    RELU = "relu"
    RELU6 = "relu6"


def _is_unset(value: bool) -> bool:
    """Whether a file need not name an option."""
    return not value


class Layer(BaseModel):
    """One layer; frozen, hashable, checked at construction.

    Parameters
    ----------
    K, C, P, Q, R, S : loop bounds, 1 to 65535. A depthwise layer has C = 1 and K channels. A
        transposed one (stride = kernel only) is written as the product that it is: K counts
        output channels times kernel positions, R = S = 1, P x Q is the *input* image.
    height, width : rows and columns of the input.
    stride, dilation : (rows, columns).
    padding : rows above and columns left of the input; what lies below and to the right follows
        from P, Q and the input's size, and is at most 255.
    trailing_padding : rows below and columns right of the input, where they are neither those of
        `padding` nor those of "same" (`naas_hw.workload.sizes`); negative where the input's last
        rows or columns are not read.
    groups : how often the layer is repeated over disjoint channels; K and C are those of a group.
    residual : an int8 tensor of the shape of the outputs is added to them.
    table : each output goes through a table of 256 bytes.
    maximum : the largest product is the output instead of the sum; depthwise layers only.
    rounds_once : sums become bytes with one rounding, not two (`workload.arithmetic.requantise`).
    output_stride : the outputs are every n-th row and column of the image that they are written to.

    Raises
    ------
    pydantic.ValidationError (a ValueError), naming the field.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=False)

    name: Name
    kind: Kind = Kind.CONV
    K: Size
    C: Size = 1
    P: Size = 1
    Q: Size = 1
    R: Size = 1
    S: Size = 1
    height: Size
    width: Size
    stride: Pair = (1, 1)
    padding: tuple[Leading, Leading] = (0, 0)
    trailing_padding: tuple[Trailing, Trailing] | None = Field(
        default=None, exclude_if=lambda padding: padding is None
    )
    dilation: Pair = (1, 1)
    groups: Size = 1
    activation: Activation = Activation.NONE
    residual: bool = Field(default=False, exclude_if=_is_unset)
    table: bool = Field(default=False, exclude_if=_is_unset)
    maximum: bool = Field(default=False, exclude_if=_is_unset)
    rounds_once: bool = Field(default=False, exclude_if=_is_unset)
    output_stride: Pair = Field(default=(1, 1), exclude_if=lambda stride: stride == (1, 1))

    @model_validator(mode="after")
    def _check_kind(self) -> Self:
        if self.kind is Kind.DEPTHWISE and self.C != 1:
            raise ValueError(f"C must be 1 in a depthwise layer, not {self.C}")
        if self.kind is Kind.LINEAR and (self.P, self.Q, self.R, self.S) != (1, 1, 1, 1):
            raise ValueError("P, Q, R and S must be 1 in a linear layer")
        if self.maximum and self.kind is not Kind.DEPTHWISE:
            raise ValueError(f"maximum must be false in a {self.kind.value} layer, not true")
        for i, (out, kernel) in enumerate((("P", "R"), ("Q", "S"))):
            reach = (getattr(self, out) - 1) * self.stride[i]
            reach += (getattr(self, kernel) - 1) * self.dilation[i]
            if reach > MAX_REACH:
                raise ValueError(f"{out} and {kernel} must reach at most {MAX_REACH}, not {reach}")
            self._check_padding(i, out, reach)
        return self

    def _check_padding(self, axis: int, out: str, reach: int) -> None:
        """Refuse outputs that no padding of at most 255 below or to the right explains."""
        size = (self.height, self.width)[axis]
        excess = reach + 1 - size - self.padding[axis] - MAX_PADDING
        if excess > 0:
            stride = self.stride[axis]
            outputs = getattr(self, out)
            most = outputs - -(-excess // stride)
            raise ValueError(
                f"{out} must be at most {most} for an input of {size} with padding "
                f"{self.padding[axis]} before it and at most {MAX_PADDING} behind it, not {outputs}"
                if most > 0
                else f"an input of {size} with padding must have room for the kernel of {out}"
            )

    @property
    def bounds(self) -> dict[Dim, int]:
        """Loop bound of each dim."""
        return {dim: getattr(self, dim) for dim in DIMS}

    @property
    def num_macs(self) -> int:
        """Multiply-accumulates, all groups together."""
        return self.groups * self.K * self.C * self.P * self.Q * self.R * self.S

    @property
    def options(self) -> frozenset[Option]:
        """Hardware that the layer needs beyond sums of products that become bytes."""
        wanted = {
            Option.RESIDUAL: self.residual,
            Option.TABLE: self.table,
            Option.MAXIMUM: self.maximum,
            Option.PITCHED_STORE: self.output_stride[1] > 1,
            Option.SINGLE_ROUNDING: self.rounds_once,
        }
        return frozenset(option for option, is_wanted in wanted.items() if is_wanted)

    @property
    def has_program(self) -> bool:
        """Whether the accelerator runs it: a transposed layer exists in the model only."""
        return self.kind is not Kind.TRANSPOSED

    @property
    def input_channels(self) -> int:
        """Channels of the input of one group: C, or K where each channel is its own."""
        return self.K if self.kind is Kind.DEPTHWISE else self.C

    @property
    def anonymous(self) -> "Layer":
        """The layer without its name and what follows from other fields.

        It is equal for layers that cost the same.
        """
        return self.model_copy(update={"name": "layer", "trailing_padding": None})

    def renamed(self, name: str) -> "Layer":
        """The same layer under another name."""
        return self.model_copy(update={"name": name})
