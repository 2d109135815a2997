"""The array: PEs with their buffers, the wires that their axes need, trees and accumulators."""

from collections.abc import Hashable
from typing import Any, Final

from amaranth.hdl import Cat, Const, Module, Signal, Value
from amaranth.lib.wiring import In, Out, connect, flipped

from naas_hw.arch import timing
from naas_hw.arch.accelerator import OUTPUT_DIMS, REDUCTION_DIMS, WEIGHT_DIMS, Accelerator
from naas_hw.compiler.fields import PRIVATE_BITS
from naas_hw.rtl.array import input_capture
from naas_hw.rtl.array.accumulation import Accumulation
from naas_hw.rtl.array.dot_product_group import DotProductGroup
from naas_hw.rtl.array.drain_memory import DrainMemory
from naas_hw.rtl.array.input_capture import InputCapture
from naas_hw.rtl.array.pe import byte_of
from naas_hw.rtl.array.private_buffers import PrivateBuffers
from naas_hw.rtl.array.signatures import (
    AccumulatorReadSignature,
    InputDeliverySignature,
    MultiplicationSignature,
    WeightDeliverySignature,
)
from naas_hw.rtl.array.weight_capture import WeightCapture
from naas_hw.rtl.primitives.config import FieldSignature
from naas_hw.rtl.primitives.delay import delayed
from naas_hw.rtl.primitives.interfaces import part_of
from naas_hw.rtl.primitives.logic import all_of, any_of, masked
from naas_hw.rtl.primitives.positions import (
    WINDOW_DIMS,
    accumulator_words,
    key,
    pe_positions,
    pes_at,
    positions,
)
from naas_hw.rtl.primitives.shared import SharedComponent

FIELDS: Final = ("used", *input_capture.FIELDS)

SMALL_WORDS: Final = 32
"""Words of an input buffer up to which it is not a block memory where each window position has one
of its own: arrays of many positions would need more blocks than an FPGA has."""


