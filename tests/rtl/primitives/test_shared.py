# amaranth: UnusedElaboratable=no
"""Shared components: built in place, or handed to a platform that shares."""

from typing import Any

from amaranth.hdl import Fragment, Instance, Module
from amaranth.lib.wiring import In, Out
from amaranth.sim import Simulator

from naas_hw.rtl.primitives.shared import SharedComponent


class Inverter(SharedComponent):
    def __init__(self, *, width: int) -> None:
        self.width = width
        super().__init__({"i": In(width), "o": Out(width)})

    @property
    def parameters(self) -> tuple[int]:
        return (self.width,)

    def build(self, platform: Any) -> Module:
        m = Module()
        m.d.comb += self.o.eq(~self.i)
        return m


def test_without_a_platform_it_is_built_in_place() -> None:
    dut = Inverter(width=4)

    async def bench(ctx: Any) -> None:
        ctx.set(dut.i, 0b0101)
        assert ctx.get(dut.o) == 0b1010

    simulator = Simulator(dut)
    simulator.add_testbench(bench)
    simulator.run()


def test_a_platform_that_shares_decides_what_it_becomes() -> None:
    given = []

    class Platform:
        def get_shared(self, component: SharedComponent) -> Instance:
            given.append(component)
            return Instance("one_definition")

    dut = Inverter(width=4)
    fragment = Fragment.get(dut, Platform())
    assert given == [dut]
    assert isinstance(fragment, Instance) and fragment.type == "one_definition"


def test_a_platform_that_does_not_share_gets_it_in_place() -> None:
    assert not isinstance(Fragment.get(Inverter(width=4), object()), Instance)
