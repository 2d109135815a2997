"""The bench of soc.v: its own registers, and the network of a run on the core inside it."""

import os
from typing import Any

import cocotb
import numpy as np
from cocotb.clock import Clock
from cocotb.triggers import ClockCycles

from naas_hw.testbench import AxiLiteManager, AxiMemory, NetworkUnderTest

IDENTITY, NUM_INTERRUPTS, CORE = 0x00000, 0x00004, 0x10000


@cocotb.test()
async def the_core_runs_the_network(dut: Any) -> None:
    """Two managers at one bus: the SoC's own registers, and those of the core."""
    Clock(dut.aclk, 10, "ns").start()
    dut.aresetn.value = 0
    memory = AxiMemory(dut, clock=dut.aclk, size_bytes=1 << 20, base=0x8000_0000, stalls=0.1)
    own = AxiLiteManager(dut, clock=dut.aclk)
    core = AxiLiteManager(dut, clock=dut.aclk, offset=CORE)
    await ClockCycles(dut.aclk, 4)
    dut.aresetn.value = 1
    assert await own.read(IDENTITY) == 0x50C0_0001
    run = os.environ["NAAS_RUN"]
    network = NetworkUnderTest(run, registers=core, memory=memory, interrupt=dut.interrupt)
    await network.run(*network.random_inputs(np.random.default_rng(0)))
    network.check()
    assert await own.read(NUM_INTERRUPTS) == len(network.counters)
