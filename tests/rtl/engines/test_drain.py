# amaranth: UnusedElaboratable=no
"""Drain empties the accumulator runs of the model, beat by beat, no sooner than it may."""

from itertools import product
from typing import Any

import pytest
from kit import STALLS, simulate
from layers import NAMES, entry, geometry_of, iterations, start_layer, values_of

from naas_hw.arch import timing
from naas_hw.compiler.descriptor import Values
from naas_hw.compiler.fields import BOUND_BITS
from naas_hw.cost.reference.pieces import Step, steps_of
from naas_hw.rtl.engines.drain import K_POSITION, P_POSITION, Q_POSITION, Drain
from naas_hw.workload.option import Option

TO_DRAIN = 4
RESIDUAL_BASES = (70, 90)
REVISITED = "partial sums to DRAM and back, twice"


def layer_values(name: str, *, residual: bool, sum_words: int = 1) -> Values:
    """Fields of a listed layer; `residual`: whether it has one."""
    values = values_of(geometry_of(name, sum_words=sum_words))
    return {**values, "residual": int(residual), "residual_base": RESIDUAL_BASES}


def drain_with(*options: Option) -> Drain:
    return Drain(frozenset(options), to_drain=TO_DRAIN, bound_bits=BOUND_BITS)


def runs_of(name: str) -> list[tuple[Step, Step]]:
    """First and last step of each accumulator run."""
    steps = list(steps_of(geometry_of(name)))
    opening = [step for step in steps if step.opens_accumulator_run]
    closing = [step for step in steps if step.closes_accumulator_run]
    return list(zip(opening, closing, strict=True))


def becomes_bytes(name: str, step: Step) -> bool:
    """Whether the output run of a step is drained for the last time."""
    geometry = geometry_of(name)
    return all(step.indices[k] == geometry.nest_bounds[k] - 1 for k in geometry.tile_revisits)


def expected_beats(name: str, *, residual: bool, sum_words: int = 1) -> list[list[dict[str, int]]]:
    """What goes to the drain path, for each run its beats; with sums each once a word of them."""
    geometry = geometry_of(name, sum_words=sum_words)
    values = layer_values(name, residual=True, sum_words=sum_words)
    num_parts = geometry.sum_words_per_beat if geometry.accumulator_revisits else 1
    parts = [{"part": part} for part in range(num_parts)] if sum_words > 1 else [{}]
    bounds = values["beat_bound"]
    assert isinstance(bounds, tuple)
    origins = iterations(
        values,
        "drain_bound",
        {"byte": "drain_byte_delta", "channel": "drain_channel_delta"},
        {},
    )
    tile_half = scale_half = 0
    runs = runs_of(name)
    last_of = geometry.nest_bounds
    revisits = geometry.accumulator_revisits
    found = []
    for number, ((first, last), origin) in enumerate(zip(runs, origins, strict=True)):
        if number:
            tile_half ^= first.opens_output_run
            scale_half ^= first.opens_scale_run
        same = {
            "revisit": int(first.revisit),
            "final": int(all(last.indices[k] == last_of[k] - 1 for k in revisits)),
            "half": number & 1,
            "scale_half": scale_half,
            "output_base": entry(values, "output_base", tile_half),
            "sums_base": entry(values, "sums_base", tile_half),
        }
        if residual:
            same["residual_base"] = RESIDUAL_BASES[tile_half]
        nest = iterations(
            values,
            "beat_bound",
            {
                "byte": "beat_byte_delta",
                "accumulator": "beat_accumulator_delta",
                "channel": "beat_channel_delta",
            },
            origin,
        )
        found.append(
            [
                {
                    **same,
                    **at,
                    **part,
                    "p": index[P_POSITION],
                    "q": index[Q_POSITION],
                    "k_group": index[K_POSITION],
                }
                for index, at in zip(product(*map(range, bounds)), nest, strict=True)
                for part in parts
            ]
        )
    return found


