"""The report of a run with a model: what runs where, its memory, its simulation; names escaped."""

import json
from dataclasses import replace
from math import prod

import numpy as np
import onnx
import pytest
from integer_networks import ADDITION, convolution, host_function, network
from onnx import TensorProto, helper
from plain_mappings import accelerator, one_tile

from naas_hw import api
from naas_hw.api.models import MODEL_FILE, find_model
from naas_hw.arch.files import write_accelerator
from naas_hw.arch.technology import MAESTRO
from naas_hw.compiler.lowering.lower import lower
from naas_hw.compiler.lowering.network import network_of
from naas_hw.core.errors import InputError
from naas_hw.graph.quantise.measured_accuracy import MeasuredAccuracy
from naas_hw.graph.quantised import QuantisedGraph, Sum, TransposedConvolution
from naas_hw.mapping.files import write_mappings
from naas_hw.report.memory import memory_figure
from naas_hw.report.network import (
    accuracy_sentence,
    graph_figure,
    host_table,
    network_section,
    network_simulation_sentence,
    share_sentence,
)
from naas_hw.report.page import key_figures, render_report
from naas_hw.report.svg import short
from naas_hw.runs.facts import NetworkSimulationRecord, read_run_facts
from naas_hw.runs.folder import RunFolder
from naas_hw.workload.files import write_network

IMAGE = (4, 3, 3)
BEAT = 4
EVIL = '</svg><script>window.hit = 1</script>"&'
MACS = 3 * 4 * 4 * 3 * 3  # of three layers with one by one kernels
LAYER = {
    "name": "conv_a", "ok": True, "status": "done", "predicted_cycles": 70, "simulated_cycles": 70,
    "output_mismatches": 0,
}  # fmt: skip
START = {
    "ok": True, "status": "done", "layers": ["conv_a"], "predicted_cycles": 35,
    "simulated_cycles": 35, "output_mismatches": 0,
}  # fmt: skip
SIMULATED = {
    "version": 1, "network": "net", "simulator": "icarus 12", "ok": True, "predicted_cycles": 70,
    "simulated_cycles": 70, "output_mismatches": 0, "layers": [LAYER],
}  # fmt: skip


def residual_network(kept: str = "a") -> QuantisedGraph:
    """Three convolutions, the first result added to the last, then an operator of the host."""
    softmax = replace(host_function("sum", "y", "softmax"), macs=100, reason="no <integer> form")
    return network(
        dict.fromkeys(("x", kept, "b", "c", "sum", "y"), IMAGE),
        convolution("x", kept, (4, 4, 1, 1)),
        convolution(kept, "b", (4, 4, 1, 1)),
        convolution("b", "c", (4, 4, 1, 1)),
        Sum(name="addition", inputs=("c", kept), output="sum", addition=ADDITION),
        softmax,
    )


def facts_of(graph, folder):
    lowered = lower(graph, beat_bytes=BEAT)
    mappings = {call.layer.name: one_tile(call.layer) for call in lowered.layer_calls}
    return read_run_facts(
        RunFolder(folder), accelerator(BEAT), network_of(lowered), mappings, MAESTRO,
        lowered=lowered,
    )  # fmt: skip


@pytest.fixture
def facts(tmp_path):
    return facts_of(residual_network(), tmp_path)


def texts(row) -> list[str]:
    return [cell.text for cell in row]


def test_the_share_of_the_host_counts_its_products(facts):
    sentence = share_sentence(facts.model)
    assert f"3 layers with {MACS:,} MACs, {MACS / (MACS + 100):.1%} of all" in sentence
    assert f"1 operator with 100 MACs ({100 / (MACS + 100):.1%})" in sentence
    table = host_table(facts.model)
    assert table is not None
    (row,) = table.rows
    assert texts(row) == ["host_y", "softmax", "100", "no <integer> form"]


def test_a_network_without_the_host_says_so(tmp_path):
    graph = network(
        dict.fromkeys(("x", "y"), IMAGE), convolution("x", "y", (4, 4, 1, 1))
    )  # fmt: skip
    facts = facts_of(graph, tmp_path)
    assert share_sentence(facts.model).endswith("nothing is left to the host.")
    assert host_table(facts.model) is None


def test_every_operator_is_in_the_table_and_what_was_folded_stands_at_its_layer(facts):
    figure = graph_figure(facts, facts.model)
    rows = {row[0].text: texts(row)[1:4] for row in figure.table.rows}
    assert rows == {
        "conv_a": ["convolution", "accelerator", "conv_a"],
        "conv_b": ["convolution", "accelerator", "conv_b"],
        "conv_c": ["convolution", "accelerator", "conv_c"],
        "addition": ["sum", "accelerator", "conv_c"],
        "host_y": ["softmax", "host", "–"],
    }
    assert "convolution + sum" in figure.picture
    assert "softmax: no &lt;integer&gt; form" in figure.picture


