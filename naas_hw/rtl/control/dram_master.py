"""The accelerator's AXI4 manager: one bus for all that reads or writes DRAM."""

from collections.abc import Hashable
from typing import Any

from amaranth.hdl import Cat, Module, Mux, Signal
from amaranth.lib import data
from amaranth.lib.wiring import In, Out, connect, flipped

from naas_hw.compiler.fields import DRAM_BITS
from naas_hw.rtl.control.register_map import RANGE_BYTES
from naas_hw.rtl.primitives.axi import (
    CACHEABLE,
    INCREMENTING,
    LENGTH_BITS,
    Axi4Signature,
    DramReadSignature,
    DramWriteSignature,
    Response,
)
from naas_hw.rtl.primitives.interfaces import part_of
from naas_hw.rtl.primitives.register_slice import RegisterSlice
from naas_hw.rtl.primitives.shared import SharedComponent

WINDOW_BITS = 32
PAGE_BITS = (RANGE_BYTES - 1).bit_length()
BASE_BITS = WINDOW_BITS - PAGE_BITS
"""Of the base, which is counted in blocks of `RANGE_BYTES`."""
HANDSHAKE = ("valid", "ready")
OFFERED_BURST = data.StructLayout({"offset": WINDOW_BITS, "length": LENGTH_BITS})


class DramMaster(SharedComponent):
    """Turns bursts that are counted in beats into AXI4, within a window of 4 GiB.

    Descriptors are never read while load has a burst under way: a beat belongs to the descriptor
    where `descriptors.r` is ready, and to load otherwise. Writes are those of store.
    Beats and responses are always taken: there is room for what was asked for. All addresses count
    from the base, which must not change while a burst is offered. Golden model: byte addresses plus
    the base, modulo 4 GiB, in the window.

    Parameters
    ----------
    beat_bytes : bytes of a beat, a power of two.

    Members
    -------
    window : In, 32 bits; high half of all addresses.
    base : In, BASE_BITS; added to all addresses, in blocks of `RANGE_BYTES`.
    descriptors : In, `DramReadSignature`; reads of the controller.
    load : In, `DramReadSignature`; reads of the layer.
    store : In, `DramWriteSignature`; writes of the layer.
    m_axi : Out, `Axi4Signature`.
    read_error : Out, 1 bit, strobe; a beat of load came with an error.
    write_error : Out, 1 bit, strobe; a response came with an error.

    Latency
    -------
    Addresses, beats that were read, and responses pass a register each; beats that are written and
    their acceptance are combinational. Nothing is offered after a reset.

    Raises
    ------
    ValueError : the width is not a power of two.
    """

    def __init__(self, *, beat_bytes: int) -> None:
        self.beat_bytes = beat_bytes
        super().__init__(
            {
                "window": In(64 - WINDOW_BITS),
                "base": In(BASE_BITS),
                "descriptors": In(DramReadSignature(beat_bytes=beat_bytes)),
                "load": In(DramReadSignature(beat_bytes=beat_bytes)),
                "store": In(DramWriteSignature(beat_bytes=beat_bytes)),
                "m_axi": Out(Axi4Signature(data_bytes=beat_bytes)),
                "read_error": Out(1),
                "write_error": Out(1),
            }
        )

    @property
    def parameters(self) -> tuple[Hashable, ...]:
        return (self.beat_bytes,)

    def build(self, platform: Any) -> Module:
        m = Module()
        self._read_addresses(m)
        self._read_data(m)
        self._writes(m)
        self._attributes(m)
        return m

    def _read_addresses(self, m: Module) -> None:
        descriptors = self.descriptors.ar
        load = self.load.ar
        m.submodules.read_addresses = addresses = RegisterSlice(shape=OFFERED_BURST)
        address = Signal(DRAM_BITS)
        m.d.comb += [
            address.eq(Mux(descriptors.valid, descriptors.address, load.address)),
            addresses.i.valid.eq(descriptors.valid | load.valid),
            addresses.i.payload.offset.eq(self._offset(address)),
            addresses.i.payload.length.eq(Mux(descriptors.valid, descriptors.length, load.length)),
            descriptors.ready.eq(addresses.i.ready),
            load.ready.eq(addresses.i.ready),
        ]
        self._offer(m, addresses, flipped(self.m_axi).ar)

    def _offer(self, m: Module, addresses: RegisterSlice, channel: Any) -> None:
        burst = addresses.o.payload
        connect(m, part_of(addresses.o, *HANDSHAKE), part_of(channel, *HANDSHAKE))
        m.d.comb += [
            channel.addr.eq(Cat(burst.offset, self.window)),
            channel.len.eq(burst.length),
        ]

    def _read_data(self, m: Module) -> None:
        descriptors = self.descriptors.r
        load = self.load.r
        bus = self.m_axi.r
        error = Signal()
        beat = Signal(8 * self.beat_bytes, reset_less=True)
        m.d.sync += [
            descriptors.valid.eq(bus.valid & descriptors.ready),
            load.valid.eq(bus.valid & ~descriptors.ready),
            error.eq(bus.resp != Response.OKAY),
            beat.eq(bus.data),
        ]
        m.d.comb += [
            bus.ready.eq(1),
            descriptors.data.eq(beat),
            descriptors.error.eq(error),
            load.data.eq(beat),
            load.error.eq(error),
            self.read_error.eq(load.valid & load.error),
        ]

    def _writes(self, m: Module) -> None:
        store = flipped(self.store)
        bus = flipped(self.m_axi)
        beat = ("data", "last", *HANDSHAKE)
        m.submodules.write_addresses = addresses = RegisterSlice(shape=OFFERED_BURST)
        responded = Signal()
        connect(m, part_of(store.aw, *HANDSHAKE), part_of(addresses.i, *HANDSHAKE))
        connect(m, part_of(store.w, *beat), part_of(bus.w, *beat))
        self._offer(m, addresses, bus.aw)
        m.d.sync += [
            responded.eq(bus.b.valid),
            self.write_error.eq(bus.b.valid & (bus.b.resp != Response.OKAY)),
        ]
        m.d.comb += [
            addresses.i.payload.offset.eq(self._offset(store.aw.address)),
            addresses.i.payload.length.eq(store.aw.length),
            bus.w.strb.eq(store.w.strobe.replicate(self.beat_bytes)),
            bus.b.ready.eq(1),
            store.b.valid.eq(responded),
        ]

    def _attributes(self, m: Module) -> None:
        """What is the same of all bursts."""
        beat_bits = (self.beat_bytes - 1).bit_length()
        for channel in (self.m_axi.aw, self.m_axi.ar):
            m.d.comb += [
                channel.size.eq(beat_bits),
                channel.burst.eq(INCREMENTING),
                channel.cache.eq(CACHEABLE),
            ]

    def _offset(self, beat: Any) -> Any:
        """Address of a beat within the window, in bytes."""
        beat_bits = (self.beat_bytes - 1).bit_length()
        offset = (beat << beat_bits)[:WINDOW_BITS]
        block = (offset[PAGE_BITS:] + self.base)[:BASE_BITS]
        return Cat(offset[:PAGE_BITS], block)
