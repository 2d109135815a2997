"""The accelerator's registers, on an AXI4-Lite slave."""

import operator
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from enum import IntEnum, StrEnum
from typing import Any, Final

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Member, Out

from naas_hw.arch import timing
from naas_hw.compiler.layout import DESCRIPTOR_VERSION, SLOT_BYTES
from naas_hw.rtl.primitives.shared import SharedComponent

ADDRESS_WIDTH: Final = 12
DATA_WIDTH: Final = 32
BYTES: Final = DATA_WIDTH // 8
NUM_ERRORS: Final = 16
REGISTER_MAP_VERSION: Final = 2
"""Version 1 had no `versions`, no range of writes and no watchdog."""
RANGE_BYTES: Final = 4096
"""The range that may be written consists of whole blocks of this size; no burst crosses one."""
COUNTERS_OFFSET: Final = 0x40
MAX_COUNTERS: Final = ((1 << ADDRESS_WIDTH) - COUNTERS_OFFSET) // 8


class Access(StrEnum):
    """What software may do with a register."""

    READ_WRITE = "rw"
    READ_ONLY = "ro"
    WRITE_ONE_TO_CLEAR = "w1c"


class Response(IntEnum):
    """AXI's RESP."""

    OKAY = 0b00
    SLVERR = 0b10


@dataclass(frozen=True, kw_only=True)
class Register:
    """One 32-bit register: what the C header, the documents and the RTL know of it."""

    name: str
    offset: int
    access: Access
    description: str


RO, RW, W1C = Access.READ_ONLY, Access.READ_WRITE, Access.WRITE_ONE_TO_CLEAR


def _register(offset: int, name: str, access: Access, description: str) -> Register:
    return Register(name=name, offset=offset, access=access, description=description)


REGISTERS: Final = (
    _register(
        0x00, "control", RW, "write bit 0: start; read bit 0: busy, 1: done, 2: idle, 3: ready"
    ),
    _register(0x04, "interrupt_global_enable", RW, "bit 0: the interrupt line may rise"),
    _register(0x08, "interrupt_enable", RW, "bit 0: on done, bit 1: on a refused start"),
    _register(0x0C, "interrupt_status", W1C, "bit 0: done, bit 1: a start was refused"),
    _register(0x10, "identity", RO, "constant: which kind of core this is"),
    _register(0x14, "digest_low", RO, "build digest, low half"),
    _register(0x18, "digest_high", RO, "build digest, high half"),
    _register(0x1C, "status", RO, "errors since the last accepted start, a bit each"),
    _register(
        0x20,
        "descriptors_low",
        RW,
        f"address of the first descriptor, low half: a multiple of {SLOT_BYTES}",
    ),
    _register(0x24, "descriptors_high", RW, "address of the first descriptor, high half"),
    _register(0x28, "num_descriptors", RW, "how many descriptors a start runs"),
    _register(
        0x2C, "versions", RO, "low half: format of these registers, high half: of descriptors"
    ),
    _register(
        0x30,
        "write_first",
        RW,
        f"first byte that may be written, low half of its address: a multiple of {RANGE_BYTES}; "
        "a reset forbids all writes",
    ),
    _register(
        0x34,
        "write_last",
        RW,
        f"last byte that may be written, low half: the end of a block of {RANGE_BYTES} bytes",
    ),
    _register(
        0x38,
        "watchdog",
        RW,
        f"units of {timing.WATCHDOG_UNIT} cycles after which a layer is stopped; 0: never",
    ),
)
"""All but the counters."""


def register_map(counters: Sequence[str] = ()) -> tuple[Register, ...]:
    """Every register in the order of offsets; a counter takes two, low half first."""
    halves = [
        _register(COUNTERS_OFFSET + 8 * i + 4 * half, f"{name}_{end}", RO, f"{name}, {end} half")
        for i, name in enumerate(counters)
        for half, end in enumerate(("low", "high"))
    ]
    return (*REGISTERS, *halves)


def axi_lite_members(prefix: str = "s_axil") -> dict[str, Member]:
    """Ports of an AXI4-Lite slave, flat: `{prefix}_awaddr` and so on."""
    channels = {
        "awaddr": In(ADDRESS_WIDTH),
        "awprot": In(3),
        "awvalid": In(1),
        "awready": Out(1),
        "wdata": In(DATA_WIDTH),
        "wstrb": In(BYTES),
        "wvalid": In(1),
        "wready": Out(1),
        "bresp": Out(2),
        "bvalid": Out(1),
        "bready": In(1),
        "araddr": In(ADDRESS_WIDTH),
        "arprot": In(3),
        "arvalid": In(1),
        "arready": Out(1),
        "rdata": Out(DATA_WIDTH),
        "rresp": Out(2),
        "rvalid": Out(1),
        "rready": In(1),
    }
    return {f"{prefix}_{name}": member for name, member in channels.items()}


