"""Performance counters: where the cycles of a run went, and what it moved."""

from collections.abc import Hashable, Sequence
from typing import Any, Final

from amaranth.hdl import Cat, Module, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from naas_hw.rtl.primitives.delay import delayed
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


class CounterSignature(wiring.Signature):
    """Counters, as they are read.

    Parameters
    ----------
    names : of the counters.

    Members
    -------
    one for each name : Out, 64 bits.
    """

    def __init__(self, names: Sequence[str]) -> None:
        self.names = tuple(names)
        super().__init__({name: Out(64) for name in self.names})

    def __eq__(self, other: object) -> bool:
        return isinstance(other, CounterSignature) and self.names == other.names

    def __repr__(self) -> str:
        return f"CounterSignature({self.names!r})"


class Counters(SharedComponent):
    """Every cycle of a run belongs to one of active, stall_... and descriptor.

    A cycle is charged to what kept compute from going in it: the cause is looked up in the cycle
    before the one that is lost. Counters follow a cycle later, so that adders stand behind
    registers. A counter whose highest bit is set stands still: it never begins anew at zero.

    Members
    -------
    start : In, 1 bit; high in cycle 0 of a run.
    busy : In, 1 bit; high from cycle 1 of a run to its last.
    go : In, 1 bit; high in T0 of a layer.
    in_layer : In, 1 bit; high from the cycle after T0 to the end of the layer.
    computing : In, 1 bit; compute works.
    waits : In, 1 bit; compute loses the next cycle.
    waits_for_drain : In, 1 bit; it does so for want of free accumulators.
    has_step : In, 1 bit; a step has been filled and not yet computed.
    fill_waits : In, 1 bit; fill waits for a tile.
    fill_finished : In, 1 bit; all steps of the layer are filled.
    drain_waits_for_store : In, 1 bit; drain waits for a free output tile.
    drain_waits_for_load : In, 1 bit; drain waits for partial sums.
    drain_busy : In, 1 bit; drain has work.
    l2 : In, strobes in the order of `L2_PORTS`.
    dram_read : In, 1 bit; a beat comes from DRAM.
    dram_write : In, 1 bit; a beat goes to DRAM.
    counts : Out, `CounterSignature` of `COUNTERS`.

    Latency
    -------
    A count includes a cycle from two cycles after it on. All counts begin anew with a run, two
    cycles after `start`; they are zero after a reset.
    """

    def __init__(self) -> None:
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
                "l2": In(len(L2_PORTS)),
                "dram_read": In(1),
                "dram_write": In(1),
                "counts": Out(CounterSignature(COUNTERS)),
            }
        )

    @property
    def parameters(self) -> tuple[Hashable, ...]:
        return ()

    def build(self, platform: Any) -> Module:
        m = Module()
        start, busy = delayed(m, self.start, 1, "start"), delayed(m, self.busy, 1, "busy")
        for name, gain in self._gains(m).items():
            count = Signal(COUNTER_BITS, name=f"count_{name}")
            late = Signal(gain.shape(), name=f"gain_{name}")
            m.d.comb += getattr(self.counts, name).eq(count)
            m.d.sync += late.eq(gain)
            with m.If(start):
                m.d.sync += count.eq(late)
            with m.Elif(busy & ~count[-1]):
                m.d.sync += count.eq(count + late)
        return m

    def _gains(self, m: Module) -> dict[str, Value]:
        stalls = self._stalls(m)
        reads = self.l2[0] + self.l2[1] + self.l2[2] + self.l2[3]
        writes = self.l2[4] + self.l2[5]
        return {
            "cycles": Cat(1),
            "active": self.in_layer & self.computing,
            **stalls,
            "descriptor": ~self.in_layer & ~self.go,
            "l2_reads": reads,
            "l2_writes": writes,
            "dram_reads": self.dram_read,
            "dram_writes": self.dram_write,
        }

    def _stalls(self, m: Module) -> dict[str, Value]:
        causes = {name: Signal(name=name) for name in COUNTERS if name.startswith("stall_")}
        with m.If((self.go | self.in_layer) & self.waits):
            with m.If(self.go):
                m.d.comb += causes["stall_load"].eq(1)
            with m.Elif(self.fill_finished & ~self.has_step):
                m.d.comb += causes["stall_drain"].eq(self.drain_busy)
                m.d.comb += causes["stall_store"].eq(~self.drain_busy)
            with m.Elif(~self.waits_for_drain):
                load = self.fill_waits & ~self.has_step
                m.d.comb += causes["stall_load"].eq(load)
                m.d.comb += causes["stall_fill"].eq(~load)
            with m.Elif(self.drain_waits_for_store):
                m.d.comb += causes["stall_store"].eq(1)
            with m.Elif(self.drain_waits_for_load):
                m.d.comb += causes["stall_load"].eq(1)
            with m.Else():
                m.d.comb += causes["stall_drain"].eq(1)
        return dict(causes)
