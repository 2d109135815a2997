"""The rules of AXI4 at the port to memory.

All signals of the port are driven by `DramMaster`, with the reader and the writer before it. What
feeds them is replaced by free values: engines, array, memories and every field of a descriptor. So
the rules hold for any program, a damaged one too.
"""

from typing import Any

from amaranth.asserts import AnyConst, AnySeq
from amaranth.hdl import Assert, Assume, Cat, Module, Mux, Signal, Value
from amaranth.lib.wiring import connect
from handshakes import fixed, free, holds, is_offered, promises
from prover import Opened, Proof, built, faults

import naas_hw.rtl.control.dram_master as dram_master
import naas_hw.rtl.engines.reader as reader
import naas_hw.rtl.engines.writer as writer
import naas_hw.rtl.primitives.bursts as bursts
from naas_hw.arch import timing
from naas_hw.compiler.fields import BOUND_BITS
from naas_hw.rtl.primitives.transfer import LoadTransfer, StoreTransfer

BEAT_BYTES = 4
WRITER_CYCLES = 26
PAGE_BYTES = 4096
SLICE = 2
"""Addresses that the register at the bus holds at most."""


def master_design() -> Module:
    """The port to memory, with free values instead of all that reads and writes through it."""
    m = Module()
    component = dram_master.DramMaster(beat_bytes=BEAT_BYTES)
    m.submodules.dut = dut = Opened(built(component))
    free_surroundings(m, component)
    descriptors, load, store = component.descriptors, component.load, component.store
    for requests in (descriptors.ar, load.ar, store.aw):
        free(m, requests.valid, requests.address, requests.length)
        m.d.comb += Assume(~requests.valid | fits(requests.address, requests.length))
    w = store.w
    free(m, descriptors.r.ready, w.valid, w.data, w.strobe, w.last)
    promises(m, "store", w.valid, w.ready, Cat(w.data, w.strobe, w.last))
    bus = component.m_axi
    port_rules(m, bus)
    read = (descriptors.ar.valid | load.ar.valid) & load.ar.ready
    written = store.aw.valid & store.aw.ready
    m.d.comb += Assert(bus.w.valid == w.valid)
    held = is_offered(m, "ar", bus.ar.valid, bus.ar.ready, read, SLICE)
    why_slice(m, dut, "read_addresses", held)
    held = is_offered(m, "aw", bus.aw.valid, bus.aw.ready, written, SLICE)
    why_slice(m, dut, "write_addresses", held)
    return m


def fits(address: Value, length: Value) -> Value:
    """Whether a burst crosses no multiple of 4 KiB; address and length are counted in beats."""
    page_beats = PAGE_BYTES // BEAT_BYTES
    return address[: (page_beats - 1).bit_length()] + length + 1 <= page_beats


def why_slice(m: Module, dut: Opened, name: str, num_held: Signal) -> None:
    """The bursts in a register slice keep the rule, so that it holds by induction."""
    beat_bits = (BEAT_BYTES - 1).bit_length()
    valid, keeps = dut[f"{name}.valid"], dut[f"{name}.keeps"]
    m.d.comb += Assert(dut[f"{name}.takes"] == ~keeps)
    m.d.comb += Assert(num_held == valid + keeps)
    m.d.comb += Assert(~keeps | valid)
    for held, word in ((valid, "payload"), (keeps, "spare")):
        burst = dram_master.OFFERED_BURST(dut[f"{name}.{word}"])
        m.d.comb += Assert(~held | fits(burst.offset[beat_bits:], burst.length))
        m.d.comb += Assert(~held | (burst.offset[:beat_bits] == 0))


def reader_design() -> Module:
    """The reader, with free values for transfers, fields, credits and the memory behind it."""
    m = Module()
    component = reader.Reader(beat_bytes=BEAT_BYTES)
    m.submodules.dut = dut = Opened(built(component))
    ar, r = component.dram.ar, component.dram.r
    free_reader(m, component, any_halt(m), BOUND_BITS)
    free(m, component.stored_run.stored, ar.ready, r.valid, r.data, r.error)
    missing = Signal(reader.OUTSTANDING_BITS + 1)  # beats that were asked for and have not come
    asked = Signal(range(257))
    m.d.comb += asked.eq((ar.length + 1) & (ar.valid & ar.ready).replicate(9))
    m.d.sync += missing.eq(missing + asked - r.valid)
    m.d.comb += [
        Assume(~r.valid | (missing != 0)),  # a beat comes when it was asked for, and not before
        Assert(missing <= reader.MOST_OUTSTANDING),
        Assert(~component.quiet | (missing == 0)),
        Assert(~ar.valid | fits(ar.address, ar.length)),
        Assert(r.ready),
        # why
        Assert(dut["outstanding"] == missing),
        Assert(dut["holds"] | (missing < timing.READ_AHEAD_BEATS + 256)),
    ]
    why_loads(m, dut)
    return m


