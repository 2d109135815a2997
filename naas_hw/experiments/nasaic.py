"""One accelerator searched whole, beside a heterogeneous pair that shares its resources.

NASAIC runs the layers of a network on an NVDLA-like and a ShiDianNao-like array, each layer on one
of them. The pair here is of this template: each array has half of the PEs and of the global
buffers; as the layers of one image follow each other, one of the two works at a time, with all of
the bandwidth.
"""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from typing import Final

from naas_hw.arch.accelerator import Accelerator, Axis
from naas_hw.arch.budget import Budget, on_chip_bytes
from naas_hw.arch.presets import NVDLA_256, SHIDIANNAO
from naas_hw.core.errors import InputError
from naas_hw.search.accelerator.result import SearchResult
from naas_hw.search.accelerator.search import search
from naas_hw.search.accelerator.settings import SearchSettings
from naas_hw.search.mapping.layer_search import Choice, MappingResult
from naas_hw.search.mapping.network_search import (
    MappingSettings,
    anonymous,
    choose,
    front_of,
    submit_layers,
)
from naas_hw.search.objective import Objective, geometric_mean
from naas_hw.workload.layer import Activation, Kind, Layer
from naas_hw.workload.network import Network

NAAS: Final = {"EDP": 1.88, "latency": 3.75, "energy": 0.5}
"""Of NASAIC's by NAAS's, on the network that NASAIC found (Lin, Yang, Han: NAAS, DAC 2021: twice
the energy)."""

NUM_PES: Final = 128
BANK_BYTES: Final = 8192

NVDLA_LIKE: Final = NVDLA_256.accelerator.model_copy(
    update={
        "name": "nvdla-like",
        "axes": (Axis(dim="C", size=16), Axis(dim="K", size=8)),
        "bank_bytes": BANK_BYTES,
    }
)
SHIDIANNAO_LIKE: Final = SHIDIANNAO.accelerator.model_copy(
    update={
        "name": "shidiannao-like",
        "axes": (Axis(dim="P", size=16), Axis(dim="Q", size=8)),
        "bank_bytes": BANK_BYTES,
    }
)
PAIR: Final = (NVDLA_LIKE, SHIDIANNAO_LIKE)

PAIR_BUDGET: Final = Budget(
    name="pair",
    max_pes=sum(accelerator.num_pes for accelerator in PAIR),
    on_chip_bytes=sum(map(on_chip_bytes, PAIR)),
    beat_bytes=NVDLA_LIKE.beat_bytes,
    dram_latency_cycles=NVDLA_LIKE.dram_latency_cycles,
    source="half of nvdla-256 and an array of as many PEs like shidiannao's",
)


def _conv(name: str, kernels: int, channels: int, side: int) -> Layer:
    return Layer(
        name=name, K=kernels, C=channels, P=side, Q=side, R=3, S=3, height=side, width=side,
        padding=(1, 1), activation=Activation.RELU,
    )  # fmt: skip


RESNET9: Final = Network(
    name="resnet9_cifar10",
    layers=(
        _conv("prep", 64, 3, 32),
        _conv("layer1", 128, 64, 32),
        _conv("layer1.residual.0", 128, 128, 16),
        _conv("layer1.residual.1", 128, 128, 16),
        _conv("layer2", 256, 128, 16),
        _conv("layer3", 512, 256, 8),
        _conv("layer3.residual.0", 512, 512, 4),
        _conv("layer3.residual.1", 512, 512, 4),
        Layer(name="classifier", kind=Kind.LINEAR, K=10, C=512, height=1, width=1),
    ),
)
"""The ResNet of nine layers for images of 32 x 32 (D. Page, How to train your ResNet, 2018), whose
kind NASAIC searches for CIFAR-10; which one NASAIC found its paper's readers cannot rebuild."""


@dataclass(frozen=True, kw_only=True)
class PairResult:
    """A network on the pair: each layer on the array, and with the mapping, that suits all best.

    Members
    -------
    chosen : name of a layer -> array that runs it.
    """

    cycles: int
    energy_pj: float
    chosen: dict[str, Accelerator]


@dataclass(frozen=True, kw_only=True)
class PairComparison:
    """What a search found with the resources of the pair, and the pair, with one seed."""

    seed: int
    pair: PairResult
    result: SearchResult

    @property
    def latency_ratio(self) -> float:
        """Cycles of the pair divided by cycles of the searched accelerator."""
        return self.pair.cycles / self.result.networks[0].report.cycles

    @property
    def energy_ratio(self) -> float:
        """Energy of the pair divided by energy of the searched accelerator."""
        return self.pair.energy_pj / self.result.networks[0].report.energy_pj

    @property
    def edp_ratio(self) -> float:
        """EDP of the pair divided by EDP of the searched accelerator."""
        return self.latency_ratio * self.energy_ratio


