"""The rules of AXI4-Lite at the registers, and of AXI4 at the port to memory.

All signals of the two ports are driven by `AxiLiteWrites` and `AxiLiteReads`, and by `DramMaster`
with the reader and the writer before it. What feeds them is replaced by free values: engines,
array, memories and every field of a descriptor. So the rules hold for any program, a damaged one
too.
"""

from typing import Any

from amaranth.asserts import AnyConst, AnySeq
from amaranth.hdl import Assert, Assume, Cat, Module, Signal, Value
from amaranth.lib.wiring import connect
from mutants import Edit
from prover import Opened, Proof, built

import naas_hw.rtl.control.axi_lite as axi_lite
import naas_hw.rtl.control.dram_master as dram_master
import naas_hw.rtl.engines.reader as reader
import naas_hw.rtl.engines.writer as writer
from naas_hw.arch import timing
from naas_hw.rtl.control.register_map import REGISTERS, register_map
from naas_hw.rtl.primitives.axi import Response

BEAT_BYTES = 4
EXTENT_BITS = 2
WRITER_CYCLES = 26
COUNTERS = ("one", "two")
READ_CYCLES = 4
"""From the address of a register that is no counter to its answer."""


def holds(m: Module, name: str, valid: Value, ready: Value, payload: Value) -> list[Assert]:
    """Once offered, a payload stays as it is until it is taken."""
    was_kept = Signal(name=f"{name}_was_kept")
    before = Signal(len(payload), name=f"{name}_before")
    m.d.sync += [was_kept.eq(valid & ~ready), before.eq(payload)]
    return [Assert(~was_kept | valid), Assert(~was_kept | (payload == before))]


def promises(m: Module, name: str, valid: Value, ready: Value, payload: Value) -> list[Assume]:
    """The same of the other side."""
    was_kept = Signal(name=f"{name}_was_kept")
    before = Signal(len(payload), name=f"{name}_before")
    m.d.sync += [was_kept.eq(valid & ~ready), before.eq(payload)]
    return [Assume(~was_kept | valid), Assume(~was_kept | (payload == before))]


def lite_writes_design() -> Module:
    """Writes of registers: one response each, for the address and data that came."""
    m = Module()
    component = axi_lite.AxiLiteWrites(registers=REGISTERS)
    m.submodules.dut = dut = Opened(built(component))
    aw, w, b = component.aw, component.w, component.b
    m.d.comb += [
        *(port.eq(AnySeq(len(port))) for port in (aw.valid, aw.addr, w.valid, w.data, w.strb)),
        b.ready.eq(AnySeq(1)),
    ]
    m.d.comb += promises(m, "aw", aw.valid, aw.ready, aw.addr)
    m.d.comb += promises(m, "w", w.valid, w.ready, Cat(w.data, w.strb))
    has_address, has_data, waits = Signal(), Signal(), Signal()
    address, written, strobe = Signal.like(aw.addr), Signal.like(w.data), Signal.like(w.strb)
    with m.If(aw.valid & aw.ready):
        m.d.sync += [has_address.eq(1), address.eq(aw.addr)]
    with m.If(w.valid & w.ready):
        m.d.sync += [has_data.eq(1), written.eq(w.data), strobe.eq(w.strb)]
    with m.If(component.fire):
        m.d.sync += [has_address.eq(0), has_data.eq(0), waits.eq(1)]
    with m.If(b.valid & b.ready):
        m.d.sync += waits.eq(0)
    exists = (address >> 2).matches(*(one.offset >> 2 for one in REGISTERS))
    m.d.comb += [
        # a response for each write, when both have come, however long it has to wait
        Assert(component.fire == (has_address & has_data)),
        Assert(b.valid == waits),
        Assert(~b.valid | ((b.resp == Response.OKAY) == exists)),
        Assert(~(waits & component.fire)),
        # the register that was meant gets what was sent
        Assert(~component.fire | (Cat(component.data, component.strobe) == Cat(written, strobe))),
        # why
        Assert(dut["has_address"] == has_address),
        Assert(dut["has_data"] == has_data),
        Assert(~has_data | (Cat(component.data, component.strobe) == Cat(written, strobe))),
        Assert(~(has_address | waits) | ((b.resp == Response.OKAY) == exists)),
        Assert(~waits | ~(has_address | has_data)),
    ]
    for one in component._writable:
        chosen = component.chosen[one.name] == (address >> 2 == one.offset >> 2)
        m.d.comb += Assert(~has_address | chosen)
    m.d.comb += holds(m, "b", b.valid, b.ready, b.resp)
    return m


