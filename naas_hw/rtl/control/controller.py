"""The controller: fetches descriptors, checks them, runs one layer after the other."""

from collections.abc import Hashable
from typing import Any

from amaranth.hdl import Module, Signal
from amaranth.lib.wiring import In, Out, connect, flipped

from naas_hw.arch import timing
from naas_hw.arch.accelerator import Accelerator
from naas_hw.compiler.layout import SLOT_BYTES, descriptor_beats
from naas_hw.rtl.control.command import CommandSignature
from naas_hw.rtl.control.descriptor_check import FIELDS, DescriptorCheck
from naas_hw.rtl.control.status import FINDINGS, Error
from naas_hw.rtl.primitives.axi import DramReadSignature
from naas_hw.rtl.primitives.config import FieldSignature
from naas_hw.rtl.primitives.shared import SharedComponent


class Controller(SharedComponent):
    """Runs a list of descriptors; an impossible one ends the list with an error.

    A descriptor whose checksum is wrong is impossible, whatever else it says. A bad response of the
    bus does not stop a layer: the layer goes on to its end, in its time, and the error is in the
    status. An expired watchdog does: `halt` keeps load and store from offering anything new, and
    when they are quiet the list ends. After every layer `flush` puts the engines into the state
    after a reset, so nothing of a layer reaches the next one, however it ended.

    Parameters
    ----------
    accelerator : sizes to check against.
    identity : 32 bits that a descriptor has to carry.

    Members
    -------
    command : In, `CommandSignature`.
    dram : Out, `DramReadSignature`; a descriptor is one burst.
    data_read_error : In, 1 bit, strobe; the bus answered a read of an engine with an error.
    data_write_error : In, 1 bit, strobe; the bus answered a write with an error.
    write_outside : In, 1 bit, strobe; a burst lay outside the range that may be written.
    shift : Out, 1 bit; `beat` goes to the config register; those of the checksum do not.
    beat : Out, 8 * beat_bytes.
    fields : In, `FieldSignature`; the fields that are checked.
    expired : In, 1 bit; the watchdog has expired.
    restart_watchdog : Out, 1 bit, strobe.
    go : Out, 1 bit, strobe; T0 of a layer.
    in_layer : Out, 1 bit; high from the cycle after T0 to the last one of the layer.
    layer_done : In, 1 bit; nothing of the layer is under way any more.
    quiet : In, 1 bit; load and store have nothing under way on the bus.
    halt : Out, 1 bit, level; load and store offer nothing new.
    flush : Out, 1 bit, strobe; the cycle after the last one of a layer.

    Latency
    -------
    The request for a descriptor is offered two cycles after `command.start`, or after the last
    cycle of the layer before. `go` follows the last beat of a descriptor by
    `timing.DESCRIPTOR_TO_LAYER` cycles. After a reset there is no list.

    Raises
    ------
    ValueError : the identity is too wide.
    """

    def __init__(self, accelerator: Accelerator, *, identity: int) -> None:
        if not 0 <= identity < 1 << 32:
            raise ValueError(f"identity must have at most 32 bits, not the value {identity}")
        self.accelerator = accelerator
        self.identity = identity
        super().__init__(
            {
                "command": In(CommandSignature()),
                "dram": Out(DramReadSignature(beat_bytes=accelerator.beat_bytes)),
                "data_read_error": In(1),
                "data_write_error": In(1),
                "write_outside": In(1),
                "shift": Out(1),
                "beat": Out(8 * accelerator.beat_bytes),
                "fields": In(FieldSignature(FIELDS)),
                "expired": In(1),
                "restart_watchdog": Out(1),
                "go": Out(1),
                "in_layer": Out(1),
                "layer_done": In(1),
                "quiet": In(1),
                "halt": Out(1),
                "flush": Out(1),
            }
        )

    @property
    def parameters(self) -> tuple[Hashable, ...]:
        return (self.accelerator, self.identity)

    def build(self, platform: Any) -> Module:
        m = Module()
        m.submodules.check = check = DescriptorCheck(self.accelerator, identity=self.identity)
        connect(m, flipped(self.fields), check.fields)
        layers_left = Signal(32)
        beats_left = Signal(range(descriptor_beats(self.accelerator) + 1))
        is_bad = Signal()
        check_cycles = Signal(range(timing.DESCRIPTOR_TO_LAYER - 1))
        self._connect_beats(m, check, beats_left)
        self._report_errors(m, layers_left)
        m.d.comb += self.command.busy.eq(layers_left != 0)
        m.d.sync += self.flush.eq(0)
        with m.If(self.dram.ar.ready):
            m.d.sync += self.dram.ar.valid.eq(0)
        with m.FSM():
            with m.State("IDLE"):
                self._wait_for_start(m, layers_left)
            with m.State("REQUEST"):
                self._request_descriptor(m, beats_left, is_bad)
            with m.State("FETCH"):
                self._fetch_descriptor(m, beats_left, is_bad, check_cycles)
            with m.State("CHECK"):
                self._wait_for_check(m, check, is_bad, check_cycles)
            with m.State("GO"):
                m.d.comb += self.go.eq(1)
                m.next = "LAYER"
            with m.State("REFUSE"):
                self._refuse_descriptor(m, check, is_bad, layers_left)
            with m.State("LAYER"):
                self._run_layer(m, layers_left)
        with m.If(self.flush):
            m.d.comb += self.halt.eq(1)
        return m

    def _connect_beats(self, m: Module, check: DescriptorCheck, beats_left: Signal) -> None:
        """Every beat that comes is checked; all but the checksum go to the config register."""
        r = self.dram.r
        is_taken = r.valid & r.ready
        m.d.comb += [
            self.dram.ar.length.eq(descriptor_beats(self.accelerator) - 1),
            self.beat.eq(r.data),
            self.shift.eq(is_taken & (beats_left > timing.CHECKSUM_BEATS)),
            check.valid.eq(is_taken),
            check.first.eq(beats_left == descriptor_beats(self.accelerator)),
            check.beat.eq(r.data),
        ]

    def _report_errors(self, m: Module, layers_left: Signal) -> None:
        """Errors that may come in any state."""
        errors = self.command.errors
        r = self.dram.r
        m.d.comb += [
            errors[Error.START_WHILE_BUSY].eq(self.command.start_while_busy),
            errors[Error.DATA_READ].eq(self.data_read_error),
            errors[Error.DATA_WRITE].eq(self.data_write_error),
            errors[Error.WRITE_OUTSIDE].eq(self.write_outside),
            errors[Error.DESCRIPTOR_READ].eq(r.valid & r.ready & r.error),
            errors[Error.WATCHDOG].eq(self.expired & (layers_left != 0)),
        ]

    def _wait_for_start(self, m: Module, layers_left: Signal) -> None:
        """A list without a descriptor is done at once."""
        command = self.command
        beat_bits = (self.accelerator.beat_bytes - 1).bit_length()
        slot_bits = (SLOT_BYTES - 1).bit_length()
        first_slot = command.descriptors[slot_bits:32] << (slot_bits - beat_bits)
        with m.If(command.start):
            with m.If(command.num_descriptors == 0):
                m.d.comb += command.done.eq(1)
            with m.Else():
                m.d.sync += [
                    layers_left.eq(command.num_descriptors),
                    self.dram.ar.address.eq(first_slot),
                ]
                m.next = "REQUEST"

    def _request_descriptor(self, m: Module, beats_left: Signal, is_bad: Signal) -> None:
        m.d.comb += self.restart_watchdog.eq(1)
        m.d.sync += [
            self.dram.ar.valid.eq(1),
            beats_left.eq(descriptor_beats(self.accelerator)),
            is_bad.eq(0),
        ]
        m.next = "FETCH"

    def _fetch_descriptor(
        self, m: Module, beats_left: Signal, is_bad: Signal, check_cycles: Signal
    ) -> None:
        r = self.dram.r
        m.d.comb += r.ready.eq(1)
        with m.If(r.valid):
            m.d.sync += [beats_left.eq(beats_left - 1), is_bad.eq(is_bad | r.error)]
            with m.If(beats_left == 1):
                m.d.sync += check_cycles.eq(timing.DESCRIPTOR_TO_LAYER - 2)
                m.next = "CHECK"

    def _wait_for_check(
        self, m: Module, check: DescriptorCheck, is_bad: Signal, check_cycles: Signal
    ) -> None:
        m.d.sync += check_cycles.eq(check_cycles - 1)
        with m.If(check_cycles == 0):
            with m.If(is_bad | check.findings.as_value().any() | self.expired):
                m.next = "REFUSE"
            with m.Else():
                m.next = "GO"

    def _refuse_descriptor(
        self, m: Module, check: DescriptorCheck, is_bad: Signal, layers_left: Signal
    ) -> None:
        """End the list; what is wrong with a descriptor counts where all of it could be read."""
        m.d.comb += self.command.done.eq(1)
        with m.If(~is_bad):
            for error in FINDINGS:
                finding = check.findings[error.name.lower()]
                m.d.comb += self.command.errors[error].eq(finding)
        m.d.sync += layers_left.eq(0)
        m.next = "IDLE"

    def _run_layer(self, m: Module, layers_left: Signal) -> None:
        """Wait for the end of the layer, then go on to the next descriptor or end the list."""
        m.d.comb += [self.in_layer.eq(1), self.halt.eq(self.expired)]
        with m.If(self.expired & self.quiet):
            m.d.sync += layers_left.eq(0)
            self._end_list(m)
        with m.Elif(~self.expired & self.layer_done):
            m.d.sync += layers_left.eq(layers_left - 1)
            with m.If(layers_left == 1):
                self._end_list(m)
            with m.Else():
                self._next_descriptor(m)

    def _end_list(self, m: Module) -> None:
        m.d.comb += self.command.done.eq(1)
        m.d.sync += self.flush.eq(1)
        m.next = "IDLE"

    def _next_descriptor(self, m: Module) -> None:
        slot_beats = SLOT_BYTES // self.accelerator.beat_bytes
        address = self.dram.ar.address
        m.d.sync += [self.flush.eq(1), address.eq(address + slot_beats)]
        m.next = "REQUEST"
