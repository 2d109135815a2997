"""Parts of an accelerator that are built alone, to see what they take and how fast they are."""

from collections.abc import Hashable
from typing import Any, Final

from amaranth.hdl import Module
from amaranth.lib.wiring import connect, flipped

from naas_hw.arch.accelerator import Accelerator
from naas_hw.arch.build_part import BuildPart
from naas_hw.arch.families import Family
from naas_hw.emit.verilog import emit_verilog
from naas_hw.rtl.array.pe_array import PEArray
from naas_hw.rtl.primitives.interfaces import part_of
from naas_hw.rtl.primitives.shared import SharedComponent

COUNTS: Final = (
    "weight_writes",
    "input_writes",
    "weight_reads",
    "input_reads",
    "macs",
    "accumulator_reads",
    "accumulator_writes",
)
"""Ports of the array that only a simulation looks at."""


class ArrayTop(SharedComponent):
    """The array alone, without the ports that only a simulation looks at.

    Parameters
    ----------
    accelerator : axes and buffers.
    """

    def __init__(self, accelerator: Accelerator) -> None:
        self.array = PEArray(accelerator)
        members = self.array.signature.members.items()
        self.names = tuple(name for name, _ in members if name not in COUNTS)
        super().__init__({name: member for name, member in members if name in self.names})

    @property
    def parameters(self) -> tuple[Hashable, ...]:
        """Those of the array."""
        return self.array.parameters

    def build(self, platform: Any) -> Module:
        """The array, and wires to it."""
        m = Module()
        m.submodules.array = self.array
        connect(m, part_of(flipped(self), *self.names), part_of(self.array, *self.names))
        return m


def generate_part(
    accelerator: Accelerator, part: BuildPart, *, name: str, family: Family
) -> dict[str, str]:
    """File name -> Verilog of a part, as the module `name`."""
    tops = {BuildPart.ARRAY: ArrayTop}
    return emit_verilog(
        tops[part](accelerator), name=name, banner=f"naas_hw, {part} alone", family=family
    )