def lite_reads_design() -> Module:
    """Reads of registers: one answer each, in time, whether or not the other side is ready."""
    m = Module()
    component = axi_lite.AxiLiteReads(counters=COUNTERS)
    m.submodules.dut = dut = Opened(built(component))
    ar, r = component.ar, component.r
    m.d.comb += [port.eq(AnySeq(len(port))) for port in (ar.valid, ar.addr, r.ready)]
    m.d.comb += [component.counts.turn.eq(AnySeq(1)), component.counts.count.eq(AnySeq(64))]
    for register in REGISTERS:
        m.d.comb += getattr(component.values, register.name).eq(AnyConst(32))
    m.d.comb += promises(m, "ar", ar.valid, ar.ready, ar.addr)
    taken = Signal()
    under_way = Signal()
    address = Signal.like(ar.addr)
    age = Signal(range(READ_CYCLES + 1))
    m.d.comb += taken.eq(ar.valid & ar.ready)
    with m.If(r.valid & r.ready):
        m.d.sync += under_way.eq(0)
    with m.If(under_way & (age != READ_CYCLES)):
        m.d.sync += age.eq(age + 1)
    with m.If(taken):
        m.d.sync += [under_way.eq(1), address.eq(ar.addr), age.eq(1)]
    word = address >> 2
    registers = register_map(COUNTERS)
    exists = word.matches(*(one.offset >> 2 for one in registers))
    is_setting = word.matches(*(one.offset >> 2 for one in REGISTERS))
    stages = Cat(dut["asked"], dut["found"], r.valid)
    m.d.comb += [
        Assert(~r.valid | under_way),
        Assert(~(taken & under_way & ~(r.valid & r.ready))),
        Assert(~r.valid | ((r.resp == Response.OKAY) == exists)),
        Assert(~(under_way & is_setting & (age == READ_CYCLES)) | r.valid),
        # why
        Assert(under_way == stages.any()),
        Assert(~(dut["asked"] & dut["found"])),
        Assert(~(dut["asked"] & r.valid)),
        Assert(~(dut["found"] & r.valid)),
        Assert(~dut["decoded"] | dut["asked"]),
        Assert(~under_way | (dut["word"] == word)),
        Assert(~under_way | (age != 0)),
        Assert(~(under_way & (age == 1)) | (dut["asked"] & ~dut["decoded"])),
        Assert(~dut["decoded"] | (age >= 2)),
        Assert(~(dut["asked"] & (age >= 2)) | dut["decoded"]),
        Assert(~(dut["asked"] & (age >= 2) & is_setting) | ~dut["is_count"]),
        Assert(~(dut["asked"] & is_setting) | (age <= 2)),
        Assert(~(dut["found"] & is_setting) | (age <= 3)),
    ]
    for register in REGISTERS:
        is_asked = r.valid & (word == register.offset >> 2)
        value = getattr(component.values, register.name)
        m.d.comb += Assert(~is_asked | (r.data == value))
        reads = under_way & (age >= 2) & (word == register.offset >> 2)
        for other in REGISTERS:
            m.d.comb += Assert(~reads | (dut[f"reads_{other.name}"] == (other is register)))
        m.d.comb += Assert(~(dut["found"] & reads) | (dut["setting"] == value))
        m.d.comb += Assert(~(dut["found"] & is_setting) | ~dut["is_count"])
    m.d.comb += holds(m, "r", r.valid, r.ready, Cat(r.data, r.resp))
    return m


def master_design() -> Module:
    """The port to memory, with free values instead of all that reads and writes through it."""
    m = Module()
    component = dram_master.DramMaster(beat_bytes=BEAT_BYTES)
    m.submodules.dut = Opened(built(component))
    bus = component.m_axi
    _free_surroundings(m, component)
    for requests in (component.descriptors.ar, component.load.ar, component.store.aw):
        m.d.comb += [
            requests.valid.eq(AnySeq(1)),
            requests.address.eq(AnySeq(len(requests.address))),
            requests.length.eq(AnySeq(len(requests.length))),
        ]
    store = component.store.w
    m.d.comb += [
        component.descriptors.r.ready.eq(AnySeq(1)),
        *(port.eq(AnySeq(len(port))) for port in (store.valid, store.data, store.strobe)),
        store.last.eq(AnySeq(1)),
    ]
    m.d.comb += promises(
        m, "store", store.valid, store.ready, Cat(store.data, store.strobe, store.last)
    )
    m.d.comb += _rules(m, bus)
    return m


