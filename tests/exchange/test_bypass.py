"""A tensor may pass by a level that saves it nothing, as going through the nest shows."""

from itertools import product

import numpy as np
import pytest

from naas_hw.core.errors import InputError
from naas_hw.exchange.bypass import TimeloopNest, why_held
from naas_hw.exchange.levels import Factor, Level
from naas_hw.exchange.timeloop_problem_reader import TENSORS, ReadProblem
from naas_hw.exchange.timeloop_reader import timeloop_mapping
from naas_hw.exchange.windows import num_places
from naas_hw.workload.layer import DIMS, Dim

ORDER: tuple[Dim, ...] = DIMS


def nest_of(trips: dict[Level, dict[Dim, int]], **problem) -> TimeloopNest:
    """A nest in which K is outermost at each level."""
    bounds: dict[str, int] = {d: int(np.prod([trips[at].get(d, 1) for at in Level])) for d in DIMS}
    settings = {"stride": (1, 1), "dilation": (1, 1), "is_depthwise": False, **problem}
    return TimeloopNest(
        problem=ReadProblem(bounds=bounds, names={}, **settings),
        loops={
            at: {d: Factor(trips[at].get(d, 1), trips[at].get(d, 1)) for d in DIMS} for at in Level
        },
        dram_order=ORDER,
        l2_order=ORDER,
    )


def reads(
    nest: TimeloopNest, tensor: str, held: tuple[Level, ...], below: tuple[Level, ...]
) -> int:
    """Elements that are read to fill a store at each change of an index of its tensor.

    The store is below the loops `held`; `below` are the loops inside the store, over what it holds
    at a time.
    """

    def part(indices: dict[Level, dict[Dim, int]]) -> frozenset:
        found = set()
        sizes = {d: [nest.loops[at][d].trips for at in (Level.PE, Level.SPATIAL, Level.L2)]
                 for d in DIMS}  # fmt: skip
        spans = [[range(nest.loops[at][d].trips) for d in DIMS] for at in below]
        for inner in product(*(product(*span) for span in spans)):
            all_indices = {**indices, **{at: dict(zip(DIMS, inner[i], strict=True))
                                         for i, at in enumerate(below)}}  # fmt: skip
            value = {}
            for d in DIMS:
                pe, spatial, l2 = sizes[d]
                at = {level: all_indices[level][d] for level in Level}
                value[d] = at[Level.PE] + pe * (
                    at[Level.SPATIAL] + spatial * (at[Level.L2] + l2 * at[Level.DRAM])
                )
            found.add(element(nest.problem, tensor, value))
        return frozenset(found)

    total, last = 0, None
    spans = [[range(nest.loops[at][d].trips) for d in ORDER] for at in held]
    for outer in product(*(product(*span) for span in spans)):
        indices = {at: dict.fromkeys(DIMS, 0) for at in Level}
        indices |= {at: dict(zip(ORDER, outer[i], strict=True)) for i, at in enumerate(held)}
        now = [indices[at][d] for at in held for d in nest.problem.dims_of(tensor)]
        total += len(part(indices)) if now != last else 0
        last = now
    return total


def element(problem: ReadProblem, tensor: str, at: dict[Dim, int]) -> tuple[int, ...]:
    if tensor == "Inputs":
        rows = at["P"] * problem.stride[0] + at["R"] * problem.dilation[0]
        columns = at["Q"] * problem.stride[1] + at["S"] * problem.dilation[1]
        return at["K" if problem.is_depthwise else "C"], rows, columns
    return tuple(at[d] for d in (("K", "P", "Q") if tensor == "Outputs" else ("K", "C", "R", "S")))


