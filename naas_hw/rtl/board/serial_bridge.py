"""Lets a host at a serial line read and write the registers and the memory of a board."""

from collections.abc import Hashable
from typing import Any, Final

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value
from amaranth.lib.wiring import In, Out

from naas_hw.rtl.board.host_port import HOST_ADDRESS_BITS, WORD_BITS, HostPortSignature
from naas_hw.rtl.board.serial_line import MAX_WORDS, Answer, SerialCommand, check_divisor
from naas_hw.rtl.board.uart_receiver import UartReceiver
from naas_hw.rtl.board.uart_transmitter import UartTransmitter
from naas_hw.rtl.control.register_map import ADDRESS_BITS
from naas_hw.rtl.primitives.axi import AxiLiteSignature, Response, axi_port_name
from naas_hw.rtl.primitives.shared import SharedComponent

ADDRESS_BYTES: Final = 4
WORD_BYTES: Final = WORD_BITS // 8
COUNT_BITS: Final = (MAX_WORDS - 1).bit_length()


class SerialBridge(SharedComponent):
    """Carries out the commands that a host sends over a serial line.

    A command is a byte (`SerialCommand`), the number of words less one, and the address of the
    first byte, lowest byte first; of a write the words follow. The answer of a read is its words,
    then `Answer.DONE`, or `Answer.ERROR` where an address had nothing or the bus had an error; of
    a write it is the last byte alone. Any other first byte is answered with `Answer.UNKNOWN`. A
    break on the line ends a command in its midst, without an answer. Addresses from `REGISTERS` on
    are those of registers. Golden model: a memory and a table of registers, in Python.

    Parameters
    ----------
    divisor : cycles of a bit of the line.
    size_bytes : of the memory.

    Members
    -------
    rx : In, 1 bit; from the host.
    tx : Out, 1 bit; to the host.
    m_axil : Out, `AxiLiteSignature`; the registers.
    host : Out, `HostPortSignature`; the memory.

    Latency
    -------
    That of the line, but for some cycles between bytes. After reset it waits for a command.

    Raises
    ------
    ValueError : a divisor that is too small or too large.
    """

    port_name = staticmethod(axi_port_name)

    def __init__(self, *, divisor: int, size_bytes: int) -> None:
        self.divisor = check_divisor(divisor)
        self.size_bytes = size_bytes
        super().__init__(
            {
                "rx": In(1),
                "tx": Out(1),
                "m_axil": Out(AxiLiteSignature(address_bits=ADDRESS_BITS)),
                "host": Out(HostPortSignature()),
            }
        )

    @property
    def parameters(self) -> tuple[Hashable, ...]:
        return (self.divisor, self.size_bytes)

    def build(self, platform: Any) -> Module:
        m = Module()
        m.submodules.receiver = self.receiver = UartReceiver(divisor=self.divisor)
        m.submodules.transmitter = self.transmitter = UartTransmitter(divisor=self.divisor)
        self._declare()
        m.d.comb += [
            self.receiver.line.eq(self.rx),
            self.tx.eq(self.transmitter.line),
        ]
        self._address_buses(m)
        with m.FSM(init="COMMAND"):
            self._take_command(m)
            self._take_bytes(m)
            self._use_memory(m)
            self._use_registers(m)
            self._send(m)
        return m

    def _declare(self) -> None:
        """What is known of the command that is carried out."""
        self.writes = Signal()
        self.left = Signal(COUNT_BITS)
        self.address = Signal(8 * ADDRESS_BYTES)
        self.word = Signal(WORD_BITS)
        self.byte = Signal(range(WORD_BYTES))
        self.failed = Signal()
        self.answer = Signal(Answer)

    @property
    def is_register(self) -> Value:
        """Whether the address is that of a register."""
        return self.address[-1]

    def _address_buses(self, m: Module) -> None:
        """Addresses and words stand still while a bus is asked."""
        axi, host = self.m_axil, self.host
        m.d.comb += [
            axi.aw.addr.eq(self.address),
            axi.ar.addr.eq(self.address),
            axi.w.data.eq(self.word),
            axi.w.strb.eq(Const(1, 1).replicate(WORD_BYTES)),
            host.address.eq(self.address[2 : 2 + HOST_ADDRESS_BITS]),
            host.data.eq(self.word),
            host.write.eq(self.writes),
        ]

    def _take_command(self, m: Module) -> None:
        byte = self.receiver.o
        with m.State("COMMAND"):
            m.d.sync += [self.byte.eq(0), self.failed.eq(0)]
            m.d.sync += self.writes.eq(byte.payload == SerialCommand.WRITE)
            with m.If(byte.valid & byte.payload.matches(*SerialCommand)):
                m.next = "COUNT"
            with m.Elif(byte.valid):
                m.d.sync += self.answer.eq(Answer.UNKNOWN)
                m.next = "ANSWER"
        with m.State("COUNT"):
            with m.If(byte.valid):
                m.d.sync += self.left.eq(byte.payload)
                m.next = "ADDRESS"
            self._end_at_break(m)

    def _end_at_break(self, m: Module) -> None:
        with m.If(self.receiver.broken):
            m.next = "COMMAND"

    def _take_bytes(self, m: Module) -> None:
        """Four bytes of the address; of a write four of each word."""
        byte = self.receiver.o
        with m.State("ADDRESS"):
            with m.If(byte.valid):
                m.d.sync += self.address.eq(Cat(self.address[8:], byte.payload))
                m.d.sync += self.byte.eq(self.byte + 1)
                with m.If(self.byte == ADDRESS_BYTES - 1):
                    m.next = "NEXT"
            self._end_at_break(m)
        with m.State("NEXT"):
            with m.If(self.writes):
                m.next = "WORD"
            with m.Else():
                m.next = "USE"
        with m.State("WORD"):
            with m.If(byte.valid):
                m.d.sync += self.word.eq(Cat(self.word[8:], byte.payload))
                m.d.sync += self.byte.eq(self.byte + 1)
                with m.If(self.byte == WORD_BYTES - 1):
                    m.next = "USE"
            self._end_at_break(m)
        with m.State("USE"):
            is_inside = self.address < self.size_bytes
            with m.If(self.is_register):
                m.next = "REGISTER"
            with m.Elif(is_inside):
                m.next = "MEMORY"
            with m.Else():
                m.d.sync += [self.failed.eq(1), self.word.eq(0)]
                m.next = "USED"

    def _use_memory(self, m: Module) -> None:
        host = self.host
        with m.State("MEMORY"):
            m.d.comb += host.valid.eq(1)
            with m.If(host.ready):
                m.next = "USED"
                with m.If(~self.writes):
                    m.next = "MEMORY_WORD"
        with m.State("MEMORY_WORD"):
            m.d.sync += self.word.eq(host.read_data)
            with m.If(host.read_valid):
                m.next = "USED"

    def _use_registers(self, m: Module) -> None:
        """Address and data of a write are offered together, and each until it is taken."""
        axi = self.m_axil
        has_address = Signal()
        has_data = Signal()
        with m.State("REGISTER"):
            m.d.comb += [
                axi.ar.valid.eq(~self.writes),
                axi.aw.valid.eq(self.writes & ~has_address),
                axi.w.valid.eq(self.writes & ~has_data),
            ]
            with m.If(axi.aw.valid & axi.aw.ready):
                m.d.sync += has_address.eq(1)
            with m.If(axi.w.valid & axi.w.ready):
                m.d.sync += has_data.eq(1)
            with m.If((axi.ar.valid & axi.ar.ready) | (has_address & has_data)):
                m.next = "REGISTER_ANSWER"
        with m.State("REGISTER_ANSWER"):
            m.d.sync += [has_address.eq(0), has_data.eq(0)]
            m.d.comb += [axi.r.ready.eq(1), axi.b.ready.eq(1)]
            response = Mux(self.writes, axi.b.resp, axi.r.resp)
            with m.If(axi.r.valid | axi.b.valid):
                m.d.sync += self.failed.eq(self.failed | (response != Response.OKAY))
                with m.If(~self.writes):
                    m.d.sync += self.word.eq(axi.r.data)
                m.next = "USED"

    def _send(self, m: Module) -> None:
        """The word that was read; behind the last word of a command the answer."""
        line = self.transmitter.i
        m.d.comb += line.payload.eq(self.word[:8])
        with m.State("USED"):
            with m.If(self.writes):
                m.next = "WORD_DONE"
            with m.Else():
                m.d.comb += line.valid.eq(1)
                with m.If(line.ready):
                    m.d.sync += [self.word.eq(self.word >> 8), self.byte.eq(self.byte + 1)]
                    with m.If(self.byte == WORD_BYTES - 1):
                        m.next = "WORD_DONE"
                self._end_at_break(m)
        with m.State("WORD_DONE"):
            m.d.sync += [self.left.eq(self.left - 1), self.address.eq(self.address + WORD_BYTES)]
            m.d.sync += self.answer.eq(Mux(self.failed, Answer.ERROR, Answer.DONE))
            m.next = "NEXT"
            with m.If(self.left == 0):
                m.next = "ANSWER"
        with m.State("ANSWER"):
            m.d.comb += [line.payload.eq(self.answer), line.valid.eq(1)]
            with m.If(line.ready):
                m.next = "COMMAND"
