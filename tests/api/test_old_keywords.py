"""Keywords that became fields of settings still work, with one warning for each call."""

import inspect
from collections.abc import Callable
from typing import Any

import pytest

from naas_hw import api
from naas_hw.api.old_keywords import (
    RUN_KEYWORDS,
    SCORE_KEYWORDS,
    SIMULATION_KEYWORDS,
    WORKER_KEYWORDS,
    accepts_old_keywords,
)
from naas_hw.core.deprecation import RenamedWarning

EXECUTOR = object()


@accepts_old_keywords(RUN_KEYWORDS, WORKER_KEYWORDS)
def work(network, *, run=None, workers=1):
    """What a verb is called with."""
    return network, run, workers


@accepts_old_keywords(SIMULATION_KEYWORDS)
def simulate(design, settings=None, *, layers=None):
    return design, settings, layers


@accepts_old_keywords(SCORE_KEYWORDS)
def score(design, settings=None, *, peer):
    return design, settings, peer


def called(verb: Callable[..., Any], *arguments: Any, **keywords: Any) -> Any:
    """Call a verb with keywords that its signature no longer has."""
    return verb(*arguments, **keywords)


@pytest.mark.parametrize(
    ("old", "run", "workers"),
    [
        ({"num_processes": 2}, None, 2),
        ({"executor": EXECUTOR}, None, EXECUTOR),
        ({"executor": None, "num_processes": 3}, None, 3),
        ({"executor": EXECUTOR, "num_processes": 3}, None, EXECUTOR),
        ({"run": "a", "force": True}, api.RunSettings(folder="a", force=True), 1),
        ({"run": "a", "resume": True}, api.RunSettings(folder="a", resume=True), 1),
        (
            {"run": "a", "command": ["make", "demo"], "num_processes": 2},
            api.RunSettings(folder="a", command=("make", "demo")),
            2,
        ),
        ({"force": True}, None, 1),
    ],
)
def test_old_keywords_of_searches_mean_what_they_meant(old, run, workers):
    with pytest.warns(RenamedWarning) as caught:
        assert work("net", **old) == ("net", run, workers)
    assert len(caught) == 1 and caught[0].filename == __file__


def test_the_warning_names_old_and_new_keywords():
    with pytest.warns(RenamedWarning, match=r"^work\(executor=, force=\) is .* use run=, workers="):
        called(work, "net", run="a", force=True, executor=EXECUTOR)


def test_old_keywords_of_a_simulation_become_its_settings():
    with pytest.warns(RenamedWarning, match=r"^simulate\(seed=, simulator=\) .* use settings= "):
        found = called(simulate, "run", simulator="icarus", seed=3, layers=["a"])
    assert found == ("run", api.SimulationSettings(simulator="icarus", seed=3), ["a"])


def test_old_keywords_of_a_score_become_its_settings():
    with pytest.warns(RenamedWarning):
        found = called(score, "run", peer="maestro", pad=True, timeout_seconds=5.0)
    assert found == ("run", api.ScoreSettings(pad=True, timeout_seconds=5.0), "maestro")


def test_old_keywords_and_settings_do_not_go_together():
    with pytest.warns(RenamedWarning), pytest.raises(TypeError, match="settings"):
        called(simulate, "run", api.SimulationSettings(), seed=3)


def test_todays_keywords_warn_of_nothing_and_unknown_ones_are_refused():
    assert work("net", run="a", workers=2) == ("net", "a", 2)
    with pytest.raises(TypeError, match="colour"):
        called(work, "net", colour="red")


@pytest.mark.parametrize(
    ("verb", "moves"),
    [
        (api.search, (RUN_KEYWORDS, WORKER_KEYWORDS)),
        (api.search_jointly, (RUN_KEYWORDS, WORKER_KEYWORDS)),
        (api.map, (RUN_KEYWORDS, WORKER_KEYWORDS)),
        (api.simulate, (SIMULATION_KEYWORDS,)),
        (api.score, (SCORE_KEYWORDS,)),
    ],
)
def test_the_verbs_have_the_parameters_that_took_over(verb, moves):
    parameters = inspect.signature(verb).parameters
    for move in moves:
        assert move.parameter in parameters
        assert not move.old & (parameters.keys() - {"num_processes"})
