"""`naas search`: a run folder that is made, kept, resumed, and whole after Ctrl-C."""

import json
import re
import sqlite3
from contextlib import closing
from dataclasses import replace
from math import prod

import pytest

from naas_hw import api
from naas_hw.arch.accelerator import Accelerator
from naas_hw.arch.files import find_energy_table
from naas_hw.arch.presets import Dataflow
from naas_hw.cli import executors, main
from naas_hw.search.accelerator.baseline import fixed_result
from naas_hw.search.accelerator.history import History
from naas_hw.search.pareto import hypervolume

FAST = [
    *("--generations", "2", "--population", "2", "--evaluations", "40"),
    *("--min-legal", "5", "--processes", "1"),
]


@pytest.fixture
def network(design_folder):
    return str(design_folder / "network.yaml")


def searched(network, run, *options):
    return main(["search", network, "--budget", "shidiannao", "-o", str(run), *FAST, *options])


def test_the_run_holds_a_design_within_the_budget_and_its_history(network, tmp_path, capsys):
    run = tmp_path / "run"
    assert searched(network, run, "--json") == 0
    captured = capsys.readouterr()
    printed = json.loads(captured.out)
    assert "4/4 candidates, best " in captured.err
    design = api.read_design(run)
    assert api.find_budget("shidiannao").violations(design.accelerator) == []
    result = json.loads((run / "result.json").read_text())
    assert {**printed, **result} == result
    assert result["networks"][0]["edp"] == api.evaluate(run).edp
    assert result["score"] == pytest.approx(result["networks"][0]["edp"], rel=1e-12)
    with closing(sqlite3.connect(run / "history.sqlite")) as history:
        assert history.execute("SELECT count(*) FROM candidates").fetchone() == (4,)


def test_ctrl_c_keeps_the_best_and_resume_ends_as_if_nothing_had_happened(
    network, tmp_path, capsys, monkeypatch
):
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    assert searched(network, whole) == 0

    from naas_hw.cli.progress import SearchProgress

    tell = SearchProgress.__call__

    def interrupted(teller, progress):
        tell(teller, progress)
        if progress.num_candidates == 3:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(SearchProgress, "__call__", interrupted)
        assert searched(network, broken) == 130
    assert "interrupted: this is the best so far" in capsys.readouterr().out
    assert json.loads((broken / "result.json").read_text())["interrupted"]
    assert api.evaluate(broken).cycles > 0  # a design that can be used
    assert searched(network, broken, "--resume") == 0
    for name in ("accelerator.yaml", "mapping.yaml", "network.yaml", "result.json"):
        assert (broken / name).read_bytes() == (whole / name).read_bytes()


def test_the_help_says_what_an_encoding_is_of(capsys, monkeypatch):
    """Loop orders have one only where points are drawn, which the default does not."""
    monkeypatch.setenv("COLUMNS", "200")
    assert main(["search", "--help"]) == 0
    words = " ".join(re.sub(r"[^\x21-\x7e]+", " ", capsys.readouterr().out).split())
    assert "The mapping optimisers cma and random encode loop orders in the same way" in words


def test_several_networks_become_one_run_with_the_figures_of_each(
    network, tmp_path, write_design_to, capsys
):
    other = write_design_to(tmp_path / "other")
    path = other / "network.yaml"
    path.write_text(path.read_text().replace("name: net", "name: second"))
    run = tmp_path / "run"
    status = main(["search", network, str(path), "--budget", "shidiannao", "-o", str(run), *FAST])
    assert status == 0
    design = api.read_design(run)
    assert design.network.name == "net-second"
    assert [layer.name for layer in design.network.layers][2:4] == ["net.again", "second.a"]
    networks = json.loads((run / "result.json").read_text())["networks"]
    assert [found["name"] for found in networks] == ["net", "second"]
    cycles = {layer.layer: layer.cycles for layer in api.evaluate(run).layers}
    assert networks[1]["layers"][0]["cycles"] == cycles["second.a"]


def test_a_taken_folder_is_refused_before_the_search_is_compiled(
    network, tmp_path, monkeypatch, capsys
):
    def compile_search(screen: object) -> int:
        raise AssertionError("nothing may be compiled")

    run = tmp_path / "run"
    assert searched(network, run) == 0
    monkeypatch.setattr(executors, "compile_search", compile_search)
    assert searched(network, run) == 2
    assert "exists already" in capsys.readouterr().err


def test_a_resume_with_other_settings_is_refused_and_changes_nothing(network, tmp_path, capsys):
    run = tmp_path / "run"
    assert searched(network, run) == 0
    before = (run / "result.json").read_bytes()
    assert searched(network, run, "--resume", "--seed", "1") == 2
    assert "--resume can only continue the search that was begun" in capsys.readouterr().err
    assert searched(network, run) == 2
    assert "exists already" in capsys.readouterr().err
    assert (run / "result.json").read_bytes() == before


BUDGET = """\
version: 1
max_pes: 8
on_chip_bytes: 1024
beat_bytes: 32
num_banks: 32
scale_depth: 8
"""


