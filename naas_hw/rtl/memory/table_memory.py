"""The memory of a table of bytes."""

from naas_hw.compiler.layout import L2_BITS
from naas_hw.rtl.memory.ports import WritePortSignature


def table_write_port(beat_bytes: int) -> WritePortSignature:
    """A port that writes words of a table, at addresses as wide as those of L2.

    Word n has the entries from n * beat_bytes on.
    """
    return WritePortSignature(address_bits=L2_BITS, data_bits=8 * beat_bytes)
