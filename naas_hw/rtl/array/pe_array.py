"""The array: PEs, the wires that their axes need, trees and accumulators; nothing else."""

from collections.abc import Hashable
from typing import Any

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value
from amaranth.lib.wiring import In, Out

from naas_hw.arch import timing
from naas_hw.arch.accelerator import OUTPUT_DIMS, REDUCTION_DIMS, WEIGHT_DIMS, Accelerator
from naas_hw.compiler.layout import PRIVATE_BITS
from naas_hw.rtl.array.accumulation import Accumulation
from naas_hw.rtl.array.accumulator import Accumulator
from naas_hw.rtl.array.adder_tree import AdderTree
from naas_hw.rtl.array.pe import ProcessingElement
from naas_hw.rtl.array.signatures import (
    GROUP_BITS,
    AccumulatorReadSignature,
    InputDeliverySignature,
    MultiplicationSignature,
    WeightDeliverySignature,
)
from naas_hw.rtl.array.window import Window
from naas_hw.rtl.memory.ram import Ram
from naas_hw.rtl.primitives.config import FieldSignature
from naas_hw.rtl.primitives.delay import delayed
from naas_hw.rtl.primitives.logic import all_of, masked
from naas_hw.rtl.primitives.positions import Position, accumulator_words, key, positions
from naas_hw.rtl.primitives.shared import SharedComponent
from naas_hw.workload.layer import Dim

FIELDS = (
    "used",
    "depthwise",
    "chunk_step",
    "window_row_pitch",
    "window_row_last",
    "window_column_pitch",
    "window_column_last",
    "row_step_p",
    "row_step_r",
    "column_step_q",
    "column_step_s",
)

MEMORY_BYTES = 4
"""Bytes side by side in a memory of private buffers: as wide as an FPGA's block memory, which a
buffer of one PE alone would leave nearly empty."""

Write = tuple[Value, Value]
"""Write enables of a PE's word, and the word."""

WINDOW_DIMS: tuple[Dim, ...] = ("P", "Q", "R", "S")