def test_the_global_buffer_may_be_passed_by_where_it_saves_no_read():
    """With it a tile is read at each change, without it a step is: equal, or it is refused."""
    rng = np.random.default_rng(2)
    passed = 0
    for _ in range(30):
        trips = {at: drawn(rng, 2) for at in (Level.DRAM, Level.L2)}
        trips |= {Level.SPATIAL: drawn(rng, 1), Level.PE: drawn(rng, 1)}
        nest = nest_of(trips, stride=(int(rng.integers(1, 3)), 1))
        for tensor in TENSORS:
            inside = (Level.SPATIAL, Level.PE)
            with_it = reads(nest, tensor, (Level.DRAM,), (Level.L2, *inside))
            without = reads(nest, tensor, (Level.DRAM, Level.L2), inside)
            reason = why_held(nest, Level.L2, tensor)
            assert (reason is None) == (with_it == without), (trips, tensor, reason)
            passed += reason is None
    assert 10 < passed < 80


def test_the_buffers_of_pes_may_be_passed_by_where_each_element_is_used_once():
    """Without them each product reads its operands from the global buffer."""
    rng = np.random.default_rng(4)
    passed = 0
    for _ in range(60):
        trips = {at: drawn(rng, 2) for at in (Level.L2, Level.PE)}
        trips |= {Level.DRAM: drawn(rng, 1), Level.SPATIAL: {}}
        nest = nest_of(trips, dilation=(1, int(rng.integers(1, 3))))
        products = int(np.prod([nest.problem.bounds[d] for d in DIMS]))
        for tensor in TENSORS:
            held = reads(nest, tensor, (Level.DRAM, Level.L2), (Level.SPATIAL, Level.PE))
            reason = why_held(nest, Level.PE, tensor)
            assert (reason is None) == (held == products), (trips, tensor, reason)
            passed += reason is None
    assert 10 < passed < 160


def drawn(rng: np.random.Generator, number: int) -> dict[Dim, int]:
    """Trips of a few dims."""
    return {DIMS[i]: int(rng.integers(2, 4)) for i in rng.permutation(6)[:number]}


MAPPING = [
    {"target": "DRAM", "type": "temporal", "factors": "K=4 C=2", "permutation": "RSPQCKN"},
    {"target": "GlobalBuffer", "type": "temporal", "factors": "P=6", "permutation": "PRSQCKN"},
    {"target": "PEBuffer", "type": "temporal", "factors": "R=3", "permutation": "RSPQCKN"},
]
PROBLEM = {"problem": {"instance": {"K": 4, "C": 2, "P": 6, "R": 3}}}


@pytest.mark.parametrize(
    ("target", "tensor", "reason"),
    [
        ("GlobalBuffer", "Weights", None),
        ("GlobalBuffer", "Outputs", "it is moved 2 times without it"),
        ("GlobalBuffer", "Inputs", "the windows of its steps overlap"),
        ("PEBuffer", "Inputs", None),
        ("PEBuffer", "Weights", "it stays for 6 steps"),
        ("PEBuffer", "Outputs", "each element is used 3 times in a step"),
        ("DRAM", "Weights", "everything comes from there"),
    ],
)
def test_a_mapping_that_passes_by_is_taken_or_told_why_not(target, tensor, reason):
    """R in the PE, P around the array: weights wait in the PE, outputs gather there."""
    directive = {"target": target, "type": "bypass", "keep": [], "bypass": [tensor]}
    content = {"mapping": [*MAPPING, directive]}
    if reason is None:
        read = timeloop_mapping(content, PROBLEM, "m", "p")
        assert read.mapping == timeloop_mapping({"mapping": MAPPING}, PROBLEM, "m", "p").mapping
        return
    with pytest.raises(InputError) as caught:
        timeloop_mapping(content, PROBLEM, "m", "p")
    assert str(caught.value) == (
        f"m: mapping[3].bypass must not have {tensor}: this hardware holds it in {target}, and "
        f"{reason}"
    )


def test_places_are_counted() -> None:
    for outer, inner, step, dilation in product(range(1, 6), range(1, 5), range(1, 5), range(1, 4)):
        found = {i * step + j * dilation for i in range(outer) for j in range(inner)}
        assert num_places(outer, step, inner, dilation) == len(found)
