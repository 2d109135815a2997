# amaranth: UnusedElaboratable=no
"""The third stage adds offsets to addresses where there are any."""

from typing import Any

import numpy as np
import pytest
from kit import simulate

from naas_hw.compiler.fields import BOUND_BITS, DRAM_BITS, L2_BITS
from naas_hw.rtl.engines.load_address_stage import LoadAddressStage
from naas_hw.rtl.primitives.transfer import LoadOptions

TAG_WIDTHS = {"tensor": 2, "opens_tile": 1, "releases_fill": 1, "output_run": 8}
WIDTHS = {
    "blocks": BOUND_BITS,
    "rows": BOUND_BITS,
    "columns": BOUND_BITS,
}
DRAM = ("dram_address", "dram_row_offset")
L2 = ("base", "l2_row_offset", "l2_column_offset")


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("loads", [LoadOptions(), LoadOptions(residual=True)])
def test_it_equals_sums_of_python(seed: int, loads: LoadOptions) -> None:
    """Addresses wrap; a load in some cycles."""
    rng = np.random.default_rng(seed)
    dut = LoadAddressStage(loads)

    options = {"tensor": 3, "releases_drain": 1} if loads.residual else {}
    tag_widths = TAG_WIDTHS | options

    async def bench(ctx: Any) -> None:
        for _ in range(300):
            tag = {name: int(rng.integers(1 << width)) for name, width in tag_widths.items()}
            tag["tensor"] %= len(loads.tensor)
            load = {name: int(rng.integers(1 << width)) for name, width in WIDTHS.items()}
            load |= {name: int(rng.integers(1 << DRAM_BITS)) for name in DRAM}
            load |= {name: int(rng.integers(1 << L2_BITS)) for name in L2}
            valid = int(rng.integers(2))
            ctx.set(dut.i.payload, {"tag": tag, **load})
            ctx.set(dut.i.valid, valid)
            await ctx.tick()
            out = ctx.get(dut.o.payload)
            assert ctx.get(dut.o.valid) == valid
            assert {name: getattr(out.tag, name) for name in tag_widths} == tag
            for name in WIDTHS:
                assert getattr(out, name) == load[name]
            assert out.dram_address == sum(load[n] for n in DRAM) % (1 << DRAM_BITS)
            assert out.destination == sum(load[n] for n in L2) % (1 << L2_BITS)

    simulate(dut, bench)
