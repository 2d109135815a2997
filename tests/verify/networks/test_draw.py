"""Random networks for the RTL: every bin, few designs, short runs, the same for the same seed."""

import pytest

from naas_hw.verify.networks.coverage import NETWORK_BINS, network_bins
from naas_hw.verify.networks.designs import MAX_DESIGNS
from naas_hw.verify.networks.draw import NetworkDraw, draw_networks
from naas_hw.workload.option import Option

MAX_CYCLES = 15_000


@pytest.fixture(scope="module")
def draw() -> NetworkDraw:
    return draw_networks(40, 3, max_cycles=MAX_CYCLES)


@pytest.mark.takes_seconds
def test_forty_networks_leave_no_bin_empty(draw: NetworkDraw) -> None:
    assert list(draw.coverage) == list(NETWORK_BINS)
    assert [name for name, number in draw.coverage.items() if number == 0] == []


@pytest.mark.takes_seconds
def test_few_designs_have_all_options_and_every_width(draw: NetworkDraw) -> None:
    """Only the memory outside differs within a group, so a simulator builds once for it."""
    assert len(draw.groups) == MAX_DESIGNS
    outside = {"dram_latency_cycles": 1, "dram_beat_period_cycles": 1}
    arrays = set()
    for group in draw.groups:
        hardware = {drawn.case.accelerator.model_copy(update=outside) for drawn in group}
        assert len(hardware) == 1
        assert {drawn.case.is_whole for drawn in group} == {True, False}
        arrays |= {tuple(axis.dim for axis in one.axes) for one in hardware}
        assert all(one.options == frozenset(Option) for one in hardware)
    assert len(arrays) == MAX_DESIGNS


@pytest.mark.takes_seconds
def test_the_bins_of_a_case_are_those_of_its_network(draw: NetworkDraw) -> None:
    for drawn in draw.cases[:5]:
        assert drawn.bins == network_bins(drawn.case, drawn.case.lowered())


@pytest.mark.takes_seconds
def test_the_same_seed_draws_the_same() -> None:
    first, second = (draw_networks(3, 5, max_cycles=5_000) for _ in range(2))
    for one, other in zip(first.cases, second.cases, strict=True):
        assert one.case.accelerator == other.case.accelerator
        assert one.case.mappings == other.case.mappings
        assert one.bins == other.bins
    assert first.rejections == second.rejections


@pytest.mark.slow
@pytest.mark.parametrize("max_cycles", [15_000, 60_000])
def test_no_bin_is_empty_for_many_seeds(max_cycles: int) -> None:
    for seed in range(10, 15):
        assert all(draw_networks(40, seed, max_cycles=max_cycles).coverage.values())
