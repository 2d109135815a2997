"""What a layer may need of the hardware beyond sums of products that become bytes."""

from enum import StrEnum
from typing import Final

TABLE_SIZE: Final = 256
"""Entries of a table: one for each byte."""


class Option(StrEnum):
    """Hardware that an accelerator has or has not.

    Members
    -------
    RESIDUAL : an int8 tensor of the outputs' shape is added behind requantisation.
    TABLE : each output byte is replaced by an entry of a table of 256 bytes.
    MAXIMUM : accumulators keep the largest product instead of the sum.
    PITCHED_STORE : outputs are written to every n-th column of an image.
    SINGLE_ROUNDING : sums are scaled to bytes with one rounding instead of two.
    """

    RESIDUAL = "residual"
    TABLE = "table"
    MAXIMUM = "maximum"
    PITCHED_STORE = "pitched_store"
    SINGLE_ROUNDING = "single_rounding"
