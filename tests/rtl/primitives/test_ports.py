# amaranth: UnusedElaboratable=no
"""Ports of memories: what they refuse, and that either end joins the other."""

from typing import Any

import pytest
from amaranth.hdl import Module
from amaranth.lib.wiring import connect, flipped

from naas_hw.rtl.primitives.ports import (
    AccessPortSignature,
    ReadPortSignature,
    WritePortSignature,
)


def test_a_port_is_joined_to_its_other_end() -> None:
    signatures = (
        ReadPortSignature(address_bits=3, data_bits=8),
        WritePortSignature(address_bits=3, data_bits=8, granularity=4),
        AccessPortSignature(address_bits=3, data_bits=8, granularity=4),
    )
    for signature in signatures:
        connect(Module(), signature.create(), flipped(signature.create()))


@pytest.mark.parametrize(("granularity", "bits"), [(None, 1), (32, 1), (8, 4), (1, 32)])
def test_a_granule_has_an_enable(granularity: int | None, bits: int) -> None:
    signature = WritePortSignature(address_bits=3, data_bits=32, granularity=granularity)
    assert signature.members["enable"].shape == bits
    access = AccessPortSignature(address_bits=3, data_bits=32, granularity=granularity)
    assert access.members["granules"].shape == bits


def test_equal_widths_are_equal_signatures() -> None:
    read = ReadPortSignature(address_bits=3, data_bits=32)
    write = WritePortSignature(address_bits=3, data_bits=32)
    assert read == ReadPortSignature(address_bits=3, data_bits=32)
    assert read != ReadPortSignature(address_bits=4, data_bits=32)
    assert write == WritePortSignature(address_bits=3, data_bits=32, granularity=32)
    assert write != WritePortSignature(address_bits=3, data_bits=32, granularity=8)
    assert read != write
    access = AccessPortSignature(address_bits=3, data_bits=32)
    assert access == AccessPortSignature(address_bits=3, data_bits=32, granularity=32)
    assert access != AccessPortSignature(address_bits=3, data_bits=32, granularity=8)
    assert access != write


@pytest.mark.parametrize("kind", [ReadPortSignature, WritePortSignature, AccessPortSignature])
@pytest.mark.parametrize(
    ("widths", "message"),
    [
        ({"address_bits": 0, "data_bits": 8}, "address_bits must be at least 1, not 0"),
        ({"address_bits": 3, "data_bits": 0}, "data_bits must be at least 1, not 0"),
    ],
)
def test_init_wrong_width(kind: Any, widths: dict[str, int], message: str) -> None:
    with pytest.raises(ValueError, match=f"^{message}$"):
        kind(**widths)


@pytest.mark.parametrize("kind", [WritePortSignature, AccessPortSignature])
def test_init_wrong_granularity(kind: Any) -> None:
    with pytest.raises(ValueError, match="^granularity must divide the width 8, not 3$"):
        kind(address_bits=3, data_bits=8, granularity=3)
