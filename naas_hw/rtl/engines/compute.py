"""Compute: the PE's own loops, the same for all PEs in the same cycle."""

from collections.abc import Hashable
from typing import Any

from amaranth.hdl import Cat, Module, Mux, Signal
from amaranth.lib.wiring import In, Out, connect

from naas_hw.arch import timing
from naas_hw.compiler.layout import OUTER, PRIVATE_BITS
from naas_hw.rtl.primitives.config import FieldSignature
from naas_hw.rtl.primitives.credit import Credit
from naas_hw.rtl.primitives.loop_nest import LoopNest
from naas_hw.rtl.primitives.queue import Queue
from naas_hw.rtl.primitives.shared import SharedComponent

FIELDS = (
    "pe_bound",
    "pe_reduction",
    "pe_weight_delta",
    "pe_input_delta",
    "pe_accumulator_delta",
)


class Compute(SharedComponent):
    """Runs the steps that fill hands over, one multiplication a PE and cycle.

    A step goes when it is filled and, where it opens an accumulator run, drain has emptied the
    accumulators of the run before last.

    Parameters
    ----------
    half_weight_bytes, half_input_bytes : of one half of a PE's buffers.
    bound_bits : bits of the bounds of the loops in a PE.

    Members
    -------
    go : In, begin of a layer.
    step_filled, weights_half, inputs_half, opens_run, closes_run : In, from fill.
    run_drained : In, strobe.
    active : Out, a multiplication starts in this cycle, with
    weight, input, accumulator (linear places), first, half : Out.
    step_computed, run_computed : Out, strobes in the last cycle of a step, of an accumulator run.
    started : Out, for logs.
    waits, waits_for_drain : Out, the next cycle is lost, for want of free accumulators.
    has_step : Out, a step has been filled.
    """

    def __init__(self, *, half_weight_bytes: int, half_input_bytes: int, bound_bits: int) -> None:
        self.half_weight_bytes = half_weight_bytes
        self.half_input_bytes = half_input_bytes
        self.bound_bits = bound_bits
        super().__init__(
            {
                "go": In(1),
                "step_filled": In(1),
                "weights_half": In(1),
                "inputs_half": In(1),
                "opens_run": In(1),
                "closes_run": In(1),
                "run_drained": In(1),
                "active": Out(1),
                "weight": Out(PRIVATE_BITS),
                "input": Out(PRIVATE_BITS),
                "accumulator": Out(PRIVATE_BITS),
                "first": Out(1),
                "half": Out(1),
                "step_computed": Out(1),
                "run_computed": Out(1),
                "started": Out(1),
                "waits": Out(1),
                "has_step": Out(1),
                "waits_for_drain": Out(1),
                "fields": In(FieldSignature(FIELDS)),
            }
        )

    @property
    def parameters(self) -> tuple[Hashable, ...]:
        return (self.half_weight_bytes, self.half_input_bytes, self.bound_bits)

    def build(self, platform: Any) -> Module:
        m = Module()
        m.submodules.steps = steps = Queue(shape=4, depth=4, reserve=1)
        m.submodules.filled = filled = Credit(initial=0, distance=timing.FILL_TO_COMPUTE)
        m.submodules.drained = drained = Credit(initial=2, distance=timing.DRAIN_TO_COMPUTE)
        nest = self._nest(m)
        weights_half, inputs_half, opens_run, closes_run = (steps.o.payload[i] for i in range(4))
        going = Signal()
        last = Signal()
        closes = Signal()
        ready = Signal()
        m.d.comb += [
            steps.clear.eq(self.go),
            steps.i.valid.eq(self.step_filled),
            steps.i.payload.eq(
                Cat(self.weights_half, self.inputs_half, self.opens_run, self.closes_run)
            ),
            steps.o.ready.eq(going),
            filled.clear.eq(self.go),
            filled.i.give.eq(self.step_filled),
            filled.take.eq(going),
            drained.clear.eq(self.go),
            drained.i.give.eq(self.run_drained),
            drained.take.eq(going & opens_run),
            last.eq(self.active & nest.final),
            ready.eq(~self.go & (~self.active | last)),
            going.eq(ready & filled.available & (~opens_run | drained.available)),
            nest.start.eq(going),
            nest.advance.eq(self.active),
            nest.origin.weight.eq(weights_half * self.half_weight_bytes),
            nest.origin.input.eq(inputs_half * self.half_input_bytes),
            self.step_computed.eq(last),
            self.run_computed.eq(last & closes),
            self.started.eq(going),
            self.waits.eq((~self.active | last) & ~going),
            self.has_step.eq(steps.o.valid),
            self.waits_for_drain.eq(self.waits & filled.available),
        ]
        with m.If(self.go):
            m.d.sync += self.active.eq(0)
        with m.Elif(going):
            m.d.sync += [self.active.eq(1), closes.eq(closes_run)]
        with m.Elif(last):
            m.d.sync += self.active.eq(0)
        self._first(m, nest, going, opens_run)
        return m

    def _nest(self, m: Module) -> LoopNest:
        names = ("weight", "input", "accumulator")
        m.submodules.nest = nest = LoopNest(
            positions=OUTER,
            values=tuple((name, PRIVATE_BITS) for name in names),
            bound_bits=self.bound_bits,
        )
        deltas = {name: f"pe_{name}_delta" for name in names}
        connect(m, self.fields.loop_record(bound="pe_bound", deltas=deltas), nest.record)
        m.d.comb += [getattr(self, name).eq(getattr(nest.value, name)) for name in names]
        return nest

    def _first(self, m: Module, nest: LoopNest, going: Signal, opens_run: Signal) -> None:
        """First touch of an accumulator, and which half the run has."""
        opened = Signal()
        with m.If(self.go):
            m.d.sync += [self.half.eq(1), opened.eq(0)]
        with m.Elif(going):
            m.d.sync += [opened.eq(opens_run), self.half.eq(Mux(opens_run, ~self.half, self.half))]
        m.d.comb += self.first.eq(opened & (nest.first | ~self.fields.pe_reduction).all())