class Neighbours:
    """Compute, store and load: credits that drain has got, and when it may start.

    `given` and `taken` count credits by the name of their port.
    """

    def __init__(self, dut: Drain, stalls: str) -> None:
        self.dut = dut
        self.pauses = {
            name: iter(STALLS[stalls]())
            for name in ("run_computed", "tile_stored", "output_tile_loaded")
        }
        self.given = {"run_computed": 0, "tile_stored": 2, "output_tile_loaded": 0}
        self.taken = dict.fromkeys(self.given, 0)

    def give(self, ctx: Any, most: dict[str, int]) -> dict[str, int]:
        """Credits of this cycle; `most` are there to be given in all."""
        gifts = {
            name: int(self.given[name] < most[name] and not next(self.pauses[name]))
            for name in self.given
        }
        for name, gift in gifts.items():
            ctx.set(getattr(self.dut, name).give, gift)
        return gifts


@pytest.mark.takes_seconds
@pytest.mark.sampled(5)
@pytest.mark.parametrize(
    "stalls", ["never", "bursts", pytest.param("mostly", marks=pytest.mark.slow)]
)
@pytest.mark.parametrize("residual", [None, False, True], ids=["never", "unused", "residual"])
@pytest.mark.parametrize("name", NAMES)
def test_beats_are_those_of_the_model(name: str, residual: bool | None, stalls: str) -> None:
    """`residual` : whether the layer has one; None: the accelerator cannot add any."""
    check_beats(name, stalls, residual=residual, sum_words=1)


@pytest.mark.parametrize("sum_words", [2, 4])
@pytest.mark.parametrize("name", NAMES)
def test_beats_of_a_wide_drain_are_those_of_the_model(name: str, sum_words: int) -> None:
    """Partial sums move a word a cycle; where there are none a beat takes one cycle."""
    check_beats(name, "bursts", residual=None, sum_words=sum_words)


def check_beats(name: str, stalls: str, *, residual: bool | None, sum_words: int) -> None:
    """Drain gives the beats of the model, and takes and gives credits as the model does."""
    geometry = geometry_of(name, sum_words=sum_words)
    dut = Drain(
        frozenset((Option.RESIDUAL,) if residual is not None else ()),
        to_drain=TO_DRAIN,
        bound_bits=BOUND_BITS,
        sum_lanes=geometry.accelerator.sum_lanes,
        sum_words=sum_words,
    )
    neighbours = Neighbours(dut, stalls)
    runs = runs_of(name)
    beats = expected_beats(name, residual=residual is not None, sum_words=sum_words)
    assert all(len(run) == geometry.drain_cycles for run in beats)

    async def bench(ctx: Any) -> None:
        values = layer_values(name, residual=bool(residual), sum_words=sum_words)
        await start_layer(ctx, dut, values)
        started = drained = tiles = beat = age = 0
        given, taken = neighbours.given, neighbours.taken
        while drained < len(runs):
            most = {
                "run_computed": min(len(runs), drained + 3),
                "tile_stored": 2 + tiles,
                "output_tile_loaded": taken["output_tile_loaded"] + 1,
            }
            gifts = neighbours.give(ctx, most)
            age += started > drained
            if ctx.get(dut.o.valid):
                payload = ctx.get(dut.o.payload)
                golden = beats[drained][beat]
                assert {port: getattr(payload, port) for port in golden} == golden
                beat += 1
            length = max(timing.STEP_PACE, len(beats[drained]))
            ends = started > drained and age == length
            assert beat == min(age, len(beats[drained]))
            assert ctx.get(dut.run_drained.give) == ends
            if ctx.get(dut.started):
                first, _ = runs[started]
                started += 1
                taken["run_computed"] += 1
                taken["tile_stored"] += first.opens_output_run
                reads = first.reload or (residual and becomes_bytes(name, first))
                taken["output_tile_loaded"] += bool(first.opens_output_run and reads)
                assert all(taken[port] <= given[port] for port in given)
            assert ctx.get(dut.busy) == (drained + ends < len(runs))
            if ends:
                _, last = runs[drained]
                following = runs[drained + 1][0] if drained + 1 < len(runs) else None
                closes_tile = following is None or following.opens_output_run
                assert last.closes_output_run == closes_tile
                assert ctx.get(dut.tile_drained.give) == closes_tile
                frees = following is None or following.opens_scale_run
                assert ctx.get(dut.scales_freed.give) == frees
                drained, beat, age, tiles = drained + 1, 0, 0, tiles + closes_tile
            await ctx.tick()
            for port, gift in gifts.items():
                given[port] += gift
        assert not ctx.get(dut.busy)

    simulate(dut, bench)


