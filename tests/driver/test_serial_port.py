"""A serial port is opened raw: every byte goes through, in both directions."""

import os
import pty
from collections.abc import Iterator
from pathlib import Path

import pytest

from naas_hw.core.errors import InputError
from naas_hw.driver import serial_port
from naas_hw.driver.serial_port import SerialPort

ALL_BYTES = bytes(range(256))


@pytest.fixture
def ends() -> Iterator[tuple[int, str]]:
    """The other end of a pseudo terminal, and the name of this one."""
    ours, theirs = pty.openpty()
    yield ours, os.ttyname(theirs)
    os.close(ours)
    os.close(theirs)


def test_all_bytes_go_both_ways(ends: tuple[int, str]) -> None:
    other, name = ends
    with SerialPort(name, baud=115200) as port:
        port.send(ALL_BYTES)
        assert os.read(other, 1000) == ALL_BYTES
        os.write(other, ALL_BYTES)
        assert port.receive(256) == ALL_BYTES


def test_what_does_not_come_is_not_waited_for(
    ends: tuple[int, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(serial_port, "SECONDS_TO_ANSWER", 0.01)
    other, name = ends
    with SerialPort(name, baud=115200) as port:
        os.write(other, b"ab")
        assert port.receive(3) == b"ab"


def test_a_break_forgets_what_has_come(ends: tuple[int, str]) -> None:
    other, name = ends
    with SerialPort(name, baud=1000000) as port:
        os.write(other, b"old")
        port.send_break()
        os.write(other, b"new")
        assert port.receive(3) == b"new"


def test_a_file_is_no_port(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for name in ("file", "none"):
        with pytest.raises(InputError, match=f"{name} must be a serial port"):
            SerialPort(tmp_path / name, baud=115200)


def test_a_speed_that_does_not_exist_is_refused() -> None:
    with pytest.raises(InputError, match="baud must be one of 50, .*1000000.*, not 12345"):
        SerialPort("/dev/null", baud=12345)
