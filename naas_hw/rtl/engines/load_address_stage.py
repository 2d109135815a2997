"""Third stage of a planned load: where its first beat lies."""

from collections.abc import Hashable
from typing import Any

from amaranth.hdl import Module, Signal
from amaranth.lib import stream
from amaranth.lib.wiring import In, Out

from naas_hw.rtl.engines.load_offset_stage import OffsetLoad
from naas_hw.rtl.primitives.shared import SharedComponent
from naas_hw.rtl.primitives.transfer import NO_OPTIONS, LoadOptions, LoadTransfer


class LoadAddressStage(SharedComponent):
    """Adds the offsets of a load to the addresses of its tile.

    Golden model: the same sums in Python, modulo the widths of the addresses.

    Parameters
    ----------
    loads : what is loaded beside the four tensors that every layer has.

    Members
    -------
    i : In, stream of `OffsetLoad`, tagged as `loads` says, always ready.
    o : Out, stream of `LoadTransfer`, tagged in the same way, always ready.

    Latency
    -------
    One cycle; a load a cycle. `o` is not valid after reset.

    Raises
    ------
    Nothing.
    """

    def __init__(self, loads: LoadOptions = NO_OPTIONS) -> None:
        self.loads = loads
        super().__init__(
            {
                "i": In(stream.Signature(loads.tagged(OffsetLoad), always_ready=True)),
                "o": Out(stream.Signature(loads.tagged(LoadTransfer), always_ready=True)),
            }
        )

    @property
    def parameters(self) -> tuple[Hashable, ...]:
        return (self.loads,)

    def build(self, platform: Any) -> Module:
        m = Module()
        load = self.i.payload
        transfer = Signal(self.loads.tagged(LoadTransfer), reset_less=True)
        l2_offset = load.l2_row_offset + load.l2_column_offset
        m.d.comb += self.o.payload.eq(transfer)
        m.d.sync += self.o.valid.eq(self.i.valid)
        m.d.sync += [
            transfer.tag.eq(load.tag),
            transfer.dram_address.eq(load.dram_address + load.dram_row_offset),
            transfer.blocks.eq(load.blocks),
            transfer.rows.eq(load.rows),
            transfer.columns.eq(load.columns),
            transfer.destination.eq(load.base + l2_offset),
        ]
        return m
