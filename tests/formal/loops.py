"""Loop nests and boxes visit exactly the steps of their loops, in order."""

from collections.abc import Sequence

from amaranth.asserts import AnyConst, AnySeq
from amaranth.hdl import Assert, Assume, Cat, Module, Mux, Signal, Value
from prover import Opened, Proof, built, faults

import naas_hw.rtl.primitives.box_address_generator as box
import naas_hw.rtl.primitives.loop_nest as loop_nest
from naas_hw.compiler.fields import BOUND_BITS
from naas_hw.rtl.primitives.ram import Ram

POSITIONS = 3
INDEXED = (0, 2)
VALUE_BITS = 6
SMALL_BITS = 3
BOUNDED_CYCLES = 26
"""Of the proof that is not by induction: three positions of two trips each are through by then."""


class Odometer:
    """Loops as they are meant: an index each, the innermost fastest.

    Parameters
    ----------
    bounds : trips of each loop, the outermost first.
    start, advance : as of the component under test.
    """

    def __init__(self, m: Module, bounds: Sequence[Value], *, start: Value, advance: Value) -> None:
        bits = len(bounds[0])
        self.index = [Signal(bits, name=f"index_{i}") for i in range(len(bounds))]
        self.has_started = Signal()
        self.last = [index == bound - 1 for index, bound in zip(self.index, bounds, strict=True)]
        self.first = [index == 0 for index in self.index]
        inner = [Cat(self.last[i + 1 :]).all() for i in range(len(bounds))]
        self.steps = [~self.last[i] & inner[i] for i in range(len(bounds))]
        self.wraps = [self.last[i] & inner[i] for i in range(len(bounds))]
        self.final = Cat(self.last).all()
        after = [
            Mux(step, index + 1, Mux(wrap, 0, index))
            for index, step, wrap in zip(self.index, self.steps, self.wraps, strict=True)
        ]
        ends = [one[:bits] == bound - 1 for one, bound in zip(after, bounds, strict=True)]
        self.comes_to_end = ~self.final & Cat(ends).all()
        with m.If(start):
            m.d.sync += [self.has_started.eq(1), *(index.eq(0) for index in self.index)]
        with m.Elif(advance):
            m.d.sync += [index.eq(one) for index, one in zip(self.index, after, strict=True)]
        for index, bound in zip(self.index, bounds, strict=True):
            m.d.comb += Assert(~self.has_started | (index < bound))

    def sum_of(self, m: Module, deltas: Sequence[Value], start: Value, advance: Value) -> Signal:
        """A value that begins at zero and changes by the delta of the loop that steps."""
        total = Signal(VALUE_BITS, name="total")
        with m.If(start):
            m.d.sync += total.eq(0)
        for step, delta in zip(self.steps, deltas, strict=True):
            with m.If(~start & advance & step):
                m.d.sync += total.eq(total + delta)
        return total


def nest_design(pace: int, bits: int = BOUND_BITS) -> Module:
    """A loop nest beside an odometer, for any bounds and deltas."""
    m = Module()
    component = loop_nest.LoopNest(
        positions=POSITIONS,
        values=(("v", VALUE_BITS),),
        indexed=INDEXED,
        bound_bits=bits,
        pace=pace,
    )
    module = built(component)
    probes = _probes(module, POSITIONS)
    m.submodules.dut = dut = Opened(module)
    bounds = [AnyConst(bits) for _ in range(POSITIONS)]
    deltas = [AnyConst(VALUE_BITS) for _ in range(POSITIONS)]
    m.d.comb += [Assume(bound != 0) for bound in bounds]
    loaded = _load(m, component, bounds, deltas)
    start, advance = Signal(), Signal()
    m.d.comb += [start.eq(AnySeq(1)), advance.eq(AnySeq(1))]
    golden = Odometer(m, bounds, start=start, advance=advance)
    total = golden.sum_of(m, deltas, start, advance)
    is_loaded = loaded == POSITIONS
    is_between = component.ready & ~golden.final
    m.d.comb += [
        component.start.eq(start),
        component.advance.eq(advance),
        Assume(~start | is_loaded),
        Assume(~advance | (golden.has_started & component.ready & ~golden.final)),
    ]
    with m.If(golden.has_started):
        m.d.comb += [
            Assert(component.last == Cat(golden.last)),
            Assert(component.first == Cat(golden.first)),
            Assert(component.final == golden.final),
            Assert(component.value.v == total),
            Assert(~is_between | (component.penultimate == golden.comes_to_end)),
            *(
                Assert(seen == golden.index[i])
                for i, seen in zip(INDEXED, component.index, strict=True)
            ),
        ]
    if pace < 3:
        _why(m, dut, golden, probes, bounds, deltas, loaded, pace)
    return m


