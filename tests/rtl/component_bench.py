"""What tests of components share: a clock, and random stalls as data."""

from collections.abc import Awaitable, Callable
from typing import Any

from amaranth.hdl import ClockDomain, Module
from amaranth.sim import Simulator

Bench = Callable[[Any], Awaitable[None]]


def simulate(dut: Any, bench: Bench) -> None:
    """Run a testbench with `dut` on a clock, which it may or may not use."""
    m = Module()
    m.domains.sync = ClockDomain()
    m.submodules.dut = dut
    simulator = Simulator(m)
    simulator.add_clock(1e-6)
    simulator.add_testbench(bench)
    simulator.run()
