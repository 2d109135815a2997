"""Verbs take settings, which are frozen and are checked when they are made."""

import inspect
from concurrent.futures import ThreadPoolExecutor
from dataclasses import FrozenInstanceError, fields

import pytest

from naas_hw import api
from naas_hw.api.settings import placement_of, run_settings
from naas_hw.core.errors import InputError
from naas_hw.sim.run import Stalls

MAX_PARAMETERS = 7
SETTINGS = (
    *(api.BuildSettings, api.JointSettings, api.MappingSettings, api.RunSettings),
    *(api.ScoreSettings, api.SearchSettings, api.SimulationSettings, api.VerifySettings),
)
VERBS = [name for name in api.__all__ if inspect.isfunction(getattr(api, name))]


@pytest.mark.parametrize("name", VERBS)
def test_a_verb_has_few_parameters_and_no_crowd_of_keywords(name):
    parameters = inspect.signature(getattr(api, name)).parameters.values()
    assert len(parameters) <= MAX_PARAMETERS
    assert all(parameter.kind is not parameter.VAR_KEYWORD for parameter in parameters)


@pytest.mark.parametrize("settings", SETTINGS)
def test_settings_are_frozen_and_named(settings):
    assert all(field.kw_only for field in fields(settings))
    made = api.RunSettings(folder="run")
    with pytest.raises(FrozenInstanceError):
        made.folder = "other"  # type: ignore[misc]


def test_a_folder_alone_is_a_run_that_neither_resumes_nor_replaces():
    made = run_settings("run")
    assert made == api.RunSettings(folder="run", resume=False, force=False)
    assert run_settings(made) is made
    assert made.command_or("search") == ("naas", "search")
    assert api.RunSettings(folder="run", command=("make", "demo")).command_or("map") == (
        "make",
        "demo",
    )


def test_workers_are_a_number_or_an_executor():
    assert placement_of(3) == {"executor": None, "num_processes": 3}
    with ThreadPoolExecutor(1) as executor:
        assert placement_of(executor) == {"executor": executor, "num_processes": 1}


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"before": "nothing"}, "before must be one of .*, not 'nothing'"),
        ({"memory": "nothing"}, "nothing"),
    ],
)
def test_simulation_settings_refuse_what_names_nothing(wrong, sentence):
    with pytest.raises(InputError, match=sentence):
        api.SimulationSettings(**wrong)


def test_cycles_are_compared_without_stalls_and_with_the_exact_memory_only():
    assert api.SimulationSettings().timed
    assert not api.SimulationSettings(memory="any").timed
    assert not api.SimulationSettings(stalls=Stalls(seed=0, percent=30)).timed
