# amaranth: UnusedElaboratable=no
"""A buffer takes the weights whose group holds its position."""

from typing import Any, Final

import numpy as np
import pytest
from kit import STALLS, simulate

from naas_hw.arch.accelerator import WEIGHT_DIMS, Accelerator, Axis
from naas_hw.rtl.array.signatures import TARGET_LEAD
from naas_hw.rtl.array.weight_capture import WeightCapture
from naas_hw.rtl.primitives.positions import positions
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
    "C-K": accelerator(("C", 4), ("K", 3)),
    "K-R-P": accelerator(("K", 6), ("R", 2), ("P", 2), beat_bytes=4),
    "Q-S": accelerator(("Q", 2), ("S", 8)),
    "P-Q, four lanes": accelerator(("P", 2), ("Q", 2)),
    "P, one lane": accelerator(("P", 2), weight_lanes=1),
}


@pytest.mark.parametrize("stalls", STALLS)
@pytest.mark.parametrize("name", DESIGNS)
def test_writes_are_those_of_the_rule(name: str, stalls: str) -> None:
    """Deliveries at random, of groups that exist and of others."""
    design = DESIGNS[name]
    rng = np.random.default_rng(len(name))
    dut = WeightCapture(design)
    pes = positions(design, WEIGHT_DIMS)
    width = design.weight_word_bytes
    vector = design.weight_vector_dim

    async def bench(ctx: Any) -> None:
        pauses = iter(STALLS[stalls]())
        asked: list[tuple[int, list[int], int]] = []
        for _ in range(100):
            valid = int(not next(pauses))
            used = int(rng.integers(1 << len(pes)))
            group = [int(rng.integers(axis.size)) for axis in design.axes]
            address = int(rng.integers(design.weight_buffer_bytes // width))
            ctx.set(dut.weights.valid, valid)
            ctx.set(dut.used, used)
            for number, port in zip(group, dut.weights.group, strict=False):
                ctx.set(port, number)
            ctx.set(dut.weights.address, address)
            asked.append((valid, group, address))
            await ctx.tick()
            if len(asked) < TARGET_LEAD:
                continue
            valid, group, address = asked.pop(0)
            lanes = rng.bytes(design.weight_network_lanes)
            ctx.set(dut.weights.data, int.from_bytes(lanes, "little"))
            assert ctx.get(dut.write.address) == address
            enable = ctx.get(dut.write.enable)
            data = ctx.get(dut.write.data).to_bytes(len(pes) * width, "little")
            for i, where in enumerate(pes):
                assert enable >> i & 1 == (valid and used >> i & 1 and takes(where, group))
                lane = where[vector] % design.weight_network_lanes if vector else 0
                assert data[i * width : (i + 1) * width] == lanes[lane : lane + width]

    def takes(where: dict[Dim, int], group: list[int]) -> bool:
        """Whether a position is of this group along every weight axis."""
        return all(
            where[axis.dim] // (design.weight_network_lanes if axis.dim == vector else 1) == number
            for axis, number in zip(design.axes, group, strict=True)
            if axis.dim in WEIGHT_DIMS
        )

    simulate(dut, bench)
