# SPDX-License-Identifier: 0BSD
"""A SoC with the accelerator on a ULX3S-85F: VexRiscv, SDRAM, flash, serial line.

    python soc_ulx3s.py --build     software, firmware and bitstream
    python soc_ulx3s.py --load      put the bitstream onto the board, with openFPGALoader

The programs `yosys`, `nextpnr-ecp5` and `ecppack` must be on PATH. The firmware starts from the
flash, where it is behind the bitstream:

    openFPGALoader -b ulx3s -f build/gateware/naas_ulx3s.bit
    openFPGALoader -b ulx3s -f -o 0x200000 --file-type raw firmware/firmware.fbi

Or `litex_term --kernel firmware/firmware.bin PORT` loads and starts it over the serial line.
"""

import argparse
import sys
from pathlib import Path
from typing import Any

from litex.soc.integration.builder import Builder
from litex_boards.targets.radiona_ulx3s import BaseSoC
from naas_litex import (
    BIOS_BYTES,
    FLASH_OFFSET,
    HERE,
    Naas,
    add_flash,
    add_own_programs,
    build_firmware,
    check_place,
    write_boot_image,
)

NAME = "naas_ulx3s"
PLACER = "static"
"""Which placer of nextpnr, as `naas build` has it."""

SYNTHESIS = [
    "read_verilog -lib -specify +/ecp5/cells_sim.v +/ecp5/cells_bb.v",
    "verilog_defaults -add -DSYNTHESIS",
    "{read_files}",
    "hierarchy -check -top {build_name}",
    "scratchpad -copy abc9.script.flow3 abc9.script",
    # not its last step, which takes a primitive with parameters for a new module
    "synth_ecp5 -nowidelut -top {build_name} -run coarse:check",
    "autoname",
    "check -noinit",
    "blackbox =A:whitebox",
    "write_json {output_name}.json",
]
"""Instead of LiteX's own commands for yosys."""


class Ulx3sSoc(BaseSoC):
    """LiteX's SoC for the board, and the accelerator."""

    def __init__(self, *, megahertz: float, **options: Any) -> None:
        super().__init__(
            device="LFE5U-85F",
            sys_clk_freq=int(1e6 * megahertz),
            integrated_rom_size=BIOS_BYTES,
            **options,
        )
        add_flash(self)
        pads = self.platform.lookup_request("spiflash")
        # neither write protection nor a pause
        self.comb += [pads.wp.eq(1), pads.hold.eq(1)]
        self.naas = Naas(self.platform)
        self.naas.add_to(self)
        # there is no other way to either of them
        self.platform.toolchain._yosys_template = SYNTHESIS
        self.platform.toolchain._pnr_opts += (
            f"--placer {PLACER} --log {NAME}.log --report {NAME}.json_report "
        )


def check_bitstream(bitstream: Path) -> None:
    """Refuse a bitstream that would reach into the image of the firmware.

    Raises
    ------
    ValueError : it is too long.
    """
    size = bitstream.stat().st_size
    if size > FLASH_OFFSET:
        raise ValueError(f"the bitstream must have up to {FLASH_OFFSET} bytes, not {size}")


def main(arguments: list[str]) -> int:
    """Build, or load."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--build", action="store_true", help="build everything")
    parser.add_argument("--load", action="store_true", help="load the bitstream")
    parser.add_argument("--megahertz", type=float, default=50.0, help="clock of the SoC")
    parser.add_argument("--cpu-type", default="vexriscv", help="by default vexriscv")
    parser.add_argument("--cpu-variant", default="standard", help="standard has a data cache")
    parser.add_argument("--l2-size", type=int, default=0, help="bytes of a cache before the SDRAM")
    parser.add_argument("--seed", type=int, default=1, help="of place and route")
    parser.add_argument("--output", type=Path, default=HERE / "build", help="folder")
    given = parser.parse_args(arguments)
    try:
        check_place(HERE)
        output = check_place(given.output)
    except ValueError as error:
        parser.error(str(error))
    add_own_programs()
    soc = Ulx3sSoc(
        megahertz=given.megahertz,
        cpu_type=given.cpu_type,
        cpu_variant=given.cpu_variant,
        l2_size=given.l2_size,
    )
    builder = Builder(soc, output_dir=str(output))
    if given.build:
        builder.build(build_name=NAME, seed=given.seed, timingstrict=True)
        check_bitstream(Path(builder.get_bitstream_filename(mode="sram")))
        write_boot_image(build_firmware(output), soc.bus.regions["spiflash"].size)
    if given.load:
        bitstream = builder.get_bitstream_filename(mode="sram")
        soc.platform.create_programmer().load_bitstream(bitstream)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
