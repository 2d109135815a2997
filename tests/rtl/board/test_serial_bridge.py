# amaranth: UnusedElaboratable=no
"""Commands of a host reach memory and registers, and every command has its answer."""

from collections.abc import Iterable
from typing import Any

import pytest
from kit import simulate

from naas_hw.rtl.board.serial_bridge import SerialBridge
from naas_hw.rtl.board.serial_line import REGISTERS

DIVISOR = 4
SIZE = 4096
MISSING = 0x40
"""A register that is answered with an error."""


def command(kind: str, address: int, words: Iterable[int] = (), *, count: int = 0) -> bytes:
    data = b"".join(word.to_bytes(4, "little") for word in words)
    number = count or len(data) // 4
    return kind.encode() + bytes([number - 1]) + address.to_bytes(4, "little") + data


async def sampled(ctx: Any, condition: Any, *values: Any) -> list[int]:
    """The values in the first cycle in which the condition holds; may be left at any time."""
    while True:
        _, _, holds, *found = await ctx.tick().sample(condition, *values)
        if holds:
            return list(found)


class Host:
    """The other end of the line, and what is behind the bridge."""

    def __init__(self) -> None:
        self.dut = SerialBridge(divisor=DIVISOR, size_bytes=SIZE)
        self.memory = {word: 0x0101_0101 * (word & 0xFF) for word in range(SIZE // 4)}
        self.registers = {offset: 0xABCD_0000 + offset for offset in range(0, 0x40, 4)}

    async def send(self, ctx: Any, data: bytes) -> None:
        for byte in data:
            await self.send_bits(ctx, [0, *(byte >> bit & 1 for bit in range(8)), 1])

    async def send_bits(self, ctx: Any, bits: list[int]) -> None:
        for bit in bits:
            ctx.set(self.dut.rx, bit)
            await ctx.tick().repeat(DIVISOR)

    async def receive(self, ctx: Any, count: int) -> bytes:
        data = bytearray()
        for _ in range(count):
            while ctx.get(self.dut.tx):
                await ctx.tick()
            await ctx.tick().repeat(DIVISOR // 2)
            byte = 0
            for bit in range(8):
                await ctx.tick().repeat(DIVISOR)
                byte |= ctx.get(self.dut.tx) << bit
            await ctx.tick().repeat(DIVISOR)
            data.append(byte)
        return bytes(data)

    async def answer_memory(self, ctx: Any) -> None:
        """Takes two cycles for each word."""
        host = self.dut.host
        while True:
            await sampled(ctx, host.valid)
            ctx.set(host.ready, 1)
            _, _, write, word, data = await ctx.tick().sample(host.write, host.address, host.data)
            ctx.set(host.ready, 0)
            if write:
                self.memory[word] = data
                continue
            await ctx.tick()
            ctx.set(host.read_data, self.memory[word])
            ctx.set(host.read_valid, 1)
            await ctx.tick()
            ctx.set(host.read_valid, 0)

    async def answer_writes(self, ctx: Any) -> None:
        """Takes the data of a write first, and the address later."""
        bus = self.dut.m_axil
        while True:
            ctx.set(bus.w.ready, 1)
            (data,) = await sampled(ctx, bus.w.valid, bus.w.data)
            ctx.set(bus.w.ready, 0)
            await ctx.tick().repeat(2)
            ctx.set(bus.aw.ready, 1)
            (address,) = await sampled(ctx, bus.aw.valid, bus.aw.addr)
            ctx.set(bus.aw.ready, 0)
            self.registers[address] = data
            ctx.set(bus.b.resp, 2 if address == MISSING else 0)
            ctx.set(bus.b.valid, 1)
            await sampled(ctx, bus.b.ready)
            ctx.set(bus.b.valid, 0)

    async def answer_reads(self, ctx: Any) -> None:
        bus = self.dut.m_axil
        ctx.set(bus.ar.ready, 1)
        while True:
            (address,) = await sampled(ctx, bus.ar.valid, bus.ar.addr)
            await ctx.tick()
            ctx.set(bus.r.data, self.registers.get(address, 0))
            ctx.set(bus.r.resp, 2 if address == MISSING else 0)
            ctx.set(bus.r.valid, 1)
            await sampled(ctx, bus.r.ready)
            ctx.set(bus.r.valid, 0)

    def run(self, exchanges: list[tuple[bytes, int]]) -> list[bytes]:
        """The answers to commands, each of so many bytes."""
        answers: list[bytes] = []

        async def bench(ctx: Any) -> None:
            ctx.set(self.dut.rx, 1)
            await ctx.tick().repeat(20)
            for sent, count in exchanges:
                if sent:
                    await self.send(ctx, sent)
                else:
                    await self.send_bits(ctx, [0] * 12 + [1] * 2)
                answers.append(await self.receive(ctx, count))

        others = [self.answer_memory, self.answer_writes, self.answer_reads]
        simulate(self.dut, bench, background=others)
        return answers


def test_words_are_written_and_read_in_memory() -> None:
    host = Host()
    words = [0x1234_5678, 0x9ABC_DEF0]
    answers = host.run([(command("W", 0x100, words), 1), (command("R", 0xFC, count=4), 17)])
    wanted = [0x3F3F_3F3F, *words, 0x4242_4242]
    assert answers == [b"K", b"".join(w.to_bytes(4, "little") for w in wanted) + b"K"]
    assert host.memory[0x40] == words[0] and host.memory[0x41] == words[1]


def test_registers_are_written_and_read() -> None:
    host = Host()
    answers = host.run(
        [(command("W", REGISTERS + 0x20, [5, 6]), 1), (command("R", REGISTERS + 0x1C, count=2), 9)]
    )
    assert answers == [b"K", b"\x1c\x00\xcd\xab\x05\x00\x00\x00K"]
    assert host.registers[0x24] == 6


@pytest.mark.parametrize(
    ("sent", "count", "answer"),
    [
        (command("W", SIZE, [1]), 1, b"E"),
        (command("R", SIZE - 4, count=2), 9, b"\xff\xff\xff\xff\0\0\0\0E"),
        (command("R", REGISTERS + MISSING, count=1), 5, b"\0\0\0\0E"),
        (command("W", REGISTERS + MISSING, [1]), 1, b"E"),
        (b"x", 1, b"?"),
    ],
)
def test_what_cannot_be_done_is_told_and_the_next_command_works(
    sent: bytes, count: int, answer: bytes
) -> None:
    answers = Host().run([(sent, count), (command("R", 4, count=1), 5)])
    assert answers == [answer, b"\x01\x01\x01\x01K"]


@pytest.mark.parametrize("length", [1, 2, 4, 7, 9])
def test_a_break_ends_a_command_in_its_midst(length: int) -> None:
    begun = command("W", 0, [7, 8])[:length]
    host = Host()
    assert host.run([(begun, 0), (b"", 0), (command("R", 8, count=1), 5)])[2] == b"\2\2\2\2K"
    assert host.memory[1] == 0x0101_0101


def test_a_divisor_out_of_range_is_refused() -> None:
    with pytest.raises(ValueError, match="divisor must be 4 to 65536, not 2"):
        SerialBridge(divisor=2, size_bytes=SIZE)
