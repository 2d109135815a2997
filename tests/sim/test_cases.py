"""Listed triples that the accelerator has to run, each equal to the model in all that it counts."""

from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest
from stored_cases import CaseList, read_case_list

from naas_hw.mapping.legality import violations
from naas_hw.search.mapping.network_search import layer_generator
from naas_hw.sim.hardware import Hardware, generate
from naas_hw.sim.layer import simulate_layer
from naas_hw.sim.simulators import find_simulator
from naas_hw.verify.random import MAX_CYCLES

FOLDER = Path(__file__).parents[1] / "cases"
LISTS: dict[str, CaseList] = {
    path.stem: read_case_list(path) for path in sorted(FOLDER.glob("*.yaml"))
}
PLACES = [(name, index) for name, found in LISTS.items() for index in range(len(found.cases))]
"""List and number of every triple."""


def name_of(place: tuple[str, int]) -> str:
    """What a test is called that runs the triple."""
    name, index = place
    return f"{name}-{LISTS[name].cases[index].what.replace(' ', '_')}"


ALL = [pytest.param(*place, id=name_of(place)) for place in PLACES]
ON_VERILATOR = (
    pytest.param("c8_k8", marks=pytest.mark.slow),
    pytest.param("r12_p14", marks=pytest.mark.slow),
    pytest.param("drain8_c4_k8", marks=pytest.mark.slow),
    "drain8_p2_q2",
)
TAKES_LONG_ON_ICARUS = ("r12_p14-11x11", "q7_s3_k5-a_prime")
"""Beginnings of the names of triples that run in the slow tests only."""


def is_slow_on_icarus(place: tuple[str, int]) -> bool:
    """Two of three of each list, and those that take long; of each list at least one is left."""
    return place[1] % 3 != 1 or name_of(place).startswith(TAKES_LONG_ON_ICARUS)


ON_ICARUS = [
    pytest.param(
        *place,
        id=name_of(place),
        marks=pytest.mark.slow if is_slow_on_icarus(place) else (),
    )
    for place in PLACES
]


def test_each_list_has_a_triple_that_is_not_slow() -> None:
    """`make test` runs some of each accelerator on Icarus."""
    assert {name for name, index in PLACES if not is_slow_on_icarus((name, index))} == set(LISTS)


@cache
def hardware_of(name: str) -> Hardware:
    """Hardware of a list, generated once."""
    return generate(LISTS[name].accelerator)


def assert_equal_to_model(name: str, index: int, simulator: str, *, base: int = 0) -> None:
    """Cycles piece by piece, counts and output bytes of one triple."""
    case = LISTS[name].case(index)
    report = simulate_layer(
        replace(hardware_of(name), accelerator=case.accelerator),
        case.layer,
        case.mapping,
        simulator=find_simulator(simulator),
        rng=layer_generator(0, case.accelerator, case.layer),
        base=base,
    )
    assert report.messages == ()
    assert report.status == "done"
    assert report.first_piece is None
    assert report.simulated_cycles == report.predicted_cycles <= MAX_CYCLES["icarus"]
    assert report.counts == ()
    assert report.output_mismatches == 0
    assert report.ok


def test_there_are_at_least_thirty_triples() -> None:
    """The list is not cut down to what works."""
    assert len(ALL) >= 30


@pytest.mark.parametrize(("name", "index"), ALL)
def test_a_listed_triple_is_legal(name: str, index: int) -> None:
    """No rule may be tightened so far that one of them is refused."""
    case = LISTS[name].case(index)
    assert violations(case.accelerator, case.layer, case.mapping) == []


@pytest.mark.sim
@pytest.mark.needs("iverilog")
@pytest.mark.parametrize(("name", "index"), ON_ICARUS)
def test_a_listed_triple_equals_the_model_on_icarus(name: str, index: int) -> None:
    """Cycles piece by piece, counts and output bytes."""
    assert_equal_to_model(name, index, "icarus")


@pytest.mark.sim
@pytest.mark.needs("iverilog")
@pytest.mark.parametrize("base", [0x4000_0000, 0xFF00_0000])
def test_a_program_runs_at_any_base(base: int) -> None:
    """At another base nothing changes: neither cycles nor counts nor bytes."""
    assert_equal_to_model("c8_k8", 3, "icarus", base=base)


@pytest.mark.sim
@pytest.mark.needs("verilator", "make", "g++")
@pytest.mark.parametrize("name", ON_VERILATOR)
def test_listed_triples_equal_the_model_on_verilator(name: str) -> None:
    """The first two of a list, on one build."""
    for index in range(2):
        assert_equal_to_model(name, index, "verilator")
