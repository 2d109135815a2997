"""Performance counters: where the cycles of a run went, and what it moved."""

from collections.abc import Hashable, Sequence
from typing import Any, Final

from amaranth.hdl import Module, Mux, Signal, Value
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from naas_hw.arch.accelerator import Accelerator
from naas_hw.rtl.primitives.delay import delayed
from naas_hw.rtl.primitives.logic import any_of, masked
from naas_hw.rtl.primitives.ram import Ram
from naas_hw.rtl.primitives.shared import SharedComponent

COUNTER_BITS: Final = 40
"""Of a counter; no layer has a longest time, so counters stop half way, after 91 min at 100 MHz."""
COUNTERS: Final = (
    "cycles",
    "active",
    "stall_load",
    "stall_fill",
    "stall_drain",
    "stall_store",
    "descriptor",
    "l2_reads",
    "l2_writes",
    "dram_reads",
    "dram_writes",
)
L2_PORTS: Final = ("weights", "inputs", "sums", "store", "load", "drain")
"""Kinds of access to the global buffer that every accelerator has."""
RESIDUAL_PORT: Final = "residual"
"""One more where there is a residual."""

MAX_GAINS: Final = dict.fromkeys(COUNTERS, 1) | {
    "cycles": 2,
    "descriptor": 2,
    "l2_reads": 5,
    "l2_writes": 2,
}
"""The most that can be added to each counter in a cycle."""

FROM_CYCLE_0: Final = ("cycles", "descriptor")
"""Counters that a run's first cycle adds two to: it stands for the cycle before it, too."""

GAINS: Final = data.StructLayout({name: most.bit_length() for name, most in MAX_GAINS.items()})
"""What is added to each counter in a cycle."""


def l2_ports(accelerator: Accelerator) -> tuple[str, ...]:
    """Kinds of access to the global buffer of an accelerator."""
    return (*L2_PORTS, RESIDUAL_PORT) if accelerator.residual else L2_PORTS


class CounterSignature(wiring.Signature):
    """Counters, as they are read: one after the other, each for a cycle, over and over.

    Parameters
    ----------
    names : of the counters.

    Members
    -------
    turn : Out; number of a counter, in the order of the names.
    count : Out, COUNTER_BITS; what it is in this cycle.
    """

    def __init__(self, names: Sequence[str]) -> None:
        self.names = tuple(names)
        super().__init__({"turn": Out(range(max(2, len(self.names)))), "count": Out(COUNTER_BITS)})

    def __eq__(self, other: object) -> bool:
        return isinstance(other, CounterSignature) and self.names == other.names

    def __repr__(self) -> str:
        return f"CounterSignature({self.names!r})"


