"""Runs inside a simulator: a host at the serial line of a board, with the driver that users have.

Reads `request.json`: `divisor` (cycles of a bit), `memory_bytes`, `program` (file; none: registers
and memory are only looked at), `inputs` (npz). Writes `outputs.npz` and `result.json`.
"""

import json
from pathlib import Path
from typing import Any

import cocotb
import numpy as np
from cocotb.clock import Clock
from cocotb.task import bridge, resume
from cocotb.triggers import ClockCycles, FallingEdge, Timer, with_timeout
from cocotb.utils import get_sim_time

from naas_hw.driver.serial_link import SerialLink, open_board
from naas_hw.sim.registers import REGISTERS as OFFSETS

PERIOD_NS = 10
BITS = 10


class SimulatedLine:
    """The host's end of the line: what a serial port does, in simulated time."""

    def __init__(self, dut: Any, divisor: int) -> None:
        self._dut = dut
        self._bit_ns = divisor * PERIOD_NS
        self._received = bytearray()

    async def watch(self) -> None:
        """Keep each byte that the board sends."""
        while True:
            await FallingEdge(self._dut.tx)
            await Timer(self._bit_ns // 2, unit="ns")
            byte = 0
            for bit in range(8):
                await Timer(self._bit_ns, unit="ns")
                byte |= int(self._dut.tx.value) << bit
            await Timer(self._bit_ns, unit="ns")
            assert int(self._dut.tx.value) == 1
            self._received.append(byte)

    async def _drive(self, bits: list[int]) -> None:
        for bit in bits:
            self._dut.rx.value = bit
            await Timer(self._bit_ns, unit="ns")

    @resume
    async def send(self, data: bytes) -> None:
        """Send all of the bytes."""
        for byte in data:
            await self._drive([0, *(byte >> bit & 1 for bit in range(8)), 1])

    @resume
    async def receive(self, count: int) -> bytes:
        """So many bytes, or fewer where a command of the longest answer would have ended."""
        for _ in range(2 * BITS * (count + 20)):
            if len(self._received) >= count:
                break
            await Timer(self._bit_ns, unit="ns")
        data, self._received = bytes(self._received[:count]), self._received[count:]
        return data

    @resume
    async def send_break(self) -> None:
        """Hold the line low for longer than a byte takes."""
        await self._drive([0] * (BITS + 2) + [1] * 2)


def run_network(line: SimulatedLine, request: dict[str, Any]) -> dict[str, Any]:
    """Load a program, run it on inputs, and keep the outputs."""
    program, link = Path(request["program"]).read_bytes(), SerialLink(line)
    device = open_board(program, link, memory_bytes=request["memory_bytes"])
    with np.load(request["inputs"]) as inputs:
        outputs: dict[str, Any] = device.run(dict(inputs), dtype="int8")
    np.savez("outputs.npz", **outputs)
    return {"last_cycles": link.read_register(OFFSETS["cycles_low"])}


def look(line: SimulatedLine, request: dict[str, Any]) -> dict[str, Any]:
    """Registers, and the last words of memory, written and read back."""
    link = SerialLink(line)
    link.write_register(OFFSETS["watchdog"], 77)
    last = request["memory_bytes"] - 8
    link.write(last, b"12345678")
    return {
        "identity": link.read_register(OFFSETS["identity"]),
        "watchdog": link.read_register(OFFSETS["watchdog"]),
        "memory": link.read(last, 2).decode(),
    }


@cocotb.test()
async def run(dut: Any) -> None:
    """What the request says, from the start of the clock on."""
    request = json.loads(Path("request.json").read_text(encoding="utf-8"))
    line = SimulatedLine(dut, request["divisor"])
    dut.rx.value = 1
    dut.reset.value = 1
    await Timer(PERIOD_NS, unit="ns")
    Clock(dut.clk, PERIOD_NS, unit="ns").start()
    await ClockCycles(dut.clk, 10)
    dut.reset.value = 0
    await ClockCycles(dut.clk, 100)
    cocotb.start_soon(line.watch())
    begin = get_sim_time("ns")
    task = bridge(run_network if request["program"] else look)
    found = await with_timeout(task(line, request), request["limit_ns"], "ns")
    cycles = (get_sim_time("ns") - begin) / PERIOD_NS
    result = {**found, "cycles": cycles, "led": int(dut.led.value)}
    Path("result.json").write_text(json.dumps(result), encoding="utf-8")
