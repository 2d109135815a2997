# amaranth: UnusedElaboratable=no
"""What the input network delivers, and when, is what nested loops over L2 give."""

from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
import pytest
from kit import ReadMemory, simulate

from naas_hw.arch.timing import FILL_PIPELINE
from naas_hw.rtl.array.input_network import InputNetwork

BEAT = 8
MEMORY_BYTES = 4096


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
    contents = rng.bytes(MEMORY_BYTES)
    image = random_image(rng, chunk)
    zero_point = int(rng.integers(-128, 128))
    half_bytes, row_pitch, column_pitch = 64, 8 * 40, 40
    dut = InputNetwork(
        beat_bytes=BEAT,
        conv_lanes=lanes,
        depthwise_lanes=lanes,
        replicate_conv=True,
        replicate_depthwise=True,
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
        l2 = ReadMemory(dut.read, contents)
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
            ("address", image.place),
            ("half", image.half),
            ("row", image.corner[0]),
            ("column", image.corner[1]),
            ("start", 1),
        ):
            ctx.set(getattr(dut.step, name), value)
        assert ctx.get(dut.delivery.row_start) and ctx.get(dut.delivery.column_start)
        await l2.tick(ctx)
        ctx.set(dut.step.start, 0)
        for cycle in range(len(pixels) + FILL_PIPELINE):
            if cycle < len(pixels):
                row, column, n = pixels[cycle]
                check(ctx, row, column, n, cycle)
            if cycle >= FILL_PIPELINE:
                found.append(ctx.get(dut.delivery.conv_data).to_bytes(lanes, "little"))
                assert ctx.get(dut.delivery.depthwise_data) == ctx.get(dut.delivery.conv_data)
            await l2.tick(ctx)
        assert not ctx.get(dut.step.busy)
        assert l2.reads == num_reads

    def check(ctx: Any, row: int, column: int, n: int, cycle: int) -> None:
        """What goes undelayed to the windows and the PEs."""
        assert ctx.get(dut.step.busy)
        assert ctx.get(dut.step.idle) == (cycle == len(pixels) - 1)
        assert ctx.get(dut.delivery.group) == n % image.groups
        address = image.half * half_bytes + n // image.groups * chunk
        assert ctx.get(dut.delivery.channel_address) == address
        ends_pixel = n == image.chunks - 1
        assert ctx.get(dut.delivery.column_advance) == ends_pixel
        assert ctx.get(dut.delivery.row_advance) == (ends_pixel and column == image.columns - 1)

    simulate(dut, bench)
    assert found == expected


GOOD: dict[str, Any] = {
    "beat_bytes": 8,
    "conv_lanes": 4,
    "depthwise_lanes": 4,
    "replicate_conv": True,
    "replicate_depthwise": True,
    "half_bytes": 8,
}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"conv_lanes": 3}, "conv_lanes must divide the beat of 8 bytes, not 3"),
        ({"depthwise_lanes": 0}, "depthwise_lanes must divide the beat of 8 bytes, not 0"),
        ({"half_bytes": 0}, "half_bytes must be at least 1, not 0"),
    ],
)
def test_init_wrong_value(changes: dict[str, int], message: str) -> None:
    with pytest.raises(ValueError, match=f"^{message}$"):
        InputNetwork(**(GOOD | changes))
