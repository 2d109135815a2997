# amaranth: UnusedElaboratable=no
"""A PE keeps the chunks of its channels, of pixels in its window."""

from typing import Any, Final

import numpy as np
import pytest
from kit import STALLS, simulate

from naas_hw.arch.accelerator import Accelerator, Axis
from naas_hw.arch.timing import FILL_PIPELINE
from naas_hw.rtl.array.input_capture import InputCapture
from naas_hw.rtl.primitives.positions import WINDOW_DIMS, Position, pe_positions, pes_at
from naas_hw.workload.layer import Dim


def accelerator(*axes: tuple[Dim, int], **changes: int) -> Accelerator:
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
    "C-K": accelerator(("C", 12), ("K", 2), beat_bytes=4),
    "K-R-P": accelerator(("K", 8), ("R", 2), ("P", 2), beat_bytes=4),
    "Q-S": accelerator(("Q", 2), ("S", 3)),
    "P, one lane": accelerator(("P", 2), input_lanes=1),
}

Chunk = dict[str, Any]


class Model:
    """The rules, for one layer."""

    def __init__(self, design: Accelerator, depthwise: int, rng: np.random.Generator) -> None:
        self.design, self.depthwise = design, depthwise
        self.rows, self.columns = int(rng.integers(1, 4)), int(rng.integers(1, 4))
        word_bytes = design.input_word_bytes
        on_axis = design.has("C") or (depthwise and design.has("K"))
        self.chunk_step = 1 if on_axis else 1 << int(rng.integers(word_bytes.bit_length()))
        self.steps: dict[Dim, int] = {dim: int(rng.integers(1, 3)) for dim in WINDOW_DIMS}
        self.fields = {
            "depthwise": depthwise,
            "chunk_step": self.chunk_step,
            "window_row_pitch": 4 * self.columns,
            "window_row_last": (self.rows - 1) * 4 * self.columns,
            "window_column_pitch": 4,
            "window_column_last": (self.columns - 1) * 4,
            "row_step_p": self.steps["P"],
            "row_step_r": self.steps["R"],
            "column_step_q": self.steps["Q"],
            "column_step_s": self.steps["S"],
        }

    def random_chunk(self, rng: np.random.Generator, pixel: tuple[int, int]) -> Chunk:
        design = self.design
        longest = max(design.size_of("C"), design.size_of("K"))
        return {
            "pixel": pixel,
            "group": int(rng.integers(longest)),
            "address": int(rng.integers(4 // self.chunk_step)) * self.chunk_step,
            "conv": rng.bytes(design.input_network_lanes),
            "depthwise": rng.bytes(design.depthwise_network_lanes),
        }

    def address_of(self, where: Position, chunk: Chunk) -> int | None:
        """Byte address of the chunk in a PE's buffer; None if the PE does not keep it."""
        row, column = chunk["pixel"]
        row -= where.get("P", 0) * self.steps["P"] + where.get("R", 0) * self.steps["R"]
        column -= where.get("Q", 0) * self.steps["Q"] + where.get("S", 0) * self.steps["S"]
        inside = 0 <= row < self.rows and 0 <= column < self.columns
        dim, lanes = self._channels(where, chunk)
        takes = not self.design.has(dim) or where[dim] // len(lanes) == chunk["group"]
        return (row * self.columns + column) * 4 + chunk["address"] if inside and takes else None

    def _channels(self, where: Position, chunk: Chunk) -> tuple[Dim, bytes]:
        if self.depthwise and where.get("C", 0) == 0:
            return "K", chunk["depthwise"]
        return "C", chunk["conv"]

    def bytes_of(self, where: Position, chunk: Chunk, address: int) -> dict[int, int]:
        """Byte of the word -> what is written there."""
        dim, lanes = self._channels(where, chunk)
        first = address % self.design.input_word_bytes
        kept = range(first, first + self.chunk_step)
        if self.design.has(dim):
            return dict.fromkeys(kept, lanes[where[dim] % len(lanes)])
        return {n: lanes[n % len(lanes)] for n in kept}


@pytest.mark.takes_seconds
@pytest.mark.parametrize("depthwise", [0, 1])
@pytest.mark.parametrize("stalls", STALLS)
@pytest.mark.parametrize("name", DESIGNS)
def test_writes_are_those_of_the_rule(name: str, stalls: str, depthwise: int) -> None:
    """All pixels of a step, a chunk or two of each, with pauses; bytes come FILL_PIPELINE later."""
    design = DESIGNS[name]
    rng = np.random.default_rng(len(name + stalls))
    dut = InputCapture(design)
    model = Model(design, depthwise, rng)
    pes, windows = pe_positions(design), pes_at(design, WINDOW_DIMS)
    used = int(rng.integers(1, 1 << len(pes)))

    async def bench(ctx: Any) -> None:
        pauses = iter(STALLS[stalls]())
        late: list[Chunk | None] = [None] * FILL_PIPELINE
        ctx.set(dut.used, used)
        for field, value in model.fields.items():
            ctx.set(getattr(dut.fields, field), value)
        await ctx.tick().repeat(2)
        for pixel, moves in walk():
            while next(pauses):
                await cycle(ctx, late, None, (0, 0, 0, 0))
            chunk = None if pixel is None else model.random_chunk(rng, pixel)
            await cycle(ctx, late, chunk, moves)
        for _ in range(FILL_PIPELINE):
            await cycle(ctx, late, None, (0, 0, 0, 0))

    def walk() -> list[tuple[tuple[int, int] | None, tuple[int, int, int, int]]]:
        """The pixel of each cycle, and how the window moves at its end."""
        cycles: list[Any] = [(None, (1, 0, 1, 0))]
        rows, columns = 6, 7
        for y in range(rows):
            for x in range(columns):
                if rng.random() < 0.5:
                    cycles.append(((y, x), (0, 0, 0, 0)))
                ends = int(x == columns - 1)
                cycles.append(((y, x), (0, ends, ends, 1)))
        return cycles

    async def cycle(
        ctx: Any, late: list[Chunk | None], chunk: Chunk | None, moves: tuple[int, int, int, int]
    ) -> None:
        port = dut.inputs
        names = (port.row_start, port.row_advance, port.column_start, port.column_advance)
        for signal, value in zip(names, moves, strict=True):
            ctx.set(signal, value)
        ctx.set(port.valid, int(chunk is not None))
        if chunk is not None:
            ctx.set(port.group, chunk["group"])
            ctx.set(port.channel_address, chunk["address"])
        late.append(chunk)
        due = late.pop(0)
        conv = rng.bytes(design.input_network_lanes) if due is None else due["conv"]
        depthwise = rng.bytes(design.depthwise_network_lanes) if due is None else due["depthwise"]
        ctx.set(port.conv_data, int.from_bytes(conv, "little"))
        ctx.set(port.depthwise_data, int.from_bytes(depthwise, "little"))
        check(ctx, due)
        await ctx.tick()

    def check(ctx: Any, due: Chunk | None) -> None:
        word_bytes = design.input_word_bytes
        for write, members in zip(dut.writes, windows, strict=True):
            enable = ctx.get(write.enable)
            data = ctx.get(write.data).to_bytes(len(members) * word_bytes, "little")
            for n, i in enumerate(members):
                address = None if due is None else model.address_of(pes[i], due)
                own = enable >> n * word_bytes & (1 << word_bytes) - 1
                if due is None or address is None or not used >> i & 1:
                    assert own == 0
                    continue
                assert ctx.get(write.address) == address // word_bytes
                expected = model.bytes_of(pes[i], due, address)
                found = {k: data[n * word_bytes + k] for k in range(word_bytes) if own >> k & 1}
                assert found == expected

    simulate(dut, bench)
