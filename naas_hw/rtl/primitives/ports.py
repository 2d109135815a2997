"""The ports of a memory, as interfaces.

All are seen from the side that asks: an engine has them as `Out`, a memory as `In`.
"""

from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out


class ReadPortSignature(wiring.Signature):
    """Synchronous reads: an address in one cycle, its word in the next.

    The word stays until the cycle after the next enabled read.

    Parameters
    ----------
    address_bits : bits of an address, at least 1.
    data_bits : bits of a word, at least 1.

    Members
    -------
    enable : Out, 1 bit; the word at `address` is read in this cycle.
    address : Out, address_bits.
    data : In, data_bits; one cycle after `enable`.

    Raises
    ------
    ValueError : a parameter that is out of its range.
    """

    def __init__(self, *, address_bits: int, data_bits: int) -> None:
        _check_bits(address_bits, data_bits)
        super().__init__(
            {"enable": Out(1), "address": Out(address_bits), "data": In(data_bits)},
        )

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ReadPortSignature) and self.members == other.members

    def __repr__(self) -> str:
        widths = {name: member.shape for name, member in self.members.items()}
        return f"ReadPortSignature(address_bits={widths['address']}, data_bits={widths['data']})"


class WritePortSignature(wiring.Signature):
    """Synchronous writes: a word changes at the end of the cycle in which it is enabled.

    Parameters
    ----------
    address_bits : bits of an address, at least 1.
    data_bits : bits of a word, at least 1.
    granularity : bits that one bit of `enable` writes; divides data_bits; default: all of them.

    Members
    -------
    enable : Out, data_bits / granularity bits, the lowest granule first.
    address : Out, address_bits.
    data : Out, data_bits.

    Raises
    ------
    ValueError : a parameter that is out of its range.
    """

    def __init__(
        self, *, address_bits: int, data_bits: int, granularity: int | None = None
    ) -> None:
        granule = _checked_granule(address_bits, data_bits, granularity)
        super().__init__(
            {
                "enable": Out(data_bits // granule),
                "address": Out(address_bits),
                "data": Out(data_bits),
            }
        )

    def __eq__(self, other: object) -> bool:
        return isinstance(other, WritePortSignature) and self.members == other.members

    def __repr__(self) -> str:
        widths = {name: member.shape for name, member in self.members.items()}
        return (
            f"WritePortSignature(address_bits={widths['address']}, data_bits={widths['data']}, "
            f"granularity={widths['data'] // widths['enable']})"
        )


class AccessPortSignature(wiring.Signature):
    """Reads and writes at one address: in a cycle one of them, or none.

    Parameters
    ----------
    address_bits : bits of an address, at least 1.
    data_bits : bits of a word, at least 1.
    granularity : bits that one bit of `granules` writes; divides data_bits; default: all of them.

    Members
    -------
    read : Out, 1 bit; the word at `address` is read in this cycle.
    write : Out, 1 bit; the word at `address` changes at the end of this cycle.
    granules : Out, data_bits / granularity bits; what of the word a write changes, the lowest
        granule first.
    address : Out, address_bits.
    written : Out, data_bits.
    word : In, data_bits; what was read, some cycles later.

    Raises
    ------
    ValueError : a parameter that is out of its range.
    """

    def __init__(
        self, *, address_bits: int, data_bits: int, granularity: int | None = None
    ) -> None:
        granule = _checked_granule(address_bits, data_bits, granularity)
        super().__init__(
            {
                "read": Out(1),
                "write": Out(1),
                "granules": Out(data_bits // granule),
                "address": Out(address_bits),
                "written": Out(data_bits),
                "word": In(data_bits),
            }
        )

    def __eq__(self, other: object) -> bool:
        return isinstance(other, AccessPortSignature) and self.members == other.members

    def __repr__(self) -> str:
        widths = {name: member.shape for name, member in self.members.items()}
        return (
            f"AccessPortSignature(address_bits={widths['address']}, data_bits={widths['word']}, "
            f"granularity={widths['word'] // widths['granules']})"
        )


def _checked_granule(address_bits: int, data_bits: int, granularity: int | None) -> int:
    """Bits of a granule; raises ValueError where a parameter is out of its range."""
    _check_bits(address_bits, data_bits)
    granule = data_bits if granularity is None else granularity
    if granule < 1 or data_bits % granule:
        raise ValueError(f"granularity must divide the width {data_bits}, not {granule}")
    return granule


def _check_bits(address_bits: int, data_bits: int) -> None:
    if address_bits < 1:
        raise ValueError(f"address_bits must be at least 1, not {address_bits}")
    if data_bits < 1:
        raise ValueError(f"data_bits must be at least 1, not {data_bits}")
