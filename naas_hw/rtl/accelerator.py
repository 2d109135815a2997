"""The top of the hardware: five engines in a row, L2, the array, and the bus."""

from typing import Any, Final

from amaranth.hdl import (
    Cat,
    ClockDomain,
    ClockSignal,
    Const,
    DomainRenamer,
    Module,
    Mux,
    ResetSignal,
    Signal,
)
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from naas_hw.arch import timing
from naas_hw.arch.accelerator import REDUCTION_DIMS, Accelerator
from naas_hw.compiler.layout import DRAM_BITS, SLOT_BYTES, descriptor_beats
from naas_hw.rtl.array.input_network import InputNetwork
from naas_hw.rtl.array.pe_array import PEArray
from naas_hw.rtl.array.weight_network import WeightNetwork
from naas_hw.rtl.control.controller import Controller
from naas_hw.rtl.control.counters import COUNTERS, L2_PORTS, Counters
from naas_hw.rtl.control.registers import AxiLiteRegisters, axi_lite_members
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
from naas_hw.rtl.primitives.config import ConfigRegister
from naas_hw.rtl.primitives.positions import positions

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

IDENTITY: Final = 0x4E41_4153
INCREMENTING: Final = 0b01
CACHEABLE: Final = 0b0011


def axi_members(beat_bytes: int) -> dict[str, wiring.Member]:
    """The AXI4 master."""
    address = {
        "id": Out(1),
        "addr": Out(64),
        "len": Out(8),
        "size": Out(3),
        "burst": Out(2),
        "lock": Out(1),
        "cache": Out(4),
        "prot": Out(3),
        "valid": Out(1),
        "ready": In(1),
    }
    found = {f"m_axi_{channel}{name}": m for channel in ("aw", "ar") for name, m in address.items()}
    return {
        **found,
        "m_axi_wdata": Out(8 * beat_bytes),
        "m_axi_wstrb": Out(beat_bytes),
        "m_axi_wlast": Out(1),
        "m_axi_wvalid": Out(1),
        "m_axi_wready": In(1),
        "m_axi_bid": In(1),
        "m_axi_bresp": In(2),
        "m_axi_bvalid": In(1),
        "m_axi_bready": Out(1),
        "m_axi_rid": In(1),
        "m_axi_rdata": In(8 * beat_bytes),
        "m_axi_rresp": In(2),
        "m_axi_rlast": In(1),
        "m_axi_rvalid": In(1),
        "m_axi_rready": Out(1),
    }


