"""The global buffer (L2): equal banks, each with one owner at a time."""

from collections.abc import Hashable
from dataclasses import dataclass
from typing import Any, Final

from amaranth.hdl import Module, Signal, Value
from amaranth.lib.wiring import In

from naas_hw.arch import timing
from naas_hw.arch.accelerator import Accelerator
from naas_hw.compiler.fields import L2_BITS
from naas_hw.rtl.primitives.delay import delayed
from naas_hw.rtl.primitives.logic import any_of, masked
from naas_hw.rtl.primitives.ports import ReadPortSignature, WritePortSignature
from naas_hw.rtl.primitives.shared import SharedComponent
from naas_hw.rtl.primitives.shared_ram import SharedRam

READERS: Final = ("weights", "inputs", "partial_sums", "store")
"""Those that every accelerator has."""
WRITERS: Final = ("load", "drain")

BANK_REGISTERS: Final = 1
"""Cycles from a port to the banks: who uses a bank, and where, stands in a register at each."""

SIDES: Final = {
    "a": ("load", ("partial_sums", "store", "residual")),
    "b": ("drain", ("weights", "inputs")),
}
"""Who writes and who reads through either side of the banks.

Load does not write to a bank out of which outputs or a residual are read, until all of it has been
read; drain never writes to a bank of weights or inputs.
"""


@dataclass(frozen=True)
class _BankTarget:
    """One bank as one port sees it."""

    hit: Signal
    """The port's address lies in the bank."""
    word: Value
    """The word there, if it does."""


@dataclass(frozen=True)
class _Late:
    """What is written, when the address is at the banks."""

    enable: Value
    data: Value


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
    writers, meet at one bank, or those that `SIDES` puts on one side; if a wrong program lets them,
    their addresses mix, nothing worse.
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
    A word read in cycle t is there in t + L2_LATENCY and stays until the next read by this reader,
    or of this bank, gives its word. Every port may be used in every cycle. After a reset a reader
    has the word zero until its first read; the banks keep their contents.

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
        for side, (writer, readers) in SIDES.items():
            ports = [getattr(bank, side) for bank in banks]
            write = self._port(m, writer)
            reads = [self._port(m, name) for name in readers if name in self.readers]
            is_writing = Signal(name=f"{writer}_is_writing")
            m.d.comb += is_writing.eq(write.interface.enable.any())
            late = self._late(m, writer)
            for i, port in enumerate(ports):
                self._connect(m, i, port, write, is_writing, reads, late)
            for read in reads:
                self._answer(m, read, ports)
        return m

    def _bank(self, m: Module, i: int) -> SharedRam:
        bank = SharedRam(
            width=8 * self.beat_bytes,
            depth=self.bank_words,
            granularity=8,
            latency=timing.L2_LATENCY - BANK_REGISTERS,
        )
        m.submodules[f"bank_{i}"] = bank
        return bank

    def _port(self, m: Module, name: str) -> _Port:
        """A port, and each bank as it sees it."""
        interface = getattr(self, name)
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

    def _late(self, m: Module, writer: str) -> _Late:
        """What a writer writes, a cycle later: the same for all banks."""
        interface = getattr(self, writer)
        return _Late(
            enable=delayed(m, interface.enable, 1, f"{writer}_enable", reset=False),
            data=delayed(m, interface.data, 1, f"{writer}_data", reset=False),
        )

    def _connect(
        self,
        m: Module,
        i: int,
        bank: Any,
        write: _Port,
        is_writing: Signal,
        reads: list[_Port],
        late: _Late,
    ) -> None:
        """Who uses one side of bank i, and where, a cycle later: no two of them in one cycle."""
        ports = [write, *reads]
        uses = [Signal(name=f"{port.name}_uses_{i}") for port in ports]
        enables = [is_writing, *(read.interface.enable for read in reads)]
        m.d.comb += [
            use.eq(enable & port.targets[i].hit)
            for port, use, enable in zip(ports, uses, enables, strict=True)
        ]
        words = [masked(port.targets[i].word, use) for port, use in zip(ports, uses, strict=True)]
        address = Signal(len(bank.address), name=f"{write.name}_address_{i}", reset_less=True)
        m.d.sync += [
            bank.write.eq(uses[0]),
            bank.read.eq(any_of(uses[1:])),
            address.eq(any_of(words)),
        ]
        m.d.comb += [
            bank.address.eq(address),
            bank.granules.eq(late.enable),
            bank.written.eq(late.data),
        ]

    def _answer(self, m: Module, port: _Port, sides: list[Any]) -> None:
        """The word that a reader asked for L2_LATENCY cycles before."""
        chosen = [Signal(name=f"{port.name}_from_{i}") for i in range(self.num_banks)]
        with m.If(port.interface.enable):
            m.d.sync += [
                bit.eq(target.hit) for bit, target in zip(chosen, port.targets, strict=True)
            ]
        late = [
            delayed(m, bit, timing.L2_LATENCY - 1, f"{port.name}_late_from_{i}")
            for i, bit in enumerate(chosen)
        ]
        words = [masked(side.word, bit) for bit, side in zip(late, sides, strict=True)]
        m.d.comb += port.interface.data.eq(any_of(words))
