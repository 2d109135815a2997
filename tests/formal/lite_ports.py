"""The rules of AXI4-Lite: each write has one response, and each read has one answer in time.

`GoldenWrites` and `GoldenReads` say what has to happen; the proof of the registers uses them too.
"""

from collections.abc import Mapping
from typing import Any

from amaranth.hdl import Assert, Assume, Cat, Module, Mux, Signal, Value
from handshakes import free, holds, promises
from prover import Opened, Proof, built, faults

import naas_hw.rtl.control.axi_lite as axi_lite
import naas_hw.rtl.control.counters as counters
from naas_hw.rtl.control.counters import COUNTERS
from naas_hw.rtl.control.register_map import (
    ADDRESS_BITS,
    COUNTERS_OFFSET,
    REGISTERS,
    Access,
    Register,
    register_map,
)
from naas_hw.rtl.primitives.axi import Response

ALL_REGISTERS = register_map(COUNTERS)
READ_CYCLES = 4
"""From the address of a register to its answer, if it is no counter."""

LATEST_READ = READ_CYCLES + len(COUNTERS) - 1
"""From the address of a counter to its answer at most: its turn may just have been."""


class GoldenWrites:
    """Free writes, and what they ask for: `fire` is high in the cycle in which one happens.

    Parameters
    ----------
    port : has the channels aw, w and b.
    """

    def __init__(self, m: Module, port: Any) -> None:
        aw, w, b = port.aw, port.w, port.b
        self.b = b
        self.word = Signal(len(aw.addr) - 2)
        self.data = Signal.like(w.data)
        self.strobe = Signal.like(w.strb)
        self.has_address = Signal()
        self.has_data = Signal()
        self.waits = Signal()  # a response does
        self.fire = Signal()
        free(m, aw.valid, aw.addr, aw.prot, w.valid, w.data, w.strb, b.ready)
        promises(m, "aw", aw.valid, aw.ready, aw.addr)
        promises(m, "w", w.valid, w.ready, Cat(w.data, w.strb))
        m.d.comb += self.fire.eq(self.has_address & self.has_data)
        with m.If(aw.valid & aw.ready):
            m.d.sync += [self.has_address.eq(1), self.word.eq(aw.addr[2:])]
        with m.If(w.valid & w.ready):
            m.d.sync += [self.has_data.eq(1), self.data.eq(w.data), self.strobe.eq(w.strb)]
        with m.If(self.fire):
            m.d.sync += [self.has_address.eq(0), self.has_data.eq(0), self.waits.eq(1)]
        with m.If(b.valid & b.ready):
            m.d.sync += self.waits.eq(0)

    def is_written(self, offset: int) -> Value:
        """Whether the register at an offset is written in this cycle."""
        return self.fire & (self.word == offset >> 2)

    def rules(self, m: Module) -> None:
        """A response for each write, as soon as both have come, however long it has to wait."""
        b = self.b
        holds(m, "b", b.valid, b.ready, b.resp)
        m.d.comb += [
            Assert(b.valid == self.waits),
            Assert(~b.valid | ((b.resp == Response.OKAY) == self._exists())),
            Assert(~(self.waits & self.fire)),
        ]

    def why(self, m: Module, dut: Opened, path: str = "") -> None:
        """What the registers hold: with it the rules hold by induction."""
        sent = Cat(self.data, self.strobe)
        is_okay = self.b.resp == Response.OKAY
        m.d.comb += [
            Assert(dut[f"{path}has_address"] == self.has_address),
            Assert(dut[f"{path}has_data"] == self.has_data),
            Assert(~self.has_data | (Cat(dut[f"{path}data"], dut[f"{path}strobe"]) == sent)),
            Assert(~(self.has_address | self.waits) | (is_okay == self._exists())),
            Assert(~self.waits | ~(self.has_address | self.has_data)),
        ]
        for chosen, one in zip(dut[f"{path}chosen"], _writable(), strict=True):
            is_meant = self.word == one.offset >> 2
            m.d.comb += Assert(~self.has_address | (chosen == is_meant))

    def _exists(self) -> Value:
        return self.word.matches(*(one.offset >> 2 for one in ALL_REGISTERS))


