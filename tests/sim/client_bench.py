"""Runs inside a simulator: cocotbext-axi's memory and register master on the accelerator.

The one file that knows that package. Reads `request.json`: `writes` (address, value) that run a
program, `status` (an address), `limit` (cycles), `patterns` (name -> percent of cycles in which
each channel of the client rests). Writes `result.json`: for each pattern `status`, `errors` of the
checkers, and the file that holds memory after the run.
"""

import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cocotb
from cocotb.clock import Clock
from cocotb.triggers import ClockCycles, First, RisingEdge, Timer
from cocotbext.axi import AxiBus, AxiLiteBus, AxiLiteMaster, AxiRam

CLOCK_PERIOD_NS = 10
RESET_CYCLES = 4


def rests(percent: int, seed: int) -> Iterator[bool]:
    """In which cycles a channel rests."""
    draw = random.Random(seed)
    while True:
        yield draw.randrange(100) < percent


def channels_of(memory: AxiRam, registers: AxiLiteMaster) -> list[Any]:
    """Sources and sinks of the client, in one order."""
    return [
        *(memory.write_if.aw_channel, memory.write_if.w_channel, memory.write_if.b_channel),
        *(memory.read_if.ar_channel, memory.read_if.r_channel),
        *(registers.write_if.aw_channel, registers.write_if.w_channel),
        *(registers.write_if.b_channel, registers.read_if.ar_channel, registers.read_if.r_channel),
    ]


@cocotb.test()
async def run(dut: Any) -> None:
    """The same program under each pattern, from the same memory."""
    request = json.loads(Path("request.json").read_text(encoding="utf-8"))
    image = Path("image.bin").read_bytes()
    dut.aresetn.value = 0
    memory = AxiRam(
        AxiBus.from_prefix(dut, "m_axi"),
        dut.aclk,
        dut.aresetn,
        reset_active_level=False,
        size=1 << (len(image) - 1).bit_length(),
    )
    registers = AxiLiteMaster(
        AxiLiteBus.from_prefix(dut, "s_axil"), dut.aclk, dut.aresetn, reset_active_level=False
    )
    await Timer(CLOCK_PERIOD_NS, unit="ns")  # the clock begins when all inputs are known
    Clock(dut.aclk, CLOCK_PERIOD_NS, unit="ns").start()
    await ClockCycles(dut.aclk, RESET_CYCLES)
    dut.aresetn.value = 1
    await ClockCycles(dut.aclk, RESET_CYCLES)
    results = {}
    for name, percents in request["patterns"].items():
        for seed, channel in enumerate(channels_of(memory, registers)):
            channel.set_pause_generator(rests(percents[seed % len(percents)], seed))
        memory.write(0, image)
        for address, value in request["writes"]:
            await registers.write_dword(address, value)
        if dut.interrupt.value != 1:  # of this run: the first write cleared the last one's
            await First(RisingEdge(dut.interrupt), ClockCycles(dut.aclk, request["limit"]))
        done = int(dut.interrupt.value) == 1
        Path(f"{name}.bin").write_bytes(memory.read(0, len(image)))
        results[name] = {
            "done": done,
            "status": await registers.read_dword(request["status"]),
            "errors": int(dut.errors.value),
        }
    Path("result.json").write_text(json.dumps(results), encoding="utf-8")
