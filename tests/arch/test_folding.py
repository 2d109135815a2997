"""The family of *folded*: every array that the rule allows, each once, with the chip's buffers."""

from itertools import permutations, product
from math import prod

import pytest

from naas_hw.arch.accelerator import Accelerator, Axis
from naas_hw.arch.folding import folded_arrays
from naas_hw.arch.presets import EYERISS, NVDLA_256

SMALL = EYERISS.model_copy(
    update={
        "accelerator": EYERISS.accelerator.model_copy(
            update={"axes": (Axis(dim="R", size=6), Axis(dim="P", size=4))}
        )
    }
)


def sizes_of(array):
    return frozenset((axis.dim, axis.size) for axis in array.axes)


def allowed():
    """Arrays that can be formed, by brute force.

    Sums run along a column of six; each column of a chip of four has as many sums as whole chains.
    """
    found = set()
    for r, k, c, p in product(range(1, 7), range(1, 25), range(1, 7), range(1, 25)):
        axes = frozenset((d, n) for d, n in zip("RKCP", (r, k, c, p), strict=True) if n > 1)
        if 1 <= len(axes) <= 3 and r * c <= 6 and k * p <= 4 * (6 // (r * c)):
            found.add(axes)
    return found


def test_the_family_is_every_array_that_the_chips_columns_allow():
    arrays = folded_arrays(SMALL)
    assert {sizes_of(array) for array in arrays} == allowed()
    assert max(array.num_pes for array in arrays) == 24


def test_arrays_differ_for_the_model():
    """Orders of axes are there for each dim that the lanes of weights can lie along, once each."""
    arrays = folded_arrays(SMALL)
    lanes = {(sizes_of(a), a.weight_network_lanes > 1 and a.weight_vector_dim) for a in arrays}
    assert len(lanes) == len(arrays)
    for array in arrays:
        for axes in permutations(array.axes):
            turned = array.model_copy(update={"axes": axes})
            wanted = turned.weight_network_lanes > 1 and turned.weight_vector_dim
            assert (sizes_of(array), wanted) in lanes


@pytest.mark.parametrize("preset", [EYERISS, SMALL], ids=["chip", "small"])
def test_each_has_the_chips_buffers_and_is_legal(preset):
    chip, arrays = preset.accelerator, folded_arrays(preset)
    assert chip in arrays
    words = chip.accumulator_words * chip.size_of("P")
    kept = chip.model_dump(exclude={"axes", "accumulator_words"})
    for array in arrays:
        assert Accelerator.model_validate(array.model_dump()) == array
        assert preset.budget.violations(array) == []
        assert array.model_dump(exclude={"axes", "accumulator_words"}) == kept
        trees = array.size_of("K") * array.size_of("P")
        unit = 2 * array.accumulator_lanes
        assert array.accumulator_words == words // trees // unit * unit


def test_the_arrays_that_the_chip_is_known_to_form_are_among_them():
    """Channels, or kernels, on the rows that a kernel leaves idle (JSSC 2017, figure 6)."""
    family = {sizes_of(array) for array in folded_arrays(EYERISS)}
    for axes in (
        {("R", 3), ("C", 4), ("P", 14)},
        {("R", 3), ("K", 4), ("P", 13)},
        {("R", 5), ("P", 27)},
        {("R", 11), ("P", 14)},
        {("C", 12), ("P", 14)},
        {("C", 4), ("K", 3), ("P", 14)},
    ):
        assert frozenset(axes) in family
    assert frozenset({("C", 24), ("P", 7)}) not in family  # a column sums twelve
    assert all(prod(size for _, size in axes) <= 168 for axes in family)


def test_a_chip_that_does_not_fold_has_none():
    assert folded_arrays(NVDLA_256) == ()
