"""An accelerator on a board: a memory behind its AXI4, and a serial line to a host."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from amaranth.lib import wiring

from naas_hw.arch.boards import Board
from naas_hw.core.errors import InputError
from naas_hw.core.version import __version__
from naas_hw.emit.module_ports import Port, ports_of
from naas_hw.emit.verilog import emit_verilog
from naas_hw.fpga.harness import CLOCK, CORE, RESET, render
from naas_hw.fpga.pll import PllDividers, pll_dividers
from naas_hw.fpga.wrapper import Wrapper
from naas_hw.rtl.board.board_memory import BoardMemory
from naas_hw.rtl.board.serial_bridge import SerialBridge
from naas_hw.rtl.board.serial_line import MAX_DIVISOR, MIN_DIVISOR

TOP: Final = "naas_board"
MEMORY: Final = "memory"
BRIDGE: Final = "bridge"
MAX_BAUD_ERROR: Final = 0.02
"""Of a bit's length; a frame of ten bits still arrives where the host is as far off."""
_OUTPUTS: Final = ("tx", "led", "high")
_JOINED: Final = {MEMORY: ("s_axi_", "m_axi_"), BRIDGE: ("m_axil_", "s_axil_")}
"""Part -> how its ports begin that are joined to the core, and how those of the core do."""


@dataclass(frozen=True, kw_only=True)
class BoardDesign:
    """What is built for a board.

    Parameters
    ----------
    board : for which.
    clock_mhz : of the core; a PLL makes it where it is not that of the board.
    pll : its dividers; None where the core has the clock of the board.
    divisor : cycles of a bit of the serial line.
    memory_bytes : memory on the chip.
    """

    board: Board
    clock_mhz: float
    pll: PllDividers | None
    divisor: int
    memory_bytes: int


def board_design(
    board: Board, *, target_mhz: float | None = None, memory_bytes: int | None = None
) -> BoardDesign:
    """What is built for a board at a clock, by default the board's `core_megahertz`.

    Raises
    ------
    InputError : a clock that the PLL does not give, or with which the serial line does not work; a
        memory that is no multiple of 4096 bytes.
    """
    wanted = board.core_megahertz if target_mhz is None else target_mhz
    pll = None if wanted == board.clock.megahertz else pll_dividers(board.clock.megahertz, wanted)
    clock_mhz = board.clock.megahertz if pll is None else pll.output_mhz
    size = board.memory_bytes if memory_bytes is None else memory_bytes
    if size < 4096 or size % 4096:
        raise InputError(f"memory must be a multiple of 4096 bytes, not {size}")
    return BoardDesign(
        board=board,
        clock_mhz=clock_mhz,
        pll=pll,
        divisor=_divisor(clock_mhz, board.uart.baud),
        memory_bytes=size,
    )


def _divisor(clock_mhz: float, baud: int) -> int:
    cycles = clock_mhz * 1e6 / baud
    divisor = max(1, round(cycles))
    if not MIN_DIVISOR <= divisor <= MAX_DIVISOR or abs(divisor / cycles - 1) > MAX_BAUD_ERROR:
        raise InputError(
            f"baud must be a whole part of the clock, from {MIN_DIVISOR} cycles a bit on, not "
            f"{baud} at {clock_mhz:g} MHz"
        )
    return divisor


def board_wrapper(
    design: BoardDesign, sources: Mapping[str, str], *, core: str, beat_bytes: int
) -> Wrapper:
    """The top of a board around an accelerator.

    Parameters
    ----------
    sources : file name -> Verilog of the accelerator.
    core : its module.
    beat_bytes : of its AXI4.
    """
    memory = BoardMemory(size_bytes=design.memory_bytes, beat_bytes=beat_bytes)
    bridge = SerialBridge(divisor=design.divisor, size_bytes=design.memory_bytes)
    parts = {**_part(memory, MEMORY), **_part(bridge, BRIDGE)}
    files = {name: text for name, text in parts.items() if name not in sources}
    ports = {CORE: ports_of(sources[f"{core}.v"], core)} | {
        name: ports_of(files[f"{_module(name)}.v"], _module(name)) for name in (MEMORY, BRIDGE)
    }
    files[f"{TOP}.v"] = _render_top(design, ports, core)
    return Wrapper(name=TOP, files=files, constraints=_constraints(design.board))


def _module(part: str) -> str:
    return f"{TOP}_{part}"


def _part(component: wiring.Component, name: str) -> dict[str, str]:
    """Its Verilog, with modules that are called otherwise than those of the accelerator."""
    banner = f"naas_hw {__version__}, what stands beside an accelerator on a board"
    texts = emit_verilog(component, name=f"naas_{name}", banner=banner)
    own = [file.removesuffix(".v") for file in texts if file != "naas_ram.v"]
    pattern = re.compile(rf"\bnaas_({'|'.join(module.removeprefix('naas_') for module in own)})\b")
    return {
        pattern.sub(rf"{TOP}_\1", file): pattern.sub(rf"{TOP}_\1", text)
        for file, text in texts.items()
    }


def _render_top(design: BoardDesign, ports: Mapping[str, tuple[Port, ...]], core: str) -> str:
    board = design.board
    pins = board.pins
    return render(
        "board.v.j2",
        name=TOP,
        board=board.name,
        core=core,
        clock_mhz=design.clock_mhz,
        pll=design.pll,
        ports=[
            {"name": name, "flow": "output" if name.startswith(_OUTPUTS) else "input"}
            for name in pins
        ],
        has_reset=board.reset is not None,
        reset_inverted=board.reset is not None and board.reset.inverted,
        has_led=board.led is not None,
        led_inverted=board.led is not None and board.led.inverted,
        constants=[
            (name, "1'b0" if pin.inverted else "1'b1")
            for name, pin in pins.items()
            if name.startswith("high")
        ],
        wires=_wires(ports),
        instances=[
            {
                "name": name,
                "module": core if name == CORE else _module(name),
                "connections": [(p.name, _wire(name, p.name)) for p in _inner(ports[name])],
            }
            for name in (CORE, MEMORY, BRIDGE)
        ],
    )


def _inner(ports: tuple[Port, ...]) -> list[Port]:
    return [port for port in ports if port.name not in (CLOCK, RESET)]


def _wire(part: str, port: str) -> str:
    """The wire at a port: that of the core's port where the two are joined."""
    theirs, cores = _JOINED.get(part, ("", ""))
    return cores + port.removeprefix(theirs) if theirs and port.startswith(theirs) else port


def _wires(ports: Mapping[str, tuple[Port, ...]]) -> list[Port]:
    """One for each port of the core, and for each between the other two."""
    host = [port for port in ports[BRIDGE] if port.name.startswith("host_")]
    return [*_inner(ports[CORE]), *host]


def _constraints(board: Board) -> str:
    return render("board.lpf.j2", clock_mhz=board.clock.megahertz, pins=list(board.pins.items()))