class PEArray(SharedComponent):
    """Grid of dot-product groups: C R S positions are summed, K P Q positions have accumulators.

    All PEs read their private buffers at the same address. Those at one window position also write
    their inputs at the same one. Golden model: a table of bytes for each PE and a table of int32
    for each group.

    Parameters
    ----------
    accelerator : axes and buffers.

    Members
    -------
    fields : In, the descriptor's FIELDS, and `maximum` where the accelerator has it.
    weights : In, `WeightDeliverySignature`, from the weight network.
    inputs : In, `InputDeliverySignature`, from the input network.
    multiplication : In, `MultiplicationSignature`, from compute.
    drain : In, `AccumulatorReadSignature`, from the drain path.
    weight_writes, input_writes, weight_reads, input_reads : Out, one bit for each PE; accesses of
        its buffers in this cycle. A weight buffer counts with each PE that shares it.
    macs : Out, one bit for each PE; it takes a product in this cycle.
    accumulator_reads : Out, 1 + accumulator_lanes bits for each group: a number is added to, then
        each lane is drained.
    accumulator_writes : Out, one bit for each group; a number is added.

    Latency
    -------
    Weights are written in the cycle in which they are delivered, inputs FILL_PIPELINE cycles after
    their `valid`. A multiplication in cycle t is in its accumulator from
    t + MAC_PIPELINE + tree_cycles + ACCUMULATE_LATENCY + 1 on; one starts in every cycle. A drained
    word comes MEMORY_LATENCY cycles after its address. Nothing is written or added after a reset,
    but the words that are zero; all memories keep their contents.

    Raises
    ------
    Nothing.
    """

    def __init__(self, accelerator: Accelerator) -> None:
        self.accelerator = accelerator
        self.pes = pe_positions(accelerator)
        self.groups = positions(accelerator, OUTPUT_DIMS)
        self.reduced = positions(accelerator, REDUCTION_DIMS)
        self.weight_positions = positions(accelerator, WEIGHT_DIMS)
        self.weight_of = {
            pe: i for i, pes in enumerate(pes_at(accelerator, WEIGHT_DIMS)) for pe in pes
        }
        self.windows = positions(accelerator, WINDOW_DIMS)
        pes, groups = len(self.pes), len(self.groups)
        names = (*FIELDS, "maximum") if accelerator.maximum else FIELDS
        super().__init__(
            {
                "fields": In(FieldSignature(names)),
                "weights": In(WeightDeliverySignature(lanes=accelerator.weight_network_lanes)),
                "inputs": In(
                    InputDeliverySignature(
                        conv_lanes=accelerator.input_network_lanes,
                        depthwise_lanes=accelerator.depthwise_network_lanes,
                    )
                ),
                "multiplication": In(MultiplicationSignature()),
                "drain": In(AccumulatorReadSignature(accelerator)),
                "weight_writes": Out(pes),
                "input_writes": Out(pes),
                "weight_reads": Out(pes),
                "input_reads": Out(pes),
                "macs": Out(pes),
                "accumulator_reads": Out(groups * (1 + accelerator.accumulator_lanes)),
                "accumulator_writes": Out(groups),
            }
        )

    @property
    def parameters(self) -> tuple[Hashable, ...]:
        return (self.accelerator,)

    def build(self, platform: Any) -> Module:
        m = Module()
        used = Signal(len(self.pes))
        used_groups = Signal(len(self.groups))
        used_weights = Signal(len(self.weight_positions))
        self._used(m, used, used_groups, used_weights)
        weights = self._weight_buffers(m, used, used_weights)
        inputs = self._input_buffers(m, used)
        groups = self._groups(m, used_groups)
        self._read(m, used, weights, inputs, groups)
        accumulation = self._accumulate(m, groups)
        self._drain(m, self._drain_memories(m, groups, accumulation.addition.write_address))
        self._count(m, used_groups, accumulation)
        return m

    def _used(self, m: Module, used: Signal, used_groups: Signal, used_weights: Signal) -> None:
        """Which PEs, groups, weight buffers and positions in a group the layer uses."""
        axes = self.accelerator.axes
        self.used_reduced = Signal(len(self.reduced), name="used_reduced")
        used_indices = [
            [Signal(name=f"used_{axis.dim.lower()}_{k}") for k in range(axis.size)] for axis in axes
        ]
        for indices, extent in zip(used_indices, self.fields.used, strict=False):
            m.d.sync += [index.eq(extent > k) for k, index in enumerate(indices)]
        for signal, members in (
            (used, self.pes),
            (used_groups, self.groups),
            (used_weights, self.weight_positions),
            (self.used_reduced, self.reduced),
        ):
            for i, where in enumerate(members):
                on_each_axis = (
                    indices[where[axis.dim]]
                    for axis, indices in zip(axes, used_indices, strict=True)
                    if axis.dim in where
                )
                m.d.comb += signal[i].eq(all_of(on_each_axis))

    # Buffers ---------------------------------------------------------------------------------

    def _weight_buffers(self, m: Module, used: Signal, used_weights: Signal) -> PrivateBuffers:
        """The weight buffers, written by the weight network: PEs along P and Q share one."""
        a = self.accelerator
        m.submodules.weight_capture = capture = WeightCapture(a)
        m.submodules.weight_buffers = buffers = PrivateBuffers(
            num_pes=len(self.weight_positions),
            word_bytes=a.weight_word_bytes,
            buffer_bytes=a.weight_buffer_bytes,
            granularity=8 * a.weight_word_bytes,
        )
        connect(m, flipped(self.weights), capture.weights)
        connect(m, capture.write, buffers.write)
        writes = Cat(capture.write.enable[self.weight_of[pe]] for pe in range(a.num_pes))
        m.d.comb += [capture.used.eq(used_weights), self.weight_writes.eq(writes & used)]
        return buffers

    def _input_buffers(self, m: Module, used: Signal) -> list[PrivateBuffers]:
        """The input buffers of the PEs at each window position, written by the input network."""
        a = self.accelerator
        m.submodules.input_capture = capture = InputCapture(a)
        connect(m, flipped(self.inputs), capture.inputs)
        connect(m, self.fields.select(input_capture.FIELDS), capture.fields)
        m.d.comb += capture.used.eq(used)
        members = pes_at(a, WINDOW_DIMS)
        words = a.input_buffer_bytes // a.input_word_bytes
        is_small = len(members) > 1 and words <= SMALL_WORDS
        all_buffers = []
        for window, write, pes in zip(self.windows, capture.writes, members, strict=True):
            buffers = PrivateBuffers(
                num_pes=len(pes),
                word_bytes=a.input_word_bytes,
                buffer_bytes=a.input_buffer_bytes,
                granularity=8,
                style="distributed" if is_small else "auto",
            )
            m.submodules[f"input_buffers_{key(window)}"] = buffers
            connect(m, write, buffers.write)
            m.d.comb += [
                self.input_writes[pe].eq(write.enable.word_select(n, a.input_word_bytes).any())
                for n, pe in enumerate(pes)
            ]
            all_buffers.append(buffers)
        return all_buffers

    # Multiplications -------------------------------------------------------------------------

    def _groups(self, m: Module, used_groups: Signal) -> list[DotProductGroup]:
        a = self.accelerator
        clear = Signal(len(self.reduced))
        m.d.sync += clear.eq(~self.used_reduced)
        groups = []
        for i, (where, pes) in enumerate(zip(self.groups, pes_at(a, OUTPUT_DIMS), strict=True)):
            group = DotProductGroup(
                num_pes=len(pes),
                input_word_bytes=a.input_word_bytes,
                words=accumulator_words(a),
                lanes=a.accumulator_lanes,
                maximum=a.maximum,
            )
            m.submodules[f"group_{key(where)}"] = group
            m.d.comb += [
                group.used.eq(used_groups[i]),
                group.clear.eq(clear),
            ]
            if a.maximum:
                m.d.comb += group.maximum.eq(self.fields.maximum)
            groups.append(group)
        return groups

    def _read(
        self,
        m: Module,
        used: Signal,
        weights: PrivateBuffers,
        inputs: list[PrivateBuffers],
        groups: list[DotProductGroup],
    ) -> None:
        """Read all buffers a cycle after a multiplication, and choose bytes of their words."""
        read = Signal()
        weight_address = Signal(PRIVATE_BITS, reset_less=True)
        input_address = Signal(PRIVATE_BITS, reset_less=True)
        m.d.sync += [
            read.eq(self.multiplication.valid),
            weight_address.eq(self.multiplication.weight_address),
            input_address.eq(self.multiplication.input_address),
        ]
        weight_bits = self.accelerator.weight_word_bytes.bit_length() - 1
        input_bits = self.accelerator.input_word_bytes.bit_length() - 1
        weight_select = _with_words(m, weight_address[:weight_bits], "weight_select")
        input_select = _with_words(m, input_address[:input_bits], "input_select")
        multiplies = delayed(m, read, timing.MEMORY_LATENCY, "multiplies")
        m.d.comb += [
            self.weight_reads.eq(masked(used, read)),
            self.input_reads.eq(masked(used, read)),
            self.macs.eq(masked(used, multiplies)),
            weights.read.enable.eq(read),
            weights.read.address.eq(weight_address >> weight_bits),
        ]
        for buffers in inputs:
            m.d.comb += [
                buffers.read.enable.eq(read),
                buffers.read.address.eq(input_address >> input_bits),
            ]
        for group in groups:
            m.d.comb += group.input_select.eq(input_select)
        bytes_read = [
            byte_of(weights.read.data.word_select(i, 8 << weight_bits), weight_select)
            for i in range(len(self.weight_positions))
        ]
        self._connect_words(m, bytes_read, inputs, groups)

    def _connect_words(
        self,
        m: Module,
        weights: list[Value],
        inputs: list[PrivateBuffers],
        groups: list[DotProductGroup],
    ) -> None:
        """Give each PE a weight, and the word that its input buffer has read."""
        a = self.accelerator
        input_words: dict[int, Value] = {}
        for buffers, pes in zip(inputs, pes_at(a, WINDOW_DIMS), strict=True):
            for n, pe in enumerate(pes):
                input_words[pe] = buffers.read.data.word_select(n, 8 * a.input_word_bytes)
        for group, pes in zip(groups, pes_at(a, OUTPUT_DIMS), strict=True):
            for n, pe in enumerate(pes):
                m.d.comb += [
                    group.weights[n].eq(weights[self.weight_of[pe]]),
                    group.input_words[n].eq(input_words[pe]),
                ]

    # Accumulators ----------------------------------------------------------------------------

    def _accumulate(self, m: Module, groups: list[DotProductGroup]) -> Accumulation:
        """Tell all groups when the sum of a multiplication is there, and where it goes."""
        a = self.accelerator
        m.submodules.accumulation = accumulation = Accumulation(
            words=accumulator_words(a),
            lanes=a.accumulator_lanes,
            latency=timing.MAC_PIPELINE + timing.tree_cycles(len(self.reduced)),
        )
        connect(m, flipped(self.multiplication), accumulation.multiplication)
        for group in groups:
            connect(m, accumulation.addition, group.addition)
        return accumulation

    def _drain_memories(
        self, m: Module, groups: list[DotProductGroup], write_address: Value
    ) -> list[DrainMemory]:
        """The copies that drain reads, for as many groups each as there are lanes."""
        a = self.accelerator
        memories = []
        for n, first in enumerate(range(0, len(groups), a.accumulator_lanes)):
            memory = DrainMemory(words=accumulator_words(a), lanes=a.accumulator_lanes)
            m.submodules[f"drain_memory_{n}"] = memory
            members = groups[first : first + a.accumulator_lanes]
            m.d.comb += [
                memory.writes.eq(Cat(group.writes for group in members)),
                memory.totals.as_value().eq(Cat(group.total for group in members)),
                memory.write_address.eq(write_address),
                memory.select.eq(self.drain.groups[first : first + len(members)].any()),
            ]
            where = ("half", "address")
            connect(m, part_of(flipped(self.drain), *where), part_of(memory, *where))
            memories.append(memory)
        return memories

    def _drain(self, m: Module, memories: list[DrainMemory]) -> None:
        """Join the words that drain reads: groups side by side along K, or lanes of one group."""
        lanes = self.accelerator.accumulator_lanes
        if lanes == 1:
            self._drain_side_by_side(m, memories)
            return
        lane_bits = lanes.bit_length() - 1
        members = [
            any_of([self.drain.groups[i] for i in range(len(self.groups)) if i >> bit & 1])
            for bit in range(lane_bits)
        ]
        member = Signal(lane_bits, name="drained_member")
        m.d.comb += member.eq(Cat(members))
        words = [any_of([memory.words[i] for memory in memories]) for i in range(lanes)]
        late = delayed(m, member, timing.MEMORY_LATENCY, "drained_member", reset=False)
        for memory in memories:
            m.d.comb += memory.member.eq(member)
        for lane in range(lanes):
            with m.Switch(late):
                for at in range(lanes):
                    with m.Case(at):
                        part = self.drain.words[0].word_select(lane, 32)
                        m.d.comb += part.eq(words[lane ^ at])

    def _drain_side_by_side(self, m: Module, memories: list[DrainMemory]) -> None:
        each = self.accelerator.drain_group
        for member in range(each):
            words = [
                memory.words[0]
                for where, memory in zip(self.groups, memories, strict=True)
                if where.get("K", 0) % each == member
            ]
            m.d.comb += self.drain.words[member].eq(any_of(words))

    def _count(self, m: Module, used_groups: Signal, accumulation: Accumulation) -> None:
        """Accesses of the accumulators that are used."""
        drained = used_groups & self.drain.groups
        reads = [
            Cat(used & accumulation.reads, masked(self.drain.lanes, is_drained))
            for used, is_drained in zip(used_groups, drained, strict=True)
        ]
        m.d.comb += [
            self.accumulator_reads.eq(Cat(reads)),
            self.accumulator_writes.eq(masked(used_groups, accumulation.addition.writes)),
        ]


def _with_words(m: Module, select: Value, name: str) -> Value:
    """The bytes that are chosen, when the words are there; zero if it has no bits."""
    if len(select) == 0:
        return Const(0)
    return delayed(m, select, timing.MEMORY_LATENCY, name, reset=False)
