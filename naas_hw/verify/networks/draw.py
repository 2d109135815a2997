"""Random networks on a few random designs, until no bin of coverage is empty."""

from collections import Counter
from collections.abc import Mapping as AbstractMapping
from dataclasses import dataclass, field, replace
from typing import Final

import numpy as np

from naas_hw.arch.accelerator import Accelerator
from naas_hw.arch.technology import SIZED
from naas_hw.compiler.lowering.values import LoweredNetwork
from naas_hw.core.errors import InputError
from naas_hw.cost.evaluate import evaluate
from naas_hw.graph.random_graph import bins_of, random_graph, random_inputs
from naas_hw.mapping.mapping import Mapping
from naas_hw.sim.random_numbers import Generator, log_uniform, stratified
from naas_hw.verify.coverage import LATENCIES, count_bins
from naas_hw.verify.networks.case import NetworkCase, random_mappings_of
from naas_hw.verify.networks.coverage import CALL_BINS, GRAPH_BINS, NETWORK_BINS, network_bins
from naas_hw.verify.networks.designs import MAX_DESIGNS, draw_designs

FULL_COVERAGE_FROM: Final = 40
"""Cases from which on no bin is left empty."""

_PERIODS: Final = (1, 1, 1, 2, 3)
_NUM_GRAPHS: Final = 200  # drawn for a bin of the graph before another one is taken
_NUM_TRIES: Final = 12  # lowered and mapped for a bin
_ENOUGH: Final = 2  # cases in each bin, from which on all are for no bin
_MACS_PER_CYCLE: Final = 4  # at least, of what is mapped at all


@dataclass(frozen=True, kw_only=True, eq=False)
class DrawnNetwork:
    """A case, the bins it falls into, and the number of its design."""

    case: NetworkCase
    bins: frozenset[str]
    design: int
    index: int


@dataclass(frozen=True, kw_only=True, eq=False)
class NetworkDraw:
    """All cases of a run.

    Parameters
    ----------
    rejections : networks that were drawn and not taken, by the reason.
    """

    cases: tuple[DrawnNetwork, ...]
    rejections: dict[str, int]

    @property
    def coverage(self) -> dict[str, int]:
        """How many cases fall into each bin."""
        return count_bins((drawn.bins for drawn in self.cases), NETWORK_BINS)

    @property
    def groups(self) -> list[list[DrawnNetwork]]:
        """Cases that share a design, together."""
        designs = sorted({drawn.design for drawn in self.cases})
        return [[drawn for drawn in self.cases if drawn.design == one] for one in designs]


@dataclass
class _DrawProgress:
    seed: int
    max_cycles: int
    rng: Generator
    filled: Counter[str] = field(default_factory=Counter)
    rejections: Counter[str] = field(default_factory=Counter)


def draw_networks(num_cases: int, seed: int, *, max_cycles: int) -> NetworkDraw:
    """So many cases, each of at most `max_cycles` predicted cycles; the same for the same seed.

    From `FULL_COVERAGE_FROM` cases on every bin holds at least one: a draw that leaves one empty is
    repeated as a whole, from the next stream of the same seed.
    """
    for stream in np.random.SeedSequence(seed).spawn(100):
        progress = _DrawProgress(
            seed=seed, max_cycles=max_cycles, rng=np.random.default_rng(stream)
        )
        draw = _draw_all(num_cases, progress)
        if num_cases < FULL_COVERAGE_FROM or all(draw.coverage.values()):
            return draw
    raise AssertionError("no draw of a hundred covers every bin")


def _draw_all(num_cases: int, progress: _DrawProgress) -> NetworkDraw:
    rng = progress.rng
    designs = draw_designs(min(num_cases, MAX_DESIGNS), rng)
    latencies = stratified(rng, LATENCIES, num_cases)
    cases = []
    for index in range(num_cases):
        number = index % len(designs)
        memory = {
            "dram_latency_cycles": log_uniform(rng, *latencies[index]),
            "dram_beat_period_cycles": int(rng.choice(_PERIODS)),
        }
        accelerator = designs[number].model_copy(update=memory)
        is_whole = bool((index + index // len(designs)) % 2)
        case, bins = _draw_for(accelerator, progress, is_whole=is_whole)
        progress.filled.update(bins)
        cases.append(DrawnNetwork(case=case, bins=bins, design=number, index=index))
    return NetworkDraw(cases=tuple(cases), rejections=dict(sorted(progress.rejections.items())))


def _draw_for(
    accelerator: Accelerator, progress: _DrawProgress, *, is_whole: bool
) -> tuple[NetworkCase, frozenset[str]]:
    """A case on this accelerator, which falls into a missing bin if such a one is found."""
    missing = {name for name in NETWORK_BINS if not progress.filled[name]}
    wanted = _wish(progress)
    best: tuple[tuple[bool, int], NetworkCase, frozenset[str]] | None = None
    tries = 0
    while best is None or tries < _NUM_TRIES:
        tries += 1
        case, bins = _one(accelerator, wanted, progress, is_whole=is_whole)
        score = (wanted in bins, len(bins & missing))
        if best is None or score > best[0]:
            best = (score, case, bins)
        if wanted is None or best[0][0]:
            break
    return best[1], best[2]


def _wish(progress: _DrawProgress) -> str | None:
    """One of the bins that hold least, while not all have enough."""
    names = (*GRAPH_BINS, *CALL_BINS)
    least = min(progress.filled[name] for name in names)
    if least >= _ENOUGH:
        return None
    wishes = [name for name in names if progress.filled[name] == least]
    return wishes[int(progress.rng.integers(len(wishes)))]


def _one(
    accelerator: Accelerator, wanted: str | None, progress: _DrawProgress, *, is_whole: bool
) -> tuple[NetworkCase, frozenset[str]]:
    """A case that is short enough, of a network with the wanted bin if it shows in the network.

    One that cannot be lowered is a case, too: running it tells of the fault.
    """
    while True:
        case = _drawn(accelerator, wanted, progress, is_whole=is_whole)
        try:
            lowered = case.lowered()
        except Exception:
            return case, frozenset()
        if not lowered.layer_calls:
            progress.rejections["no layer"] += 1
            continue
        if _macs(lowered) > _MACS_PER_CYCLE * progress.max_cycles:
            progress.rejections["too long"] += 1
            continue
        try:
            case = replace(case, mappings=random_mappings_of(progress.seed, accelerator, lowered))
        except InputError:
            progress.rejections["no mapping"] += 1
            continue
        if _cycles(accelerator, lowered, case.mappings) > progress.max_cycles:
            progress.rejections["too long"] += 1
            continue
        return case, network_bins(case, lowered)


def _drawn(
    accelerator: Accelerator, wanted: str | None, progress: _DrawProgress, *, is_whole: bool
) -> NetworkCase:
    for _ in range(_NUM_GRAPHS):
        graph = random_graph(int(progress.rng.integers(1 << 62)))
        if wanted not in GRAPH_BINS or wanted in bins_of(graph):
            break
    return NetworkCase(
        accelerator=accelerator,
        graph=graph,
        mappings={},
        inputs=random_inputs(graph, progress.rng),
        is_whole=is_whole,
    )


def _macs(lowered: LoweredNetwork) -> int:
    return sum(call.layer.num_macs for call in lowered.layer_calls)


def _cycles(
    accelerator: Accelerator, lowered: LoweredNetwork, mappings: AbstractMapping[str, Mapping]
) -> int:
    return sum(
        evaluate(accelerator, call.layer, mappings[call.layer.name], SIZED).cycles
        for call in lowered.layer_calls
    )
