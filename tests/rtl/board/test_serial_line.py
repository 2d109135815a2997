"""A divisor is one that leaves a bit a middle."""

import pytest

from naas_hw.rtl.board.serial_line import Answer, SerialCommand, check_divisor


def test_no_command_is_an_answer():
    assert not set(map(int, SerialCommand)) & set(map(int, Answer))


def test_a_divisor_is_checked():
    assert check_divisor(4) == 4
    with pytest.raises(ValueError, match="divisor must be 4 to 65536, not 0"):
        check_divisor(0)
