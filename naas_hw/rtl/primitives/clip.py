"""The part of a tile that exists."""

from dataclasses import dataclass

from amaranth.hdl import Module, Mux, Signal, Value, signed

from naas_hw.compiler.fields import BOUND_BITS, COORDINATE_BITS

SKIPPED_BITS = 8


@dataclass(frozen=True)
class ClippedRange:
    """What of [start, start + extent) lies in [0, limit), but for a difference.

    Members
    -------
    skipped : indices before 0.
    end : indices before `limit`, those before 0 included; means nothing where there is none.
    is_behind : no index is before `limit`.
    """

    skipped: Signal
    end: Signal
    is_behind: Signal


def clip_range(
    m: Module, start: Value, extent: Value, limit: Value, name: str, *, bits: int
) -> ClippedRange:
    """Clip a range, a cycle later; its extent is steady and has no more than so many bits.

    At most 2 ** SKIPPED_BITS - 1 indices are before 0.
    """
    room = Signal(signed(COORDINATE_BITS + 1), name=f"{name}_room", reset_less=True)
    clipped = ClippedRange(
        Signal(SKIPPED_BITS, name=f"{name}_skipped", reset_less=True),
        Signal(bits, name=f"{name}_end"),
        Signal(1, name=f"{name}_is_behind"),
    )
    negated = (-start)[:SKIPPED_BITS]
    m.d.sync += [clipped.skipped.eq(Mux(start < 0, negated, 0)), room.eq(limit - start)]
    m.d.comb += [
        clipped.end.eq(Mux(extent < room, extent, room)),
        clipped.is_behind.eq(room < 0),
    ]
    return clipped


def count_clipped(
    m: Module, skipped: Value, end: Value, is_behind: Value, name: str
) -> tuple[Signal, Signal]:
    """Indices of a clipped range that exist, and whether there is none.

    Their number means nothing where there is none.
    """
    count = Signal(len(end), name=f"{name}_count")
    is_empty = Signal(name=f"no_{name}")
    m.d.comb += [
        count.eq(end - skipped),
        is_empty.eq(is_behind | (end <= skipped)),
    ]
    return count, is_empty


def clip_extent(
    m: Module, extent: Value, total: Value, start: Value, name: str, *, bits: int
) -> Signal:
    """How many of `extent` indices from `start` on are below `total`, a cycle later; `start` is.

    `bits` : of the extent, at most; it is steady.
    """
    room = Signal(BOUND_BITS, name=f"{name}_room", reset_less=True)
    m.d.sync += room.eq(total - start)
    count = Signal(bits, name=f"{name}_count")
    m.d.comb += count.eq(Mux(extent < room, extent, room))
    return count
