# amaranth: UnusedElaboratable=no
"""A part that is built alone has the ports of the part, but not those of a simulation."""

import pytest

from naas_hw.arch.accelerator import Accelerator, Axis
from naas_hw.arch.boards import find_board
from naas_hw.arch.build_part import BuildPart
from naas_hw.arch.families import Family
from naas_hw.core.errors import InputError
from naas_hw.emit.module_ports import ports_of
from naas_hw.fpga.build import build
from naas_hw.fpga.parts import COUNTS, generate_part
from naas_hw.rtl.array.pe_array import PEArray

SMALL = Accelerator(
    axes=(Axis(dim="C", size=2), Axis(dim="K", size=2)),
    weight_buffer_bytes=16,
    input_buffer_bytes=16,
    accumulator_words=16,
    bank_bytes=256,
    beat_bytes=8,
    scale_depth=16,
)


@pytest.mark.parametrize("family", [Family.GENERIC, Family.ECP5])
def test_the_array_has_its_ports_without_counts(family: Family) -> None:
    files = generate_part(SMALL, BuildPart.ARRAY, name="alone", family=family)
    names = {port.name for port in ports_of(files["alone.v"], "alone")}
    assert {"aclk", "aresetn", "multiplication__valid"} <= names
    assert not names & set(COUNTS)
    assert ("MULT18X18D" in files["naas_multiplier.v"]) == (family is Family.ECP5)


def test_counts_are_ports_of_the_array() -> None:
    assert set(COUNTS) <= set(PEArray(SMALL).signature.members)


def test_a_board_has_the_whole_accelerator() -> None:
    board = find_board("ulx3s-85f")
    with pytest.raises(InputError, match=r"^a board must have the whole accelerator, not its arr"):
        build(SMALL, board.part, board=board, part_of=BuildPart.ARRAY)
