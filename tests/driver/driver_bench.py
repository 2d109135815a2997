"""Runs inside a simulator: the compiled driver in C, with the RTL behind its callbacks.

Reads `request.json`: `library`, `base`, `waits` (whether the driver is told of the interrupt, or
polls), `memory_bytes`, `batch`, `num_inputs`, `output_shapes`. `program.naas` is the program file,
`input_N.npy` each input. Writes `output_N.npy` for each output, and `result.json`.
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cocotb
import numpy as np
from cocotb.clock import Clock
from cocotb.task import bridge, resume
from cocotb.triggers import ClockCycles, FallingEdge, RisingEdge
from compiled_driver import CompiledDriver
from numpy.typing import NDArray

from naas_hw.driver.device import DeviceAccess
from sim.bench import AxiLite

CLOCK_PERIOD_NS = 10
RESET_CYCLES = 4
NEITHER_INPUT_NOR_OUTPUT = 0x5A


class Board:
    """The accelerator and its memory, as the host has them.

    Parameters
    ----------
    memory : uint8, as the host sees it until caches are flushed or invalidated.
    """

    def __init__(self, dut: Any, memory: NDArray[np.uint8]) -> None:
        self.dut = dut
        self.memory = memory
        self.beat_bytes = int(dut.BEAT_BYTES.value)
        self.port = AxiLite(dut)

    async def read32(self, offset: int) -> int:
        (value,) = await self.port.read([offset])
        return value

    async def write32(self, offset: int, value: int) -> None:
        await self.port.write([(offset, value)])

    async def flush(self, first: int, size: int) -> None:
        for beat in self._beats(first, size):
            content = self.memory[beat * self.beat_bytes :][: self.beat_bytes].tobytes()
            self.dut.dram.memory[beat].value = int.from_bytes(content, "little")
        await FallingEdge(self.dut.aclk)

    async def invalidate(self, first: int, size: int) -> None:
        for beat in self._beats(first, size):
            value = self.dut.dram.memory[beat].value
            number = value.to_unsigned() if value.is_resolvable else 0
            content = number.to_bytes(self.beat_bytes, "little")
            self.memory[beat * self.beat_bytes :][: self.beat_bytes] = list(content)

    async def wait(self) -> None:
        if self.dut.interrupt.value != 1:
            await RisingEdge(self.dut.interrupt)
        await FallingEdge(self.dut.aclk)

    def access(self, *, waits: bool) -> DeviceAccess:
        """Functions that a thread beside the simulator may call."""
        wait: Callable[[], None] = resume(self.wait)
        return DeviceAccess(
            read32=resume(self.read32),
            write32=resume(self.write32),
            flush=resume(self.flush),
            invalidate=resume(self.invalidate),
            wait=wait if waits else None,
        )

    def _beats(self, first: int, size: int) -> range:
        return range(first // self.beat_bytes, -(-(first + size) // self.beat_bytes))


async def reset(dut: Any) -> None:
    dut.range_first.value, dut.range_last.value = 0, (1 << 64) - 1
    dut.aresetn.value = 0
    await ClockCycles(dut.aclk, RESET_CYCLES)
    await FallingEdge(dut.aclk)
    dut.aresetn.value = 1
    await FallingEdge(dut.aclk)


@cocotb.test()
async def run(dut: Any) -> None:
    """Open, load and run; all that the host does is done by the driver."""
    request = json.loads(Path("request.json").read_text(encoding="utf-8"))
    Clock(dut.aclk, CLOCK_PERIOD_NS, unit="ns").start()
    await reset(dut)
    memory = np.full(request["memory_bytes"], NEITHER_INPUT_NOR_OUTPUT, np.uint8)
    board = Board(dut, memory)
    inputs = [np.load(f"input_{index}.npy") for index in range(request["num_inputs"])]
    outputs = [np.zeros(shape, np.int8) for shape in request["output_shapes"]]
    driver = CompiledDriver(
        Path(request["library"]),
        Path("program.naas").read_bytes(),
        memory,
        bus=request["base"],
        access=board.access(waits=request["waits"]),
    )

    def everything() -> list[int]:
        return [driver.open(), driver.load(), driver.run(inputs, outputs, request["batch"])]

    statuses = await bridge(everything)()
    for index, output in enumerate(outputs):
        np.save(f"output_{index}.npy", output)
    result = {
        "statuses": [int(status) for status in statuses],
        "errors": int(driver.device.errors),
        "starts": int(dut.num_starts.value),
        "protocol_errors": int(dut.protocol_errors.value),
    }
    Path("result.json").write_text(json.dumps(result), encoding="utf-8")
