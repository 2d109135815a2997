"""Reader, writer and port to memory together, with descriptors read in between and flushes.

The controller is replaced by the order in which it does things: a descriptor is read, a layer runs
and ends or is halted, then the engines are flushed. All else is free: when it does so, the
planners, the array, L2, the fields of a descriptor and the memory.
"""

from typing import Any

from amaranth.asserts import AnyConst, AnySeq
from amaranth.hdl import Assert, Assume, Module, Mux, ResetInserter, Signal, Value
from amaranth.lib.wiring import connect
from axi import (
    BEAT_BYTES,
    SIZES,
    SLICE,
    beats_are_offered,
    free_reader,
    free_surroundings,
    free_writer,
    port_rules,
    why_loads,
    why_slice,
    why_stores,
    write_rules,
)
from handshakes import is_offered
from prover import Opened, Proof, built, faults

import naas_hw.rtl.control.dram_master as dram_master
import naas_hw.rtl.engines.reader as reader
import naas_hw.rtl.engines.writer as writer
from naas_hw.arch import timing
from naas_hw.compiler.fields import BOUND_BITS
from naas_hw.compiler.layout import SLOT_BYTES

CYCLES = 18
"""The first beat of a write is offered later, in the 21st cycle."""
SLOT_BEATS = SLOT_BYTES // BEAT_BYTES
MOST_DESCRIPTOR_BEATS = 256
"""A descriptor is one burst."""

PENDING = ("following_valid", "requesting", "cut_runs.valid", "splitter.o__valid")
"""Registers of a reader that say that it has something to ask for."""


class ControllerOrder:
    """What a controller may do when: free, but for the order.

    Parameters
    ----------
    quiet : reader and writer are.
    finished : all work of a layer is done, if the planners have given all.
    """

    def __init__(self, m: Module, descriptors: Any, quiet: Value, finished: Value) -> None:
        self.in_layer = Signal()
        self.halt = Signal()
        self.flushed = Signal()
        self.finishes = Signal()
        expired, halted, flush, fetching = Signal(), Signal(), Signal(), Signal()
        ends = Signal()
        left = Signal(range(MOST_DESCRIPTOR_BEATS + 1))
        begins, goes = AnySeq(1), AnySeq(1)
        ar, r = descriptors.ar, descriptors.r
        length = AnyConst(len(ar.length))
        is_idle = ~self.in_layer & ~fetching
        m.d.comb += [
            Assume(length < SLOT_BEATS),
            ar.length.eq(length),
            r.ready.eq(fetching),
            self.finishes.eq(self.in_layer & ~expired & finished & AnySeq(1)),
            ends.eq(self.finishes | (halted & quiet)),
        ]
        m.d.sync += [
            expired.eq(self.in_layer & (expired | AnySeq(1))),
            self.halt.eq(self.in_layer & expired),
            halted.eq(self.in_layer & self.halt & ~ends),
            flush.eq(ends),
            self.flushed.eq(flush),
        ]
        with m.If(is_idle & begins):
            slot = AnySeq(len(ar.address) - (SLOT_BEATS - 1).bit_length())
            m.d.sync += [
                ar.valid.eq(1),
                fetching.eq(1),
                left.eq(length + 1),
                ar.address.eq(slot << (SLOT_BEATS - 1).bit_length()),
            ]
        with m.Elif(ar.ready):
            m.d.sync += ar.valid.eq(0)
        with m.If(r.valid & fetching):
            m.d.sync += left.eq(left - 1)
            with m.If(left == 1):
                m.d.sync += fetching.eq(0)
        with m.If(is_idle & ~begins & goes & ~flush & ~self.flushed):
            m.d.sync += self.in_layer.eq(1)
        with m.Elif(ends):
            m.d.sync += self.in_layer.eq(0)


def shared_port_design() -> Module:
    """The port, and all that reads and writes through it."""
    m = Module()
    master = dram_master.DramMaster(beat_bytes=BEAT_BYTES)
    loads = reader.Reader(beat_bytes=BEAT_BYTES, extent_bits=BOUND_BITS)
    stores = writer.Writer(beat_bytes=BEAT_BYTES, extent_bits=BOUND_BITS)
    loads_dut, stores_dut = Opened(built(loads)), Opened(built(stores))
    free_surroundings(m, master)
    controller = ControllerOrder(
        m, master.descriptors, loads.quiet & stores.quiet, loads.quiet & stores.settled
    )
    m.submodules.master = master_dut = Opened(built(master))
    m.submodules.reader = ResetInserter(controller.flushed)(loads_dut)
    m.submodules.writer = ResetInserter(controller.flushed)(stores_dut)
    connect(m, loads.dram, master.load)
    connect(m, stores.dram, master.store)
    connect(m, loads.stored_run, stores.stored_run)
    free_reader(m, loads, controller.halt, BOUND_BITS)
    free_writer(m, stores, controller.halt, BOUND_BITS, controller.flushed)
    _planners(m, controller, loads, stores, loads_dut)
    bus = master.m_axi
    port_rules(m, bus)
    write_rules(m, bus)
    beats_are_offered(m, bus, stores, stores_dut, controller.flushed)
    _reads(m, master, loads.quiet, master_dut, loads_dut)
    # why
    why_loads(m, loads_dut)
    why_stores(m, stores_dut)
    return m


