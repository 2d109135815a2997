"""What we tell of Timeloop's reference designs is what Timeloop was given.

Equal as parsed YAML, but for two places that mean nothing, where ours is a default: the batch N
(one trip) in a permutation, and in the array's the loops of one trip.
"""

from typing import Any

import pytest
from timeloop_cases import AXES, CASES, Reference, factors, parsed, reference

from naas_hw.arch.technology import AREA, AccessEnergy
from naas_hw.exchange.timeloop_architecture import architecture
from naas_hw.exchange.timeloop_energy import area_reference, energy_reference
from naas_hw.exchange.timeloop_format import Version, yaml_text
from naas_hw.exchange.timeloop_mapping import mapping
from naas_hw.exchange.timeloop_problem import problem
from naas_hw.exchange.timeloop_reader import read_timeloop


@pytest.fixture(params=CASES)
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def theirs(name: str) -> dict[str, Any]:
    """Kind of file -> its content."""
    return {kind: parsed(text) for kind, text in CASES[name]["yaml"].items()}


@pytest.fixture
def ours(name: str) -> Reference:
    return reference(name)


def test_every_case_has_its_values() -> None:
    assert set(AXES) == set(CASES)


def test_architecture(ours: Reference, theirs: dict[str, Any]) -> None:
    told = architecture(ours.geometry.accelerator, ours.attributes, Version.V03)
    assert parsed(yaml_text(told)) == theirs["arch"]


def test_problem(ours: Reference, theirs: dict[str, Any]) -> None:
    assert parsed(yaml_text(problem(ours.geometry.layer, Version.V03))) == theirs["prob"]


def without_what_means_nothing(told: dict[str, Any]) -> list[dict[str, Any]]:
    result = []
    for directive in told["mapping"]:
        trips = factors(directive["factors"])
        assert trips.pop("N") == 1
        order = [dim for dim in directive["permutation"] if dim != "N"]
        if directive["type"] == "spatial":
            x, y = order[: directive["split"]], order[directive["split"] :]
            order = [[dim for dim in part if trips[dim] > 1] for part in (x, y)]
        result.append({**directive, "factors": trips, "permutation": order, "split": None})
    return result


def test_mapping(ours: Reference, theirs: dict[str, Any]) -> None:
    told = parsed(yaml_text(mapping(ours.geometry, Version.V03)))
    assert without_what_means_nothing(told) == without_what_means_nothing(theirs["map"])
    assert [d["factors"] for d in told["mapping"]] == [
        d["factors"] for d in theirs["map"]["mapping"]
    ]


def test_mapping_read(name: str, ours: Reference, tmp_path) -> None:
    """Their file, read, is the mapping that the description says."""
    for kind in ("map", "prob"):
        (tmp_path / f"{kind}.yaml").write_text(CASES[name]["yaml"][kind], encoding="utf-8")
    found = read_timeloop(tmp_path / "map.yaml", tmp_path / "prob.yaml")
    assert found.mapping == ours.geometry.mapping
    assert found.tiles == ours.geometry.num_tiles and found.groups == 1


def test_reference_tables(ours: Reference, theirs: dict[str, Any]) -> None:
    """Components, actions and energies are theirs, but that ours has one for a word of L2."""
    energy = AccessEnergy(
        dram_beat=800,
        l2_word=24,
        l2_sum_word=24,
        scale_word=0,
        l1_weight_write=1,
        l1_input_write=1,
        l1_weight_read=1,
        l1_input_read=1,
        accumulator=1,
        mac=1,
    )
    accelerator = ours.geometry.accelerator
    told = parsed(yaml_text(energy_reference(accelerator, energy, Version.V03)))
    due = theirs["ERT"]
    l2_write = due["ERT"]["tables"][1]["actions"][1]
    assert l2_write == {"name": "write", "arguments": None, "energy": 26.0}
    l2_write["energy"] = 24.0  # one energy for a word of ours, read or written
    assert told == due
    areas = parsed(yaml_text(area_reference(accelerator, AREA, Version.V03)))
    named = [table["name"] for table in areas["ART"]["tables"]]
    assert named == [table["name"] for table in theirs["ART"]["ART"]["tables"]]
