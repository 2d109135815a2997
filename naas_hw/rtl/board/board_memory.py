"""A memory on the chip behind an accelerator's AXI4, which a host reads and writes, too."""

import operator
from collections.abc import Hashable
from typing import Any, Final

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value
from amaranth.lib import data
from amaranth.lib.wiring import In, connect, flipped

from naas_hw.rtl.board.host_port import WORD_BITS, HostPortSignature
from naas_hw.rtl.control.register_map import RANGE_BYTES
from naas_hw.rtl.primitives.axi import (
    LENGTH_BITS,
    Axi4Signature,
    Response,
    axi_port_name,
    check_bytes,
)
from naas_hw.rtl.primitives.delay import delayed
from naas_hw.rtl.primitives.interfaces import part_of
from naas_hw.rtl.primitives.queue import Queue
from naas_hw.rtl.primitives.ram import Ram
from naas_hw.rtl.primitives.shared import SharedComponent

LATENCY: Final = 3
"""Cycles from the address of a read to its first beat, and from a last beat to its response."""
BURSTS: Final = 16
"""Bursts of reads, and of writes, whose addresses are kept: as many as a LUT memory of an FPGA has
words, so that fewer would not be smaller."""


class BoardMemory(SharedComponent):
    """Block RAM as a subordinate of AXI4, with a port for a host that takes what is left of it.

    Bursts are incrementing, of whole beats, within blocks of `RANGE_BYTES`, and have ID zero. All
    strobes of a 32-bit word are equal. A burst beyond the memory is answered with SLVERR and
    changes nothing. A beat of AXI goes before a word of the host. Golden model: a list of bytes, in
    the time of `naas_dram.v` with LATENCY and a period of one where no more than BURSTS wait.

    Parameters
    ----------
    size_bytes : of the memory, a multiple of `RANGE_BYTES`.
    beat_bytes : of a beat, a power of two from 4 on.

    Members
    -------
    s_axi : In, `Axi4Signature`.
    host : In, `HostPortSignature`; the numbers of its words must be below those of the memory.

    Latency
    -------
    The first beat of a read is offered LATENCY cycles after its address was taken, later ones
    follow without a gap; the response of a write LATENCY cycles after its last beat was taken. A
    word of the host is there LATENCY - 1 cycles after it was asked for. After reset nothing is
    under way; contents stay.

    Raises
    ------
    ValueError : a width that is no power of two, or a size that is no multiple.
    """

    port_name = staticmethod(axi_port_name)

    def __init__(self, *, size_bytes: int, beat_bytes: int) -> None:
        self.size_bytes = operator.index(size_bytes)
        self.beat_bytes = operator.index(beat_bytes)
        check_bytes("beat_bytes", self.beat_bytes)
        if self.beat_bytes < WORD_BITS // 8:
            raise ValueError(f"beat_bytes must be at least {WORD_BITS // 8}, not {beat_bytes}")
        if self.size_bytes < RANGE_BYTES or self.size_bytes % RANGE_BYTES:
            raise ValueError(f"size_bytes must be a multiple of {RANGE_BYTES}, not {size_bytes}")
        self.depth = self.size_bytes // self.beat_bytes
        self.words = self.beat_bytes * 8 // WORD_BITS
        self.burst = data.StructLayout(
            {"beat": (self.depth - 1).bit_length(), "length": LENGTH_BITS, "outside": 1}
        )
        super().__init__(
            {
                "s_axi": In(Axi4Signature(data_bytes=self.beat_bytes)),
                "host": In(HostPortSignature()),
            }
        )

    @property
    def parameters(self) -> tuple[Hashable, ...]:
        return (self.size_bytes, self.beat_bytes)

    def build(self, platform: Any) -> Module:
        m = Module()
        m.submodules.ram = self.ram = Ram(
            width=8 * self.beat_bytes, depth=self.depth, granularity=WORD_BITS, style="block"
        )
        m.submodules.read_bursts = self.read_bursts = Queue(shape=self.burst, depth=BURSTS)
        m.submodules.write_bursts = self.write_bursts = Queue(shape=self.burst, depth=BURSTS)
        self._keep_bursts(m, flipped(self.s_axi).ar, self.read_bursts)
        self._keep_bursts(m, flipped(self.s_axi).aw, self.write_bursts)
        host_writes = self._write(m)
        host_reads = self._read(m)
        m.d.comb += self.host.ready.eq(host_writes | host_reads)
        return m

    def _keep_bursts(self, m: Module, addresses: Any, bursts: Queue) -> None:
        beat_bits = (self.beat_bytes - 1).bit_length()
        connect(m, part_of(addresses, "valid", "ready"), part_of(bursts.i, "valid", "ready"))
        m.d.comb += [
            bursts.i.payload.beat.eq(addresses.addr >> beat_bits),
            bursts.i.payload.length.eq(addresses.len),
            bursts.i.payload.outside.eq(addresses.addr >= self.size_bytes),
        ]

    def _beat_and_lane(self) -> tuple[Value, Value]:
        """Where the word that the host asks for is."""
        lane_bits = (self.words - 1).bit_length()
        lane = self.host.address[:lane_bits] if lane_bits else Const(0, 1)
        return self.host.address[lane_bits:], lane

    def _write(self, m: Module) -> Signal:
        """Beats of AXI, and words of the host where there are none. Gives whether there is one."""
        bus, host, write, bursts = self.s_axi, self.host, self.ram.write, self.write_bursts
        position = Signal(LENGTH_BITS)
        is_beat = Signal()
        is_last = Signal()
        is_host = Signal()
        m.d.comb += [
            bus.w.ready.eq(bursts.o.valid & self._respond(m, is_last)),
            is_beat.eq(bus.w.valid & bus.w.ready),
            is_last.eq(is_beat & (position == bursts.o.payload.length)),
            bursts.o.ready.eq(is_last),
            is_host.eq(host.valid & host.write & ~is_beat),
        ]
        with m.If(is_beat):
            m.d.sync += position.eq(Mux(is_last, 0, position + 1))
        strobes = Cat(bus.w.strb[WORD_BITS // 8 * word] for word in range(self.words))
        wanted = Mux(is_beat & ~bursts.o.payload.outside, strobes, 0)
        beat, lane = self._beat_and_lane()
        m.d.comb += [
            write.enable.eq(Mux(is_host, Const(1, 1) << lane, wanted)),
            write.address.eq(Mux(is_beat, bursts.o.payload.beat + position, beat)),
            write.data.eq(Mux(is_beat, bus.w.data, host.data.replicate(self.words))),
        ]
        return is_host

    def _respond(self, m: Module, is_last: Signal) -> Value:
        """A response for each burst. Gives whether one more may be on its way."""
        bus = self.s_axi
        errors = Signal(2 * BURSTS)
        front = Signal(range(2 * BURSTS))
        back = Signal(range(2 * BURSTS))
        due = Signal(range(2 * BURSTS))
        waiting = Signal(range(2 * BURSTS))
        arrives = delayed(m, is_last, LATENCY - 1, "last_beat")
        taken = bus.b.valid & bus.b.ready
        m.d.comb += [
            bus.b.valid.eq(due != 0),
            bus.b.resp.eq(_response(errors.bit_select(front, 1))),
        ]
        m.d.sync += [
            due.eq(due + arrives - taken),
            waiting.eq(waiting + is_last - taken),
            front.eq(front + taken),
            back.eq(back + is_last),
        ]
        with m.If(is_last):
            m.d.sync += errors.bit_select(back, 1).eq(self.write_bursts.o.payload.outside)
        return waiting < BURSTS

    def _read(self, m: Module) -> Signal:
        """The RAM and a register behind it, which move together. Gives whether the host reads."""
        bus, host, read, bursts = self.s_axi, self.host, self.ram.read, self.read_bursts
        position = Signal(LENGTH_BITS)
        moves = Signal()
        is_last = Signal()
        is_host = Signal()
        beat, _ = self._beat_and_lane()
        m.d.comb += [
            moves.eq(~bus.r.valid | bus.r.ready),
            is_last.eq(position == bursts.o.payload.length),
            bursts.o.ready.eq(moves & is_last),
            is_host.eq(host.valid & ~host.write & ~bursts.o.valid & moves),
            read.enable.eq(moves),
            read.address.eq(Mux(bursts.o.valid, bursts.o.payload.beat + position, beat)),
        ]
        with m.If(moves & bursts.o.valid):
            m.d.sync += position.eq(Mux(is_last, 0, position + 1))
        self._offer_beats(m, moves, is_last)
        self._answer_host(m, moves, is_host)
        return is_host

    def _offer_beats(self, m: Module, moves: Signal, is_last: Signal) -> None:
        """What is known of the beat in the RAM, and of the one that is offered."""
        bus, bursts = self.s_axi, self.read_bursts
        in_ram = Signal()
        is_last_in_ram = Signal()
        is_outside = Signal()
        with m.If(moves):
            m.d.sync += [
                in_ram.eq(bursts.o.valid),
                is_last_in_ram.eq(is_last),
                is_outside.eq(bursts.o.payload.outside),
                bus.r.valid.eq(in_ram),
                bus.r.last.eq(is_last_in_ram),
                bus.r.resp.eq(_response(is_outside)),
                bus.r.data.eq(self.ram.read.data),
            ]

    def _answer_host(self, m: Module, moves: Signal, is_host: Signal) -> None:
        """The word that the host has asked for, when its beat is in the register."""
        host = self.host
        in_ram = Signal()
        _, lane = self._beat_and_lane()
        kept_lane = Signal.like(lane)
        m.d.sync += host.read_valid.eq(in_ram & moves)
        with m.If(moves):
            m.d.sync += in_ram.eq(is_host)
        with m.If(is_host):
            m.d.sync += kept_lane.eq(lane)
        m.d.comb += host.read_data.eq(self.s_axi.r.data.word_select(kept_lane, WORD_BITS))


def _response(is_outside: Value) -> Value:
    return Mux(is_outside, Response.SLVERR, Response.OKAY)
