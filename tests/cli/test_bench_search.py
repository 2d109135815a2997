"""`naas bench search` compares like with like, and its ratios follow from its scores."""

import json
from statistics import median

import pytest

from naas_hw.cli import main

FAST = [
    *("--budget", "shidiannao", "--generations", "1", "--population", "2"),
    *("--evaluations", "20", "--processes", "1", "--seeds", "2"),
]


@pytest.mark.takes_seconds
def test_figures_follow_from_the_scores(design_folder, capsys):
    network = str(design_folder / "network.yaml")
    options = ["--optimisers", "climb,cma", "--times", "2", "--json"]
    assert main(["bench", "search", network, *FAST, *options]) == 0
    captured = capsys.readouterr()
    found = json.loads(captured.out)
    assert list(found["optimisers"]) == ["climb", "cma"]
    climb, cma = found["optimisers"].values()
    every = [*climb["scores"], *cma["scores"], *found["longer"]["scores"]]
    assert found["best_score"] == min(every)
    assert climb["scores"] == cma["scores"]  # one generation: the warm start, which is the same
    assert climb["median_to_cma"] == 1
    assert climb["median_to_best"] == median(climb["scores"]) / min(every)
    assert climb["edp"] == [[pytest.approx(score)] for score in climb["scores"]]
    longer = found["longer"]
    assert longer["gaps"] == [
        short / long - 1 for short, long in zip(climb["scores"], longer["scores"], strict=True)
    ]
    assert longer["median_gap"] == median(longer["gaps"]) >= 0
    assert all(0 <= share <= 1 for share in climb["hypervolumes"])
    assert min(climb["wall_seconds"]) > 0 and min(climb["cpu_seconds"]) > 0
    assert "climb, seed 1, 2 generations: " in captured.err


def test_a_table_without_longer_searches(design_folder, capsys):
    network = str(design_folder / "network.yaml")
    options = ["--optimisers", "random", "--times", "0"]
    assert main(["bench", "search", network, *FAST, *options]) == 0
    assert "| random | 1.0" in capsys.readouterr().out


def test_an_optimiser_that_is_none_is_refused(capsys):
    assert main(["bench", "search", "--optimisers", "luck"]) == 2
    assert "optimiser must be one of cma, genetic" in capsys.readouterr().err
