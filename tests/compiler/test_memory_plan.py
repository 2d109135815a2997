"""What is needed at the same time never shares a byte; the rest does."""

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from naas_hw.compiler.lowering.lower import lower
from naas_hw.compiler.lowering.values import LayerCall
from naas_hw.compiler.memory_plan import (
    MemoryPlan,
    MemoryRequest,
    OverlapError,
    buffer_requests,
    check_plan,
    plan_memory,
)
from naas_hw.graph.random_graph import random_graph

ALIGNMENT = 16


def request(name: str, size: int, first: int, last: int) -> MemoryRequest:
    return MemoryRequest(name=name, size=size, first=first, last=last)


def test_a_chain_needs_its_two_largest_neighbours():
    """Each buffer is read by the next call only, so every other one shares its bytes."""
    sizes = (64, 160, 96, 160, 32)
    chain = [request(f"b{i}", size, i, i + 1) for i, size in enumerate(sizes)]
    plan = plan_memory(chain, alignment=ALIGNMENT)
    assert plan.least_bytes == max(a + b for a, b in pairwise(sizes))
    assert plan.peak_bytes == plan.least_bytes
    assert plan.total_bytes == sum(sizes)


def test_a_buffer_takes_the_smallest_gap_that_holds_it():
    taken = [request("a", 64, 0, 9), request("b", 48, 0, 0), request("c", 32, 0, 9)]
    plan = plan_memory([*taken, request("d", 16, 5, 6)], alignment=ALIGNMENT)
    assert plan.addresses["d"] == plan.addresses["b"]


REQUESTS = st.lists(
    st.tuples(st.integers(1, 200), st.integers(-1, 12), st.integers(0, 6)), min_size=1, max_size=20
)


@settings(max_examples=150, deadline=None)
@given(REQUESTS)
def test_no_two_live_buffers_share_a_byte(drawn):
    requests = [
        request(f"b{index}", size, first, first + length)
        for index, (size, first, length) in enumerate(drawn)
    ]
    plan = plan_memory(requests, alignment=ALIGNMENT)
    for at in range(-1, 20):
        live = [r for r in requests if r.first <= at <= r.last]
        ranges = sorted((plan.addresses[r.name], plan.addresses[r.name] + r.size) for r in live)
        assert all(end <= first for (_, end), (first, _) in pairwise(ranges))
    assert plan.least_bytes <= plan.peak_bytes
    assert all(address % ALIGNMENT == 0 for address in plan.addresses.values())


def test_a_plan_that_overlaps_is_refused():
    both = (request("a", 32, 0, 2), request("b", 32, 2, 3))
    plan = MemoryPlan(requests=both, addresses={"a": 0, "b": 16})
    with pytest.raises(OverlapError, match="'a' and 'b' must not share bytes while both are"):
        check_plan(plan, alignment=ALIGNMENT)


def test_a_plan_between_beats_is_refused():
    plan = MemoryPlan(requests=(request("a", 32, 0, 2),), addresses={"a": 8})
    with pytest.raises(OverlapError, match="'a' must begin at a multiple of 16, not at 8"):
        check_plan(plan, alignment=ALIGNMENT)


def test_names_must_differ():
    plan = MemoryPlan(requests=(request("a", 32, 0, 2), request("a", 16, 4, 5)), addresses={"a": 0})
    with pytest.raises(OverlapError, match="each buffer must have one place"):
        check_plan(plan, alignment=ALIGNMENT)


def test_buffers_live_from_their_first_write_to_their_last_read():
    for seed in range(60):
        lowered = lower(random_graph(seed), beat_bytes=ALIGNMENT)
        requests = {r.name: r for r in buffer_requests(lowered)}
        for tensor in lowered.inputs:
            assert tensor.view is not None
            assert requests[tensor.view.buffer].first == -1
        for tensor in lowered.outputs:
            assert tensor.view is not None
            assert requests[tensor.view.buffer].last == len(lowered.calls)
        for index, call in enumerate(lowered.calls):
            if isinstance(call, LayerCall):
                names = {call.input.buffer, call.output.buffer}
                assert all(requests[n].first <= index <= requests[n].last for n in names)
        plan_memory(tuple(requests.values()), alignment=ALIGNMENT)


def test_nothing_needs_nothing():
    plan = plan_memory([], alignment=ALIGNMENT)
    assert (plan.peak_bytes, plan.total_bytes, plan.least_bytes) == (0, 0, 0)
