"""Two ports of a host are the same interface."""

from naas_hw.rtl.board.host_port import HostPortSignature


def test_it_is_equal_to_another_and_shows_its_name():
    assert HostPortSignature() == HostPortSignature() != 3
    assert repr(HostPortSignature()) == "HostPortSignature()"