class PEArray(SharedComponent):
    """Grid of dot-product groups: C R S positions are summed, K P Q positions have accumulators.

    All PEs read their private buffers at the same address, and all of a place in the window write
    their inputs at the same one: such buffers stand side by side in one memory, each with its own
    write enables.

    Weights come FILL_PIPELINE cycles after their read, decoded here; input coordinates come with
    the read and are delayed here to meet their data. A multiplication that starts (`active`) in
    cycle t is in its accumulator from t + MAC_PIPELINE + tree_cycles + 1 on. A drain read in cycle
    t has its word in t + 1.

    Parameters
    ----------
    accelerator : axes and buffers.

    Members
    -------
    weight_..., input_... : In, from the networks.
    active, weight, input, accumulator, first, half : In, from compute.
    drain_groups, drain_lanes : In, a bit a group and a bit a lane, which of them drain reads;
    drain_half, drain_address : In; drain_words : Out, a word a group, zero where none is read.
    weight_writes, input_writes, weight_reads, input_reads, macs : Out, a bit a PE.
    accumulator_reads, accumulator_writes : Out, a bit a number, see `Accumulator`.
    """

    def __init__(self, accelerator: Accelerator) -> None:
        self.accelerator = accelerator
        self.groups = positions(accelerator, OUTPUT_DIMS)
        self.pes = positions(accelerator, ("K", "C", "P", "Q", "R", "S"))
        self.numbers = {key(where): i for i, where in enumerate(self.pes)}
        pes = accelerator.num_pes
        super().__init__(
            {
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
                "accumulator_reads": Out(len(self.groups) * (1 + accelerator.accumulator_lanes)),
                "accumulator_writes": Out(len(self.groups)),
                "fields": In(FieldSignature(FIELDS)),
            }
        )

    @property
    def parameters(self) -> tuple[Hashable, ...]:
        return (self.accelerator,)

    def build(self, platform: Any) -> Module:
        m = Module()
        used = self._used(m)
        weights = self._weight_enables(m)
        inputs, places = self._input_enables(m)
        read, addresses, selects = self._broadcast(m)
        pes: dict[str, ProcessingElement] = {}
        weight_writes: dict[str, Write] = {}
        input_writes: dict[str, dict[str, Write]] = {}
        for index, where in enumerate(self.pes):
            own = Signal(name=f"used_{key(where)}")
            m.d.comb += own.eq(all_of(used[dim][at] for dim, at in where.items()))
            pe = pes[key(where)] = self._pe(m, where)
            m.d.comb += [pe.used.eq(own), pe.read.eq(read)]
            m.d.comb += [getattr(pe, name).eq(value) for name, value in selects.items()]
            weight = weight_writes[key(where)] = self._weight_write(m, where, weights, own)
            window = key({dim: at for dim, at in where.items() if dim in WINDOW_DIMS})
            value = self._input_write(m, where, inputs, places[window], own)
            input_writes.setdefault(window, {})[key(where)] = value
            m.d.comb += [
                self.weight_writes[index].eq(weight[0]),
                self.input_writes[index].eq(value[0].any()),
                self.macs[index].eq(pe.multiplies),
            ]
        self._weight_memories(m, pes, weight_writes, read, addresses["weight"])
        for window, writes in input_writes.items():
            place = places[window][1]
            self._input_memories(m, window, place, pes, writes, read, addresses["input"])
        self._accumulators(m, pes, used)
        return m

    # PEs and their buffers ----------------------------------------------------------------------

    def _pe(self, m: Module, where: Position) -> ProcessingElement:
        a = self.accelerator
        pe = ProcessingElement(
            weight_word_bytes=a.weight_word_bytes, input_word_bytes=a.input_word_bytes
        )
        m.submodules[f"pe_{key(where)}"] = pe
        return pe

    def _weight_memories(
        self,
        m: Module,
        pes: dict[str, ProcessingElement],
        writes: dict[str, Write],
        read: Value,
        address: Value,
    ) -> None:
        a = self.accelerator
        word_bytes = a.weight_word_bytes
        for i, members in enumerate(_side_by_side(list(writes), word_bytes)):
            memory = Ram(
                width=8 * word_bytes * len(members),
                depth=a.weight_buffer_bytes // word_bytes,
                granularity=8 * word_bytes,
            )
            m.submodules[f"weights_{i}"] = memory
            m.d.comb += memory.write.address.eq(self.weights.address)
            words = _connect_memory(m, memory, [writes[name] for name in members], read, address)
            for name, word in zip(members, words, strict=True):
                m.d.comb += [
                    pes[name].weight_word.eq(word),
                    self.weight_reads[self.numbers[name]].eq(memory.read.enable & pes[name].used),
                ]

    def _input_memories(
        self,
        m: Module,
        window: str,
        place: Value,
        pes: dict[str, ProcessingElement],
        writes: dict[str, Write],
        read: Value,
        address: Value,
    ) -> None:
        """Of the PEs at one place in the window."""
        a = self.accelerator
        word_bytes = a.input_word_bytes
        for i, members in enumerate(_side_by_side(list(writes), word_bytes)):
            memory = Ram(
                width=8 * word_bytes * len(members),
                depth=a.input_buffer_bytes // word_bytes,
                granularity=8,
            )
            m.submodules[f"inputs_{window}_{i}"] = memory
            m.d.comb += memory.write.address.eq(place >> (word_bytes.bit_length() - 1))
            words = _connect_memory(m, memory, [writes[name] for name in members], read, address)
            for name, word in zip(members, words, strict=True):
                m.d.comb += [
                    pes[name].input_word.eq(word),
                    self.input_reads[self.numbers[name]].eq(memory.read.enable & pes[name].used),
                ]

    def _used(self, m: Module) -> dict[Dim, list[Signal]]:
        """For each axis position whether the layer uses it."""
        found: dict[Dim, list[Signal]] = {}
        for i, axis in enumerate(self.accelerator.axes):
            found[axis.dim] = [
                Signal(name=f"used_{axis.dim.lower()}_{k}") for k in range(axis.size)
            ]
            m.d.sync += [bit.eq(self.fields.used[i] > k) for k, bit in enumerate(found[axis.dim])]
        return found

    def _broadcast(self, m: Module) -> tuple[Value, dict[str, Value], dict[str, Value]]:
        """Compute's read, its words, registered, and a cycle later its bytes of a word."""
        a = self.accelerator
        weight = Signal(PRIVATE_BITS, reset_less=True)
        value = Signal(PRIVATE_BITS, reset_less=True)
        read = Signal()
        m.d.sync += [
            weight.eq(self.multiplication.weight_address),
            value.eq(self.multiplication.input_address),
            read.eq(self.multiplication.valid),
        ]
        weight_bits = a.weight_word_bytes.bit_length() - 1
        input_bits = a.input_word_bytes.bit_length() - 1
        selects: dict[str, Value] = {}
        for name, source, bits in (
            ("weight_select", weight, weight_bits),
            ("input_select", value, input_bits),
        ):
            if bits:
                select = Signal(bits, name=name, reset_less=True)
                m.d.sync += select.eq(source[:bits])
                selects[name] = select
        return read, {"weight": weight >> weight_bits, "input": value >> input_bits}, selects

    # Fill ------------------------------------------------------------------------------------

    def _weight_enables(self, m: Module) -> dict[Dim, list[Value]]:
        """For each position of a weight axis whether the weights of this cycle are its own."""
        a = self.accelerator
        found: dict[Dim, list[Value]] = {}
        for i, axis in enumerate(a.axes):
            if axis.dim not in WEIGHT_DIMS:
                continue
            lanes = a.weight_network_lanes if axis.dim == a.weight_vector_dim else 1
            group = self.weights.group[i]
            hits = [
                Signal(name=f"weight_hit_{axis.dim.lower()}_{g}") for g in range(axis.size // lanes)
            ]
            m.d.comb += [hit.eq(group == g) for g, hit in enumerate(hits)]
            found[axis.dim] = [hits[k // lanes] for k in range(axis.size)]
        return found

    def _weight_write(
        self, m: Module, where: Position, enables: dict[Dim, list[Value]], used: Value
    ) -> Write:
        a = self.accelerator
        hit = all_of(hits[where[dim]] for dim, hits in enables.items())
        vector = a.weight_vector_dim
        lane = where[vector] % a.weight_network_lanes if vector else 0
        enable = Signal(name=f"weight_write_{key(where)}")
        m.d.comb += enable.eq(self.weights.valid & hit & used)
        return enable, self.weights.data.word_select(lane, 8 * a.weight_word_bytes)

    def _input_enables(self, m: Module) -> tuple[dict[str, Any], dict[str, tuple[Value, Value]]]:
        """Delayed hits by channel group, and (hit, byte place) by pair of window positions."""
        a = self.accelerator
        bits = max(1, (a.input_buffer_bytes - 1).bit_length())
        rows = Window(outputs=a.size_of("P"), kernels=a.size_of("R"), place_bits=bits)
        columns = Window(outputs=a.size_of("Q"), kernels=a.size_of("S"), place_bits=bits)
        m.submodules.rows, m.submodules.columns = rows, columns
        m.d.comb += [
            rows.start.eq(self.inputs.row_start),
            rows.advance.eq(self.inputs.row_advance),
            rows.output_step.eq(self.fields.row_step_p),
            rows.kernel_step.eq(self.fields.row_step_r),
            rows.pitch.eq(self.fields.window_row_pitch),
            rows.last.eq(self.fields.window_row_last),
            columns.start.eq(self.inputs.column_start),
            columns.advance.eq(self.inputs.column_advance),
            columns.output_step.eq(self.fields.column_step_q),
            columns.kernel_step.eq(self.fields.column_step_s),
            columns.pitch.eq(self.fields.window_column_pitch),
            columns.last.eq(self.fields.window_column_last),
        ]
        busy = Signal()
        channel = Signal(bits, reset_less=True)
        m.d.sync += [busy.eq(self.inputs.valid), channel.eq(self.inputs.channel_address)]
        places: dict[str, tuple[Value, Value]] = {}
        for where in positions(a, WINDOW_DIMS):
            name = key(where)
            pair = f"{where.get('P', 0)}_{where.get('R', 0)}"
            other = f"{where.get('Q', 0)}_{where.get('S', 0)}"
            hit = Signal(name=f"hit_{name}")
            near_hit = Signal(name=f"near_hit_{name}")
            place = Signal(bits, name=f"place_{name}", reset_less=True)
            near = Signal(bits, name=f"near_{name}", reset_less=True)
            m.d.sync += [
                hit.eq(getattr(rows, f"active_{pair}") & getattr(columns, f"active_{other}")),
                place.eq(getattr(rows, f"place_{pair}") + getattr(columns, f"place_{other}")),
                near_hit.eq(hit & busy),
                near.eq(place + channel),
            ]
            places[name] = (
                delayed(m, near_hit, timing.FILL_PIPELINE - 2, f"near_hit_{name}"),
                delayed(m, near, timing.FILL_PIPELINE - 2, f"near_{name}"),
            )
        group = Signal(GROUP_BITS)
        m.d.comb += group.eq(self.inputs.group)
        group = delayed(m, group, timing.FILL_PIPELINE - 1, "group")
        return {dim: self._group_hits(m, dim, group) for dim in ("C", "K")}, places

    def _group_hits(self, m: Module, dim: Dim, group: Value) -> list[Value] | None:
        """For each position of a channel axis whether this cycle's chunk is its own."""
        a = self.accelerator
        if not a.has(dim):
            return None
        lanes = a.input_network_lanes if dim == "C" else a.depthwise_network_lanes
        hits = [Signal(name=f"chunk_{dim.lower()}_{g}") for g in range(a.size_of(dim) // lanes)]
        m.d.sync += [hit.eq(group == g) for g, hit in enumerate(hits)]
        return [hits[k // lanes] for k in range(a.size_of(dim))]

    def _input_write(
        self,
        m: Module,
        where: Position,
        groups: dict[str, Any],
        target: tuple[Value, Value],
        used: Value,
    ) -> Write:
        a = self.accelerator
        c, k = where.get("C", 0), where.get("K", 0)
        hit, place = target
        word_bytes = a.input_word_bytes
        conv: Value = self.inputs.conv_data
        conv_hit: Value = Const(1)
        if a.has("C"):
            conv = conv.word_select(c % a.input_network_lanes, 8)
            conv_hit = groups["C"][c]
        own, own_hit = conv, conv_hit
        if c == 0:
            depthwise: Value = self.inputs.depthwise_data
            depthwise_hit: Value = Const(1)
            if a.has("K"):
                lane = depthwise.word_select(k % a.depthwise_network_lanes, 8)
                depthwise, depthwise_hit = lane.replicate(word_bytes), groups["K"][k]
            own = Mux(self.fields.depthwise, depthwise, conv)
            own_hit = Mux(self.fields.depthwise, depthwise_hit, conv_hit)
        bits = word_bytes.bit_length() - 1
        enable = Signal(word_bytes, name=f"input_write_{key(where)}")
        m.d.comb += enable.eq(
            Mux(hit & own_hit & used, self._byte_enables(place[:bits], word_bytes), 0)
        )
        return enable, own[: 8 * word_bytes]

    def _byte_enables(self, offset: Value, word_bytes: int) -> Value:
        """Bytes [offset, offset + chunk_step) of a word; chunks do not straddle words."""
        if word_bytes == 1:
            return Const(1)
        return Cat(
            (offset ^ lane) & ~(self.fields.chunk_step - 1)[: len(offset)] == 0
            for lane in range(word_bytes)
        )

    # Accumulate ------------------------------------------------------------------------------

    def _accumulators(
        self, m: Module, pes: dict[str, ProcessingElement], used: dict[Dim, list[Signal]]
    ) -> None:
        a = self.accelerator
        reduced = positions(a, REDUCTION_DIMS)
        step = self._accumulation(m, timing.MAC_PIPELINE + timing.tree_cycles(len(reduced)))
        drain = Cat(masked(self.drain.lanes, self.drain.half == half) for half in range(2))
        reads: list[Value] = []
        for index, group in enumerate(self.groups):
            tree = AdderTree(num_inputs=len(reduced), width=16)
            bank = Accumulator(
                words=accumulator_words(a), lanes=a.accumulator_lanes, sum_bits=tree.sum_width
            )
            m.submodules[f"tree_{key(group)}"] = tree
            m.submodules[f"accumulator_{key(group)}"] = bank
            for i, member in enumerate(reduced):
                where = {axis.dim: {**group, **member}[axis.dim] for axis in a.axes}
                m.d.comb += tree.i[i].eq(pes[key(where)].product)
            own = Signal(name=f"used_group_{key(group)}")
            m.d.comb += [
                own.eq(all_of(used[dim][at] for dim, at in group.items())),
                bank.access.eq(masked(step.access, own)),
                bank.address.eq(step.address),
                bank.begins.eq(step.begins),
                bank.repeats.eq(step.repeats),
                bank.sum.eq(tree.o),
                bank.drain.eq(masked(drain, own & self.drain.groups[index])),
                bank.drain_address.eq(self.drain.address),
                self.drain.words[index].eq(bank.drain_word),
                self.accumulator_writes[index].eq(bank.writes),
            ]
            reads.append(bank.reads)
        m.d.comb += self.accumulator_reads.eq(Cat(reads))

    def _accumulation(self, m: Module, latency: int) -> Accumulation:
        m.submodules.accumulation = step = Accumulation(
            lanes=self.accelerator.accumulator_lanes, latency=latency
        )
        m.d.comb += [
            step.active.eq(self.multiplication.valid),
            step.first.eq(self.multiplication.first),
            step.half.eq(self.multiplication.half),
            step.accumulator.eq(self.multiplication.accumulator_address),
        ]
        return step


def _connect_memory(
    m: Module, memory: Ram, writes: list[Write], read: Value, address: Value
) -> list[Value]:
    """Writes and reads of PEs side by side; gives the word of each."""
    m.d.comb += [
        memory.write.enable.eq(Cat(enable for enable, _ in writes)),
        memory.write.data.eq(Cat(word for _, word in writes)),
        memory.read.enable.eq(read),
        memory.read.address.eq(address),
    ]
    bits = memory.width // len(writes)
    return [memory.read.data.word_select(at, bits) for at in range(len(writes))]


def _side_by_side(names: list[str], word_bytes: int) -> list[list[str]]:
    """PEs whose buffers, of words of so many bytes, share a memory."""
    each = max(1, MEMORY_BYTES // word_bytes)
    return [names[at : at + each] for at in range(0, len(names), each)]
