"""The memories of an accelerator that may become block memories of an FPGA.

The hardware is built above this package, so its sizes are stated here once more. A test compares
them with the memories of the hardware when it is elaborated.
"""

from dataclasses import dataclass
from functools import cached_property
from math import ceil, prod
from typing import Final

from naas_hw.arch import timing
from naas_hw.arch.accelerator import OUTPUT_DIMS, WEIGHT_DIMS, Accelerator
from naas_hw.compiler.fields import BOUND_BITS, COORDINATE_BITS, DRAM_BITS, L2_BITS, OUTER
from naas_hw.cost.fpga.block_memories import MemoryShape, MemoryStyle
from naas_hw.workload.layer import Dim
from naas_hw.workload.option import TABLE_SIZE

WINDOW_DIMS: Final[tuple[Dim, ...]] = ("P", "Q", "R", "S")
"""Dims whose positions have input buffers of their own."""

MEMORY_BYTES: Final = 4
"""Bytes side by side in a memory of private buffers."""

SMALL_INPUT_WORDS: Final = 32
"""Words of an input buffer up to which arrays with several windows keep them in LUTs."""

SCALE_COMPONENT_BITS: Final = {"bias": 32, "multiplier": 31, "shift": 5}
"""Bits of each lane that a requantiser reads, of 32."""

TRIPS_BITS: Final = BOUND_BITS + 1
"""The trips of a loop in a record, and whether they are two."""

LOAD_RECORD_BITS: Final = TRIPS_BITS + 4 * DRAM_BITS + 2 * COORDINATE_BITS + 4 * BOUND_BITS
STORE_RECORD_BITS: Final = TRIPS_BITS + DRAM_BITS + 3 * BOUND_BITS


@dataclass(frozen=True, kw_only=True)
class MemoryGroup:
    """Equal memories.

    Parameters
    ----------
    name : what they hold.
    count : how many there are.
    shape : of each.
    """

    name: str
    count: int
    shape: MemoryShape