def _writable() -> list[Register]:
    return [one for one in ALL_REGISTERS if one.access != Access.READ_ONLY]


def turns_come_round(m: Module, turn: Value, says: Any) -> Signal:
    """Assume or assert that each turn is followed by the next; count cycles after a reset to 2.

    The first turn after a reset may last for two cycles.
    """
    cycle, before = Signal(range(3)), Signal.like(turn)
    m.d.sync += [cycle.eq(Mux(cycle == 2, 2, cycle + 1)), before.eq(turn)]
    following = Mux(before == len(COUNTERS) - 1, 0, before + 1)
    m.d.comb += [says(turn < len(COUNTERS)), says((cycle != 2) | (turn == following))]
    return cycle


class GoldenReads:
    """Free reads, and their answers: what a word reads as in the cycle in which it is `due`.

    A register is due two cycles after its address, a counter in the first cycle from then on in
    which it has its turn. The answer follows two cycles later.

    Parameters
    ----------
    port : has the channels ar and r.
    counts : what counters show; free, but that their turns come round.
    values : what each of `REGISTERS` reads as, by its name.
    """

    def __init__(self, m: Module, port: Any, counts: Any, values: Mapping[str, Value]) -> None:
        self.ar, self.r, self.counts, self.values = port.ar, port.r, counts, values
        self.under_way = Signal()
        self.word = Signal(len(self.ar.addr) - 2)
        self.age = Signal(range(LATEST_READ + 1))
        self.due = Signal()
        self.was_due = Signal()
        self.is_found = Signal()
        self.is_answered = Signal()
        self.expected = Signal(len(self.r.data))
        self.is_setting = self.word.matches(*(one.offset >> 2 for one in REGISTERS))
        self.exists = self.word.matches(*(one.offset >> 2 for one in ALL_REGISTERS))
        self.is_count = self.exists & ~self.is_setting
        self.number = (self.word - (COUNTERS_OFFSET >> 2))[1 : 1 + len(counts.turn)]
        free(m, self.ar.valid, self.ar.addr, self.ar.prot, self.r.ready)
        free(m, counts.turn, counts.count)
        promises(m, "ar", self.ar.valid, self.ar.ready, self.ar.addr)
        self.cycle = turns_come_round(m, counts.turn, Assume)
        self._follow(m)

    def _follow(self, m: Module) -> None:
        """A read, from its address to its answer."""
        ar, r = self.ar, self.r
        has_turn = ~self.is_count | (self.number == self.counts.turn)
        m.d.comb += self.due.eq(self.under_way & (self.age >= 2) & ~self.was_due & has_turn)
        m.d.sync += self.is_found.eq(self.due)
        with m.If(self.is_found):
            m.d.sync += self.is_answered.eq(1)
        with m.If(r.valid & r.ready):
            m.d.sync += [self.under_way.eq(0), self.is_answered.eq(0)]
        with m.If(self.due):
            m.d.sync += [self.was_due.eq(1), self.expected.eq(self._shown())]
        with m.If(self.under_way & (self.age != LATEST_READ)):
            m.d.sync += self.age.eq(self.age + 1)
        with m.If(ar.valid & ar.ready):
            m.d.sync += [
                self.under_way.eq(1),
                self.was_due.eq(0),
                self.word.eq(ar.addr[2:]),
                self.age.eq(1),
            ]

    def _shown(self) -> Value:
        """What the word reads as now; zero where there is no register."""
        bits, count = len(self.expected), self.counts.count
        shown: Value = Mux(self.is_count, Mux(self.word[0], count[bits:], count[:bits]), 0)
        for register in REGISTERS:
            is_meant = self.word == register.offset >> 2
            shown = Mux(is_meant, self.values[register.name], shown)
        return shown

    def rules(self, m: Module) -> None:
        """One answer for each read, right and in time, whether or not READY is high."""
        r, is_late = self.r, Mux(self.is_count, LATEST_READ, READ_CYCLES)
        holds(m, "r", r.valid, r.ready, Cat(r.data, r.resp))
        m.d.comb += [
            Assert(r.valid == self.is_answered),
            Assert(~r.valid | self.under_way),
            Assert(~r.valid | (r.data == self.expected)),
            Assert(~r.valid | ((r.resp == Response.OKAY) == self.exists)),
            Assert(~(self.under_way & (self.age >= is_late)) | r.valid),
            Assert(~(self.ar.valid & self.ar.ready & self.under_way)),
        ]

    def why(self, m: Module, dut: Opened, path: str = "") -> None:
        """What the registers hold: with it the rules hold by induction."""
        waits = self.under_way & ~self.was_due
        is_decoded = waits & (self.age >= 2)
        m.d.comb += [
            Assert(dut[f"{path}asked"] == waits),
            Assert(dut[f"{path}decoded"] == is_decoded),
            Assert(dut[f"{path}found"] == self.is_found),
            Assert(~self.under_way | (dut[f"{path}word"] == self.word)),
            Assert(~self.under_way | (self.age != 0)),
            Assert(self.under_way | ~(self.was_due & (self.is_found | self.is_answered))),
            Assert(~(self.is_found | self.is_answered) | (self.under_way & self.was_due)),
            Assert((self.under_way & self.was_due) == (self.is_found | self.is_answered)),
            Assert(~(self.is_found & self.is_answered)),
            Assert(~(self.was_due & self.under_way) | (self.age >= 3)),
            Assert(~(is_decoded | self.is_found) | (dut[f"{path}is_count"] == self.is_count)),
            Assert(~self.under_way | (self.age <= self.cycle) | (self.cycle == 2)),
        ]
        self._why_in_time(m, is_decoded)
        self._why_right(m, dut, path, is_decoded)

    def _why_in_time(self, m: Module, is_decoded: Value) -> None:
        """The cycles that are left until a counter has its turn."""
        turn, most = self.counts.turn, len(COUNTERS)
        wait = Mux(self.number >= turn, self.number - turn, self.number + most - turn)
        is_late = Mux(self.is_count, LATEST_READ, READ_CYCLES)
        m.d.comb += [
            Assert(~(is_decoded & self.is_count) | (self.age + wait <= LATEST_READ - 2)),
            Assert(~(is_decoded & ~self.is_count) | (self.age == 2)),
            Assert(~self.is_found | (self.age < is_late)),
        ]

    def _why_right(self, m: Module, dut: Opened, path: str, is_decoded: Value) -> None:
        """What was read stands in one of two registers."""
        setting, count = dut[f"{path}setting"], dut[f"{path}count"]
        for register in REGISTERS:
            is_meant = self.word == register.offset >> 2
            reads = dut[f"{path}reads_{register.name}"]
            m.d.comb += Assert(~is_decoded | (reads == is_meant))
        read = Mux(self.is_count, count, setting)
        m.d.comb += Assert(~self.is_found | (read == self.expected))


