"""Credits, queues and register slices lose nothing and overrun nothing."""

from amaranth.asserts import AnyConst, AnySeq
from amaranth.hdl import Assert, Assume, Cat, Module, Signal, unsigned
from mutants import Edit
from prover import Opened, Proof, built

import naas_hw.rtl.primitives.credit as credit
import naas_hw.rtl.primitives.queue as queue
import naas_hw.rtl.primitives.register_slice as register_slice

WIDTH = 3
INITIAL = 2
DISTANCE = 3


def credit_design() -> Module:
    """A counter of credits beside the sum that it stands for."""
    m = Module()
    component = credit.Credit(initial=INITIAL, distance=DISTANCE, width=WIDTH)
    m.submodules.dut = dut = Opened(built(component))
    give, take = component.i.give, component.take
    m.d.comb += [give.eq(AnySeq(1)), take.eq(AnySeq(1))]
    late = [Signal(name=f"late_{i}") for i in range(1, DISTANCE)]  # given, and not yet counted
    there = Signal(WIDTH + 1, init=INITIAL)  # what may be taken
    outstanding = Signal(WIDTH + 1, init=INITIAL)
    m.d.sync += [
        Cat(late).eq(Cat(give, late)),
        there.eq(there + late[-1] - take),
        outstanding.eq(outstanding + give - take),
    ]
    coming, is_left = Signal(), Signal()
    m.d.sync += [coming.eq(component.coming), is_left.eq(take)]
    has_begun = Signal()
    m.d.sync += has_begun.eq(1)
    m.d.comb += [
        # what the surroundings promise
        Assume(~take | component.available),
        Assume(~give | (outstanding < (1 << WIDTH) - 1)),
        # what the counter promises
        Assert(component.available == (there != 0)),
        Assert(~has_begun | is_left | (component.available == coming)),
        # why it does
        Assert(dut["count"] == there + dut["taken"]),
        Assert(dut["taken"] == is_left),
        Assert(outstanding == there + sum(late)),
        Assert(outstanding < 1 << WIDTH),
        Assert(~has_begun | is_left | (coming == (there != 0))),
    ]
    for i, one in enumerate(late, start=1):
        m.d.comb += Assert(dut[f"given_{i}"] == one)
    return m


DEPTH = 4


def queue_design(reserve: int) -> Module:
    """A queue beside counters of what came and went, and the payload at any one place of it."""
    m = Module()
    component = queue.Queue(shape=unsigned(4), depth=DEPTH, reserve=reserve)
    module = built(component)
    probe = module.submodules.payloads.read_port(domain="comb")
    m.submodules.dut = dut = Opened(module)
    m.d.comb += [
        component.i.payload.eq(AnySeq(4)),
        component.i.valid.eq(AnySeq(1)),
        component.o.ready.eq(AnySeq(1)),
    ]
    push, pop = Signal(), Signal()
    m.d.comb += [
        push.eq(component.i.valid & component.i.ready),
        pop.eq(component.o.valid & component.o.ready),
    ]
    came, went = Signal(4), Signal(4)
    held = Signal(4)
    m.d.sync += [came.eq(came + push), went.eq(went + pop)]
    m.d.comb += held.eq(came - went)
    place = AnyConst(2)
    there = Signal(4)  # what was written to that place last
    with m.If(push & (came[:2] == place)):
        m.d.sync += there.eq(component.i.payload)
    is_used = Signal()
    m.d.comb += [is_used.eq((place - went[:2])[:2] < held), probe.addr.eq(place)]
    if reserve:
        _reserve(m, component, push, held, reserve)
    m.d.comb += [
        # it holds at most what it has room for, and offers what is there, in order
        Assert(held <= DEPTH),
        Assert(component.o.valid == (held != 0)),
        Assert(~(component.o.valid & (went[:2] == place)) | (component.o.payload == there)),
        # why
        Assert(dut["level"] == held + dut["popped"]),
        Assert(dut["back"] == came[:2]),
        Assert(dut["front"] == went[:2]),
        Assert(~is_used | (probe.data == there)),
    ]
    if not reserve:
        m.d.comb += Assert(~component.i.ready | (held < DEPTH))
    return m


