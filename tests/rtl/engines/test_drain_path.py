# amaranth: UnusedElaboratable=no
"""What drain writes to L2 is what formulas over all that it reads give."""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pytest
from epilogues import NO_ADDITION, addition_fields, load_table, random_addition, random_table
from kit import STALLS, simulate

from naas_hw.arch.accelerator import OUTPUT_DIMS, Accelerator, Axis
from naas_hw.arch.timing import (
    DRAIN_TO_RESIDUAL,
    L2_LATENCY,
    MEMORY_LATENCY,
    NUMBERS_READ,
    drain_pipeline,
)
from naas_hw.rtl.engines.drain_path import DrainPath
from naas_hw.rtl.memory.scale_memory import COMPONENTS
from naas_hw.rtl.primitives.positions import positions
from naas_hw.workload.arithmetic.epilogue import Residual, TablePlace, apply_epilogue
from naas_hw.workload.arithmetic.requantise import requantise
from naas_hw.workload.layer import Dim

NUM_BEATS: Final = 150
NUM_L2_WORDS: Final = 64


def accelerator(
    *axes: tuple[Dim, int],
    beat_bytes: int = 8,
    drain_lanes: int | None = None,
    residual: bool = False,
    table: bool = False,
    single_rounding: bool = False,
) -> Accelerator:
    return Accelerator(
        axes=tuple(Axis(dim=dim, size=size) for dim, size in axes),
        weight_buffer_bytes=16,
        input_buffer_bytes=64,
        accumulator_words=32,
        bank_bytes=256,
        beat_bytes=beat_bytes,
        drain_lanes=drain_lanes or beat_bytes // 4,
        scale_depth=64,
        residual=residual,
        table=table,
        single_rounding=single_rounding,
    )


DESIGNS: Final = {
    "C-K": accelerator(("C", 4), ("K", 8), beat_bytes=16),
    "K of no multiple": accelerator(("K", 3), ("C", 2)),
    "P-Q": accelerator(("P", 3), ("Q", 2), beat_bytes=16),
    "R-P-K": accelerator(("R", 2), ("P", 2), ("K", 2)),
    "one lane": accelerator(("Q", 2), beat_bytes=4),
    "K, residual": accelerator(("K", 4), beat_bytes=16, residual=True),
    "P, table": accelerator(("P", 2), table=True),
    "C-K, residual and table": accelerator(("C", 2), ("K", 2), residual=True, table=True),
    "P, rounds once": accelerator(("P", 2), single_rounding=True),
    "K, table, rounds once": accelerator(("K", 2), table=True, single_rounding=True),
    "one lane, residual and table": accelerator(("Q", 2), beat_bytes=4, residual=True, table=True),
    "C-K, half a beat": accelerator(("C", 4), ("K", 8), beat_bytes=16, drain_lanes=8),
    "C-K, a beat": accelerator(("C", 2), ("K", 16), beat_bytes=16, drain_lanes=16),
    "K of no multiple, a beat": accelerator(("K", 6), ("C", 2), drain_lanes=8),
    "P-Q, half a beat": accelerator(("P", 3), ("Q", 2), beat_bytes=16, drain_lanes=8),
    "P-Q, a beat": accelerator(("P", 2), ("Q", 2), beat_bytes=16, drain_lanes=16),
    "a beat of four lanes": accelerator(("Q", 2), beat_bytes=4, drain_lanes=4),
    "P, a beat, residual and table": accelerator(
        ("P", 2), drain_lanes=8, residual=True, table=True
    ),
    "K, half a beat, residual and table": accelerator(
        ("K", 8), beat_bytes=16, drain_lanes=8, residual=True, table=True
    ),
}


@dataclass(frozen=True, kw_only=True)
class Write:
    """A write of L2, without the bytes that are not enabled."""

    address: int
    enable: int
    data: int


