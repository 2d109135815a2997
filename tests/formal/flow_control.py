"""Credits, queues and register slices lose nothing and overrun nothing."""

from dataclasses import dataclass
from functools import partial

from amaranth.asserts import AnyConst, AnySeq
from amaranth.hdl import Assert, Assume, Module, Signal, unsigned
from prover import Opened, Proof, built, faults

import naas_hw.rtl.primitives.credit as credit
import naas_hw.rtl.primitives.queue as queue
import naas_hw.rtl.primitives.register_slice as register_slice
from naas_hw.arch import timing
from naas_hw.rtl.engines import load_planner, writer

PAYLOAD_BITS = 4
CORE_DEPTH = 16
"""Of the queues of a core, but that of filled steps, which holds 4."""

MOST_REDUCED = 1024
"""PEs that share a tree of adders: drain may wait for so many levels."""


@dataclass(frozen=True, kw_only=True)
class CreditSizes:
    """Parameters of a counter of credits.

    Parameters
    ----------
    initial, distance, width : as of `Credit`.
    """

    initial: int
    distance: int
    width: int = 3

    def __str__(self) -> str:
        return f"initial {self.initial}, distance {self.distance}, {self.width} bits"


def _drained_credits() -> tuple[CreditSizes, ...]:
    """Those that drain gets from compute, for all trees of adders."""
    trees = [1 << levels for levels in range(MOST_REDUCED.bit_length())]
    distances = sorted({timing.compute_to_drain(tree) for tree in trees})
    return tuple(CreditSizes(initial=0, distance=distance) for distance in distances)


def _stored_credits() -> tuple[CreditSizes, ...]:
    """Those that store gets from drain, without an epilogue and with one."""
    return tuple(
        CreditSizes(
            initial=0,
            distance=timing.drain_to_store(has_epilogue=has_epilogue) - writer.DATA_PIPELINE,
            width=4,
        )
        for has_epilogue in (False, True)
    )


CREDITS = (
    CreditSizes(initial=0, distance=1),
    CreditSizes(initial=2, distance=1),
    CreditSizes(initial=0, distance=3),
    CreditSizes(initial=2, distance=3),
    *_drained_credits(),
    *_stored_credits(),
)
"""All that a core has, and two with a distance between."""


def credit_design(sizes: CreditSizes) -> Module:
    """A counter of credits beside the sum that it stands for."""
    m = Module()
    width = sizes.width
    component = credit.Credit(initial=sizes.initial, distance=sizes.distance, width=width)
    m.submodules.dut = dut = Opened(built(component))
    give, take = component.i.give, component.take
    m.d.comb += [give.eq(AnySeq(1)), take.eq(AnySeq(1))]
    late = [Signal(name=f"late_{i}") for i in range(1, sizes.distance)]  # given, not yet counted
    counted = late[-1] if late else give
    there = Signal(width + 1, init=sizes.initial)  # what may be taken
    outstanding = Signal(width + 1, init=sizes.initial)
    m.d.sync += [
        *(one.eq(before) for one, before in zip(late, (give, *late), strict=False)),
        there.eq(there + counted - take),
        outstanding.eq(outstanding + give - take),
    ]
    coming, is_left = Signal(), Signal()
    m.d.sync += [coming.eq(component.coming), is_left.eq(take)]
    has_begun = Signal()
    m.d.sync += has_begun.eq(1)
    m.d.comb += [
        # what the surroundings promise
        Assume(~take | component.available),
        Assume(~give | (outstanding < (1 << width) - 1)),
        # what the counter promises
        Assert(component.available == (there != 0)),
        Assert(~has_begun | is_left | (component.available == coming)),
        # why it does
        Assert(dut["count"] == there + dut["taken"]),
        Assert(dut["taken"] == is_left),
        Assert(outstanding == there + sum(late)),
        Assert(outstanding < 1 << width),
        Assert(~has_begun | is_left | (coming == (there != 0))),
    ]
    for i, one in enumerate(late, start=1):
        m.d.comb += Assert(dut[f"given_{i}"] == one)
    return m


@dataclass(frozen=True, kw_only=True)
class QueueSizes:
    """Parameters of a queue.

    Parameters
    ----------
    depth, reserve : as of `Queue`.
    """

    depth: int
    reserve: int = 0

    def __str__(self) -> str:
        reserve = f", a reserve of {self.reserve}" if self.reserve else ""
        return f"depth {self.depth}{reserve}, payloads of {PAYLOAD_BITS} bits"

    @property
    def index_bits(self) -> int:
        """Of a place in it."""
        return self.depth.bit_length() - 1


QUEUES = (
    QueueSizes(depth=4),
    QueueSizes(depth=CORE_DEPTH),
    QueueSizes(depth=4, reserve=1),
    QueueSizes(depth=4, reserve=2),
    QueueSizes(depth=CORE_DEPTH, reserve=1),
    QueueSizes(depth=CORE_DEPTH, reserve=3),
    QueueSizes(depth=CORE_DEPTH, reserve=2 + timing.L2_LATENCY),
    QueueSizes(depth=CORE_DEPTH, reserve=load_planner.NUM_STAGES + 2),
)
"""All that a core has, the queues of the memory of a board, and two of another size."""


