"""Load's plan, tile by tile: which tensors have to be loaded anew."""

from collections.abc import Hashable
from typing import Any, Final

from amaranth.hdl import Cat, Module, Mux, Signal, unsigned
from amaranth.lib import data, stream
from amaranth.lib.wiring import In, Out

from naas_hw.compiler.layout import OUTER
from naas_hw.rtl.primitives.config import FieldSignature
from naas_hw.rtl.primitives.loop_nest import changes, revisits
from naas_hw.rtl.primitives.shared import SharedComponent
from naas_hw.rtl.primitives.transfer import RUN_BITS, LoadTag, Tensor

FIELDS: Final = (
    "load_scale_mask",
    "load_weight_mask",
    "load_input_mask",
    "load_output_mask",
    "load_revisit",
)

NUM_TENSORS: Final = len(Tensor)
ALL_BUT_PARTIAL_SUMS: Final = (1 << Tensor.PARTIAL_SUMS) - 1
"""A tensor a bit; nothing was summed up before the first tile."""


class ScheduledLoad(data.Struct):
    """A tensor that has to be loaded for a tile.

    Members
    -------
    tag : what it is for.
    halves : a bit for each tensor, which half of its double buffer the tile takes.
    """

    tag: LoadTag
    halves: unsigned(NUM_TENSORS)


class LoadScheduler(SharedComponent):
    """Says for one tile after the other which tensors it loads: those that changed.

    They come in the order of `Tensor`, and partial sums only for an output tile that was stored
    before. With its last tensor a tile ends, and the loop nest advances. Golden model:
    `naas_hw.cost.reference.pieces.steps_of`.

    Parameters
    ----------
    None.

    Members
    -------
    go : In, 1 bit; begin with the first tile of a layer.
    room : In, 1 bit; a load may be scheduled in this cycle.
    last, first : In, a bit for each position of the loop nest: it is in its last, its first trip.
    final : In, 1 bit; the nest is at its last tile.
    fields : In, the fields of the descriptor in `FIELDS`.
    advance : Out, 1 bit; to the loop nest.
    o : Out, stream of `ScheduledLoad`, always ready; in the cycle in which the nest is at its tile.

    Latency
    -------
    The first load is scheduled in the cycle after `go`, and one in each cycle with `room` that
    follows. Nothing is scheduled from reset until the first `go`.

    Raises
    ------
    Nothing.
    """

    def __init__(self) -> None:
        super().__init__(
            {
                "go": In(1),
                "room": In(1),
                "last": In(OUTER),
                "first": In(OUTER),
                "final": In(1),
                "fields": In(FieldSignature(FIELDS)),
                "advance": Out(1),
                "o": Out(stream.Signature(ScheduledLoad, always_ready=True)),
            }
        )

    @property
    def parameters(self) -> tuple[Hashable, ...]:
        return ()

    def build(self, platform: Any) -> Module:
        m = Module()
        pending = Signal(NUM_TENSORS)  # of this tile, as far as masks tell
        needed = Signal(NUM_TENSORS)
        rest = Signal(NUM_TENSORS)  # what is needed after this load
        moved = self._moved(m)
        stored_before = revisits(self.first, self.fields.load_revisit)
        m.d.comb += [
            needed.eq(Cat(pending[:-1], pending[-1] & stored_before)),
            rest.eq(needed & (needed - 1)),
            self.o.valid.eq(needed.any() & self.room),
            self.advance.eq(self.o.valid & (rest == 0)),
        ]
        with m.If(self.go):
            m.d.sync += pending.eq(ALL_BUT_PARTIAL_SUMS)
        with m.Elif(self.advance):
            m.d.sync += pending.eq(Mux(self.final, 0, moved))
        with m.Elif(self.o.valid):
            m.d.sync += pending.eq(rest)
        self._describe(m, needed, moved)
        return m

    def _moved(self, m: Module) -> Signal:
        """Which tensors the next tile has to load anew."""
        moved = Signal(NUM_TENSORS)
        masks = (
            self.fields.load_scale_mask,
            self.fields.load_weight_mask,
            self.fields.load_input_mask,
            self.fields.load_output_mask,
        )
        m.d.comb += moved.eq(Cat(changes(self.last, mask) for mask in masks))
        return moved

    def _describe(self, m: Module, needed: Signal, moved: Signal) -> None:
        """What goes with the tensor that is loaded now."""
        tag = self.o.payload.tag
        opens_tile = Signal()
        run = Signal(RUN_BITS)
        halves = Signal(NUM_TENSORS)
        inputs_follow = needed[Tensor.INPUTS]
        m.d.comb += [
            tag.tensor.eq(Mux(needed[0], 0, Mux(needed[1], 1, Mux(needed[2], 2, 3)))),
            tag.opens_tile.eq(opens_tile),
            tag.releases_fill.eq(
                (tag.tensor == Tensor.INPUTS) | ((tag.tensor == Tensor.WEIGHTS) & ~inputs_follow)
            ),
            tag.output_run.eq(run),
            self.o.payload.halves.eq(halves),
        ]
        with m.If(self.go):
            m.d.sync += [opens_tile.eq(1), run.eq(0), halves.eq(0)]
        with m.Elif(self.advance):
            m.d.sync += [
                opens_tile.eq(1),
                halves.eq(halves ^ moved),
                run.eq(run + moved[Tensor.PARTIAL_SUMS]),
            ]
        with m.Elif(self.o.valid):
            m.d.sync += opens_tile.eq(0)
