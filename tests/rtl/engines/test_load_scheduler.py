# amaranth: UnusedElaboratable=no
"""A tile loads the tensors that changed since the tile before it, and nothing else."""

from typing import Any

import pytest
from kit import STALLS, simulate
from layers import LOAD_OPTIONS, NAMES, geometry_of, start_layer, values_of

from naas_hw.compiler.fields import OUTER
from naas_hw.cost.reference.pieces import Step, steps_of
from naas_hw.rtl.engines.load_scheduler import LoadScheduler
from naas_hw.rtl.primitives.transfer import RUN_BITS, LoadOptions, OptionalTensor, Tensor
from naas_hw.workload.option import Option

TENSORS = {
    "scales": Tensor.SCALES,
    "weights": Tensor.WEIGHTS,
    "inputs": Tensor.INPUTS,
    "sums": Tensor.PARTIAL_SUMS,
    "table": OptionalTensor.TABLE,
    "residual": OptionalTensor.RESIDUAL,
}


DRAINED = (OptionalTensor.RESIDUAL, Tensor.PARTIAL_SUMS)
"""What drain reads of an output tile."""


def tiles_of(name: str, options: frozenset[Option]) -> list[Step]:
    """The first step of each tile."""
    return [step for step in steps_of(geometry_of(name, options)) if step.load is not None]


@pytest.mark.parametrize("stalls", STALLS)
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("options", LOAD_OPTIONS, ids=sorted)
def test_it_schedules_the_loads_of_the_model(
    name: str, stalls: str, options: frozenset[Option]
) -> None:
    """The bench is the loop nest; `room` falls now and then, `ready` rises for the last load."""
    geometry = geometry_of(name, options)
    loads = LoadOptions.of(geometry.accelerator)
    dut = LoadScheduler(loads)
    bounds = geometry.nest_bounds[:OUTER]

    async def bench(ctx: Any) -> None:
        pauses = iter(STALLS[stalls]())
        await start_layer(ctx, dut, values_of(geometry))
        run, halves = -1, dict.fromkeys(loads.order, 0)
        for step in tiles_of(name, options):
            assert step.load is not None
            run += step.opens_output_run
            index = step.indices[:OUTER]
            last = [i == bound - 1 for i, bound in zip(index, bounds, strict=True)]
            ctx.set(dut.last, sum(bit << i for i, bit in enumerate(last)))
            ctx.set(dut.first, sum((i == 0) << at for at, i in enumerate(index)))
            ctx.set(dut.final, all(last))
            if step.index:
                moved = {
                    Tensor.SCALES: step.opens_scale_run,
                    Tensor.WEIGHTS: step.load.weights > 0,
                    Tensor.INPUTS: step.load.inputs > 0,
                    Tensor.PARTIAL_SUMS: step.opens_output_run,
                    OptionalTensor.RESIDUAL: step.opens_output_run,
                }
                halves = {t: half ^ moved.get(t, False) for t, half in halves.items()}
            assert not ctx.get(dut.o.valid), "a tile begins with a cycle in which nothing is loaded"
            await ctx.tick()
            tensors = [TENSORS[name] for name, _ in step.load.pieces]
            for number, tensor in enumerate(tensors):
                is_last = number == len(tensors) - 1
                ctx.set(dut.ready, 0)
                ctx.set(dut.room, 1)
                assert ctx.get(dut.o.valid) != is_last and not ctx.get(dut.advance)
                ctx.set(dut.ready, is_last)
                while next(pauses):
                    ctx.set(dut.room, 0)
                    assert not ctx.get(dut.o.valid) and not ctx.get(dut.advance)
                    await ctx.tick()
                ctx.set(dut.room, 1)
                load = ctx.get(dut.o.payload)
                assert ctx.get(dut.o.valid)
                assert load.tag.tensor == tensor
                if loads.residual:
                    drained = [t for t in tensors if t in DRAINED]
                    assert load.tag.releases_drain == (drained[-1:] == [tensor])
                assert load.tag.opens_tile == (number == 0)
                assert load.tag.releases_fill == (
                    tensor == max(t for t in tensors if t in (Tensor.WEIGHTS, Tensor.INPUTS))
                    if tensor in (Tensor.WEIGHTS, Tensor.INPUTS)
                    else 0
                )
                assert load.tag.output_run == run % (1 << RUN_BITS)
                assert load.halves == sum(half << i for i, half in enumerate(halves.values()))
                assert ctx.get(dut.advance) == is_last
                await ctx.tick()
        for _ in range(5):
            assert not ctx.get(dut.o.valid), "nothing may follow the last tile"
            await ctx.tick()

    simulate(dut, bench)
