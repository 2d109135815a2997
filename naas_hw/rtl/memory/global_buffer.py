"""The global buffer (L2): equal banks, each with one owner at a time."""

from collections.abc import Hashable
from dataclasses import dataclass
from typing import Any, Final

from amaranth.hdl import Module, Mux, Signal, Value
from amaranth.lib.wiring import In

from naas_hw.arch.accelerator import Accelerator
from naas_hw.compiler.layout import L2_BITS
from naas_hw.rtl.primitives.logic import any_of
from naas_hw.rtl.primitives.ports import ReadPortSignature, WritePortSignature
from naas_hw.rtl.primitives.ram import Ram
from naas_hw.rtl.primitives.shared import SharedComponent

READERS: Final = ("weights", "inputs", "partial_sums", "store")
"""Those that every accelerator has."""
WRITERS: Final = ("load", "drain")


@dataclass(frozen=True)
class _BankTarget:
    """One bank as one port sees it."""

    hit: Signal
    """The port's address lies in the bank."""
    word: Value
    """The word there, if it does."""


@dataclass(frozen=True)
class _Port:
    """A port of the buffer."""

    name: str
    interface: Any
    targets: list[_BankTarget]
    """Each bank as the port sees it."""


def l2_read_port(beat_bytes: int) -> ReadPortSignature:
    """A port that reads words of L2."""
    return ReadPortSignature(address_bits=L2_BITS, data_bits=8 * beat_bytes)


def l2_write_port(beat_bytes: int) -> WritePortSignature:
    """A port that writes words of L2, with an enable for each byte."""
    return WritePortSignature(address_bits=L2_BITS, data_bits=8 * beat_bytes, granularity=8)


class GlobalBuffer(SharedComponent):
    """Banks that several readers and writers share without an arbiter.

    The compiler gives every buffer banks of its own, so in no cycle do two readers, or two
    writers, meet at one bank; if a wrong program lets them, their addresses mix, nothing worse.
    Addresses wrap at the power of two that holds all banks. An address outside all banks reads zero
    and writes nothing.
    Golden model: one list of the words of all banks.

    Parameters
    ----------
    accelerator : number and size of the banks, width of a word.

    Members
    -------
    weights, inputs, partial_sums, store : In, `l2_read_port`, one for each reader.
    residual : In, `l2_read_port`, where the accelerator has a residual.
    load, drain : In, `l2_write_port`, one for each writer.

    Latency
    -------
    A word read in cycle t is there in t + 1 and stays until the next read by this reader, or of
    this bank. Every port may be used in every cycle. After a reset a reader has the word zero until
    its first read; the banks keep their contents.

    Raises
    ------
    Nothing.
    """

    def __init__(self, accelerator: Accelerator) -> None:
        self.num_banks = accelerator.num_banks
        self.bank_words = accelerator.bank_words
        self.beat_bytes = accelerator.beat_bytes
        self.readers = (*READERS, "residual") if accelerator.residual else READERS
        super().__init__(
            {name: In(l2_read_port(self.beat_bytes)) for name in self.readers}
            | {name: In(l2_write_port(self.beat_bytes)) for name in WRITERS}
        )

    @property
    def parameters(self) -> tuple[Hashable, ...]:
        return (self.num_banks, self.bank_words, self.beat_bytes, self.readers)

    def build(self, platform: Any) -> Module:
        m = Module()
        banks = [self._bank(m, i) for i in range(self.num_banks)]
        reads = [self._port(m, name, getattr(self, name)) for name in self.readers]
        writes = [self._port(m, name, getattr(self, name)) for name in WRITERS]
        for i, bank in enumerate(banks):
            self._connect_readers(m, i, bank, reads)
            self._connect_writers(m, i, bank, writes)
        for port in reads:
            self._answer(m, port, banks)
        return m

    def _bank(self, m: Module, i: int) -> Ram:
        bank = Ram(width=8 * self.beat_bytes, depth=self.bank_words, granularity=8)
        m.submodules[f"bank_{i}"] = bank
        return bank

    def _port(self, m: Module, name: str, interface: Any) -> _Port:
        """A port, and each bank as it sees it."""
        hits = [Signal(name=f"{name}_hit_{i}") for i in range(self.num_banks)]
        targets = []
        for i, hit in enumerate(hits):
            is_here, word = self._decode(interface.address, i)
            m.d.comb += hit.eq(is_here)
            targets.append(_BankTarget(hit, word))
        return _Port(name, interface, targets)

    def _decode(self, address: Value, i: int) -> tuple[Value, Value]:
        """Whether an address lies in bank i, and its word there."""
        address = address[: (self.num_banks * self.bank_words - 1).bit_length()]
        bits = (self.bank_words - 1).bit_length()
        if self.bank_words == 1 << bits:
            return address >> bits == i, address[:bits]
        first = i * self.bank_words
        below_end = address < first + self.bank_words
        is_here = (address >= first) & below_end if first else below_end
        return is_here, (address - first)[:bits]

    def _connect_readers(self, m: Module, i: int, bank: Ram, ports: list[_Port]) -> None:
        reads = [Signal(name=f"{port.name}_reads_{i}") for port in ports]
        m.d.comb += [
            read.eq(port.interface.enable & port.targets[i].hit)
            for port, read in zip(ports, reads, strict=True)
        ]
        words = [
            Mux(read, port.targets[i].word, 0) for port, read in zip(ports, reads, strict=True)
        ]
        m.d.comb += [
            bank.read.enable.eq(any_of(reads)),
            bank.read.address.eq(any_of(words)),
        ]

    def _connect_writers(self, m: Module, i: int, bank: Ram, ports: list[_Port]) -> None:
        for port in ports:
            target = port.targets[i]
            with m.If(target.hit & port.interface.enable.any()):
                m.d.comb += [
                    bank.write.enable.eq(port.interface.enable),
                    bank.write.address.eq(target.word),
                    bank.write.data.eq(port.interface.data),
                ]

    def _answer(self, m: Module, port: _Port, banks: list[Ram]) -> None:
        """The word that a reader asked for in the cycle before."""
        chosen = [Signal(name=f"{port.name}_from_{i}") for i in range(self.num_banks)]
        with m.If(port.interface.enable):
            m.d.sync += [
                bit.eq(target.hit) for bit, target in zip(chosen, port.targets, strict=True)
            ]
        words = [Mux(bit, bank.read.data, 0) for bit, bank in zip(chosen, banks, strict=True)]
        m.d.comb += port.interface.data.eq(any_of(words))
