"""Runs of beats become AXI bursts."""

from collections.abc import Hashable
from typing import Any, Final

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value, unsigned
from amaranth.lib import data, stream
from amaranth.lib.wiring import In, Out

from naas_hw.compiler.fields import DRAM_BITS
from naas_hw.rtl.primitives.shared import SharedComponent

PAGE_BYTES: Final = 4096
RUN_BEATS_BITS: Final = 18
LENGTH_BITS: Final = 8


def burst_beats(beat_bytes: int) -> int:
    """Beats after which a burst is cut, at multiples of themselves: no burst crosses 4 KiB."""
    return min(1 << LENGTH_BITS, PAGE_BYTES // beat_bytes)


class Run(data.Struct):
    """Beats that follow one another in DRAM, at least one.

    Members
    -------
    address : of the first beat, counted in beats.
    end : beats from the cut before that beat to the end of the run, see `end_of_run`.
    is_last : it is the last run of its transfer.
    """

    address: unsigned(DRAM_BITS)
    end: unsigned(RUN_BEATS_BITS + 1)
    is_last: unsigned(1)


def cut_bits(beat_bytes: int) -> int:
    """Bits of an address, which counts beats, that are zero at a cut."""
    return (burst_beats(beat_bytes) - 1).bit_length()


def cut_offset(address: Value, *, beat_bytes: int) -> Value:
    """Beats from the cut before an address to it."""
    return address[: cut_bits(beat_bytes)]


def end_of_run(address: Value, beats: Value, *, beat_bytes: int) -> Value:
    """The `end` of a run of so many beats, fewer than `2 ** RUN_BEATS_BITS`."""
    return cut_offset(address, beat_bytes=beat_bytes) + beats


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


def _is_within(end: Value, cuts: int, *, bits: int) -> Value:
    """Whether `end` is at most as far as so many cuts, which are 2 ** `bits` beats apart.

    A comparison would take another carry chain; this is a tree.
    """
    high, low = end[bits:], end[:bits]
    return (high < cuts) | ((high == cuts) & (low == 0))


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
        rest = Signal(Run, reset_less=True)  # of the run, from the burst that is offered on
        length = Signal(LENGTH_BITS)  # of the burst that is offered: its beats less one
        ends = Signal()  # it is the last one of its run
        cut = Signal()
        taken = Signal()
        m.d.comb += [
            cut.eq(self.o.valid & self.o.ready),
            self.i.ready.eq(~self.o.valid | (cut & ends)),
            taken.eq(self.i.valid & self.i.ready),
            self.o.payload.address.eq(rest.address),
            self.o.payload.length.eq(length),
            self.o.payload.is_last.eq(ends & rest.is_last),
        ]
        with m.If(taken):
            m.d.sync += self.o.valid.eq(1)
            self._begin_run(m, rest, length, ends)
        with m.Elif(cut):
            m.d.sync += self.o.valid.eq(~ends)
            self._go_on(m, rest, length, ends)
        with m.If(self.cancel):
            m.d.sync += self.o.valid.eq(0)
        return m

    def _begin_run(self, m: Module, rest: Any, length: Signal, ends: Signal) -> None:
        """The first burst ends where the run ends, or at a cut."""
        run, bits = self.i.payload, cut_bits(self.beat_bytes)
        offset = run.address[:bits]
        before_cut = Signal()
        m.d.comb += before_cut.eq(_is_within(run.end, 1, bits=bits))
        m.d.sync += [
            rest.eq(run),
            length.eq(Mux(before_cut, run.end[:bits] + ~offset, ~offset)[:bits]),
            ends.eq(before_cut),
        ]

    def _go_on(self, m: Module, rest: Any, length: Signal, ends: Signal) -> None:
        """The burst that leaves ended at a cut, or the run is over and nothing of it matters."""
        bits = cut_bits(self.beat_bytes)
        before_cut = Signal()
        m.d.comb += before_cut.eq(_is_within(rest.end, 2, bits=bits))
        m.d.sync += [
            rest.address.eq(Cat(Const(0, bits), rest.address[bits:] + 1)),
            rest.end.eq(rest.end - burst_beats(self.beat_bytes)),
            length.eq(Mux(before_cut, rest.end[:bits] - 1, ~0)[:bits]),
            ends.eq(before_cut),
        ]
