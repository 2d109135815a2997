"""decode gives accelerators on the grid, and encode undoes it."""

from itertools import permutations
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from naas_hw.arch.budget import Budget
from naas_hw.arch.presets import PRESETS
from naas_hw.search.accelerator.encoding import AcceleratorEncoding
from naas_hw.search.unit_interval import Encoding, gene_of_choice
from naas_hw.workload.layer import DIMS

BUDGETS = [preset.budget for preset in PRESETS.values()]
SPACES: list[dict[str, Any]] = [
    {},
    {"encoding": Encoding.INDEX},
    {"fixed_dims": ("C", "K")},
    {"fixed_dims": ("R", "P", "K")},
    {"drain_lanes": 8},
]


@given(
    st.sampled_from(BUDGETS),
    st.sampled_from(SPACES),
    st.lists(st.floats(-0.5, 1.5), min_size=15, max_size=15),
)
def test_an_accelerator_is_on_the_grid_and_comes_back(
    budget: Budget, space: dict[str, Any], genes: list[float]
):
    encoding = AcceleratorEncoding(budget=budget, **space)
    found = encoding.decode(np.array(genes[: encoding.num_genes]))
    assert found.num_pes <= budget.max_pes
    assert all(axis.size % 2 == 0 for axis in found.axes)
    assert found.weight_buffer_bytes % 16 == found.input_buffer_bytes % 16 == 0
    assert found.accumulator_words * 4 % 16 == 0
    assert (found.beat_bytes, found.num_banks) == (budget.beat_bytes, budget.num_banks)
    assert encoding.decode(encoding.encode(found)) == found


@given(st.sampled_from(BUDGETS), st.lists(st.floats(0, 1), min_size=15, max_size=15))
def test_a_copy_with_other_lanes_of_drain_is_a_point_and_differs_in_them_alone(
    budget: Budget, genes: list[float]
):
    encoding = AcceleratorEncoding(budget=budget)
    found = encoding.decode(np.array(genes[: encoding.num_genes]))
    for lanes in encoding.drain_choices:
        copy = encoding.with_drain(found, lanes)
        assert copy.drain_lanes == lanes
        assert copy.accumulator_words % (2 * copy.accumulator_lanes) == 0
        changed = {"drain_lanes": lanes, "accumulator_words": copy.accumulator_words}
        assert copy == found.model_copy(update=changed)
        if found.has("K"):
            assert copy.accumulator_words == found.accumulator_words
        if not budget.violations(copy):
            assert encoding.decode(encoding.encode(copy)) == copy


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
    genes = np.full(15, 0.5)
    genes[1:7] = [0.1, 0.9, 0.2, 0.3, 0.8, 0.4]  # K C P Q R S
    found = AcceleratorEncoding(budget=PRESETS["eyeriss"].budget).decode(genes)
    assert [axis.dim for axis in found.axes] == ["C", "R"]


@pytest.mark.parametrize("num_axes", [1, 2, 3])
def test_every_choice_of_dims_has_an_index(num_axes: int):
    """The middles of n equal intervals give all n ordered choices, each once."""
    encoding = AcceleratorEncoding(budget=PRESETS["eyeriss"].budget, encoding=Encoding.INDEX)
    due = set(permutations(DIMS, num_axes))
    genes = np.full(encoding.num_genes, 0.5)
    genes[0] = gene_of_choice(num_axes - 1, 3)
    found = set()
    for index in range(len(due)):
        genes[1] = gene_of_choice(index, len(due))
        found.add(tuple(axis.dim for axis in encoding.decode(genes).axes))
    assert found == due


def test_sizing_only_keeps_the_dims():
    encoding = AcceleratorEncoding(budget=PRESETS["eyeriss"].budget, fixed_dims=("R", "P"))
    assert encoding.num_genes == 8
    rng = np.random.default_rng(0)
    found = {encoding.decode(rng.random(8)).axes for _ in range(200)}
    assert {tuple(axis.dim for axis in axes) for axes in found} == {("R", "P")}
    assert len(found) > 20
    with pytest.raises(ValueError, match="axes must be R P, not C K"):
        encoding.encode(
            AcceleratorEncoding(budget=encoding.budget, fixed_dims=("C", "K")).decode(
                np.full(8, 0.5)
            )
        )