def reader_design() -> Module:
    """The reader, with free values for transfers, fields, credits and the memory behind it."""
    m = Module()
    component = reader.Reader(beat_bytes=BEAT_BYTES)
    m.submodules.dut = dut = Opened(built(component))
    ar, r = component.dram.ar, component.dram.r
    halt, transfer = Signal(), component.i.payload.as_value()
    m.d.sync += halt.eq(halt | AnySeq(1))
    m.d.comb += [
        component.halt.eq(halt),
        component.i.valid.eq(AnySeq(1)),
        transfer.eq(AnySeq(len(transfer))),
        *(port.eq(AnySeq(len(port))) for port in (ar.ready, r.valid, r.data)),
        component.tile_freed.give.eq(AnySeq(1)),
        component.scales_freed.give.eq(AnySeq(1)),
    ]
    for name in reader.FIELDS:
        field = getattr(component.fields, name)
        m.d.comb += field.eq(AnyConst(len(field)))
    missing = Signal(reader.OUTSTANDING_BITS + 1)  # beats that were asked for and have not come
    asked = Signal(range(257))
    m.d.comb += asked.eq((ar.length + 1) & (ar.valid & ar.ready).replicate(9))
    m.d.sync += missing.eq(missing + asked - r.valid)
    m.d.comb += [
        Assume(~r.valid | (missing != 0)),  # a beat comes when it was asked for, and not before
        Assert(missing <= reader.MOST_OUTSTANDING),
        Assert(~component.quiet | (missing == 0)),
        Assert(r.ready),
        # why
        Assert(dut["outstanding"] == missing),
        Assert(dut["holds"] | (missing < timing.READ_AHEAD_BEATS + 256)),
    ]
    return m


def responses_design() -> Module:
    """The writer, with free values for everything around it: bursts without a response."""
    m = Module()
    component = _free_writer(m)
    m.submodules.dut = dut = Opened(built(component))
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
    component = _free_writer(m)
    m.submodules.master = Opened(built(master))
    m.submodules.writer = Opened(built(component))
    connect(m, component.dram, master.store)
    bus = master.m_axi
    _free_surroundings(m, master)
    m.d.comb += _rules(m, bus)
    _bursts(m, bus)
    return m


def _free_writer(m: Module) -> writer.Writer:
    component = writer.Writer(beat_bytes=BEAT_BYTES, extent_bits=EXTENT_BITS)
    halt = Signal()
    m.d.sync += halt.eq(halt | AnySeq(1))
    transfer = component.i.payload
    m.d.comb += [
        component.halt.eq(halt),
        component.i.valid.eq(AnySeq(1)),
        transfer.as_value().eq(AnySeq(len(transfer.as_value()))),
        component.l2.data.eq(AnySeq(len(component.l2.data))),
        component.first_block.eq(AnyConst(len(component.first_block))),
        component.last_block.eq(AnyConst(len(component.last_block))),
    ]
    for name in writer.FIELDS:
        field = getattr(component.fields, name)
        m.d.comb += field.eq(AnyConst(len(field)))
    for extent in (transfer.blocks, transfer.rows, transfer.columns):
        m.d.comb += Assume((extent != 0) & (extent < 1 << EXTENT_BITS))
    _credits(m, component)
    return component


def _free_surroundings(m: Module, master: dram_master.DramMaster) -> None:
    bus = master.m_axi
    m.d.comb += [
        master.window.eq(AnyConst(len(master.window))),
        master.base.eq(AnyConst(len(master.base))),
        *(port.eq(AnySeq(len(port))) for port in (bus.aw.ready, bus.w.ready, bus.ar.ready)),
        *(port.eq(AnySeq(len(port))) for port in (bus.r.valid, bus.r.data, bus.r.resp)),
        bus.b.resp.eq(AnySeq(len(bus.b.resp))),
        bus.b.valid.eq(AnySeq(1)),
    ]


def _rules(m: Module, bus: Any) -> list[Assert]:
    """VALID is held, and what it offers; beats and responses are taken at once."""
    found = []
    for name in ("aw", "ar"):
        channel = getattr(bus, name)
        payload = Cat(channel.addr, channel.len, channel.size, channel.burst, channel.cache)
        found += holds(m, name, channel.valid, channel.ready, payload)
    w = bus.w
    found += holds(m, "w", w.valid, w.ready, Cat(w.data, w.strb, w.last))
    return [*found, Assert(bus.r.ready), Assert(bus.b.ready)]


