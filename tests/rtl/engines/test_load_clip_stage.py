# amaranth: UnusedElaboratable=no
"""The first stage clips a tile to what exists and finds its addresses."""

from typing import Any

import numpy as np
import pytest
from kit import simulate

from naas_hw.compiler.fields import DRAM_BITS, L2_BITS
from naas_hw.rtl.engines.load_clip_stage import LoadClipStage
from naas_hw.rtl.primitives.transfer import LoadOptions, OptionalTensor, Tensor

SCALE_HALF_WORDS = 24


def clipped(start: int, extent: int, limit: int) -> tuple[int, int]:
    """Indices before 0, and those that exist."""
    inside = [x for x in range(start, start + extent) if 0 <= x < limit]
    return (inside[0] - start if inside else 0), len(inside)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("loads", [LoadOptions(), LoadOptions(table_words=4, residual=True)])
def test_it_equals_ranges_of_python(seed: int, loads: LoadOptions) -> None:
    """A load in some cycles."""
    rng = np.random.default_rng(seed)
    dut = LoadClipStage(loads, scale_half_words=SCALE_HALF_WORDS)
    num_tensors = len(loads.order)

    def draw(low: int, high: int) -> int:
        return int(rng.integers(low, high))

    async def bench(ctx: Any) -> None:
        fields, tile = dut.fields, dut.tile
        bases = {
            tensor: [draw(0, 1 << L2_BITS) for _ in range(2)]
            for tensor in (Tensor.WEIGHTS, Tensor.INPUTS, Tensor.PARTIAL_SUMS)
        }
        bases[Tensor.SCALES] = [0, SCALE_HALF_WORDS]
        ctx.set(fields.weight_base, bases[Tensor.WEIGHTS])
        ctx.set(fields.input_base, bases[Tensor.INPUTS])
        ctx.set(fields.sums_base, bases[Tensor.PARTIAL_SUMS])
        if loads.residual:
            bases[OptionalTensor.RESIDUAL] = [draw(0, 1 << L2_BITS) for _ in range(2)]
            bases[OptionalTensor.TABLE] = [0, 0]
            ctx.set(fields.residual_base, bases[OptionalTensor.RESIDUAL])
        for _ in range(300):
            extents = {name: draw(1, 12) for name in ("rows", "columns", "blocks")}
            totals = {name: draw(1, 30) for name in extents}
            starts = {"rows": draw(-15, 35), "columns": draw(-15, 35)}
            starts["blocks"] = draw(0, totals["blocks"])
            outputs = {name: draw(1, 30) for name in extents}
            output_starts = {name: draw(0, total) for name, total in outputs.items()}
            output_extents = {name: draw(1, 12) for name in extents}
            for name in extents:
                ctx.set(getattr(fields, f"tile_{name}"), extents[name])
                ctx.set(getattr(tile, name.removesuffix("s")), starts[name])
                ctx.set(getattr(fields, f"output_{name}"), outputs[name])
                ctx.set(getattr(fields, f"tile_output_{name}"), output_extents[name])
                ctx.set(getattr(tile, f"output_{name.removesuffix('s')}"), output_starts[name])
            ctx.set(fields.image_rows, totals["rows"])
            ctx.set(fields.image_columns, totals["columns"])
            ctx.set(fields.input_blocks, totals["blocks"])
            addresses = [draw(0, 1 << DRAM_BITS) for _ in range(num_tensors)]
            for name, address in zip(
                ("scales", "weights", "inputs", "partial_sums"), addresses[:4], strict=True
            ):
                ctx.set(getattr(tile, name), address)
            if loads.residual:
                ctx.set(fields.load_table_start, addresses[OptionalTensor.TABLE])
                ctx.set(tile.residual, addresses[OptionalTensor.RESIDUAL])
            tensor, halves, run = draw(0, num_tensors), draw(0, 1 << num_tensors), draw(0, 256)
            flags = {"opens_tile": draw(0, 2), "releases_fill": draw(0, 2)}
            if loads.residual:
                flags["releases_drain"] = draw(0, 2)
            tag = {"tensor": tensor, "output_run": run, **flags}
            valid = draw(0, 2)
            ctx.set(dut.i.payload, {"tag": tag, "halves": halves})
            ctx.set(dut.i.valid, valid)
            await ctx.tick()
            ctx.set(dut.i.valid, 0)
            await ctx.tick()
            out = ctx.get(dut.o.payload)
            assert ctx.get(dut.o.valid) == valid
            assert {name: getattr(out.tag, name) for name in tag} == tag
            assert out.is_inputs == (tensor == Tensor.INPUTS)
            skips = tensor == Tensor.INPUTS
            address = addresses[tensor] + skips * max(0, -starts["columns"])
            assert out.dram_address == address % (1 << DRAM_BITS)
            assert out.base == bases[tensor][halves >> loads.order.index(tensor) & 1]
            for name, end, is_behind in (
                ("rows", out.row_end, out.is_below),
                ("columns", out.column_end, out.is_behind),
            ):
                room = totals[name] - starts[name]
                assert is_behind == (room < 0)
                assert room < 0 or end == min(extents[name], room)
                assert getattr(out, f"{name}_skipped") == skips * max(0, -starts[name])
            assert out.blocks == clipped(starts["blocks"], extents["blocks"], totals["blocks"])[1]
            for name in extents:
                _, count = clipped(output_starts[name], output_extents[name], outputs[name])
                assert getattr(out, f"output_{name}") == count

    simulate(dut, bench)


def test_init_wrong_scale_half_words() -> None:
    with pytest.raises(ValueError, match="^scale_half_words must be at least 1, not 0$"):
        LoadClipStage(scale_half_words=0)
