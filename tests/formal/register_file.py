"""The registers of a core beside a golden register file.

The reads and writes at the port are free, and so is all that the core tells its registers.
"""

from typing import Any

from amaranth.hdl import Assert, Cat, Const, Module, Signal, Value
from handshakes import free
from lite_ports import ALL_REGISTERS, GoldenReads, GoldenWrites
from prover import Opened, Proof, built, faults

import naas_hw.rtl.control.registers as registers
from naas_hw.compiler.fields import DESCRIPTOR_VERSION
from naas_hw.rtl.control.counters import COUNTERS
from naas_hw.rtl.control.register_map import (
    ADDRESS_BITS,
    IDENTITY,
    RANGE_BYTES,
    REGISTER_MAP_VERSION,
)
from naas_hw.rtl.control.status import NUM_ERRORS

DIGEST = 0x0123_4567_89AB_CDEF
FORBIDDEN = (1 << 32) - RANGE_BYTES
"""Where the range that may be written begins after a reset: behind its end."""

STORED = {
    "interrupt_global_enable": (1, 0),
    "interrupt_enable": (2, 0),
    "descriptors_low": (32, 0),
    "descriptors_high": (32, 0),
    "num_descriptors": (32, 0),
    "write_first": (32, FORBIDDEN),
    "write_last": (32, 0),
    "watchdog": (32, 0),
    "base": (32, 0),
}
"""Registers that hold what was written: name -> bits, and value after a reset."""

OFFSETS = {one.name: one.offset for one in ALL_REGISTERS}


class GoldenRegisters:
    """What the registers hold, from what is written and from what the core says.

    Parameters
    ----------
    writes : golden writes at the port.
    command : the core's side: `busy`, `done` and `errors` are inputs of the registers.
    """

    def __init__(self, m: Module, writes: GoldenWrites, command: Any) -> None:
        self.stored = {
            name: Signal(bits, init=init, name=f"golden_{name}")
            for name, (bits, init) in STORED.items()
        }
        self.done = Signal()
        self.status = Signal(NUM_ERRORS)
        self.pending = Signal(2)
        for name, register in self.stored.items():
            with m.If(writes.is_written(OFFSETS[name])):
                m.d.sync += register.eq(self._merged(writes, register))
        is_low_byte = writes.strobe[0]
        asks = writes.is_written(OFFSETS["control"]) & is_low_byte & writes.data[0]
        self.start = asks & ~command.busy
        self.refused = asks & command.busy
        clears = writes.is_written(OFFSETS["interrupt_status"]) & is_low_byte
        for event, status, bit in zip(
            (command.done, self.refused), self.pending, writes.data, strict=False
        ):
            with m.If(event):
                m.d.sync += status.eq(1)
            with m.Elif(clears & bit):
                m.d.sync += status.eq(0)
        with m.If(command.done):
            m.d.sync += self.done.eq(1)
        with m.Elif(self.start):
            m.d.sync += self.done.eq(0)
        for error, status in zip(command.errors, self.status, strict=True):
            with m.If(error):
                m.d.sync += status.eq(1)
            with m.Elif(self.start):
                m.d.sync += status.eq(0)
        self.busy = command.busy

    @staticmethod
    def _merged(writes: GoldenWrites, register: Signal) -> Value:
        """What a register holds after the bytes with a strobe were written to it."""
        mask = Value.cast(0)
        for i, strobe in enumerate(writes.strobe):
            mask = mask | strobe.replicate(8) << 8 * i
        return (register & ~mask[: len(register)]) | (writes.data & mask)[: len(register)]

    @property
    def interrupt(self) -> Value:
        """The line: an interrupt that is enabled has happened."""
        enabled = self.stored["interrupt_enable"] & self.pending
        return self.stored["interrupt_global_enable"] & (enabled != 0)

    @property
    def values(self) -> dict[str, Value]:
        """What each register reads as."""
        return {
            **self.stored,
            "control": Cat(self.busy, self.done, ~self.busy, ~self.busy),
            "interrupt_status": self.pending,
            "identity": Const(IDENTITY, 32),
            "digest_low": Const(DIGEST % (1 << 32), 32),
            "digest_high": Const(DIGEST >> 32, 32),
            "status": self.status,
            "versions": Const(DESCRIPTOR_VERSION << 16 | REGISTER_MAP_VERSION, 32),
        }


