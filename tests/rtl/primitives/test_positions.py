"""Positions of an array come in the order of its axes, the last axis fastest."""

from naas_hw.arch.accelerator import Accelerator, Axis
from naas_hw.rtl.primitives.positions import (
    PE_DIMS,
    WINDOW_DIMS,
    accumulator_words,
    key,
    pe_positions,
    pes_at,
    pes_of_a_window,
    positions,
)

ACCELERATOR = Accelerator(
    axes=(Axis(dim="C", size=2), Axis(dim="R", size=2), Axis(dim="K", size=3)),
    weight_buffer_bytes=32,
    input_buffer_bytes=32,
    accumulator_words=64,
    bank_bytes=256,
    beat_bytes=8,
)


def test_the_last_axis_is_the_fastest() -> None:
    """Axes of other dims are left out."""
    found = positions(ACCELERATOR, ("K", "C"))
    assert found == [{"C": c, "K": k} for c in range(2) for k in range(3)]


def test_without_an_axis_there_is_one_position() -> None:
    assert positions(ACCELERATOR, ("P", "Q")) == [{}]


def test_every_pe_is_at_one_position_of_some_axes() -> None:
    """Numbers are those of `pe_positions`; without an axis all PEs are at the one position."""
    pes = pe_positions(ACCELERATOR)
    members = pes_at(ACCELERATOR, ("K",))
    assert [{pes[i]["K"] for i in group} for group in members] == [{0}, {1}, {2}]
    assert sorted(i for group in members for i in group) == list(range(len(pes)))
    assert pes_at(ACCELERATOR, ("P",)) == [list(range(len(pes)))]
    assert pes_at(ACCELERATOR, PE_DIMS) == [[i] for i in range(len(pes))]


def test_a_window_position_has_the_pes_of_the_other_axes() -> None:
    sizes = {len(group) for group in pes_at(ACCELERATOR, WINDOW_DIMS)}
    assert sizes == {pes_of_a_window(ACCELERATOR)} == {2 * 3}


def test_names_tell_positions_apart() -> None:
    where = positions(ACCELERATOR, ("C", "R", "K"))
    assert key(where[0]) == "c0_r0_k0"
    assert len({key(position) for position in where}) == len(where) == 12
    assert key({}) == "all"


def test_a_half_of_an_accumulator_bank_is_shared_by_its_lanes() -> None:
    words = accumulator_words(ACCELERATOR)
    assert words * 2 * ACCELERATOR.accumulator_lanes == ACCELERATOR.accumulator_words
