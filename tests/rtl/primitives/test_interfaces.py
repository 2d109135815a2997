# amaranth: UnusedElaboratable=no
"""A part of an interface consists of its signals and keeps their directions."""

from typing import Any

import pytest
from amaranth.hdl import Module
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out, connect, flipped
from kit import simulate

from naas_hw.rtl.primitives.interfaces import part_of

WIDE = wiring.Signature({"data": Out(8), "last": Out(1), "ready": In(1), "more": Out(3)})
NARROW = wiring.Signature({"data": Out(8), "last": Out(1), "ready": In(1)})


class Joint(wiring.Component):
    """Passes on what both have."""

    def __init__(self) -> None:
        super().__init__({"wide": In(WIDE), "narrow": Out(NARROW)})

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        connect(m, part_of(flipped(self.wide), *NARROW.members), flipped(self.narrow))
        return m


def test_a_part_consists_of_the_same_signals() -> None:
    interface = WIDE.create()
    part = part_of(interface, "data", "ready")
    assert part.data is interface.data and part.ready is interface.ready
    assert dict(part.signature.members) == {"data": Out(8), "ready": In(1)}
    turned = part_of(flipped(interface), "ready")
    assert turned.ready is interface.ready
    assert dict(turned.signature.members) == {"ready": Out(1)}


def test_a_part_is_connected_in_both_directions() -> None:
    dut = Joint()

    async def bench(ctx: Any) -> None:
        ctx.set(dut.wide.data, 99)
        ctx.set(dut.wide.last, 1)
        ctx.set(dut.narrow.ready, 1)
        assert (ctx.get(dut.narrow.data), ctx.get(dut.narrow.last)) == (99, 1)
        assert ctx.get(dut.wide.ready) == 1

    simulate(dut, bench)


def test_a_name_must_be_a_member() -> None:
    with pytest.raises(wiring.SignatureError, match="'address'"):
        part_of(WIDE.create(), "address")
