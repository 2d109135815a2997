"""An accelerator: everything that is fixed when hardware is elaborated."""

from collections.abc import Iterable
from math import gcd, prod
from typing import Annotated, Final, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from naas_hw.workload.layer import DIMS, MAX_SIZE, Dim, Name
from naas_hw.workload.option import Option

WEIGHT_DIMS: Final[tuple[Dim, ...]] = ("K", "C", "R", "S")
OUTPUT_DIMS: Final[tuple[Dim, ...]] = ("K", "P", "Q")
SUM_BYTES: Final = 4
"""Bytes of a partial sum."""
MAX_L2_WORDS: Final = 1 << 20
MAX_AXIS: Final = 1024
"""Positions of an axis at most."""
REDUCTION_DIMS: Final[tuple[Dim, ...]] = ("C", "R", "S")


class Axis(BaseModel):
    """One axis of the array: how many positions, and which loop is spread over them."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    dim: Dim
    size: Annotated[int, Field(ge=1, le=MAX_AXIS)]


class Accelerator(BaseModel):
    """A point of the hardware space; frozen, hashable, checked at construction.

    Parameters
    ----------
    axes : one to three, no dim twice. K P Q axes select accumulators, C R S axes are reduced by
        an adder tree.
    weight_buffer_bytes, input_buffer_bytes : of one PE, both halves of the ping-pong together.
    accumulator_words : 32-bit words behind each adder tree, both halves together.
    num_banks, bank_bytes : the global buffer (L2), equal banks.
    scale_depth : output channels whose bias, multiplier and shift one K tile may hold.
    beat_bytes : width B of DRAM bus, L2 port and channel block.
    drain_lanes : requantisers D, numbers that drain finishes a cycle: B / 4, the default, B / 2 or
        B. Partial sums stay B / 4 a cycle, because an L2 word holds no more of them.
    dram_latency_cycles, dram_beat_period_cycles : what the memory outside is like; the hardware
        does not depend on them, its time does.
    weight_lanes : bytes that reach a PE a cycle where no axis is K, C, R or S.
    input_lanes : the same for inputs where no axis is C.
    residual, table, maximum, pitched_store, single_rounding : hardware for the layers that need it
        (`naas_hw.workload.option`); without it the netlist is smaller.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    version: Annotated[int, Field(ge=1, le=1)] = 1
    name: Name = "accelerator"
    axes: Annotated[tuple[Axis, ...], Field(min_length=1, max_length=3)]
    weight_buffer_bytes: Annotated[int, Field(ge=2, le=65536)]
    input_buffer_bytes: Annotated[int, Field(ge=2, le=65536)]
    accumulator_words: Annotated[int, Field(ge=2, le=65536)]
    num_banks: Annotated[int, Field(ge=3, le=32)] = 8
    bank_bytes: Annotated[int, Field(ge=64, le=4 * 1024 * 1024)]
    scale_depth: Annotated[int, Field(ge=8, le=8192)] = 512
    beat_bytes: Annotated[int, Field(ge=4, le=32)] = 16
    drain_lanes: Annotated[int, Field(ge=1, le=32)] = Field(
        default_factory=lambda given: given["beat_bytes"] // SUM_BYTES
    )
    dram_latency_cycles: Annotated[int, Field(ge=1, le=1000)] = 50
    dram_beat_period_cycles: Annotated[int, Field(ge=1, le=64)] = 1
    weight_lanes: Annotated[int, Field(ge=1, le=4)] = 4
    input_lanes: Annotated[int, Field(ge=1, le=4)] = 4
    residual: bool = Field(default=False, exclude_if=lambda is_there: not is_there)
    table: bool = Field(default=False, exclude_if=lambda is_there: not is_there)
    maximum: bool = Field(default=False, exclude_if=lambda is_there: not is_there)
    pitched_store: bool = Field(default=False, exclude_if=lambda is_there: not is_there)
    single_rounding: bool = Field(default=False, exclude_if=lambda is_there: not is_there)

    @model_validator(mode="after")
    def _check(self) -> Self:
        dims = [axis.dim for axis in self.axes]
        for dim in dims:
            if dims.count(dim) > 1:
                raise ValueError(f"axes must have different dims, not {dim} twice")
        if self.beat_bytes not in (4, 8, 16, 32):
            raise ValueError(f"beat_bytes must be 4, 8, 16 or 32, not {self.beat_bytes}")
        widths = tuple(self.beat_bytes // parts for parts in (4, 2, 1))
        if self.drain_lanes not in widths:
            raise ValueError(
                f"drain_lanes must be {widths[0]}, {widths[1]} or {widths[2]} "
                f"where beat_bytes is {self.beat_bytes}, not {self.drain_lanes}"
            )
        for field in ("weight_lanes", "input_lanes"):
            if getattr(self, field) not in (1, 2, 4):
                raise ValueError(f"{field} must be 1, 2 or 4, not {getattr(self, field)}")
        self._check_multiple("weight_buffer_bytes", 2 * self.weight_word_bytes)
        self._check_multiple("input_buffer_bytes", 2 * self.input_word_bytes)
        self._check_multiple("accumulator_words", 2 * self.accumulator_lanes)
        self._check_multiple("bank_bytes", self.beat_bytes)
        self._check_multiple("scale_depth", self.drain_lanes)
        if self.num_banks * self.bank_words > MAX_L2_WORDS:
            raise ValueError(
                f"the global buffer must have at most {MAX_L2_WORDS} words of beat_bytes, "
                f"not {self.num_banks * self.bank_words}"
            )
        if self.num_pes > 65536:
            raise ValueError(f"the array must have at most 65536 PEs, not {self.num_pes}")
        return self

    def _check_multiple(self, field: str, unit: int) -> None:
        value = getattr(self, field)
        if value % unit:
            raise ValueError(f"{field} must be a multiple of {unit}, not {value}")

    @property
    def options(self) -> frozenset[Option]:
        """The optional hardware that is there."""
        return frozenset(option for option in Option if getattr(self, option.value))

    def with_options(self, options: Iterable[Option]) -> "Accelerator":
        """The same accelerator with this optional hardware, beside what it has."""
        return self.model_copy(update={option.value: True for option in options})

    @property
    def has_epilogue(self) -> bool:
        """Whether there is hardware between the requantisers and L2."""
        return self.residual or self.table

    # Array -----------------------------------------------------------------------------------

    @property
    def num_pes(self) -> int:
        """PEs of the array."""
        return prod(axis.size for axis in self.axes)

    @property
    def array_text(self) -> str:
        """`C 16 x K 12`: the axes, outermost first."""
        return " x ".join(f"{axis.dim} {axis.size}" for axis in self.axes)

    @property
    def sizes(self) -> dict[Dim, int]:
        """Positions along each dim; 1 where the dim is on no axis."""
        return {dim: self.size_of(dim) for dim in DIMS}

    def has(self, dim: Dim) -> bool:
        """Whether an axis is parallel in this dim."""
        return any(axis.dim == dim for axis in self.axes)

    def size_of(self, dim: Dim) -> int:
        """Positions along a dim; 1 where it is on no axis."""
        return next((axis.size for axis in self.axes if axis.dim == dim), 1)

    # Lanes -----------------------------------------------------------------------------------

    @property
    def weight_vector_dim(self) -> Dim | None:
        """Dim along whose axis the lanes of the weight network lie; None if on no axis."""
        candidates = [axis for axis in self.axes if axis.dim in WEIGHT_DIMS]
        best = max(candidates, key=lambda axis: gcd(self.beat_bytes, axis.size), default=None)
        return best.dim if best else None

    @property
    def weight_network_lanes(self) -> int:
        """Weights delivered a cycle, V of the weight network."""
        dim = self.weight_vector_dim
        return self.weight_lanes if dim is None else gcd(self.beat_bytes, self.size_of(dim))

    @property
    def weight_word_bytes(self) -> int:
        """Bytes of a word of a PE's weight buffer."""
        return self.weight_lanes if self.weight_vector_dim is None else 1

    @property
    def input_network_lanes(self) -> int:
        """Input channels delivered a cycle to a convolution, V of the input network."""
        return gcd(self.beat_bytes, self.size_of("C")) if self.has("C") else self.input_lanes

    @property
    def depthwise_network_lanes(self) -> int:
        """Input channels delivered a cycle to a depthwise layer."""
        if self.has("K"):
            return gcd(self.beat_bytes, self.size_of("K"))
        return 1 if self.has("C") else self.input_lanes

    @property
    def input_word_bytes(self) -> int:
        """Bytes of a word of a PE's input buffer."""
        return 1 if self.has("C") else self.input_lanes

    @property
    def sum_lanes(self) -> int:
        """Partial sums in an L2 word, B / 4."""
        return self.beat_bytes // SUM_BYTES

    @property
    def accumulator_lanes(self) -> int:
        """Channels side by side in a word of an accumulator bank; 1 where K is on an axis."""
        return 1 if self.has("K") else self.drain_lanes

    @property
    def drain_group(self) -> int:
        """Adjacent positions of a K axis that are drained in one beat."""
        return gcd(self.drain_lanes, self.size_of("K")) if self.has("K") else 1

    @property
    def pe_bound_bits(self) -> int:
        """Bits of the trips of a loop in a PE, or over the positions of an axis."""
        largest = max(self.weight_buffer_bytes, self.accumulator_words, *self.sizes.values())
        return min(largest, MAX_SIZE).bit_length()

    # Memories --------------------------------------------------------------------------------

    @property
    def bank_words(self) -> int:
        """Words of B bytes in one L2 bank."""
        return self.bank_bytes // self.beat_bytes

    @property
    def global_buffer_bytes(self) -> int:
        """Bytes of the global buffer."""
        return self.num_banks * self.bank_bytes

    @property
    def private_buffer_bytes(self) -> int:
        """Bytes of all private buffers: weights and inputs of every PE, and accumulators."""
        groups = prod(axis.size for axis in self.axes if axis.dim in OUTPUT_DIMS)
        per_pe = self.weight_buffer_bytes + self.input_buffer_bytes
        return self.num_pes * per_pe + groups * self.accumulator_words * 4