class _Write(wiring.Component):
    """The write channels: `fire` in the cycle in which the later of address and data is taken.

    One write is under way at a time: no address and no data is taken while a response waits.
    Ready depends on registers only.
    """

    def __init__(self) -> None:
        channels = ("s_axil_aw", "s_axil_w", "s_axil_b")
        members = axi_lite_members()
        super().__init__(
            {name: member for name, member in members.items() if name.startswith(channels)}
            | {
                "fire": Out(1),
                "word": Out(ADDRESS_WIDTH - 2),
                "data": Out(DATA_WIDTH),
                "strobe": Out(BYTES),
                "mapped": In(1),
            }
        )

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        has_address = Signal()
        has_data = Signal()
        address = Signal(ADDRESS_WIDTH - 2)
        data = Signal(DATA_WIDTH)
        strobe = Signal(BYTES)
        takes_address = self.s_axil_awvalid & self.s_axil_awready
        takes_data = self.s_axil_wvalid & self.s_axil_wready
        m.d.comb += [
            self.s_axil_awready.eq(~has_address & ~self.s_axil_bvalid),
            self.s_axil_wready.eq(~has_data & ~self.s_axil_bvalid),
            self.fire.eq((takes_address | has_address) & (takes_data | has_data)),
            self.word.eq(Mux(has_address, address, self.s_axil_awaddr[2:])),
            self.data.eq(Mux(has_data, data, self.s_axil_wdata)),
            self.strobe.eq(Mux(has_data, strobe, self.s_axil_wstrb)),
        ]
        with m.If(takes_address):
            m.d.sync += [has_address.eq(1), address.eq(self.s_axil_awaddr[2:])]
        with m.If(takes_data):
            m.d.sync += [
                has_data.eq(1),
                data.eq(self.s_axil_wdata),
                strobe.eq(self.s_axil_wstrb),
            ]
        with m.If(self.s_axil_bready):
            m.d.sync += self.s_axil_bvalid.eq(0)
        with m.If(self.fire):
            m.d.sync += [
                has_address.eq(0),
                has_data.eq(0),
                self.s_axil_bvalid.eq(1),
                self.s_axil_bresp.eq(Mux(self.mapped, Response.OKAY, Response.SLVERR)),
            ]
        return m


