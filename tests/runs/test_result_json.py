"""What is written into result.json is what is read of it."""

import json

import pytest
from stored_cases import read_case_list

from naas_hw.arch.technology import SIZED
from naas_hw.core.errors import InputError
from naas_hw.cost.evaluate import evaluate_network
from naas_hw.runs.result_json import (
    FrontRecord,
    MethodRecord,
    PriceRecord,
    ResultRecord,
    effort_figures,
    front_figures,
    method_figures,
    network_figures,
    rejected_figures,
    result_text,
)
from naas_hw.search.accelerator.rejections import Rejections
from naas_hw.search.accelerator.result import DesignPoint, Front
from naas_hw.search.accelerator.settings import SearchSettings
from naas_hw.search.mapping.network_search import NetworkResult
from naas_hw.search.objective import Objective
from naas_hw.system.yaml_files import validate
from naas_hw.workload.network import Network


@pytest.fixture(scope="module")
def written(request: pytest.FixtureRequest) -> str:
    """The file of a network of one layer, with a front of one design."""
    case = read_case_list(request.path.parents[1] / "cases" / "smallest.yaml").case(0)
    network = Network(name="small", layers=(case.layer,))
    mappings = {case.layer.name: case.mapping}
    report = evaluate_network(case.accelerator, network, mappings, SIZED)
    result = NetworkResult(network=network, mappings=mappings, report=report)
    point = DesignPoint(accelerator=case.accelerator, cycles=5.0, energy_pj=6.0, area_um2=7.0)
    front = Front(points=(point,), reference=(10.0, 12.0, 14.0), hypervolumes=(0.125,))
    figures = {
        "objective": Objective.EDP.value,
        **effort_figures(result),
        "front": front_figures(front),
        "networks": [network_figures(result, case.accelerator, Objective.EDP)],
    }
    return result_text("sized", "0123", figures)


def test_what_is_written_is_read(written: str) -> None:
    content = json.loads(written)
    record = validate(ResultRecord, content, "result.json")
    assert isinstance(record.front, FrontRecord)
    assert record.front.points[0].area_um2 == 7.0 and record.front.hypervolume == 0.125
    (network,) = record.networks
    (layer,) = content["networks"][0]["layers"]
    assert network.name == "small" and network.layers[0].name == layer["name"]
    assert network.cycles == content["networks"][0]["cycles"] > 0
    assert network.layers[0].energy_pj == layer["energy_pj"] > 0
    assert validate(PriceRecord, content, "result.json").energy_table == "sized"


def test_what_a_search_did_is_read_as_it_was_written(written: str) -> None:
    """An older file has neither; then both are unknown, not zero."""
    rejections = Rejections(over_budget=1, known=2, pruned=3, without_room=4)
    settings = SearchSettings(population=5, generations=6)
    figures = {"rejected": rejected_figures(rejections), **method_figures(settings)}
    record = validate(ResultRecord, json.loads(written) | figures, "result.json")
    assert record.rejected is not None and record.method is not None
    assert record.rejected.model_dump() == vars(rejections)
    assert record.rejected.total == rejections.total == 10
    expected = {name: getattr(settings, name) for name in MethodRecord.model_fields}
    assert record.method.model_dump() == expected
    old = validate(ResultRecord, json.loads(written), "result.json")
    assert old.rejected is None and old.method is None


def test_every_key_that_is_read_is_written(written: str) -> None:
    """Records let other keys be: a key with another name would go unnoticed where it may be absent.

    What a search with a budget, for a board, or of networks adds is not in this file.
    """
    added = {"budget", "clock_hz", "interrupted", "score", "joint", "fpga", "method", "rejected"}
    added |= {"num_candidates", "num_screened", "num_invalid", "num_pruned"}
    assert set(ResultRecord.model_fields) - added <= json.loads(written).keys()


def test_another_version_is_refused(written: str) -> None:
    content = {**json.loads(written), "version": 2}
    with pytest.raises(InputError, match="version must be 1, not 2"):
        validate(ResultRecord, content, "result.json")
