# amaranth: UnusedElaboratable=no
"""The array is a table of bytes a PE and a table of int32 a group, whatever its axes are."""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import product
from typing import Any, Final

import numpy as np
import pytest
from kit import STALLS, Bench, Stalls, at_random, simulate

from naas_hw.arch.accelerator import OUTPUT_DIMS, Accelerator, Axis
from naas_hw.arch.timing import (
    ACCUMULATE_LATENCY,
    FILL_PIPELINE,
    MAC_PIPELINE,
    MEMORY_LATENCY,
    tree_cycles,
)
from naas_hw.rtl.array.pe_array import PEArray
from naas_hw.rtl.array.signatures import TARGET_LEAD
from naas_hw.rtl.primitives.positions import positions
from naas_hw.workload.layer import Dim

Position = dict[Dim, int]


def accelerator(*axes: tuple[Dim, int], **changes: int | bool) -> Accelerator:
    sizes: dict[str, Any] = {
        "weight_buffer_bytes": 16,
        "input_buffer_bytes": 64,
        "accumulator_words": 16,
        "bank_bytes": 256,
        "beat_bytes": 8,
        "scale_depth": 64,
    }
    return Accelerator(
        axes=tuple(Axis(dim=dim, size=size) for dim, size in axes), **(sizes | changes)
    )


DESIGNS: Final = {
    "C-K": accelerator(("C", 4), ("K", 3)),
    "K-C": accelerator(("K", 8), ("C", 2), beat_bytes=4),
    "R-P-K": accelerator(("R", 2), ("P", 3), ("K", 2)),
    "Q-S": accelerator(("Q", 3), ("S", 2), beat_bytes=16),
    "P, one lane": accelerator(("P", 2), weight_lanes=1, input_lanes=1),
    "P-K with a maximum": accelerator(("P", 2), ("K", 2), maximum=True),
    "P, two lanes": accelerator(("P", 2), weight_lanes=2, input_lanes=2),
}


@dataclass(frozen=True, kw_only=True)
class Layer:
    """The fields that the array reads: used positions, and the window of a step."""

    used: tuple[int, ...]
    depthwise: int
    chunk_step: int
    rows: int
    columns: int
    row_step_p: int
    row_step_r: int
    column_step_q: int
    column_step_s: int
    maximum: int

    @property
    def column_pitch(self) -> int:
        """Bytes of a pixel in a PE."""
        return 4

    @property
    def row_pitch(self) -> int:
        return self.columns * self.column_pitch

    def fields(self) -> dict[str, int]:
        return {
            "depthwise": self.depthwise,
            "chunk_step": self.chunk_step,
            "window_row_pitch": self.row_pitch,
            "window_row_last": (self.rows - 1) * self.row_pitch,
            "window_column_pitch": self.column_pitch,
            "window_column_last": (self.columns - 1) * self.column_pitch,
            "row_step_p": self.row_step_p,
            "row_step_r": self.row_step_r,
            "column_step_q": self.column_step_q,
            "column_step_s": self.column_step_s,
            "maximum": self.maximum,
        }


def random_layer(rng: np.random.Generator, design: Accelerator, depthwise: bool) -> Layer:
    lanes = [design.depthwise_network_lanes if depthwise else design.input_network_lanes]
    on_axis = design.has("K" if depthwise else "C")
    narrow = design.has("C") or on_axis or lanes[0] == 1
    return Layer(
        used=tuple(int(rng.integers(1, axis.size + 1)) for axis in design.axes),
        depthwise=int(depthwise),
        chunk_step=1 if narrow else 1 << int(rng.integers(lanes[0].bit_length())),
        rows=int(rng.integers(1, 3)),
        columns=int(rng.integers(1, 4)),
        row_step_p=int(rng.integers(3)),
        row_step_r=int(rng.integers(3)),
        column_step_q=int(rng.integers(3)),
        column_step_s=int(rng.integers(3)),
        maximum=int(design.maximum),
    )


