"""Runs of beats become AXI bursts."""

from collections.abc import Hashable
from typing import Any, Final

from amaranth.hdl import Module, Mux, Signal, unsigned
from amaranth.lib import data, stream
from amaranth.lib.wiring import In, Out

from naas_hw.compiler.layout import DRAM_BITS
from naas_hw.rtl.primitives.shared import SharedComponent

PAGE_BYTES: Final = 4096
RUN_BEATS_BITS: Final = 18
LENGTH_BITS: Final = 8


def burst_beats(beat_bytes: int) -> int:
    """Beats after which a burst is cut, at multiples of themselves: no burst crosses 4 KiB."""
    return min(1 << LENGTH_BITS, PAGE_BYTES // beat_bytes)


class Run(data.Struct):
    """Beats that follow one another in DRAM.

    Members
    -------
    address : of the first beat, counted in beats.
    beats : at least 1.
    is_last : it is the last run of its transfer.
    """

    address: unsigned(DRAM_BITS)
    beats: unsigned(RUN_BEATS_BITS)
    is_last: unsigned(1)


class Burst(data.Struct):
    """A burst of AXI.

    Members
    -------
    address : of the first beat, counted in beats.
    length : beats minus one.
    is_last : it is the last burst of the last run of its transfer.
    """

    address: unsigned(DRAM_BITS)
    length: unsigned(LENGTH_BITS)
    is_last: unsigned(1)


class BurstSplitter(SharedComponent):
    """Cuts runs into INCR bursts that do not cross 4 KiB.

    Golden model: runs cut at multiples of `burst_beats`.

    Parameters
    ----------
    beat_bytes : bytes of a beat, a power of two.

    Members
    -------
    i : In, stream of `Run`.
    o : Out, stream of `Burst`.
    cancel : In, 1 bit; the run that is there, and one that comes in this cycle, are forgotten.

    Latency
    -------
    The first burst of a run that is taken in cycle t is offered in t + 1. One burst a cycle,
    without a gap between runs. No burst is offered after reset.

    Raises
    ------
    ValueError : the beat is no power of two, or longer than a page.
    """

    def __init__(self, *, beat_bytes: int) -> None:
        if not 1 <= beat_bytes <= PAGE_BYTES or beat_bytes & (beat_bytes - 1):
            raise ValueError(
                f"beat_bytes must be a power of two up to {PAGE_BYTES}, not {beat_bytes}"
            )
        self.beat_bytes = beat_bytes
        super().__init__(
            {
                "i": In(stream.Signature(Run)),
                "o": Out(stream.Signature(Burst)),
                "cancel": In(1),
            }
        )

    @property
    def parameters(self) -> tuple[Hashable, ...]:
        return (self.beat_bytes,)

    def build(self, platform: Any) -> Module:
        m = Module()
        limit = burst_beats(self.beat_bytes)
        rest = Signal(Run, reset_less=True)  # of the run, from the next burst on
        room = Signal(range(limit + 1))  # beats to the next cut
        ends = Signal()  # rest.beats <= room; a register, so nothing waits for the comparison
        cut = Signal()
        taken = Signal()
        m.d.comb += [
            cut.eq(self.o.valid & self.o.ready),
            self.i.ready.eq(~self.o.valid | (cut & ends)),
            taken.eq(self.i.valid & self.i.ready),
            self.o.payload.address.eq(rest.address),
            self.o.payload.length.eq(Mux(ends, rest.beats, room) - 1),
            self.o.payload.is_last.eq(ends & rest.is_last),
        ]
        with m.If(taken):
            m.d.sync += self.o.valid.eq(1)
        with m.Elif(cut):
            m.d.sync += self.o.valid.eq(~ends)
        with m.If(self.cancel):
            m.d.sync += self.o.valid.eq(0)
        self._follow_run(m, rest, room, ends, taken, cut)
        return m

    def _follow_run(
        self, m: Module, rest: Any, room: Signal, ends: Signal, taken: Signal, cut: Signal
    ) -> None:
        """The run, less the bursts that were cut from it."""
        limit = burst_beats(self.beat_bytes)
        first_room = Signal(range(limit + 1))
        beats_left = Signal(RUN_BEATS_BITS)
        m.d.comb += [
            first_room.eq(limit - self.i.payload.address[: (limit - 1).bit_length()]),
            beats_left.eq(rest.beats - room),
        ]
        with m.If(taken):
            m.d.sync += [
                rest.eq(self.i.payload),
                room.eq(first_room),
                ends.eq(self.i.payload.beats <= first_room),
            ]
        with m.Elif(cut):
            m.d.sync += [
                rest.address.eq(rest.address + room),
                rest.beats.eq(beats_left),
                room.eq(limit),
                ends.eq(beats_left <= limit),
            ]