def lite_writes_design() -> Module:
    """Writes of registers: one response each, for the address and data that came."""
    m = Module()
    component = axi_lite.AxiLiteWrites(registers=ALL_REGISTERS)
    m.submodules.dut = dut = Opened(built(component))
    golden = GoldenWrites(m, component)
    sent = Cat(golden.data, golden.strobe)
    m.d.comb += [
        Assert(component.fire == golden.fire),
        Assert(~component.fire | (Cat(component.data, component.strobe) == sent)),
    ]
    for one in _writable():
        is_chosen = component.fire & component.chosen[one.name]
        m.d.comb += Assert(is_chosen == golden.is_written(one.offset))
    golden.rules(m)
    golden.why(m, dut)
    return m


def lite_reads_design() -> Module:
    """Reads of registers: one answer each, in time, whether or not the other side is ready."""
    m = Module()
    component = axi_lite.AxiLiteReads(counters=COUNTERS)
    m.submodules.dut = dut = Opened(built(component))
    values = {one.name: getattr(component.values, one.name) for one in REGISTERS}
    free(m, *values.values())
    golden = GoldenReads(m, component, component.counts, values)
    golden.rules(m)
    golden.why(m, dut)
    return m


def turns_design() -> Module:
    """The turns of the counters, with free values for all that is counted."""
    m = Module()
    component = counters.Counters()
    m.submodules.dut = dut = Opened(built(component))
    ports = component.signature.members
    free(m, *(getattr(component, name) for name in ports if name != "counts"))
    cycle = turns_come_round(m, component.counts.turn, Assert)
    following, turn = dut["turn"], component.counts.turn
    m.d.comb += [
        # why
        Assert(following < len(COUNTERS)),
        Assert((cycle != 0) | ((turn == 0) & (following == 0))),
        Assert((cycle != 1) | ((turn == 0) & (following == 1))),
        Assert((cycle != 2) | (following == Mux(turn == len(COUNTERS) - 1, 0, turn + 1))),
    ]
    return m


