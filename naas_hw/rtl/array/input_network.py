"""The input network: pixels of a step pass by all PEs, chunk by chunk of channels."""

from collections.abc import Hashable
from dataclasses import dataclass
from typing import Any, Final

from amaranth.hdl import Cat, Module, Mux, Signal, Value, signed
from amaranth.lib.wiring import In, Out

from naas_hw.arch import timing
from naas_hw.compiler.fields import COORDINATE_BITS, L2_BYTE_BITS, PRIVATE_BITS, WINDOW_BITS
from naas_hw.rtl.array.signatures import InputDeliverySignature, InputStepSignature
from naas_hw.rtl.memory.global_buffer import l2_read_port
from naas_hw.rtl.primitives.box_address_generator import BoxAddressGenerator
from naas_hw.rtl.primitives.config import FieldSignature
from naas_hw.rtl.primitives.delay import delayed
from naas_hw.rtl.primitives.shared import SharedComponent

FIELDS: Final = (
    "step_rows",
    "step_columns",
    "pixel_chunks",
    "chunk_groups",
    "chunk_bytes",
    "chunk_step",
    "fill_l2_row_pitch",
    "fill_l2_column_pitch",
    "image_rows",
    "image_columns",
    "input_zero_point",
)


@dataclass(frozen=True)
class _Moves:
    """What happens at the end of this cycle; a new row is a new pixel too."""

    next_pixel: Signal
    next_row: Signal


