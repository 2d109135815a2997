"""Drain, control: which accumulator run is emptied, where to, and whether it may be."""

from collections.abc import Hashable
from typing import Any

from amaranth.hdl import Module, Mux, Signal, Value
from amaranth.lib import data
from amaranth.lib.wiring import In, Out, connect

from naas_hw.arch import timing
from naas_hw.compiler.layout import BOUND_BITS, L2_BITS, L2_BYTE_BITS, NEST, OUTER, PRIVATE_BITS
from naas_hw.rtl.primitives.config import FieldSignature
from naas_hw.rtl.primitives.credit import Credit
from naas_hw.rtl.primitives.loop_nest import LoopNest, changes
from naas_hw.rtl.primitives.shared import SharedComponent

FIELDS = (
    "drain_bound",
    "drain_tile_mask",
    "drain_scale_mask",
    "drain_revisit",
    "drain_tile_revisit",
    "drain_byte_delta",
    "drain_channel_delta",
    "beat_bound",
    "beat_byte_delta",
    "beat_accumulator_delta",
    "beat_channel_delta",
    "output_base",
    "sums_base",
)

BEAT = data.StructLayout(
    {
        "revisit": 1,  # sums wait in L2
        "final": 1,  # bytes are written, not sums
        "half": 1,  # of the accumulators
        "scale_half": 1,
        "output_base": L2_BITS,
        "sums_base": L2_BITS,
        "byte": L2_BYTE_BITS,  # place in the tile, one byte an output
        "accumulator": PRIVATE_BITS,
        "channel": BOUND_BITS,  # in the K tile
        "p": 11,
        "q": 11,
        "k_group": 11,
    }
)