def why_loads(m: Module, dut: Opened) -> None:
    """No run of a reader on its way to the bus is empty."""
    following = LoadTransfer(dut["following"])
    m.d.comb += [
        Assert(~dut["following_valid"] | (following.columns != 0)),
        Assert(~dut["requesting"] | (dut["beats"] != 0)),
    ]
    _why_runs(m, dut)


def why_stores(m: Module, dut: Opened) -> None:
    """No run of a writer on its way to the bus is empty."""
    transfer = StoreTransfer(dut["transfer"])
    m.d.comb += Assert(~(dut["addressing"] | dut["waiting"]) | (transfer.columns != 0))
    _why_runs(m, dut)


def _has_beats(run: Any) -> Value:
    """Whether a run ends behind its first beat, and has no more beats than there can be."""
    beats = run.end - bursts.cut_offset(run.address, beat_bytes=BEAT_BYTES)
    return (beats > 0) & (beats < 1 << bursts.RUN_BEATS_BITS)


def _why_runs(m: Module, dut: Opened) -> None:
    """No run between an engine and its splitter is empty, and that knows the next border."""
    limit = bursts.burst_beats(BEAT_BYTES)
    rest = bursts.Run(dut["splitter.rest"])
    offset = bursts.cut_offset(rest.address, beat_bytes=BEAT_BYTES)
    valid, keeps = dut["cut_runs.valid"], dut["cut_runs.keeps"]
    spare, payload = (bursts.Run(dut[f"cut_runs.{name}"]) for name in ("spare", "payload"))
    m.d.comb += [
        Assert(dut["cut_runs.takes"] == ~keeps),
        Assert(~keeps | (valid & _has_beats(spare))),
        Assert(~valid | _has_beats(payload)),
    ]
    with m.If(dut["splitter.o__valid"]):
        m.d.comb += [
            Assert(_has_beats(rest)),
            Assert(dut["splitter.ends"] == (rest.end <= limit)),
            Assert(dut["splitter.length"] == Mux(rest.end <= limit, rest.end, limit) - offset - 1),
        ]


def responses_design() -> Module:
    """The writer, with free values for everything around it: bursts without a response."""
    m = Module()
    component = writer.Writer(beat_bytes=BEAT_BYTES)
    m.submodules.dut = dut = Opened(built(component))
    free_writer(m, component, any_halt(m), BOUND_BITS)
    free(m, component.stored_run.ask, component.stored_run.output_run)
    aw, w, b = component.dram.aw, component.dram.w, component.dram.b
    missing = Signal(writer.BURST_BITS + 1)  # bursts that were offered and have no response
    m.d.sync += missing.eq(missing + (aw.valid & aw.ready) - b.valid)
    m.d.comb += [
        *(port.eq(AnySeq(1)) for port in (aw.ready, w.ready, b.valid)),
        Assume(~b.valid | (missing != 0)),
        Assert(missing <= writer.MOST_UNANSWERED),
        Assert(~(component.quiet | component.settled) | (missing == 0)),
        Assert(b.ready),
        # why
        Assert(dut["outstanding"] == missing),
        Assert(dut["holds"] | (missing <= timing.WRITE_AHEAD_BURSTS)),
    ]
    return m


def writer_design() -> Module:
    """The writer at the port, with free values for transfers, words of L2, fields and credits."""
    m = Module()
    master = dram_master.DramMaster(beat_bytes=BEAT_BYTES)
    component = writer.Writer(beat_bytes=BEAT_BYTES, extent_bits=BOUND_BITS)
    m.submodules.master = Opened(built(master))
    m.submodules.writer = dut = Opened(built(component))
    free_writer(m, component, any_halt(m), BOUND_BITS)
    free(m, component.stored_run.ask, component.stored_run.output_run)
    connect(m, component.dram, master.store)
    bus = master.m_axi
    free_surroundings(m, master)
    port_rules(m, bus)
    write_rules(m, bus)
    beats_are_offered(m, bus, component, dut)
    return m


def any_halt(m: Module) -> Signal:
    """A halt at any time, which lasts."""
    halt = Signal()
    m.d.sync += halt.eq(halt | AnySeq(1))
    return halt


def free_reader(m: Module, component: reader.Reader, halt: Value, extent_bits: int) -> None:
    """Let all in front of a reader be free; extents have so many bits, and none is zero."""
    m.d.comb += component.halt.eq(halt)
    free(m, component.i.valid, component.i.payload)
    free(m, component.tile_freed.give, component.scales_freed.give)
    fixed(m, *(getattr(component.fields, name) for name in reader.FIELDS))
    _extents(m, component.i.payload, extent_bits)


