# amaranth: UnusedElaboratable=no
"""The transfers of a layer are the loads of the model, whatever the reader does."""

from typing import Any

import pytest
from kit import STALLS, receiver, simulate
from layers import LOAD_OPTIONS, NAMES, entry, geometry_of, iterations, start_layer, values_of

from naas_hw.arch import timing
from naas_hw.cost.reference.pieces import Step, steps_of
from naas_hw.rtl.engines.load_planner import NUM_STAGES, LoadPlanner
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
BEATS_A_PIXEL: dict[int, int] = {Tensor.PARTIAL_SUMS: 4}
NOTHING = frozenset[Option]()
ALL = frozenset({Option.TABLE, Option.RESIDUAL})
SCALE_HALF_WORDS = 8


def tiles_of(name: str, options: frozenset[Option] = NOTHING) -> list[Step]:
    """The first step of each tile."""
    return [step for step in steps_of(geometry_of(name, options)) if step.load is not None]


def expected_loads(
    name: str, options: frozenset[Option] = NOTHING
) -> list[tuple[int, int, bool, int]]:
    """(tensor, beats, whether it is the first of its tile, output run) of each transfer."""
    loads = []
    run = -1
    for step in tiles_of(name, options):
        run += step.opens_output_run
        assert step.load is not None
        for number, (tensor, beats) in enumerate(step.load.pieces):
            loads.append((TENSORS[tensor], beats, number == 0, run % (1 << RUN_BITS)))
    return loads


def plan(name: str, stalls: str, options: frozenset[Option] = NOTHING) -> list[Any]:
    """The transfers that the hardware plans."""
    geometry = geometry_of(name, options)
    dut = LoadPlanner(LoadOptions.of(geometry.accelerator), scale_half_words=SCALE_HALF_WORDS)
    received: list[Any] = []
    take = receiver(dut.o, received, len(expected_loads(name, options)), STALLS[stalls]())

    async def bench(ctx: Any) -> None:
        await start_layer(ctx, dut, values_of(geometry))
        await take(ctx)
        ctx.set(dut.o.ready, 1)
        for _ in range(20):
            assert not ctx.get(dut.o.valid), "no transfer may follow the last"
            await ctx.tick()

    simulate(dut, bench)
    return received


def beats_of(transfer: Any) -> int:
    pixels = int(transfer.blocks * transfer.rows * transfer.columns)
    return pixels * BEATS_A_PIXEL.get(int(transfer.tag.tensor), 1)


@pytest.mark.takes_seconds
@pytest.mark.sampled(7)
@pytest.mark.parametrize("stalls", ["never", "bursts", "mostly"])
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("options", LOAD_OPTIONS, ids=sorted)
def test_transfers_are_the_loads_of_the_model(
    name: str, stalls: str, options: frozenset[Option]
) -> None:
    found = [
        (int(t.tag.tensor), beats_of(t), bool(t.tag.opens_tile), t.tag.output_run)
        for t in plan(name, stalls, options)
    ]
    assert found == expected_loads(name, options)


@pytest.mark.parametrize("name", NAMES)
def test_a_table_comes_once_and_residuals_like_outputs(name: str) -> None:
    """A residual has the shape of the sums of its tile, and halves that alternate with all runs."""
    geometry = geometry_of(name, ALL)
    values = values_of(geometry)
    nest = iterations(
        values,
        "load_bound",
        {"residual": "load_residual_delta"},
        {"residual": entry(values, "load_residual_start")},
    )
    half = 1
    transfers = iter(plan(name, "never", ALL))
    num_residuals = 0
    for step, tile in zip(tiles_of(name, ALL), nest, strict=True):
        assert step.load is not None
        half ^= step.opens_output_run
        assert (step.load.table > 0) == (step.index == 0)
        loaded = {tensor: next(transfers) for tensor, _ in step.load.pieces}
        if "table" in loaded:
            assert loaded["table"].dram_address == entry(values, "load_table_start")
            assert loaded["table"].destination == 0
        if "residual" in loaded:
            num_residuals += 1
            assert loaded["residual"].dram_address == tile["residual"]
            base = entry(values, "residual_base", half)
            assert loaded["residual"].destination == base
    assert num_residuals