class Memories:
    """All memories of an accelerator that are read by a clock.

    Others, such as those of queues, are read without a clock and lie in LUTs.

    Parameters
    ----------
    accelerator : whose memories.
    """

    def __init__(self, accelerator: Accelerator) -> None:
        self.accelerator = accelerator

    @cached_property
    def groups(self) -> tuple[MemoryGroup, ...]:
        """Equal memories together."""
        return (
            *self._weight_buffers(),
            *self._input_buffers(),
            *self._accumulators(),
            self._banks(),
            *self._scales(),
            *self._records(),
            *self._epilogue(),
        )

    @property
    def num_groups(self) -> int:
        """Accumulators: positions of the axes that select an output."""
        return self._positions(OUTPUT_DIMS)

    @property
    def num_weight_buffers(self) -> int:
        """Weight buffers: PEs along P and Q share one."""
        return self._positions(WEIGHT_DIMS)

    @property
    def num_windows(self) -> int:
        """Positions with input buffers of their own addresses."""
        return self._positions(WINDOW_DIMS)

    def _positions(self, dims: tuple[Dim, ...]) -> int:
        return prod(axis.size for axis in self.accelerator.axes if axis.dim in dims)

    def _weight_buffers(self) -> list[MemoryGroup]:
        a = self.accelerator
        return _private_buffers(
            "weights",
            num_pes=self.num_weight_buffers,
            word_bytes=a.weight_word_bytes,
            buffer_bytes=a.weight_buffer_bytes,
            granularity=8 * a.weight_word_bytes,
        )

    def _input_buffers(self) -> list[MemoryGroup]:
        a = self.accelerator
        words = a.input_buffer_bytes // a.input_word_bytes
        is_small = self.num_windows > 1 and words <= SMALL_INPUT_WORDS
        return _private_buffers(
            "inputs",
            num_pes=a.num_pes // self.num_windows,
            word_bytes=a.input_word_bytes,
            buffer_bytes=a.input_buffer_bytes,
            granularity=8,
            style=MemoryStyle.DISTRIBUTED if is_small else MemoryStyle.AUTO,
            times=self.num_windows,
        )

    def _accumulators(self) -> list[MemoryGroup]:
        """Those that add, and the copies that drain reads, as many as there are lanes at least."""
        a = self.accelerator
        numbers = a.accumulator_words // 2
        depth = (1 << (numbers - 1).bit_length()) + numbers + 1
        shape = MemoryShape(width=32, depth=depth, granularity=32, latency=timing.MEMORY_LATENCY)
        copies = ceil(self.num_groups / a.accumulator_lanes) * a.accumulator_lanes
        return [
            MemoryGroup(name="accumulators", count=self.num_groups, shape=shape),
            MemoryGroup(name="drain copies", count=copies, shape=shape),
        ]

    def _banks(self) -> MemoryGroup:
        a = self.accelerator
        shape = MemoryShape(
            width=8 * a.beat_bytes, depth=a.bank_words, granularity=8, is_shared=True
        )
        return MemoryGroup(name="global buffer", count=a.num_banks, shape=shape)

    def _scales(self) -> list[MemoryGroup]:
        a = self.accelerator
        parts = a.drain_lanes // a.sum_lanes
        width = 8 * a.beat_bytes
        return [
            MemoryGroup(
                name=name,
                count=parts,
                shape=MemoryShape(
                    width=width,
                    depth=2 * a.scale_depth // a.drain_lanes,
                    granularity=width,
                    lane_bits=bits,
                ),
            )
            for name, bits in SCALE_COMPONENT_BITS.items()
        ]

    def _records(self) -> list[MemoryGroup]:
        """Trips and deltas of the loop nests of load and store."""
        residual_bits = DRAM_BITS if self.accelerator.residual else 0
        widths = {
            "load records": LOAD_RECORD_BITS + residual_bits,
            "store records": STORE_RECORD_BITS,
        }
        return [
            MemoryGroup(
                name=name,
                count=1,
                shape=MemoryShape(
                    width=width,
                    depth=OUTER,
                    granularity=width,
                    style=MemoryStyle.BLOCK,
                    latency=2,
                ),
            )
            for name, width in widths.items()
        ]

    def _epilogue(self) -> list[MemoryGroup]:
        """Copies of the table, and what waits for the epilogue."""
        a = self.accelerator
        if not a.has_epilogue:
            return []
        width = 8 * a.beat_bytes
        table = MemoryShape(
            width=width,
            depth=TABLE_SIZE // a.beat_bytes,
            granularity=width,
            latency=timing.MEMORY_LATENCY,
        )
        parts = a.drain_lanes // a.sum_lanes
        part_bits = 1 + (parts - 1).bit_length() if parts > 1 else 0
        late_bits = 1 + (a.beat_bytes.bit_length() - 1) + L2_BITS + width + part_bits
        late = MemoryShape(
            width=late_bits,
            depth=timing.REQUANTISE_LATENCY + timing.EPILOGUE_LATENCY,
            granularity=late_bits,
        )
        copies = [MemoryGroup(name="table", count=a.drain_lanes, shape=table)] if a.table else []
        return [*copies, MemoryGroup(name="delay", count=1, shape=late)]


def _private_buffers(
    name: str,
    *,
    num_pes: int,
    word_bytes: int,
    buffer_bytes: int,
    granularity: int,
    style: MemoryStyle = MemoryStyle.AUTO,
    times: int = 1,
) -> list[MemoryGroup]:
    """As many PEs in a memory as fill it, and a memory of what is left."""
    each = MEMORY_BYTES // word_bytes
    whole, rest = divmod(num_pes, each)
    return [
        MemoryGroup(
            name=name,
            count=times * count,
            shape=MemoryShape(
                width=8 * word_bytes * pes,
                depth=buffer_bytes // word_bytes,
                granularity=granularity,
                style=style,
                latency=timing.MEMORY_LATENCY,
            ),
        )
        for count, pes in ((whole, each), (1 if rest else 0, rest))
        if count
    ]
