"""Random triples of accelerator, layer and mapping.

Arrays of up to 256 PEs (large draws: 1,024), layers of the sizes that networks have, all mappings
that are legal. A
triple is rejected only for a rule of `mapping/legality.py`, or a dim on two axes; what takes too
long is shortened by shrinking the layer. Several triples share the hardware of one accelerator
(the memory outside is drawn for each), because a simulator builds longer than it runs. As long as
a bin of coverage is empty, draws are repeated until one falls into it.
"""

import sys
from collections import Counter
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from naas_hw.arch.accelerator import Accelerator
from naas_hw.arch.technology import SIZED
from naas_hw.compiler.layout import descriptor_beats
from naas_hw.cost.compiled.batch import evaluate_bounds, evaluate_exact
from naas_hw.cost.compiled.columns import STALL_NAMES
from naas_hw.cost.reference.recurrence import StallCycles, timeline_of
from naas_hw.mapping.geometry import ceil_div
from naas_hw.search.mapping.network_search import layer_generator
from naas_hw.sim.random_numbers import Generator, log_uniform, stratified
from naas_hw.verify.case import Case
from naas_hw.verify.coverage import (
    BINS,
    LARGE_BINS,
    LARGE_LATENCIES,
    LATENCIES,
    MAPPING_BINS,
    Size,
    bins_of,
    bins_of_run,
    count_bins,
)
from naas_hw.verify.random_accelerator import (
    SMALLEST_LAYER,
    moves_parts,
    stratified_accelerators,
)
from naas_hw.verify.random_layer import random_layer, smaller_layer, with_random_options
from naas_hw.verify.random_mapping import random_mappings
from naas_hw.workload.arithmetic.quantise import Tensors, random_quantised_layer
from naas_hw.workload.layer import Layer

CASES_PER_HARDWARE: Final = 4
FULL_COVERAGE_FROM: Final = 40
"""Cases from which on no bin is left empty."""

MAX_STEPS: Final = 20_000
_FEW_CYCLES: Final = 400
_WAITS_FOR_DRAM: Final = 8
_PERIODS: Final = (1, 1, 1, 1, 2, 3, 5, 14, 64)
_DESCRIPTOR_SHARE: Final = 4  # of the longest run, for the descriptor alone, is a quarter at most
_NUM_MAPPINGS: Final = 64  # drawn for a layer before it is shrunk
_NUM_CANDIDATES: Final = 4  # mappings of a layer that are looked at for a bin
_NUM_LAYERS: Final = 20  # drawn for a bin before another is tried
_NUM_SHRINKS: Final = 200  # of layers, before the smallest one is taken
_ANY_CYCLES: Final = sys.maxsize
_FREE_SHARE: Final = 0.5  # of the triples that are for no bin, once none is empty
_ENOUGH: Final = 2  # triples in each bin, from which on all are for no bin


@dataclass(frozen=True, kw_only=True)
class DrawnCase:
    """A triple, and the bins it falls into."""

    case: Case
    bins: frozenset[str]


@dataclass(frozen=True, kw_only=True)
class Draw:
    """All triples of a run.

    Parameters
    ----------
    groups : triples that share their hardware, together.
    rejections : illegal draws by the rule that they broke.
    size : of the draws; large ones have more bins.
    """

    groups: tuple[tuple[DrawnCase, ...], ...]
    rejections: dict[str, int]
    size: Size = Size.SMALL

    @property
    def cases(self) -> tuple[DrawnCase, ...]:
        """All triples, in order."""
        return tuple(drawn for group in self.groups for drawn in group)

    @property
    def coverage(self) -> dict[str, int]:
        """How many triples fall into each bin."""
        names = BINS if self.size is Size.SMALL else LARGE_BINS
        return count_bins((drawn.bins for drawn in self.cases), names)


@dataclass(frozen=True, kw_only=True)
class _Candidate:
    """A triple, and the bins that show without its tensors."""

    case: Case
    bins: frozenset[str]


