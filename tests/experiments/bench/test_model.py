"""`naas bench model`: what it measures is what it says it measures."""

import json

import numpy as np
import pytest

from naas_hw.arch.accelerator import Accelerator, Axis
from naas_hw.arch.technology import SIZED
from naas_hw.cli import main
from naas_hw.core.errors import InputError
from naas_hw.cost.compiled.batch import evaluate_bounds
from naas_hw.experiments.bench import model
from naas_hw.experiments.bench.compare import compare
from naas_hw.experiments.bench.draw import draw
from naas_hw.experiments.bench.model import bench_model
from naas_hw.workload.layer import Layer
from naas_hw.workload.network import Network

LAYER = Layer(name="a", K=8, C=8, P=6, Q=6, R=3, S=3, height=6, width=6, padding=(1, 1))
NETWORK = Network(
    name="net",
    layers=(LAYER, LAYER.renamed("b"), Layer(name="c", K=8, C=8, P=6, Q=6, height=6, width=6)),
)
ACCELERATOR = Accelerator(
    name="small",
    axes=(Axis(dim="K", size=2), Axis(dim="P", size=2)),
    weight_buffer_bytes=64,
    input_buffer_bytes=64,
    accumulator_words=32,
    num_banks=8,
    bank_bytes=1024,
    scale_depth=64,
    beat_bytes=8,
)


@pytest.fixture(autouse=True)
def short_search(monkeypatch):
    """The search whose exact evaluations are counted is a short one."""
    monkeypatch.setattr(model, "SEARCH_EVALUATIONS", 60)


def test_what_is_drawn_is_legal_and_comes_from_points():
    """Every point decodes to a legal mapping; as many were drawn as the share says."""
    drawn = draw(ACCELERATOR, LAYER, 50, np.random.default_rng(0))
    assert drawn.genes.shape == (50, drawn.encoding.num_genes)
    assert evaluate_bounds(ACCELERATOR, LAYER, drawn.batch, SIZED).legal.all()
    assert drawn.num_points >= 50


def test_figures():
    """Equal layers are measured once; nothing differs; the ratios are of the rates beside them."""
    assert [layer.name for layer in NETWORK.distinct_layers] == ["a", "c"]
    found = bench_model(NETWORK, ACCELERATOR, SIZED, num_bounds=40, num_exact=10)
    figures = json.loads(json.dumps(found.figures))
    assert figures["max_difference_to_reference"] == 0
    assert figures["max_energy_difference"] < 1e-12
    assert figures["num_compared"] == 4
    assert (figures["num_bounds"], figures["num_exact"], figures["num_layers"]) == (80, 20, 2)
    assert figures["bounds_ratio"] == pytest.approx(
        figures["bounds_per_cpu_second"] / figures["reference_bounds_per_cpu_second"]
    )
    assert figures["exact_ratio"] == pytest.approx(
        figures["compared_exact_per_cpu_second"] / figures["reference_exact_per_cpu_second"]
    )
    assert 0 < figures["share_exact_in_search"] < 1
    assert 0 <= figures["mean_gap"] <= figures["max_gap"]


def test_a_difference_is_seen(monkeypatch):
    """A recurrence that says another time makes the difference not zero, and the status 1."""
    drawn = [draw(ACCELERATOR, LAYER, 5, np.random.default_rng(0))]
    assert compare(drawn, SIZED).max_difference_to_reference == 0
    monkeypatch.setattr("naas_hw.experiments.bench.compare.list_end", lambda *_, **__: 0)
    assert compare(drawn, SIZED).max_difference_to_reference > 0


def test_wrong_numbers():
    """More exact figures than mappings, or none, are refused."""
    with pytest.raises(InputError, match="num_exact must be 1 to 5, the bounds, not 6"):
        bench_model(NETWORK, ACCELERATOR, SIZED, num_bounds=5, num_exact=6)


def test_command(tmp_path, monkeypatch, capsys):
    """Prints JSON, exit status 0; 1 if a number differs."""
    network, accelerator = tmp_path / "network.yaml", tmp_path / "accelerator.yaml"
    network.write_text(
        "version: 1\nname: net\nlayers:\n"
        "  - {name: a, K: 4, C: 4, P: 4, Q: 4, R: 3, S: 3, height: 4, width: 4, padding: [1, 1]}\n"
    )
    accelerator.write_text(
        "version: 1\nname: small\naxes: [{dim: K, size: 2}]\nweight_buffer_bytes: 64\n"
        "input_buffer_bytes: 64\naccumulator_words: 32\nnum_banks: 8\nbank_bytes: 1024\n"
        "scale_depth: 64\nbeat_bytes: 8\n"
    )
    command = ["bench", "model", str(network), "--accelerator", str(accelerator)]
    command += ["--bounds", "20", "--exact", "5"]
    assert main([*command, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["max_difference_to_reference"] == 0
    monkeypatch.setattr("naas_hw.experiments.bench.compare.list_end", lambda *_, **__: 0)
    assert main(command) == 1
    assert "difference" in capsys.readouterr().out
