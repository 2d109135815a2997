"""The kit finds a stream that breaks its rules, and passes one that keeps them."""

from typing import Any

import pytest
from amaranth.hdl import Module
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out
from kit import STALLS, ReadMemory, receiver, sender, simulate

from naas_hw.rtl.primitives.ports import ReadPortSignature


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


class Reads(wiring.Component):
    """Asks for a word where it is told to."""

    def __init__(self) -> None:
        port = ReadPortSignature(address_bits=2, data_bits=16)
        super().__init__({"enable": In(1), "address": In(2), "read": Out(port)})

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        m.d.comb += [self.read.enable.eq(self.enable), self.read.address.eq(self.address)]
        return m


@pytest.mark.parametrize("latency", [1, 2])
def test_a_memory_gives_a_word_some_cycles_later_and_keeps_it(latency: int) -> None:
    dut = Reads()
    memory = ReadMemory(dut.read, bytes([1, 0, 2, 0, 3, 0, 4, 0]), latency=latency)
    words: list[int] = []

    async def bench(ctx: Any) -> None:
        for enable, address in ((1, 2), (0, 1), (1, 0), (1, 3)):
            ctx.set(dut.enable, enable)
            ctx.set(dut.address, address)
            await memory.tick(ctx)
            words.append(ctx.get(dut.read.data))

    simulate(dut, bench)
    assert words == [0] * (latency - 1) + [3, 3, 1, 4][: 5 - latency]
    assert memory.reads == 3
