"""A search begins with arrays that fill the budget, are within it, and can be told as points."""

from math import gcd

import numpy as np
import pytest

from naas_hw.arch.presets import PRESETS
from naas_hw.arch.technology import SIZED
from naas_hw.core.errors import InputError
from naas_hw.search.accelerator.encoding import AcceleratorEncoding
from naas_hw.search.accelerator.warm_start import CLASSIC, MIN_FILLED, given_start, warm_start
from naas_hw.search.mapping.network_bound import NetworkBound
from naas_hw.search.objective import Objective
from naas_hw.search.unit_interval import Encoding
from naas_hw.workload.layer import Layer
from naas_hw.workload.network import Network

NETWORK = Network(
    name="net", layers=(Layer(name="a", K=64, C=64, P=14, Q=14, height=14, width=14),)
)
BOUNDS = [NetworkBound(NETWORK, SIZED)]


@pytest.mark.parametrize("encoding", list(Encoding))
@pytest.mark.parametrize("name", list(PRESETS))
def test_seeds_are_points_within_the_budget_and_fill_it(name: str, encoding: Encoding):
    preset = PRESETS[name]
    space = AcceleratorEncoding(budget=preset.budget, encoding=encoding)
    found = warm_start(space, BOUNDS, Objective.EDP)
    accelerators = [accelerator for _, accelerator in found]
    assert len(set(accelerators)) == len(accelerators) >= 2 * len(CLASSIC)
    for point, accelerator in found:
        assert space.decode(point) == accelerator
        assert preset.budget.violations(accelerator) == []
        assert accelerator.num_pes >= MIN_FILLED * preset.budget.max_pes
    assert accelerators[0].axes == preset.accelerator.axes
    dims = [tuple(axis.dim for axis in a.axes) for a in accelerators[1 : 1 + len(CLASSIC)]]
    assert set(dims) == set(CLASSIC)


def test_sizes_are_those_of_the_least_bound():
    """64 kernels and 64 channels on 168 PEs: passes of the array, or channels that fill delivers.

    10 x 16 needs 7 x 4 passes for the 8 x 4 of 8 x 20, but its networks have gcd(8, 10) = 2 lanes.
    """
    budget = PRESETS["eyeriss"].budget
    space = AcceleratorEncoding(budget=budget, fixed_dims=("C", "K"))
    (_, first), *_ = warm_start(space, BOUNDS, Objective.LATENCY)
    cycles = {
        (c, k): max(-(-64 // c) * -(-64 // k), -(-64 // gcd(8, c)), -(-64 // gcd(2, k)))
        for c in range(2, 85, 2)
        for k in range(2, 85, 2)
        if MIN_FILLED * budget.max_pes <= c * k <= budget.max_pes
    }
    c, k = (axis.size for axis in first.axes)
    assert cycles[c, k] == min(cycles.values()) < max(cycles.values())


def test_fixed_dims_have_seeds_of_these_dims_only():
    space = AcceleratorEncoding(budget=PRESETS["eyeriss"].budget, fixed_dims=("S", "Q"))
    found = warm_start(space, BOUNDS, Objective.EDP)
    assert {tuple(axis.dim for axis in a.axes) for _, a in found} == {("S", "Q")}
    assert all(np.all((point >= 0) & (point <= 1)) for point, _ in found)


def test_given_designs_come_first_and_then_their_copies_with_other_lanes():
    preset = PRESETS["nvdla-256"]
    space = AcceleratorEncoding(budget=preset.budget)
    given = preset.accelerator
    found = given_start(space, [given])
    assert [space.decode(point) for point, _ in found] == [array for _, array in found]
    assert [array.drain_lanes for _, array in found] == [4, 8, 16]
    for _, array in found:
        same = {"name": given.name, "drain_lanes": given.drain_lanes}
        assert array.model_copy(update=same) == given


def test_a_design_beyond_the_budget_or_outside_of_the_space_is_no_start():
    preset, larger = PRESETS["nvdla-256"], PRESETS["nvdla-1024"]
    space = AcceleratorEncoding(budget=preset.budget)
    with pytest.raises(InputError, match="start must be within budget nvdla-256: PEs must be"):
        given_start(space, [larger.accelerator])
    odd = preset.accelerator.model_copy(update={"scale_depth": 256})
    with pytest.raises(InputError, match="start must be in the space of the search"):
        given_start(space, [odd])
    fixed = AcceleratorEncoding(budget=preset.budget, drain_lanes=8)
    with pytest.raises(InputError, match="start must be in the space of the search"):
        given_start(fixed, [preset.accelerator])
