"""The global buffer (L2): equal banks, each with one owner at a time."""

from collections.abc import Hashable
from typing import Any

from amaranth.hdl import Const, Module, Mux, Signal, Value
from amaranth.lib.wiring import In, Out

from naas_hw.arch.accelerator import Accelerator
from naas_hw.compiler.layout import L2_BITS
from naas_hw.rtl.memory.ram import Ram
from naas_hw.rtl.primitives.logic import any_of
from naas_hw.rtl.primitives.shared import SharedComponent

READERS = ("weights", "inputs", "sums", "store")
WRITERS = ("load", "drain")


class GlobalBuffer(SharedComponent):
    """Banks that several readers and writers share without an arbiter.

    The compiler gives every buffer banks of its own, so in no cycle do two readers, or two
    writers, meet at one bank; if a wrong program lets them, their addresses mix, nothing worse.
    A word read in cycle t is there in t + 1 and stays until the reader's next read.

    Parameters
    ----------
    accelerator : number and size of the banks, width of a word.

    Members
    -------
    NAME_read, NAME_read_address : In; NAME_data : Out, for weights, inputs, sums, store.
    NAME_write (a bit a byte), NAME_write_address, NAME_write_data : In, for load, drain.
    """

    def __init__(self, accelerator: Accelerator) -> None:
        self.num_banks = accelerator.num_banks
        self.bank_words = accelerator.bank_words
        self.beat_bytes = accelerator.beat_bytes
        ports: dict[str, Any] = {}
        for name in READERS:
            ports[f"{name}_read"] = In(1)
            ports[f"{name}_read_address"] = In(L2_BITS)
            ports[f"{name}_data"] = Out(8 * self.beat_bytes)
        for name in WRITERS:
            ports[f"{name}_write"] = In(self.beat_bytes)
            ports[f"{name}_write_address"] = In(L2_BITS)
            ports[f"{name}_write_data"] = In(8 * self.beat_bytes)
        super().__init__(ports)

    @property
    def parameters(self) -> tuple[Hashable, ...]:
        return (self.num_banks, self.bank_words, self.beat_bytes)

    def build(self, platform: Any) -> Module:
        m = Module()
        banks = [
            Ram(width=8 * self.beat_bytes, depth=self.bank_words, granularity=8)
            for _ in range(self.num_banks)
        ]
        places = {
            name: self._decode(m, getattr(self, f"{name}_{what}_address"), name)
            for names, what in ((READERS, "read"), (WRITERS, "write"))
            for name in names
        }
        for i, bank in enumerate(banks):
            m.submodules[f"bank_{i}"] = bank
            self._reads(m, bank, i, places)
            self._writes(m, bank, i, places)
        for name in READERS:
            self._answer(m, name, banks, [places[name][i][0] for i in range(self.num_banks)])
        return m

    def _decode(self, m: Module, address: Value, name: str) -> list[tuple[Signal, Value]]:
        """For each bank whether the address lies in it, and its word there."""
        found = []
        bits = (self.bank_words - 1).bit_length()
        is_power = self.bank_words == 1 << bits
        for i in range(self.num_banks):
            hit = Signal(name=f"{name}_hit_{i}")
            word: Value
            if is_power:
                word = address[:bits]
                m.d.comb += hit.eq(address >> bits == i)
            else:
                first = i * self.bank_words
                word = (address - first)[:bits]
                below_end = address < first + self.bank_words
                m.d.comb += hit.eq((address >= first) & below_end if first else below_end)
            found.append((hit, word))
        return found

    def _reads(
        self, m: Module, bank: Ram, i: int, places: dict[str, list[tuple[Signal, Value]]]
    ) -> None:
        mine = {name: Signal(name=f"{name}_reads_{i}") for name in READERS}
        m.d.comb += [
            mine[name].eq(getattr(self, f"{name}_read") & places[name][i][0]) for name in READERS
        ]
        m.d.comb += [
            bank.read_enable.eq(any_of(list(mine.values()))),
            bank.read_address.eq(
                any_of([Mux(mine[name], places[name][i][1], 0) for name in READERS])
            ),
        ]

    def _writes(
        self, m: Module, bank: Ram, i: int, places: dict[str, list[tuple[Signal, Value]]]
    ) -> None:
        for name in WRITERS:
            hit, word = places[name][i]
            enable = getattr(self, f"{name}_write")
            with m.If(hit & enable.any()):
                m.d.comb += [
                    bank.write_enable.eq(enable),
                    bank.write_address.eq(word),
                    bank.write_data.eq(getattr(self, f"{name}_write_data")),
                ]

    def _answer(self, m: Module, name: str, banks: list[Ram], hits: list[Signal]) -> None:
        chosen = [Signal(name=f"{name}_from_{i}") for i in range(self.num_banks)]
        with m.If(getattr(self, f"{name}_read")):
            m.d.sync += [bit.eq(hit) for bit, hit in zip(chosen, hits, strict=True)]
        m.d.comb += getattr(self, f"{name}_data").eq(
            any_of(
                [
                    Mux(bit, bank.read_data, Const(0))
                    for bit, bank in zip(chosen, banks, strict=True)
                ]
            )
        )
