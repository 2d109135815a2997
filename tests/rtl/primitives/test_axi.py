"""The signatures of AXI have the channels of the standard; the names of ports as well."""

from typing import Any

import pytest
from amaranth.lib.wiring import In

from naas_hw.rtl.primitives.axi import (
    Axi4Signature,
    AxiLiteSignature,
    DramReadSignature,
    DramWriteSignature,
    axi_port_name,
)

SIGNATURES: tuple[Any, ...] = (
    lambda size: Axi4Signature(data_bytes=size),
    lambda size: DramReadSignature(beat_bytes=size),
    lambda size: DramWriteSignature(beat_bytes=size),
)


def ports(signature: Any) -> dict[str, tuple[str, int]]:
    """Name as in the standard -> (who drives it, width)."""
    return {
        axi_port_name(["", *map(str, path)])[1:]: (
            "subordinate" if member.flow == In else "manager",
            len(value),
        )
        for path, member, value in signature.flatten(signature.create())
    }


@pytest.mark.parametrize("data_bytes", [4, 32])
def test_axi4_has_the_signals_of_the_standard(data_bytes: int) -> None:
    address = {"id": 1, "addr": 64, "len": 8, "size": 3, "burst": 2, "lock": 1, "cache": 4}
    expected: dict[str, tuple[str, int]] = {}
    for channel in ("aw", "ar"):
        for name, width in (address | {"prot": 3, "valid": 1}).items():
            expected[channel + name] = ("manager", width)
        expected[channel + "ready"] = ("subordinate", 1)
    bits = 8 * data_bytes
    for name, width in {"data": bits, "strb": data_bytes, "last": 1, "valid": 1}.items():
        expected["w" + name] = ("manager", width)
    for name, width in {"id": 1, "resp": 2, "valid": 1}.items():
        expected["b" + name] = ("subordinate", width)
    for name, width in {"id": 1, "data": bits, "resp": 2, "last": 1, "valid": 1}.items():
        expected["r" + name] = ("subordinate", width)
    expected |= {"wready": ("subordinate", 1), "bready": ("manager", 1), "rready": ("manager", 1)}
    assert ports(Axi4Signature(data_bytes=data_bytes)) == expected


def test_axi_lite_has_the_signals_of_the_standard() -> None:
    expected: dict[str, tuple[str, int]] = {}
    for channel in ("aw", "ar"):
        for name, width in {"addr": 12, "prot": 3, "valid": 1}.items():
            expected[channel + name] = ("manager", width)
        expected[channel + "ready"] = ("subordinate", 1)
    for name, width in {"data": 32, "strb": 4, "valid": 1}.items():
        expected["w" + name] = ("manager", width)
    for name, width in {"bresp": 2, "bvalid": 1, "rdata": 32, "rresp": 2, "rvalid": 1}.items():
        expected[name] = ("subordinate", width)
    expected |= {"wready": ("subordinate", 1), "bready": ("manager", 1), "rready": ("manager", 1)}
    assert ports(AxiLiteSignature(address_bits=12)) == expected


@pytest.mark.parametrize("make", SIGNATURES)
def test_signatures_are_equal_where_their_members_are(make: Any) -> None:
    assert make(8) == make(8)
    assert make(8) != make(16)
    assert [one(8) == make(8) for one in SIGNATURES].count(True) == 1
    assert type(make(8)).__name__ in repr(make(8))


@pytest.mark.parametrize("make", SIGNATURES)
@pytest.mark.parametrize("size", [0, 3, -4])
def test_init_wrong_bytes(make: Any, size: int) -> None:
    with pytest.raises(
        ValueError, match=rf"^(data|beat)_bytes must be a power of two, not {size}$"
    ):
        make(size)


def test_init_wrong_axi_lite() -> None:
    with pytest.raises(ValueError, match=r"^address_bits must be at least 1, not 0$"):
        AxiLiteSignature(address_bits=0)
    with pytest.raises(ValueError, match=r"^data_bytes must be 4 or 8, not 2$"):
        AxiLiteSignature(address_bits=12, data_bytes=2)
