"""Compute: the PE's own loops, the same for all PEs in the same cycle."""

from collections.abc import Hashable
from typing import Any, Final

from amaranth.hdl import Module, Signal
from amaranth.lib import stream
from amaranth.lib.wiring import In, Out, connect, flipped

from naas_hw.arch import timing
from naas_hw.compiler.fields import BOUND_BITS, OUTER, PRIVATE_BITS
from naas_hw.rtl.array.signatures import MultiplicationSignature
from naas_hw.rtl.engines.fill import FilledStep
from naas_hw.rtl.primitives.config import FieldSignature
from naas_hw.rtl.primitives.credit import Credit, CreditSignature
from naas_hw.rtl.primitives.delay import delayed, delays
from naas_hw.rtl.primitives.logic import any_of
from naas_hw.rtl.primitives.loop_nest import LoopNest, revisits
from naas_hw.rtl.primitives.queue import Queue
from naas_hw.rtl.primitives.shared import SharedComponent

FIELDS: Final = (
    "pe_bound",
    "pe_reduction",
    "pe_weight_delta",
    "pe_input_delta",
    "pe_accumulator_delta",
)

ADDRESS_WIDTHS: Final = (
    ("weight", PRIVATE_BITS),
    ("input", PRIVATE_BITS),
    ("accumulator", PRIVATE_BITS),
)


NEXT_STEP_CYCLES: Final = 2
"""Cycles from a step that is filled to the register in front of the loops."""


