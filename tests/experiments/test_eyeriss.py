"""The Eyeriss chip beside its preset and *folded*: published figures, ratios, and words."""

from pathlib import Path

import pytest

import naas_hw
from naas_hw.arch.accelerator import Axis
from naas_hw.arch.presets import EYERISS
from naas_hw.arch.technology import SIZED
from naas_hw.cli import main
from naas_hw.experiments import eyeriss as eyeriss_table
from naas_hw.experiments.eyeriss import eyeriss_markdown, measure_eyeriss
from naas_hw.experiments.eyeriss_chip import (
    ALEXNET,
    ALEXNET_LAYERS,
    CLOCK_HZ,
    NUM_PES,
    VGG16,
    ChipNetwork,
    PublishedLayer,
    vgg16_layers,
)
from naas_hw.search import MappingSettings, Objective
from naas_hw.workload.layer import Layer
from naas_hw.workload.network import Network

SETTINGS = MappingSettings(
    objective=Objective.LATENCY, table=SIZED, evaluations=20, proof_evaluations=0
)
TINY = Network(
    name="tiny",
    layers=(
        Layer(name="A", K=4, C=8, P=5, Q=5, height=5, width=5),
        Layer(name="B", K=4, C=8, P=5, Q=5, height=5, width=5, groups=2),
    ),
)


def published(*milliseconds):
    return ChipNetwork(
        name="Tiny",
        batch=2,
        mean_active_pes=16,
        layers=tuple(
            PublishedLayer(name=name, processing_ms=ms, active_pes=15 + place)
            for place, (name, ms) in enumerate(zip("AB", milliseconds, strict=True))
        ),
    )


@pytest.fixture
def small_chip(monkeypatch):
    """Sixteen PEs, so that there are few arrays."""
    axes = (Axis(dim="R", size=4), Axis(dim="P", size=4))
    accelerator = EYERISS.accelerator.model_copy(update={"axes": axes})
    chip = EYERISS.model_copy(update={"accelerator": accelerator})
    monkeypatch.setattr(eyeriss_table, "EYERISS", chip)
    return chip


def cells(text, first):
    rows = [line.strip("| ").split(" | ") for line in text.splitlines() if line.startswith("| ")]
    (found,) = [row for row in rows if row[0] == first]
    return found


def test_the_layers_have_the_published_multiplications():
    """Giga MACs of the whole batch, Table V; and 15.3 of an image for VGG16."""
    giga_macs = [round(4 * layer.num_macs / 1e9, 3) for layer in ALEXNET_LAYERS.layers]
    assert giga_macs == pytest.approx([0.42, 0.90, 0.60, 0.45, 0.30], abs=0.006)
    assert vgg16_layers().num_macs == pytest.approx(15.3e9, rel=0.005)


@pytest.mark.parametrize(
    ("chip", "network", "most"), [(ALEXNET, ALEXNET_LAYERS, 2), (VGG16, vgg16_layers(), 16)]
)
def test_published_times_are_no_less_than_the_pes_at_work_allow(chip, network, most):
    assert [row.name for row in chip.layers] == [layer.name for layer in network.layers]
    for row, layer in zip(chip.layers, network.layers, strict=True):
        assert 0 < row.active_pes <= NUM_PES
        least = layer.num_macs / row.active_pes
        assert least <= chip.cycles(row) <= most * least


def test_the_published_sum_is_that_of_the_rows():
    """M cycles of an image: 5.15 for AlexNet, 250 for VGG16."""
    sums = [sum(map(chip.cycles, chip.layers)) / 1e6 for chip in (ALEXNET, VGG16)]
    assert sums == pytest.approx([5.15, 250.35], abs=0.005)


def test_the_table_has_chip_preset_and_folded_and_ratios_of_them(small_chip):
    slow, fast = 1.0, 1e-6
    chip = published(slow, fast)
    (entry,) = measure_eyeriss([(chip, TINY)], SETTINGS)
    text = eyeriss_markdown(SETTINGS, [entry])
    preset, folded = entry.preset.report.layers, entry.folded.report.layers
    first = cells(text, "A")
    assert first[1] == "1" and cells(text, "B")[1] == "2"
    assert first[3:5] == ["15", f"{slow * 1e-3 * CLOCK_HZ / 2 / 1e6:.2f}"]
    assert (
        first[6] == f"{preset[0].cycles / 1e6:.2f}" and first[9] == f"{folded[0].cycles / 1e6:.2f}"
    )
    assert first[7] == " x ".join(f"{a.dim} {a.size}" for a in entry.folded.arrays["A"].axes)
    assert int(first[5]) <= 4  # one row of four: R = 1
    assert int(first[5]) < int(first[8]) <= small_chip.accelerator.num_pes
    sums = [sum(layer.cycles for layer in layers) for layers in (preset, folded)]
    chip_cycles = sum(map(chip.cycles, chip.layers))
    assert f"The preset needs {sums[0] / chip_cycles:.2f} times" in text
    assert f"*folded* {sums[1] / chip_cycles:.2f} times" in text


def test_the_section_is_made_again_by_the_command_above_it(small_chip, monkeypatch, tmp_path):
    chips = ((published(1.0, 1.0), TINY),)
    monkeypatch.setattr(eyeriss_table, "chip_networks", lambda: chips)
    document, keep = tmp_path / "results.md", str(tmp_path / "kept")
    words = ["reproduce", "eyeriss", "--evaluations", "20", "--processes", "1", "--keep", keep]
    assert main([*words, "--into", str(document)]) == 0
    text = document.read_text()
    assert "naas reproduce eyeriss --evaluations 20 --seed 0" in text
    assert main([*words, "--into", str(document)]) == 0
    assert document.read_text() == text


@pytest.mark.parametrize("words", ["straw m", "MAESTRO's energies", "paper's energies"])
def test_no_text_praises_a_baseline_or_takes_constants_for_a_model(words):
    """A baseline is described by figures; MAESTRO's constants are not what MAESTRO would say."""
    root = Path(naas_hw.__file__).parent
    texts = [*root.rglob("*.py"), *(root.parent / "docs").glob("*.md"), root.parent / "README.md"]
    assert [path for path in texts if words in path.read_text(encoding="utf-8")] == []