MODULE = "control.axi_lite"
TURN = "(~is_count | self._is_turn(word))"

PROOFS = (
    Proof(
        name="AXI4-Lite writes",
        says="A write has one response, which is held until it is accepted, is correct, and does "
        "not wait for READY; in the cycle before, the addressed register alone is told to take the "
        "data and their strobes.",
        sizes=f"addresses of {ADDRESS_BITS} bits, the registers of a core",
        design=lite_writes_design,
        depth=4,
        by_induction=True,
        mutants=faults(
            MODULE,
            (
                "data are accepted again before the write happens",
                "self.w.ready.eq(~has_data & ~self.b.valid)",
                "self.w.ready.eq(~self.b.valid)",
            ),
            (
                "a response is withdrawn after a cycle",
                "with m.If(self.b.ready):",
                "with m.If(1):",
            ),
            (
                "no register is addressed",
                "self.chosen[one.name].eq(word == one.offset >> 2)",
                "self.chosen[one.name].eq(0)",
            ),
        ),
    ),
    Proof(
        name="AXI4-Lite reads",
        says="A read has one answer, which is held until it is accepted: a register, and an "
        f"address without one, {READ_CYCLES} cycles after the address with the value of two cycles "
        f"before; a counter in its turn, at most {LATEST_READ} cycles after the address; whether "
        "or not READY is high.",
        sizes=f"addresses of {ADDRESS_BITS} bits, the registers and {len(COUNTERS)} counters of a "
        "core; any values, the turns come round",
        design=lite_reads_design,
        depth=20,
        by_induction=True,
        mutants=faults(
            MODULE,
            ("an answer is withdrawn after a cycle", "with m.If(self.r.ready):", "with m.If(1):"),
            (
                "an address is accepted during a read",
                "self.ar.ready.eq(~asked & ~found & ~self.r.valid)",
                "self.ar.ready.eq(~asked)",
            ),
            (
                "a register is chosen by every other address",
                "m.d.sync += is_chosen.eq(word == register",
                "m.d.sync += is_chosen.eq(word != register",
            ),
            (
                "counters read as zero",
                "self.r.data.eq(Mux(is_count, count, setting))",
                "self.r.data.eq(Mux(is_count, 0, setting))",
            ),
            ("a read of a counter is never answered", TURN, "~is_count"),
            (
                "a read of a counter does not wait for its turn",
                TURN,
                "(is_count | ~is_count)",
            ),
            (
                "an address without a register is never answered",
                TURN,
                f"{TURN} & (word < {(1 << ADDRESS_BITS) // 8})",
            ),
        ),
    ),
    Proof(
        name="counters, turns",
        says="Each counter is shown in its turn, one a cycle, over and over.",
        sizes=f"the {len(COUNTERS)} counters of a core",
        design=turns_design,
        depth=16,
        by_induction=True,
        mutants=faults(
            "control.counters",
            (
                "the last counter has no turn",
                "turn.eq(Mux(turn == len(COUNTERS) - 1, 0, turn + 1))",
                "turn.eq(Mux(turn == len(COUNTERS) - 2, 0, turn + 1))",
            ),
        ),
    ),
)
