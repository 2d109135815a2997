"""The controller: fetches descriptors, checks them, runs one layer after the other."""

from collections.abc import Hashable
from typing import Any

from amaranth.hdl import Cat, Const, Module, Signal, Value
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
    Golden model: the descriptors of a list in their order, each in its time by `arch.timing`.

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
    go : Out, 1 bit, strobe; T0 of a layer, in which the engines are as after a reset.
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
        has_start = Signal()
        has_last_beat = Signal()
        is_checked = Signal()
        is_accepted = Signal()
        goes_on = Signal()
        ends_list = Signal()
        with m.FSM() as fsm:
            with m.State("IDLE"), m.If(has_start):
                m.next = "REQUEST"
            with m.State("REQUEST"):
                m.next = "FETCH"
            with m.State("FETCH"), m.If(has_last_beat):
                m.next = "CHECK"
            with m.State("CHECK"), m.If(is_checked):
                with m.If(is_accepted):
                    m.next = "GO"
                with m.Else():
                    m.next = "REFUSE"
            with m.State("GO"):
                m.next = "LAYER"
            with m.State("REFUSE"):
                m.next = "IDLE"
            with m.State("LAYER"):
                with m.If(ends_list):
                    m.next = "IDLE"
                with m.Elif(goes_on):
                    m.next = "REQUEST"
        is_bad = self._fetch(m, fsm, check, has_last_beat)
        self._check(m, fsm, check, is_bad, is_checked, is_accepted)
        self._run_layer(m, fsm, is_checked & is_accepted, goes_on | ends_list)
        self._walk_list(m, fsm, has_start, goes_on, ends_list)
        self._report_errors(m, fsm, check, is_bad)
        return m

    def _fetch(self, m: Module, fsm: Any, check: DescriptorCheck, has_last_beat: Signal) -> Signal:
        """Request a descriptor and take its beats. Gives whether one came with an error.

        Every beat is checked; all but the checksum go to the config register. They pass a register
        before that, since many of them hang on a beat.
        """
        num_beats = descriptor_beats(self.accelerator)
        ar = self.dram.ar
        r = self.dram.r
        beats_left = Signal(range(num_beats + 1))
        fetching = Signal()
        is_bad = Signal()
        is_taken = Signal()
        m.d.comb += [
            ar.length.eq(num_beats - 1),
            r.ready.eq(fetching),
            is_taken.eq(r.valid & fetching),
            has_last_beat.eq(is_taken & (beats_left == 1)),
            check.beat.eq(self.beat),
        ]
        m.d.sync += [
            self.beat.eq(r.data),
            self.shift.eq(is_taken & (beats_left > timing.CHECKSUM_BEATS)),
            check.valid.eq(is_taken),
            check.first.eq(beats_left == num_beats),
        ]
        with m.If(fsm.ongoing("REQUEST")):
            m.d.sync += [
                ar.valid.eq(1),
                fetching.eq(1),
                beats_left.eq(num_beats),
                is_bad.eq(0),
            ]
        with m.Else():
            with m.If(ar.ready):
                m.d.sync += ar.valid.eq(0)
            with m.If(is_taken):
                m.d.sync += [beats_left.eq(beats_left - 1), is_bad.eq(is_bad | r.error)]
            with m.If(has_last_beat):
                m.d.sync += fetching.eq(0)
        return is_bad

    def _check(
        self,
        m: Module,
        fsm: Any,
        check: DescriptorCheck,
        is_bad: Signal,
        is_checked: Signal,
        is_accepted: Signal,
    ) -> None:
        """Wait until the findings are there."""
        cycles_left = Signal(range(timing.DESCRIPTOR_TO_LAYER - 1))
        m.d.comb += [
            is_checked.eq(cycles_left == 0),
            is_accepted.eq(~is_bad & ~check.findings.as_value().any() & ~self.expired),
        ]
        with m.If(fsm.ongoing("CHECK")):
            m.d.sync += cycles_left.eq(cycles_left - 1)
        with m.Else():
            m.d.sync += cycles_left.eq(timing.DESCRIPTOR_TO_LAYER - 2)

    def _run_layer(self, m: Module, fsm: Any, begins: Value, ends: Value) -> None:
        """Tell the engines to start and to stop; what many of them see is a register."""
        m.d.comb += self.restart_watchdog.eq(fsm.ongoing("REQUEST"))
        m.d.sync += [
            self.go.eq(fsm.ongoing("CHECK") & begins),
            self.halt.eq(self.in_layer & self.expired),
        ]
        with m.If(self.go):
            m.d.sync += self.in_layer.eq(1)
        with m.Elif(ends):
            m.d.sync += self.in_layer.eq(0)

    def _walk_list(
        self, m: Module, fsm: Any, has_start: Signal, goes_on: Signal, ends_list: Signal
    ) -> None:
        """Step through the list; a list without a descriptor is done at once.

        Numbers of descriptors stand for so long that a comparison may be a cycle late. What the
        engines decided before they saw `halt` is on the bus a cycle later, so they are asked
        whether they are quiet from then on.
        """
        command = self.command
        address = self.dram.ar.address
        layers_left = Signal(32)
        has_list = Signal()
        is_last_layer = Signal()
        halted = Signal()
        finished = Signal()
        stopped = Signal()
        m.d.comb += [
            has_start.eq(command.start & has_list),
            finished.eq(self.in_layer & self.layer_done & ~self.expired),
            stopped.eq(halted & self.quiet),
            goes_on.eq(finished & ~is_last_layer),
            ends_list.eq(stopped | (finished & is_last_layer)),
            command.done.eq((command.start & ~has_list) | fsm.ongoing("REFUSE") | ends_list),
        ]
        m.d.sync += [
            has_list.eq(command.num_descriptors != 0),
            is_last_layer.eq(layers_left == 1),
            halted.eq(self.in_layer & self.halt & ~stopped),
            self.flush.eq(finished | stopped),
        ]
        with m.If(has_start):
            m.d.sync += command.busy.eq(1)
        with m.Elif(command.done):
            m.d.sync += command.busy.eq(0)
        with m.If(fsm.ongoing("IDLE")):
            m.d.sync += [
                layers_left.eq(command.num_descriptors),
                address.eq(self._first_slot()),
            ]
        with m.Elif(goes_on):
            m.d.sync += [
                layers_left.eq(layers_left - 1),
                address.eq(address + SLOT_BYTES // self.accelerator.beat_bytes),
            ]

    def _first_slot(self) -> Value:
        """Address of the list in beats."""
        beat_bits = (self.accelerator.beat_bytes - 1).bit_length()
        slot_bits = (SLOT_BYTES - 1).bit_length()
        return Cat(Const(0, slot_bits - beat_bits), self.command.descriptors[slot_bits:32])

    def _report_errors(self, m: Module, fsm: Any, check: DescriptorCheck, is_bad: Signal) -> None:
        """What is wrong with a descriptor counts where all of it could be read."""
        errors = self.command.errors
        r = self.dram.r
        m.d.comb += [
            errors[Error.START_WHILE_BUSY].eq(self.command.start_while_busy),
            errors[Error.DATA_READ].eq(self.data_read_error),
            errors[Error.DATA_WRITE].eq(self.data_write_error),
            errors[Error.WRITE_OUTSIDE].eq(self.write_outside),
            errors[Error.DESCRIPTOR_READ].eq(r.valid & r.ready & r.error),
            errors[Error.WATCHDOG].eq(self.expired & self.command.busy),
        ]
        tells_findings = Signal()
        m.d.comb += tells_findings.eq(fsm.ongoing("REFUSE") & ~is_bad)
        for error in FINDINGS:
            m.d.comb += errors[error].eq(tells_findings & check.findings[error.name.lower()])
