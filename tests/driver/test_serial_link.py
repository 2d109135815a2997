"""What a host writes over a serial line is in the board's memory, and what is wrong is told."""

import numpy as np
import pytest
from driver_programs import DIGEST, program_of

from naas_hw.core.errors import InputError
from naas_hw.driver.program_file import VERSIONS, program_file_of
from naas_hw.driver.serial_link import SerialLink, open_board
from naas_hw.driver.status import DeviceError
from naas_hw.graph.random_graph import random_graph
from naas_hw.rtl.board.serial_line import REGISTERS, Answer, SerialCommand
from naas_hw.rtl.control.register_map import IDENTITY
from naas_hw.sim.registers import REGISTERS as OFFSETS

SIZE = 1 << 17


class Board:
    """A line with a board at its other end, in Python; `damage` is added to one byte on its way."""

    def __init__(self, *, damage: int | None = None, is_silent: bool = False) -> None:
        self.memory = bytearray(b"\xee" * SIZE)
        self.registers = {
            OFFSETS["identity"]: IDENTITY,
            OFFSETS["versions"]: VERSIONS,
            OFFSETS["digest_low"]: DIGEST & 0xFFFF_FFFF,
            OFFSETS["digest_high"]: DIGEST >> 32,
        }
        self.commands: list[tuple[SerialCommand, int, int]] = []
        self.breaks = 0
        self._damage, self._is_silent = damage, is_silent
        self._answers = bytearray()

    def send_break(self) -> None:
        self.breaks += 1
        self._answers.clear()

    def receive(self, count: int) -> bytes:
        answer, self._answers = bytes(self._answers[:count]), self._answers[count:]
        return b"" if self._is_silent else answer

    def send(self, data: bytes) -> None:
        command, count = SerialCommand(data[0]), data[1] + 1
        address = int.from_bytes(data[2:6], "little")
        self.commands.append((command, address, count))
        is_there = address & ~REGISTERS if address >= REGISTERS else address + 4 * count <= SIZE
        if command is SerialCommand.WRITE:
            self._write(address, data[6:], count)
        else:
            self._answers += self._read(address, count)
        self._answers.append(Answer.DONE if is_there is not False else Answer.ERROR)

    def _write(self, address: int, data: bytes, count: int) -> None:
        assert len(data) == 4 * count
        if address >= REGISTERS:
            self.registers[address - REGISTERS] = int.from_bytes(data, "little")
        elif address + len(data) <= SIZE:
            self.memory[address : address + len(data)] = data
            if self._damage is not None and address <= self._damage < address + len(data):
                self.memory[self._damage] ^= 1

    def _read(self, address: int, count: int) -> bytes:
        if address >= REGISTERS:
            return self.registers.get(address - REGISTERS, 0).to_bytes(4, "little")
        return bytes(self.memory[address : address + 4 * count]).ljust(4 * count, b"\0")


def test_long_reads_and_writes_are_commands_of_256_words() -> None:
    board = Board()
    link = SerialLink(board)
    data = np.random.default_rng(0).bytes(4 * 600)
    link.write(0x100, data)
    assert link.read(0x100, 600) == data and board.breaks == 1
    counts = [count for _, _, count in board.commands]
    addresses = [address for _, address, _ in board.commands]
    assert counts == 2 * [256, 256, 88]
    assert addresses == 2 * [0x100, 0x100 + 1024, 0x100 + 2048]


def test_a_register_has_its_offset_above_memory() -> None:
    board = Board()
    link = SerialLink(board)
    link.write_register(0x38, 0x89AB_CDEF)
    assert link.read_register(0x38) == 0x89AB_CDEF
    assert board.commands[0] == (SerialCommand.WRITE, REGISTERS + 0x38, 1)


def test_what_is_not_there_and_what_does_not_answer_is_told() -> None:
    with pytest.raises(DeviceError, match="the registers are not those of an accelerator"):
        SerialLink(Board()).read(SIZE, 1)
    silent = Board(is_silent=True)
    with pytest.raises(DeviceError, match="did not end within the limit"):
        SerialLink(silent).write(0, bytes(4))
    assert silent.breaks == 2


def test_parts_of_words_are_refused() -> None:
    with pytest.raises(ValueError, match="data must have whole words, not 5 bytes"):
        SerialLink(Board()).write(0, bytes(5))


def test_a_program_is_loaded_and_compared() -> None:
    file = program_file_of(program_of(random_graph(0)), digest=DIGEST)
    board = Board()
    open_board(file, SerialLink(board), memory_bytes=SIZE)
    assert bytes(board.memory[: file.constants.size]) == file.constants.tobytes()
    with pytest.raises(InputError, match="the serial line changed 1 of"):
        open_board(file, SerialLink(Board(damage=4)), memory_bytes=SIZE)
