"""AlexNet and VGG16 layer by layer: the Eyeriss chip as published, its preset, and *folded*.

It says how good a picture of the chip the baselines are that speed-ups are measured from.
"""

from collections.abc import Iterator, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from pathlib import Path

from naas_hw.arch.accelerator import Accelerator
from naas_hw.arch.presets import EYERISS
from naas_hw.experiments.eyeriss_chip import (
    ALEXNET,
    ALEXNET_LAYERS,
    CLOCK_HZ,
    NUM_PES,
    VGG16,
    ChipNetwork,
    vgg16_layers,
)
from naas_hw.experiments.markdown import row
from naas_hw.experiments.resumable_searches import kept_baseline
from naas_hw.mapping.geometry import Geometry
from naas_hw.search.accelerator.folded import FoldedResult
from naas_hw.search.mapping.network_search import MappingSettings, NetworkResult
from naas_hw.workload.network import Network


@dataclass(frozen=True, kw_only=True)
class ChipComparison:
    """A network on the chip, on the preset with searched mappings, and on *folded*."""

    published: ChipNetwork
    preset: NetworkResult
    folded: FoldedResult


def chip_networks() -> tuple[tuple[ChipNetwork, Network], ...]:
    """What the chip's publication gives figures of, and the same layers in this template."""
    return (ALEXNET, ALEXNET_LAYERS), (VGG16, vgg16_layers())


def measure_eyeriss(
    networks: Sequence[tuple[ChipNetwork, Network]],
    settings: MappingSettings,
    *,
    keep: Path | None = None,
    executor: Executor | None = None,
) -> list[ChipComparison]:
    """Map the networks to the preset, and to the best arrays of the chip's network.

    Raises
    ------
    InputError : as of `kept_baseline`.
    """
    comparisons = []
    for published, network in networks:
        baseline = kept_baseline(EYERISS, network, settings, keep, executor=executor)
        assert baseline.folded is not None
        comparisons.append(
            ChipComparison(published=published, preset=baseline.searched, folded=baseline.folded)
        )
    return comparisons


# Markdown ----------------------------------------------------------------------------------------


def eyeriss_markdown(settings: MappingSettings, compared: Sequence[ChipComparison]) -> str:
    """The section of a document, figures and all."""
    parts = [
        f"What the Eyeriss chip needed for an image at {CLOCK_HZ / 1e6:.0f} MHz (Chen et al., JSSC "
        "2017, Tables V and VI: processing latency of a batch by its images, PEs at work), beside "
        "the preset `eyeriss` with its fastest mappings, and beside *folded*. Searched for cycles, "
        f"{settings.evaluations:,} mappings a layer and array, then branch and bound; seed "
        f"{settings.seed}. PEs at work are those that a mapping uses, of {NUM_PES}. M cycles of "
        "one image; a network's are the sum of its layers'.",
    ]
    for entry in compared:
        parts += [f"### {entry.published.name}", "\n".join(_table(entry)), _summary(entry)]
    return "\n\n".join(parts)


def _table(entry: ChipComparison) -> Iterator[str]:
    yield row(
        *("layer", "groups", "M MACs", "chip: PEs", "M cycles"),
        *("preset: PEs", "M cycles", "folded: array", "PEs", "M cycles", "chip / folded"),
    )
    yield "|---|---:|---:|---:|---:|---:|---:|---|---:|---:|---:|"
    for place, (name, chip, preset, folded) in enumerate(_cycles(entry)):
        layer = entry.preset.network.layers[place]
        array = entry.folded.arrays[name]
        yield row(
            *(name, str(layer.groups), f"{layer.num_macs / 1e6:,.1f}"),
            *(str(entry.published.layers[place].active_pes), _millions(chip)),
            *(str(_pes_used(EYERISS.accelerator, entry.preset, place)), _millions(preset)),
            *(array.array_text, str(_pes_used(array, entry.folded, place)), _millions(folded)),
            f"{chip / folded:.2f}",
        )
    chip, preset, folded = _totals(entry)
    network = entry.preset.network
    yield row(
        *("all", "", f"{network.num_macs / 1e6:,.1f}"),
        *(f"{entry.published.mean_active_pes} (mean)", _millions(chip)),
        *("", _millions(preset), "", "", _millions(folded), f"{chip / folded:.2f}"),
    )


def _cycles(entry: ChipComparison) -> Iterator[tuple[str, float, int, int]]:
    """Name of a layer, and its cycles on the chip, the preset and *folded*."""
    rows = zip(
        entry.published.layers, entry.preset.report.layers, entry.folded.report.layers, strict=True
    )
    for chip, preset, folded in rows:
        yield chip.name, entry.published.cycles(chip), preset.cycles, folded.cycles


def _totals(entry: ChipComparison) -> tuple[float, int, int]:
    """Sums over the layers: chip, preset, *folded*."""
    rows = list(_cycles(entry))
    return sum(r[1] for r in rows), sum(r[2] for r in rows), sum(r[3] for r in rows)


def _pes_used(array: Accelerator, result: NetworkResult, place: int) -> int:
    layer = result.network.layers[place]
    mapping = result.mappings[layer.name]
    return Geometry(accelerator=array, layer=layer, mapping=mapping).pes_used


def _millions(cycles: float) -> str:
    return f"{cycles / 1e6:,.2f}"


def _summary(entry: ChipComparison) -> str:
    chip, preset, folded = _totals(entry)
    return (
        f"The preset needs {preset / chip:.2f} times the cycles of the chip, *folded* "
        f"{folded / chip:.2f} times."
    )
