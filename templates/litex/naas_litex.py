# SPDX-License-Identifier: 0BSD
"""An accelerator of naas_hw as a module of a LiteX SoC.

    self.naas = Naas(platform)
    self.naas.add_to(self)

The SoC then has its registers as a region `naas`, its interrupt as `naas`, and a port of the SDRAM
controller of its own, so the CPU and the accelerator do not wait for each other on the bus.
"""

import json
import os
import re
import subprocess
import sys
import zlib
from pathlib import Path
from typing import Any

from litedram.frontend.axi import LiteDRAMAXI2Native
from litex.gen import LiteXModule
from litex.soc.integration.soc import SoCRegion
from litex.soc.interconnect import axi
from litex.soc.interconnect.csr_eventmanager import EventManager, EventSourceLevel
from migen import ClockSignal, Instance, ResetSignal

HERE = Path(__file__).parent
RTL = HERE / "rtl"
REGISTER_BYTES = 4096
BIOS_BYTES = 64 * 1024
BUFFERED_BEATS = 64
"""Beats that wait between the accelerator and the SDRAM controller, either way."""

FLASH_OFFSET = 0x20_0000
"""Where the image of the firmware begins in a board's flash; the bitstream is below."""

IMAGE_BYTES = range(32, 16 * 1024 * 1024 + 1)
"""Lengths that LiteX's BIOS takes for those of a firmware."""

UNFLUSHED = frozenset(
    ("blackparrot", "cva5", "cva6", "gowin_ae350", "microwatt", "minerva", "rocket", "vexiiriscv")
)
"""CPUs with a data cache that LiteX's software cannot write back to memory."""

_ADDRESS = ("id", "addr", "len", "size", "burst", "lock", "cache", "prot", "valid")
FULL = {
    "aw": (_ADDRESS, ("ready",)),
    "w": (("data", "strb", "last", "valid"), ("ready",)),
    "b": (("ready",), ("id", "resp", "valid")),
    "ar": (_ADDRESS, ("ready",)),
    "r": (("ready",), ("id", "data", "resp", "last", "valid")),
}
"""Channel of AXI4 -> what its manager gives, and what it gets."""

LITE = {
    "aw": (("addr", "prot", "valid"), ("ready",)),
    "w": (("data", "strb", "valid"), ("ready",)),
    "b": (("ready",), ("resp", "valid")),
    "ar": (("addr", "prot", "valid"), ("ready",)),
    "r": (("ready",), ("data", "resp", "valid")),
}
"""The same of AXI4-Lite."""


class Naas(LiteXModule):
    """The accelerator, its registers on AXI4-Lite, its memory on AXI4, and its interrupt.

    Parameters
    ----------
    platform : gets the Verilog files.
    rtl : folder with `files.f` and `manifest.json`.
    with_models : add models of the FPGA's primitives, for a simulation.

    Members
    -------
    registers : AXI4-Lite, 32 bits; see rtl/registers/naas_registers.md.
    memory : AXI4, as many bytes as a beat of the accelerator has.
    ev : the interrupt, a level; `naas_ev_enable` lets it through to the CPU.
    """

    def __init__(self, platform: Any, rtl: Path = RTL, *, with_models: bool = False) -> None:
        manifest = json.loads((rtl / "manifest.json").read_text(encoding="utf-8"))
        self.beat_bytes = manifest["accelerator"]["beat_bytes"]
        self.registers = axi.AXILiteInterface(data_width=32, address_width=32)
        self.memory = axi.AXIInterface(data_width=8 * self.beat_bytes, address_width=64, id_width=1)
        self.ev = EventManager()
        self.ev.done = EventSourceLevel(
            description="The accelerator has ended, or refused a start."
        )
        self.ev.finalize()
        self.specials += Instance(
            manifest["top"],
            i_aclk=ClockSignal("sys"),
            i_aresetn=~ResetSignal("sys"),
            o_interrupt=self.ev.done.trigger,
            **_ports("s_axil", self.registers, LITE, is_manager=False),
            **_ports("m_axi", self.memory, FULL, is_manager=True),
        )
        names = (rtl / "files.f").read_text(encoding="utf-8").split()
        models = sorted((rtl / "test").glob("*_primitives.v")) if with_models else []
        for path in (*(rtl / name for name in names), *models):
            platform.add_source(str(path))

    def add_to(self, soc: Any, name: str = "naas") -> None:
        """Put registers, memory and interrupt where the SoC has them.

        Parameters
        ----------
        soc : has `sdram`, as `add_sdram` of LiteX makes it.
        name : of this module in the SoC.

        Raises
        ------
        ValueError : software cannot flush the data cache of the SoC's CPU.
        """
        check_cpu(soc.cpu.name)
        region = SoCRegion(size=REGISTER_BYTES, cached=False)
        soc.bus.add_slave(name, self.registers, region)
        port = soc.sdram.crossbar.get_port(data_width=8 * self.beat_bytes)
        self.to_dram = LiteDRAMAXI2Native(
            self.memory,
            port,
            w_buffer_depth=BUFFERED_BEATS,
            r_buffer_depth=BUFFERED_BEATS,
            base_address=soc.bus.regions["main_ram"].origin,
        )
        if soc.irq.enabled:
            soc.irq.add(name, use_loc_if_exists=True)


