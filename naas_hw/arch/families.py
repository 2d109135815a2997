"""Families of FPGAs, for which multiplier and memory may have forms of their own."""

from enum import StrEnum


class Family(StrEnum):
    """FPGAs that are made alike, and with the same tools. Hardware takes the same time on all.

    Members
    -------
    GENERIC : no family: Verilog that any tool takes.
    ECP5 : Lattice ECP5; MULT18X18D and DP16KD are instantiated.
    ICE40 : Lattice iCE40 UltraPlus; SB_MAC16 is instantiated, memories are inferred.
    SERIES_7 : AMD 7 series; all is inferred.
    """

    GENERIC = "generic"
    ECP5 = "ecp5"
    ICE40 = "ice40"
    SERIES_7 = "7-series"

    @property
    def has_open_place_and_route(self) -> bool:
        """Whether nextpnr places and routes them here; else there is a project for Vivado."""
        return self is Family.ECP5