@dataclass
class _Progress:
    """What is still to be covered, and what was rejected."""

    seed: int
    filled: Counter[str] = field(default_factory=Counter)
    rejections: Counter[str] = field(default_factory=Counter)


def tensors_of(index: int, size: Size) -> Tensors:
    """The kind of the tensors of a triple: in large draws every other has extreme ones."""
    return Tensors.EXTREME if size is Size.LARGE and index % 2 else Tensors.SPREAD


def draw_cases(num_cases: int, seed: int, *, max_cycles: int, size: Size = Size.SMALL) -> Draw:
    """So many triples, each of at most `max_cycles` predicted cycles; the same for the same seed.

    From `FULL_COVERAGE_FROM` triples on every bin holds at least one: a draw that leaves one empty
    is repeated as a whole, from the next stream of the same seed.
    """
    for stream in np.random.SeedSequence(seed).spawn(1000):
        draw = _draw_all(num_cases, seed, np.random.default_rng(stream), max_cycles, size)
        if num_cases < FULL_COVERAGE_FROM or all(draw.coverage.values()):
            return draw
    raise AssertionError("no draw of a thousand covers every bin")


def _draw_all(num_cases: int, seed: int, rng: Generator, max_cycles: int, size: Size) -> Draw:
    progress = _Progress(seed)
    num_groups = ceil_div(num_cases, CASES_PER_HARDWARE)
    hardware = stratified_accelerators(num_groups, rng, progress.rejections, size)
    latencies = stratified(rng, LATENCIES if size is Size.SMALL else LARGE_LATENCIES, num_cases)
    groups = []
    for index, accelerator in enumerate(hardware):
        first = index * CASES_PER_HARDWARE
        count = min(CASES_PER_HARDWARE, num_cases - first)
        groups.append(
            tuple(
                _draw_for(
                    accelerator,
                    latencies[first + i],
                    rng,
                    progress,
                    max_cycles,
                    tensors_of(first + i, size),
                )
                for i in range(count)
            )
        )
    return Draw(
        groups=tuple(groups), rejections=dict(sorted(progress.rejections.items())), size=size
    )


def _draw_for(
    hardware: Accelerator,
    latencies: tuple[int, int],
    rng: Generator,
    progress: _Progress,
    max_cycles: int,
    tensors: Tensors,
) -> DrawnCase:
    """A triple on this hardware; one that falls into a missing bin if such a one is found."""
    accelerator = hardware.model_copy(
        update={
            "dram_latency_cycles": log_uniform(rng, *latencies),
            "dram_beat_period_cycles": _random_period(hardware, rng, max_cycles),
        }
    )
    missing = {name for name in BINS if not progress.filled[name]}
    wanted = _wish(accelerator, rng, progress.filled)
    best: tuple[tuple[bool, int], _Candidate] | None = None
    for _ in range(_NUM_LAYERS):
        for candidate in _candidates(accelerator, rng, progress.rejections, max_cycles):
            score = (wanted in candidate.bins, len(candidate.bins & missing))
            if best is None or score > best[0]:
                best = (score, candidate)
        if best is not None and (wanted is None or best[0][0]):
            break
    assert best is not None
    drawn = _drawn(best[1], progress.seed, tensors)
    progress.filled.update(drawn.bins)
    return drawn


def _random_period(hardware: Accelerator, rng: Generator, max_cycles: int) -> int:
    """Cycles from beat to beat; so few that most of a run is not the descriptor."""
    longest = max_cycles // (_DESCRIPTOR_SHARE * descriptor_beats(hardware))
    return int(rng.choice([period for period in _PERIODS if period <= max(1, longest)]))