def _planners(
    m: Module, controller: ControllerOrder, loads: Any, stores: Any, loads_dut: Opened
) -> None:
    """Transfers come in layers only, and a layer that finishes has loaded what was planned."""
    pending = [loads_dut[name] for name in PENDING]
    m.d.comb += [
        Assume(~(loads.i.valid | stores.i.valid) | controller.in_layer),
        Assume(~controller.finishes | ~(loads.i.valid | stores.i.valid)),
    ]
    for one in pending:
        m.d.comb += Assume(~controller.finishes | ~one)


def _reads(
    m: Module,
    master: dram_master.DramMaster,
    quiet: Value,
    master_dut: Opened,
    loads_dut: Opened,
) -> None:
    """Beats go to whoever asked for them, and no more than allowed are missing at a time."""
    bus, descriptors, load = master.m_axi, master.descriptors, master.load
    bits = reader.OUTSTANDING_BITS + 1
    missing, for_descriptors, for_load = Signal(bits), Signal(bits), Signal(bits)
    is_for_load = bus.r.valid & (for_descriptors == 0)
    is_for_descriptors = bus.r.valid & (for_descriptors != 0)
    had_load, had_descriptors = Signal(), Signal()
    m.d.sync += [
        missing.eq(missing + _asked(bus.ar, bus.ar.len) - bus.r.valid),
        for_descriptors.eq(
            for_descriptors + _asked(descriptors.ar, descriptors.ar.length) - is_for_descriptors
        ),
        for_load.eq(for_load + _asked(load.ar, load.ar.length) - is_for_load),
        had_load.eq(is_for_load),
        had_descriptors.eq(is_for_descriptors),
    ]
    slots = descriptors.ar.valid | load.ar.valid
    held = is_offered(m, "ar", bus.ar.valid, bus.ar.ready, slots & load.ar.ready, SLICE)
    m.d.comb += [
        Assume(~bus.r.valid | (missing != 0)),
        Assert(missing <= reader.MOST_OUTSTANDING),
        Assert((for_descriptors == 0) | (for_load == 0)),
        Assert(~(descriptors.ar.valid & load.ar.valid)),
        Assert(load.r.valid == had_load),
        Assert(descriptors.r.valid == had_descriptors),
        Assert(~quiet | (for_load == 0)),
        # why
        Assert(missing + _held_beats(master_dut) == for_descriptors + for_load),
        Assert(loads_dut["outstanding"] == for_load + had_load),
        Assert(for_load + had_load <= reader.MOST_OUTSTANDING),
        Assert(loads_dut["holds"] | (for_load + had_load < timing.READ_AHEAD_BEATS + 256)),
        Assert(for_descriptors <= MOST_DESCRIPTOR_BEATS),
    ]
    why_slice(m, master_dut, "read_addresses", held)


def _held_beats(master_dut: Opened) -> Value:
    """Beats of the addresses in the register before the bus."""
    names = {"valid": "payload", "keeps": "spare"}
    bursts = (
        Mux(
            master_dut[f"read_addresses.{flag}"],
            dram_master.OFFERED_BURST(master_dut[f"read_addresses.{word}"]).length + 1,
            0,
        )
        for flag, word in names.items()
    )
    return sum(bursts, Value.cast(0))


def _asked(ar: Any, length: Value) -> Value:
    """Beats that an address asks for in the cycle in which it is accepted."""
    return Mux(ar.valid & ar.ready, length + 1, 0)


PROOFS = (
    Proof(
        name="AXI4, whole port",
        says="With reader, writer and descriptors that are read between layers, over flushes and "
        "halts: the rules of addresses of the rows above; no descriptor is read while beats of the "
        "reader are missing; a beat goes to whoever asked for it; at most "
        f"{reader.MOST_OUTSTANDING} beats, with those of a descriptor, are missing at the bus.",
        sizes=f"{SIZES}, extents of 1 to {(1 << BOUND_BITS) - 1}, no options; any descriptor of "
        f"up to {MOST_DESCRIPTOR_BEATS} beats",
        design=shared_port_design,
        depth=CYCLES,
        by_induction=False,
        mutants=(
            *faults(
                "control.dram_master",
                (
                    "the reader takes the beats of a descriptor",
                    "load.valid.eq(bus.valid & ~descriptors.ready)",
                    "load.valid.eq(bus.valid)",
                ),
                (
                    "a descriptor has the length of a load",
                    "length.eq(Mux(descriptors.valid, descriptors.length, load.length))",
                    "length.eq(load.length)",
                ),
            ),
            *faults(
                "engines.reader",
                (
                    "quiet overlooks beats that have not come",
                    "self.quiet.eq(~ar.valid & (outstanding == 0))",
                    "self.quiet.eq(~ar.valid)",
                ),
            ),
        ),
    ),
)
