"""Runs inside a simulator: the core alone, with the memory that the cost model has.

NAAS_RUN is the run; NAAS_FOUND gets what was counted. With NAAS_DAMAGE a byte of the weights is
another one, so that the scoreboard has something to find. With NAAS_SILENT the bench waits for a
signal that is never high; NAAS_LIMIT is the limit of a start.
"""

import json
import os
from pathlib import Path
from typing import Any

import cocotb
import numpy as np
from cocotb.clock import Clock
from cocotb.triggers import ClockCycles

from naas_hw.arch.files import read_accelerator
from naas_hw.testbench import AxiLiteManager, AxiMemory, NetworkUnderTest


@cocotb.test()
async def the_network_runs(dut: Any) -> None:
    """An image, or two; what the accelerator counted of each start goes into a file."""
    run = Path(os.environ["NAAS_RUN"])
    accelerator = read_accelerator(run / "accelerator.yaml")
    Clock(dut.aclk, 10, "ns").start()
    dut.aresetn.value = 0
    memory = AxiMemory(
        dut,
        clock=dut.aclk,
        size_bytes=1 << 16,
        base=0x4000,
        latency=accelerator.dram_latency_cycles,
        period=accelerator.dram_beat_period_cycles,
    )
    registers = AxiLiteManager(dut, clock=dut.aclk)
    await ClockCycles(dut.aclk, 4)
    dut.aresetn.value = 1
    network = NetworkUnderTest(
        run,
        registers=registers,
        memory=memory,
        interrupt=dut.m_axi_awid if "NAAS_SILENT" in os.environ else None,
        limit_cycles=int(os.environ.get("NAAS_LIMIT", 0)) or None,
    )
    rng = np.random.default_rng(1)
    is_damaged = "NAAS_DAMAGE" in os.environ
    for image in range(1 + is_damaged):
        if image:
            first, last = np.flatnonzero(memory.data)[[0, -1]]
            memory.data[(first + last) // 2 :] ^= 0x40
        await network.run(*network.random_inputs(rng))
        await ClockCycles(dut.aclk, accelerator.dram_beat_period_cycles)
    beats = [memory.num_read_beats, memory.num_written_beats]
    found = {"counters": network.counters, "beats": beats}
    Path(os.environ["NAAS_FOUND"]).write_text(json.dumps(found), encoding="utf-8")
    network.check()
