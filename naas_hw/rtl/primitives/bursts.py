"""Runs of beats become AXI bursts."""

from collections.abc import Hashable
from typing import Any

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib.wiring import In, Out

from naas_hw.compiler.layout import DRAM_BITS
from naas_hw.rtl.primitives.shared import SharedComponent

PAGE_BYTES = 4096
RUN_BEATS_BITS = 18


def burst_beats(beat_bytes: int) -> int:
    """Beats after which a burst is cut, at multiples of themselves: no burst crosses 4 KiB."""
    return min(256, PAGE_BYTES // beat_bytes)


class BurstSplitter(SharedComponent):
    """Cuts runs into INCR bursts, one burst a cycle, without a gap between runs.

    A run taken in cycle t has its first address on the channel in t + 2 if nothing waits.

    Parameters
    ----------
    beat_bytes : bytes of a beat.

    Members
    -------
    run_valid, run_address, run_beats, run_tag : In, a run in beats, and whether its last burst is
        to be marked; run_take : Out, it is taken now.
    valid, address, length : Out; ready : In. An AXI address channel; the address counts beats, the
        length is beats minus one. Once valid, all stay until ready. final : Out, it is the last
        burst of a tagged run.
    cancel : In, no further burst is cut from the run that is there; the one that is offered stays.
    busy : Out, a run is being cut or an address waits.
    """

    def __init__(self, *, beat_bytes: int) -> None:
        self.beat_bytes = beat_bytes
        super().__init__(
            {
                "run_valid": In(1),
                "run_address": In(DRAM_BITS),
                "run_beats": In(RUN_BEATS_BITS),
                "run_tag": In(1),
                "run_take": Out(1),
                "valid": Out(1),
                "ready": In(1),
                "address": Out(DRAM_BITS),
                "length": Out(8),
                "final": Out(1),
                "cancel": In(1),
                "busy": Out(1),
            }
        )

    @property
    def parameters(self) -> tuple[Hashable, ...]:
        return (self.beat_bytes,)

    def build(self, platform: Any) -> Module:
        m = Module()
        limit = burst_beats(self.beat_bytes)
        held = Signal()
        tag = Signal()
        put = Signal()
        address = Signal(DRAM_BITS, reset_less=True)
        beats = Signal(RUN_BEATS_BITS, reset_less=True)
        room = Signal(range(limit + 1))  # beats to the next cut
        is_last = Signal()  # beats <= room; a register, so nothing waits for the comparison
        burst = Signal(range(limit + 1))
        rest = Signal(RUN_BEATS_BITS)
        m.d.comb += [
            burst.eq(Mux(is_last, beats, room)),
            rest.eq(beats - room),
            self.busy.eq(held | self.valid),
            put.eq(held & (~self.valid | self.ready) & ~self.cancel),
            self.run_take.eq(self.run_valid & (~held | (put & is_last)) & ~self.cancel),
        ]
        with m.If(put):
            m.d.sync += [
                self.valid.eq(1),
                self.address.eq(address),
                self.length.eq(burst - 1),
                self.final.eq(is_last & tag),
            ]
        with m.Elif(self.ready):
            m.d.sync += self.valid.eq(0)
        first_room = Signal(range(limit + 1))
        m.d.comb += first_room.eq(limit - self.run_address[: (limit - 1).bit_length()])
        with m.If(self.run_take):
            m.d.sync += [
                held.eq(1),
                tag.eq(self.run_tag),
                address.eq(self.run_address),
                beats.eq(self.run_beats),
                room.eq(first_room),
                is_last.eq(self.run_beats <= first_room),
            ]
        with m.Elif(put):
            m.d.sync += [
                held.eq(~is_last),
                address.eq(address + room),
                beats.eq(rest),
                room.eq(limit),
                is_last.eq(rest <= limit),
            ]
        with m.If(self.cancel):
            m.d.sync += held.eq(0)
        return m
