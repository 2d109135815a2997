"""Dividers of ECP5's PLL, for a clock that a board's oscillator does not give."""

from dataclasses import dataclass
from typing import Final

from naas_hw.core.errors import InputError

MIN_PHASE_DETECTOR_MHZ: Final = 3.125
MIN_VCO_MHZ: Final = 400.0
MAX_VCO_MHZ: Final = 800.0
BEST_VCO_MHZ: Final = 600.0
"""In the middle of its range, where the oscillator is safest."""
MAX_REFERENCE_DIVIDER: Final = 128
MAX_FEEDBACK_DIVIDER: Final = 80
MAX_OUTPUT_DIVIDER: Final = 128


@dataclass(frozen=True, kw_only=True)
class PllDividers:
    """Dividers of an EHXPLLL whose output CLKOP is fed back.

    Parameters
    ----------
    reference, feedback, output : CLKI_DIV, CLKFB_DIV, CLKOP_DIV.
    input_mhz : of its input.

    The output has `input_mhz * feedback / reference`, the oscillator in it `output` times as much.
    """

    reference: int
    feedback: int
    output: int
    input_mhz: float

    @property
    def output_mhz(self) -> float:
        """The clock that comes out."""
        return self.input_mhz * self.feedback / self.reference

    @property
    def vco_mhz(self) -> float:
        """The clock of the oscillator."""
        return self.output_mhz * self.output

    @property
    def phase(self) -> int:
        """CLKOP_CPHASE; nothing on a board depends on the phase."""
        return self.output - 1


def pll_dividers(input_mhz: float, output_mhz: float) -> PllDividers:
    """The dividers whose clock is nearest to the one that is wanted.

    Of those that are equally near, the one whose oscillator is nearest to the middle of its range,
    and of those the one with the smallest dividers.

    Raises
    ------
    InputError : no dividers give a clock within a tenth of the one that is wanted.
    """
    found = [
        PllDividers(reference=reference, feedback=feedback, output=output, input_mhz=input_mhz)
        for reference in range(1, MAX_REFERENCE_DIVIDER + 1)
        if input_mhz / reference >= MIN_PHASE_DETECTOR_MHZ
        for feedback in range(1, MAX_FEEDBACK_DIVIDER + 1)
        for output in _output_dividers(input_mhz * feedback / reference)
    ]
    if found:
        best = min(found, key=lambda one: _rank(one, output_mhz))
        if abs(best.output_mhz - output_mhz) <= 0.1 * output_mhz:
            return best
    raise InputError(
        f"clock must be one that a PLL makes of {input_mhz:g} MHz, not {output_mhz:g} MHz"
    )


def _output_dividers(output_mhz: float) -> list[int]:
    """The dividers with which the oscillator is nearest to the middle of its range."""
    middle = round(BEST_VCO_MHZ / output_mhz)
    return [
        output
        for output in (middle, middle + 1)
        if 1 <= output <= MAX_OUTPUT_DIVIDER and MIN_VCO_MHZ <= output * output_mhz <= MAX_VCO_MHZ
    ]


def _rank(dividers: PllDividers, output_mhz: float) -> tuple[float, float, int, int]:
    error = round(abs(dividers.output_mhz - output_mhz), 6)
    return error, abs(dividers.vco_mhz - BEST_VCO_MHZ), dividers.reference, dividers.output