def _credits(m: Module, component: writer.Writer) -> None:
    """A tile is drained before it is stored, and as few are there as the counter holds."""
    there = Signal(5)
    give = component.tile_drained.give
    m.d.comb += [give.eq(AnySeq(1)), Assume(~give | (there < 2))]
    m.d.sync += there.eq(there + give - (component.i.valid & component.i.ready))


def _bursts(m: Module, bus: Any) -> None:
    """Bursts cross no 4 KiB, and have as many beats as their address said."""
    aw, w, b = bus.aw, bus.w, bus.b
    addressed, ended, answered = Signal(6), Signal(6), Signal(6)
    accepted, ends = aw.valid & aw.ready, w.valid & w.ready & w.last
    m.d.sync += [
        addressed.eq(addressed + accepted),
        ended.eq(ended + ends),
        answered.eq(answered + b.valid),
    ]
    m.d.comb += [
        # a response comes when address and data were accepted
        Assume(~b.valid | ((answered != addressed) & (answered != ended))),
        Assert(~aw.valid | (aw.addr[:12] + (aw.len + 1) * BEAT_BYTES <= 4096)),
    ]
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


def _edits(module: str, *edits: tuple[str, str]) -> tuple[Edit, ...]:
    return tuple(Edit(module=module, old=old, new=new) for old, new in edits)


PROOFS = (
    Proof(
        name="AXI4-Lite writes",
        says="Each write has one response, which is held, and reaches the register that was meant.",
        design=lite_writes_design,
        depth=4,
        by_induction=True,
        mutants=_edits(
            "control.axi_lite",
            ("self.w.ready.eq(~has_data & ~self.b.valid)", "self.w.ready.eq(~self.b.valid)"),
            ("with m.If(self.b.ready):", "with m.If(1):"),
            ("self.chosen[one.name].eq(word == one.offset >> 2)", "self.chosen[one.name].eq(0)"),
        ),
    ),
    Proof(
        name="AXI4-Lite reads",
        says=f"Each read has one answer, held and right, {READ_CYCLES} cycles after its address.",
        design=lite_reads_design,
        depth=6,
        by_induction=True,
        mutants=_edits(
            "control.axi_lite",
            ("with m.If(self.r.ready):", "with m.If(1):"),
            ("self.ar.ready.eq(~asked & ~found & ~self.r.valid)", "self.ar.ready.eq(~asked)"),
            (
                "m.d.sync += is_chosen.eq(word == register",
                "m.d.sync += is_chosen.eq(word != register",
            ),
        ),
    ),
    Proof(
        name="AXI4, port to memory",
        says="An address is held until it is taken, whatever the engines do; beats are taken.",
        design=master_design,
        depth=6,
        by_induction=True,
        mutants=(
            *_edits(
                "primitives.register_slice",
                ("moves.eq(~valid | self.o.ready)", "moves.eq(1)"),
            ),
            *_edits("control.dram_master", ("bus.ready.eq(1)", "bus.ready.eq(bus.valid)")),
        ),
    ),
    Proof(
        name="AXI4, reads",
        says=f"At most {reader.MOST_OUTSTANDING} beats are asked for and not there; quiet: none.",
        design=reader_design,
        depth=16,
        by_induction=True,
        mutants=_edits(
            "engines.reader",
            (
                "holds.eq(self.halt | (outstanding >= timing.READ_AHEAD_BEATS))",
                "holds.eq(self.halt)",
            ),
            (
                "outstanding.eq(outstanding + asked - r.valid)",
                "outstanding.eq(outstanding + asked)",
            ),
            ("self.quiet.eq(~ar.valid & (outstanding == 0))", "self.quiet.eq(outstanding == 0)"),
        ),
    ),
    Proof(
        name="AXI4, responses",
        says=f"At most {writer.MOST_UNANSWERED} bursts have no response; quiet says that all have.",
        design=responses_design,
        depth=24,
        by_induction=True,
        mutants=_edits(
            "engines.writer",
            ("outstanding.eq(outstanding + accepted - b.valid)", "outstanding.eq(accepted)"),
            ("~bursts.o.valid & (outstanding == 0)),", "~bursts.o.valid),"),
        ),
    ),
    Proof(
        name="AXI4, writes",
        says=f"Bursts and their beats keep the rules of AXI4, in {WRITER_CYCLES} cycles.",
        design=writer_design,
        depth=WRITER_CYCLES,
        by_induction=False,
        mutants=_edits(
            "engines.writer",
            ("w.last.eq(position == bursts.o.payload.length)", "w.last.eq(position == 0)"),
            ("with m.If(self.halt & (~w.valid | w.ready)):", "with m.If(self.halt):"),
        ),
    ),
)
