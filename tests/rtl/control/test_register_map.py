"""The map of the registers is in order, and has room for its counters."""

from naas_hw.rtl.control.register_map import MAX_COUNTERS, REGISTERS, register_map


def test_the_map_is_free_of_overlaps_and_in_order() -> None:
    offsets = [register.offset for register in register_map(("a", "b"))]
    assert offsets == sorted(set(offsets))
    assert all(offset % 4 == 0 for offset in offsets)
    assert offsets[-4:] == [0x40, 0x44, 0x48, 0x4C]
    assert len(register_map(["c"] * MAX_COUNTERS)) == len(REGISTERS) + 2 * MAX_COUNTERS