class Drain(SharedComponent):
    """Empties one accumulator run after the other, a beat a cycle.

    A run goes when it is computed; where it reads sums, when those of the drain before last are
    written; where it opens an output tile, when store has left the tile's buffer and load has
    brought its sums back.

    Parameters
    ----------
    to_drain : cycles from the last cycle of a run to drain's go.
    bound_bits : bits of the bounds of the loops over the beats of a run.

    Members
    -------
    go : In, begin of a layer.
    run_computed, tile_stored, sums_loaded : In, strobes.
    active, beat : Out, to the drain path.
    run_drained, tile_drained, scales_freed : Out, strobes in the last cycle of an accumulator run,
        of a tile's, of those that use a half of the scales.
    started, waits_for_store, waits_for_load : Out, for logs and counters.
    busy : Out, there will be a drain after this cycle.
    """

    def __init__(self, *, to_drain: int, bound_bits: int) -> None:
        self.to_drain = to_drain
        self.bound_bits = bound_bits
        super().__init__(
            {
                "go": In(1),
                "run_computed": In(1),
                "tile_stored": In(1),
                "sums_loaded": In(1),
                "active": Out(1),
                "beat": Out(BEAT),
                "run_drained": Out(1),
                "tile_drained": Out(1),
                "scales_freed": Out(1),
                "started": Out(1),
                "waits_for_store": Out(1),
                "waits_for_load": Out(1),
                "busy": Out(1),
                "fields": In(FieldSignature(FIELDS)),
            }
        )

    @property
    def parameters(self) -> tuple[Hashable, ...]:
        return (self.to_drain, self.bound_bits)

    def build(self, platform: Any) -> Module:
        m = Module()
        m.submodules.computed = computed = Credit(initial=0, distance=self.to_drain)
        m.submodules.stored = stored = Credit(initial=2, distance=timing.STORE_TO_DRAIN)
        m.submodules.loaded = loaded = Credit(initial=0, distance=timing.LOAD_TO_DRAIN)
        nest = self._nest(m)
        left = Signal()
        going = Signal()
        ready = Signal()
        last = Signal()
        idle = Signal()
        opens = Signal()
        revisit = Signal()
        reload = Signal()
        settled = self._settled(m)
        m.d.comb += [
            revisit.eq(~(nest.first | ~self.fields.drain_revisit).all()),
            reload.eq(opens & ~(nest.first | ~self.fields.drain_tile_revisit).all()),
            ready.eq(left & ~self.go & (~self.active | last)),
            going.eq(
                ready
                & computed.available
                & (~revisit | settled)
                & (~opens | stored.available)
                & (~reload | loaded.available)
            ),
            nest.advance.eq(going),
            self.started.eq(going),
            # In its last cycle a run still counts as drained, not as the next one's wait.
            idle.eq(ready & ~self.active),
            self.waits_for_store.eq(idle & opens & ~stored.available),
            self.waits_for_load.eq(idle & reload & ~loaded.available & ~self.waits_for_store),
            self.busy.eq(left | (self.active & ~last)),
        ]
        for credit, give, take in (
            (computed, self.run_computed, going),
            (stored, self.tile_stored, going & opens),
            (loaded, self.sums_loaded, going & reload),
        ):
            m.d.comb += [credit.clear.eq(self.go), credit.i.give.eq(give), credit.take.eq(take)]
        with m.If(self.go):
            m.d.sync += [left.eq(1), opens.eq(1)]
        with m.Elif(going):
            m.d.sync += [
                left.eq(~nest.final),
                opens.eq(changes(nest.last, self.fields.drain_tile_mask)),
            ]
        self._beats(m, nest, going, last, revisit)
        return m

    def _nest(self, m: Module) -> LoopNest:
        m.submodules.nest = nest = LoopNest(
            positions=NEST, values=(("byte", L2_BYTE_BITS), ("channel", BOUND_BITS))
        )
        deltas = {"byte": "drain_byte_delta", "channel": "drain_channel_delta"}
        connect(m, self.fields.loop_record(bound="drain_bound", deltas=deltas), nest.record)
        m.d.comb += nest.start.eq(self.go)
        return nest

    def _settled(self, m: Module) -> Value:
        """Whether the sums of the drain before last are written."""
        wait = timing.DRAIN_TO_REVISIT
        latest = Signal(range(wait + 1))
        before = Signal(range(wait + 1))
        with m.If(self.go):
            m.d.sync += [latest.eq(0), before.eq(0)]
        with m.Elif(self.run_drained):
            m.d.sync += [latest.eq(wait - 1), before.eq(Mux(latest == 0, 0, latest - 1))]
        with m.Else():
            m.d.sync += [
                latest.eq(Mux(latest == 0, 0, latest - 1)),
                before.eq(Mux(before == 0, 0, before - 1)),
            ]
        return Mux(self.run_drained, latest, before) == 0

    def _beats(
        self, m: Module, nest: LoopNest, going: Signal, last: Signal, revisit: Signal
    ) -> None:
        m.submodules.beats = beats = LoopNest(
            positions=OUTER,
            values=(
                ("byte", L2_BYTE_BITS),
                ("accumulator", PRIVATE_BITS),
                ("channel", BOUND_BITS),
            ),
            indexed=(0, 1, 5),
            bound_bits=self.bound_bits,
        )
        deltas = {
            "byte": "beat_byte_delta",
            "accumulator": "beat_accumulator_delta",
            "channel": "beat_channel_delta",
        }
        connect(m, self.fields.loop_record(bound="beat_bound", deltas=deltas), beats.record)
        half = Signal()
        tile_half = Signal()
        scale_half = Signal()
        closes_tile = Signal()
        closes_scales = Signal()
        m.d.comb += [
            beats.start.eq(going),
            beats.advance.eq(self.active),
            beats.origin.byte.eq(nest.value.byte),
            beats.origin.channel.eq(nest.value.channel),
            last.eq(self.active & beats.final),
            self.run_drained.eq(last),
            self.tile_drained.eq(last & closes_tile),
            self.scales_freed.eq(last & closes_scales),
            self.beat.byte.eq(beats.value.byte),
            self.beat.accumulator.eq(beats.value.accumulator),
            self.beat.channel.eq(beats.value.channel),
            self.beat.p.eq(beats.index[0]),
            self.beat.q.eq(beats.index[1]),
            self.beat.k_group.eq(beats.index[2]),
        ]
        with m.If(self.go):
            m.d.sync += [
                self.active.eq(0),
                half.eq(0),
                tile_half.eq(0),
                scale_half.eq(0),
            ]
        with m.Elif(going):
            tile_ends = changes(nest.last, self.fields.drain_tile_mask)
            scales_end = changes(nest.last, self.fields.drain_scale_mask)
            m.d.sync += [
                self.active.eq(1),
                half.eq(~half),
                tile_half.eq(tile_half ^ tile_ends),
                scale_half.eq(scale_half ^ scales_end),
                closes_tile.eq(tile_ends),
                closes_scales.eq(scales_end),
                self.beat.revisit.eq(revisit),
                self.beat.final.eq((nest.last | ~self.fields.drain_revisit).all()),
                self.beat.half.eq(half),
                self.beat.scale_half.eq(scale_half),
                self.beat.output_base.eq(self.fields.output_base[tile_half]),
                self.beat.sums_base.eq(self.fields.sums_base[tile_half]),
            ]
        with m.Elif(last):
            m.d.sync += self.active.eq(0)
