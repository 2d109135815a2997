"""The burst splitter covers each beat of a run once, and no burst crosses 4 KiB."""

from functools import partial

from amaranth.asserts import AnySeq
from amaranth.hdl import Assert, Assume, Module, Mux, Signal
from prover import Opened, Proof, built, faults

import naas_hw.rtl.primitives.bursts as bursts
from naas_hw.compiler.fields import DRAM_BITS

BEATS = (4, 8, 16, 32)
"""Bytes of a beat, one proof each."""


def splitter_design(beat_bytes: int) -> Module:
    """The splitter beside the address and the number of beats that are left of a run."""
    m = Module()
    component = bursts.BurstSplitter(beat_bytes=beat_bytes)
    m.submodules.dut = dut = Opened(built(component))
    limit = bursts.burst_beats(beat_bytes)
    rest = bursts.Run(dut["rest"])
    run, burst = component.i.payload, component.o.payload
    given_beats = Signal(bursts.RUN_BEATS_BITS)
    offset_of = partial(bursts.cut_offset, beat_bytes=beat_bytes)
    m.d.comb += [
        component.i.valid.eq(AnySeq(1)),
        run.as_value().eq(AnySeq(len(run.as_value()))),
        component.o.ready.eq(AnySeq(1)),
        component.cancel.eq(AnySeq(1)),
        given_beats.eq(run.end - offset_of(run.address)),
        Assume(run.end > offset_of(run.address)),
        Assume(run.end - offset_of(run.address) < 1 << bursts.RUN_BEATS_BITS),
    ]
    following = Signal(DRAM_BITS)
    left = Signal(bursts.RUN_BEATS_BITS)
    is_last = Signal()
    beats = Signal(bursts.LENGTH_BITS + 1)
    taken, cut = Signal(), Signal()
    m.d.comb += [
        beats.eq(burst.length + 1),
        taken.eq(component.i.valid & component.i.ready),
        cut.eq(component.o.valid & component.o.ready),
    ]
    with m.If(cut):
        m.d.sync += [following.eq(following + beats), left.eq(left - beats)]
    with m.If(taken):
        m.d.sync += [following.eq(run.address), left.eq(given_beats), is_last.eq(run.is_last)]
    with m.If(component.cancel):
        m.d.sync += left.eq(0)
    offset = following[: (limit - 1).bit_length()]
    room = Signal(range(limit + 1))
    m.d.comb += [
        room.eq(limit - offset),
        Assert(component.o.valid == (left != 0)),
        # nothing of a run is lost where the next one is taken
        Assert(~taken | component.cancel | (left == Mux(cut, beats, 0))),
    ]
    with m.If(component.o.valid):
        m.d.comb += [
            Assert(burst.address == following),
            Assert(beats <= left),
            Assert(offset + beats <= limit),
            Assert(burst.is_last == (is_last & (beats == left))),
            # bursts are as long as they may be
            Assert((beats == left) | (offset + beats == limit)),
            # why
            Assert(rest.address == following),
            Assert(rest.end == offset + left),
            Assert(rest.is_last == is_last),
            Assert(dut["ends"] == (left <= room)),
        ]
    return m


PROOFS = tuple(
    Proof(
        name=f"burst splitter, {beat_bytes} bytes a beat",
        says="Bursts cover each beat of a run once, in order, are as long as allowed, and none "
        "crosses 4 KiB.",
        sizes=f"beats of {beat_bytes} bytes, addresses of {DRAM_BITS} bits, runs of 1 to "
        f"{(1 << bursts.RUN_BEATS_BITS) - 1:,} beats",
        design=partial(splitter_design, beat_bytes),
        depth=4,
        by_induction=True,
        mutants=faults(
            "primitives.bursts",
            (
                "the last burst is cut where it ends at a border",
                "_is_within(rest.end, 2, bits=bits)",
                "rest.end < 2 << bits",
            ),
            (
                "beats are left out behind the first burst",
                "rest.address[bits:] + 1)",
                "rest.address[bits:] + 2)",
            ),
            (
                "the first burst of a run is not cut",
                "run.end, 1, ",
                "run.end, 2, ",
            ),
        ),
    )
    for beat_bytes in BEATS
)
