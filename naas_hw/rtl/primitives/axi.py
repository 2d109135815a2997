"""AXI4 and AXI4-Lite as interfaces, and what engines have in place of AXI4.

All are seen from the manager: it has them as `Out`, a subordinate as `In`. A channel moves one
item in each cycle in which its `valid` and its `ready` are high.
"""

from collections.abc import Sequence
from enum import IntEnum
from typing import Final

from amaranth.lib import wiring
from amaranth.lib.wiring import In, Member, Out

from naas_hw.compiler.fields import DRAM_BITS

ADDRESS_BITS: Final = 64
LENGTH_BITS: Final = 8
INCREMENTING: Final = 0b01
"""AxBURST: each beat follows the one before it."""
CACHEABLE: Final = 0b0011
"""AxCACHE: normal memory that may be buffered, but is not cached."""


class Response(IntEnum):
    """AXI's RESP."""

    OKAY = 0b00
    SLVERR = 0b10


def axi_port_name(path: Sequence[str]) -> str:
    """Name of a port in Verilog, where signals of AXI have the names of the standard.

    >>> axi_port_name(["m_axi", "aw", "addr"])
    'm_axi_awaddr'
    >>> axi_port_name(["interrupt"])
    'interrupt'
    """
    bus, *signal = path
    return "_".join([bus, "".join(signal)]) if signal else bus


class _StructuralSignature(wiring.Signature):
    """A signature that is equal to those of its class with equal members."""

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and self.members == other.members

    def __repr__(self) -> str:
        return f"{type(self).__name__}({dict(self.members)!r})"


def _channel(members: dict[str, Member]) -> wiring.Signature:
    return wiring.Signature({**members, "valid": Out(1), "ready": In(1)})


def check_bytes(name: str, value: int) -> None:
    """Raises ValueError where a width in bytes is not a power of two."""
    if value < 1 or value & (value - 1):
        raise ValueError(f"{name} must be a power of two, not {value}")


class Axi4Signature(_StructuralSignature):
    """AXI4 with one ID: its five channels.

    Parameters
    ----------
    data_bytes : bytes of a beat, a power of two.

    Members
    -------
    aw, ar : Out, the address channels; each has id, addr, len, size, burst, lock, cache, prot.
    w : Out, the channel of write data: data, strb, last.
    b : In, the channel of write responses: id, resp.
    r : In, the channel of read data: id, data, resp, last.

    Raises
    ------
    ValueError : the width is not a power of two.
    """

    def __init__(self, *, data_bytes: int) -> None:
        check_bytes("data_bytes", data_bytes)
        self.data_bytes = data_bytes
        address = _channel(
            {
                "id": Out(1),
                "addr": Out(ADDRESS_BITS),
                "len": Out(LENGTH_BITS),
                "size": Out(3),
                "burst": Out(2),
                "lock": Out(1),
                "cache": Out(4),
                "prot": Out(3),
            }
        )
        bits = 8 * data_bytes
        write = _channel({"data": Out(bits), "strb": Out(data_bytes), "last": Out(1)})
        response = _channel({"id": Out(1), "resp": Out(2)})
        read = _channel({"id": Out(1), "data": Out(bits), "resp": Out(2), "last": Out(1)})
        super().__init__(
            {
                "aw": Out(address),
                "ar": Out(address),
                "w": Out(write),
                "b": In(response),
                "r": In(read),
            }
        )


class AxiLiteSignature(_StructuralSignature):
    """AXI4-Lite: its five channels.

    Parameters
    ----------
    address_bits : bits of an address, at least 1.
    data_bytes : bytes of a word, 4 or 8.

    Members
    -------
    aw, ar : Out, the address channels: addr, prot.
    w : Out, the channel of write data: data, strb.
    b : In, the channel of write responses: resp.
    r : In, the channel of read data: data, resp.

    Raises
    ------
    ValueError : a width that AXI4-Lite does not have.
    """

    def __init__(self, *, address_bits: int, data_bytes: int = 4) -> None:
        if address_bits < 1:
            raise ValueError(f"address_bits must be at least 1, not {address_bits}")
        if data_bytes not in (4, 8):
            raise ValueError(f"data_bytes must be 4 or 8, not {data_bytes}")
        address = _channel({"addr": Out(address_bits), "prot": Out(3)})
        super().__init__(
            {
                "aw": Out(address),
                "w": Out(_channel({"data": Out(8 * data_bytes), "strb": Out(data_bytes)})),
                "b": In(_channel({"resp": Out(2)})),
                "ar": Out(address),
                "r": In(_channel({"data": Out(8 * data_bytes), "resp": Out(2)})),
            }
        )


class DramReadSignature(_StructuralSignature):
    """Reads of one engine from DRAM: the part of AXI4 that the engine decides.

    Bursts go to a register before the bus, so an engine may withdraw one that was not taken.

    Parameters
    ----------
    beat_bytes : bytes of a beat, a power of two.

    Members
    -------
    ar : Out, the channel of bursts: address (of the first beat, counted in beats), length (beats
        that follow the first).
    r : In, the channel of beats: data, error.

    Raises
    ------
    ValueError : the width is not a power of two.
    """

    def __init__(self, *, beat_bytes: int) -> None:
        check_bytes("beat_bytes", beat_bytes)
        read = _channel({"data": Out(8 * beat_bytes), "error": Out(1)})
        super().__init__({"ar": Out(_burst_channel()), "r": In(read)})


class DramWriteSignature(_StructuralSignature):
    """Writes of one engine to DRAM: the part of AXI4 that the engine decides.

    Bursts go to a register before the bus, so an engine may withdraw one that was not taken.

    Parameters
    ----------
    beat_bytes : bytes of a beat, a power of two.

    Members
    -------
    aw : Out, the channel of bursts: address (of the first beat, counted in beats), length (beats
        that follow the first).
    w : Out, the channel of beats: data, strobe (one bit for all bytes), last.
    b : In, the channel of responses, one a burst.

    Raises
    ------
    ValueError : the width is not a power of two.
    """

    def __init__(self, *, beat_bytes: int) -> None:
        check_bytes("beat_bytes", beat_bytes)
        write = _channel({"data": Out(8 * beat_bytes), "strobe": Out(1), "last": Out(1)})
        super().__init__({"aw": Out(_burst_channel()), "w": Out(write), "b": In(_channel({}))})


def _burst_channel() -> wiring.Signature:
    return _channel({"address": Out(DRAM_BITS), "length": Out(LENGTH_BITS)})