def map_pair(
    pair: Sequence[Accelerator],
    network: Network,
    settings: MappingSettings,
    *,
    executor: Executor | None = None,
) -> PairResult:
    """The best that several arrays make of a network, one layer after the other.

    Raises
    ------
    InputError : a layer has no legal mapping on any of them.
    """
    layers = list(network.distinct_layers)
    pending = [submit_layers(executor, accelerator, layers, settings) for accelerator in pair]
    results = [[wait() for wait in waits] for waits in pending]
    merged: dict[Layer, MappingResult] = {}
    for place, layer in enumerate(layers):
        results_of_layer = [result[place] for result in results]
        legal = [result for result in results_of_layer if result is not None]
        if not legal:
            raise InputError(f"the arrays have no legal mapping of {layer.name}")
        best = min(
            (r.best for r in legal),
            key=lambda c: settings.objective.score(float(c.cycles), c.energy_pj),
        )
        choices = front_of([choice for result in legal for choice in result.choices])
        merged[anonymous(layer)] = replace(legal[0], best=best, choices=choices)
    chosen = choose([merged[anonymous(layer)] for layer in network.layers], settings.objective)
    places = {anonymous(layer): place for place, layer in enumerate(layers)}
    return PairResult(
        cycles=sum(choice.cycles for choice in chosen),
        energy_pj=sum(choice.energy_pj for choice in chosen),
        chosen={
            layer.name: _owner(pair, [r[places[anonymous(layer)]] for r in results], choice)
            for layer, choice in zip(network.layers, chosen, strict=True)
        },
    )


def _owner(
    pair: Sequence[Accelerator], results: Sequence[MappingResult | None], choice: Choice
) -> Accelerator:
    """The array whose mapping it is."""
    for accelerator, result in zip(pair, results, strict=True):
        if result is not None and (choice is result.best or choice in result.choices):
            return accelerator
    raise AssertionError("a choice must be of one of the arrays")


def measure_nasaic(
    settings: SearchSettings,
    seeds: Sequence[int],
    *,
    network: Network = RESNET9,
    executor: Executor | None = None,
    progress: Callable[[PairComparison], None] | None = None,
) -> list[PairComparison]:
    """A search, and the pair with as many evaluations as its final mappings, with each seed."""
    comparisons = []
    for seed in seeds:
        wanted = replace(settings, seed=seed, objective=Objective.EDP)
        result = search([network], PAIR_BUDGET, wanted, executor=executor)
        if result.interrupted:
            raise KeyboardInterrupt
        effort = wanted.final_settings(PAIR_BUDGET)
        pair = map_pair(PAIR, network, effort, executor=executor)
        comparisons.append(PairComparison(seed=seed, pair=pair, result=result))
        if progress is not None:
            progress(comparisons[-1])
    return comparisons


# Markdown ----------------------------------------------------------------------------------------


def nasaic_markdown(settings: SearchSettings, comparisons: Sequence[PairComparison]) -> str:
    """What is compared, a line a seed, and the means beside the paper's."""
    return "\n".join((*_head(settings), "", *_table(comparisons), "", *_means(comparisons)))


def _head(settings: SearchSettings) -> Iterator[str]:
    arrays = " and ".join(f"{a.array_text} ({a.global_buffer_bytes:,} bytes of L2)" for a in PAIR)
    yield (
        f"`{RESNET9.name}` ({RESNET9.num_macs / 1e6:,.0f} M MACs), batch 1. The pair: {arrays}, "
        "each layer on the one that suits the whole best, with searched mappings; layers follow "
        f"each other, so one array works at a time, with all of "
        f"{PAIR_BUDGET.beat_bytes} bytes a cycle. "
        f"Found: one accelerator with the resources of both ({PAIR_BUDGET.max_pes} PEs, "
        f"{PAIR_BUDGET.on_chip_bytes:,} bytes), {settings.population * settings.generations} "
        f"candidates of {settings.mapping_evaluations:,} mappings a layer. NASAIC's own network, "
        "arrays and cost model are others: its ratios are beside ours, not reproduced."
    )


def _table(comparisons: Sequence[PairComparison]) -> Iterator[str]:
    yield (
        "| seed | pair: cycles | energy, uJ | layers on each | found | cycles | energy, uJ | "
        "latency, pair by found | energy | EDP |"
    )
    yield "|---:|---:|---:|---|---|---:|---:|---:|---:|---:|"
    for comparison in comparisons:
        report = comparison.result.networks[0].report
        names = [array.name for array in comparison.pair.chosen.values()]
        split = ", ".join(f"{names.count(a.name)} {a.name}" for a in PAIR)
        yield (
            f"| {comparison.seed} | {comparison.pair.cycles:,} | "
            f"{comparison.pair.energy_pj / 1e6:,.1f} | {split} | "
            f"{comparison.result.accelerator.array_text} | {report.cycles:,} | "
            f"{report.energy_pj / 1e6:,.1f} | {comparison.latency_ratio:.2f} | "
            f"{comparison.energy_ratio:.2f} | "
            f"{comparison.edp_ratio:.2f} |"
        )


def _means(comparisons: Sequence[PairComparison]) -> Iterator[str]:
    latency = geometric_mean([comparison.latency_ratio for comparison in comparisons])
    energy = geometric_mean([comparison.energy_ratio for comparison in comparisons])
    yield (
        f"Geometric means over seeds: latency {latency:.2f} (NAAS beside NASAIC: "
        f"{NAAS['latency']}), energy {energy:.2f} ({NAAS['energy']}), EDP {latency * energy:.2f} "
        f"({NAAS['EDP']})."
    )
