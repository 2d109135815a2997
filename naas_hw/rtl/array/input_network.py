"""The input network: pixels of a step pass by all PEs, chunk by chunk of channels."""

from collections.abc import Hashable
from typing import Any

from amaranth.hdl import Module, Mux, Signal, Value, signed
from amaranth.lib.wiring import In, Out

from naas_hw.arch import timing
from naas_hw.compiler.layout import (
    COORDINATE_BITS,
    L2_BYTE_BITS,
    PRIVATE_BITS,
    WINDOW_BITS,
)
from naas_hw.rtl.array.signatures import InputDeliverySignature
from naas_hw.rtl.memory.global_buffer import l2_read_port
from naas_hw.rtl.primitives.box_address_generator import BoxAddressGenerator
from naas_hw.rtl.primitives.config import FieldSignature
from naas_hw.rtl.primitives.delay import delayed
from naas_hw.rtl.primitives.shared import SharedComponent

FIELDS = (
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


class InputNetwork(SharedComponent):
    """Streams the inputs of one step out of L2, row by row, pixel by pixel, chunk by chunk.

    An L2 word is read once a pixel. Pixels outside the image are delivered as the zero point (their
    word is read all the same). Timing is that of `WeightNetwork`; `row_...`, `column_...` and
    `group`, `channel` belong to the cycle of the read and are not delayed, `data` are.

    Parameters
    ----------
    beat_bytes : bytes of an L2 word.
    conv_lanes, depthwise_lanes : lanes of a chunk in either kind of layer.
    replicate_conv, replicate_depthwise : whether a chunk may be narrower than the lanes and is then
        repeated over them (where the channels are on no axis).
    half_bytes : bytes of one half of a PE's input buffer.

    Members
    -------
    start, place (bytes), half, row, column : In; idle, busy : Out.
    read : Out, `l2_read_port`.
    row_start, row_advance, column_start, column_advance : Out, to the windows; they take effect at
        the end of their cycle.
    group, channel : Out; group of positions, place of the chunk among a pixel's bytes in the PE.
    conv_data, depthwise_data : Out, FILL_PIPELINE cycles after the read.
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
        self.half_bytes = half_bytes
        self.beat_bytes = beat_bytes
        self.conv_lanes = conv_lanes
        self.depthwise_lanes = depthwise_lanes
        self.replicate_conv = replicate_conv
        self.replicate_depthwise = replicate_depthwise
        super().__init__(
            {
                "start": In(1),
                "place": In(L2_BYTE_BITS),
                "half": In(1),
                "row": In(signed(COORDINATE_BITS)),
                "column": In(signed(COORDINATE_BITS)),
                "idle": Out(1),
                "busy": Out(1),
                "read": Out(l2_read_port(beat_bytes)),
                "delivery": Out(
                    InputDeliverySignature(conv_lanes=conv_lanes, depthwise_lanes=depthwise_lanes)
                ),
                "fields": In(FieldSignature(FIELDS)),
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
        beat_bits = self.beat_bytes.bit_length() - 1
        m.submodules.box = box = BoxAddressGenerator(
            levels=(("row", WINDOW_BITS), ("column", WINDOW_BITS), ("chunk", PRIVATE_BITS)),
            address_bits=L2_BYTE_BITS,
        )
        next_pixel = Signal()
        next_row = Signal()
        m.d.comb += [
            box.start.eq(self.start),
            box.origin.eq(self.place),
            box.advance.eq(self.busy),
            box.counts.row.eq(self.fields.step_rows),
            box.counts.column.eq(self.fields.step_columns),
            box.counts.chunk.eq(self.fields.pixel_chunks),
            box.pitches.row.eq(self.fields.fill_l2_row_pitch),
            box.pitches.column.eq(self.fields.fill_l2_column_pitch),
            box.pitches.chunk.eq(self.fields.chunk_bytes),
            self.idle.eq(~self.busy | box.last),
            self.read.enable.eq(self.busy & (box.is_first.chunk | (box.address[:beat_bits] == 0))),
            self.read.address.eq(box.address >> beat_bits),
            next_pixel.eq(self.busy & box.is_last.chunk),
            next_row.eq(next_pixel & box.is_last.column),
            self.delivery.valid.eq(self.busy),
            self.delivery.row_start.eq(self.start),
            self.delivery.row_advance.eq(next_row),
            self.delivery.column_start.eq(self.start | next_row),
            self.delivery.column_advance.eq(next_pixel),
        ]
        with m.If(self.start):
            m.d.sync += self.busy.eq(1)
        with m.Elif(box.last):
            m.d.sync += self.busy.eq(0)
        self._channels(m, next_pixel)
        inside = self._inside(m, next_pixel, next_row)
        self._deliver(m, inside, box.address[:beat_bits])
        return m

    def _channels(self, m: Module, next_pixel: Value) -> None:
        """Group of positions and place in the PE of the chunk."""
        base = Signal(PRIVATE_BITS, reset_less=True)
        address = self.delivery.channel_address
        is_last = Signal()
        with m.If(self.start):
            m.d.sync += [
                base.eq(self.half * self.half_bytes),
                self.delivery.channel_address.eq(self.half * self.half_bytes),
            ]
        with m.Elif(next_pixel):
            m.d.sync += self.delivery.channel_address.eq(base)
        with m.Elif(self.busy & is_last):
            m.d.sync += address.eq(address + self.fields.chunk_step)
        with m.If(self.start | next_pixel | (self.busy & is_last)):
            m.d.sync += [self.delivery.group.eq(0), is_last.eq(self.fields.chunk_groups == 1)]
        with m.Elif(self.busy):
            m.d.sync += [
                self.delivery.group.eq(self.delivery.group + 1),
                is_last.eq(self.delivery.group + 2 == self.fields.chunk_groups),
            ]

    def _inside(self, m: Module, next_pixel: Value, next_row: Value) -> Value:
        """Whether the pixel of this cycle lies in the image."""
        row = Signal(signed(COORDINATE_BITS), reset_less=True)
        column = Signal(signed(COORDINATE_BITS), reset_less=True)
        first = Signal(signed(COORDINATE_BITS), reset_less=True)
        with m.If(self.start):
            m.d.sync += [row.eq(self.row), column.eq(self.column), first.eq(self.column)]
        with m.Elif(next_row):
            m.d.sync += [row.eq(row + 1), column.eq(first)]
        with m.Elif(next_pixel):
            m.d.sync += column.eq(column + 1)
        return (
            (row >= 0)
            & (row < self.fields.image_rows)
            & (column >= 0)
            & (column < self.fields.image_columns)
        )

    def _deliver(self, m: Module, inside: Value, offset: Value) -> None:
        depth = timing.FILL_PIPELINE
        word = Signal(8 * self.beat_bytes, reset_less=True)
        m.d.sync += word.eq(self.read.data)
        offset_now = Signal(len(offset))
        inside_now = Signal()
        m.d.comb += [offset_now.eq(offset), inside_now.eq(inside)]
        offset = delayed(m, offset_now, depth - 1, "offset")
        inside = delayed(m, inside_now, depth - 1, "inside")
        for name, port, lanes, replicate in (
            ("conv_data", self.delivery.conv_data, self.conv_lanes, self.replicate_conv),
            (
                "depthwise_data",
                self.delivery.depthwise_data,
                self.depthwise_lanes,
                self.replicate_depthwise,
            ),
        ):
            chunk = self._chunk(word, offset, lanes, replicate)
            delivered = Signal(8 * lanes, name=f"{name}_now", reset_less=True)
            m.d.comb += port.eq(delivered)
            with m.If(inside):
                m.d.sync += delivered.eq(chunk)
            with m.Else():
                m.d.sync += delivered.eq(self.fields.input_zero_point.replicate(lanes))

    def _chunk(self, word: Signal, offset: Value, lanes: int, replicate: bool) -> Value:
        """Lanes at a byte offset; narrower chunks are repeated."""
        lane_bits = lanes.bit_length() - 1
        granule = word.word_select(offset >> lane_bits, 8 * lanes)
        if not replicate or lanes == 1:
            return granule
        chosen: Value = granule
        for log2 in range(lane_bits):
            width = 8 << log2
            part = granule.word_select(offset[log2:lane_bits], width)
            chosen = Mux(self.fields.chunk_step == 1 << log2, part.replicate(lanes >> log2), chosen)
        return chosen
