"""Families of chips for which multiplier and memory have forms of their own."""

from enum import StrEnum


class Family(StrEnum):
    """What hardware is made for. Function and time are the same for all.

    Members
    -------
    GENERIC : Verilog that any tool takes.
    ECP5 : Lattice ECP5: MULT18X18D, DP16KD.
    ICE40 : Lattice iCE40 UltraPlus: SB_MAC16; its memories are inferred.
    """

    GENERIC = "generic"
    ECP5 = "ecp5"
    ICE40 = "ice40"