def test_a_budget_too_small_for_any_mapping_is_one_sentence(network, tmp_path, capsys):
    budget = tmp_path / "budget.yaml"
    budget.write_text(BUDGET)
    run = tmp_path / "run"
    assert main(["search", network, "--budget", str(budget), "-o", str(run), *FAST]) == 2
    text = capsys.readouterr().err.splitlines()[-1]
    assert f"{budget}: on_chip_bytes must be at least 2128 with 32 banks" in text
    assert not run.exists()


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--generations", "0"], "--generations must be at least 1, not 0"),
        (["--population", "1"], "--population must be at least 2, not 1"),
        (["--seed", "-1"], "--seed must be at least 0, not -1"),
        (
            ["--optimiser", "luck"],
            "optimiser must be one of cma, genetic, differential, climb, random, not 'luck'",
        ),
        (["--resume", "--force"], "--resume and --force must not be given together"),
        (["--budget", "lots"], "budget must be one of"),
    ],
)
def test_wrong_options_are_one_sentence_and_leave_no_run(
    network, tmp_path, options, sentence, capsys
):
    assert searched(network, tmp_path / "run", *options) == 2
    text = capsys.readouterr().err
    assert sentence in text
    assert text.count("\n") == 1
    assert not (tmp_path / "run").exists()


@pytest.mark.needs("torch")
def test_an_unsupported_operator_is_refused_by_name(tmp_path, capsys, monkeypatch):
    (tmp_path / "odd.py").write_text(
        "from torch import nn\n\n\n"
        "class Odd(nn.Module):\n"
        "    def __init__(self):\n"
        "        super().__init__()\n"
        "        self.layer = nn.Conv3d(3, 4, 1)\n\n"
        "    def forward(self, image):\n"
        "        return self.layer(image.unsqueeze(2))\n"
    )
    monkeypatch.chdir(tmp_path)
    run = tmp_path / "run"
    status = main(["search", "odd:Odd", "--resolution", "8", "--budget", "eyeriss", "-o", str(run)])
    text = capsys.readouterr().err
    assert status == 2
    assert "conv3d" in text
    assert text.count("\n") == 1
    assert not run.exists()


def test_a_full_disk_is_one_sentence_and_resume_goes_on(network, tmp_path, monkeypatch, capsys):
    """SQLite itself finds no room for the second generation; the first is kept."""
    whole, run = tmp_path / "whole", tmp_path / "run"
    assert searched(network, whole) == 0
    add = History.add_generation
    added: list[int] = []

    def limited(self, records):
        if added:
            used = self._connection.execute("PRAGMA page_count").fetchone()[0]
            self._connection.execute(f"PRAGMA max_page_count = {used}")
            records = [replace(records[0], member=index) for index in range(200)]
        added.append(len(records))
        add(self, records)

    with monkeypatch.context() as patch:
        patch.setattr(History, "add_generation", limited)
        assert searched(network, run) == 2
    text = capsys.readouterr().err
    assert "cannot be written: database or disk is full" in text
    assert text.count("naas: error: ") == 1
    assert not (run / "mapping.yaml").exists()
    assert searched(network, run, "--resume") == 0
    for name in ("accelerator.yaml", "mapping.yaml"):
        assert (run / name).read_bytes() == (whole / name).read_bytes()


def test_a_place_that_cannot_be_written_is_one_sentence(network, tmp_path, capsys):
    (tmp_path / "file").write_text("")
    assert searched(network, tmp_path / "file" / "run") == 2
    text = capsys.readouterr().err
    assert text.startswith("naas: error: ")
    assert "not a directory" in text
    assert text.count("\n") == 1


def test_the_front_is_in_the_result_with_its_reference(network, tmp_path):
    run = tmp_path / "run"
    assert searched(network, run, "--screening", "2") == 0
    result = json.loads((run / "result.json").read_text())
    assert (result["num_candidates"], result["num_screened"]) == (8, 4)
    front = result["front"]
    names = ("cycles", "energy_pj", "area_um2")
    figures = [[point[name] for name in names] for point in front["points"]]
    reference = [front["reference"][name] for name in names]
    assert front["hypervolume"] == pytest.approx(
        hypervolume(figures, reference) / prod(reference), rel=1e-12
    )
    assert [result["networks"][0][name] for name in names[:2]] in [f[:2] for f in figures]
    for point in front["points"]:
        accelerator = Accelerator.model_validate(point["accelerator"])
        assert api.find_budget("shidiannao").violations(accelerator) == []
    with closing(sqlite3.connect(run / "history.sqlite")) as history:
        areas = [area for (area,) in history.execute("SELECT area_um2 FROM candidates")]
    assert {point["area_um2"] for point in front["points"]} <= set(areas)


def test_sizing_only_keeps_the_axes_and_the_dataflow_of_a_preset(network, tmp_path):
    run = tmp_path / "run"
    assert searched(network, run, "--sizing-only", "nvdla-256", "--encoding", "index") == 0
    design = api.read_design(run)
    assert [axis.dim for axis in design.accelerator.axes] == ["C", "K"]
    for layer in design.network.layers:
        options = fixed_result(
            design.accelerator,
            layer,
            Dataflow.WEIGHT_STATIONARY,
            table=find_energy_table("default"),
        )
        assert options is not None
        assert design.mappings[layer.name] in [choice.mapping for choice in options.choices]