def free_writer(
    m: Module,
    component: writer.Writer,
    halt: Value,
    extent_bits: int,
    flushed: Value | int = 0,
) -> None:
    """Let all in front of a writer be free; extents have so many bits, and none is zero."""
    m.d.comb += component.halt.eq(halt)
    free(m, component.i.valid, component.i.payload, component.l2.data)
    fixed(m, component.first_block, component.last_block)
    fixed(m, *(getattr(component.fields, name) for name in writer.FIELDS))
    _extents(m, component.i.payload, extent_bits)
    _credits(m, component, flushed)


def _extents(m: Module, transfer: Any, bits: int) -> None:
    for extent in (transfer.blocks, transfer.rows, transfer.columns):
        m.d.comb += Assume((extent != 0) & (extent < 1 << bits))


def free_surroundings(m: Module, master: dram_master.DramMaster) -> None:
    """Let the memory behind a port be free, and the addresses to which it adds."""
    bus = master.m_axi
    fixed(m, master.window, master.base)
    free(m, bus.aw.ready, bus.w.ready, bus.ar.ready)
    free(m, bus.r.id, bus.r.valid, bus.r.data, bus.r.resp, bus.r.last)
    free(m, bus.b.id, bus.b.valid, bus.b.resp)


def port_rules(m: Module, bus: Any) -> None:
    """VALID is held, and what it offers; no burst crosses 4 KiB; what comes is taken at once."""
    for name in ("aw", "ar"):
        channel = getattr(bus, name)
        payload = Cat(channel.addr, channel.len, channel.size, channel.burst, channel.cache)
        holds(m, name, channel.valid, channel.ready, payload)
        end = channel.addr[:12] + (channel.len + 1) * BEAT_BYTES
        m.d.comb += Assert(~channel.valid | (end <= PAGE_BYTES))
    w = bus.w
    holds(m, "w", w.valid, w.ready, Cat(w.data, w.strb, w.last))
    m.d.comb += [Assert(bus.r.ready), Assert(bus.b.ready)]


def _credits(m: Module, component: writer.Writer, flushed: Value | int) -> None:
    """A tile is drained before it is stored, and as few are there as the counter holds."""
    there = Signal(5)
    give = component.tile_drained.give
    m.d.comb += [give.eq(AnySeq(1)), Assume(~give | (there < 2))]
    m.d.sync += there.eq(there + give - (component.i.valid & component.i.ready))
    with m.If(flushed):
        m.d.sync += there.eq(0)


def beats_are_offered(
    m: Module, bus: Any, component: writer.Writer, dut: Opened, flushed: Value | int = 0
) -> None:
    """VALID of addresses and beats is high exactly while there is one, whatever READY is.

    A beat is there if a burst is, and its word has come from L2, or its data are dropped.
    """
    aw, w, l2 = component.dram.aw, bus.w, component.l2
    announced = aw.valid & aw.ready
    is_offered(m, "aw", bus.aw.valid, bus.aw.ready, announced, SLICE)
    coming = Signal(timing.L2_LATENCY)
    m.d.sync += coming.eq(Cat(l2.enable, coming))
    num_bursts, num_words = Signal(6), Signal(6)
    sent = w.valid & w.ready
    m.d.sync += [
        num_bursts.eq(num_bursts + announced - (sent & w.last)),
        num_words.eq(num_words + coming[-1] - sent),
    ]
    with m.If(flushed):
        m.d.sync += [coming.eq(0), num_bursts.eq(0), num_words.eq(0)]
    is_there = (num_bursts != 0) & ((num_words != 0) | dut["dropping"])
    m.d.comb += Assert(w.valid == is_there)


def write_rules(m: Module, bus: Any) -> None:
    """Bursts have as many beats as their address said."""
    aw, w, b = bus.aw, bus.w, bus.b
    addressed, ended, answered = Signal(6), Signal(6), Signal(6)
    accepted, ends = aw.valid & aw.ready, w.valid & w.ready & w.last
    m.d.sync += [
        addressed.eq(addressed + accepted),
        ended.eq(ended + ends),
        answered.eq(answered + b.valid),
    ]
    # a response comes when address and data were accepted
    m.d.comb += Assume(~b.valid | ((answered != addressed) & (answered != ended)))
    which = AnyConst(6)  # any burst: as many beats as its address said
    length, beat = Signal(8), Signal(9)
    has_length = Signal()
    with m.If(accepted & (addressed == which)):
        m.d.sync += [length.eq(aw.len), has_length.eq(1)]
    with m.If(w.valid & w.ready & (ended == which)):
        m.d.sync += beat.eq(beat + 1)
    is_here = aw.valid & (addressed == which)
    with m.If(w.valid & (ended == which)):
        m.d.comb += Assert(~has_length | (w.last == (beat == length)))
        m.d.comb += Assert(has_length | ~is_here | (w.last == (beat == aw.len)))


