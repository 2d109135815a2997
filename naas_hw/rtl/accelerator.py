"""The top of the hardware: five engines in a row, L2, the array, and the bus."""

from typing import Any, Final

from amaranth.hdl import (
    ClockDomain,
    ClockSignal,
    DomainRenamer,
    Module,
    ResetSignal,
    Signal,
)
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out, connect, flipped

from naas_hw.arch import timing
from naas_hw.arch.accelerator import REDUCTION_DIMS, Accelerator
from naas_hw.compiler.fields import Quantity, quantity_bits
from naas_hw.compiler.layout import layout_of
from naas_hw.rtl.array.input_network import InputNetwork
from naas_hw.rtl.array.pe_array import PEArray
from naas_hw.rtl.array.weight_network import WeightNetwork
from naas_hw.rtl.control.controller import Controller
from naas_hw.rtl.control.counters import COUNTERS, Counters, l2_ports
from naas_hw.rtl.control.dram_master import BASE_BITS, WINDOW_BITS, DramMaster
from naas_hw.rtl.control.register_map import ADDRESS_BITS, IDENTITY
from naas_hw.rtl.control.registers import AxiLiteRegisters
from naas_hw.rtl.control.watchdog import Watchdog
from naas_hw.rtl.engines.compute import Compute
from naas_hw.rtl.engines.drain import Drain
from naas_hw.rtl.engines.drain_path import DrainPath
from naas_hw.rtl.engines.fill import Fill
from naas_hw.rtl.engines.load_planner import LoadPlanner
from naas_hw.rtl.engines.reader import Reader
from naas_hw.rtl.engines.store_planner import StorePlanner
from naas_hw.rtl.engines.writer import BLOCK_BITS, Writer
from naas_hw.rtl.memory.global_buffer import GlobalBuffer
from naas_hw.rtl.primitives.axi import Axi4Signature, AxiLiteSignature, axi_port_name
from naas_hw.rtl.primitives.config import ConfigRegister
from naas_hw.rtl.primitives.interfaces import part_of
from naas_hw.rtl.primitives.positions import positions
from naas_hw.rtl.primitives.transfer import LoadOptions, extent_bits

EVENTS: Final = (
    "layer",
    "load_end",
    "fill_start",
    "fill_end",
    "compute_start",
    "compute_end",
    "drain_start",
    "drain_end",
    "store_end",
)
"""Strobes that a simulation logs; a start is the cycle of the go, an end the last working cycle."""

ARRAY_ACCESSES: Final = (
    "weight_writes",
    "input_writes",
    "weight_reads",
    "input_reads",
    "macs",
    "accumulator_reads",
    "accumulator_writes",
)
"""Outputs of the array that say how many accesses there are in a cycle."""