class Counters(SharedComponent):
    """Every cycle of a run belongs to one of active, stall_... and descriptor.

    A cycle is charged to what kept compute from going in it: the cause is looked up in the cycle
    before the one that is lost. Counters follow a cycle later, so that adders stand behind
    registers.

    The counts stand in one memory with one adder. What a counter gained since its last turn is
    small: it waits in a short counter of its own, and goes into the memory at the next turn. So a
    count is exact whenever it is shown. A counter whose highest bit is set at its turn stands
    still: it never begins anew at zero. Golden model: a dict of counts, and the rules that name the
    cause of a lost cycle.

    Parameters
    ----------
    l2_ports : kinds of access to the global buffer, `L2_PORTS` and those of options.

    Members
    -------
    start : In, 1 bit; high in cycle 1 of a run, in which cycle 0 is counted, too.
    busy : In, 1 bit; high from cycle 2 of a run to its last.
    go : In, 1 bit; high in T0 of a layer.
    in_layer : In, 1 bit; high from the cycle after T0 to the end of the layer.
    computing : In, 1 bit; compute works.
    waits : In, 1 bit; compute loses the next cycle.
    waits_for_drain : In, 1 bit; it does so for want of free accumulators.
    has_step : In, 1 bit; a step has been filled and not yet computed.
    fill_waits : In, 1 bit; fill waits for a tile.
    fill_finished : In, 1 bit; all steps of the layer are filled.
    drain_waits_for_store : In, 1 bit; drain waits for a free output tile.
    drain_waits_for_load : In, 1 bit; drain waits for partial sums or a residual.
    drain_busy : In, 1 bit; drain has work.
    l2 : In, a strobe for each of `l2_ports`, under its name.
    dram_read : In, 1 bit; a beat comes from DRAM.
    dram_write : In, 1 bit; a beat goes to DRAM.
    counts : Out, `CounterSignature` of `COUNTERS`.

    Latency
    -------
    A count includes a cycle from three cycles after it on. All counts begin anew with a run, three
    cycles after `start`; they are zero after a reset. A counter's turn comes every
    `len(COUNTERS)` cycles.

    Raises
    ------
    Nothing.
    """

    def __init__(self, l2_ports: Sequence[str] = L2_PORTS) -> None:
        self.l2_ports = tuple(l2_ports)
        super().__init__(
            {
                "start": In(1),
                "busy": In(1),
                "go": In(1),
                "in_layer": In(1),
                "computing": In(1),
                "waits": In(1),
                "waits_for_drain": In(1),
                "has_step": In(1),
                "fill_waits": In(1),
                "fill_finished": In(1),
                "drain_waits_for_store": In(1),
                "drain_waits_for_load": In(1),
                "drain_busy": In(1),
                "l2": In(data.StructLayout(dict.fromkeys(self.l2_ports, 1))),
                "dram_read": In(1),
                "dram_write": In(1),
                "counts": Out(CounterSignature(COUNTERS)),
            }
        )

    @property
    def parameters(self) -> tuple[Hashable, ...]:
        return (self.l2_ports,)

    def build(self, platform: Any) -> Module:
        m = Module()
        start = delayed(m, self.start, 1, "start")
        counts = delayed(m, self.start | self.busy, 1, "counts")
        gains = Signal(GAINS)
        late = Signal(GAINS, name="late_gains")
        self._count_accesses(m, gains)
        self._count_cycles(m, gains)
        m.d.sync += late.eq(gains)
        turn = Signal(range(len(COUNTERS)))
        m.d.sync += turn.eq(Mux(turn == len(COUNTERS) - 1, 0, turn + 1))
        self._keep(m, start, turn, self._gained(m, start, counts, turn, late))
        return m

    def _gained(self, m: Module, start: Value, counts: Value, turn: Signal, late: Any) -> Value:
        """What the counter whose turn it is gained since its last turn."""
        shown: list[Value] = []
        for number, name in enumerate(COUNTERS):
            gained = Signal(range(MAX_GAINS[name] * len(COUNTERS) + 1), name=f"gained_{name}")
            is_shown = Signal(name=f"shows_{name}")
            m.d.comb += is_shown.eq(turn == number)
            gain = masked(late[name], counts)
            if name in FROM_CYCLE_0:
                gain = Mux(start, 2, gain)
            with m.If(is_shown | start):
                m.d.sync += gained.eq(gain)
            with m.Else():
                m.d.sync += gained.eq(gained + gain)
            shown.append(masked(gained, is_shown))
        return any_of(shown)

    def _keep(self, m: Module, start: Value, turn: Signal, gained: Value) -> None:
        """Add what a counter gained to its word, which means nothing before its first turn.

        A word is read in one cycle, and added to, shown and written in the next.
        """
        m.submodules.memory = memory = Ram(width=COUNTER_BITS, depth=len(COUNTERS), latency=0)
        fresh = Signal(range(len(COUNTERS) + 1), init=len(COUNTERS))  # words that mean nothing yet
        word = Signal(COUNTER_BITS)
        gain = Signal(len(gained))
        counts = self.counts
        is_fresh, is_full = fresh != 0, memory.read.data[-1]
        m.d.comb += [
            memory.read.enable.eq(1),
            memory.read.address.eq(turn),
            counts.count.eq(word + gain),
            memory.write.enable.eq(1),
            memory.write.address.eq(counts.turn),
            memory.write.data.eq(counts.count),
        ]
        m.d.sync += [
            counts.turn.eq(turn),
            word.eq(memory.read.data),
            gain.eq(gained),
        ]
        with m.If(is_fresh):
            m.d.sync += word.eq(0)
        with m.Elif(is_full):
            m.d.sync += gain.eq(0)
        with m.If(start):
            m.d.sync += fresh.eq(len(COUNTERS))
        with m.Elif(is_fresh):
            m.d.sync += fresh.eq(fresh - 1)

    def _count_accesses(self, m: Module, gains: Any) -> None:
        l2 = self.l2
        reads = l2.weights + l2.inputs + l2.sums + l2.store
        if RESIDUAL_PORT in self.l2_ports:
            reads = reads + l2.residual
        m.d.comb += [
            gains.l2_reads.eq(reads),
            gains.l2_writes.eq(l2.load + l2.drain),
            gains.dram_reads.eq(self.dram_read),
            gains.dram_writes.eq(self.dram_write),
        ]

    def _count_cycles(self, m: Module, gains: Any) -> None:
        m.d.comb += [
            gains.cycles.eq(1),
            gains.active.eq(self.in_layer & self.computing),
            gains.descriptor.eq(~self.in_layer & ~self.go),
        ]
        with m.If((self.go | self.in_layer) & self.waits):
            with m.If(self.go):
                m.d.comb += gains.stall_load.eq(1)
            with m.Elif(self.fill_finished & ~self.has_step):
                m.d.comb += gains.stall_drain.eq(self.drain_busy)
                m.d.comb += gains.stall_store.eq(~self.drain_busy)
            with m.Elif(~self.waits_for_drain):
                load = self.fill_waits & ~self.has_step
                m.d.comb += gains.stall_load.eq(load)
                m.d.comb += gains.stall_fill.eq(~load)
            with m.Elif(self.drain_waits_for_store):
                m.d.comb += gains.stall_store.eq(1)
            with m.Elif(self.drain_waits_for_load):
                m.d.comb += gains.stall_load.eq(1)
            with m.Else():
                m.d.comb += gains.stall_drain.eq(1)