OFFER = "connect(m, part_of(addresses.o, *HANDSHAKE), part_of(channel, *HANDSHAKE))"
BEATS = "connect(m, part_of(store.w, *beat), part_of(bus.w, *beat))"
SIZES = f"beats of {BEAT_BYTES} bytes"


PROOFS = (
    Proof(
        name="AXI4, port to memory",
        says="An address is offered exactly while one is held, whatever READY is, and stays until "
        "it is accepted, even if the engines withdraw their requests; what crosses no 4 KiB before "
        "the base is added crosses none after; a beat is offered exactly while the writer offers "
        "it; beats and responses are accepted at once.",
        sizes=SIZES,
        design=master_design,
        depth=6,
        by_induction=True,
        mutants=(
            *faults(
                "primitives.register_slice",
                (
                    "an address is replaced before it is accepted",
                    "moves.eq(~valid | self.o.ready)",
                    "moves.eq(1)",
                ),
            ),
            *faults(
                "control.dram_master",
                ("a beat is not accepted at once", "bus.ready.eq(1)", "bus.ready.eq(bus.valid)"),
                (
                    "VALID of an address waits for READY",
                    OFFER,
                    "m.d.comb += [addresses.o.ready.eq(channel.ready), "
                    "channel.valid.eq(addresses.o.valid & channel.ready)]",
                ),
                (
                    "VALID of a beat waits for READY",
                    BEATS,
                    f"{BEATS}; m.d.comb += bus.w.valid.eq(store.w.valid & bus.w.ready)",
                ),
                (
                    "the base is added to the low bits as well",
                    "return Cat(offset[:PAGE_BITS], block)",
                    "return Cat((offset + self.base)[:PAGE_BITS], block)",
                ),
            ),
        ),
    ),
    Proof(
        name="AXI4, reads of the engines",
        says=f"At most {reader.MOST_OUTSTANDING} beats are requested and have not come; no request "
        "crosses 4 KiB; if the reader signals that it is quiet, all beats have come.",
        sizes=f"{SIZES}, extents of 1 to {(1 << BOUND_BITS) - 1}, no options",
        design=reader_design,
        depth=16,
        by_induction=True,
        mutants=(
            *faults(
                "engines.reader",
                (
                    "there is no limit",
                    "holds.eq(self.halt | (outstanding >= timing.READ_AHEAD_BEATS))",
                    "holds.eq(self.halt)",
                ),
                (
                    "beats that come are not counted",
                    "one_less = ~asked & r.valid",
                    "one_less = asked & r.valid",
                ),
                (
                    "quiet overlooks an address that is offered",
                    "self.quiet.eq(~ar.valid & (outstanding == 0))",
                    "self.quiet.eq(outstanding == 0)",
                ),
            ),
            *faults(
                "primitives.bursts",
                (
                    "the first burst of a run is not cut",
                    "run.end, 1, ",
                    "run.end, 2, ",
                ),
            ),
        ),
    ),
    Proof(
        name="AXI4, responses",
        says=f"At most {writer.MOST_UNANSWERED} bursts have no response; if the writer signals "
        "that it is quiet or settled, all have one.",
        sizes=f"{SIZES}, extents of 1 to {(1 << BOUND_BITS) - 1}, pixels side by side",
        design=responses_design,
        depth=24,
        by_induction=True,
        mutants=faults(
            "engines.writer",
            (
                "only the last burst is counted",
                "outstanding.eq(outstanding + accepted - b.valid)",
                "outstanding.eq(accepted)",
            ),
            (
                "quiet overlooks responses",
                "~bursts.o.valid & (outstanding == 0)),",
                "~bursts.o.valid),",
            ),
        ),
    ),
    Proof(
        name="AXI4, writes",
        says="Bursts cross no 4 KiB and have as many beats as their address announced; addresses "
        "and beats are offered exactly while there is one, whatever READY is, and stay until they "
        "are accepted, also while the core is halted.",
        sizes=f"{SIZES}, extents of 1 to {(1 << BOUND_BITS) - 1}, pixels side by side",
        design=writer_design,
        depth=WRITER_CYCLES,
        by_induction=False,
        mutants=faults(
            "engines.writer",
            (
                "LAST marks the first beat",
                "w.last.eq(position == bursts.o.payload.length)",
                "w.last.eq(position == 0)",
            ),
            (
                "a halt changes a beat that is offered",
                "with m.If(self.halt & (~w.valid | w.ready)):",
                "with m.If(self.halt):",
            ),
            (
                "VALID of a beat waits for READY",
                "w.valid.eq(bursts.o.valid & (beats.o.valid | dropping))",
                "w.valid.eq(bursts.o.valid & (beats.o.valid | dropping) & w.ready)",
            ),
        ),
    ),
)
