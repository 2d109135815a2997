"""Load's plan, tile by tile: which tensors have to be loaded anew."""

from collections.abc import Hashable
from typing import Any, Final

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value, unsigned
from amaranth.lib import data, stream
from amaranth.lib.wiring import In, Out

from naas_hw.compiler.fields import OUTER
from naas_hw.rtl.primitives.config import FieldSignature
from naas_hw.rtl.primitives.loop_nest import changes, completes, revisits
from naas_hw.rtl.primitives.shared import SharedComponent
from naas_hw.rtl.primitives.transfer import (
    NO_OPTIONS,
    RUN_BITS,
    LoadOptions,
    LoadTag,
    OptionalTensor,
    Tensor,
)

FIELDS: Final = (
    "load_scale_mask",
    "load_weight_mask",
    "load_input_mask",
    "load_output_mask",
    "load_revisit",
)


def fields_of(loads: LoadOptions) -> tuple[str, ...]:
    """The fields of the descriptor that a scheduler of these loads reads."""
    table = ("table_place",) if loads.table_words else ()
    residual = ("residual",) if loads.residual else ()
    return (*FIELDS, *table, *residual)


class ScheduledLoad(data.Struct):
    """A tensor that has to be loaded for a tile.

    Members
    -------
    tag : what it is for.
    halves : a bit for each tensor, which half of its double buffer the tile takes.
    """

    tag: LoadTag
    halves: unsigned(len(Tensor))


def scheduled_load(loads: LoadOptions) -> type[data.Struct] | data.StructLayout:
    """Its shape with options: there is a half for each of `LoadOptions.order`, in this order."""
    shape = loads.tagged(ScheduledLoad)
    if isinstance(shape, data.StructLayout):
        return data.StructLayout(dict(shape.members) | {"halves": len(loads.order)})
    return shape


