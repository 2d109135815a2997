"""The bench of the quickstart: whose caches it uses, and what it makes of the answers."""

import json
import os

import pytest

from naas_hw.core.errors import SimulationError
from naas_hw.experiments.bench import quickstart as bench
from naas_hw.system.processes import Ended

FIGURES = {"seconds": {"search": 1.0, "simulate": 2.5}, "simulator": "icarus 12.0"}


def test_the_first_time_finds_empty_caches_which_the_second_time_shares(monkeypatch):
    """None of the caches is the user's; both processes have the same ones."""
    seen = []

    def run(command, *, environment):
        seen.append([environment[name] for name in bench.CACHE_VARIABLES])
        return Ended(status=0, output=json.dumps(FIGURES), errors="")

    monkeypatch.setattr(bench, "run_program", run)
    times = iter([(0.0, 0.0), (10.0, 7.0), (10.0, 7.0), (14.0, 9.0)])
    measured = bench.bench_quickstart(clock=lambda: next(times))
    assert seen[0] == seen[1]
    assert not set(seen[0]) & {os.environ.get(name) for name in bench.CACHE_VARIABLES}
    assert (measured.first.total_seconds, measured.second.total_seconds) == (10.0, 4.0)
    assert (measured.first.cpu_seconds, measured.second.cpu_seconds) == (7.0, 2.0)
    assert measured.second.steps == {"start": 0.5, "search": 1.0, "simulate": 2.5}
    assert measured.figures["first"]["simulator"] == "icarus 12.0"


def test_a_quickstart_that_fails_has_no_time(monkeypatch):
    """What it said is passed on."""
    failed = Ended(status=2, output="", errors="naas: error: no simulator")
    monkeypatch.setattr(bench, "run_program", lambda command, *, environment: failed)
    with pytest.raises(SimulationError, match="no simulator"):
        bench.bench_quickstart(clock=lambda: (0.0, 0.0))
