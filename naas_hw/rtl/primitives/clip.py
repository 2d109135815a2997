"""The part of a tile that exists."""

from dataclasses import dataclass

from amaranth.hdl import Module, Mux, Signal, Value, signed

from naas_hw.compiler.layout import BOUND_BITS, COORDINATE_BITS

SKIPPED_BITS = 8


@dataclass(frozen=True)
class ClippedRange:
    """What of [start, start + extent) lies in [0, limit).

    Members
    -------
    skipped : indices before 0.
    count : indices that exist; means nothing where there is none.
    empty : no index exists.
    """

    skipped: Signal
    count: Signal
    empty: Signal


def clip_range(
    m: Module, start: Value, extent: Value, limit: Value, name: str, *, bits: int
) -> ClippedRange:
    """Clip a range, without a register; its extent has no more than so many bits."""
    begin = Signal(signed(COORDINATE_BITS + 1), name=f"{name}_begin")
    end = Signal(signed(COORDINATE_BITS + 1), name=f"{name}_end")
    room = Signal(signed(COORDINATE_BITS + 1), name=f"{name}_room")
    clipped = ClippedRange(
        Signal(SKIPPED_BITS, name=f"{name}_skipped"),
        Signal(bits, name=f"{name}_count"),
        Signal(1, name=f"{name}_empty"),
    )
    m.d.comb += [
        begin.eq(Mux(start < 0, -start, 0)),
        room.eq(limit - start),
        end.eq(Mux(extent < room, extent, room)),
        clipped.skipped.eq(begin),
        clipped.count.eq(end - begin),
        clipped.empty.eq(end <= begin),
    ]
    return clipped


def clip_extent(
    m: Module, extent: Value, total: Value, start: Value, name: str, *, bits: int
) -> Signal:
    """How many of `extent` indices from `start` on are below `total`; `start` is.

    `bits` : of the extent, at most.
    """
    room = Signal(BOUND_BITS, name=f"{name}_room")
    m.d.comb += room.eq(total - start)
    count = Signal(bits, name=f"{name}_count")
    m.d.comb += count.eq(Mux(extent < room, extent, room))
    return count
