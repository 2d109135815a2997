"""The watchdog: tells that a layer takes longer than software allowed."""

from collections.abc import Hashable
from typing import Any

from amaranth.hdl import Cat, Const, Module, Signal
from amaranth.lib.wiring import In, Out

from naas_hw.arch import timing
from naas_hw.rtl.primitives.shared import SharedComponent

UNIT_BITS = (timing.WATCHDOG_UNIT - 1).bit_length()


class Watchdog(SharedComponent):
    """Counts down from its limit and stays expired until it is restarted or idle.

    A limit of zero never expires. Golden model: the formula of its latency.

    Parameters
    ----------
    None.

    Members
    -------
    limit : In, 32 bits, units of `timing.WATCHDOG_UNIT` cycles; taken at a restart.
    restart : In, 1 bit, strobe.
    busy : In, 1 bit; while it is low nothing is counted, and `expired` falls.
    expired : Out, 1 bit.

    Latency
    -------
    `expired` rises `limit * timing.WATCHDOG_UNIT + 3` cycles after the last restart, and falls one
    cycle after `busy` falls or a restart. After a reset it does not run.

    Raises
    ------
    Nothing.
    """

    def __init__(self) -> None:
        super().__init__(
            {"limit": In(32), "restart": In(1), "busy": In(1), "expired": Out(1)},
        )

    @property
    def parameters(self) -> tuple[Hashable, ...]:
        return ()

    def build(self, platform: Any) -> Module:
        m = Module()
        left = Signal(32 + UNIT_BITS + 1)  # holds the largest limit, and -1 when nothing is left
        armed = Signal()
        is_over = left[-1]
        with m.If(self.restart):
            m.d.sync += [left.eq(Cat(Const(0, UNIT_BITS), self.limit)), armed.eq(self.limit != 0)]
        with m.Elif(armed & ~is_over):
            m.d.sync += left.eq(left - 1)
        m.d.sync += self.expired.eq(self.busy & ~self.restart & (self.expired | (armed & is_over)))
        with m.If(~self.busy & ~self.restart):
            m.d.sync += armed.eq(0)
        return m
