"""The host's end of the serial line of a board: registers and memory of its accelerator.

What goes over the line is what `naas_hw.rtl.board.serial_bridge` takes: a command is a byte, the
number of words less one, and the address of the first byte; of a write the words follow.
"""

from collections.abc import Iterator
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from naas_hw.core.errors import InputError
from naas_hw.driver.device import DeviceAccess, NetworkDevice
from naas_hw.driver.program_file import ProgramFile
from naas_hw.driver.status import DeviceError, Status
from naas_hw.rtl.board.serial_line import MAX_WORDS, REGISTERS, Answer, SerialCommand

WORD_BYTES: Final = 4
_PIECE_BYTES: Final = MAX_WORDS * WORD_BYTES


class SerialLine(Protocol):
    """Bytes to a board, and bytes from it."""

    def send(self, data: bytes) -> None:
        """Send all of the bytes."""

    def receive(self, count: int) -> bytes:
        """So many bytes, or fewer where no more come within the line's limit."""

    def send_break(self) -> None:
        """Hold the line low for longer than a byte takes, and forget what has come."""


class SerialLink:
    """Reads and writes words of a board.

    Parameters
    ----------
    line : to the board; a break brings the board to where it waits for a command.
    """

    def __init__(self, line: SerialLine) -> None:
        self._line = line
        line.send_break()

    def read(self, address: int, num_words: int) -> bytes:
        """So many words from an address on.

        Raises
        ------
        DeviceError : the board did not answer, or has nothing at an address.
        """
        pieces = []
        for first, count in _pieces(address, num_words):
            self._line.send(_head(SerialCommand.READ, first, count))
            answer = self._line.receive(count * WORD_BYTES + 1)
            self._check(answer[-1:], len(answer) == count * WORD_BYTES + 1)
            pieces.append(answer[:-1])
        return b"".join(pieces)

    def write(self, address: int, data: bytes) -> None:
        """Words from an address on.

        Raises
        ------
        DeviceError : the board did not answer, or has nothing at an address.
        """
        if len(data) % WORD_BYTES:
            raise ValueError(f"data must have whole words, not {len(data)} bytes")
        begin = address
        for first, count in _pieces(address, len(data) // WORD_BYTES):
            part = data[first - begin : first - begin + count * WORD_BYTES]
            self._line.send(_head(SerialCommand.WRITE, first, count) + part)
            answer = self._line.receive(1)
            self._check(answer, len(answer) == 1)

    def read_register(self, offset: int) -> int:
        """A register, by its offset."""
        return int.from_bytes(self.read(REGISTERS + offset, 1), "little")

    def write_register(self, offset: int, value: int) -> None:
        """Write a register, by its offset."""
        self.write(REGISTERS + offset, value.to_bytes(WORD_BYTES, "little"))

    def _check(self, answer: bytes, is_whole: bool) -> None:
        if not is_whole:
            self._line.send_break()
            raise DeviceError(Status.TIMEOUT)
        if answer != bytes([Answer.DONE]):
            raise DeviceError(Status.NO_ACCELERATOR)


def _head(command: SerialCommand, address: int, num_words: int) -> bytes:
    return bytes([command, num_words - 1]) + address.to_bytes(WORD_BYTES, "little")


def _pieces(address: int, num_words: int) -> Iterator[tuple[int, int]]:
    """(address, number of words) of each command."""
    for done in range(0, num_words, MAX_WORDS):
        yield address + done * WORD_BYTES, min(MAX_WORDS, num_words - done)


def open_board(
    program: ProgramFile | bytes, link: SerialLink, *, memory_bytes: int
) -> NetworkDevice:
    """A program on the board at a serial line, loaded.

    Parameters
    ----------
    memory_bytes : memory of the board.

    Raises
    ------
    InputError : the program is of another accelerator, or needs more memory.
    DeviceError : the board did not answer, or has no accelerator.
    """
    memory: NDArray[np.uint8] = np.zeros(memory_bytes, np.uint8)
    access = DeviceAccess(
        read32=link.read_register,
        write32=link.write_register,
        flush=lambda first, size: _flush(link, memory, first, size),
        invalidate=lambda first, size: _invalidate(link, memory, first, size),
    )
    device = NetworkDevice(program, memory, bus=0, access=access)
    device.load()
    _compare(link, device)
    return device


def _whole_words(first: int, size: int) -> tuple[int, int]:
    """The words that bytes are in: the first byte, and the one behind the last."""
    return first // WORD_BYTES * WORD_BYTES, -(-(first + size) // WORD_BYTES) * WORD_BYTES


def _flush(link: SerialLink, memory: NDArray[np.uint8], first: int, size: int) -> None:
    begin, end = _whole_words(first, size)
    link.write(begin, memory[begin:end].tobytes())


def _invalidate(link: SerialLink, memory: NDArray[np.uint8], first: int, size: int) -> None:
    begin, end = _whole_words(first, size)
    words = link.read(begin, (end - begin) // WORD_BYTES)
    memory[begin:end] = np.frombuffer(words, np.uint8)


def _compare(link: SerialLink, device: NetworkDevice) -> None:
    """Refuse to go on where the line has changed a byte of the program."""
    constants = device.program.constants
    _, end = _whole_words(0, constants.size)
    found = np.frombuffer(link.read(0, end // WORD_BYTES), np.uint8)[: constants.size]
    wrong = np.flatnonzero(found != constants)
    if wrong.size:
        raise InputError(
            f"the serial line changed {wrong.size} of {constants.size} bytes: lower its baud rate"
        )