class LoadScheduler(SharedComponent):
    """Says for one tile after the other which tensors it loads: those that changed.

    They come in the order of `LoadOptions.order`, and partial sums only for an output tile that was
    stored before. A table comes once in a layer that has one. A residual comes with the first tile
    of an output run that leaves as bytes. With its last tensor a tile ends, and the loop nest
    advances. Golden model: `naas_hw.cost.reference.pieces.steps_of`.

    Parameters
    ----------
    loads : what is loaded beside the four tensors that every layer has.

    Members
    -------
    go : In, 1 bit; begin with the first tile of a layer.
    room : In, 1 bit; a load may be scheduled in this cycle.
    ready : In, 1 bit; the loop nest may advance in this cycle.
    last, first : In, a bit for each position of the loop nest: it is in its last, its first trip.
    final : In, 1 bit; the nest is at its last tile.
    fields : In, the fields of the descriptor in `fields_of(loads)`.
    advance : Out, 1 bit; to the loop nest.
    o : Out, stream of `scheduled_load(loads)`, always ready; in the cycle in which the nest is at
        its tile.

    Latency
    -------
    The first load of a tile is scheduled in the second cycle after `go` or after the last of the
    tile before, and one in each cycle with `room` that follows; the last of a tile waits until the
    nest is `ready`. Nothing is scheduled from reset until the first `go`.

    Raises
    ------
    Nothing.
    """

    def __init__(self, loads: LoadOptions = NO_OPTIONS) -> None:
        self.loads = loads
        self.num_tensors = len(loads.order)
        super().__init__(
            {
                "go": In(1),
                "room": In(1),
                "ready": In(1),
                "last": In(OUTER),
                "first": In(OUTER),
                "final": In(1),
                "fields": In(FieldSignature(fields_of(loads))),
                "advance": Out(1),
                "o": Out(stream.Signature(scheduled_load(loads), always_ready=True)),
            }
        )

    @property
    def parameters(self) -> tuple[Hashable, ...]:
        return (self.loads,)

    def build(self, platform: Any) -> Module:
        m = Module()
        pending = Signal(self.num_tensors)  # of this tile, as far as masks tell
        fresh = Signal()  # the nest has just come to this tile
        needed = Signal(self.num_tensors)
        has_needed = Signal()
        is_last = Signal()  # of what is needed, one is left
        rest = Signal(self.num_tensors)  # what is needed after this load
        following = Signal(self.num_tensors)
        moved = self._moved(m)
        m.d.comb += [
            rest.eq(needed & (needed - 1)),
            self.o.valid.eq(has_needed & self.room & (self.ready | ~is_last)),
            self.advance.eq(has_needed & self.room & self.ready & is_last),
            following.eq(Mux(fresh, self._needed(pending), rest)),
        ]
        with m.If(self.go):
            m.d.sync += pending.eq((1 << (self.num_tensors - 1)) - 1)  # nothing was summed up
        with m.Elif(self.advance):
            m.d.sync += pending.eq(Mux(self.final, 0, moved))
        m.d.sync += fresh.eq(self.go | self.advance)
        with m.If(fresh | self.o.valid):
            m.d.sync += [
                needed.eq(following),
                has_needed.eq(following.any()),
                is_last.eq((following & (following - 1)) == 0),
            ]
        self._describe(m, needed, moved)
        return m

    def _moved(self, m: Module) -> Signal:
        """Which tensors the next tile has to load anew."""
        moved = Signal(self.num_tensors)
        masks = {
            Tensor.SCALES: self.fields.load_scale_mask,
            Tensor.WEIGHTS: self.fields.load_weight_mask,
            Tensor.INPUTS: self.fields.load_input_mask,
            Tensor.PARTIAL_SUMS: self.fields.load_output_mask,
            OptionalTensor.RESIDUAL: self.fields.load_output_mask,
        }
        m.d.comb += moved.eq(
            Cat(
                changes(self.last, masks[tensor]) if tensor in masks else Const(0, 1)
                for tensor in self.loads.order
            )
        )
        return moved

    def _needed(self, pending: Signal) -> Value:
        """What of a tile that moved is wanted by the layer, and is there to be loaded."""
        fields = self.fields
        needed = pending[:-1]
        if self.loads.table_words:
            needed = Cat(pending[0] & (fields.table_place != 0), needed[1:])
        if self.loads.residual:
            is_final = completes(self.last, fields.load_revisit)
            needed = Cat(needed[:-1], pending[-2] & fields.residual & is_final)
        return Cat(needed, pending[-1] & revisits(self.first, fields.load_revisit))

    def _describe(self, m: Module, needed: Signal, moved: Signal) -> None:
        """What goes with the tensor that is loaded now."""
        tag = self.o.payload.tag
        opens_tile = Signal(init=1)
        run = Signal(RUN_BITS)
        halves = Signal(self.num_tensors)
        inputs_follow = needed[self.loads.order.index(Tensor.INPUTS)]
        m.d.comb += [
            tag.tensor.eq(self._first_of(needed)),
            tag.opens_tile.eq(opens_tile),
            tag.releases_fill.eq(
                (tag.tensor == Tensor.INPUTS) | ((tag.tensor == Tensor.WEIGHTS) & ~inputs_follow)
            ),
            tag.output_run.eq(run),
            self.o.payload.halves.eq(halves),
        ]
        if self.loads.residual:
            sums_follow = needed[-1]
            m.d.comb += tag.releases_drain.eq(
                (tag.tensor == Tensor.PARTIAL_SUMS)
                | ((tag.tensor == OptionalTensor.RESIDUAL) & ~sums_follow)
            )
        with m.If(self.advance):
            m.d.sync += [
                opens_tile.eq(1),
                halves.eq(halves ^ moved),
                run.eq(run + moved[-1]),
            ]
        with m.Elif(self.o.valid):
            m.d.sync += opens_tile.eq(0)

    def _first_of(self, needed: Signal) -> Value:
        """The tensor of the lowest bit that is set."""
        *order, tensor = (int(tensor) for tensor in self.loads.order)
        first: Value | int = tensor
        for position, tensor in reversed(list(enumerate(order))):
            first = Mux(needed[position], tensor, first)
        return Value.cast(first)