class Compute(SharedComponent):
    """Runs the steps that fill hands over, one multiplication a PE and cycle.

    A step starts when it is filled and, where it opens an accumulator run, drain has emptied the
    accumulators of the run before last. Golden model: `itertools.product` over the loops in a PE.

    Parameters
    ----------
    half_weight_bytes, half_input_bytes : of one half of a PE's buffers.
    bound_bits : bits of the bounds of the loops in a PE.

    Members
    -------
    fields : In, the fields of the descriptor in `FIELDS`.
    i : In, stream of `FilledStep`, always ready; at most four steps are ahead.
    run_drained : In, `CreditSignature`; drain has emptied the accumulators of a run.
    multiplication : Out, `MultiplicationSignature`.
    step_computed : Out, `CreditSignature`, in the last cycle of a step.
    run_computed : Out, `CreditSignature`, in the last cycle of an accumulator run.
    started : Out, 1 bit; strobe, a step starts.
    waits : Out, 1 bit; there is no multiplication in the next cycle.
    waits_for_drain : Out, 1 bit; that is for want of free accumulators.
    has_step : Out, 1 bit; a step has been filled.

    Latency
    -------
    A step starts FILL_TO_COMPUTE cycles after it was filled at the earliest, and in the last cycle
    of the step before it: a multiplication a cycle. Its first multiplication is in the cycle after
    its start. Nothing starts from reset until the first step.

    Raises
    ------
    ValueError : the number of bits of a bound is out of range.
    """

    def __init__(self, *, half_weight_bytes: int, half_input_bytes: int, bound_bits: int) -> None:
        if not 1 <= bound_bits <= BOUND_BITS:
            raise ValueError(f"bound_bits must be 1 to {BOUND_BITS}, not {bound_bits}")
        self.half_weight_bytes = half_weight_bytes
        self.half_input_bytes = half_input_bytes
        self.bound_bits = bound_bits
        super().__init__(
            {
                "fields": In(FieldSignature(FIELDS)),
                "i": In(stream.Signature(FilledStep, always_ready=True)),
                "run_drained": In(CreditSignature()),
                "multiplication": Out(MultiplicationSignature()),
                "step_computed": Out(CreditSignature()),
                "run_computed": Out(CreditSignature()),
                "started": Out(1),
                "waits": Out(1),
                "waits_for_drain": Out(1),
                "has_step": Out(1),
            }
        )

    @property
    def parameters(self) -> tuple[Hashable, ...]:
        return (self.half_weight_bytes, self.half_input_bytes, self.bound_bits)

    def build(self, platform: Any) -> Module:
        m = Module()
        m.submodules.steps = steps = Queue(shape=FilledStep, depth=4, reserve=1)
        m.submodules.drained = drained = Credit(initial=2, distance=timing.DRAIN_TO_COMPUTE)
        m.submodules.nest = nest = LoopNest(
            positions=OUTER, values=ADDRESS_WIDTHS, bound_bits=self.bound_bits
        )
        last = Signal()
        has_next = Signal()
        next_step = Signal(FilledStep, reset_less=True)
        more = timing.FILL_TO_COMPUTE - NEXT_STEP_CYCLES
        assert more >= 0, "a step cannot start before it stands in its register"
        filled = delays(m, self.i.valid, more + 1, "filled")
        m.d.comb += [
            steps.i.valid.eq(filled[-1]),
            steps.i.payload.eq(delayed(m, self.i.payload, more, "step")),
        ]
        connect(m, flipped(self.run_drained), drained.i)
        self._hold_next(m, steps, has_next, next_step)
        self._start_steps(m, has_next, next_step, drained, last)
        m.d.comb += self.has_step.eq(any_of([*filled[1:], steps.o.valid, has_next]))
        self._step(m, nest, next_step, last)
        self._multiply(m, nest, next_step)
        return m

    def _hold_next(self, m: Module, steps: Queue, has_next: Signal, next_step: Signal) -> None:
        """The next step stands in a register, behind the queue: two cycles after it was filled."""
        m.d.comb += steps.o.ready.eq(~has_next | self.started)
        with m.If(steps.o.ready):
            m.d.sync += [has_next.eq(steps.o.valid), next_step.eq(steps.o.payload)]

    def _start_steps(
        self, m: Module, has_next: Signal, next_step: Any, drained: Credit, last: Signal
    ) -> None:
        """The next step starts when this one ends, if it is filled and accumulators are free."""
        ready = Signal()
        opens_run = next_step.opens_run
        m.d.comb += [
            ready.eq(~self.multiplication.valid | last),
            self.started.eq(ready & has_next & (~opens_run | drained.available)),
            drained.take.eq(self.started & opens_run),
            self.waits.eq((~self.multiplication.valid | last) & ~self.started),
            self.waits_for_drain.eq(self.waits & has_next),
        ]

    def _step(self, m: Module, nest: LoopNest, step: Any, last: Signal) -> None:
        """The loops of a step, from its start to its last multiplication."""
        closes_run = Signal()
        deltas = {name: f"pe_{name}_delta" for name, _ in ADDRESS_WIDTHS}
        connect(m, self.fields.loop_record(bound="pe_bound", deltas=deltas), nest.record)
        m.d.comb += [
            nest.start.eq(self.started),
            nest.advance.eq(self.multiplication.valid),
            nest.origin.weight.eq(step.weights_half * self.half_weight_bytes),
            nest.origin.input.eq(step.inputs_half * self.half_input_bytes),
            last.eq(self.multiplication.valid & nest.final),
            self.step_computed.give.eq(last),
            self.run_computed.give.eq(last & closes_run),
        ]
        with m.If(self.started):
            m.d.sync += [self.multiplication.valid.eq(1), closes_run.eq(step.closes_run)]
        with m.Elif(last):
            m.d.sync += self.multiplication.valid.eq(0)

    def _multiply(self, m: Module, nest: LoopNest, next_step: Any) -> None:
        """Addresses, first touch of an accumulator, and which half the run has."""
        multiplication = self.multiplication
        opens_run = next_step.opens_run
        in_first_step = Signal()  # of an accumulator run
        half = Signal(init=1)
        with m.If(self.started):
            m.d.sync += [in_first_step.eq(opens_run), half.eq(half ^ opens_run)]
        m.d.comb += [
            multiplication.half.eq(half),
            multiplication.weight_address.eq(nest.value.weight),
            multiplication.input_address.eq(nest.value.input),
            multiplication.accumulator_address.eq(nest.value.accumulator),
            multiplication.first.eq(
                in_first_step & ~revisits(nest.first, self.fields.pe_reduction)
            ),
        ]
