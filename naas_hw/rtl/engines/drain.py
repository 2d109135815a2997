"""Drain, control: which outputs leave the accumulators, and when they may."""

from collections.abc import Hashable, Set
from typing import Any, Final, NamedTuple

from amaranth.hdl import Const, Module, Mux, Signal, Value, unsigned
from amaranth.lib import data, stream
from amaranth.lib.wiring import In, Out, connect, flipped

from naas_hw.arch import timing
from naas_hw.compiler.fields import BOUND_BITS, L2_BITS, L2_BYTE_BITS, NEST, OUTER, PRIVATE_BITS
from naas_hw.rtl.primitives.config import FieldSignature
from naas_hw.rtl.primitives.credit import Credit, CreditSignature
from naas_hw.rtl.primitives.delay import delays
from naas_hw.rtl.primitives.interfaces import part_of
from naas_hw.rtl.primitives.logic import any_of
from naas_hw.rtl.primitives.loop_nest import LoopNest, changes, completes, revisits
from naas_hw.rtl.primitives.shared import SharedComponent
from naas_hw.workload.option import Option

FIELDS: Final = (
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

PARTS_FIELDS: Final = ("beat_lanes_log2",)
"""The same, where the partial sums of a beat may fill several words."""

RESIDUAL_FIELDS: Final = ("residual", "residual_base")
"""The same, where there is a residual."""

RUN_WIDTHS: Final = (("byte", L2_BYTE_BITS), ("channel", BOUND_BITS))
"""What the outer loop nest says of an accumulator run: where it lies in its output tile."""

BEAT_WIDTHS: Final = (
    ("byte", L2_BYTE_BITS),
    ("accumulator", PRIVATE_BITS),
    ("channel", BOUND_BITS),
)
"""What the inner loop nest says of a beat."""

AXIS_BITS: Final = 11
P_POSITION, Q_POSITION, K_POSITION = 0, 1, 5
"""Positions of the inner loop nest that go over the PEs."""


class DrainBeat(data.Struct):
    """Outputs that leave the accumulators in one cycle.

    Members
    -------
    revisit : partial sums of these outputs wait in L2.
    final : they are written as bytes, not as partial sums.
    half, scale_half : of the accumulators, of the scale memory.
    output_base, sums_base : first words of the output tile in L2, as bytes and as partial sums.
    byte : address in the tile, one byte an output.
    accumulator : number of the first output in its accumulator bank.
    channel : in the K tile.
    p, q, k_group : of the PEs, on their axes.
    """

    revisit: unsigned(1)
    final: unsigned(1)
    half: unsigned(1)
    scale_half: unsigned(1)
    output_base: unsigned(L2_BITS)
    sums_base: unsigned(L2_BITS)
    byte: unsigned(L2_BYTE_BITS)
    accumulator: unsigned(PRIVATE_BITS)
    channel: unsigned(BOUND_BITS)
    p: unsigned(AXIS_BITS)
    q: unsigned(AXIS_BITS)
    k_group: unsigned(AXIS_BITS)


def drain_beat(options: Set[Option], *, sum_words: int = 1) -> type[DrainBeat] | data.StructLayout:
    """Shape of the beats of an accelerator.

    Parameters
    ----------
    options : optional hardware. With a residual there is `residual_base`, the first word of that of
        the beat's output tile in L2.
    sum_words : L2 words of the partial sums of a beat, at most. With more than one there is `part`,
        the number of the word that a beat with partial sums is at.
    """
    more = {}
    if Option.RESIDUAL in options:
        more["residual_base"] = L2_BITS
    if sum_words > 1:
        more["part"] = (sum_words - 1).bit_length()
    if not more:
        return DrainBeat
    same = {name: field.shape for name, field in data.Layout.cast(DrainBeat)}
    return data.StructLayout(same | more)


class _NextRun(NamedTuple):
    """What is known of the run at which the outer nest is, or was a cycle ago.

    `revisit` : partial sums of its outputs wait in L2.
    `final` : its outputs become bytes.
    `reads_loaded` : it reads what load brings of its output tile.
    `closes_tile` : it is the last of its output tile.
    `closes_scales` : it is the last that uses its half of the scale memory.
    """

    revisit: Signal
    final: Signal
    reads_loaded: Signal
    closes_tile: Signal
    closes_scales: Signal


class Drain(SharedComponent):
    """Empties one accumulator run after the other, a beat a cycle, or a word of its partial sums.

    A run starts when it is computed; where it reads partial sums, when those of the run before
    last are written; where it opens an output tile, when store has left the tile's buffer and load
    has brought its partial sums back, and its residual if outputs become bytes in it.
    Golden model: `naas_hw.cost.reference.pieces.steps_of`.

    Parameters
    ----------
    options : optional hardware of the accelerator.
    to_drain : least distance from the last cycle of a run in compute to its start in drain.
    bound_bits : bits of the bounds of the loops over the beats of a run.
    sum_lanes : partial sums in an L2 word, a power of two.
    sum_words : L2 words of the partial sums of a beat at most, a power of two.

    Members
    -------
    go : In, 1 bit; begin with the layer whose fields are there; nothing of another is under way.
    fields : In, the fields of the descriptor in `FIELDS`, in `RESIDUAL_FIELDS` where there is a
        residual, and in `PARTS_FIELDS` where `sum_words` is more than one.
    run_computed : In, `CreditSignature`; compute has left an accumulator run.
    tile_stored : In, `CreditSignature`; store has left the buffer of an output tile.
    output_tile_loaded : In, `CreditSignature`; load has brought what drain reads of an output tile.
    o : Out, stream of `drain_beat`, always ready; to the drain path.
    run_drained : Out, `CreditSignature`, in the last cycle of an accumulator run.
    tile_drained : Out, `CreditSignature`, in the last cycle of an output tile.
    scales_freed : Out, `CreditSignature`, in the last cycle of the runs that use a half of the
        scale memory.
    started : Out, 1 bit; strobe, a run starts.
    waits_for_store, waits_for_load : Out, 1 bit; drain is idle for want of them.
    busy : Out, 1 bit; there will be a beat after this cycle.

    Latency
    -------
    The first beat of a run comes in the cycle after its start, and one in each cycle that follows,
    or, with partial sums, each beat as often as they fill words of L2;
    the next run may start in the last of them. A run takes STEP_PACE cycles at least. Nothing
    starts from reset until the first `go`.

    Raises
    ------
    ValueError : the distance is below 1, or the number of bits of a bound is out of range.
    """

    def __init__(
        self,
        options: Set[Option] = frozenset(),
        *,
        to_drain: int,
        bound_bits: int,
        sum_lanes: int = 1,
        sum_words: int = 1,
    ) -> None:
        if to_drain < 1:
            raise ValueError(f"to_drain must be at least 1, not {to_drain}")
        if not 1 <= bound_bits <= BOUND_BITS:
            raise ValueError(f"bound_bits must be 1 to {BOUND_BITS}, not {bound_bits}")
        self.to_drain = to_drain
        self.bound_bits = bound_bits
        self.sum_lanes = sum_lanes
        self.sum_words = sum_words
        self.has_residual = Option.RESIDUAL in options
        self.has_epilogue = self.has_residual or Option.TABLE in options
        super().__init__(
            {
                "go": In(1),
                "fields": In(FieldSignature(self._field_names)),
                "run_computed": In(CreditSignature()),
                "tile_stored": In(CreditSignature()),
                "output_tile_loaded": In(CreditSignature()),
                "o": Out(
                    stream.Signature(drain_beat(options, sum_words=sum_words), always_ready=True)
                ),
                "run_drained": Out(CreditSignature()),
                "tile_drained": Out(CreditSignature()),
                "scales_freed": Out(CreditSignature()),
                "started": Out(1),
                "waits_for_store": Out(1),
                "waits_for_load": Out(1),
                "busy": Out(1),
            }
        )

    @property
    def parameters(self) -> tuple[Hashable, ...]:
        options = (self.has_residual, self.has_epilogue)
        return (self.to_drain, self.bound_bits, self.sum_lanes, self.sum_words, *options)

    @property
    def _field_names(self) -> tuple[str, ...]:
        residual = RESIDUAL_FIELDS if self.has_residual else ()
        parts = PARTS_FIELDS if self.sum_words > 1 else ()
        return (*FIELDS, *residual, *parts)

    def build(self, platform: Any) -> Module:
        m = Module()
        m.submodules.runs = runs = LoopNest(
            positions=NEST, values=RUN_WIDTHS, pace=timing.STEP_PACE
        )
        m.submodules.beats = beats = LoopNest(
            positions=OUTER,
            values=BEAT_WIDTHS,
            indexed=(P_POSITION, Q_POSITION, K_POSITION),
            bound_bits=self.bound_bits,
        )
        active = Signal()
        free = Signal()  # no run, or its last cycle; a register
        self._load_nests(m, runs, beats)
        coming, next_run = self._describe_next(m, runs)
        recent = delays(m, self.started, timing.STEP_PACE - 1, "started")
        self._start_runs(m, runs, coming, next_run, recent, active, free)
        self._follow_run(m, next_run, active & free)
        self._count_beats(m, beats, next_run, recent, active, free)
        return m

    def _load_nests(self, m: Module, runs: LoopNest, beats: LoopNest) -> None:
        """Trips and deltas come with the descriptor; a run begins where the outer nest is."""
        fields = self.fields
        deltas = {"byte": "drain_byte_delta", "channel": "drain_channel_delta"}
        connect(m, fields.loop_record(bound="drain_bound", deltas=deltas), runs.record)
        deltas = {name: f"beat_{name}_delta" for name, _ in BEAT_WIDTHS}
        connect(m, fields.loop_record(bound="beat_bound", deltas=deltas), beats.record)
        connect(m, part_of(runs.value, "byte", "channel"), part_of(beats.origin, "byte", "channel"))
        m.d.comb += [
            runs.start.eq(self.go),
            runs.advance.eq(self.started),
            beats.start.eq(self.started),
        ]

    def _describe_next(self, m: Module, runs: LoopNest) -> tuple[_NextRun, _NextRun]:
        """The run at which the nest is, and the same a cycle later.

        The nest has been at a run for two cycles at least when it starts; what allows that is
        looked up in the cycle before.
        """
        fields = self.fields
        reads_loaded = revisits(runs.first, fields.drain_tile_revisit)
        if self.has_residual:
            is_complete = completes(runs.last, fields.drain_tile_revisit)
            reads_loaded |= fields.residual & is_complete
        coming, late = {}, {}
        for name, value in {
            "revisit": revisits(runs.first, fields.drain_revisit),
            "final": completes(runs.last, fields.drain_revisit),
            "reads_loaded": reads_loaded,
            "closes_tile": changes(runs.last, fields.drain_tile_mask),
            "closes_scales": changes(runs.last, fields.drain_scale_mask),
        }.items():
            coming[name] = Signal(name=f"coming_{name}")
            late[name] = Signal(name=f"next_{name}")
            m.d.comb += coming[name].eq(value)
            m.d.sync += late[name].eq(coming[name])
        return _NextRun(**coming), _NextRun(**late)

    def _start_runs(
        self,
        m: Module,
        runs: LoopNest,
        coming: _NextRun,
        next_run: _NextRun,
        recent: list[Value],
        active: Signal,
        free: Signal,
    ) -> None:
        """A run starts when what it reads is there and what it writes is free."""
        m.submodules.computed = computed = Credit(initial=0, distance=self.to_drain)
        m.submodules.stored = stored = Credit(initial=2, distance=timing.STORE_TO_DRAIN)
        m.submodules.loaded = loaded = Credit(initial=0, distance=timing.LOAD_TO_DRAIN)
        connect(m, flipped(self.run_computed), computed.i)
        connect(m, flipped(self.tile_stored), stored.i)
        connect(m, flipped(self.output_tile_loaded), loaded.i)
        opens_tile = Signal(init=1)
        reload = Signal()
        undrained = Signal()  # the outer nest is at a run
        may_start = Signal()  # but for the runs before; looked up a cycle before the start
        m.d.sync += may_start.eq(
            undrained
            & ~any_of(recent)
            & computed.coming
            & (~opens_tile | stored.coming)
            & (~(opens_tile & coming.reads_loaded) | loaded.coming)
            & (~coming.revisit | self._sums_are_written(m, active))
        )
        with m.If(self.go):
            m.d.sync += undrained.eq(1)
        with m.If(self.started):
            m.d.sync += [undrained.eq(~runs.final), opens_tile.eq(next_run.closes_tile)]
        m.d.comb += [
            self.busy.eq(undrained | (active & ~free)),
            reload.eq(opens_tile & next_run.reads_loaded),
            self.started.eq(may_start & free),
            computed.take.eq(self.started),
            stored.take.eq(self.started & opens_tile),
            loaded.take.eq(self.started & reload),
        ]
        idle = undrained & free & ~active
        self._report(m, idle & opens_tile & ~stored.available, idle & reload & ~loaded.available)

    def _report(self, m: Module, needs_store: Value, needs_load: Value) -> None:
        """In its last cycle a run still counts as drained, not as the wait of the next one."""
        m.d.comb += [
            self.waits_for_store.eq(needs_store),
            self.waits_for_load.eq(needs_load & ~needs_store),
        ]

    def _sums_are_written(self, m: Module, active: Signal) -> Value:
        """Whether the sums of the run before last are in L2, where a run may start a cycle later.

        No run starts in this one. One that is active and not free is still so then, and the other
        case is the end of a run, after which nothing is active.
        """
        wait = timing.drain_to_revisit(has_epilogue=self.has_epilogue)
        latest = Signal(range(wait + 1))
        before = Signal(range(wait + 1))
        latest_waits = Signal()
        before_waits = Signal()
        m.d.comb += [latest_waits.eq(latest > 1), before_waits.eq(before > 1)]
        m.d.sync += [
            latest.eq(Mux(latest_waits, latest - 1, 0)),
            before.eq(Mux(before_waits, before - 1, 0)),
        ]
        with m.If(self.run_drained.give):
            m.d.sync += [
                latest.eq(wait - 1),
                before.eq(Mux(latest_waits, latest - 1, 0)),
            ]
        return ~Mux(active, latest_waits, before_waits)

    def _follow_run(self, m: Module, next_run: _NextRun, last: Value) -> None:
        """What is the same in all beats of a run, and which credits its end gives."""
        fields, beat = self.fields, self.o.payload
        half = Signal()
        tile_half = Signal()
        scale_half = Signal()
        closes_tile = Signal()
        closes_scales = Signal()
        with m.If(self.started):
            m.d.sync += [
                half.eq(~half),
                tile_half.eq(tile_half ^ next_run.closes_tile),
                scale_half.eq(scale_half ^ next_run.closes_scales),
                closes_tile.eq(next_run.closes_tile),
                closes_scales.eq(next_run.closes_scales),
                beat.revisit.eq(next_run.revisit),
                beat.final.eq(next_run.final),
                beat.half.eq(half),
                beat.scale_half.eq(scale_half),
                beat.output_base.eq(fields.output_base[tile_half]),
                beat.sums_base.eq(fields.sums_base[tile_half]),
            ]
            if self.has_residual:
                m.d.sync += beat.residual_base.eq(fields.residual_base[tile_half])
        m.d.comb += [
            self.run_drained.give.eq(last),
            self.tile_drained.give.eq(last & closes_tile),
            self.scales_freed.give.eq(last & closes_scales),
        ]

    def _parts(self, m: Module, next_run: _NextRun) -> tuple[Value, Value]:
        """Whether all sums of the beat have moved with this cycle, and with the next one."""
        if self.sum_words == 1:
            return Const(1), Const(1)
        beat, log2 = self.o.payload, self.fields.beat_lanes_log2
        last_part = Signal(len(beat.part))
        part = Signal(len(beat.part))
        is_last = Signal(name="is_last_part")
        comes_last = Signal(name="comes_last_part")
        lowest = self.sum_lanes.bit_length() - 1
        for bit in range(self.sum_words.bit_length() - 1):
            m.d.comb += last_part[bit].eq(log2 > lowest + bit)
        m.d.comb += [
            part.eq(Mux(self.o.valid & ~is_last, beat.part + 1, 0)),
            comes_last.eq((beat.final & ~beat.revisit) | (part == last_part)),
        ]
        m.d.sync += [beat.part.eq(part), is_last.eq(comes_last)]
        with m.If(self.started):
            m.d.sync += is_last.eq((next_run.final & ~next_run.revisit) | (last_part == 0))
        return is_last, comes_last

    def _count_beats(
        self,
        m: Module,
        beats: LoopNest,
        next_run: _NextRun,
        recent: list[Value],
        active: Signal,
        free: Signal,
    ) -> None:
        """The beats of a run, from the cycle after its start to its last.

        A run that is shorter than the pace of the nest of runs waits for it.
        """
        beat = self.o.payload
        spent = Signal()
        leaves = Signal()
        finishes = Signal()
        p, q, k_group = beats.index
        is_last_part, comes_last_part = self._parts(m, next_run)
        comes_final = Mux(leaves, beats.penultimate, beats.final)
        m.d.comb += [
            self.o.valid.eq(active & ~spent),
            leaves.eq(self.o.valid & is_last_part),
            beats.advance.eq(leaves),
            finishes.eq(leaves & beats.final),
            beat.byte.eq(beats.value.byte),
            beat.accumulator.eq(beats.value.accumulator),
            beat.channel.eq(beats.value.channel),
            beat.p.eq(p),
            beat.q.eq(q),
            beat.k_group.eq(k_group),
        ]
        finished = finishes | spent | (comes_final & comes_last_part)
        m.d.sync += spent.eq((finishes | spent) & ~free)
        m.d.sync += [
            active.eq(active & ~free),
            free.eq((~active | free | finished) & ~any_of(recent[1:])),
        ]
        with m.If(self.started):
            m.d.sync += [active.eq(1), free.eq(0)]
        with m.If(self.go):
            m.d.sync += free.eq(0)
