"""Which PEs keep the inputs that pass by, and where."""

from collections.abc import Hashable
from dataclasses import dataclass
from typing import Any, Final

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value
from amaranth.lib.wiring import In, Out

from naas_hw.arch import timing
from naas_hw.arch.accelerator import Accelerator
from naas_hw.rtl.array.private_buffers import input_write_port
from naas_hw.rtl.array.signatures import InputDeliverySignature
from naas_hw.rtl.array.window import Window
from naas_hw.rtl.primitives.config import FieldSignature
from naas_hw.rtl.primitives.delay import delayed
from naas_hw.rtl.primitives.positions import (
    WINDOW_DIMS,
    Position,
    key,
    pe_positions,
    pes_at,
    positions,
)
from naas_hw.rtl.primitives.shared import SharedComponent
from naas_hw.workload.layer import Dim

FIELDS: Final = (
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


@dataclass(frozen=True)
class _WindowTarget:
    """What one window position keeps of the chunk whose bytes are there in this cycle."""

    hit: Value
    """The chunk's pixel lies in the window."""
    address: Value
    """Byte address of the chunk in the PEs' buffers."""


class InputCapture(SharedComponent):
    """Turns delivered inputs into writes of the input buffers of all PEs.

    A PE keeps a chunk whose pixel lies in the window of its P, Q, R and S positions, if the chunk
    is of the group of its C position; in a depthwise layer only the first C position keeps inputs,
    those of the group of its K position. Golden model: these rules.

    Parameters
    ----------
    accelerator : axes, lanes and input buffers.

    Members
    -------
    fields : In, the descriptor's FIELDS.
    inputs : In, `InputDeliverySignature`.
    used : In, one bit for each PE; the others keep nothing.
    writes : Out, `input_write_port` for each window position, in the order of `positions`.

    Latency
    -------
    FILL_PIPELINE cycles from `inputs.valid` to the write, a chunk in every cycle. No write is
    enabled after a reset, until inputs have been delivered for so many cycles.

    Raises
    ------
    Nothing.
    """

    def __init__(self, accelerator: Accelerator) -> None:
        self.accelerator = accelerator
        self.pes = pe_positions(accelerator)
        self.windows = positions(accelerator, WINDOW_DIMS)
        self.address_bits = max(1, (accelerator.input_buffer_bytes - 1).bit_length())
        super().__init__(
            {
                "fields": In(FieldSignature(FIELDS)),
                "inputs": In(
                    InputDeliverySignature(
                        conv_lanes=accelerator.input_network_lanes,
                        depthwise_lanes=accelerator.depthwise_network_lanes,
                    )
                ),
                "used": In(accelerator.num_pes),
                "writes": Out(input_write_port(accelerator)).array(len(self.windows)),
            }
        )

    @property
    def parameters(self) -> tuple[Hashable, ...]:
        return (self.accelerator,)

    def build(self, platform: Any) -> Module:
        m = Module()
        rows, columns = self._rows(m), self._columns(m)
        valid = Signal()
        channel_address = Signal(self.address_bits, reset_less=True)
        m.d.sync += [
            valid.eq(self.inputs.valid),
            channel_address.eq(self.inputs.channel_address),
        ]
        group = delayed(m, self.inputs.group, timing.FILL_PIPELINE - 1, "group")
        c_hits = self._channel_hits(m, "C", self.accelerator.input_network_lanes, group)
        k_hits = self._channel_hits(m, "K", self.accelerator.depthwise_network_lanes, group)
        members = pes_at(self.accelerator, WINDOW_DIMS)
        for window, write, pes in zip(self.windows, self.writes, members, strict=True):
            target = self._target(m, window, rows, columns, valid, channel_address)
            self._write(m, write, pes, target, c_hits, k_hits)
        return m

    def _rows(self, m: Module) -> Window:
        a = self.accelerator
        m.submodules.rows = rows = Window(
            outputs=a.size_of("P"), kernels=a.size_of("R"), address_bits=self.address_bits
        )
        m.d.comb += [
            rows.start.eq(self.inputs.row_start),
            rows.advance.eq(self.inputs.row_advance),
            rows.output_step.eq(self.fields.row_step_p),
            rows.kernel_step.eq(self.fields.row_step_r),
            rows.pitch.eq(self.fields.window_row_pitch),
            rows.last.eq(self.fields.window_row_last),
        ]
        return rows

    def _columns(self, m: Module) -> Window:
        a = self.accelerator
        m.submodules.columns = columns = Window(
            outputs=a.size_of("Q"), kernels=a.size_of("S"), address_bits=self.address_bits
        )
        m.d.comb += [
            columns.start.eq(self.inputs.column_start),
            columns.advance.eq(self.inputs.column_advance),
            columns.output_step.eq(self.fields.column_step_q),
            columns.kernel_step.eq(self.fields.column_step_s),
            columns.pitch.eq(self.fields.window_column_pitch),
            columns.last.eq(self.fields.window_column_last),
        ]
        return columns

    def _channel_hits(self, m: Module, dim: Dim, lanes: int, group: Value) -> list[Value]:
        """For each position of a channel axis whether this cycle's chunk is of its group."""
        a = self.accelerator
        if not a.has(dim):
            return [Const(1)]
        hits = [Signal(name=f"hit_{dim.lower()}_{g}") for g in range(a.size_of(dim) // lanes)]
        m.d.sync += [hit.eq(group == g) for g, hit in enumerate(hits)]
        return [hits[at // lanes] for at in range(a.size_of(dim))]

    def _target(
        self,
        m: Module,
        window: Position,
        rows: Window,
        columns: Window,
        valid: Value,
        channel_address: Value,
    ) -> _WindowTarget:
        """What a window position keeps, delayed until the bytes of the chunk are there."""
        name = key(window)
        p, q, r, s = (window.get(dim, 0) for dim in WINDOW_DIMS)
        inside = Signal(name=f"inside_{name}")
        pixel_address = Signal(self.address_bits, name=f"pixel_address_{name}", reset_less=True)
        hit = Signal(name=f"hit_{name}")
        address = Signal(self.address_bits, name=f"address_{name}", reset_less=True)
        m.d.sync += [
            inside.eq(rows.active[p][r] & columns.active[q][s]),
            pixel_address.eq(rows.address[p][r] + columns.address[q][s]),
            hit.eq(inside & valid),
            address.eq(pixel_address + channel_address),
        ]
        rest = timing.FILL_PIPELINE - 2
        return _WindowTarget(
            delayed(m, hit, rest, f"hit_{name}"), delayed(m, address, rest, f"address_{name}")
        )

    def _write(
        self,
        m: Module,
        write: Any,
        pes: list[int],
        target: _WindowTarget,
        c_hits: list[Value],
        k_hits: list[Value],
    ) -> None:
        """Write the buffers of the PEs of a window position."""
        word_bytes = self.accelerator.input_word_bytes
        offset_bits = word_bytes.bit_length() - 1
        byte_enables = self._byte_enables(target.address[:offset_bits])
        m.d.comb += write.address.eq(target.address >> offset_bits)
        for n, i in enumerate(pes):
            where = self.pes[i]
            own_hit = self._own_hit(where, c_hits, k_hits)
            enable = Signal(word_bytes, name=f"write_{key(where)}")
            m.d.comb += [
                enable.eq(Mux(target.hit & own_hit & self.used[i], byte_enables, 0)),
                write.enable.word_select(n, word_bytes).eq(enable),
                write.data.word_select(n, 8 * word_bytes).eq(self._own_word(where)),
            ]

    def _own_hit(self, where: Position, c_hits: list[Value], k_hits: list[Value]) -> Value:
        """Whether the chunk is of a PE's channels."""
        c, k = where.get("C", 0), where.get("K", 0)
        return Mux(self.fields.depthwise, k_hits[k], c_hits[c]) if c == 0 else c_hits[c]

    def _own_word(self, where: Position) -> Value:
        """What a PE keeps of the chunk: a lane where its channels are on an axis, else all."""
        a = self.accelerator
        c, k = where.get("C", 0), where.get("K", 0)
        conv: Value = self.inputs.conv_data
        depthwise: Value = self.inputs.depthwise_data
        if a.has("C"):
            conv = conv.word_select(c % a.input_network_lanes, 8)
        if a.has("K"):
            lane = depthwise.word_select(k % a.depthwise_network_lanes, 8)
            depthwise = lane.replicate(a.input_word_bytes)
        word = Mux(self.fields.depthwise, depthwise, conv) if c == 0 else conv
        return word[: 8 * a.input_word_bytes]

    def _byte_enables(self, offset: Value) -> Value:
        """Bytes [offset, offset + chunk_step) of a word; chunks do not straddle words."""
        if len(offset) == 0:
            return Const(1)
        chunk_mask = (self.fields.chunk_step - 1)[: len(offset)]
        return Cat(
            (offset ^ n) & ~chunk_mask == 0 for n in range(self.accelerator.input_word_bytes)
        )
