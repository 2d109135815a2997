"""decode gives accelerators on the grid, and encode undoes it."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from naas_hw.arch.presets import PRESETS
from naas_hw.search.accelerator_encoding import AcceleratorEncoding

BUDGETS = [preset.budget for preset in PRESETS.values()]


@given(st.sampled_from(BUDGETS), st.lists(st.floats(-0.5, 1.5), min_size=14, max_size=14))
def test_an_accelerator_is_on_the_grid_and_comes_back(budget, genes: list[float]):
    encoding = AcceleratorEncoding(budget=budget)
    found = encoding.decode(np.array(genes))
    assert found.num_pes <= budget.max_pes
    assert all(axis.size % 2 == 0 for axis in found.axes)
    assert found.weight_buffer_bytes % 16 == found.input_buffer_bytes % 16 == 0
    assert found.accumulator_words * 4 % 16 == 0
    assert (found.beat_bytes, found.num_banks) == (budget.beat_bytes, budget.num_banks)
    assert encoding.decode(encoding.encode(found)) == found


@pytest.mark.parametrize(
    "name", ["nvdla-256", "nvdla-1024", "shidiannao", "edgetpu", "edgetpu-16x16"]
)
def test_presets_on_the_grid_are_points_of_their_own_budgets(name: str):
    preset = PRESETS[name]
    encoding = AcceleratorEncoding(budget=preset.budget)
    assert encoding.decode(encoding.encode(preset.accelerator), name=name) == preset.accelerator


def test_what_is_not_on_the_grid_is_refused():
    preset = PRESETS["eyeriss"]  # 24 B of inputs are no multiple of 16
    with pytest.raises(ValueError, match="must be on the budget's grid"):
        AcceleratorEncoding(budget=preset.budget).encode(preset.accelerator)


def test_the_most_important_dims_are_parallel_in_their_order():
    genes = np.full(14, 0.5)
    genes[4:10] = [0.1, 0.9, 0.2, 0.3, 0.8, 0.4]  # K C P Q R S
    found = AcceleratorEncoding(budget=PRESETS["eyeriss"].budget).decode(genes)
    assert [axis.dim for axis in found.axes] == ["C", "R"]