def _probes(module: Module, depth: int) -> dict[str, list[Value]]:
    """Each word of the memories, as it is now."""
    words: dict[str, list[Value]] = {}
    for name in ("records", "trips"):
        try:
            memory = getattr(module.submodules, name)
        except AttributeError:
            continue
        if isinstance(memory, Ram) and memory.latency == 0:
            ports = [memory.memory.read_port(domain="comb") for _ in range(depth)]
            module.d.comb += [port.addr.eq(i) for i, port in enumerate(ports)]
            words[name] = [port.data for port in ports]
    return words


def _load(
    m: Module, component: loop_nest.LoopNest, bounds: list[Value], deltas: list[Value]
) -> Signal:
    """Write a record in each of the first cycles; how many have been."""
    loaded = Signal(range(POSITIONS + 1))
    m.d.comb += Assert(loaded <= POSITIONS)
    with m.If(loaded != POSITIONS):
        m.d.sync += loaded.eq(loaded + 1)
        m.d.comb += [component.record.write.eq(1), component.record.position.eq(loaded)]
    for i in range(POSITIONS):
        with m.If(loaded == i):
            m.d.comb += [
                component.record.bound.eq(bounds[i]),
                component.record.deltas.v.eq(deltas[i]),
            ]
    return loaded


def _why(
    m: Module,
    dut: Opened,
    golden: Odometer,
    probes: dict[str, list[Value]],
    bounds: list[Value],
    deltas: list[Value],
    loaded: Signal,
    pace: int,
) -> None:
    """What the registers and memories hold: with it the rest holds by induction."""
    bits = len(bounds[0])
    m.d.comb += Assert(~golden.has_started | (loaded == POSITIONS))
    for i in range(POSITIONS):
        record = probes["records"][i]
        kept_bound = 0 if pace == 1 else bits + 1
        m.d.comb += [
            Assert((loaded <= i) | (dut["single"][i] == (bounds[i] == 1))),
            Assert((loaded <= i) | (record[kept_bound:] == deltas[i])),
        ]
        if pace == 1:
            following = (dut[f"following_changed_{i}"] ^ box.FIRST_FOLLOWING)[:bits]
            m.d.comb += [
                Assert((loaded <= i) | (dut[f"bound_{i}"] == bounds[i])),
                Assert(~golden.has_started | (following == (golden.index[i] + 2)[:bits])),
            ]
        else:
            trips = probes["trips"][i]
            is_past_first = golden.has_started & ~golden.first[i]
            left = (bounds[i] - golden.index[i])[:bits]
            m.d.comb += [
                Assert((loaded <= i) | (record[: bits + 1] == Cat(bounds[i], bounds[i] == 2))),
                Assert(~is_past_first | (trips == Cat(left, left == 2))),
            ]
    if pace == 1:
        for i, step in enumerate(golden.steps):
            m.d.comb += Assert(~golden.has_started | ~step | (dut["ready_position"] == i))
    if pace == 2:
        _why_paced(m, dut, golden)


