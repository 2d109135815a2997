"""Registers in a stream, which cut the paths of payload, valid and ready."""

from collections.abc import Hashable
from typing import Any

from amaranth.hdl import Module, Mux, ShapeLike, Signal
from amaranth.lib import stream
from amaranth.lib.wiring import In, Out

from naas_hw.rtl.primitives.shared import SharedComponent


class RegisterSlice(SharedComponent):
    """Passes a stream on, a payload a cycle, with registers at all of its outputs.

    A second register takes the payload that comes in the cycle in which the first is found to be
    kept. Golden model: a queue of two.

    Parameters
    ----------
    shape : of the payload.

    Members
    -------
    i : In, stream of `shape`.
    o : Out, stream of `shape`.

    Latency
    -------
    One cycle from `i` to `o` where `o` is free. Empty after reset.

    Raises
    ------
    Nothing.
    """

    def __init__(self, *, shape: ShapeLike) -> None:
        self.shape = shape
        super().__init__({"i": In(stream.Signature(shape)), "o": Out(stream.Signature(shape))})

    @property
    def parameters(self) -> tuple[Hashable, ...]:
        return (self.shape,)

    def build(self, platform: Any) -> Module:
        m = Module()
        keeps = Signal()  # the spare register holds a payload
        takes = Signal(init=1)  # it does not: a register of its own, since much hangs on the other
        moves = Signal()
        spare = Signal(self.shape, reset_less=True)
        payload = Signal(self.shape, reset_less=True)
        valid = Signal()
        m.d.comb += [
            self.i.ready.eq(takes),
            self.o.valid.eq(valid),
            self.o.payload.eq(payload),
            moves.eq(~valid | self.o.ready),
        ]
        with m.If(~keeps):
            m.d.sync += spare.eq(self.i.payload)
        with m.If(moves):
            m.d.sync += [
                valid.eq(keeps | self.i.valid),
                payload.eq(Mux(keeps, spare, self.i.payload)),
                keeps.eq(0),
                takes.eq(1),
            ]
        with m.Elif(self.i.valid):
            m.d.sync += [keeps.eq(1), takes.eq(0)]
        return m