def test_the_cycles_and_the_energy_of_each_layer_stand_at_its_node(facts):
    picture = graph_figure(facts, facts.model).picture
    for one in facts.layers:
        assert f"{one.layer.name}: " in picture
        energy = f"{short(one.cost.energy_pj / 1e6)} µJ"
        assert f"; {one.cost.cycles:,} cycles, {energy}. Of " in picture
        assert f">{energy}</text>" in picture


def test_the_phases_of_an_operator_are_one_row(tmp_path):
    ones = np.ones(4, np.int32)
    up = TransposedConvolution(
        name="up", inputs=("x",), output="y", weights=np.ones((4, 4, 2, 2), np.int8), bias=ones,
        multiplier=ones << 30, shift=ones, stride=(2, 2),
    )  # fmt: skip
    graph = network({"x": IMAGE, "y": (4, 6, 6), "z": (4, 6, 6)}, up,
                    convolution("y", "z", (4, 4, 1, 1)))  # fmt: skip
    facts = facts_of(graph, tmp_path)
    picture = graph_figure(facts, facts.model).picture
    assert len(facts.layers) == 5
    assert picture.count("<title>") == 4  # x, up, conv_z, z
    spent = sum(one.cost.cycles for one in facts.layers[:4])
    assert f"transposed convolution, 4 layers → 4×3×3; {spent:,} cycles, " in picture
    assert picture.count('class="flow"') == 6  # from each to the next: a half and a half


def test_a_box_for_each_buffer_and_the_sum_beside_the_peak(facts):
    figure, plan = memory_figure(facts.model), facts.model.plan
    assert figure.picture.count("<title>") == len(plan.requests)
    assert f"{plan.peak_bytes:,} bytes; {plan.total_bytes:,}" in figure.caption
    purposes = {row[0].text: row[1].text for row in figure.table.rows}
    assert (purposes["x"], purposes["a"]) == ("input", "kept for a residual")
    lives = {row[0].text: row[4].text for row in figure.table.rows}
    assert lives["x"] == "from the start to call 1"
    assert lives["a"] == "from call 1 to call 3"


def test_the_accuracy_is_a_sentence_and_a_key_figure_or_said_to_be_unknown(facts):
    assert accuracy_sentence(facts.model).startswith("The accuracy of the network is not known")
    assert "accuracy" not in [tile.label for tile in key_figures(facts)]
    measured = MeasuredAccuracy(
        float_accuracy=0.98, integer_accuracy=0.97, num_samples=100, data="<digits>"
    )
    known = replace(facts, model=replace(facts.model, accuracy=measured))
    sentence = (
        "Accuracy: 97.00% in integers, 98.00% in float, on 100 values of &#39;&lt;digits&gt;&#39;."
    )
    assert sentence in render_report(known)
    (tile,) = [tile for tile in key_figures(known) if tile.label == "accuracy"]
    assert (tile.value, tile.note) == ("97.00%", "98.00% in float, on 100 values of '<digits>'")


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({}, "every output byte of every layer is equal to the integer reference, and so are the "
             "70 cycles to those that were predicted."),
        ({"starts": [START, START]}, "predicted. 2 starts ran as a whole, too, with the same "
                                     "result."),
        ({"ok": False, "simulated_cycles": 71, "output_mismatches": 2},
         "differs: 2 wrong bytes, 71 cycles, 70 predicted."),
    ],
)  # fmt: skip
def test_the_simulation_of_the_network_is_told(facts, change, expected):
    record = NetworkSimulationRecord.model_validate(SIMULATED | change)
    model = replace(facts.model, simulation=record)
    sentence = network_simulation_sentence(model)
    assert sentence.startswith("The whole network ran on the RTL in icarus 12")
    assert sentence.endswith(expected)


def test_what_differs_in_the_simulation_is_listed(facts):
    layer = LAYER | {"ok": False, "first_piece": "fill 3", "counts_that_differ": ["dram 1, not 2"]}
    record = NetworkSimulationRecord.model_validate(SIMULATED | {"ok": False, "layers": [layer]})
    section = network_section(facts, replace(facts.model, simulation=record))
    assert section.differences == (
        "conv_a: first piece that differs: fill 3",
        "conv_a: dram 1, not 2",
    )
    assert section.simulation is not None
    assert texts(section.simulation.rows[0]) == ["conv_a", "differs", "70", "70", "0"]


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"inputs": {"x": "cat.npy"}}, "in icarus 12, on cat.npy: every"),
        ({"seed": 3}, "in icarus 12, on numbers of seed 3: every"),
        ({"inputs": {"x": None}}, "in icarus 12: every"),
    ],
)
def test_the_simulation_names_what_the_network_read(facts, change, expected):
    record = NetworkSimulationRecord.model_validate(SIMULATED | change)
    assert expected in network_simulation_sentence(replace(facts.model, simulation=record))


