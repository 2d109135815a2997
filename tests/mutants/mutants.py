"""Faults put into the generator of the hardware, and the hook that puts them there.

A mutant is an edit of the text of one module of `naas_hw.rtl`. The module is executed anew with
the edited text, its classes and functions replace the old ones wherever the generator refers to
them, hardware is generated, and all is put back. The package knows nothing of it.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from types import FunctionType, ModuleType

from naas_hw.arch import timing
from naas_hw.arch.accelerator import Accelerator
from naas_hw.sim.hardware import Hardware, generate
from naas_hw.sim.memory_habits import EXACT


@dataclass(frozen=True, kw_only=True)
class Edit:
    """Text of a module of `naas_hw.rtl` that is replaced; `old` has to be there exactly once."""

    module: str
    old: str
    new: str


@dataclass(frozen=True, kw_only=True)
class Mutant:
    """A fault.

    Parameters
    ----------
    name : what is broken.
    module : of `naas_hw.rtl`, or "timing" for a constant of time that the hardware alone sees.
    old, new : text; `old` has to be there exactly once.
    case : name of the case that is tried first.
    memory : name of the habits of the memory that show it; with the exact timing it does not.
    """

    name: str
    module: str
    old: str
    new: str
    case: str
    memory: str = EXACT


def generate_mutant(mutant: Mutant, accelerator: Accelerator) -> Hardware:
    """The hardware of this accelerator with this fault in it."""
    edit = Edit(module=mutant.module, old=mutant.old, new=mutant.new)
    with _constant(mutant) if mutant.module == "timing" else edited(edit):
        return generate(accelerator)


@contextmanager
def _constant(mutant: Mutant) -> Iterator[None]:
    value = getattr(timing, mutant.old)
    setattr(timing, mutant.old, int(mutant.new))
    assert value != int(mutant.new)
    try:
        yield
    finally:
        setattr(timing, mutant.old, value)


@contextmanager
def edited(edit: Edit) -> Iterator[None]:
    """The generator with an edit in it."""
    module = import_module(f"naas_hw.rtl.{edit.module}")
    path = Path(str(module.__file__))
    text = path.read_text(encoding="utf-8")
    found = text.count(edit.old)
    if found != 1:
        raise ValueError(f"{path.name} must have the text {edit.old!r} once, not {found} times")
    changed = ModuleType(module.__name__)
    changed.__file__ = module.__file__
    exec(compile(text.replace(edit.old, edit.new), str(path), "exec"), changed.__dict__)
    replaced = [
        (user, name, value)
        for user in _generator_modules()
        for name, value in vars(user).items()
        if isinstance(value, type | FunctionType) and value.__module__ == module.__name__
    ]
    for user, name, value in replaced:
        setattr(user, name, getattr(changed, value.__name__))
    try:
        yield
    finally:
        for user, name, value in replaced:
            setattr(user, name, value)


def _generator_modules() -> list[ModuleType]:
    names = ("naas_hw.rtl.", "naas_hw.emit.", "naas_hw.sim.hardware")
    return [module for name, module in sys.modules.items() if name.startswith(names)]


LATE = {
    "FILL_TO_COMPUTE": ("compute goes a cycle late", "steady"),
    "COMPUTE_TO_FILL": ("fill waits a cycle longer for a step of compute", "steady"),
    "LOAD_TO_FILL": ("fill waits a cycle longer for load", "steady"),
    "LOAD_TO_DRAIN": ("drain waits a cycle longer for load", "pool"),
    "STORE_TO_DRAIN": ("drain waits a cycle longer for a half of the output region", "stores"),
    "FILL_TO_LOAD": ("load waits a cycle longer for a half of L2", "spills"),
    "DRAIN_TO_COMPUTE": ("compute waits a cycle longer for its accumulators", "spills"),
    "DRAIN_TO_SCALES": ("load waits a cycle longer for a half of the scales", "depthwise"),
    "STEP_PACE": ("a step of fill and of drain takes a cycle longer", "steady"),
    "CHECKSUM_BEATS": ("the checksum takes a beat more", "steady"),
    "DESCRIPTOR_TO_LAYER": ("the engines start a cycle late", "steady"),
    "NUMBERS_READ": ("drain reads its numbers a cycle late", "steady"),
    "MEMORY_LATENCY": ("words of private buffers are taken a cycle late", "steady"),
    "MULTIPLIER_LATENCY": ("products are taken a cycle late", "steady"),
    "REQUANTISE_LATENCY": ("requantised bytes are taken a cycle late", "steady"),
    "FILL_PIPELINE": ("bytes of fill are taken a cycle late", "steady"),
}
"""Constant that is one larger in the hardware -> what that does, and the case that shows it."""

MUTANTS = (
    *(
        Mutant(
            name=f"constant of time: {says}",
            module="timing",
            old=constant,
            new=str(getattr(timing, constant) + 1),
            case=case,
        )
        for constant, (says, case) in LATE.items()
    ),
    Mutant(
        name="constant of time: store looks at drain a cycle early",
        module="timing",
        old="DRAIN_TO_STORE",
        new=str(timing.DRAIN_TO_STORE - 1),
        case="steady",
    ),
    Mutant(
        name="pace: fill steps on before its loop nest is ready",
        module="engines.fill",
        old="self.o.valid.eq(working & nest.ready & self.weights.idle & self.inputs.idle)",
        new="self.o.valid.eq(working & self.weights.idle & self.inputs.idle)",
        case="steady",
    ),
    Mutant(
        name="pace: a run of one cycle gives its beat twice",
        module="engines.drain",
        old="spent.eq((finishes | spent) & ~free)",
        new="spent.eq(0)",
        case="singles",
    ),
    Mutant(
        name="pace: load schedules on before its loop nest is ready",
        module="engines.load_scheduler",
        old="has_needed & self.room & (self.ready | ~is_last)",
        new="has_needed & self.room",
        case="long",
    ),
    Mutant(
        name="pace: store plans on before its loop nest is ready",
        module="engines.store_planner",
        old="plan.eq(unplanned & nest.ready & ~self.o.valid)",
        new="plan.eq(unplanned & ~self.o.valid)",
        case="stores",
    ),
    Mutant(
        name="drain settles: sums are read back before they are written",
        module="timing",
        old="DRAIN_TO_REVISIT",
        new="1",
        case="revisits",
    ),
    Mutant(
        name="sequencer compare: a loop ends one trip early",
        module="primitives.loop_nest",
        old="left == 3)",
        new="left <= 4)",
        case="steady",
    ),
    Mutant(
        name="sequencer order: the first trip is not the first",
        module="primitives.loop_nest",
        old="self.first[i].eq(begins)",
        new="self.first[i].eq(begins | ~comes_last[i])",
        case="steady",
    ),
    Mutant(
        name="window: positions of the kernel axis begin a row late",
        module="array.window",
        old="outputs[o] + kernels[k]",
        new="outputs[o] + kernels[k] + (1 if k else 0)",
        case="halo",
    ),
    Mutant(
        name="window: the last row is not kept",
        module="array.window",
        old="active.eq(address != self.last)",
        new="active.eq(address + self.pitch != self.last)",
        case="steady",
    ),
    Mutant(
        name="mask: the row below the image counts as inside",
        module="array.input_network",
        old="(row < self.fields.image_rows)",
        new="(row <= self.fields.image_rows)",
        case="spills",
    ),
    Mutant(
        name="zero point: padding is delivered as zero",
        module="array.input_network",
        old="self.fields.input_zero_point.replicate(lanes)",
        new="0",
        case="spills",
    ),
    Mutant(
        name="credit: fill is one step ahead of compute instead of two",
        module="engines.fill",
        old="Credit(initial=2, distance=timing.COMPUTE_TO_FILL)",
        new="Credit(initial=1, distance=timing.COMPUTE_TO_FILL)",
        case="steady",
    ),
    Mutant(
        name="credit: compute is three runs ahead of drain instead of two",
        module="engines.compute",
        old="Credit(initial=2, distance=timing.DRAIN_TO_COMPUTE)",
        new="Credit(initial=3, distance=timing.DRAIN_TO_COMPUTE)",
        case="long",
    ),
    Mutant(
        name="credit: drain does not wait for store",
        module="engines.drain",
        old="& (~opens_tile | stored.coming)",
        new="& 1",
        case="stores",
    ),
    Mutant(
        name="rounding: half a step is not added to the product",
        module="engines.requantiser",
        old="Const(1 << 30)",
        new="Const(1 << 31)",
        case="long",
    ),
    Mutant(
        name="rounding: a negative tie goes up in the shift",
        module="engines.requantiser",
        old='_later(m, ~rounds_away, 2, "carry")',
        new='_later(m, rounds_away | ~rounds_away, 2, "carry")',
        case="long",
    ),
    Mutant(
        name="reload: drain does not wait for sums out of DRAM",
        module="engines.drain",
        old="& (~(opens_tile & coming.reads_loaded) | loaded.coming)",
        new="& 1",
        case="spills",
    ),
    Mutant(
        name="reload: sums wait for the output run before, not the one before that",
        module="engines.writer",
        old="wanted.eq(asked.output_run - 2)",
        new="wanted.eq(asked.output_run - 1)",
        case="spills",
    ),
    Mutant(
        name="burst split: bursts are not cut where pages end",
        module="primitives.bursts",
        old="offset = run.address[:bits]",
        new="offset = Const(0, bits)",
        case="long",
    ),
    Mutant(
        name="store bursts: the last beat is marked one late",
        module="engines.writer",
        old="w.last.eq(position == bursts.o.payload.length)",
        new="w.last.eq(position == bursts.o.payload.length + 1)",
        case="steady",
    ),
    Mutant(
        name="accumulator forward: the word in flight is not seen",
        module="array.accumulator",
        old="delayed(m, self.addition.from_first,",
        new="delayed(m, self.addition.from_first & 0,",
        case="steady",
    ),
    Mutant(
        name="accumulator forward: the total of two cycles before is not seen",
        module="array.accumulator",
        old='self.addition.from_second, "second"',
        new='self.addition.from_second & 0, "second"',
        case="pairs",
    ),
    Mutant(
        name="accumulator forward: the total of three cycles before is not seen",
        module="array.accumulator",
        old='self.addition.from_third, "third"',
        new='self.addition.from_third & 0, "third"',
        case="triples",
    ),
    Mutant(
        name="first touch: an accumulator begins with what it held",
        module="array.accumulation",
        old="any_of([first, *same])",
        new="any_of(same)",
        case="steady",
    ),
    Mutant(
        name="final visit: bytes are written when sums are not complete",
        module="engines.drain",
        old='"final": completes(runs.last, fields.drain_revisit)',
        new='"final": Const(1)',
        case="spills",
    ),
    Mutant(
        name="lane select: two positions of the C axis share a lane",
        module="array.input_capture",
        old="conv.word_select(c % a.input_network_lanes, 8)",
        new="conv.word_select((c & ~1) % a.input_network_lanes, 8)",
        case="steady",
    ),
    Mutant(
        name="depthwise lane: positions of the K axis take the next channel",
        module="array.input_capture",
        old="depthwise.word_select(k % a.depthwise_network_lanes, 8)",
        new="depthwise.word_select((k + 1) % a.depthwise_network_lanes, 8)",
        case="depthwise",
    ),
    Mutant(
        name="scale half: requantisers stay with the first tile of K",
        module="engines.drain",
        old="scale_half.eq(scale_half ^ next_run.closes_scales)",
        new="scale_half.eq(0)",
        case="depthwise",
    ),
    Mutant(
        name="scale credit: scales are overwritten while drain reads them",
        module="engines.reader",
        old="& (~following.is_scales | scales.available)",
        new="& 1",
        case="depthwise",
    ),
    Mutant(
        name="clip: rows above the image are loaded from where they would be",
        module="engines.load_offset_stage",
        old="load.rows_skipped, fields.input_row_pitch",
        new="load.rows_skipped, Value.cast(0)",
        case="spills",
    ),
    Mutant(
        name="counter: a stall of load is charged to fill",
        module="control.counters",
        old="load = self.fill_waits & ~self.has_step",
        new="load = self.fill_waits & ~self.fill_waits",
        case="steady",
    ),
    Mutant(
        name="range: the last block of the range counts as outside",
        module="engines.writer",
        old="(block <= self.last_block)",
        new="(block < self.last_block)",
        case="steady",
    ),
    Mutant(
        name="responses: the last burst of an output run is not waited for",
        module="engines.writer",
        old="missing[num_runs[:2]].eq(outstanding - b.valid)",
        new="missing[num_runs[:2]].eq(outstanding - 1 - b.valid)",
        case="spills",
    ),
    Mutant(
        name="handshake: data of a burst wait until its address is accepted",
        module="control.dram_master",
        old="connect(m, part_of(store.w, *beat), part_of(bus.w, *beat))",
        new="goes = ~addresses.o.valid; connect(m, part_of(store.w, 'data', 'last'), "
        "part_of(bus.w, 'data', 'last')); m.d.comb += [bus.w.valid.eq(store.w.valid & goes), "
        "store.w.ready.eq(bus.w.ready & goes)]",
        case="steady",
        memory="address_after_data_offered",
    ),
    Mutant(
        name="handshake: the address of a burst changes while it waits",
        module="primitives.register_slice",
        old="moves.eq(~valid | self.o.ready)",
        new="moves.eq(1)",
        case="steady",
        memory="ready_after_valid",
    ),
    Mutant(
        name="handshake: the length of a burst changes while it waits",
        module="control.dram_master",
        old="channel.len.eq(burst.length)",
        new="channel.len.eq(burst.length + ~addresses.i.ready)",
        case="long",
        memory="ready_after_valid",
    ),
    Mutant(
        name="handshake: an address is taken back that was not accepted",
        module="primitives.register_slice",
        old="self.o.valid.eq(valid)",
        new="self.o.valid.eq(valid & takes)",
        case="long",
        memory="slow_writes",
    ),
    Mutant(
        name="constant of time: a residual is read and overwritten early",
        module="timing",
        old="DRAIN_TO_RESIDUAL",
        new=str(timing.DRAIN_TO_RESIDUAL - 3),
        case="residual",
    ),
    Mutant(
        name="credit: a residual comes while the run before last reads that half",
        module="engines.reader",
        old="(lead >= 0)",
        new="(lead >= -1)",
        case="residual",
    ),
    Mutant(
        name="credit: bytes do not wait for their residual",
        module="engines.drain",
        old="reads_loaded |= fields.residual & is_complete",
        new="pass",
        case="pool",
    ),
    Mutant(
        name="ping and pong: all residuals are in one half",
        module="engines.drain",
        old="fields.residual_base[tile_half]",
        new="fields.residual_base[0]",
        case="residual",
    ),
    Mutant(
        name="epilogue order: the table is where it is not",
        module="engines.epilogue",
        old="self.fields.table_place == TablePlace.AFTER_RESIDUAL",
        new="self.fields.table_place == TablePlace.BEFORE_RESIDUAL",
        case="residual",
    ),
    Mutant(
        name="residual rounding: the sum is cut off",
        module="engines.residual_adder",
        old="Cat(rounds_up, shifted[1:])",
        new="Cat(rounds_up & 0, shifted[1:])",
        case="residual",
    ),
    Mutant(
        name="maximum: the first number is compared with zero",
        module="array.accumulator",
        old="self.maximum & ~self.addition.begins",
        new="self.maximum",
        case="pool",
    ),
    Mutant(
        name="rounding: the bit of a layer that rounds once is ignored",
        module="engines.drain_path",
        old="requantiser.rounds_once.eq(self.fields.rounds_once)",
        new="requantiser.rounds_once.eq(0)",
        case="once",
    ),
    Mutant(
        name="sums in parts: all words of a beat are read and written at one address",
        module="engines.drain_path",
        old="first + beat.part",
        new="first",
        case="parts",
    ),
    Mutant(
        name="sums in parts: the first word of sums is written each time",
        module="engines.drain_path",
        old="((beat.byte >> self.sum_bits) + beat.part)",
        new="((beat.byte >> self.sum_bits) + 0)",
        case="parts",
    ),
    Mutant(
        name="sums in parts: all lanes are written with every word",
        module="engines.drain_path",
        old="return [hit & self._moves(beat, first, k) for k, hit in enumerate(hits)]",
        new="return hits",
        case="parts",
    ),
    Mutant(
        name="sums in parts: lanes wait for a word where there are no sums",
        module="engines.drain_path",
        old="beat.final & ~beat.revisit",
        new="beat.final & 0",
        case="lanes",
    ),
    Mutant(
        name="sums in parts: all accumulators are read with every word",
        module="engines.drain_path",
        old='hits.append(self._moves(beat, Const(0), group["K"] % each))',
        new="pass",
        case="parts",
    ),
    Mutant(
        name="sums in parts: all beats begin with the first word of a bank's lanes",
        module="engines.drain_path",
        old="word = ((first >> self.sum_bits) + beat.part)",
        new="word = ((first * 0 >> self.sum_bits) + beat.part)",
        case="beside",
    ),
    Mutant(
        name="sums in parts: drain does not repeat a beat",
        module="engines.drain",
        old="is_last.eq((next_run.final & ~next_run.revisit) | (last_part == 0))",
        new="is_last.eq(1)",
        case="parts",
    ),
    Mutant(
        name="sums in parts: drain repeats a beat that has no sums",
        module="engines.drain",
        old="(beat.final & ~beat.revisit)",
        new="0",
        case="lanes",
    ),
    Mutant(
        name="sums in parts: a beat has as many words as the widest has",
        module="engines.drain",
        old="last_part[bit].eq(log2 > lowest + bit)",
        new="last_part[bit].eq(1)",
        case="beside",
    ),
    Mutant(
        name="narrow beat: channels are taken from the first lanes of a word",
        module="engines.drain_path",
        old="offset = beat.accumulator[: self.lane_bits]",
        new="offset = Const(0, self.lane_bits)",
        case="beside",
    ),
    Mutant(
        name="scales: a beat is written to all parts of its word",
        module="memory.scale_memory",
        old="hit &= beat[:part_bits] == part",
        new="pass",
        case="parts",
    ),
    Mutant(
        name="weight lanes: a word is read as if all lanes were used",
        module="array.weight_network",
        old="first + (1 << log2)",
        new="first + self.lanes",
        case="lanes",
    ),
    Mutant(
        name="weight lanes: a word is read again for each of its bytes",
        module="array.weight_network",
        old="self.read.enable.eq(busy & (first == 0))",
        new="self.read.enable.eq(busy)",
        case="lanes",
    ),
)
"""All of them; each must be killed."""
