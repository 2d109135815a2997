"""The kit finds a stream that breaks its rules, and passes one that keeps them."""

from typing import Any

import pytest
from amaranth.hdl import Module
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out
from kit import STALLS, receiver, sender, simulate


class Register(wiring.Component):
    """A stage of a stream."""

    def __init__(self) -> None:
        super().__init__({"i": In(stream.Signature(8)), "o": Out(stream.Signature(8))})

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        m.d.comb += self.i.ready.eq(~self.o.valid | self.o.ready)
        with m.If(self.i.ready):
            m.d.sync += [self.o.valid.eq(self.i.valid), self.o.payload.eq(self.i.payload)]
        return m


class Impatient(wiring.Component):
    """A source that offers another payload in each cycle, taken or not."""

    def __init__(self) -> None:
        super().__init__({"o": Out(stream.Signature(8))})

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        m.d.comb += self.o.valid.eq(1)
        m.d.sync += self.o.payload.eq(self.o.payload + 1)
        return m


@pytest.mark.parametrize("stalls_before", STALLS)
@pytest.mark.parametrize("stalls_behind", STALLS)
def test_what_is_sent_is_received(stalls_before, stalls_behind):
    dut = Register()
    received: list[int] = []
    simulate(
        dut,
        sender(dut.i, range(40), STALLS[stalls_before]()),
        receiver(dut.o, received, 40, STALLS[stalls_behind]()),
    )
    assert received == list(range(40))


def test_a_payload_that_changes_before_it_is_taken_is_found():
    dut = Impatient()
    with pytest.raises(AssertionError, match="must stay until it is taken"):
        simulate(dut, receiver(dut.o, [], 40, STALLS["mostly"]()))
