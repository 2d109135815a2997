# SPDX-License-Identifier: 0BSD
"""Simulates a SoC with the accelerator: its CPU runs the firmware, which prints the answer.

    python soc_sim.py [--cpu-type vexriscv] [--cpu-variant standard] [--l2-size 0] [--flash]

The memory is SDRAM behind LiteX's controller. With --flash it is empty at the start, and the BIOS
starts the firmware from the image that a board's flash gets. The last line says whether outputs and
counts of accesses are those of expected.json. `verilator` must be on PATH.
"""

import argparse
import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any, Literal

from litedram import modules
from litedram.phy.model import SDRAMPHYModel
from litex.build.generic_platform import Pins, Subsignal
from litex.build.sim import SimPlatform
from litex.build.sim.config import SimConfig
from litex.gen import LiteXModule
from litex.soc.integration.builder import Builder
from litex.soc.integration.soc_core import SoCCore
from litex.soc.interconnect.csr import CSRStorage
from migen import Finish, If
from migen.genlib.io import CRG
from naas_litex import (
    BIOS_BYTES,
    FLASH_OFFSET,
    HERE,
    Naas,
    add_flash,
    add_own_programs,
    boot_image,
    build_firmware,
    check_place,
)

SDRAM_HZ = 100_000_000
"""Clock at which the SDRAM's times in nanoseconds become cycles."""

SAYS = "naas: "
"""How the lines of the firmware begin."""

SERIAL = [
    ("sys_clk", 0, Pins(1)),
    (
        "serial",
        0,
        Subsignal("source_valid", Pins(1)),
        Subsignal("source_ready", Pins(1)),
        Subsignal("source_data", Pins(8)),
        Subsignal("sink_valid", Pins(1)),
        Subsignal("sink_ready", Pins(1)),
        Subsignal("sink_data", Pins(8)),
    ),
]


class FinishSimulation(LiteXModule):
    """A register that ends the simulation when it is written."""

    def __init__(self) -> None:
        self.now = CSRStorage(name="now", description="Any write ends the simulation.")
        self.sync += If(self.now.re, Finish())


class SimulatedSoc(SoCCore):
    """CPU, SDRAM, serial line and accelerator.

    Parameters
    ----------
    firmware : what the SDRAM holds at the start, or the flash; nothing before it is built.
    has_flash : the firmware is in the flash.
    """

    def __init__(
        self, *, firmware: bytes, l2_bytes: int, has_flash: bool = False, **options: Any
    ) -> None:
        platform = SimPlatform("SIM", SERIAL)
        super().__init__(
            platform,
            clk_freq=SDRAM_HZ,
            ident="naas_hw in simulation",
            uart_name="sim",
            integrated_rom_size=BIOS_BYTES,
            **options,
        )
        self.crg = CRG(platform.request("sys_clk"))
        module = modules.MT48LC16M16(SDRAM_HZ, "1:1")
        in_memory = [] if has_flash else words_of(firmware, "little")
        self.sdrphy = SDRAMPHYModel(
            module=module, data_width=32, clk_freq=SDRAM_HZ, init=in_memory, verbosity=0
        )
        self.add_sdram("sdram", phy=self.sdrphy, module=module, l2_cache_size=l2_bytes)
        self.naas = Naas(platform, with_models=True)
        self.naas.add_to(self)
        self.finish = FinishSimulation()
        self.comb += platform.trace.eq(1)
        if has_flash:
            self._add_flash(firmware)
        else:
            # the BIOS finds the firmware in the memory
            self.add_constant("ROM_BOOT_ADDRESS", self.bus.regions["main_ram"].origin)
        # the test of the memory takes long, and would write over the firmware
        self.add_constant("SDRAM_TEST_DISABLE")
        for name in ("BIOS_NO_PROMPT", "BIOS_NO_DELAYS", "BIOS_NO_CRC"):
            self.add_config(name)

    def _add_flash(self, firmware: bytes) -> None:
        from litespi.modules import IS25LP128
        from litespi.opcodes import SpiNorFlashOpCodes
        from litespi.phy.model import LiteSPIPHYModel

        image = bytes(FLASH_OFFSET) + boot_image(firmware) if firmware else b""
        self.spiflash_phy = LiteSPIPHYModel(
            IS25LP128(SpiNorFlashOpCodes.READ_1_1_1), init=words_of(image, "big")
        )
        add_flash(self, self.spiflash_phy)


def words_of(data: bytes, endianness: Literal["little", "big"]) -> list[int]:
    """Bytes as words of 32 bits; the last one is filled with zeros."""
    padded = data + bytes(-len(data) % 4)
    return [int.from_bytes(padded[i : i + 4], endianness) for i in range(0, len(padded), 4)]


