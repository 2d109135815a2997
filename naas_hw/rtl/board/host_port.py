"""The port of a board's memory through which a host reads and writes it, word by word."""

from typing import Final

from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

WORD_BITS: Final = 32
HOST_ADDRESS_BITS: Final = 29
"""Of a word's number, so that a byte's address is below the registers."""


class HostPortSignature(wiring.Signature):
    """Reads and writes of single words, one at a time.

    Members
    -------
    valid : Out, 1 bit; a word is asked for, and stays so until `ready`.
    write : Out, 1 bit; it is written, and not read.
    address : Out, HOST_ADDRESS_BITS; its number.
    data : Out, WORD_BITS; what is written.
    ready : In, 1 bit; the write happens in this cycle, or the read begins.
    read_valid : In, 1 bit, strobe; what was read last is in `read_data`.
    read_data : In, WORD_BITS.
    """

    def __init__(self) -> None:
        super().__init__(
            {
                "valid": Out(1),
                "write": Out(1),
                "address": Out(HOST_ADDRESS_BITS),
                "data": Out(WORD_BITS),
                "ready": In(1),
                "read_valid": In(1),
                "read_data": In(WORD_BITS),
            }
        )

    def __eq__(self, other: object) -> bool:
        return isinstance(other, HostPortSignature)

    def __repr__(self) -> str:
        return "HostPortSignature()"
