# amaranth: UnusedElaboratable=no
"""The second stage gives a load its shape, and the offsets of what it lacks."""

from typing import Any

import numpy as np
import pytest
from kit import simulate

from naas_hw.arch.timing import MULTIPLIER_LATENCY
from naas_hw.compiler.fields import DRAM_BITS, L2_BITS
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
    if is_outside(load):
        return 1, 1, 1
    rows = load["row_end"] - load["rows_skipped"]
    return load["blocks"], rows, load["column_end"] - load["columns_skipped"]


def is_outside(load: dict[str, int]) -> bool:
    """No row or no column of the tile exists."""
    is_behind = bool(load["is_below"] or load["is_behind"])
    ends = (load["row_end"] <= load["rows_skipped"], load["column_end"] <= load["columns_skipped"])
    return is_behind or any(ends)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize(
    "loads", [LoadOptions(), LoadOptions(table_words=TABLE_WORDS, residual=True)]
)
def test_it_equals_products_of_python(seed: int, loads: LoadOptions) -> None:
    """A load in some cycles; the fields are those of one layer."""
    rng = np.random.default_rng(seed)
    dut = LoadOffsetStage(loads)

    fields = {name: int(rng.integers(1, 1000)) for name in FIELDS}
    fields["input_row_pitch"] = int(rng.integers(1 << int(rng.integers(1, DRAM_BITS + 1))))
    fields["input_l2_row_pitch"] = int(rng.integers(1 << int(rng.integers(1, L2_BITS + 1))))

    async def bench(ctx: Any) -> None:
        given: list[tuple[dict[str, int], dict[str, int], int]] = []
        for _ in range(300):
            for name, value in fields.items():
                ctx.set(getattr(dut.fields, name), value)
            tensor = int(rng.integers(len(loads.order)))
            numbers = ("blocks", "output_blocks", "output_rows", "output_columns")
            load = {name: int(rng.integers(1, 1 << 16)) for name in numbers}
            load |= {name: int(rng.integers(1 << 10)) for name in ("row_end", "column_end")}
            load |= {name: int(rng.random() < 0.2) for name in ("is_below", "is_behind")}
            skips = tensor == Tensor.INPUTS
            load |= {f"{n}_skipped": skips * int(rng.integers(256)) for n in ("rows", "columns")}
            tag = {name: int(rng.integers(2)) for name in ("opens_tile", "releases_fill")}
            tag |= {"tensor": tensor, "output_run": int(rng.integers(256))}
            if loads.residual:
                tag["releases_drain"] = int(rng.integers(2))
            load |= {
                "is_inputs": int(tensor == Tensor.INPUTS),
                "dram_address": int(rng.integers(1 << DRAM_BITS)),
                "base": int(rng.integers(1 << L2_BITS)),
            }
            valid = int(rng.integers(2))
            ctx.set(dut.i.payload, {"tag": tag, **load})
            ctx.set(dut.i.valid, valid)
            given.append((tag, load, valid))
            await ctx.tick()
            if len(given) < MULTIPLIER_LATENCY:
                continue
            tag, load, valid = given.pop(0)
            tensor = tag["tensor"]
            out = ctx.get(dut.o.payload)
            assert ctx.get(dut.o.valid) == valid
            assert {name: getattr(out.tag, name) for name in tag} == tag
            assert out.base == load["base"]
            assert (out.blocks, out.rows, out.columns) == shape_of(tensor, load, fields)
            is_dummy = tensor == Tensor.INPUTS and is_outside(load)
            address = fields["dummy_input_address"] if is_dummy else load["dram_address"]
            assert out.dram_address == address
            rows = 0 if is_dummy else load["rows_skipped"]
            columns = 0 if is_dummy else load["columns_skipped"]
            assert out.dram_row_offset == rows * fields["input_row_pitch"] % (1 << DRAM_BITS)
            assert out.l2_row_offset == rows * fields["input_l2_row_pitch"] % (1 << L2_BITS)
            pitch = fields["input_l2_column_pitch"]
            assert out.l2_column_offset == columns * pitch % (1 << L2_BITS)

    simulate(dut, bench)


def test_init_wrong_l2_bits() -> None:
    with pytest.raises(ValueError, match="^l2_bits must be 1 to 20, not 21$"):
        LoadOffsetStage(l2_bits=21)


def test_init_wrong_extent_bits() -> None:
    with pytest.raises(ValueError, match="^extent_bits must be 2 to 16, not 1$"):
        LoadOffsetStage(extent_bits=1)
