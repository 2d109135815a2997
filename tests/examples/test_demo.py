"""The demo, tiny: three layers, four candidates, Icarus; the code that `make demo` runs."""

import importlib.util
import io
import json
import sqlite3
import sys
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from naas_hw import api
from naas_hw.arch.budget import Budget
from naas_hw.search import SearchSettings
from naas_hw.workload.layer import Kind, Layer
from naas_hw.workload.network import Network

EXAMPLES = Path(__file__).parents[2] / "examples"

NETWORK = Network(
    name="tiny",
    layers=(
        Layer(name="first", K=8, C=3, P=4, Q=4, R=3, S=3, height=8, width=8, stride=(2, 2),
              padding=(1, 1)),
        Layer(name="depthwise", kind=Kind.DEPTHWISE, K=8, P=4, Q=4, R=3, S=3, height=4, width=4,
              padding=(1, 1)),
        Layer(name="classifier", kind=Kind.LINEAR, K=40, C=24, height=1, width=1),
    ),
)  # fmt: skip
BUDGET = Budget(name="tiny", max_pes=8, on_chip_bytes=4096, beat_bytes=8)
NUM_CANDIDATES, LEAST_MAPPINGS = 4, 20


@pytest.fixture(scope="module")
def demo():
    """examples/demo.py as a module."""
    spec = importlib.util.spec_from_file_location("naas_demo", EXAMPLES / "demo.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    yield module
    del sys.modules[spec.name]


def tiny_demo(demo, **changes):
    settings = SearchSettings(
        population=2, generations=2, mapping_evaluations=64, min_legal=LEAST_MAPPINGS
    )
    return demo.Demo(
        network=NETWORK, budget=BUDGET, settings=settings, simulator="icarus", num_processes=1,
        layers=[layer.name for layer in NETWORK.layers],
        least_candidates=NUM_CANDIDATES, least_mappings=LEAST_MAPPINGS, **changes,
    )  # fmt: skip


@pytest.fixture(scope="module")
def done(demo, tmp_path_factory):
    """Exit status, run folder and text of one tiny demo."""
    run, text = tmp_path_factory.mktemp("demo") / "run", io.StringIO()
    status = demo.run_demo(tiny_demo(demo), run, Console(file=text, width=200))
    return status, run, text.getvalue()


pytestmark = [pytest.mark.sim, pytest.mark.needs("iverilog", "vvp", "libpython")]


def test_everything_that_was_predicted_is_simulated_and_equal(done):
    status, run, text = done
    assert status == 0, text
    simulated = json.loads((run / "sim" / "simulated.json").read_text())
    assert simulated["ok"]
    assert [layer["name"] for layer in simulated["layers"]] == ["first", "depthwise", "classifier"]
    for layer in simulated["layers"]:
        assert layer["predicted_cycles"] == layer["simulated_cycles"] > 0
        assert layer["output_mismatches"] == layer["count_difference"] == 0
    assert "3 of 3 layers" in text


def test_what_is_said_of_the_history_stands_in_the_file(done):
    _, run, text = done
    with closing(sqlite3.connect(run / "history.sqlite")) as history:
        accelerators = history.execute("SELECT DISTINCT accelerator FROM candidates").fetchall()
        least, total = history.execute(
            "SELECT min(num_legal), sum(num_legal) FROM layers"
        ).fetchone()
    assert len(accelerators) == NUM_CANDIDATES
    assert least >= LEAST_MAPPINGS
    said = " ".join(text.split())
    assert (
        f"{NUM_CANDIDATES} distinct accelerators, each with at least {LEAST_MAPPINGS} distinct "
        f"legal mappings of each of 3 distinct layers; {total:,} mappings"
    ) in said


def test_the_run_is_a_design_with_verilog(done):
    _, run, _ = done
    design = api.read_design(run)
    assert design.network == NETWORK
    assert BUDGET.violations(design.accelerator) == []
    assert any("module" in file.read_text() for file in (run / "rtl").glob("*.v"))


def test_the_report_shows_what_was_simulated(done):
    _, run, text = done
    page = (run / "report.html").read_text(encoding="utf-8")
    assert "3 of 3 layers ran on the RTL" in page and "in 3 of them cycles" in page
    assert "report.html shows it all" in " ".join(text.split())


def test_a_second_run_starts_anew_and_a_resumed_one_finds_the_same(demo, done, monkeypatch):
    _, run, _ = done
    monkeypatch.setattr(demo, "_generate", lambda *_: None)
    monkeypatch.setattr(demo, "_simulate", lambda *_: ())
    before = (run / "mapping.yaml").read_bytes()
    for resume in (True, False):
        assert demo.run_demo(tiny_demo(demo), run, Console(file=io.StringIO()), resume=resume) == 0
        assert (run / "mapping.yaml").read_bytes() == before


def test_an_interrupted_search_shows_the_best_and_says_how_to_go_on(demo, done, monkeypatch):
    _, run, _ = done
    search = api.search
    monkeypatch.setattr(
        demo.api, "search", lambda *a, **k: replace(search(*a, **k), interrupted=True)
    )
    monkeypatch.setattr(demo, "_generate", lambda *_: pytest.fail("went on"))
    text = io.StringIO()
    assert demo.run_demo(tiny_demo(demo), run, Console(file=text), resume=True) == 130
    assert "Found: array" in text.getvalue() and "--resume" in text.getvalue()


def test_too_few_candidates_or_mappings_are_no_success(demo, done):
    _, run, _ = done
    for change in ({"least_candidates": NUM_CANDIDATES + 1}, {"least_mappings": 10**6}):
        short = replace(tiny_demo(demo), **change)
        text = io.StringIO()
        assert not demo._say_history(short, run, Console(file=text))
        assert "There must be at least" in text.getvalue()


def test_the_demo_asks_for_what_it_promises(demo):
    full = demo.mobilenet_demo()
    assert full.settings.population * full.settings.generations >= full.least_candidates >= 60
    assert full.settings.min_legal >= full.least_mappings >= 60
    assert len(full.layers) >= 8
    names = {layer.name for layer in full.network.layers}
    assert set(full.layers) <= names
    assert full.simulator == "verilator" and full.budget.name == "eyeriss"