def _why_paced(m: Module, dut: Opened, golden: Odometer) -> None:
    """What was looked up a cycle before is what holds now, but in the cycle after a move."""
    inner = [Cat(golden.last[i + 1 :]).all() for i in range(POSITIONS)]
    with m.If(golden.has_started & ~dut["moved_1_1"]):
        m.d.comb += Assert(dut["ready_inner"] == Cat(inner))
        for i, step in enumerate(golden.steps):
            m.d.comb += [
                Assert(~step | (dut["ready_position"] == i)),
                Assert(~step | (dut["ready_is_first"] == golden.first[i])),
            ]


def box_design(bits: int = BOUND_BITS) -> Module:
    """A box of addresses beside an odometer; a box may start at any time, with other counts."""
    m = Module()
    names = ("outer", "middle", "inner")
    component = box.BoxAddressGenerator(
        levels=tuple((name, bits) for name in names), address_bits=VALUE_BITS
    )
    m.submodules.dut = dut = Opened(built(component))
    start, advance, origin = Signal(), Signal(), Signal(VALUE_BITS)
    m.d.comb += [start.eq(AnySeq(1)), advance.eq(AnySeq(1)), origin.eq(AnySeq(VALUE_BITS))]
    given = [AnySeq(bits) for _ in names]
    counts = [Signal(bits, name=f"count_{name}") for name in names]
    pitches = [Signal(VALUE_BITS, name=f"pitch_{name}") for name in names]
    with m.If(start):
        m.d.sync += [one.eq(count) for one, count in zip(counts, given, strict=True)]
        m.d.sync += [one.eq(AnySeq(VALUE_BITS)) for one in pitches]
    m.d.comb += [component.start.eq(start), component.advance.eq(advance)]
    m.d.comb += component.origin.eq(origin)
    for name, count, pitch in zip(names, given, pitches, strict=True):
        m.d.comb += [
            getattr(component.counts, name).eq(count),
            getattr(component.pitches, name).eq(pitch),
            Assume(~start | (count != 0)),
        ]
    golden = Odometer(m, counts, start=start, advance=advance)
    m.d.comb += Assume(~advance | (golden.has_started & ~golden.final))
    bases = _golden_bases(m, golden, pitches, origin, start, advance)
    with m.If(golden.has_started):
        m.d.comb += [
            Assert(component.address == bases[-1]),
            Assert(component.last == golden.final),
            Assert(golden.final | (component.penultimate == golden.comes_to_end)),
            Assert(component.is_last.as_value() == Cat(golden.last)),
            Assert(component.is_first.as_value() == Cat(golden.first)),
        ]
        for name, index in zip(names, golden.index, strict=True):
            m.d.comb += Assert(getattr(component.index, name) == index)
        _why_box(m, dut, golden, names, counts, bases)
    return m


def _golden_bases(
    m: Module,
    golden: Odometer,
    pitches: list[Signal],
    origin: Signal,
    start: Signal,
    advance: Signal,
) -> list[Signal]:
    """Where the present trip of each level began."""
    bases = [Signal(VALUE_BITS, name=f"golden_base_{i}") for i in range(len(pitches))]
    for i, base in enumerate(bases):
        with m.If(start):
            m.d.sync += base.eq(origin)
        for j in range(i + 1):
            with m.If(~start & advance & golden.steps[j]):
                m.d.sync += base.eq(bases[j] + pitches[j])
    return bases


def _why_box(
    m: Module,
    dut: Opened,
    golden: Odometer,
    names: Sequence[str],
    counts: list[Signal],
    bases: list[Signal],
) -> None:
    for i, (name, count) in enumerate(zip(names, counts, strict=True)):
        m.d.comb += [
            Assert(dut[f"trips_{name}"] == count),
            Assert(dut[f"is_single_{name}"] == (count == 1)),
            Assert(dut[f"step_{name}"] == golden.steps[i]),
            Assert(dut[f"wrap_{name}"] == golden.wraps[i]),
            Assert(dut[f"turns_{name}"] == (golden.steps[i] | golden.wraps[i])),
            Assert(dut[f"moves_{name}"] == Cat(golden.steps[: i + 1]).any()),
            Assert(~golden.steps[i] | (dut["stepping"] == i)),
        ]
        if name != names[-1]:
            m.d.comb += Assert(dut[f"base_{name}"] == bases[i])


