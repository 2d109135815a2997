"""The report's text: what a run has, in one file; names escaped; a wrong file is one sentence."""

import base64
import hashlib
import json
import re
import shutil
from dataclasses import replace

import pytest

from naas_hw import api
from naas_hw.arch.technology import MAESTRO
from naas_hw.core.errors import InputError
from naas_hw.report.layers import bytes_per_cycle, intensity, layer_table
from naas_hw.report.page import hardware_digest_in, key_figures, render_report
from naas_hw.report.simulation import simulation_table
from naas_hw.workload.layer import Layer
from naas_hw.workload.network import Network


@pytest.fixture
def run(searched_run, tmp_path):
    """A copy of the searched run, to be changed."""
    return shutil.copytree(searched_run, tmp_path / "run")


def test_the_same_run_gives_the_same_bytes(searched_facts):
    assert render_report(searched_facts) == render_report(searched_facts)


def test_the_policy_names_the_style_and_the_script_of_the_page(searched_page):
    text = searched_page.read_text(encoding="utf-8")
    (policy,) = re.findall(r'http-equiv="Content-Security-Policy" content="([^"]*)"', text)
    for tag in ("style", "script"):
        (content,) = re.findall(rf"<{tag}>(.*?)</{tag}>", text, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
        assert f"{tag}-src &#39;sha256-{digest}&#39;" in policy
    assert policy.startswith("default-src &#39;none&#39;; ")
    assert "style=" not in text


def test_the_head_says_what_made_the_run(searched_page, searched_run):
    text = searched_page.read_text(encoding="utf-8")
    manifest = json.loads((searched_run / "manifest.json").read_text())
    for expected in ("small", "tiny", "edp", "sized", manifest["digest"], "12 accelerators"):
        assert expected in text
    assert all(f"{name} {version}" in text for name, version in manifest["packages"].items())
    assert "naas search &lt;script&gt;" in text


def test_a_run_with_hardware_shows_its_digest(run, searched_page):
    assert hardware_digest_in(searched_page.read_text(encoding="utf-8")) is None
    (run / "rtl").mkdir()
    manifest = {"version": 1, "digest": "0123456789abcdef", "files": {}}
    (run / "rtl" / "manifest.json").write_text(json.dumps(manifest))
    assert hardware_digest_in(api.report(run).read_text(encoding="utf-8")) == manifest["digest"]


def test_no_layer_lies_above_its_roof(searched_facts):
    a = searched_facts.accelerator
    for one in searched_facts.layers:
        roof = min(a.num_pes, intensity(one.cost, one.layer, a) * bytes_per_cycle(a))
        assert one.layer.num_macs / one.cost.cycles <= roof


def test_a_run_without_simulation_says_so(run):
    shutil.rmtree(run / "sim")
    text = api.report(run).read_text(encoding="utf-8")
    assert "No layer of this run was simulated yet." in text
    assert "RTL: simulated" not in text and "Cycles, predicted and simulated" not in text


def test_what_was_simulated_stands_beside_what_was_predicted(run, pretend):
    text = api.report(run).read_text(encoding="utf-8")
    assert "2 of 4 layers ran on the RTL in icarus 12.0; in 2 of them cycles" in text
    pretend(run, ["third", "last"], off_by=7)
    text = api.report(run).read_text(encoding="utf-8")
    assert "2 of 4 layers ran on the RTL in icarus 12.0; in 0 of them cycles" in text
    simulated = json.loads((run / "sim" / "simulated.json").read_text())["layers"][0]
    for name in ("predicted_cycles", "simulated_cycles"):
        assert f"{simulated[name]:,}</td>" in text
    beside = f"{simulated['simulated_cycles']:,} ({simulated['predicted_cycles']:,} predicted)"
    assert f">{beside}</td>" in text
    assert ">differs</td>" in text
    assert "The largest difference is 7 cycles." in text


def test_an_access_that_was_not_predicted_stands_beside_its_prediction(searched_facts):
    first, *others = searched_facts.simulation.layers
    macs = first.counted["macs"]
    more = first.model_copy(update={"counted": first.counted | {"macs": macs + 1}})
    simulation = searched_facts.simulation.model_copy(update={"layers": (more, *others)})
    table = simulation_table(replace(searched_facts, simulation=simulation))
    assert table is not None
    column = table.columns.index("MACs")
    assert table.rows[0][column].text == f"{macs + 1:,} ({macs:,} predicted)"
    unknown = simulation_table(replace(searched_facts, simulation=simulation, prediction=None))
    assert unknown is not None
    assert unknown.rows[0][column].text == f"{macs + 1:,} (prediction unknown)"


def test_a_mapped_run_has_no_search_but_all_else(tmp_path):
    layer = Layer(name="only", K=8, C=8, P=4, Q=4, height=4, width=4)
    api.map(
        Network(name="one", layers=(layer,)),
        api.find_accelerator("nvdla-256"),
        run=tmp_path / "run",
    )
    text = api.report(tmp_path / "run").read_text(encoding="utf-8")
    assert "Convergence" not in text
    for title in ("The array", "Layers", "Roofline", "Energy by level and tensor", "# only: conv"):
        assert title in text


def test_several_networks_have_a_line_each_and_all_their_layers(tmp_path, networks):
    one, budget, settings = networks
    other = one.model_copy(update={"name": "other", "layers": one.layers[:1]})
    result = api.search([one, other], budget, settings, run=tmp_path / "run")
    page = api.report(tmp_path / "run")
    text = page.read_text(encoding="utf-8")
    assert "small, other" in text and "other.first" in text
    assert 'role="note"' not in text
    for found in result.networks:
        assert f"{found.report.cycles:,}" in text


def test_figures_that_no_longer_hold_are_said_to(run):
    path = run / "result.json"
    result = json.loads(path.read_text())
    before = api.report(run).read_text(encoding="utf-8")
    assert 'role="note"' not in before
    result["networks"][0]["cycles"] += 1
    path.write_text(json.dumps(result))
    assert 'role="note"' in api.report(run).read_text(encoding="utf-8")


def test_a_table_that_charges_nothing_for_a_level_is_drawn_all_the_same(searched_facts):
    text = render_report(replace(searched_facts, table=MAESTRO))
    assert "Energy table maestro." in text


def test_random_stalls_are_no_comparison_of_times(searched_facts):
    stalled = searched_facts.simulation.model_copy(update={"timed": False})
    text = render_report(replace(searched_facts, simulation=stalled))
    assert "in 2 of them output bytes (the memory stalled at random" in text
    assert "Cycles, predicted and simulated" not in text


def test_an_interrupted_search_is_said_to_be_one(searched_facts):
    result = searched_facts.result.model_copy(update={"interrupted": True})
    assert "this is the best so far" in render_report(replace(searched_facts, result=result))


@pytest.mark.parametrize(
    ("file", "text", "complaint"),
    [
        ("result.json", "{", "result.json: must be JSON"),
        ("result.json", "[" * 100_000, "result.json: must be nested less deeply"),
        ("result.json", '{"version": 1}', "result.json: objective must be given"),
        (
            "sim/simulated.json",
            '{"version": 1, "simulator": 3}',
            "simulated.json: simulator must be",
        ),
        ("history.sqlite", "nothing", "must be the history of a search"),
    ],
)
def test_a_wrong_file_is_one_sentence_and_leaves_the_report_alone(run, file, text, complaint):
    before = api.report(run).read_bytes()
    (run / file).write_text(text)
    with pytest.raises(InputError, match=re.escape(complaint)):
        api.report(run)
    assert (run / "report.html").read_bytes() == before


def test_a_result_of_other_layers_is_refused(run):
    path = run / "result.json"
    result = json.loads(path.read_text())
    result["networks"][0]["layers"].pop()
    path.write_text(json.dumps(result))
    with pytest.raises(InputError, match="must have the 4 layers of network.yaml, not 3"):
        api.report(run)


def test_time_is_cycles_by_the_clock(searched_facts):
    tiles = {tile.label: tile for tile in key_figures(searched_facts)}
    cycles = searched_facts.networks[0].report.cycles
    clock_hz = searched_facts.result.clock_hz
    assert tiles["time"].value == f"{1e3 * cycles / clock_hz:,.2f} ms"
    result = searched_facts.result.model_copy(update={"clock_hz": None})
    assert "time" not in {t.label for t in key_figures(replace(searched_facts, result=result))}


def test_cells_carry_the_number_they_show(searched_facts):
    for row in layer_table(searched_facts).rows:
        for cell in row:
            if isinstance(cell.value, int) and cell.value >= 0:
                assert cell.text == f"{cell.value:,}"