def _reserve(m: Module, component: queue.Queue, push: Signal, held: Signal, reserve: int) -> None:
    """A sender that looks at `room` before it begins, with so many payloads on their way."""
    begins = AnySeq(1)
    under_way = Signal(4)
    m.d.sync += under_way.eq(under_way + begins - push)
    m.d.comb += [
        Assume(~push | (under_way != 0)),
        Assume(~begins | (component.room & (under_way < reserve))),
        Assert(held + under_way <= DEPTH),
        Assert(under_way <= reserve),
    ]


def slice_design() -> Module:
    """A register slice beside a queue of two."""
    m = Module()
    component = register_slice.RegisterSlice(shape=unsigned(4))
    m.submodules.dut = dut = Opened(built(component))
    valid, ready, payload = AnySeq(1), AnySeq(1), AnySeq(4)
    m.d.comb += [
        component.i.valid.eq(valid),
        component.i.payload.eq(payload),
        component.o.ready.eq(ready),
    ]
    push, pop = Signal(), Signal()
    m.d.comb += [
        push.eq(valid & component.i.ready),
        pop.eq(component.o.valid & ready),
    ]
    held = Signal(2)
    oldest, newest = Signal(4), Signal(4)  # of those that are held
    m.d.sync += held.eq(held + push - pop)
    with m.If(pop):
        m.d.sync += oldest.eq(newest)
    with m.If(push):
        m.d.sync += newest.eq(payload)
        with m.If((held == 0) | ((held == 1) & pop)):
            m.d.sync += oldest.eq(payload)
    m.d.comb += [
        Assert(held <= 2),
        Assert(component.o.valid == (held != 0)),
        Assert(~component.o.valid | (component.o.payload == oldest)),
        Assert(~component.i.ready | (held < 2)),
        Assert(component.i.ready | (held == 2)),
        # why
        Assert(dut["takes"] == ~dut["keeps"]),
        Assert(dut["keeps"] == (held == 2)),
        Assert((held != 2) | (dut["spare"] == newest)),
        Assert((held != 1) | (oldest == newest)),
    ]
    return m


def _edit(module: str, old: str, new: str) -> Edit:
    return Edit(module=f"primitives.{module}", old=old, new=new)


PROOFS = (
    Proof(
        name="credit",
        says="A credit that was given can be taken, once, from its distance on, and none else.",
        design=credit_design,
        depth=6,
        by_induction=True,
        mutants=(
            _edit("credit", "count.eq(count + given - taken)", "count.eq(count + given)"),
            _edit("credit", "given | (self.available &", "(self.available &"),
            _edit("credit", "self.distance - 1", "self.distance"),
        ),
    ),
    Proof(
        name="queue",
        says="A queue offers each payload once, in order, and takes none that it has no room for.",
        design=lambda: queue_design(0),
        depth=6,
        by_induction=True,
        mutants=(
            _edit("queue", "self.depth - reserve + 1", "self.depth - reserve + 2"),
            _edit("queue", "front.eq(front + 1)", "front.eq(front + 2)"),
            _edit("queue", "push | (self.o.valid & (~self.o.ready | more))", "push | more"),
        ),
    ),
    Proof(
        name="queue with a reserve",
        says="A sender that looks at the room of a queue with a reserve never overruns it.",
        design=lambda: queue_design(2),
        depth=6,
        by_induction=True,
        mutants=(
            _edit("queue", "reserve = max(1, self.reserve)", "reserve = max(1, self.reserve - 1)"),
        ),
    ),
    Proof(
        name="register slice",
        says="A register slice is a queue of two.",
        design=slice_design,
        depth=6,
        by_induction=True,
        mutants=(
            _edit("register_slice", "valid.eq(keeps | self.i.valid)", "valid.eq(self.i.valid)"),
            _edit("register_slice", "with m.If(~keeps):", "with m.If(1):"),
        ),
    ),
)
