"""Parts for a cocotb bench of the user: register access, a memory, a network under test.

import cocotb
from naas_hw.testbench import NetworkUnderTest, AxiLiteManager, AxiMemory

@cocotb.test()
async def test_the_network(dut):
    memory = AxiMemory(dut, "m_axi", clock=dut.aclk, size_bytes=1 << 20)
    registers = AxiLiteManager(dut, "s_axil", clock=dut.aclk)
    network = NetworkUnderTest("run", registers=registers, memory=memory)
    outputs = await network.run(image)
    network.check()

This package imports cocotb, so it works only inside a simulator. It imports nothing under the GPL.
"""

from naas_hw.testbench.axi_lite import AxiLiteManager
from naas_hw.testbench.axi_memory import AxiMemory
from naas_hw.testbench.network import NetworkUnderTest

__all__ = ["AxiLiteManager", "AxiMemory", "NetworkUnderTest"]