class AcceleratorTop(wiring.Component):
    """A complete accelerator: a manager of AXI4 for data, registers on AXI4-Lite, an interrupt.

    Load, fill, compute, drain and store are engines in a row. Each runs its own loop nest over the
    layer in the config register; they synchronise with credits. Golden model: the exact cost model
    for its cycles, `naas_hw.workload` for its results.

    Parameters
    ----------
    accelerator : what to build.
    digest : 64 bits that tell this build from others; its low half has to stand in every
        descriptor.

    Members
    -------
    s_axil : In, `AxiLiteSignature`; the registers of `register_map`.
    m_axi : Out, `Axi4Signature`; descriptors and tensors in DRAM.
    interrupt : Out, 1 bit, level; see `AxiLiteRegisters`.

    Latency
    -------
    The cycles of a list of layers are those of the cost model, see docs/timing.md. A reset
    puts everything but memories and data paths into its first state; the end of a layer does the
    same with the engines.

    Raises
    ------
    ValueError : the digest is too wide.
    """

    port_name = staticmethod(axi_port_name)

    def __init__(self, accelerator: Accelerator, *, digest: int = 0) -> None:
        if not 0 <= digest < 1 << 64:
            raise ValueError(f"digest must have at most 64 bits, not the value {digest}")
        self.accelerator = accelerator
        self.digest = digest
        super().__init__(
            {
                "s_axil": In(AxiLiteSignature(address_bits=ADDRESS_BITS)),
                "m_axi": Out(Axi4Signature(data_bytes=accelerator.beat_bytes)),
                "interrupt": Out(1),
            }
        )

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        self._add_control(m)
        self._create_memory_and_array()
        self._create_engines()
        self._add_engines(m)
        self._distribute_layer(m)
        self._connect_registers(m)
        self._connect_dram(m)
        self._connect_counters(m)
        self._connect_load(m)
        self._connect_fill(m)
        self._connect_compute(m)
        self._connect_drain(m)
        self._connect_store(m)
        self._probe_events(m)
        self._probe_memories(m)
        return m

    def _add_control(self, m: Module) -> None:
        a = self.accelerator
        m.submodules.registers = self.registers = AxiLiteRegisters(
            identity=IDENTITY, digest=self.digest, counters=COUNTERS
        )
        m.submodules.controller = self.controller = Controller(
            a, identity=self.digest & 0xFFFF_FFFF
        )
        m.submodules.config = self.config = ConfigRegister(layout_of(a))
        m.submodules.counters = self.counters = Counters(l2_ports(a))
        m.submodules.watchdog = self.watchdog = Watchdog()
        m.submodules.dram = self.dram = DramMaster(beat_bytes=a.beat_bytes)

    def _create_memory_and_array(self) -> None:
        a = self.accelerator
        self.buffer = GlobalBuffer(a)
        self.weights = WeightNetwork(
            beat_bytes=a.beat_bytes,
            lanes=a.weight_network_lanes,
            half_words=a.weight_buffer_bytes // (2 * a.weight_word_bytes),
        )
        self.inputs = InputNetwork(
            beat_bytes=a.beat_bytes,
            conv_lanes=a.input_network_lanes,
            depthwise_lanes=a.depthwise_network_lanes,
            replicate_conv=not a.has("C"),
            replicate_depthwise=not a.has("C") and not a.has("K"),
            half_bytes=a.input_buffer_bytes // 2,
        )
        self.array = PEArray(a)
        self.path = DrainPath(a)

    def _create_engines(self) -> None:
        a = self.accelerator
        loads = LoadOptions.of(a)
        bits = extent_bits(a)
        self.load = LoadPlanner(
            loads,
            scale_half_words=a.scale_depth // a.sum_lanes,
            extent_bits=bits,
            l2_bits=quantity_bits(a)[Quantity.L2_WORD],
        )
        self.reader = Reader(loads, beat_bytes=a.beat_bytes, extent_bits=bits)
        self.fill = Fill(beat_bytes=a.beat_bytes)
        self.compute = Compute(
            half_weight_bytes=a.weight_buffer_bytes // 2,
            half_input_bytes=a.input_buffer_bytes // 2,
            bound_bits=a.pe_bound_bits,
        )
        num_reduced = len(positions(a, REDUCTION_DIMS))
        self.drain = Drain(
            a.options,
            to_drain=timing.compute_to_drain(num_reduced),
            bound_bits=a.pe_bound_bits,
            sum_lanes=a.sum_lanes,
            sum_words=a.drain_lanes // a.sum_lanes,
        )
        self.store = StorePlanner(extent_bits=bits)
        self.writer = Writer(a.options, beat_bytes=a.beat_bytes, extent_bits=bits)

    def _add_engines(self, m: Module) -> None:
        """All that works on a layer, in a domain of its own that a flush resets as well.

        A flush comes a cycle later, out of a register, since most of the core hangs on it.
        """
        m.domains.engines = engines = ClockDomain("engines", local=True)
        flushed = Signal()
        m.d.sync += flushed.eq(self.controller.flush)
        m.d.comb += [
            engines.clk.eq(ClockSignal()),
            engines.rst.eq(ResetSignal() | flushed),
        ]
        parts = {
            "global_buffer": self.buffer,
            "load": self.load,
            "reader": self.reader,
            "fill": self.fill,
            "weight_network": self.weights,
            "input_network": self.inputs,
            "compute": self.compute,
            "array": self.array,
            "drain": self.drain,
            "drain_path": self.path,
            "store": self.store,
            "writer": self.writer,
        }
        for name, part in parts.items():
            m.submodules[name] = DomainRenamer("engines")(part)

    def _distribute_layer(self, m: Module) -> None:
        """Give everything that works on a layer its fields, and the strobe with which it begins."""
        engines = (
            self.load,
            self.reader,
            self.fill,
            self.weights,
            self.inputs,
            self.compute,
            self.array,
            self.drain,
            self.path,
            self.store,
            self.writer,
        )
        for engine in (self.controller, *engines):
            names = engine.fields.signature.names
            connect(m, self.config.fields.select(names), engine.fields)
        for engine in engines:
            if "go" in engine.signature.members:
                m.d.comb += engine.go.eq(self.controller.go)

    def _connect_registers(self, m: Module) -> None:
        registers = self.registers
        controller = self.controller
        watchdog = self.watchdog
        connect(m, flipped(self.s_axil), registers.s_axil)
        connect(m, registers.command, controller.command)
        connect(m, self.counters.counts, registers.counts)
        connect(m, part_of(controller, "shift", "beat"), part_of(self.config, "shift", "beat"))
        m.d.comb += [
            self.interrupt.eq(registers.interrupt),
            watchdog.limit.eq(registers.watchdog),
            watchdog.restart.eq(controller.restart_watchdog),
            watchdog.busy.eq(controller.command.busy),
            controller.expired.eq(watchdog.expired),
        ]

    def _connect_dram(self, m: Module) -> None:
        dram = self.dram
        controller = self.controller
        reader = self.reader
        writer = self.writer
        connect(m, controller.dram, dram.descriptors)
        connect(m, reader.dram, dram.load)
        connect(m, writer.dram, dram.store)
        connect(m, dram.m_axi, flipped(self.m_axi))
        m.d.comb += [
            dram.window.eq(self.registers.command.descriptors[WINDOW_BITS:]),
            dram.base.eq(self.registers.base[-BASE_BITS:]),
            writer.first_block.eq(self.registers.write_first[-BLOCK_BITS:]),
            writer.last_block.eq(self.registers.write_last[-BLOCK_BITS:]),
            controller.data_read_error.eq(dram.read_error),
            controller.data_write_error.eq(dram.write_error),
            controller.write_outside.eq(writer.outside),
            controller.quiet.eq(reader.quiet & writer.quiet),
            reader.halt.eq(controller.halt),
            writer.halt.eq(controller.halt),
        ]

    def _connect_counters(self, m: Module) -> None:
        """What the counters look at."""
        counters = self.counters
        compute = self.compute
        drain = self.drain
        bus = self.dram.m_axi
        layer = ("go", "in_layer")
        state = ("waits", "waits_for_drain", "has_step")
        connect(m, part_of(self.controller, *layer), part_of(counters, *layer))
        connect(m, part_of(compute, *state), part_of(counters, *state))
        m.d.comb += [
            counters.start.eq(self.registers.command.start),
            counters.busy.eq(self.controller.command.busy),
            counters.computing.eq(compute.multiplication.valid),
            counters.fill_waits.eq(self.fill.waits_for_load),
            counters.fill_finished.eq(self.fill.finished),
            counters.drain_waits_for_store.eq(drain.waits_for_store),
            counters.drain_waits_for_load.eq(drain.waits_for_load),
            counters.drain_busy.eq(drain.busy),
            counters.dram_read.eq(bus.r.valid & bus.r.ready),
            counters.dram_write.eq(bus.w.valid & bus.w.ready),
        ]

    def _connect_load(self, m: Module) -> None:
        reader, buffer, path = self.reader, self.buffer, self.path
        connect(m, self.load.o, reader.i)
        connect(m, self.fill.tile_freed, reader.tile_freed)
        connect(m, self.drain.scales_freed, reader.scales_freed)
        connect(m, reader.stored_run, self.writer.stored_run)
        connect(m, reader.l2, buffer.load)
        connect(m, reader.scales, path.scales)
        if self.accelerator.table:
            connect(m, reader.table, path.table)
        if self.accelerator.residual:
            m.d.comb += reader.output_tile_drained.give.eq(self.drain.tile_drained.give)

    def _connect_fill(self, m: Module) -> None:
        fill, weights, inputs, buffer = self.fill, self.weights, self.inputs, self.buffer
        connect(m, self.reader.tile_loaded, fill.tile_loaded)
        connect(m, fill.weights, weights.step)
        connect(m, fill.inputs, inputs.step)
        connect(m, weights.read, buffer.weights)
        connect(m, inputs.read, buffer.inputs)

    def _connect_compute(self, m: Module) -> None:
        compute, fill, array = self.compute, self.fill, self.array
        connect(m, fill.o, compute.i)
        connect(m, compute.step_computed, fill.step_computed)
        connect(m, compute.multiplication, array.multiplication)
        connect(m, self.weights.delivery, array.weights)
        connect(m, self.inputs.delivery, array.inputs)

    def _connect_drain(self, m: Module) -> None:
        drain, path, array, buffer = self.drain, self.path, self.array, self.buffer
        connect(m, self.writer.tile_stored, drain.tile_stored)
        connect(m, self.reader.output_tile_loaded, drain.output_tile_loaded)
        connect(m, self.compute.run_computed, drain.run_computed)
        connect(m, drain.run_drained, self.compute.run_drained)
        connect(m, drain.o, path.i)
        connect(m, path.accumulators, array.drain)
        connect(m, path.partial_sums, buffer.partial_sums)
        if self.accelerator.residual:
            connect(m, path.residual, buffer.residual)
        connect(m, path.write, buffer.drain)

    def _connect_store(self, m: Module) -> None:
        store, writer, buffer = self.store, self.writer, self.buffer
        connect(m, store.o, writer.i)
        connect(m, self.drain.tile_drained, writer.tile_drained)
        connect(m, writer.l2, buffer.store)
        m.d.comb += self.controller.layer_done.eq(
            store.exhausted & writer.settled & self.reader.quiet
        )

    def _probe_events(self, m: Module) -> None:
        """Strobes that a simulation logs."""
        start = Signal(name="probe_start")
        probe = Signal(len(EVENTS), name="probe_events")
        events = data.View(data.StructLayout(dict.fromkeys(EVENTS, 1)), probe)
        m.d.comb += [
            start.eq(self.registers.command.start),
            events.layer.eq(self.controller.go),
            events.load_end.eq(self.reader.transfer_done),
            events.fill_start.eq(self.fill.started),
            events.fill_end.eq(self.fill.o.valid),
            events.compute_start.eq(self.compute.started),
            events.compute_end.eq(self.compute.step_computed.give),
            events.drain_start.eq(self.drain.started),
            events.drain_end.eq(self.drain.run_drained.give),
            events.store_end.eq(self.writer.tile_stored.give),
        ]

    def _probe_memories(self, m: Module) -> None:
        """Accesses that a simulation counts; the counters count those of L2."""
        buffer = self.buffer
        ports = l2_ports(self.accelerator)
        probe = Signal(len(ports), name="probe_l2")
        l2 = data.View(data.StructLayout(dict.fromkeys(ports, 1)), probe)
        m.d.comb += [
            l2.weights.eq(buffer.weights.enable),
            l2.inputs.eq(buffer.inputs.enable),
            l2.sums.eq(buffer.partial_sums.enable),
            l2.store.eq(buffer.store.enable),
            l2.load.eq(buffer.load.enable.any()),
            l2.drain.eq(buffer.drain.enable.any()),
            self.counters.l2.eq(l2),
        ]
        if self.accelerator.residual:
            m.d.comb += l2.residual.eq(buffer.residual.enable)
        for name in ARRAY_ACCESSES:
            accesses = getattr(self.array, name)
            m.d.comb += Signal(accesses.shape(), name=f"probe_{name}").eq(accesses)
