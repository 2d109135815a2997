# amaranth: UnusedElaboratable=no
"""The second stage gives a load its shape, and the offsets of what it lacks."""

from typing import Any

import numpy as np
import pytest
from kit import simulate

from naas_hw.compiler.layout import DRAM_BITS, L2_BITS
from naas_hw.rtl.engines.load_offset_stage import FIELDS, LoadOffsetStage
from naas_hw.rtl.primitives.transfer import LoadOptions, OptionalTensor, Tensor

TABLE_WORDS = 16


def shape_of(tensor: int, load: dict[str, int], fields: dict[str, int]) -> tuple[int, int, int]:
    """Blocks, rows and columns."""
    match tensor:
        case Tensor.SCALES:
            return 3, 1, fields["scale_tile_words"]
        case Tensor.WEIGHTS:
            return 1, 1, fields["weight_tile_words"]
        case OptionalTensor.TABLE:
            return 1, 1, TABLE_WORDS
        case Tensor.PARTIAL_SUMS | OptionalTensor.RESIDUAL:
            return load["output_blocks"], load["output_rows"], load["output_columns"]
    if load["no_rows"] or load["no_columns"]:
        return 1, 1, 1
    return load["blocks"], load["rows"], load["columns"]


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize(
    "loads", [LoadOptions(), LoadOptions(table_words=TABLE_WORDS, residual=True)]
)
def test_it_equals_products_of_python(seed: int, loads: LoadOptions) -> None:
    """A load in some cycles; what is cleared does not come out."""
    rng = np.random.default_rng(seed)
    dut = LoadOffsetStage(loads)

    async def bench(ctx: Any) -> None:
        for _ in range(300):
            fields = {name: int(rng.integers(1, 1000)) for name in FIELDS}
            for name, value in fields.items():
                ctx.set(getattr(dut.fields, name), value)
            tensor = int(rng.integers(len(loads.order)))
            numbers = ("blocks", "rows", "columns", "output_blocks", "output_rows")
            load = {name: int(rng.integers(1, 1 << 16)) for name in (*numbers, "output_columns")}
            load |= {name: int(rng.random() < 0.2) for name in ("no_rows", "no_columns")}
            load |= {f"{name}_skipped": int(rng.integers(256)) for name in ("rows", "columns")}
            tag = {name: int(rng.integers(2)) for name in ("opens_tile", "releases_fill")}
            tag |= {"tensor": tensor, "output_run": int(rng.integers(256))}
            if loads.residual:
                tag["releases_drain"] = int(rng.integers(2))
            load |= {
                "is_inputs": int(tensor == Tensor.INPUTS),
                "dram_address": int(rng.integers(1 << DRAM_BITS)),
                "base": int(rng.integers(1 << L2_BITS)),
            }
            valid, clear = int(rng.integers(2)), int(rng.random() < 0.1)
            ctx.set(dut.i.payload, {"tag": tag, **load})
            ctx.set(dut.i.valid, valid)
            ctx.set(dut.clear, clear)
            await ctx.tick()
            out = ctx.get(dut.o.payload)
            assert ctx.get(dut.o.valid) == (valid and not clear)
            assert {name: getattr(out.tag, name) for name in tag} == tag
            assert out.base == load["base"]
            assert (out.blocks, out.rows, out.columns) == shape_of(tensor, load, fields)
            outside = load["no_rows"] or load["no_columns"]
            is_dummy = tensor == Tensor.INPUTS and outside
            address = fields["dummy_input_address"] if is_dummy else load["dram_address"]
            assert out.dram_address == address
            assert out.has_offset == (tensor == Tensor.INPUTS and not outside)
            rows, columns = load["rows_skipped"], load["columns_skipped"]
            assert out.dram_row_offset == rows * fields["input_row_pitch"] % (1 << DRAM_BITS)
            assert out.dram_column_offset == columns
            assert out.l2_row_offset == rows * fields["input_l2_row_pitch"] % (1 << L2_BITS)
            pitch = fields["input_l2_column_pitch"]
            assert out.l2_column_offset == columns * pitch % (1 << L2_BITS)

    simulate(dut, bench)
