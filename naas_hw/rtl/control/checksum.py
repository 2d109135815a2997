"""CRC-32 of beats that come one a cycle."""

from collections.abc import Callable, Hashable
from typing import Any, Final

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value
from amaranth.lib.wiring import In, Out

from naas_hw.rtl.primitives.shared import SharedComponent

CRC_BITS: Final = 32
POLYNOMIAL: Final = 0xEDB88320
"""CRC-32/ISO-HDLC, lowest bit first, as zlib and Ethernet have it."""
INITIAL: Final = (1 << CRC_BITS) - 1
RESIDUE: Final = 0xDEBB20E3
"""What the register holds after data and their checksum."""


def shifted(state: int, bits: int) -> int:
    """The register after so many zeros."""
    for _ in range(bits):
        state = state >> 1 ^ (POLYNOMIAL if state & 1 else 0)
    return state


class Checksum(SharedComponent):
    """Tells whether beats end with their checksum.

    The register's next value is linear in itself and in the beat. The part of the beat is a
    register of its own, so the loop has three levels of logic at any width. Golden model:
    `zlib.crc32`.

    Parameters
    ----------
    beat_bytes : bytes of a beat, at least 1.

    Members
    -------
    valid : In, 1 bit; a beat comes in this cycle.
    first : In, 1 bit, with `valid`; it is the first one.
    beat : In, 8 * beat_bytes; the lowest byte is the first.
    is_whole : Out, 1 bit; the last four bytes that came are the checksum of all before them.

    Latency
    -------
    `is_whole` counts a beat from the second cycle after it on. A beat may come in each cycle.

    Raises
    ------
    ValueError : there is no byte.
    """

    def __init__(self, *, beat_bytes: int) -> None:
        if beat_bytes < 1:
            raise ValueError(f"beat_bytes must be at least 1, not {beat_bytes}")
        self.beat_bytes = beat_bytes
        super().__init__(
            {"valid": In(1), "first": In(1), "beat": In(8 * beat_bytes), "is_whole": Out(1)}
        )

    @property
    def parameters(self) -> tuple[Hashable, ...]:
        return (self.beat_bytes,)

    def build(self, platform: Any) -> Module:
        m = Module()
        bits = 8 * self.beat_bytes
        part = Signal(CRC_BITS, reset_less=True)  # of the beat
        begins = Signal()
        goes_on = Signal()
        state = Signal(CRC_BITS)
        m.d.sync += [
            part.eq(_linear(self.beat, lambda bit: shifted(1, bits - bit))),
            begins.eq(self.valid & self.first),
            goes_on.eq(self.valid),
        ]
        following = _linear(state, lambda bit: shifted(1 << bit, bits))
        with m.If(goes_on):
            m.d.sync += state.eq(Mux(begins, shifted(INITIAL, bits), following) ^ part)
        m.d.comb += self.is_whole.eq(state == RESIDUE)
        return m


def _linear(value: Value, image: Callable[[int], int]) -> Value:
    """The sum, bit by bit, of the images of those bits of the value that are set."""
    images = [image(bit) for bit in range(len(value))]
    return Cat(
        Cat(value[bit] for bit, one in enumerate(images) if one >> i & 1).xor()
        if any(one >> i & 1 for one in images)
        else Const(0, 1)
        for i in range(CRC_BITS)
    )