class InputNetwork(SharedComponent):
    """Streams the inputs of one step out of L2, row by row, pixel by pixel, chunk by chunk.

    Pixels outside the image are delivered as the zero point; their words are read all the same.
    Where the channels are on no axis, a chunk may be narrower than the lanes and is then repeated
    over them. Golden model: these loops.

    Parameters
    ----------
    beat_bytes : bytes of an L2 word.
    conv_lanes, depthwise_lanes : lanes of a chunk in either kind of layer; they divide beat_bytes.
    replicate_conv, replicate_depthwise : whether chunks may be narrower than the lanes.
    half_bytes : bytes of one half of a PE's input buffer, at least 1.

    Members
    -------
    fields : In, the descriptor's FIELDS.
    step : In, `InputStepSignature`.
    read : Out, `l2_read_port`.
    delivery : Out, `InputDeliverySignature`.

    Latency
    -------
    Started in cycle t, it works from t + 1 on, a chunk a cycle; the bytes of a chunk are delivered
    FILL_PIPELINE cycles later, all else with the read. L2 is read once for each word of a pixel.
    It may be started again in its last working cycle. It is idle after a reset.

    Raises
    ------
    ValueError : lanes that do not divide the beat, or an empty half.
    """

    def __init__(
        self,
        *,
        beat_bytes: int,
        conv_lanes: int,
        depthwise_lanes: int,
        replicate_conv: bool,
        replicate_depthwise: bool,
        half_bytes: int,
    ) -> None:
        for name, lanes in (("conv_lanes", conv_lanes), ("depthwise_lanes", depthwise_lanes)):
            if lanes < 1 or beat_bytes % lanes:
                raise ValueError(f"{name} must divide the beat of {beat_bytes} bytes, not {lanes}")
        if half_bytes < 1:
            raise ValueError(f"half_bytes must be at least 1, not {half_bytes}")
        self.half_bytes = half_bytes
        self.beat_bytes = beat_bytes
        self.conv_lanes = conv_lanes
        self.depthwise_lanes = depthwise_lanes
        self.replicate_conv = replicate_conv
        self.replicate_depthwise = replicate_depthwise
        super().__init__(
            {
                "fields": In(FieldSignature(FIELDS)),
                "step": In(InputStepSignature()),
                "read": Out(l2_read_port(beat_bytes)),
                "delivery": Out(
                    InputDeliverySignature(conv_lanes=conv_lanes, depthwise_lanes=depthwise_lanes)
                ),
            }
        )

    @property
    def parameters(self) -> tuple[Hashable, ...]:
        return (
            self.beat_bytes,
            self.conv_lanes,
            self.depthwise_lanes,
            self.replicate_conv,
            self.replicate_depthwise,
            self.half_bytes,
        )

    def build(self, platform: Any) -> Module:
        m = Module()
        busy = Signal()
        box = self._loops(m, busy)
        moves = self._moves(m, busy, box)
        offset = self._read(m, busy, box)
        m.d.comb += [
            self.step.busy.eq(busy),
            self.delivery.valid.eq(busy),
        ]
        is_single = Signal()  # a step takes one cycle
        m.d.sync += is_single.eq(
            Cat(
                count == 1
                for count in (
                    self.fields.step_rows,
                    self.fields.step_columns,
                    self.fields.pixel_chunks,
                )
            ).all()
        )
        with m.If(self.step.start):
            m.d.sync += [busy.eq(1), self.step.idle.eq(is_single)]
        with m.Elif(busy):
            m.d.sync += [busy.eq(~box.last), self.step.idle.eq(box.last | box.penultimate)]
        self._channels(m, busy, moves)
        self._deliver_data(m, offset, self._is_inside(m, moves))
        return m

    def _loops(self, m: Module, busy: Signal) -> BoxAddressGenerator:
        m.submodules.box = box = BoxAddressGenerator(
            levels=(("row", WINDOW_BITS), ("column", WINDOW_BITS), ("chunk", PRIVATE_BITS)),
            address_bits=L2_BYTE_BITS,
        )
        m.d.comb += [
            box.start.eq(self.step.start),
            box.origin.eq(self.step.address),
            box.advance.eq(busy),
            box.counts.row.eq(self.fields.step_rows),
            box.counts.column.eq(self.fields.step_columns),
            box.counts.chunk.eq(self.fields.pixel_chunks),
            box.pitches.row.eq(self.fields.fill_l2_row_pitch),
            box.pitches.column.eq(self.fields.fill_l2_column_pitch),
            box.pitches.chunk.eq(self.fields.chunk_bytes),
        ]
        return box

    def _moves(self, m: Module, busy: Signal, box: BoxAddressGenerator) -> _Moves:
        """From one pixel to the next, here and in the windows."""
        next_pixel = Signal()
        next_row = Signal()
        m.d.comb += [
            next_pixel.eq(busy & box.is_last.chunk),
            next_row.eq(next_pixel & box.is_last.column),
            self.delivery.row_start.eq(self.step.start),
            self.delivery.row_advance.eq(next_row),
            self.delivery.column_start.eq(self.step.start | next_row),
            self.delivery.column_advance.eq(next_pixel),
        ]
        return _Moves(next_pixel, next_row)

    def _read(self, m: Module, busy: Signal, box: BoxAddressGenerator) -> Signal:
        """Read each word of a pixel once; gives the chunk's byte in its word."""
        beat_bits = self.beat_bytes.bit_length() - 1
        offset = Signal(beat_bits)
        m.d.comb += [
            offset.eq(box.address),
            self.read.enable.eq(busy & (box.is_first.chunk | (offset == 0))),
            self.read.address.eq(box.address >> beat_bits),
        ]
        return offset

    def _channels(self, m: Module, busy: Signal, moves: _Moves) -> None:
        """Group of positions that takes the chunk, and its address among the bytes of a pixel."""
        base = Signal(PRIVATE_BITS, reset_less=True)
        is_last = Signal()
        address, group = self.delivery.channel_address, self.delivery.group
        half_address = self.step.half * self.half_bytes
        with m.If(self.step.start):
            m.d.sync += [base.eq(half_address), address.eq(half_address)]
        with m.Elif(moves.next_pixel):
            m.d.sync += address.eq(base)
        with m.Elif(busy & is_last):
            m.d.sync += address.eq(address + self.fields.chunk_step)
        with m.If(self.step.start | moves.next_pixel | (busy & is_last)):
            m.d.sync += [group.eq(0), is_last.eq(self.fields.chunk_groups == 1)]
        with m.Elif(busy):
            m.d.sync += [
                group.eq(group + 1),
                is_last.eq(group + 2 == self.fields.chunk_groups),
            ]

    def _is_inside(self, m: Module, moves: _Moves) -> Signal:
        """Whether the pixel of this cycle lies in the image."""
        row = Signal(signed(COORDINATE_BITS), reset_less=True)
        column = Signal(signed(COORDINATE_BITS), reset_less=True)
        first = Signal(signed(COORDINATE_BITS), reset_less=True)
        with m.If(self.step.start):
            m.d.sync += [
                row.eq(self.step.row),
                column.eq(self.step.column),
                first.eq(self.step.column),
            ]
        with m.Elif(moves.next_row):
            m.d.sync += [row.eq(row + 1), column.eq(first)]
        with m.Elif(moves.next_pixel):
            m.d.sync += column.eq(column + 1)
        row_inside = (row >= 0) & (row < self.fields.image_rows)
        column_inside = (column >= 0) & (column < self.fields.image_columns)
        is_inside = Signal()
        m.d.comb += is_inside.eq(row_inside & column_inside)
        return is_inside

    def _deliver_data(self, m: Module, offset: Signal, is_inside: Signal) -> None:
        """The bytes of a chunk for either kind of layer, FILL_PIPELINE cycles after its read."""
        word = Signal(8 * self.beat_bytes, reset_less=True)
        m.d.sync += word.eq(self.read.data)
        offset = delayed(m, offset, timing.FILL_PIPELINE - 1, "offset")
        is_inside = delayed(m, is_inside, timing.FILL_PIPELINE - 1, "is_inside")
        conv_data = Signal(8 * self.conv_lanes, reset_less=True)
        depthwise_data = Signal(8 * self.depthwise_lanes, reset_less=True)
        conv = self._chunk(word, offset, self.conv_lanes, self.replicate_conv)
        depthwise = self._chunk(word, offset, self.depthwise_lanes, self.replicate_depthwise)
        m.d.sync += [
            conv_data.eq(Mux(is_inside, conv, self._padding(self.conv_lanes))),
            depthwise_data.eq(Mux(is_inside, depthwise, self._padding(self.depthwise_lanes))),
        ]
        m.d.comb += [
            self.delivery.conv_data.eq(conv_data),
            self.delivery.depthwise_data.eq(depthwise_data),
        ]

    def _padding(self, lanes: int) -> Value:
        return self.fields.input_zero_point.replicate(lanes)

    def _chunk(self, word: Signal, offset: Value, lanes: int, replicate: bool) -> Value:
        """Lanes at a byte offset; narrower chunks are repeated."""
        lane_bits = lanes.bit_length() - 1
        granule: Value = word
        if lanes < self.beat_bytes:
            granule = word.word_select(offset[lane_bits:], 8 * lanes)
        if not replicate or lanes == 1:
            return granule
        chosen: Value = granule
        for log2 in range(lane_bits):
            width = 8 << log2
            part = granule.word_select(offset[log2:lane_bits], width)
            chosen = Mux(self.fields.chunk_step == 1 << log2, part.replicate(lanes >> log2), chosen)
        return chosen