def test_a_layer_without_options_loads_what_it_would_without_the_hardware() -> None:
    name = "convolution"
    dut = LoadPlanner(LoadOptions(table_words=16, residual=True), scale_half_words=SCALE_HALF_WORDS)
    received: list[Any] = []
    take = receiver(dut.o, received, len(expected_loads(name)), STALLS["never"]())

    async def bench(ctx: Any) -> None:
        await start_layer(ctx, dut, values_of(geometry_of(name)))
        await take(ctx)

    simulate(dut, bench)
    found = [(int(t.tag.tensor), beats_of(t)) for t in received]
    assert found == [load[:2] for load in expected_loads(name)]


@pytest.mark.parametrize("name", NAMES)
def test_fill_is_released_by_the_last_of_weights_and_inputs(name: str) -> None:
    """Weights before inputs; a tile has one such transfer, as something has changed."""
    transfers = iter(plan(name, "never"))
    for step in tiles_of(name):
        assert step.load is not None
        tile = [next(transfers) for _ in step.load.pieces]
        operands = [t for t in tile if t.tag.tensor in (Tensor.WEIGHTS, Tensor.INPUTS)]
        assert [bool(t.tag.releases_fill) for t in operands] == [
            t is operands[-1] for t in operands
        ]
        assert not any(t.tag.releases_fill for t in tile if t not in operands)


@pytest.mark.parametrize("name", NAMES)
def test_weights_and_partial_sums_come_from_the_tile_and_go_to_both_halves(name: str) -> None:
    """DRAM addresses follow the loop nest; halves of buffers alternate."""
    values = values_of(geometry_of(name))
    nest = iterations(
        values,
        "load_bound",
        {"weights": "load_weight_delta", "sums": "load_sums_delta"},
        {
            "weights": entry(values, "load_weight_start"),
            "sums": entry(values, "load_sums_start"),
        },
    )
    bases = {"weights": "weight_base", "sums": "sums_base"}
    halves = {"weights": 1, "sums": 1}
    transfers = iter(plan(name, "never"))
    for step, tile in zip(tiles_of(name), nest, strict=True):
        assert step.load is not None
        halves["weights"] ^= step.load.weights > 0
        halves["sums"] ^= step.opens_output_run
        for tensor, _ in step.load.pieces:
            transfer = next(transfers)
            if tensor in tile:
                assert transfer.dram_address == tile[tensor]
                base = entry(values, bases[tensor], halves[tensor])
                assert transfer.destination == base


def cycles_of_loads(name: str) -> list[int]:
    """Cycles in which loads are scheduled.

    One a cycle; the first of a tile in its second one, the last at the nest's pace.
    """
    cycles, advanced = [0], 0
    for step in tiles_of(name):
        assert step.load is not None
        for number in range(len(step.load.pieces)):
            earliest = max(cycles[-1] + 1, advanced + 2)
            if number == len(step.load.pieces) - 1:
                advanced = max(earliest, advanced + timing.PLANNER_PACE)
                earliest = advanced
            cycles.append(earliest)
    return cycles[1:]


def test_a_transfer_a_cycle() -> None:
    """The last one of a tile waits for the nest, which needs some cycles a tile."""
    dut = LoadPlanner(scale_half_words=SCALE_HALF_WORDS)
    name = "kernel rows over tiles, with padding"
    expected = [cycle + NUM_STAGES for cycle in cycles_of_loads(name)]
    offered = []

    async def bench(ctx: Any) -> None:
        ctx.set(dut.o.ready, 1)
        await start_layer(ctx, dut, values_of(geometry_of(name)))
        for cycle in range(expected[-1] + 5):
            if ctx.get(dut.o.valid):
                offered.append(cycle)
            await ctx.tick()

    simulate(dut, bench)
    assert offered == expected


def test_init_wrong_scale_half_words() -> None:
    with pytest.raises(ValueError, match="^scale_half_words must be at least 1, not 0$"):
        LoadPlanner(scale_half_words=0)