def registers_design() -> Module:
    """The registers at their port, with free values for all that the core tells them."""
    m = Module()
    component = registers.AxiLiteRegisters(identity=IDENTITY, digest=DIGEST, counters=COUNTERS)
    m.submodules.dut = dut = Opened(built(component))
    command, port = component.command, component.s_axil
    free(m, command.busy, command.done, command.errors)
    writes = GoldenWrites(m, port)
    golden = GoldenRegisters(m, writes, command)
    reads = GoldenReads(m, port, component.counts, golden.values)
    for part, path in ((writes, "write."), (reads, "read.")):
        part.rules(m)
        part.why(m, dut, path)
    stored = golden.stored
    m.d.comb += [
        Assert(command.start == golden.start),
        Assert(command.start_while_busy == golden.refused),
        Assert(component.interrupt == golden.interrupt),
        Assert(command.descriptors[:32] == stored["descriptors_low"]),
        Assert(command.descriptors[32:] == stored["descriptors_high"]),
        Assert(command.num_descriptors == stored["num_descriptors"]),
        # why
        Assert(dut["done"] == golden.done),
        Assert(dut["status"] == golden.status),
        Assert(dut["pending"] == golden.pending),
        Assert(dut["enable"] == stored["interrupt_enable"]),
        Assert(dut["global_enable"] == stored["interrupt_global_enable"]),
    ]
    for name in ("write_first", "write_last", "watchdog", "base"):
        m.d.comb += Assert(getattr(component, name) == stored[name])
    return m


PROOFS = (
    Proof(
        name="registers",
        says="A register takes the bytes with a strobe of what is written to it, and nothing else "
        "changes it; a start is given in the cycle of its write, or refused while the core is "
        "busy; done, errors and interrupts stay until a start or a write of 1 clears them, and an "
        "event wins over both; the interrupt follows its enables; each register reads as it "
        "should, and the rules of AXI4-Lite writes and reads hold.",
        sizes=f"addresses of {ADDRESS_BITS} bits, the registers and {len(COUNTERS)} counters of a "
        "core; one identity and digest",
        design=registers_design,
        depth=8,
        by_induction=True,
        mutants=faults(
            "control.registers",
            (
                "byte strobes do not count",
                "with m.If(is_written & write.strobe[byte // 8]):",
                "with m.If(is_written):",
            ),
            (
                "a write goes to every register",
                "is_written.eq(self._is_written(write, name))",
                "is_written.eq(write.fire)",
            ),
            (
                "a write of interrupt_status clears all of it",
                "m.d.comb += cleared.eq(write.data[:2])",
                "m.d.comb += cleared.eq(3)",
            ),
            (
                "a write that clears wins over an event",
                "pending.eq((pending & ~cleared) | events)",
                "pending.eq((pending | events) & ~cleared)",
            ),
            (
                "a start is given while the core is busy",
                "command.start.eq(asked & ~command.busy)",
                "command.start.eq(asked)",
            ),
            (
                "a refused start clears the errors",
                "status.eq(Mux(command.start, 0, status)",
                "status.eq(Mux(asked, 0, status)",
            ),
            (
                "a start does not clear done",
                "done.eq((done & ~command.start) | command.done)",
                "done.eq(done | command.done)",
            ),
            (
                "the interrupt does not wait for the global enable",
                "global_enable & (enable & pending).any()",
                "(enable & pending).any()",
            ),
            (
                "a register reads as another",
                "values.status.eq(status)",
                "values.status.eq(done)",
            ),
        ),
    ),
)
