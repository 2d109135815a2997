"""Register accesses of the bench."""

from naas_hw.arch import timing
from naas_hw.compiler.program import Program
from naas_hw.mapping.geometry import ceil_div
from naas_hw.rtl.control.counters import COUNTERS
from naas_hw.rtl.control.register_map import register_map

REGISTERS = {register.name: register.offset for register in register_map(COUNTERS)}
"""Name -> address."""


def start_writes(
    program: Program, *, watchdog_cycles: int = 0, base: int = 0
) -> list[tuple[int, int]]:
    """Register writes that run a program; see `list_writes`."""
    return list_writes(
        descriptors=program.descriptor_address,
        num_descriptors=program.num_descriptors,
        writable=program.writable,
        watchdog_cycles=watchdog_cycles,
        base=base,
    )


def list_writes(
    *,
    descriptors: int,
    num_descriptors: int,
    writable: tuple[int, int],
    watchdog_cycles: int = 0,
    base: int = 0,
) -> list[tuple[int, int]]:
    """Register writes that run a list of descriptors.

    Parameters
    ----------
    descriptors : address of the first.
    writable : (first byte, byte behind the last) that may be written: whole blocks of 4 KiB.
    watchdog_cycles : a layer that takes longer is stopped, within a unit of the watchdog; 0: none.
    base : where the program stands in memory, a multiple of 4 KiB; its addresses count from there.
    """
    first, end = writable
    return [
        (REGISTERS["write_first"], first),
        (REGISTERS["write_last"], end - 1),
        (REGISTERS["watchdog"], ceil_div(watchdog_cycles, timing.WATCHDOG_UNIT)),
        (REGISTERS["base"], base),
        (REGISTERS["interrupt_global_enable"], 1),
        (REGISTERS["interrupt_enable"], 1),
        (REGISTERS["descriptors_low"], descriptors),
        (REGISTERS["descriptors_high"], 0),
        (REGISTERS["num_descriptors"], num_descriptors),
        (REGISTERS["control"], 1),
    ]
