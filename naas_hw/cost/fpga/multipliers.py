"""How many multipliers an accelerator takes of an FPGA whose multipliers are 18 bits wide."""

from typing import Final

from naas_hw.arch.accelerator import Accelerator

REQUANTISER_PRODUCTS: Final = 4
"""Products of a requantiser: 32 by 31 bits in halves."""

RESIDUAL_PRODUCTS: Final = 2
"""Products of a lane where a residual is added."""

LOAD_PRODUCTS: Final = 4
"""Products of load for a clipped tile: two distances on the chip and one in DRAM, whose pitch has
more than 18 bits and takes two multipliers."""


def num_multipliers(accelerator: Accelerator) -> int:
    """Multipliers of 18 x 18 bits.

    Holds for global buffers of up to 2**18 words, which are more than an ECP5 has room for.

    Examples
    --------
    >>> from naas_hw.arch.presets import NVDLA_256
    >>> num_multipliers(NVDLA_256.accelerator)  # 256 PEs, 4 lanes, 4 of load
    276
    """
    a = accelerator
    each_lane = REQUANTISER_PRODUCTS + RESIDUAL_PRODUCTS * a.residual
    return a.num_pes + a.drain_lanes * each_lane + LOAD_PRODUCTS