def queue_design(sizes: QueueSizes) -> Module:
    """A queue beside counters of what came and went, and the payload at any one place of it."""
    m = Module()
    depth, bits = sizes.depth, sizes.index_bits
    component = queue.Queue(shape=unsigned(PAYLOAD_BITS), depth=depth, reserve=sizes.reserve)
    module = built(component)
    probe = module.submodules.payloads.memory.read_port(domain="comb")
    m.submodules.dut = dut = Opened(module)
    m.d.comb += [
        component.i.payload.eq(AnySeq(PAYLOAD_BITS)),
        component.i.valid.eq(AnySeq(1)),
        component.o.ready.eq(AnySeq(1)),
    ]
    push, pop = Signal(), Signal()
    m.d.comb += [
        push.eq(component.i.valid & component.i.ready),
        pop.eq(component.o.valid & component.o.ready),
    ]
    came, went = Signal(bits + 2), Signal(bits + 2)
    held = Signal(bits + 2)
    m.d.sync += [came.eq(came + push), went.eq(went + pop)]
    m.d.comb += held.eq(came - went)
    place = AnyConst(bits)
    there = Signal(PAYLOAD_BITS)  # what was written to that place last
    with m.If(push & (came[:bits] == place)):
        m.d.sync += there.eq(component.i.payload)
    is_used = Signal()
    m.d.comb += [is_used.eq((place - went[:bits])[:bits] < held), probe.addr.eq(place)]
    if sizes.reserve:
        _reserve(m, component, push, held)
    m.d.comb += [
        # it holds at most what it has room for, and offers what is there, in order
        Assert(held <= depth),
        Assert(component.o.valid == (held != 0)),
        Assert(~(component.o.valid & (went[:bits] == place)) | (component.o.payload == there)),
        # why
        Assert(dut["level"] == held + dut["popped"]),
        Assert(dut["back"] == came[:bits]),
        Assert(dut["front"] == went[:bits]),
        Assert(~is_used | (probe.data == there)),
    ]
    if not sizes.reserve:
        m.d.comb += Assert(~component.i.ready | (held < depth))
    return m


def _reserve(m: Module, component: queue.Queue, push: Signal, held: Signal) -> None:
    """A sender that looks at `room` before it begins, with so many payloads on their way."""
    begins = AnySeq(1)
    under_way = Signal.like(held)
    m.d.sync += under_way.eq(under_way + begins - push)
    m.d.comb += [
        Assume(~push | (under_way != 0)),
        Assume(~begins | (component.room & (under_way < component.reserve))),
        Assert(held + under_way <= component.depth),
        Assert(under_way <= component.reserve),
    ]


def slice_design() -> Module:
    """A register slice beside a queue of two."""
    m = Module()
    component = register_slice.RegisterSlice(shape=unsigned(PAYLOAD_BITS))
    m.submodules.dut = dut = Opened(built(component))
    valid, ready, payload = AnySeq(1), AnySeq(1), AnySeq(PAYLOAD_BITS)
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
    oldest, newest = Signal(PAYLOAD_BITS), Signal(PAYLOAD_BITS)  # of those that are held
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


CREDIT_FAULTS = faults(
    "primitives.credit",
    (
        "a credit that was taken is still there",
        "count.eq(count + given - taken)",
        "count.eq(count + given)",
    ),
    (
        "a credit that comes when there is none is lost",
        "given | (self.available &",
        "(self.available &",
    ),
    ("a credit is a cycle late", "self.distance - 1", "self.distance"),
)
QUEUE_FAULTS = faults(
    "primitives.queue",
    (
        "a payload is accepted by a full queue",
        "self.depth - reserve + 1",
        "self.depth - reserve + 2",
    ),
    ("a payload is left out", "front.eq(front + 1)", "front.eq(front + 2)"),
    (
        "a payload is withdrawn before it is accepted",
        "push | (self.o.valid & (~self.o.ready | more))",
        "push | more",
    ),
)
RESERVE_FAULTS = faults(
    "primitives.queue",
    (
        "one place less is reserved",
        "self.depth - reserve + 1",
        "self.depth - reserve + 2",
    ),
)


def _credit_proof(sizes: CreditSizes) -> Proof:
    return Proof(
        name=f"credit, {sizes}",
        says="Each credit can be taken once, `distance` cycles after it came or later.",
        sizes=str(sizes),
        design=partial(credit_design, sizes),
        depth=sizes.distance + 4,
        by_induction=True,
        mutants=CREDIT_FAULTS,
    )


def _queue_cycles(sizes: QueueSizes) -> int:
    """Enough to fill a queue: with a reserve of 1, a payload comes in every second cycle."""
    return 2 * sizes.depth + 6 if sizes.reserve == 1 else sizes.depth + 4


def _queue_proof(sizes: QueueSizes) -> Proof:
    says = (
        "A sender that looks at the room of a queue with a reserve never overruns it; each payload "
        "is offered once, in order."
        if sizes.reserve
        else "A queue offers each payload once, in order, and takes none that it has no room for."
    )
    return Proof(
        name=f"queue, depth {sizes.depth}, reserve {sizes.reserve}",
        says=says,
        sizes=str(sizes),
        design=partial(queue_design, sizes),
        depth=_queue_cycles(sizes),
        by_induction=True,
        mutants=RESERVE_FAULTS if sizes.reserve else QUEUE_FAULTS,
    )


PROOFS = (
    *map(_credit_proof, CREDITS),
    *map(_queue_proof, QUEUES),
    Proof(
        name="register slice",
        says="A register slice is a queue of two.",
        sizes=f"payloads of {PAYLOAD_BITS} bits",
        design=slice_design,
        depth=6,
        by_induction=True,
        mutants=faults(
            "primitives.register_slice",
            (
                "the payload in the second register is lost",
                "valid.eq(keeps | self.i.valid)",
                "valid.eq(self.i.valid)",
            ),
            (
                "the payload in the second register is overwritten",
                "with m.If(~keeps):",
                "with m.If(1):",
            ),
        ),
    ),
)
