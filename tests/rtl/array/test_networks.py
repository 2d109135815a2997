# amaranth: UnusedElaboratable=no
"""What the networks deliver, and when, is what nested loops over L2 give."""

from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
import pytest
from kit import simulate

from naas_hw.arch.timing import FILL_PIPELINE
from naas_hw.rtl.array.input_network import InputNetwork
from naas_hw.rtl.array.weight_network import WeightNetwork

BEAT = 8
MEMORY_BYTES = 4096


def memory(rng: np.random.Generator) -> bytes:
    return rng.bytes(MEMORY_BYTES)


class L2:
    """One port of the global buffer: the word a cycle after its address, held."""

    def __init__(self, dut: Any, contents: bytes) -> None:
        self.dut = dut
        self.contents = contents
        self.reads = 0

    async def tick(self, ctx: Any) -> None:
        """One cycle."""
        reads = ctx.get(self.dut.read.enable)
        at = ctx.get(self.dut.read.address) * BEAT
        self.reads += reads
        await ctx.tick()
        if reads:
            word = int.from_bytes(self.contents[at : at + BEAT], "little")
            ctx.set(self.dut.read.data, word)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("lanes", [1, 2, 8])
def test_weights_are_those_of_nested_loops(seed: int, lanes: int) -> None:
    """Three steps, each started in the last cycle of the one before; a lane vector a cycle."""
    rng = np.random.default_rng(seed)
    half_words = 16
    dut = WeightNetwork(beat_bytes=BEAT, lanes=lanes, half_words=half_words)
    contents = memory(rng)
    groups = tuple(int(v) for v in rng.integers(1, 4, 3))
    words = int(rng.integers(1, half_words + 1))
    steps = [(int(rng.integers(200)), int(rng.integers(2))) for _ in range(3)]
    expected = [
        (group, half * half_words + word, contents[place * BEAT :][n * lanes : (n + 1) * lanes])
        for place, half in steps
        for n, (group, word) in enumerate(product(list(product(*map(range, groups))), range(words)))
    ]
    found: list[tuple[int, tuple[tuple[int, ...], int, bytes]]] = []

    async def bench(ctx: Any) -> None:
        l2 = L2(dut, contents)
        ctx.set(dut.fields.weight_words, words)
        for i, bound in enumerate(groups):
            ctx.set(dut.fields.weight_groups[i], bound)
        left = list(steps)
        for cycle in range(len(expected) + FILL_PIPELINE + 3):
            go = bool(left) and bool(ctx.get(dut.idle))
            ctx.set(dut.start, int(go))
            if go:
                place, half = left.pop(0)
                ctx.set(dut.place, place)
                ctx.set(dut.half, half)
            if ctx.get(dut.valid):
                group = ctx.get(dut.group_0), ctx.get(dut.group_1), ctx.get(dut.group_2)
                data = ctx.get(dut.data).to_bytes(lanes, "little")
                found.append((cycle, (group, ctx.get(dut.address), data)))
            await l2.tick(ctx)
        assert not ctx.get(dut.busy)
        assert l2.reads == len(steps) * -(-len(expected) // len(steps) * lanes // BEAT)

    simulate(dut, bench)
    assert [entry for _, entry in found] == expected
    begin = 1 + FILL_PIPELINE
    assert [cycle for cycle, _ in found] == list(range(begin, begin + len(expected)))


@dataclass(frozen=True, kw_only=True)
class Image:
    """Where a step's pixels lie: rows and columns of the step, of the image, and its corner."""

    rows: int
    columns: int
    chunks: int
    groups: int
    corner: tuple[int, int]
    size: tuple[int, int]
    place: int
    half: int


def random_image(rng: np.random.Generator, chunk: int) -> Image:
    groups = int(rng.integers(1, 3))
    return Image(
        rows=int(rng.integers(1, 5)),
        columns=int(rng.integers(1, 5)),
        chunks=groups * int(rng.integers(1, 4)),
        groups=groups,
        corner=(int(rng.integers(-3, 5)), int(rng.integers(-3, 5))),
        size=(int(rng.integers(1, 7)), int(rng.integers(1, 7))),
        place=chunk * int(rng.integers(64)),
        half=int(rng.integers(2)),
    )


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize(("lanes", "chunk"), [(1, 1), (4, 4), (4, 2), (4, 1)])
def test_inputs_are_those_of_nested_loops(seed: int, lanes: int, chunk: int) -> None:
    """Pixels outside the image are the zero point; a narrow chunk is repeated over the lanes."""
    rng = np.random.default_rng(seed)
    contents = memory(rng)
    image = random_image(rng, chunk)
    zero_point = int(rng.integers(-128, 128))
    half_bytes, row_pitch, column_pitch = 64, 8 * 40, 40
    dut = InputNetwork(
        beat_bytes=BEAT,
        conv_lanes=lanes,
        depthwise_lanes=1,
        replicate_conv=True,
        replicate_depthwise=False,
        half_bytes=half_bytes,
    )
    pixels = list(product(range(image.rows), range(image.columns), range(image.chunks)))
    expected = []
    num_reads = 0
    for row, column, n in pixels:
        at = image.place + row * row_pitch + column * column_pitch + n * chunk
        y, x = image.corner[0] + row, image.corner[1] + column
        inside = 0 <= y < image.size[0] and 0 <= x < image.size[1]
        data = contents[at : at + chunk] if inside else bytes([zero_point % 256]) * chunk
        expected.append(data * (lanes // chunk))
        num_reads += n == 0 or at % BEAT == 0
    found: list[bytes] = []

    async def bench(ctx: Any) -> None:
        l2 = L2(dut, contents)
        for name, value in (
            ("step_rows", image.rows),
            ("step_columns", image.columns),
            ("pixel_chunks", image.chunks),
            ("chunk_groups", image.groups),
            ("chunk_bytes", chunk),
            ("chunk_step", chunk),
            ("fill_l2_row_pitch", row_pitch),
            ("fill_l2_column_pitch", column_pitch),
            ("image_rows", image.size[0]),
            ("image_columns", image.size[1]),
            ("input_zero_point", zero_point),
        ):
            ctx.set(getattr(dut.fields, name), value)
        for name, value in (
            ("place", image.place),
            ("half", image.half),
            ("row", image.corner[0]),
            ("column", image.corner[1]),
            ("start", 1),
        ):
            ctx.set(getattr(dut, name), value)
        assert ctx.get(dut.row_start) and ctx.get(dut.column_start)
        await l2.tick(ctx)
        ctx.set(dut.start, 0)
        for cycle in range(len(pixels) + FILL_PIPELINE):
            if cycle < len(pixels):
                row, column, n = pixels[cycle]
                check(ctx, row, column, n, cycle)
            if cycle >= FILL_PIPELINE:
                found.append(ctx.get(dut.conv_data).to_bytes(lanes, "little"))
            await l2.tick(ctx)
        assert not ctx.get(dut.busy)
        assert l2.reads == num_reads

    def check(ctx: Any, row: int, column: int, n: int, cycle: int) -> None:
        """What goes undelayed to the windows and the PEs."""
        assert ctx.get(dut.busy)
        assert ctx.get(dut.idle) == (cycle == len(pixels) - 1)
        assert ctx.get(dut.group) == n % image.groups
        assert ctx.get(dut.channel) == image.half * half_bytes + n // image.groups * chunk
        ends_pixel = n == image.chunks - 1
        assert ctx.get(dut.column_advance) == ends_pixel
        assert ctx.get(dut.row_advance) == (ends_pixel and column == image.columns - 1)

    simulate(dut, bench)
    assert found == expected


def test_init_wrong_lanes() -> None:
    with pytest.raises(ValueError, match="lanes must divide the beat of 8 bytes, not 3"):
        WeightNetwork(beat_bytes=8, lanes=3, half_words=8)
