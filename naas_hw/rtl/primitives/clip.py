"""The part of a tile that exists."""

from dataclasses import dataclass

from amaranth.hdl import Module, Mux, Signal, Value, signed

from naas_hw.compiler.layout import COORDINATE_BITS


@dataclass(frozen=True)
class Clip:
    """Registered: what of [start, start + extent) lies in [0, limit)."""

    skipped: Signal  # indices before 0
    count: Signal
    empty: Signal


def clip(m: Module, start: Value, extent: Value, limit: Value, name: str) -> Clip:
    """Clip a range; the result is there one cycle later."""
    begin = Signal(signed(COORDINATE_BITS + 1), name=f"{name}_begin")
    end = Signal(signed(COORDINATE_BITS + 1), name=f"{name}_end")
    room = Signal(signed(COORDINATE_BITS + 1), name=f"{name}_room")
    found = Clip(
        Signal(8, name=f"{name}_skipped", reset_less=True),
        Signal(16, name=f"{name}_count", reset_less=True),
        Signal(1, name=f"{name}_empty"),
    )
    m.d.comb += [
        begin.eq(Mux(start < 0, -start, 0)),
        room.eq(limit - start),
        end.eq(Mux(extent < room, extent, room)),
    ]
    m.d.sync += [
        found.skipped.eq(begin),
        found.count.eq(end - begin),
        found.empty.eq(end <= begin),
    ]
    return found
