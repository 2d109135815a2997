"""A serial port of this machine, by what Python itself has (`termios`): no package is needed."""

import os
import re
import select
import termios
import tty
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from naas_hw.core.errors import InputError

BAUDS: Final[dict[int, int]] = {
    baud: getattr(termios, f"B{baud}")
    for baud in sorted(int(name[1:]) for name in dir(termios) if re.fullmatch(r"B\d+", name))
    if baud
}
"""Bits a second that the system knows -> what it calls them."""
SECONDS_TO_ANSWER: Final = 2.0
_CHUNK: Final = 4096
_SPEEDS: Final = (4, 5)
"""Where the speeds of both directions stand among a terminal's attributes."""


class SerialPort:
    """A serial port, opened raw; a context manager that closes it.

    Parameters
    ----------
    path : such as /dev/ttyUSB0.
    baud : bits a second, one of BAUDS.

    Raises
    ------
    InputError : there is no such port, or no such speed.
    """

    def __init__(self, path: str | Path, *, baud: int) -> None:
        if baud not in BAUDS:
            raise InputError(f"baud must be one of {', '.join(map(str, BAUDS))}, not {baud}")
        try:
            self._handle = os.open(path, os.O_RDWR | os.O_NOCTTY | os.O_CLOEXEC)
        except OSError as error:
            reason = (error.strerror or str(error)).lower()
            raise InputError(f"{path} must be a serial port: {reason}") from error
        try:
            tty.setraw(self._handle)
            attributes = termios.tcgetattr(self._handle)
            for place in _SPEEDS:
                attributes[place] = BAUDS[baud]
            termios.tcsetattr(self._handle, termios.TCSANOW, attributes)
        except termios.error as error:
            os.close(self._handle)
            raise InputError(f"{path} must be a serial port: {error.args[-1]}") from error

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        os.close(self._handle)

    def send(self, data: bytes) -> None:
        """Send all of the bytes."""
        view = memoryview(data)
        while view:
            view = view[os.write(self._handle, view[:_CHUNK]) :]

    def receive(self, count: int) -> bytes:
        """So many bytes, or fewer where none comes for `SECONDS_TO_ANSWER`."""
        data = bytearray()
        while len(data) < count:
            ready, _, _ = select.select([self._handle], [], [], SECONDS_TO_ANSWER)
            if not ready:
                break
            data += os.read(self._handle, count - len(data))
        return bytes(data)

    def send_break(self) -> None:
        """Hold the line low for longer than a byte takes, and forget what has come."""
        termios.tcsendbreak(self._handle, 0)
        termios.tcflush(self._handle, termios.TCIFLUSH)