def _wish(accelerator: Accelerator, rng: Generator, filled: Counter[str]) -> str | None:
    """A bin that this hardware can fall into: an empty one, else at times a least filled one."""
    if moves_parts(accelerator) and filled["sums_in_parts"] < _ENOUGH:
        return "sums_in_parts"
    least = min(filled[name] for name in MAPPING_BINS)
    if least >= _ENOUGH or (least > 0 and rng.random() < _FREE_SHARE):
        return None
    wishes = [name for name in MAPPING_BINS if filled[name] == least]
    return wishes[int(rng.integers(len(wishes)))]


def _drawn(candidate: _Candidate, seed: int, tensors: Tensors) -> DrawnCase:
    case = candidate.case
    generator = layer_generator(seed, case.accelerator, case.layer)
    quantised = random_quantised_layer(case.layer, generator, tensors)
    timeline = timeline_of(case.geometry)
    more = bins_of_run(case, timeline, quantised, extreme=tensors is Tensors.EXTREME)
    return DrawnCase(case=case, bins=candidate.bins | more)


def _candidates(
    accelerator: Accelerator, rng: Generator, rejections: Counter[str], max_cycles: int
) -> list[_Candidate]:
    """Triples with one new layer, shrunk until it has a mapping that is short enough.

    Where no layer has one, the smallest layer is taken, which every random accelerator can run.
    """
    limit = log_uniform(rng, _shortest_limit(accelerator, max_cycles), max_cycles)
    layer = _layer_for(accelerator, rng)
    for _ in range(_NUM_SHRINKS):
        candidates: list[_Candidate] = []
        if not _surely_too_long(accelerator, layer, limit):
            candidates = _mapped(accelerator, layer, rng, rejections, limit)
        smaller = smaller_layer(layer, rng)
        if not candidates and smaller == layer:
            candidates = _mapped(accelerator, layer, rng, rejections, max_cycles)
            smaller = _layer_for(accelerator, rng)
        if candidates:
            return candidates
        layer = smaller
    return _mapped(accelerator, SMALLEST_LAYER, rng, rejections, _ANY_CYCLES)


def _layer_for(accelerator: Accelerator, rng: Generator) -> Layer:
    """A layer that needs no hardware that is not there."""
    return with_random_options(random_layer(rng), accelerator.options, rng.spawn(1)[0])


def _shortest_limit(accelerator: Accelerator, max_cycles: int) -> int:
    """Cycles in which more than the smallest layer can be done on this accelerator."""
    descriptor = descriptor_beats(accelerator) * accelerator.dram_beat_period_cycles
    waits = _WAITS_FOR_DRAM * accelerator.dram_latency_cycles
    return min(2 * descriptor + waits + _FEW_CYCLES, max_cycles)


def _surely_too_long(accelerator: Accelerator, layer: Layer, limit: int) -> bool:
    pixels = layer.height * layer.width
    return layer.num_macs > limit * accelerator.num_pes or pixels > 4 * limit


def _mapped(
    accelerator: Accelerator, layer: Layer, rng: Generator, rejections: Counter[str], limit: int
) -> list[_Candidate]:
    """A few legal mappings of at most `limit` cycles."""
    batch = random_mappings(accelerator, layer, rng, rejections, count=_NUM_MAPPINGS)
    if not len(batch):
        return []
    report = evaluate_bounds(accelerator, layer, batch, SIZED)
    short = np.flatnonzero(report.legal & (report.cycles_bound <= limit))[:_NUM_CANDIDATES]
    candidates = []
    for index in map(int, short):
        case = Case(accelerator=accelerator, layer=layer, mapping=batch.mapping(index))
        if case.geometry.num_steps > MAX_STEPS:
            continue
        exact = evaluate_exact(accelerator, layer, batch, [index], SIZED)
        if exact.cycles[0] <= limit:
            stalls = StallCycles(**dict(zip(STALL_NAMES, map(int, exact.stalls[0]), strict=True)))
            candidates.append(_Candidate(case=case, bins=bins_of(case, stalls)))
    return candidates