def test_what_differs_in_a_whole_start_is_listed(facts):
    start = START | {"ok": False, "simulated_cycles": 36, "counts_that_differ": ["dram 1, not 2"]}
    record = NetworkSimulationRecord.model_validate(SIMULATED | {"starts": [START, start]})
    section = network_section(facts, replace(facts.model, simulation=record))
    assert section.differences == (
        "start 2: done, 36 cycles, 35 predicted, 0 wrong bytes",
        "start 2: dram 1, not 2",
    )


def test_without_a_model_the_section_shows_layers_only(facts):
    with_model, without = render_report(facts), render_report(replace(facts, model=None))
    for text in (with_model, without):
        assert text.count('<h2 id="network">') == text.count('"#network"') == 1
    assert "Memory over time" in with_model and "Memory over time" not in without
    assert "The layers of net" in without and "The layers of net" not in with_model


def test_names_of_the_model_are_text_whatever_they_say(tmp_path):
    page = render_report(facts_of(residual_network(kept=EVIL), tmp_path))
    assert "window.hit" in page
    assert page.count("<script>") == 1 and "<script>window" not in page


@pytest.mark.needs("chromium", "chromedriver")
def test_the_longest_names_stay_inside_the_pictures_on_a_phone(browser, tmp_path):
    page = tmp_path / "page.html"
    graph = residual_network(kept=EVIL + "M" * 100)
    page.write_text(render_report(facts_of(graph, tmp_path)), encoding="utf-8")
    browser.resize(360, 800)
    browser.open(page)
    assert browser.run("return [window.hit === undefined, document.body.scrollWidth]") == [
        True,
        360,
    ]
    assert browser.log("browser") == []
    leaves = """const leaves = text => {
        const box = text.getBoundingClientRect();
        const whole = text.ownerSVGElement.getBoundingClientRect();
        return box.left < whole.left - 1 || box.right > whole.right + 1;
    };
    const texts = [...document.querySelectorAll("svg text")];
    return [texts.length > 0, texts.filter(leaves).map(text => text.textContent)];"""
    assert browser.run(leaves) == [True, []]


# A run folder ------------------------------------------------------------------------------------


def float_model() -> onnx.ModelProto:
    shapes = {"w": (4, 3, 1, 1), "v": (5, 4, 2, 2)}
    nodes = [
        helper.make_node("Conv", ["x", "w"], ["a"], name="front"),
        helper.make_node("Relu", ["a"], ["b"], name="relu"),
        helper.make_node("Conv", ["b", "v"], ["y"], name="back"),
    ]
    weights = [
        helper.make_tensor(name, TensorProto.FLOAT, shape, [0.25, -0.5] * (prod(shape) // 2))
        for name, shape in shapes.items()
    ]
    graph = helper.make_graph(
        nodes,
        "small",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, (1, 3, 4, 4))],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, (1, 5, 3, 3))],
        weights,
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])


@pytest.fixture
def run(tmp_path):
    """What a search of a model would leave behind."""
    onnx.save(float_model(), tmp_path / "float.onnx")
    model = find_model(tmp_path / "float.onnx")
    layers = model.network(BEAT)
    folder = tmp_path / "run"
    folder.mkdir()
    write_accelerator(accelerator(BEAT), folder / "accelerator.yaml")
    write_network(layers, folder / "network.yaml")
    write_mappings({one.name: one_tile(one) for one in layers.layers}, folder / "mapping.yaml")
    (folder / MODEL_FILE).write_bytes(model.file)
    return folder


def test_the_report_of_a_run_reads_its_model_and_the_simulation_of_its_network(run):
    (run / "sim").mkdir()
    (run / "sim" / "network.json").write_text(json.dumps(SIMULATED))
    text = api.report(run).read_text(encoding="utf-8")
    assert "The accelerator runs 2 layers" in text
    assert "70 cycles to those that were predicted" in text
    assert "simulated by itself; the whole network was" in text


def test_a_model_of_another_design_is_refused(run):
    for name in ("network.yaml", "mapping.yaml"):
        text = (run / name).read_text()
        assert "back" in text
        (run / name).write_text(text.replace("back", "other"))
    with pytest.raises(InputError, match="has other layers on this accelerator than network.yaml"):
        api.report(run)
    assert not (run / "report.html").exists()
