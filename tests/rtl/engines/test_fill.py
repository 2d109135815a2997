# amaranth: UnusedElaboratable=no
"""Fill starts the steps of the model, each no sooner than it may."""

from typing import Any

import pytest
from kit import STALLS, simulate
from layers import NAMES, entry, geometry_of, iterations, start_layer, values_of

from naas_hw.arch import timing
from naas_hw.cost.reference.pieces import Step, steps_of
from naas_hw.rtl.engines.fill import Fill


class Networks:
    """Two networks that work for so many cycles, and say when they are in the last of them."""

    def __init__(self, dut: Fill, cycles: dict[str, int]) -> None:
        self.dut = dut
        self.cycles = cycles
        self.left = dict.fromkeys(cycles, 0)

    def show(self, ctx: Any) -> None:
        """What they say in this cycle."""
        for name, left in self.left.items():
            ctx.set(getattr(self.dut, name).busy, left > 0)
            ctx.set(getattr(self.dut, name).idle, left <= 1)

    def work(self, ctx: Any) -> None:
        """One cycle, at whose end they take a start."""
        for name, left in self.left.items():
            starts = ctx.get(getattr(self.dut, name).start)
            self.left[name] = self.cycles[name] if starts else max(0, left - 1)


class Monitor:
    """Compares the steps that start, and those that are handed over, with the model's."""

    def __init__(self, name: str) -> None:
        geometry = geometry_of(name)
        values = values_of(geometry)
        self.values = values
        self.steps = list(steps_of(geometry))
        self.nest = iterations(
            values,
            "fill_bound",
            {
                "weights": "fill_weight_delta",
                "inputs": "fill_input_delta",
                "row": "fill_row_delta",
                "column": "fill_column_delta",
            },
            {
                "row": entry(values, "load_row_start"),
                "column": entry(values, "load_column_start"),
            },
        )
        self.beat_bytes = geometry.accelerator.beat_bytes
        self.tile_halves = {"weights": 1, "inputs": 1}
        self.halves = {"weights": 1, "inputs": 1}
        self.started = 0
        self.filled = 0
        self.tiles_opened = 0

    def see_start(self, ctx: Any, dut: Fill) -> None:
        step = self.steps[self.started]
        self.started += 1
        self.tiles_opened += step.load is not None
        if step.load is not None:
            self.tile_halves["weights"] ^= step.load.weights > 0
            self.tile_halves["inputs"] ^= step.load.inputs > 0
        self.halves["weights"] ^= step.weights_changed
        self.halves["inputs"] ^= step.inputs_changed
        assert ctx.get(dut.weights.start) == step.weights_changed
        assert ctx.get(dut.inputs.start) == step.inputs_changed
        assert ctx.get(dut.weights.half) == self.halves["weights"]
        assert ctx.get(dut.inputs.half) == self.halves["inputs"]
        at = next(self.nest)
        weights = entry(self.values, "weight_base", self.tile_halves["weights"])
        inputs = entry(self.values, "input_base", self.tile_halves["inputs"]) * self.beat_bytes
        assert ctx.get(dut.weights.address) == weights + at["weights"]
        assert ctx.get(dut.inputs.address) == inputs + at["inputs"]
        assert ctx.get(dut.inputs.row) == at["row"]
        assert ctx.get(dut.inputs.column) == at["column"]

    def see_end(self, ctx: Any, dut: Fill) -> Step:
        step = self.steps[self.filled]
        self.filled += 1
        payload = ctx.get(dut.o.payload)
        assert payload.weights_half == self.halves["weights"]
        assert payload.inputs_half == self.halves["inputs"]
        assert payload.opens_run == step.opens_accumulator_run
        assert payload.closes_run == step.closes_accumulator_run
        following = self.steps[self.filled : self.filled + 1]
        closes_tile = not following or following[0].load is not None
        assert ctx.get(dut.tile_freed.give) == closes_tile
        return step


@pytest.mark.takes_seconds
@pytest.mark.sampled(3)
@pytest.mark.parametrize("stalls", STALLS)
@pytest.mark.parametrize("name", NAMES)
def test_steps_are_those_of_the_model(name: str, stalls: str) -> None:
    """Load and compute give their credits late, with stalls of their own."""
    dut = Fill(beat_bytes=geometry_of(name).accelerator.beat_bytes)
    networks = Networks(dut, {"weights": 3, "inputs": 5})
    monitor = Monitor(name)
    load_pauses = iter(STALLS[stalls]())
    compute_pauses = iter(STALLS["bursts"]())

    async def bench(ctx: Any) -> None:
        networks.show(ctx)
        await start_layer(ctx, dut, values_of(geometry_of(name)))
        loaded = computed = 0
        while monitor.filled < len(monitor.steps):
            networks.show(ctx)
            load = loaded < monitor.tiles_opened + 2 and not next(load_pauses)
            compute = computed < monitor.filled and not next(compute_pauses)
            ctx.set(dut.tile_loaded.give, load)
            ctx.set(dut.step_computed.give, compute)
            if ctx.get(dut.o.valid):
                monitor.see_end(ctx, dut)
            if ctx.get(dut.started):
                monitor.see_start(ctx, dut)
                assert monitor.tiles_opened <= loaded
                assert monitor.started <= computed + 2
            networks.work(ctx)
            await ctx.tick()
            loaded += load
            computed += compute
        networks.show(ctx)
        ctx.set(dut.tile_loaded.give, 1)
        for _ in range(10):
            assert not ctx.get(dut.started)
            assert ctx.get(dut.finished)
            await ctx.tick()

    simulate(dut, bench)


def test_a_step_starts_when_its_tile_is_there_and_says_what_it_waits_for() -> None:
    """LOAD_TO_FILL cycles after the credit; the next ones in the last cycles of the networks."""
    name = "convolution"
    dut = Fill(beat_bytes=8)
    networks = Networks(dut, {"weights": 4, "inputs": 4})
    steps = list(steps_of(geometry_of(name)))
    assert all(step.load is None and step.inputs_changed for step in steps[1:2])
    starts = []

    async def bench(ctx: Any) -> None:
        networks.show(ctx)
        await start_layer(ctx, dut, values_of(geometry_of(name)))
        for cycle in range(20):
            networks.show(ctx)
            ctx.set(dut.tile_loaded.give, cycle == 3)
            assert ctx.get(dut.waits_for_load) == (cycle <= 3)
            if ctx.get(dut.started):
                starts.append(cycle)
            networks.work(ctx)
            await ctx.tick()

    simulate(dut, bench)
    first = 3 + timing.LOAD_TO_FILL
    assert starts == [first, first + 4]  # compute gives nothing back: two halves of the buffers


@pytest.mark.parametrize("beat_bytes", [0, 12])
def test_init_wrong_beat_bytes(beat_bytes: int) -> None:
    with pytest.raises(ValueError, match=f"^beat_bytes must be a power of two, not {beat_bytes}$"):
        Fill(beat_bytes=beat_bytes)