NEST = "primitives.loop_nest"
SAYS = (
    "A nest visits each step of its loops once, in order; the marks of first, last, final and "
    "penultimate steps, the indices, and a value that changes by an increment of each loop are "
    "right"
)


def _nest_sizes(pace: int, bits: int) -> str:
    return (
        f"{POSITIONS} loops, bounds of 1 to {(1 << bits) - 1:,}, a pace of {pace}, one value of "
        f"{VALUE_BITS} bits"
    )


PROOFS = (
    Proof(
        name="loop nest, pace of 1",
        says=f"{SAYS}.",
        sizes=_nest_sizes(1, BOUND_BITS),
        design=lambda: nest_design(1),
        depth=8,
        by_induction=True,
        mutants=faults(
            NEST,
            (
                "a loop ends a trip early",
                "comes_last[i].eq(following == bound)",
                "comes_last[i].eq(following + 1 == bound)",
            ),
            (
                "a loop begins anew before the loops in it have ended",
                "wraps.eq(self.last & move.inner)",
                "wraps.eq(self.last)",
            ),
            (
                "the last step is announced although inner loops have more trips",
                " & single[i + 1 :].all()",
                "",
            ),
            (
                "an increment is too large by 1",
                "m.d.sync += value.eq(value + delta)",
                "m.d.sync += value.eq(value + delta + 1)",
            ),
            (
                "a loop of one trip has no last trip",
                "Mux(begins, single[i], comes_last[i])",
                "Mux(begins, 0, comes_last[i])",
            ),
        ),
    ),
    Proof(
        name="loop nest, pace of 2",
        says=f"{SAYS}.",
        sizes=_nest_sizes(2, BOUND_BITS),
        design=lambda: nest_design(2),
        depth=8,
        by_induction=True,
        mutants=faults(
            NEST,
            (
                "a loop ends a trip late",
                "left == 3)",
                "left == 2)",
            ),
            (
                "a loop that begins anew does not take its bound",
                "eq(Mux(move.is_first, bound, trips.read.data))",
                "eq(trips.read.data)",
            ),
        ),
    ),
    Proof(
        name="loop nest, pace of 3",
        says=f"{SAYS}.",
        sizes=_nest_sizes(3, SMALL_BITS),
        design=lambda: nest_design(3, SMALL_BITS),
        depth=BOUNDED_CYCLES,
        by_induction=False,
        mutants=faults(
            NEST,
            (
                "the nest is ready a cycle early",
                "self.ready.eq(~any_of(recent))",
                "self.ready.eq(~any_of(recent[:1]))",
            ),
        ),
    ),
    Proof(
        name="box of addresses",
        says="A box visits each of its addresses once, in order, and may start in the last step of "
        "the one before.",
        sizes=f"three levels, counts of 1 to {(1 << BOUND_BITS) - 1:,}, addresses of {VALUE_BITS} "
        "bits",
        design=box_design,
        depth=8,
        by_induction=True,
        mutants=faults(
            "primitives.box_address_generator",
            (
                "a level begins anew before those in it have ended",
                "level.wrap.eq(following[i] & inside[i])",
                "level.wrap.eq(following[i])",
            ),
            (
                "every step begins at the address of the outermost level",
                "Array(bases)[stepping]",
                "Array(bases)[0]",
            ),
            (
                "a count of one is taken for a count of two",
                "level.is_one.eq(count == 1)",
                "level.is_one.eq(count == 2)",
            ),
        ),
    ),
)