def check_cpu(name: str) -> None:
    """Refuse a CPU whose data may stay in its cache, where the accelerator does not see them.

    Raises
    ------
    ValueError : says which CPU it is.
    """
    if name in UNFLUSHED:
        raise ValueError(
            f"the CPU must be one whose data cache LiteX can flush, such as vexriscv, not {name}"
        )


def add_flash(soc: Any, phy: Any = None) -> None:
    """Give a SoC its flash, from whose `FLASH_OFFSET` on LiteX's BIOS starts the firmware.

    One data line and the plain read command need no setting inside the flash, and every flash
    that an FPGA can be configured from has them.

    Parameters
    ----------
    phy : stands for the pins in a simulation.
    """
    from litespi.modules import IS25LP128
    from litespi.opcodes import SpiNorFlashOpCodes

    module = IS25LP128(SpiNorFlashOpCodes.READ_1_1_1)
    soc.add_spi_flash(mode="1x", module=module, phy=phy, with_master=False)
    soc.add_constant("FLASH_BOOT_ADDRESS", soc.bus.regions["spiflash"].origin + FLASH_OFFSET)
    # the BIOS would otherwise raise the clock until reading fails
    soc.add_constant("SPIFLASH_SKIP_FREQ_INIT")


def boot_image(firmware: bytes) -> bytes:
    """A firmware as LiteX's BIOS looks for it in the flash: length, CRC-32, then the firmware.

    Raises
    ------
    ValueError : the BIOS does not take a firmware of this length.
    """
    if len(firmware) not in IMAGE_BYTES:
        raise ValueError(
            f"a firmware in the flash must have {IMAGE_BYTES.start} to {IMAGE_BYTES.stop - 1} "
            f"bytes, not {len(firmware)}"
        )
    head = (len(firmware), zlib.crc32(firmware))
    return b"".join(number.to_bytes(4, "little") for number in head) + firmware


def write_boot_image(firmware: Path, flash_bytes: int) -> Path:
    """Write the boot image of a firmware beside it, as `firmware.fbi`.

    Parameters
    ----------
    flash_bytes : size of the whole flash.

    Raises
    ------
    ValueError : it does not fit into the flash.
    """
    image = boot_image(firmware.read_bytes())
    if FLASH_OFFSET + len(image) > flash_bytes:
        raise ValueError(
            f"the image of the firmware must have up to {flash_bytes - FLASH_OFFSET} bytes, "
            f"not {len(image)}"
        )
    place = firmware.with_suffix(".fbi")
    place.write_bytes(image)
    return place


def add_own_programs() -> None:
    """Put the programs of this Python environment on PATH: meson, ninja and others."""
    os.environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"


def check_place(folder: Path) -> Path:
    """The absolute path of a folder that LiteX can work in.

    Raises
    ------
    ValueError : LiteX's makefiles and scripts would take a part of the path for something else.
    """
    place = folder.resolve()
    if not re.fullmatch(r"[A-Za-z0-9_.+/-]+", str(place)):
        raise ValueError(
            "the absolute path of a SoC's folder must have no characters but letters, digits, "
            f"'_', '.', '-', '+' and '/', unlike {str(place)!r}"
        )
    return place


def build_firmware(output: Path) -> Path:
    """The firmware for the SoC whose software LiteX has built into a folder.

    Raises
    ------
    ValueError : as of `check_place`.
    """
    folder = check_place(HERE / "firmware")
    build = os.path.relpath(check_place(output), folder)
    subprocess.run(["make", f"BUILD_DIR={build}"], cwd=folder, check=True)
    return folder / "firmware.bin"


def _ports(prefix: str, bus: Any, channels: Any, *, is_manager: bool) -> dict[str, Any]:
    """Name of a port of the Verilog module, with its direction -> the signal at it."""
    return {
        f"{'o' if is_given == is_manager else 'i'}_{prefix}_{channel}{name}": getattr(
            getattr(bus, channel), name
        )
        for channel, both in channels.items()
        for is_given, names in zip((True, False), both, strict=True)
        for name in names
    }