class AcceleratorTop(wiring.Component):
    """A complete accelerator: AXI4 master for data, AXI4-Lite slave for registers, interrupt.

    Parameters
    ----------
    accelerator : what to build.
    digest : 64 bits that tell this build from others; its low half has to stand in every
        descriptor.
    """

    def __init__(self, accelerator: Accelerator, *, digest: int = 0) -> None:
        self.accelerator = accelerator
        self.digest = digest
        super().__init__(
            {**axi_lite_members(), **axi_members(accelerator.beat_bytes), "interrupt": Out(1)}
        )

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        self._instantiate(m)
        engines = (
            self.controller,
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
        for engine in engines:
            names = engine.fields.signature.names
            wiring.connect(m, self.config.fields.select(names), engine.fields)
        for engine in engines[1:]:
            if "go" in engine.signature.members:
                m.d.comb += engine.go.eq(self.controller.go)
        self._connect_registers(m)
        self._connect_bus(m)
        self._connect_load(m)
        self._connect_fill(m)
        self._connect_compute(m)
        self._connect_drain(m)
        self._connect_store(m)
        self._probe(m)
        return m

    def _instantiate(self, m: Module) -> None:
        a = self.accelerator
        beat = a.beat_bytes
        num_reduced = len(positions(a, REDUCTION_DIMS))
        m.submodules.registers = self.registers = AxiLiteRegisters(
            identity=IDENTITY, digest=self.digest, counters=COUNTERS
        )
        m.submodules.controller = self.controller = Controller(
            a, identity=self.digest & 0xFFFF_FFFF
        )
        m.submodules.config = self.config = ConfigRegister(beat_bytes=beat)
        m.submodules.counters = self.counters = Counters()
        m.submodules.watchdog = self.watchdog = Watchdog()
        self.buffer = GlobalBuffer(a)
        self.load = LoadPlanner(scale_half_words=a.scale_depth // a.drain_lanes)
        self.reader = Reader(beat_bytes=beat)
        self.fill = Fill(beat_bytes=beat)
        self.weights = WeightNetwork(
            beat_bytes=beat,
            lanes=a.weight_network_lanes,
            half_words=a.weight_buffer_bytes // (2 * a.weight_word_bytes),
        )
        self.inputs = InputNetwork(
            beat_bytes=beat,
            conv_lanes=a.input_network_lanes,
            depthwise_lanes=a.depthwise_network_lanes,
            replicate_conv=not a.has("C"),
            replicate_depthwise=not a.has("C") and not a.has("K"),
            half_bytes=a.input_buffer_bytes // 2,
        )
        self.compute = Compute(
            half_weight_bytes=a.weight_buffer_bytes // 2,
            half_input_bytes=a.input_buffer_bytes // 2,
            bound_bits=a.pe_bound_bits,
        )
        self.array = PEArray(a)
        self.drain = Drain(
            to_drain=timing.compute_to_drain(num_reduced), bound_bits=a.pe_bound_bits
        )
        self.path = DrainPath(a)
        self.store = StorePlanner()
        self.writer = Writer(beat_bytes=beat)
        self._add_engines(m)

    def _add_engines(self, m: Module) -> None:
        """All that works on a layer, in a domain of its own that a flush resets as well."""
        m.domains.engines = engines = ClockDomain("engines", local=True)
        m.d.comb += [
            engines.clk.eq(ClockSignal()),
            engines.rst.eq(ResetSignal() | self.controller.flush),
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

    def _connect_registers(self, m: Module) -> None:
        registers, controller, counters = self.registers, self.controller, self.counters
        for name in axi_lite_members():
            inside, outside = getattr(registers, name), getattr(self, name)
            flows_in = registers.signature.members[name].flow == In
            m.d.comb += inside.eq(outside) if flows_in else outside.eq(inside)
        slot_bits, beat_bits = (
            n.bit_length() - 1 for n in (SLOT_BYTES, self.accelerator.beat_bytes)
        )
        first_slot = Cat(Const(0, slot_bits - beat_bits), registers.descriptors[slot_bits:32])
        m.d.comb += [
            self.interrupt.eq(registers.interrupt),
            controller.start.eq(registers.start),
            controller.start_while_busy.eq(registers.start_while_busy),
            controller.first_slot.eq(first_slot),
            controller.num_descriptors.eq(registers.num_descriptors),
            registers.busy.eq(controller.busy),
            registers.done.eq(controller.done),
            registers.errors.eq(controller.errors),
            counters.start.eq(registers.start),
            counters.busy.eq(controller.busy),
            counters.go.eq(controller.go),
            counters.in_layer.eq(controller.in_layer),
            counters.computing.eq(self.compute.multiplication.valid),
            counters.waits.eq(self.compute.waits),
            counters.waits_for_drain.eq(self.compute.waits_for_drain),
            counters.has_step.eq(self.compute.has_step),
            counters.fill_waits.eq(self.fill.waits_for_load),
            counters.fill_finished.eq(self.fill.finished),
            counters.drain_waits_for_store.eq(self.drain.waits_for_store),
            counters.drain_waits_for_load.eq(self.drain.waits_for_load),
            counters.drain_busy.eq(self.drain.busy),
            counters.dram_read.eq(self.m_axi_rvalid & self.m_axi_rready),
            counters.dram_write.eq(self.m_axi_wvalid & self.m_axi_wready),
        ]
        m.d.comb += [
            self.watchdog.limit.eq(registers.watchdog),
            self.watchdog.restart.eq(controller.restart_watchdog),
            self.watchdog.busy.eq(controller.busy),
            controller.expired.eq(self.watchdog.expired),
            self.writer.first_block.eq(registers.write_first[-BLOCK_BITS:]),
            self.writer.last_block.eq(registers.write_last[-BLOCK_BITS:]),
        ]
        m.d.comb += [
            registers.counter[i].eq(getattr(counters, name)) for i, name in enumerate(COUNTERS)
        ]

    def _connect_bus(self, m: Module) -> None:
        controller, reader, writer = self.controller, self.reader, self.writer
        beat = self.accelerator.beat_bytes
        beat_bits = beat.bit_length() - 1
        window = self.registers.descriptors[32:]
        read_address = Signal(DRAM_BITS)
        write_address = Signal(DRAM_BITS)
        read_error = (self.m_axi_rresp != 0) & self.m_axi_rvalid & ~controller.fetching
        m.d.comb += [
            read_address.eq(Mux(controller.ar_valid, controller.ar_address, reader.ar_address)),
            write_address.eq(writer.aw_address),
            self.m_axi_arvalid.eq(controller.ar_valid | reader.ar_valid),
            self.m_axi_araddr.eq(Cat((read_address << beat_bits)[:32], window)),
            self.m_axi_arlen.eq(
                Mux(
                    controller.ar_valid,
                    descriptor_beats(self.accelerator) - 1,
                    reader.ar_length,
                )
            ),
            controller.ar_ready.eq(self.m_axi_arready),
            reader.ar_ready.eq(self.m_axi_arready & ~controller.ar_valid),
            controller.r_valid.eq(self.m_axi_rvalid),
            controller.r_error.eq(self.m_axi_rresp != 0),
            controller.r_data.eq(self.m_axi_rdata),
            reader.r_valid.eq(self.m_axi_rvalid & ~controller.fetching),
            self.m_axi_rready.eq(controller.fetching | reader.r_ready),
            self.config.shift.eq(controller.shift),
            self.config.beat.eq(self.m_axi_rdata),
            controller.data_read_error.eq(read_error & reader.r_ready),
            controller.data_write_error.eq((self.m_axi_bresp != 0) & self.m_axi_bvalid),
            controller.write_outside.eq(writer.outside),
            controller.quiet.eq(reader.quiet & writer.quiet),
            reader.halt.eq(controller.halt),
            writer.halt.eq(controller.halt),
            self.m_axi_awvalid.eq(writer.aw_valid),
            self.m_axi_awaddr.eq(Cat((write_address << beat_bits)[:32], window)),
            self.m_axi_awlen.eq(writer.aw_length),
            writer.aw_ready.eq(self.m_axi_awready),
            self.m_axi_wvalid.eq(writer.w_valid),
            self.m_axi_wdata.eq(writer.w_data),
            self.m_axi_wlast.eq(writer.w_last),
            self.m_axi_wstrb.eq(writer.w_strobe.replicate(beat)),
            writer.w_ready.eq(self.m_axi_wready),
            self.m_axi_bready.eq(1),
            writer.b_valid.eq(self.m_axi_bvalid),
        ]
        for channel in ("aw", "ar"):
            m.d.comb += [
                getattr(self, f"m_axi_{channel}size").eq(beat_bits),
                getattr(self, f"m_axi_{channel}burst").eq(INCREMENTING),
                getattr(self, f"m_axi_{channel}cache").eq(CACHEABLE),
            ]

    def _connect_load(self, m: Module) -> None:
        reader, buffer, path = self.reader, self.buffer, self.path
        beat = Signal(8 * self.accelerator.beat_bytes, reset_less=True)
        m.d.sync += beat.eq(self.m_axi_rdata)
        m.d.comb += [
            reader.piece_valid.eq(self.load.o.valid),
            reader.piece.eq(self.load.o.payload),
            self.load.o.ready.eq(reader.piece_pop),
            reader.tile_freed.eq(self.fill.tile_freed.give),
            reader.scales_freed.eq(self.drain.scales_freed.give),
            reader.sums_stored.eq(self.writer.sums_stored),
            self.writer.sums_asked.eq(reader.sums_asked),
            self.writer.sums_run.eq(reader.sums_run),
            buffer.load.enable.eq(reader.write.replicate(self.accelerator.beat_bytes)),
            buffer.load.address.eq(reader.place),
            buffer.load.data.eq(beat),
            path.scale_write.eq(reader.write_scales),
            path.scale_place.eq(reader.place),
            path.scale_data.eq(beat),
        ]

    def _connect_fill(self, m: Module) -> None:
        fill, weights, inputs, buffer = self.fill, self.weights, self.inputs, self.buffer
        m.d.comb += [
            fill.tile_loaded.give.eq(self.reader.filled),
            fill.weights_idle.eq(weights.idle),
            fill.inputs_idle.eq(inputs.idle),
            fill.weights_busy.eq(weights.busy),
            fill.inputs_busy.eq(inputs.busy),
            weights.start.eq(fill.weights_start),
            weights.place.eq(fill.weights_address),
            weights.half.eq(fill.weights_half),
            inputs.start.eq(fill.inputs_start),
            inputs.place.eq(fill.inputs_address),
            inputs.half.eq(fill.inputs_half),
            inputs.row.eq(fill.row),
            inputs.column.eq(fill.column),
        ]
        wiring.connect(m, weights.read, buffer.weights)
        wiring.connect(m, inputs.read, buffer.inputs)

    def _connect_compute(self, m: Module) -> None:
        compute, fill, array = self.compute, self.fill, self.array
        wiring.connect(m, fill.o, compute.i)
        wiring.connect(m, compute.step_computed, fill.step_computed)
        wiring.connect(m, compute.multiplication, array.multiplication)
        wiring.connect(m, self.weights.delivery, array.weights)
        wiring.connect(m, self.inputs.delivery, array.inputs)

    def _connect_drain(self, m: Module) -> None:
        drain, path, array, buffer = self.drain, self.path, self.array, self.buffer
        m.d.comb += [
            drain.tile_stored.give.eq(self.writer.tile_stored),
            drain.partial_sums_loaded.give.eq(self.reader.sums_loaded),
        ]
        wiring.connect(m, self.compute.run_computed, drain.run_computed)
        wiring.connect(m, drain.run_drained, self.compute.run_drained)
        wiring.connect(m, drain.o, path.i)
        wiring.connect(m, path.accumulators, array.drain)
        wiring.connect(m, path.partial_sums, buffer.partial_sums)
        wiring.connect(m, path.write, buffer.drain)

    def _connect_store(self, m: Module) -> None:
        store, writer, buffer = self.store, self.writer, self.buffer
        m.d.comb += [
            writer.piece_valid.eq(store.o.valid),
            writer.piece.eq(store.o.payload),
            store.o.ready.eq(writer.piece_pop),
            writer.tile_drained.eq(self.drain.tile_drained.give),
            self.controller.layer_done.eq(store.exhausted & writer.settled & self.reader.quiet),
        ]
        wiring.connect(m, writer.read, buffer.store)

    def _probe(self, m: Module) -> None:
        """Wires that a simulation looks at; the counters read the L2 ones."""
        array, buffer = self.array, self.buffer
        strobes = {
            "layer": self.controller.go,
            "load_end": self.reader.piece_done,
            "fill_start": self.fill.started,
            "fill_end": self.fill.o.valid,
            "compute_start": self.compute.started,
            "compute_end": self.compute.step_computed.give,
            "drain_start": self.drain.started,
            "drain_end": self.drain.run_drained.give,
            "store_end": self.writer.tile_stored,
        }
        ports = {
            "weights": buffer.weights.enable,
            "inputs": buffer.inputs.enable,
            "sums": buffer.partial_sums.enable,
            "store": buffer.store.enable,
            "load": buffer.load.enable.any(),
            "drain": buffer.drain.enable.any(),
        }
        probes = {
            "probe_start": self.registers.start,
            "probe_events": Cat(strobes[name] for name in EVENTS),
            "probe_l2": Cat(ports[name] for name in L2_PORTS),
            "probe_weight_writes": array.weight_writes,
            "probe_input_writes": array.input_writes,
            "probe_weight_reads": array.weight_reads,
            "probe_input_reads": array.input_reads,
            "probe_macs": array.macs,
            "probe_accumulator_reads": array.accumulator_reads,
            "probe_accumulator_writes": array.accumulator_writes,
        }
        for name, value in probes.items():
            wire = Signal(len(value), name=name)
            m.d.comb += wire.eq(value)
            if name == "probe_l2":
                m.d.comb += self.counters.l2.eq(wire)