class AxiLiteRegisters(SharedComponent):
    """Registers of the accelerator behind an AXI4-Lite slave, and its interrupt.

    Address and data of a write may come in either order or together. The write happens in the
    cycle of the later of the two handshakes; `start` is combinational and high in exactly that
    cycle. One write and one read may be under way at a time, a write every two cycles; a response
    stays until it is taken. An address without a register answers SLVERR; what is written to a
    read-only register is dropped. Byte strobes count; the low two address bits do not.

    A start while `busy` changes nothing but gives `start_while_busy` for that cycle. `done` sets
    the done bit and its interrupt status; `interrupt` follows it by one cycle, if enabled. Events
    win over a write that clears them. An accepted start clears the done bit and the status, but
    not what comes in that same cycle. A counter's halves are consistent while the core is idle.

    Parameters
    ----------
    identity, digest : constants of 32 and 64 bits that software reads.
    counters : names of the 64-bit counters.

    Members
    -------
    s_axil_* : the slave; see `axi_lite_members`.
    start, start_while_busy : Out, strobes.
    busy : In, high from the cycle after start to that of done.
    done : In, strobe.
    errors : In, 16 strobes that stay in `status` until the next accepted start.
    counter : In, 64 bits each.
    descriptors : Out, 64 bits, address of the descriptor list.
    num_descriptors : Out, 32 bits.
    write_first, write_last : Out, 32 bits, the range of addresses that may be written.
    watchdog : Out, 32 bits, its limit in units of `timing.WATCHDOG_UNIT` cycles.
    interrupt : Out, level.

    Raises
    ------
    ValueError : a constant that is too wide, too many counters.
    """

    s_axil_araddr: Signal
    s_axil_arvalid: Signal
    s_axil_arready: Signal
    s_axil_rdata: Signal
    s_axil_rresp: Signal
    s_axil_rvalid: Signal
    s_axil_rready: Signal
    start: Signal
    start_while_busy: Signal
    busy: Signal
    done: Signal
    errors: Signal
    counter: Sequence[Signal]
    descriptors: Signal
    num_descriptors: Signal
    interrupt: Signal

    def __init__(self, *, identity: int, digest: int, counters: Sequence[str] = ()) -> None:
        self.identity = operator.index(identity)
        self.digest = operator.index(digest)
        self.counters = tuple(counters)
        if not 0 <= self.identity < 1 << 32:
            raise ValueError(f"identity must have at most 32 bits, not the value {self.identity}")
        if not 0 <= self.digest < 1 << 64:
            raise ValueError(f"digest must have at most 64 bits, not the value {self.digest}")
        if len(self.counters) > MAX_COUNTERS:
            raise ValueError(
                f"there must be at most {MAX_COUNTERS} counters, not {len(self.counters)}"
            )
        super().__init__(
            axi_lite_members()
            | {
                "start": Out(1),
                "start_while_busy": Out(1),
                "busy": In(1),
                "done": In(1),
                "errors": In(NUM_ERRORS),
                "counter": In(64).array(len(self.counters)),
                "descriptors": Out(64),
                "num_descriptors": Out(32),
                "write_first": Out(32, init=(1 << 32) - RANGE_BYTES),
                "write_last": Out(32),
                "watchdog": Out(32),
                "interrupt": Out(1),
            }
        )

    @property
    def parameters(self) -> tuple[Hashable, ...]:
        return (self.identity, self.digest, self.counters)

    @property
    def registers(self) -> tuple[Register, ...]:
        """Every register with its offset."""
        return register_map(self.counters)

    def build(self, platform: Any) -> Module:
        m = Module()
        m.submodules.write = write = _Write()
        for name in write.signature.members:
            if name.startswith("s_axil_"):
                inside, outside = getattr(write, name), getattr(self, name)
                is_input = self.signature.members[name].flow == In
                m.d.comb += inside.eq(outside) if is_input else outside.eq(inside)
        m.d.comb += write.mapped.eq(self._is_mapped(write.word))

        values = self._values(m, write)
        self._add_reads(m, values)
        return m

    def _is_mapped(self, word: Value) -> Value:
        return word.matches(*(register.offset >> 2 for register in self.registers))

    def _values(self, m: Module, write: _Write) -> dict[str, Value]:
        """What each register reads as; adds what writes to them do."""
        offsets = {register.name: register.offset for register in self.registers}

        def written(name: str) -> Value:
            return write.fire & (write.word == offsets[name] >> 2)

        def stored(name: str, register: Value) -> Value:
            mask = Cat(bit.replicate(8) for bit in write.strobe)[: len(register)]
            with m.If(written(name)):
                m.d.sync += register.eq((register & ~mask) | (write.data & mask))
            return register

        done = Signal()
        status = Signal(NUM_ERRORS)
        global_enable = Signal()
        enable = Signal(2)
        interrupts = Signal(2)
        asked = written("control") & write.data[0] & write.strobe[0]
        cleared = Mux(written("interrupt_status") & write.strobe[0], write.data[:2], 0)
        m.d.comb += [
            self.start.eq(asked & ~self.busy),
            self.start_while_busy.eq(asked & self.busy),
            self.interrupt.eq(global_enable & (enable & interrupts).any()),
        ]
        m.d.sync += [
            done.eq((done & ~self.start) | self.done),
            status.eq(Mux(self.start, 0, status) | self.errors),
            interrupts.eq((interrupts & ~cleared) | Cat(self.done, self.start_while_busy)),
        ]
        values: dict[str, Value] = {
            "control": Cat(self.busy, done, ~self.busy, ~self.busy),
            "interrupt_global_enable": stored("interrupt_global_enable", global_enable),
            "interrupt_enable": stored("interrupt_enable", enable),
            "interrupt_status": interrupts,
            "identity": Value.cast(self.identity),
            "digest_low": Value.cast(self.digest & 0xFFFFFFFF),
            "digest_high": Value.cast(self.digest >> 32),
            "status": status,
            "descriptors_low": stored("descriptors_low", self.descriptors[:32]),
            "descriptors_high": stored("descriptors_high", self.descriptors[32:]),
            "num_descriptors": stored("num_descriptors", self.num_descriptors),
            "versions": Const(DESCRIPTOR_VERSION << 16 | REGISTER_MAP_VERSION, 32),
            "write_first": stored("write_first", self.write_first),
            "write_last": stored("write_last", self.write_last),
            "watchdog": stored("watchdog", self.watchdog),
        }
        for name, value in zip(self.counters, self.counter, strict=True):
            values |= {f"{name}_low": value[:32], f"{name}_high": value[32:]}
        return values

    def _add_reads(self, m: Module, values: dict[str, Value]) -> None:
        word = self.s_axil_araddr[2:]
        m.d.comb += self.s_axil_arready.eq(~self.s_axil_rvalid)
        with m.If(self.s_axil_rready):
            m.d.sync += self.s_axil_rvalid.eq(0)
        with m.If(self.s_axil_arvalid & self.s_axil_arready):
            m.d.sync += [
                self.s_axil_rvalid.eq(1),
                self.s_axil_rresp.eq(Mux(self._is_mapped(word), Response.OKAY, Response.SLVERR)),
                self.s_axil_rdata.eq(0),
            ]
            with m.Switch(word):
                for register in self.registers:
                    with m.Case(register.offset >> 2):
                        m.d.sync += self.s_axil_rdata.eq(values[register.name])
