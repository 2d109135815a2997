"""Boards with an FPGA: what is soldered to it, as a file says it."""

from functools import cached_property
from pathlib import Path
from typing import Annotated, Final, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from naas_hw.arch.devices import DevicePart, find_part
from naas_hw.arch.families import Family
from naas_hw.core.errors import InputError
from naas_hw.core.resources import template_folder
from naas_hw.system.yaml_files import read_yaml, validate
from naas_hw.workload.layer import Name

MIN_CYCLES_A_BIT: Final = 4
"""Of a serial line: fewer leave a bit no middle."""

Site = Annotated[str, Field(pattern=r"^[A-Z]{1,2}[0-9]{1,3}$")]
"""Name of a pin of a package, such as M1."""
Megahertz = Annotated[float, Field(gt=0, le=1000)]


class _Checked(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class BoardPin(_Checked):
    """A pin of the FPGA, and how it is driven.

    Parameters
    ----------
    site : its name in the package.
    io_type : IO standard, such as LVCMOS33.
    pull : resistor on the chip; None: as the tools have it.
    inverted : low stands for true.
    """

    site: Site
    io_type: Annotated[str, Field(pattern=r"^[A-Z][A-Z0-9_]{1,19}$")] = "LVCMOS33"
    pull: Literal["up", "down", "none"] | None = None
    inverted: bool = False


class BoardClock(BoardPin):
    """The pin of the board's oscillator.

    Parameters
    ----------
    megahertz : its frequency.
    """

    megahertz: Megahertz


class BoardUart(_Checked):
    """A serial line to a host.

    Parameters
    ----------
    rx : the FPGA receives there. tx : the FPGA sends there.
    baud : bits a second.
    """

    rx: BoardPin
    tx: BoardPin
    baud: Annotated[int, Field(ge=300, le=12_000_000)]


class BoardDram(_Checked):
    """The memory beside the FPGA, as the cost model sees it at the board's `core_megahertz`.

    Parameters
    ----------
    description : which chip that is.
    size_bytes : how much there is.
    latency_cycles : from the address of a burst to its first beat.
    beat_bytes, beat_period_cycles : so many bytes move in so many cycles.
    """

    description: Annotated[str, Field(min_length=1, max_length=100)]
    size_bytes: Annotated[int, Field(ge=4096, le=1 << 40)]
    latency_cycles: Annotated[int, Field(ge=1, le=10_000)]
    beat_bytes: Literal[1, 2, 4, 8, 16, 32]
    beat_period_cycles: Annotated[int, Field(ge=1, le=10_000)]

    def period(self, beat_bytes: int) -> int:
        """Cycles between beats of another width: those that so many bytes take, rounded up."""
        return max(1, -(-self.beat_period_cycles * beat_bytes // self.beat_bytes))


class Board(_Checked):
    """A board with an FPGA.

    Parameters
    ----------
    name : of the board.
    device, package, speed_grade : of its FPGA.
    clock : pin and frequency of its oscillator.
    core_megahertz : clock of the accelerator, unless another one is asked for.
    reset : a button that resets the design; None: there is none.
    uart : the serial line to a host.
    led : a lamp that is lit while the accelerator has an interrupt; None: there is none.
    high : pins that have to be high for the board to work.
    memory_bytes : memory on the chip for a program and its tensors, unless another size is asked
        for; a multiple of 4096.
    dram : the memory beside the FPGA, for the cost model; None: there is none.
    """

    name: Name
    device: str
    package: str
    speed_grade: int
    clock: BoardClock
    core_megahertz: Megahertz
    reset: BoardPin | None = None
    uart: BoardUart
    led: BoardPin | None = None
    high: tuple[BoardPin, ...] = ()
    memory_bytes: Annotated[int, Field(ge=4096, multiple_of=4096, le=1 << 28)] = 65536
    dram: BoardDram | None = None

    @cached_property
    def part(self) -> DevicePart:
        """The FPGA."""
        return find_part(self.device, package=self.package, speed_grade=self.speed_grade)

    @property
    def pins(self) -> dict[str, BoardPin]:
        """Name of a port -> pin."""
        pins: dict[str, BoardPin] = {"clk": self.clock, "rx": self.uart.rx, "tx": self.uart.tx}
        pins |= {"reset": self.reset} if self.reset is not None else {}
        pins |= {"led": self.led} if self.led is not None else {}
        return pins | {f"high_{number}": pin for number, pin in enumerate(self.high)}

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.part.device.family is not Family.ECP5:
            raise ValueError(f"device of a board must be an ECP5, not {self.device}")
        sites = [pin.site for pin in self.pins.values()]
        for site in sites:
            if sites.count(site) > 1:
                raise ValueError(f"pins must differ, not {site} twice")
        return self


def board_names() -> tuple[str, ...]:
    """The boards that are built in."""
    return tuple(sorted(path.stem for path in (template_folder() / "boards").glob("*.yaml")))


def read_board(path: str | Path) -> Board:
    """The board in a YAML file.

    Raises
    ------
    InputError : one sentence that names file, place, rule and value.
    """
    return validate(Board, read_yaml(path), str(path))


def find_board(name_or_path: str) -> Board:
    """A built-in board by its name, or the one in a file.

    Raises
    ------
    InputError : there is none of this name, or the file is wrong.
    """
    if name_or_path in board_names():
        return read_board(template_folder() / "boards" / f"{name_or_path}.yaml")
    if not name_or_path.endswith((".yaml", ".yml")) and not Path(name_or_path).exists():
        known = ", ".join(board_names())
        raise InputError(f"board must be one of {known}, or a YAML file, not {name_or_path!r}")
    return read_board(name_or_path)
