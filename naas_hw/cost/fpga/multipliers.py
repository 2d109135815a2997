"""How many multipliers an accelerator takes of an FPGA whose multipliers are 18 bits wide."""

from typing import Final

from naas_hw.arch.accelerator import Accelerator
from naas_hw.compiler.fields import BOUND_BITS, DRAM_BITS, Quantity, quantity_bits

REQUANTISER_PRODUCTS: Final = 4
"""Products of a requantiser: 32 by 31 bits in halves."""

RESIDUAL_PRODUCTS: Final = 2
"""Products of a lane where a residual is added."""

PITCH_BITS: Final = 17
"""Bits of a pitch that fit one multiplier, whose factors have a sign."""


def num_multipliers(accelerator: Accelerator) -> int:
    """Multipliers of 18 x 18 bits.

    Examples
    --------
    >>> from naas_hw.arch.presets import NVDLA_256
    >>> num_multipliers(NVDLA_256.accelerator)  # 256 PEs, 4 lanes, 4 of load
    276
    """
    a = accelerator
    each_lane = REQUANTISER_PRODUCTS + RESIDUAL_PRODUCTS * a.residual
    return a.num_pes + a.drain_lanes * each_lane + _load_products(a)


def _load_products(a: Accelerator) -> int:
    """What load multiplies of a clipped tile: a distance in DRAM, and two in the global buffer."""
    bits = quantity_bits(a)
    pitches = (DRAM_BITS, bits[Quantity.L2_WORD], min(bits[Quantity.TILE], BOUND_BITS))
    return sum(-(-pitch // PITCH_BITS) for pitch in pitches)