class Model:
    """Bytes of all private buffers, numbers of all accumulators, and accesses of each."""

    def __init__(self, design: Accelerator, layer: Layer) -> None:
        self.design = design
        self.layer = layer
        self.pes = positions(design, ("K", "C", "P", "Q", "R", "S"))
        self.groups = positions(design, OUTPUT_DIMS)
        self.weights = np.zeros((len(self.pes), design.weight_buffer_bytes), np.int8)
        self.inputs = np.zeros((len(self.pes), design.input_buffer_bytes), np.int8)
        self.numbers = np.zeros((2, len(self.groups), design.accumulator_words // 2), np.int64)
        names = ("weight_writes", "input_writes", "weight_reads", "input_reads", "macs")
        self.accesses = {name: np.zeros(len(self.pes), np.int64) for name in names}

    def is_used(self, where: Position) -> bool:
        axes = zip(self.design.axes, self.layer.used, strict=True)
        return all(where.get(axis.dim, 0) < used for axis, used in axes)

    def deliver_weights(self, group: tuple[int, ...], word: int, lanes: bytes) -> None:
        """A PE takes the lane of its position in the group along the vector axis."""
        vector, width = self.design.weight_vector_dim, self.design.weight_word_bytes
        for i, where in enumerate(self.pes):
            takes = self.is_used(where)
            for axis, number in zip(self.design.axes, group, strict=False):
                if axis.dim in ("K", "C", "R", "S"):
                    each = self.design.weight_network_lanes if axis.dim == vector else 1
                    takes &= where[axis.dim] // each == number
            if takes:
                lane = where[vector] % self.design.weight_network_lanes if vector else 0
                taken = np.frombuffer(lanes[lane : lane + width], np.int8)
                self.weights[i, word * width : (word + 1) * width] = taken
                self.accesses["weight_writes"][i] += 1

    def deliver_inputs(
        self, pixel: tuple[int, int], group: int, address: int, conv: bytes, depthwise: bytes
    ) -> None:
        """A PE takes the chunk of its channel group, of pixels in its window."""
        for i, where in enumerate(self.pes):
            place = self._window_address(where, pixel)
            dim, lanes, chunk = self._channels(where, conv, depthwise)
            if place is None or not self.is_used(where):
                continue
            if self.design.has(dim):
                if where[dim] // len(lanes) != group:
                    continue
                lane = where[dim] % len(lanes)
                chunk = lanes[lane : lane + 1]
            at, step = place + address, self.layer.chunk_step
            offset = at % self.design.input_word_bytes
            taken = chunk[0:1] if self.design.has(dim) else chunk[offset : offset + step]
            self.inputs[i, at : at + step] = np.frombuffer(taken * (step // len(taken)), np.int8)
            self.accesses["input_writes"][i] += 1

    def _channels(self, where: Position, conv: bytes, depthwise: bytes) -> tuple[Dim, bytes, bytes]:
        """Axis of the channels, and the lanes; only position 0 of C works in depthwise layers."""
        if self.layer.depthwise and where.get("C", 0) == 0:
            return "K", depthwise, depthwise
        return "C", conv, conv

    def _window_address(self, where: Position, pixel: tuple[int, int]) -> int | None:
        layer = self.layer
        row = pixel[0] - where.get("P", 0) * layer.row_step_p - where.get("R", 0) * layer.row_step_r
        column = pixel[1] - where.get("Q", 0) * layer.column_step_q
        column -= where.get("S", 0) * layer.column_step_s
        if 0 <= row < layer.rows and 0 <= column < layer.columns:
            return row * layer.row_pitch + column * layer.column_pitch
        return None

    def multiply(self, weight: int, value: int, number: int, first: int, half: int) -> None:
        products = self.weights[:, weight].astype(np.int64) * self.inputs[:, value]
        used = np.array([self.is_used(where) for where in self.pes])
        for g, group in enumerate(self.groups):
            if self.is_used(group):
                mine = [group.items() <= where.items() for where in self.pes]
                total = int(products[used & mine].sum())
                old = int(self.numbers[half, g, number])
                added = (old + total + 2**31) % 2**32 - 2**31
                kept = max(old, total) if self.layer.maximum else added
                self.numbers[half, g, number] = total if first else kept
        for name in ("weight_reads", "input_reads", "macs"):
            self.accesses[name] += used

    def drained(self, half: int, groups: int, address: int) -> list[int]:
        """The words of the groups that a beat may hold, as the port gives them."""
        each = self.design.accumulator_lanes
        words = [0] * self.design.drain_group
        for g, group in enumerate(self.groups):
            values = [int(v) % 2**32 for v in self.numbers[half, g, address * each :][:each]]
            asked = groups >> g & 1
            word = sum(v << 32 * n for n, v in enumerate(values) if asked)
            words[group.get("K", 0) % len(words)] |= word
        return words


class Drivers:
    """Benches that drive one interface of the array each, at random, and tell the model."""

    def __init__(self, dut: PEArray, model: Model, rng: np.random.Generator) -> None:
        self.dut, self.model, self.rng = dut, model, rng
        self.design, self.layer = model.design, model.layer

    def start(self) -> Bench:
        """The fields of the layer, steady from two cycles before the first start on."""

        async def bench(ctx: Any) -> None:
            for i, used in enumerate(self.layer.used):
                ctx.set(self.dut.fields.used[i], used)
            for name, value in self.layer.fields().items():
                if name in self.dut.fields.signature.members:
                    ctx.set(getattr(self.dut.fields, name), value)
            await ctx.tick().repeat(2)

        return bench

    def fill_weights(self, half: int, stalls: Stalls) -> Bench:
        """Every word of a half, of every group of positions, in any order; lanes come later."""
        design, port = self.design, self.dut.weights
        words = design.weight_buffer_bytes // design.weight_word_bytes
        sizes = [axis.size if axis.dim in ("K", "C", "R", "S") else 1 for axis in design.axes]
        for i, axis in enumerate(design.axes):
            sizes[i] //= design.weight_network_lanes if axis.dim == design.weight_vector_dim else 1
        each = list(product(product(*map(range, sizes)), range(words // 2)))

        async def bench(ctx: Any) -> None:
            pauses = iter(stalls)
            late: list[bytes | None] = [None] * (TARGET_LEAD - 1)

            async def tick(lanes: bytes | None) -> None:
                late.append(lanes)
                await ctx.tick()
                ctx.set(port.valid, 0)
                ctx.set(port.data, int.from_bytes(late.pop(0) or bytes(1), "little"))

            for n in self.rng.permutation(len(each)):
                group, word = each[n]
                while next(pauses):
                    await tick(None)
                lanes = self.rng.bytes(design.weight_network_lanes)
                for i, number in enumerate(group):
                    ctx.set(port.group[i], number)
                ctx.set(port.address, half * words // 2 + word)
                ctx.set(port.valid, 1)
                self.model.deliver_weights(group, half * words // 2 + word, lanes)
                await tick(lanes)
            for _ in range(TARGET_LEAD):
                await tick(None)

        return bench

    def fill_inputs(self, half: int, stalls: Stalls) -> Bench:
        """All pixels of a step, in order; the bytes of a chunk come later than its read."""
        design, layer, port = self.design, self.layer, self.dut.inputs
        sizes = design.sizes
        rows = (sizes["P"] - 1) * layer.row_step_p + (sizes["R"] - 1) * layer.row_step_r
        columns = (sizes["Q"] - 1) * layer.column_step_q + (sizes["S"] - 1) * layer.column_step_s
        extent = rows + layer.rows, columns + layer.columns
        base = half * design.input_buffer_bytes // 2
        lanes = design.depthwise_network_lanes if layer.depthwise else design.input_network_lanes
        on_axis = design.has("K" if layer.depthwise else "C")
        groups = design.size_of("K" if layer.depthwise else "C") // lanes if on_axis else 1
        chunks = [
            (step * layer.chunk_step, group)
            for step in range(layer.column_pitch // layer.chunk_step)
            for group in range(groups)
        ]

        async def bench(ctx: Any) -> None:
            pauses = iter(stalls)
            late: list[tuple[bytes, bytes]] = [self.random_lanes() for _ in range(FILL_PIPELINE)]

            async def tick() -> None:
                """A cycle: the bytes that are due, which belong to the read of some cycles ago."""
                conv, depthwise = late.pop(0)
                ctx.set(port.conv_data, int.from_bytes(conv, "little"))
                ctx.set(port.depthwise_data, int.from_bytes(depthwise, "little"))
                await ctx.tick()

            def set_moves(row_start: int, row: int, column_start: int, column: int) -> None:
                ctx.set(port.row_start, row_start)
                ctx.set(port.row_advance, row)
                ctx.set(port.column_start, column_start)
                ctx.set(port.column_advance, column)

            set_moves(1, 0, 1, 0)
            late.append(self.random_lanes())
            await tick()
            for (y, x), (n, (address, group)) in product(
                product(range(extent[0]), range(extent[1])), enumerate(chunks)
            ):
                set_moves(0, 0, 0, 0)
                while next(pauses):
                    late.append(self.random_lanes())
                    await tick()
                ends_pixel = n == len(chunks) - 1
                ends_row = ends_pixel and x == extent[1] - 1
                set_moves(0, ends_row, ends_row, ends_pixel)
                ctx.set(port.valid, 1)
                ctx.set(port.group, group)
                ctx.set(port.channel_address, base + address)
                conv, depthwise = self.random_lanes()
                self.model.deliver_inputs((y, x), group, base + address, conv, depthwise)
                late.append((conv, depthwise))
                await tick()
                ctx.set(port.valid, 0)
            set_moves(0, 0, 0, 0)
            for _ in range(FILL_PIPELINE):
                late.append(self.random_lanes())
                await tick()

        return bench

    def random_lanes(self) -> tuple[bytes, bytes]:
        """Bytes of a cycle for either kind of layer."""
        conv = self.rng.bytes(self.design.input_network_lanes)
        return conv, self.rng.bytes(self.design.depthwise_network_lanes)

    def multiply(self, half: int, number: int, stalls: Stalls) -> Bench:
        """Multiplications of one half of the buffers; numbers are often the same in a row."""
        design, port, rng = self.design, self.dut.multiplication, self.rng
        weight_bytes, input_bytes = design.weight_buffer_bytes // 2, design.input_buffer_bytes // 2

        async def bench(ctx: Any) -> None:
            pauses = iter(stalls)
            touched: set[int] = set()
            at = 0
            for _ in range(number):
                while next(pauses):
                    await ctx.tick()
                if rng.random() < 0.6:
                    at = int(rng.integers(design.accumulator_words // 2))
                weight = half * weight_bytes + int(rng.integers(weight_bytes))
                value = half * input_bytes + int(rng.integers(input_bytes))
                first = int(at not in touched)
                touched.add(at)
                ctx.set(port.weight_address, weight)
                ctx.set(port.input_address, value)
                ctx.set(port.accumulator_address, at)
                ctx.set(port.first, first)
                ctx.set(port.half, half)
                ctx.set(port.valid, 1)
                self.model.multiply(weight, value, at, first, half)
                await ctx.tick()
                ctx.set(port.valid, 0)
            reduced = len(self.model.pes) // len(self.model.groups)
            await ctx.tick().repeat(MAC_PIPELINE + tree_cycles(reduced) + ACCUMULATE_LATENCY + 1)

        return bench

    def drain(self, half: int, stalls: Stalls) -> Bench:
        """Every word of a half, of random groups, some cycles after its address.

        Where lanes are side by side, a beat is of one group.
        """
        design, port, rng = self.design, self.dut.drain, self.rng

        async def bench(ctx: Any) -> None:
            pauses = iter(stalls)
            for address in range(design.accumulator_words // 2 // design.accumulator_lanes):
                while next(pauses):
                    await ctx.tick()
                groups = int(rng.integers(1 << len(self.model.groups)))
                if design.accumulator_lanes > 1:
                    groups = 1 << int(rng.integers(len(self.model.groups)))
                expected = self.model.drained(half, groups, address)
                ctx.set(port.groups, groups)
                ctx.set(port.half, half)
                ctx.set(port.address, address)
                await ctx.tick()
                ctx.set(port.groups, 0)
                await ctx.tick().repeat(MEMORY_LATENCY - 1)
                assert [ctx.get(word) for word in port.words] == expected

        return bench

    def count(self, counted: dict[str, np.ndarray]) -> Bench:
        """Adds up the strobes of each PE."""

        async def bench(ctx: Any) -> None:
            strobes = [getattr(self.dut, name) for name in counted]
            async for _, _, *values in ctx.tick().sample(*strobes):
                for total, value in zip(counted.values(), values, strict=True):
                    total += [value >> i & 1 for i in range(len(total))]

        return bench


def in_turn(*phases: Iterable[Bench]) -> list[Bench]:
    """Benches of which each does its part of every phase; all wait for the slowest."""
    lengths: list[int] = [0] * len(phases)
    columns = list(zip(*[list(phase) for phase in phases], strict=True))

    def bench_of(column: tuple[Bench, ...]) -> Bench:
        async def bench(ctx: Any) -> None:
            for n, part in enumerate(column):
                await part(ctx)
                lengths[n] += 1
                while lengths[n] < len(columns):
                    await ctx.tick()

        return bench

    return [bench_of(column) for column in columns]


@pytest.mark.takes_seconds
@pytest.mark.sampled(3)
@pytest.mark.parametrize("depthwise", [False, True], ids=["conv", "depthwise"])
@pytest.mark.parametrize("stalls", STALLS)
@pytest.mark.parametrize("name", DESIGNS)
def test_it_equals_tables_of_bytes_and_numbers(name: str, stalls: str, depthwise: bool) -> None:
    """Fill, compute and drain work at the same time on different halves, with pauses of each."""
    design = DESIGNS[name]
    seed = sum(map(ord, name + stalls))
    print(f"seed {seed}")
    rng = np.random.default_rng(seed)
    dut = PEArray(design)
    model = Model(design, random_layer(rng, design, depthwise))
    drivers = Drivers(dut, model, rng)
    counted = {name: np.zeros_like(total) for name, total in model.accesses.items()}

    async def idle(ctx: Any) -> None:
        pass

    def fill(half: int) -> list[Bench]:
        return [
            drivers.fill_weights(half, STALLS[stalls]()),
            drivers.fill_inputs(half, at_random(seed, 0.2)),
        ]

    benches = in_turn(
        [drivers.start(), idle, idle, idle],
        [*fill(0), idle, idle],
        [*fill(1), drivers.multiply(0, 40, STALLS[stalls]()), idle],
        [
            idle,
            idle,
            drivers.multiply(1, 40, at_random(seed, 0.3)),
            drivers.drain(0, iter([False] * 99)),
        ],
        [idle, idle, idle, drivers.drain(1, STALLS[stalls]())],
    )
    simulate(dut, *benches, background=[drivers.count(counted)])
    assert model.accesses["macs"].sum() > 0
    for strobe, total in model.accesses.items():
        np.testing.assert_array_equal(counted[strobe], total, strobe)