def build_simulator(soc: SimulatedSoc, output: Path) -> Path:
    """The simulator of a SoC, as a program."""
    config = SimConfig()
    config.add_clocker("sys_clk", freq_hz=SDRAM_HZ)
    config.add_module("serial2console", "serial")
    jobs = os.cpu_count() or 1
    Builder(soc, output_dir=str(output)).build(
        sim_config=config, run=False, jobs=jobs, opt_level="O1", interactive=False
    )
    gateware = output / "gateware"
    # the makefile of Verilator as a Python package does not know how headers are included
    environment = {**os.environ, "MAKEFLAGS": "CFG_CXXFLAGS_PCH_I=-include"}
    with (gateware / "build.log").open("w") as log:
        subprocess.run(
            ["bash", "build_sim.sh"],
            cwd=gateware,
            env=environment,
            stdout=log,
            stderr=log,
            check=True,
        )
    return gateware / "obj_dir" / "Vsim"


def run_simulator(program: Path, limit_minutes: float) -> list[str]:
    """What the SoC prints up to its end or the limit, line by line; it is shown as it comes."""
    lines = []
    command = [str(program.resolve())]
    with subprocess.Popen(
        command, cwd=program.parent.parent, stdout=subprocess.PIPE, text=True, errors="replace"
    ) as running:
        assert running.stdout is not None
        stop = threading.Timer(60 * limit_minutes, running.kill)
        stop.daemon = True
        stop.start()
        for line in running.stdout:
            print(line, end="", flush=True)
            lines.append(line.strip())
        stop.cancel()
    if running.returncode == -signal.SIGKILL:
        print(f"soc_sim: the simulation must end within {limit_minutes:g} minutes, and was stopped")
    return lines


def compare(lines: list[str], expected: dict[str, Any]) -> list[str]:
    """What of the printed lines is not as expected, in words."""
    said = [line.removeprefix(SAYS).rsplit(" ", 1) for line in lines if line.startswith(SAYS)]
    printed = {words[0]: words[1] for words in said if len(words) == 2}
    wanted = {f"output {i}": data for i, data in enumerate(expected["outputs"])}
    wanted |= {name: str(expected[name]) for name in ("starts", "dram_reads", "dram_writes")}
    return [
        f"{name} must be {value}, not {printed.get(name, 'missing')}"
        for name, value in wanted.items()
        if printed.get(name) != value
    ]


def say_result(lines: list[str], expected: dict[str, Any]) -> int:
    """Print what was compared; the exit status."""
    wrong = compare(lines, expected)
    for sentence in wrong:
        print(f"soc_sim: {sentence}")
    counted = [line.rsplit(" ", 1)[1] for line in lines if line.startswith(f"{SAYS}cycles ")]
    if counted:
        print(
            f"soc_sim: {int(counted[0]):,} cycles behind LiteX's SDRAM controller, "
            f"{expected['cycles']:,} by the model with the memory of the search"
        )
    name, num_outputs = expected["network"], len(expected["outputs"])
    print(
        f"FAIL: {name}: {len(wrong)} of what the SoC printed differ"
        if wrong
        else f"PASS: {name}: {num_outputs} output(s) and all counts of accesses as expected"
    )
    return 1 if wrong else 0


def main(arguments: list[str]) -> int:
    """Build software, firmware and simulator, run it, and compare; the exit status."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--cpu-type", default="vexriscv", help="by default vexriscv")
    parser.add_argument("--cpu-variant", default="standard", help="standard has a data cache")
    parser.add_argument("--l2-size", type=int, default=0, help="bytes of a cache before the SDRAM")
    parser.add_argument("--limit-minutes", type=float, default=60.0, help="of the simulation")
    parser.add_argument("--flash", action="store_true", help="start the firmware from the flash")
    parser.add_argument("--output", type=Path, default=HERE / "build", help="folder")
    given = parser.parse_args(arguments)
    try:
        check_place(HERE)
        output = check_place(given.output)
    except ValueError as error:
        parser.error(str(error))
    add_own_programs()

    def soc(firmware: bytes) -> SimulatedSoc:
        return SimulatedSoc(
            firmware=firmware,
            l2_bytes=given.l2_size,
            has_flash=given.flash,
            cpu_type=given.cpu_type,
            cpu_variant=given.cpu_variant,
        )

    # the firmware needs LiteX's software, and the SoC that is simulated needs the firmware
    Builder(soc(b""), output_dir=str(output), compile_gateware=False).build(run=False)
    firmware = build_firmware(output).read_bytes()
    lines = run_simulator(build_simulator(soc(firmware), output), given.limit_minutes)
    expected = json.loads((HERE / "expected.json").read_text(encoding="utf-8"))
    return say_result(lines, expected)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
