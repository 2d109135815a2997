"""The accelerator's registers, on an AXI4-Lite subordinate."""

import operator
from collections.abc import Hashable, Sequence
from typing import Any

from amaranth.hdl import Cat, Module, Mux, Signal, Value
from amaranth.lib.wiring import In, Out, connect, flipped

from naas_hw.compiler.fields import DESCRIPTOR_VERSION
from naas_hw.rtl.control.axi_lite import AxiLiteReads, AxiLiteWrites
from naas_hw.rtl.control.command import CommandSignature
from naas_hw.rtl.control.counters import CounterSignature
from naas_hw.rtl.control.register_map import (
    ADDRESS_BITS,
    MAX_COUNTERS,
    RANGE_BYTES,
    REGISTER_MAP_VERSION,
    Register,
    register_map,
)
from naas_hw.rtl.control.status import NUM_ERRORS
from naas_hw.rtl.primitives.axi import AxiLiteSignature
from naas_hw.rtl.primitives.shared import SharedComponent


class AxiLiteRegisters(SharedComponent):
    """Registers of the accelerator behind an AXI4-Lite subordinate, and its interrupt.

    Address and data of a write may come in either order or together. The write happens in the
    cycle after the later of the two handshakes; `command.start` is high in exactly that cycle. One
    write and one read may be under way at a time; a response stays until it is taken. An address
    without a register answers SLVERR; what is written to a read-only register is dropped. Byte
    strobes count; the low two address bits do not.

    A start while the controller is busy changes nothing but gives `command.start_while_busy` for
    that cycle. `command.done` sets the done bit and its interrupt status. Events win over a write
    that clears them. An accepted start clears the done bit and the status, but not what comes in
    that same cycle. A read gives what a register holds two cycles before its answer; that of a
    counter waits for the counter's turn. So a count that is read during a run is that of five
    cycles before the answer, and its halves are consistent while the core is idle. Golden model: a
    dictionary of what was written.

    Parameters
    ----------
    identity : constant of 32 bits that software reads.
    digest : constant of 64 bits that software reads.
    counters : names of the counters.

    Members
    -------
    s_axil : In, `AxiLiteSignature`.
    command : Out, `CommandSignature`.
    counts : In, `CounterSignature`.
    write_first : Out, 32 bits; first byte that may be written.
    write_last : Out, 32 bits; last byte that may be written.
    watchdog : Out, 32 bits; limit in units of `timing.WATCHDOG_UNIT` cycles.
    base : Out, 32 bits; byte address that is added to all addresses of DRAM.
    interrupt : Out, 1 bit, level.

    Latency
    -------
    A register has its new value one cycle after its write, `interrupt` follows `command.done` by
    one cycle. There may be a write every three cycles and a read every five; a read of a counter
    may take as many cycles more as there are counters. A reset forbids all writes to DRAM and puts
    the base at zero.

    Raises
    ------
    ValueError : a constant is too wide, or there are too many counters.
    """

    def __init__(self, *, identity: int, digest: int, counters: Sequence[str] = ()) -> None:
        self.identity = operator.index(identity)
        self.digest = operator.index(digest)
        self.counters = tuple(counters)
        if not 0 <= self.identity < 1 << 32:
            raise ValueError(f"identity must have at most 32 bits, not the value {self.identity}")
        if not 0 <= self.digest < 1 << 64:
            raise ValueError(f"digest must have at most 64 bits, not the value {self.digest}")
        if len(self.counters) > MAX_COUNTERS:
            raise ValueError(
                f"there must be at most {MAX_COUNTERS} counters, not {len(self.counters)}"
            )
        super().__init__(
            {
                "s_axil": In(AxiLiteSignature(address_bits=ADDRESS_BITS)),
                "command": Out(CommandSignature()),
                "counts": In(CounterSignature(self.counters)),
                "write_first": Out(32, init=(1 << 32) - RANGE_BYTES),
                "write_last": Out(32),
                "watchdog": Out(32),
                "base": Out(32),
                "interrupt": Out(1),
            }
        )

    @property
    def parameters(self) -> tuple[Hashable, ...]:
        return (self.identity, self.digest, self.counters)

    @property
    def registers(self) -> tuple[Register, ...]:
        """Every register with its offset."""
        return register_map(self.counters)

    def build(self, platform: Any) -> Module:
        m = Module()
        m.submodules.write = write = AxiLiteWrites(registers=self.registers)
        m.submodules.read = read = AxiLiteReads(counters=self.counters)
        for part, channels in ((write, "aw w b"), (read, "ar r")):
            for name in channels.split():
                connect(m, flipped(getattr(self.s_axil, name)), getattr(part, name))
        connect(m, flipped(self.counts), read.counts)
        self._constants(m, read.values)
        self._settings(m, write, read.values)
        self._control(m, write, read.values)
        self._interrupt(m, write, read.values)
        return m

    def _constants(self, m: Module, values: Any) -> None:
        m.d.comb += [
            values.identity.eq(self.identity),
            values.digest_low.eq(self.digest & 0xFFFF_FFFF),
            values.digest_high.eq(self.digest >> 32),
            values.versions.eq(DESCRIPTOR_VERSION << 16 | REGISTER_MAP_VERSION),
        ]

    def _settings(self, m: Module, write: AxiLiteWrites, values: Any) -> None:
        """Registers that hold what was written, and go out."""
        for name, register in (
            ("descriptors_low", self.command.descriptors[:32]),
            ("descriptors_high", self.command.descriptors[32:]),
            ("num_descriptors", self.command.num_descriptors),
            ("write_first", self.write_first),
            ("write_last", self.write_last),
            ("watchdog", self.watchdog),
            ("base", self.base),
        ):
            self._store(m, write, values, name, register)

    def _control(self, m: Module, write: AxiLiteWrites, values: Any) -> None:
        """Start and status of a run."""
        command = self.command
        done = Signal()
        status = Signal(NUM_ERRORS)
        asked = Signal()
        m.d.comb += [
            asked.eq(self._is_written(write, "control") & write.data[0] & write.strobe[0]),
            command.start.eq(asked & ~command.busy),
            command.start_while_busy.eq(asked & command.busy),
            values.control.eq(Cat(command.busy, done, ~command.busy, ~command.busy)),
            values.status.eq(status),
        ]
        m.d.sync += [
            done.eq((done & ~command.start) | command.done),
            status.eq(Mux(command.start, 0, status) | command.errors),
        ]

    def _interrupt(self, m: Module, write: AxiLiteWrites, values: Any) -> None:
        global_enable = Signal()
        enable = Signal(2)
        pending = Signal(2)
        cleared = Signal(2)
        self._store(m, write, values, "interrupt_global_enable", global_enable)
        self._store(m, write, values, "interrupt_enable", enable)
        events = Cat(self.command.done, self.command.start_while_busy)
        with m.If(self._is_written(write, "interrupt_status") & write.strobe[0]):
            m.d.comb += cleared.eq(write.data[:2])
        m.d.sync += pending.eq((pending & ~cleared) | events)
        m.d.comb += [
            values.interrupt_status.eq(pending),
            self.interrupt.eq(global_enable & (enable & pending).any()),
        ]

    def _is_written(self, write: AxiLiteWrites, name: str) -> Value:
        return write.fire & write.chosen[name]

    def _store(
        self, m: Module, write: AxiLiteWrites, values: Any, name: str, register: Value
    ) -> None:
        """Write the bytes with a strobe to a register, which reads as what it holds."""
        is_written = Signal(name=f"writes_{name}")
        m.d.comb += is_written.eq(self._is_written(write, name))
        for byte in range(0, len(register), 8):
            end = min(byte + 8, len(register))
            with m.If(is_written & write.strobe[byte // 8]):
                m.d.sync += register[byte:end].eq(write.data[byte:end])
        m.d.comb += getattr(values, name).eq(register)