def start_cycle(dut: Drain, values: Values, credits_at: dict[str, int]) -> int:
    """Cycle after go in which the first run starts, if credits are given in these cycles."""
    starts = []

    async def bench(ctx: Any) -> None:
        await start_layer(ctx, dut, values)
        for cycle in range(40):
            for port, at in credits_at.items():
                ctx.set(getattr(dut, port).give, cycle == at)
            if ctx.get(dut.started):
                starts.append(cycle)
            await ctx.tick()

    simulate(dut, bench)
    return starts[0]


def test_a_run_starts_when_its_products_are_added_up() -> None:
    values = layer_values("convolution", residual=False)
    assert start_cycle(drain_with(), values, {"run_computed": 5}) == 5 + TO_DRAIN


@pytest.mark.parametrize(("residual", "start"), [(False, 5 + TO_DRAIN), (True, 20)])
def test_a_run_that_becomes_bytes_waits_for_its_residual(residual: bool, start: int) -> None:
    values = layer_values("convolution", residual=residual)
    given = {"run_computed": 5, "output_tile_loaded": 20 - timing.LOAD_TO_DRAIN}
    assert start_cycle(drain_with(Option.RESIDUAL), values, given) == start


def test_a_third_tile_waits_for_store() -> None:
    """And says so."""
    name = REVISITED
    dut = drain_with()
    opened: list[bool] = []

    async def bench(ctx: Any) -> None:
        await start_layer(ctx, dut, layer_values(name, residual=False))
        computed = 0
        runs = runs_of(name)
        ctx.set(dut.output_tile_loaded.give, 0)
        for _ in range(400):
            give = computed < min(len(opened) + 2, len(runs))
            ctx.set(dut.run_computed.give, give)
            computed += give
            if ctx.get(dut.started):
                opened.append(runs[len(opened)][0].opens_output_run)
            await ctx.tick()
        assert ctx.get(dut.waits_for_store) and not ctx.get(dut.waits_for_load)

    simulate(dut, bench)
    assert sum(opened) == 2


@pytest.mark.parametrize("option", [Option.MAXIMUM, Option.TABLE, Option.RESIDUAL])
def test_partial_sums_are_not_read_before_those_of_the_run_before_last_are_written(
    option: Option,
) -> None:
    """Where runs are shorter than the drain path, a revisit waits; longer for an epilogue."""
    name = REVISITED
    distance = timing.drain_to_revisit(has_epilogue=option is not Option.MAXIMUM)
    assert geometry_of(name).drain_cycles < distance
    dut = drain_with(option)
    runs = runs_of(name)
    starts: list[int] = []
    ends: list[int] = []

    async def bench(ctx: Any) -> None:
        await start_layer(ctx, dut, layer_values(name, residual=False))
        cycle = computed = loaded = reloads = 0
        while len(ends) < len(runs):
            give = computed < min(len(starts) + 2, len(runs))
            load = loaded < reloads + 1
            ctx.set(dut.run_computed.give, give)
            ctx.set(dut.output_tile_loaded.give, load)
            ctx.set(dut.tile_stored.give, ctx.get(dut.tile_drained.give))
            computed += give
            loaded += load
            if ctx.get(dut.started):
                first, _ = runs[len(starts)]
                reloads += first.opens_output_run and first.reload
                starts.append(cycle)
            if ctx.get(dut.run_drained.give):
                ends.append(cycle)
            cycle += 1
            await ctx.tick()

    simulate(dut, bench)
    waits = [starts[i] - ends[i - 2] for i in range(2, len(runs)) if runs[i][0].revisit]
    assert waits and min(waits) == distance


@pytest.mark.parametrize("bits", [0, BOUND_BITS + 1])
def test_init_wrong_bound_bits(bits: int) -> None:
    with pytest.raises(ValueError, match=f"^bound_bits must be 1 to {BOUND_BITS}, not {bits}$"):
        Drain(to_drain=TO_DRAIN, bound_bits=bits)


def test_init_wrong_to_drain() -> None:
    with pytest.raises(ValueError, match="^to_drain must be at least 1, not 0$"):
        Drain(to_drain=0, bound_bits=4)