class Model:
    """Contents of all memories, and what a beat makes of them."""

    def __init__(self, design: Accelerator, rng: np.random.Generator) -> None:
        self.design = design
        self.groups = positions(design, OUTPUT_DIMS)
        half = design.accumulator_words // 2
        self.numbers = self._int32(rng, (2, len(self.groups), half))
        self.partial_sums = self._int32(rng, (2 * NUM_L2_WORDS, design.sum_lanes))
        self.sum_words = design.drain_lanes // design.sum_lanes
        shape = (2 * design.scale_depth // design.drain_lanes, design.drain_lanes)
        self.scales = {
            "bias": self._int32(rng, shape),
            "multiplier": rng.integers(0, 2**31, shape),
            "shift": rng.integers(0, 32, shape),
        }
        self.fields = {
            "output_zero_point": int(rng.integers(-128, 128)),
            "clamp_min": int(rng.integers(-128, 0)),
            "clamp_max": int(rng.integers(0, 128)),
            "beat_lanes_log2": int(rng.integers(design.drain_lanes.bit_length())),
        }
        if design.has("K"):
            most = design.drain_group.bit_length() - 1
            least = most if self.sum_words > 1 else 0  # the parts of a beat are parts of the group
            self.fields["beat_lanes_log2"] = int(rng.integers(least, most + 1))
        self._draw_epilogue(rng)

    def _draw_epilogue(self, rng: np.random.Generator) -> None:
        """Of the parts that are there, each is used by half of all layers."""
        shape = (NUM_L2_WORDS, self.design.beat_bytes)
        self.residuals = rng.integers(-128, 128, shape).astype(np.int8)
        self.table = random_table(rng, TablePlace(int(rng.integers(1, 3))))
        self.addition = NO_ADDITION
        self.has_residual = self.design.residual and rng.random() < 0.5
        self.has_table = self.design.table and rng.random() < 0.5
        if self.has_residual:
            self.addition = random_addition(rng)
        if self.design.residual:
            self.fields |= {"residual": int(self.has_residual), **addition_fields(self.addition)}
        if self.design.single_rounding:
            self.fields["rounds_once"] = int(rng.integers(2))
        if self.design.table:
            self.fields["table_place"] = int(self.table.place) if self.has_table else 0

    @staticmethod
    def _int32(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
        return rng.integers(-(2**31), 2**31, shape) >> rng.integers(0, 28, shape)

    @property
    def channels(self) -> int:
        """Channels of a beat."""
        return 1 << self.fields["beat_lanes_log2"]

    def random_beat(self, rng: np.random.Generator) -> dict[str, int]:
        design = self.design
        words = 2 * design.scale_depth // design.drain_lanes
        more = {"residual_base": int(rng.integers(NUM_L2_WORDS // 2))} if design.residual else {}
        revisit, final = (int(number) for number in rng.integers(2, size=2))
        if self.sum_words > 1:
            most = max(1, self.channels // design.sum_lanes)
            more["part"] = 0 if final and not revisit else int(rng.integers(most))
        return more | {
            "revisit": revisit,
            "final": final,
            "half": int(rng.integers(2)),
            "scale_half": int(rng.integers(2)),
            "output_base": int(rng.integers(NUM_L2_WORDS)),
            "sums_base": int(rng.integers(NUM_L2_WORDS // 2)),
            "byte": self._place(rng, NUM_L2_WORDS // 2 * design.sum_lanes),
            "accumulator": self._place(rng, design.accumulator_words // 2),
            "channel": int(rng.integers(words // 2 * design.drain_lanes)),
            "p": int(rng.integers(design.size_of("P"))),
            "q": int(rng.integers(design.size_of("Q"))),
            "k_group": int(rng.integers(design.size_of("K") // design.drain_group)),
        }

    def _place(self, rng: np.random.Generator, end: int) -> int:
        """A beat of several words begins at the first of them; others may begin anywhere."""
        place = int(rng.integers(end))
        return place - place % self.channels if self.sum_words > 1 else place

    def moves(self, beat: dict[str, int], lane: int) -> bool:
        """Whether the number of a lane, counted from the first of the beat, moves now."""
        at_once = self.sum_words == 1 or bool(beat["final"] and not beat["revisit"])
        return at_once or lane // self.design.sum_lanes == beat["part"]

    def sum_word(self, beat: dict[str, int]) -> int:
        """Where in L2 the partial sums of a beat lie."""
        first = beat["sums_base"] + beat["byte"] // self.design.sum_lanes
        return first + beat.get("part", 0)

    def group_of(self, beat: dict[str, int], lane: int) -> int:
        """The group whose number a lane takes."""
        design = self.design
        k = beat["k_group"] * design.drain_group + lane % design.drain_group
        where = {"P": beat["p"], "Q": beat["q"], "K": k}
        return self.groups.index(
            {axis.dim: where[axis.dim] for axis in design.axes if axis.dim in OUTPUT_DIMS}
        )

    def groups_of(self, beat: dict[str, int]) -> int:
        """All groups that are read, as bits."""
        lanes = [lane for lane in range(self.design.drain_group) if self.moves(beat, lane)]
        return sum(1 << group for group in {self.group_of(beat, lane) for lane in lanes})

    def number_of(self, beat: dict[str, int], lane: int) -> int:
        """A lane's accumulator, where fewer channels than lanes are repeated."""
        at = beat["accumulator"]
        if not self.design.has("K"):
            at = at - at % self.channels + lane % self.channels
        return int(self.numbers[beat["half"], self.group_of(beat, lane), at])

    def total_of(self, beat: dict[str, int], lane: int) -> int:
        total = self.number_of(beat, lane)
        if beat["revisit"]:
            total += int(self.partial_sums[self.sum_word(beat), lane % self.design.sum_lanes])
        return (total + 2**31) % 2**32 - 2**31

    def byte_of(self, beat: dict[str, int], lane: int) -> int:
        lanes = self.design.drain_lanes
        word = beat["scale_half"] * self.design.scale_depth // lanes + beat["channel"] // lanes
        bias, multiplier, shift = (int(self.scales[name][word, lane]) for name in COMPONENTS)
        fields = self.fields
        bounds = fields["output_zero_point"], fields["clamp_min"], fields["clamp_max"]
        once = bool(fields.get("rounds_once", 0))
        total = self.total_of(beat, lane)
        byte = requantise(total, bias, multiplier, shift, *bounds, rounds_once=once)
        residual = None
        if self.has_residual:
            part = beat["byte"] % self.design.beat_bytes // lanes
            taken = self.residuals[self.residual_word(beat), part * lanes + lane]
            residual = Residual(values=taken, addition=self.addition)
        return int(apply_epilogue(byte, residual, self.table if self.has_table else None))

    def residual_word(self, beat: dict[str, int]) -> int:
        """Where in L2 the residual of a beat lies."""
        return beat["residual_base"] + beat["byte"] // self.design.beat_bytes

    def write_of(self, beat: dict[str, int]) -> Write:
        """The write that a beat ends in; its channels are at the lanes of its byte."""
        lanes = self.design.drain_lanes
        first = beat["byte"] % lanes - beat["byte"] % lanes % self.channels
        enable = data = 0
        for lane in range(first, first + self.channels):
            if not self.moves(beat, lane - first):
                continue
            if beat["final"]:
                at = beat["byte"] % self.design.beat_bytes // lanes * lanes + lane
                enable |= 1 << at
                data |= self.byte_of(beat, lane) % 256 << 8 * at
            else:
                at = lane % self.design.sum_lanes
                enable |= 0b1111 << 4 * at
                data |= self.total_of(beat, lane) % 2**32 << 32 * at
        if beat["final"]:
            address = beat["output_base"] + beat["byte"] // self.design.beat_bytes
        else:
            address = self.sum_word(beat)
        return Write(address=address, enable=enable, data=data)


class Surroundings:
    """The memories around the drain path, and the clock."""

    def __init__(self, dut: DrainPath, model: Model) -> None:
        self.dut, self.model = dut, model
        none = [0] * model.design.drain_group
        self.late_words = [none] * (MEMORY_LATENCY - 1)
        self.late_l2: list[tuple[int | None, int | None]] = [(None, None)] * (L2_LATENCY - 1)

    async def load(self, ctx: Any) -> None:
        """The fields of the layer, and all scales."""
        for name, value in self.model.fields.items():
            ctx.set(getattr(self.dut.fields, name), value)
        port = self.dut.scales
        for n, name in enumerate(COMPONENTS):
            beats = self.model.scales[name].reshape(-1, self.model.design.sum_lanes)
            for at, values in enumerate(beats):
                ctx.set(port.enable, 1)
                ctx.set(port.address, n << 14 | at)
                ctx.set(port.data, joined(values))
                await ctx.tick()
        ctx.set(port.enable, 0)
        if self.model.design.table:
            await load_table(ctx, self.dut.table, self.model.table)

    async def tick(self, ctx: Any) -> None:
        """One cycle; what L2 and the accumulators read in it is there some cycles later."""
        accumulators, sums = self.dut.accumulators, self.dut.partial_sums
        groups, lanes = ctx.get(accumulators.groups), ctx.get(accumulators.lanes)
        half, address = ctx.get(accumulators.half), ctx.get(accumulators.address)
        word = ctx.get(sums.address) if ctx.get(sums.enable) else None
        residual = self.residual_asked(ctx)
        await ctx.tick()
        each = self.model.design.accumulator_lanes
        words = [0] * self.model.design.drain_group
        for g, group in enumerate(self.model.groups):
            values = self.model.numbers[half, g, address * each :][:each]
            asked = [v if groups >> g & lanes >> n & 1 else 0 for n, v in enumerate(values)]
            words[group.get("K", 0) % len(words)] |= joined(asked)
        self.late_words.append(words)
        for port, value in zip(accumulators.words, self.late_words.pop(0), strict=True):
            ctx.set(port, value)
        self.late_l2.append((word, residual))
        word, residual = self.late_l2.pop(0)
        if word is not None:
            ctx.set(sums.data, joined(self.model.partial_sums[word]))
        if residual is not None:
            found = self.model.residuals[residual].tobytes()
            ctx.set(self.dut.residual.data, int.from_bytes(found, "little"))

    def residual_asked(self, ctx: Any) -> int | None:
        """The word of a residual that is read in this cycle."""
        if not self.model.design.residual or not ctx.get(self.dut.residual.enable):
            return None
        address: int = ctx.get(self.dut.residual.address)
        return address


RARER = ("every-other", "mostly")
"""Stalls that the slow tests add."""


def joined(values: Any) -> int:
    """Numbers of 32 bits side by side, the first lowest."""
    return sum(int(value) % 2**32 << 32 * n for n, value in enumerate(values))


@pytest.mark.takes_seconds
@pytest.mark.sampled(2)
@pytest.mark.parametrize(
    "stalls",
    [pytest.param(one, marks=pytest.mark.slow) if one in RARER else one for one in STALLS],
)
@pytest.mark.parametrize("name", DESIGNS)
def test_it_equals_the_formulas(name: str, stalls: str) -> None:
    """A beat in each cycle without a stall; each ends in its write a fixed time later."""
    design = DESIGNS[name]
    latency = drain_pipeline(has_epilogue=design.has_epilogue)
    seed = sum(map(ord, name + stalls))
    print(f"seed {seed}")
    rng = np.random.default_rng(seed)
    dut, model = DrainPath(design), Model(design, rng)
    surroundings = Surroundings(dut, model)
    expected: dict[int, Write] = {}
    found: dict[int, Write] = {}

    async def bench(ctx: Any) -> None:
        await surroundings.load(ctx)
        pauses = iter(STALLS[stalls]())
        beats = [model.random_beat(rng) for _ in range(NUM_BEATS)]
        cycle = 0
        while beats or cycle <= max(expected):
            valid = bool(beats) and not next(pauses)
            ctx.set(dut.i.valid, valid)
            if valid:
                beat = beats.pop(0)
                ctx.set(dut.i.payload, beat)
                expected[cycle + latency] = model.write_of(beat)
            if ctx.get(dut.write.enable):
                found[cycle] = write_now(ctx)
            await surroundings.tick(ctx)
            cycle += 1

    def write_now(ctx: Any) -> Write:
        enable = ctx.get(dut.write.enable)
        data = ctx.get(dut.write.data).to_bytes(design.beat_bytes, "little")
        kept = bytes(byte if enable >> i & 1 else 0 for i, byte in enumerate(data))
        return Write(
            address=ctx.get(dut.write.address), enable=enable, data=int.from_bytes(kept, "little")
        )

    simulate(dut, bench)
    assert found == expected


def test_a_beat_reads_the_accumulators_of_its_channels_alone() -> None:
    """Which groups and lanes are read NUMBERS_READ cycles after a beat."""
    design = DESIGNS["C-K"]
    dut = DrainPath(design)
    rng = np.random.default_rng(7)
    model = Model(design, rng)

    async def bench(ctx: Any) -> None:
        for _ in range(50):
            beat = model.random_beat(rng)
            ctx.set(dut.i.payload, beat)
            ctx.set(dut.i.valid, 1)
            await ctx.tick()
            ctx.set(dut.i.valid, 0)
            await ctx.tick().repeat(NUMBERS_READ - 1)
            assert ctx.get(dut.accumulators.groups) == model.groups_of(beat)
            assert ctx.get(dut.accumulators.lanes) == 1
            assert ctx.get(dut.accumulators.half) == beat["half"]
            await ctx.tick()
            assert ctx.get(dut.accumulators.groups) == 0

    simulate(dut, bench)


@pytest.mark.parametrize("has_residual", [False, True])
def test_a_residual_is_read_once_a_beat_that_becomes_bytes(has_residual: bool) -> None:
    """In a fixed distance, so that load knows when its buffer is free."""
    design = DESIGNS["K, residual"]
    dut = DrainPath(design)
    rng = np.random.default_rng(11)
    model = Model(design, rng)
    expected: dict[int, int] = {}
    found: dict[int, int] = {}

    async def bench(ctx: Any) -> None:
        ctx.set(dut.fields.residual, has_residual)
        for cycle in range(80):
            beat = model.random_beat(rng)
            valid = cycle < 60 and bool(rng.integers(2))
            ctx.set(dut.i.payload, beat)
            ctx.set(dut.i.valid, valid)
            if valid and beat["final"] and has_residual:
                expected[cycle + DRAIN_TO_RESIDUAL + 1] = model.residual_word(beat)
            if ctx.get(dut.residual.enable):
                found[cycle] = ctx.get(dut.residual.address)
            await ctx.tick()

    simulate(dut, bench)
    assert found == expected
    assert bool(found) == has_residual
