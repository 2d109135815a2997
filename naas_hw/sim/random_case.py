"""Random triples of accelerator, layer and mapping out of the whole legal space.

A triple is rejected only for a rule of `mapping/legality.py`, or a dim on two axes; what takes too
long is shortened by shrinking the layer. Several triples share the hardware of one accelerator
(the memory outside is drawn for each), because a simulator builds longer than it runs. As long as
a bin of coverage is empty, draws are repeated until one falls into it.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from math import gcd, prod
from typing import Final, TypeVar

import numpy as np
from numpy.typing import NDArray

from naas_hw.arch.accelerator import Accelerator, Axis
from naas_hw.arch.technology import SIZED
from naas_hw.cost.compiled import (
    RULES,
    STALL_NAMES,
    MappingBatch,
    evaluate_bounds,
    evaluate_exact,
)
from naas_hw.cost.random_case import Case
from naas_hw.cost.recurrence import Stalls, timeline_of
from naas_hw.mapping.descriptor import descriptor_beats
from naas_hw.mapping.geometry import ceil_div
from naas_hw.mapping.legality import violations
from naas_hw.mapping.mapping import Mapping
from naas_hw.search.network_search import layer_generator
from naas_hw.sim.coverage import (
    BEATS,
    BINS,
    LATENCIES,
    MAPPING_BINS,
    bins_of,
    bins_of_run,
    count_bins,
)
from naas_hw.workload.layer import DIMS, Activation, Dim, Kind, Layer
from naas_hw.workload.quantise import random_quantised_layer

CASES_PER_HARDWARE: Final = 4
FULL_COVERAGE_FROM: Final = 40
"""Cases from which on no bin is left empty."""

SMALLEST_LAYER: Final = Layer(name="layer", K=1, height=1, width=1)
MAX_PES: Final = 256
MAX_STEPS: Final = 20_000
_MANY_PES: Final = 64
_FEW_CYCLES: Final = 400
_WAITS_FOR_DRAM: Final = 8
_PERIODS: Final = (1, 1, 1, 1, 2, 3, 5, 14, 64)
_DESCRIPTOR_SHARE: Final = 4  # of the longest run, for the descriptor alone, is a quarter at most
_NUM_MAPPINGS: Final = 64  # drawn for a layer before it is shrunk
_NUM_REPAIRS: Final = 6  # of a mapping that does not fit
_NUM_CANDIDATES: Final = 4  # mappings of a layer that are looked at for a bin
_NUM_LAYERS: Final = 20  # drawn for a bin before another is tried
_FREE_SHARE: Final = 0.5  # of the triples that are for no bin, once none is empty
_ENOUGH: Final = 2  # triples in each bin, from which on all are for no bin
_STRICT_SHARE: Final = 0.8  # of the mappings whose blocks are made whole; the rest has luck or not

Generator = np.random.Generator
Ints = NDArray[np.int64]
T = TypeVar("T")


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
    """

    groups: tuple[tuple[DrawnCase, ...], ...]
    rejections: dict[str, int]

    @property
    def cases(self) -> tuple[DrawnCase, ...]:
        """All triples, in order."""
        return tuple(drawn for group in self.groups for drawn in group)

    @property
    def coverage(self) -> dict[str, int]:
        """How many triples fall into each bin."""
        return count_bins(drawn.bins for drawn in self.cases)


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


def draw_cases(num_cases: int, seed: int, *, max_cycles: int) -> Draw:
    """So many triples, each of at most `max_cycles` predicted cycles; the same for the same seed.

    From `FULL_COVERAGE_FROM` triples on every bin holds at least one: a draw that leaves one empty
    is repeated as a whole, from the next stream of the same seed.
    """
    for stream in np.random.SeedSequence(seed).spawn(1000):
        draw = _draw_all(num_cases, seed, np.random.default_rng(stream), max_cycles)
        if num_cases < FULL_COVERAGE_FROM or all(draw.coverage.values()):
            return draw
    raise AssertionError("no draw of a thousand covers every bin")


def _draw_all(num_cases: int, seed: int, rng: Generator, max_cycles: int) -> Draw:
    progress = _Progress(seed)
    num_groups = ceil_div(num_cases, CASES_PER_HARDWARE)
    hardware = _stratified_accelerators(num_groups, rng, progress.rejections)
    latencies = _stratified(rng, LATENCIES, num_cases)
    groups = []
    for index, accelerator in enumerate(hardware):
        first = index * CASES_PER_HARDWARE
        count = min(CASES_PER_HARDWARE, num_cases - first)
        groups.append(
            tuple(
                _draw_for(accelerator, latencies[first + i], rng, progress, max_cycles)
                for i in range(count)
            )
        )
    return Draw(groups=tuple(groups), rejections=dict(sorted(progress.rejections.items())))


def _stratified(rng: Generator, values: Sequence[T], count: int) -> list[T]:
    """So many of the values, each equally often but for one, in random order."""
    rounds = ceil_div(count, len(values))
    return [values[int(i)] for _ in range(rounds) for i in rng.permutation(len(values))][:count]


# Accelerators ------------------------------------------------------------------------------------


def _stratified_accelerators(
    count: int, rng: Generator, rejections: Counter[str]
) -> list[Accelerator]:
    """Accelerators among which every dim, beat, and number of axes comes up."""
    beats = _stratified(rng, BEATS, count)
    numbers = _stratified(rng, (2, 1, 3, 2, 3), count)
    dims = _stratified(rng, DIMS, count)
    many = _stratified(rng, (True, False, False, False, False), count)
    found = []
    needs_pair = True
    for beat, number, dim, is_many in zip(beats, numbers, dims, many, strict=True):
        pair = needs_pair and number > 1 and dim in ("R", "P")
        needs_pair &= not pair
        found.append(
            random_accelerator(
                rng,
                rejections,
                beat_bytes=beat,
                num_axes=number,
                dims=frozenset(("R", "P")) if pair else frozenset((dim,)),
                min_pes=_MANY_PES if is_many else 1,
            )
        )
    return found


def random_accelerator(
    rng: Generator,
    rejections: Counter[str],
    *,
    beat_bytes: int,
    num_axes: int,
    dims: frozenset[Dim] = frozenset(),
    min_pes: int = 1,
) -> Accelerator:
    """An accelerator of 1 to 256 PEs with these dims parallel, and buffers of any size.

    One whose buffers are too small for the smallest layer is rejected for capacity.
    """
    while True:
        found = _random_accelerator(
            rng, rejections, beat_bytes=beat_bytes, num_axes=num_axes, dims=dims, min_pes=min_pes
        )
        broken = violations(found, SMALLEST_LAYER, Mapping())
        if not broken:
            return found
        rejections.update({text.split(":")[0] for text in broken})


def _random_accelerator(
    rng: Generator,
    rejections: Counter[str],
    *,
    beat_bytes: int,
    num_axes: int,
    dims: frozenset[Dim],
    min_pes: int,
) -> Accelerator:
    axes = _random_axes(rng, rejections, num_axes, dims, min_pes)
    lanes = {
        "weight_lanes": int(rng.choice((1, 2, 4))),
        "input_lanes": int(rng.choice((1, 2, 4))),
    }
    probe = Accelerator(
        axes=axes,
        weight_buffer_bytes=8,
        input_buffer_bytes=8,
        accumulator_words=64,
        bank_bytes=64,
        scale_depth=64,
        beat_bytes=beat_bytes,
        **lanes,
    )
    drain = probe.drain_lanes
    return Accelerator(
        axes=axes,
        beat_bytes=beat_bytes,
        weight_buffer_bytes=2 * probe.weight_word_bytes * _log_uniform(rng, 1, 400),
        input_buffer_bytes=2 * probe.input_word_bytes * _log_uniform(rng, 1, 400),
        accumulator_words=2 * probe.accumulator_lanes * _log_uniform(rng, 1, 200),
        num_banks=_log_uniform(rng, 3, 32),
        bank_bytes=beat_bytes * _log_uniform(rng, 64 // beat_bytes, 1000),
        scale_depth=drain * _log_uniform(rng, ceil_div(8, drain), 200),
        **lanes,
    )


def _random_axes(
    rng: Generator, rejections: Counter[str], num_axes: int, dims: frozenset[Dim], min_pes: int
) -> tuple[Axis, ...]:
    while True:
        drawn = [DIMS[i] for i in rng.integers(len(DIMS), size=num_axes)]
        if len(set(drawn)) < num_axes:
            rejections["repeated"] += 1
            continue
        sizes = [_log_uniform(rng, 1, _largest_axis(rng, min_pes, num_axes)) for _ in drawn]
        wished = all(dim in drawn and sizes[drawn.index(dim)] > 1 for dim in dims)
        if wished and min_pes <= prod(sizes) <= MAX_PES:
            return tuple(Axis(dim=d, size=s) for d, s in zip(drawn, sizes, strict=True))


def _largest_axis(rng: Generator, min_pes: int, num_axes: int) -> int:
    if min_pes > 1:
        return 120 if num_axes == 1 else 24
    return int(rng.choice((4, 8, 16)))


def _log_uniform(rng: Generator, low: int, high: int) -> int:
    """A whole number from `low` to `high`, each magnitude equally often."""
    return min(high, int(np.exp(rng.uniform(np.log(low), np.log(high + 1)))))


# Triples -----------------------------------------------------------------------------------------


def _draw_for(
    hardware: Accelerator,
    latencies: tuple[int, int],
    rng: Generator,
    progress: _Progress,
    max_cycles: int,
) -> DrawnCase:
    """A triple on this hardware; one that falls into a missing bin if such a one is found."""
    accelerator = hardware.model_copy(
        update={
            "dram_latency_cycles": _log_uniform(rng, *latencies),
            "dram_beat_period_cycles": _random_period(hardware, rng, max_cycles),
        }
    )
    missing = {name for name in BINS if not progress.filled[name]}
    wanted = _wish(rng, progress.filled)
    best: tuple[tuple[bool, int], _Candidate] | None = None
    for _ in range(_NUM_LAYERS):
        for found in _candidates(accelerator, rng, progress.rejections, max_cycles):
            score = (wanted in found.bins, len(found.bins & missing))
            if best is None or score > best[0]:
                best = (score, found)
        if best is not None and (wanted is None or best[0][0]):
            break
    assert best is not None
    drawn = _drawn(best[1], progress.seed)
    progress.filled.update(drawn.bins)
    return drawn


def _random_period(hardware: Accelerator, rng: Generator, max_cycles: int) -> int:
    """Cycles from beat to beat; so few that most of a run is not the descriptor."""
    longest = max_cycles // (_DESCRIPTOR_SHARE * descriptor_beats(hardware))
    return int(rng.choice([period for period in _PERIODS if period <= max(1, longest)]))


def _wish(rng: Generator, filled: Counter[str]) -> str | None:
    """A bin that any hardware can fall into: an empty one, else at times a least filled one."""
    least = min(filled[name] for name in MAPPING_BINS)
    if least >= _ENOUGH or (least > 0 and rng.random() < _FREE_SHARE):
        return None
    wishes = [name for name in MAPPING_BINS if filled[name] == least]
    return wishes[int(rng.integers(len(wishes)))]


def _drawn(candidate: _Candidate, seed: int) -> DrawnCase:
    case = candidate.case
    generator = layer_generator(seed, case.accelerator, case.layer)
    zero_point = random_quantised_layer(case.layer, generator).input_zero_point
    more = bins_of_run(case, timeline_of(case.geometry), input_zero_point=zero_point)
    return DrawnCase(case=case, bins=candidate.bins | more)


def _candidates(
    accelerator: Accelerator, rng: Generator, rejections: Counter[str], max_cycles: int
) -> list[_Candidate]:
    """Triples with one new layer, shrunk until it has a mapping that is short enough."""
    limit = _log_uniform(rng, _shortest_limit(accelerator, max_cycles), max_cycles)
    layer = random_layer(rng)
    while True:
        found: list[_Candidate] = []
        if not _surely_too_long(accelerator, layer, limit):
            found = _mapped(accelerator, layer, rng, rejections, limit)
        smaller = _smaller(layer, rng)
        if not found and smaller == layer:
            found = _mapped(accelerator, layer, rng, rejections, max_cycles)
            layer = random_layer(rng)
        if found:
            return found
        layer = smaller if smaller != layer else random_layer(rng)


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
    found = []
    for index in map(int, short):
        case = Case(accelerator=accelerator, layer=layer, mapping=batch.mapping(index))
        if case.geometry.num_steps > MAX_STEPS:
            continue
        exact = evaluate_exact(accelerator, layer, batch, [index], SIZED)
        if exact.cycles[0] <= limit:
            stalls = Stalls(**dict(zip(STALL_NAMES, map(int, exact.stalls[0]), strict=True)))
            found.append(_Candidate(case=case, bins=bins_of(case, stalls)))
    return found


# Layers ------------------------------------------------------------------------------------------


def random_layer(rng: Generator) -> Layer:
    """A layer of any kind that the hardware runs, at the sizes that networks have."""
    kind = (Kind.CONV, Kind.CONV, Kind.CONV, Kind.DEPTHWISE, Kind.LINEAR)[rng.integers(5)]
    common = {
        "name": "layer",
        "kind": kind,
        "K": _log_uniform(rng, 1, 512),
        "C": 1 if kind is Kind.DEPTHWISE else _log_uniform(rng, 1, 512),
        "activation": list(Activation)[rng.integers(3)],
    }
    if kind is Kind.LINEAR:
        return Layer(**common, height=1, width=1)
    kernel = [int(rng.choice((1, 1, 2, 3, 3, 4, 5, 7, 11))) for _ in range(2)]
    if rng.random() < 0.6:
        kernel[1] = kernel[0]
    stride = _pair(rng, (1, 1, 1, 2, 2, 3, 4, 7))
    dilation = _pair(rng, (1, 1, 1, 1, 2, 3, 9))
    outputs = (_log_uniform(rng, 1, 112), _log_uniform(rng, 1, 112))
    padding = tuple(
        (0, extent // 2, int(rng.integers(extent + 1)), int(rng.integers(12)))[rng.integers(4)]
        for extent in ((k - 1) * d + 1 for k, d in zip(kernel, dilation, strict=True))
    )
    spare = rng.integers(-3, 4, size=2)
    return _layer_of(common, outputs, kernel, stride, dilation, padding, spare.tolist())


def _layer_of(
    common: dict[str, object],
    outputs: Sequence[int],
    kernel: Sequence[int],
    stride: Sequence[int],
    dilation: Sequence[int],
    padding: Sequence[int],
    spare: Sequence[int],
) -> Layer:
    """A layer whose image is what its kernels cover, less the padding, and `spare` more."""
    covered = [
        (outputs[i] - 1) * stride[i] + (kernel[i] - 1) * dilation[i] + 1 - padding[i] + spare[i]
        for i in range(2)
    ]
    return Layer.model_validate(
        {
            **common,
            "P": outputs[0],
            "Q": outputs[1],
            "R": kernel[0],
            "S": kernel[1],
            "height": max(1, covered[0]),
            "width": max(1, covered[1]),
            "stride": tuple(stride),
            "dilation": tuple(dilation),
            "padding": tuple(padding),
        }
    )


def _pair(rng: Generator, values: Sequence[int]) -> tuple[int, int]:
    """Two of the values, mostly equal."""
    first, second = (int(rng.choice(values)) for _ in range(2))
    return (first, first) if rng.random() < 0.6 else (first, second)


def _smaller(layer: Layer, rng: Generator) -> Layer:
    """The layer with one dim at about half, and an image to match; itself if all are 1."""
    weights = {dim: np.log(bound) for dim, bound in layer.bounds.items() if bound > 1}
    if not weights:
        return layer
    chances = np.array(list(weights.values()))
    dim = list(weights)[int(rng.choice(len(weights), p=chances / chances.sum()))]
    bound = max(1, layer.bounds[dim] // 2 + int(rng.integers(0, 2)) * (layer.bounds[dim] > 2))
    return with_bound(layer, dim, bound)


def with_bound(layer: Layer, dim: Dim, bound: int) -> Layer:
    """The layer with one dim at this bound, and rows or columns of the input to match."""
    update: dict[str, object] = {dim: bound}
    steps = {
        "P": ("height", layer.stride[0]),
        "Q": ("width", layer.stride[1]),
        "R": ("height", layer.dilation[0]),
        "S": ("width", layer.dilation[1]),
    }
    if dim in steps:
        side, step = steps[dim]
        lost = (layer.bounds[dim] - bound) * step
        update[side] = max(1, int(getattr(layer, side)) - lost)
    return layer.model_copy(update=update)


# Mappings ----------------------------------------------------------------------------------------


def random_mappings(
    accelerator: Accelerator,
    layer: Layer,
    rng: Generator,
    rejections: Counter[str],
    *,
    count: int,
) -> MappingBatch:
    """Legal mappings out of so many draws; what is not legal is cut down a few times."""
    bounds = np.array([layer.bounds[dim] for dim in DIMS], np.int64)
    spatial = _used(accelerator, bounds, count, rng)
    rest = -(-bounds // spatial)
    pe = _parts(rest, rng)
    l2 = _parts(-(-rest // pe), rng)
    orders = rng.permuted(np.tile(np.arange(len(DIMS), dtype=np.int8), (count, 3, 1)), axis=2)
    strict = rng.random(count) < _STRICT_SHARE
    legal = np.zeros(count, np.bool_)
    for attempt in range(_NUM_REPAIRS + 1):
        _make_blocks_whole(accelerator, bounds, spatial, pe, l2, strict & ~legal)
        batch = MappingBatch(orders=orders, l2=l2, pe=pe, spatial=spatial)
        report = evaluate_bounds(accelerator, layer, batch, SIZED)
        rules = report.violated[~report.legal].tolist()
        rejections.update(RULES[rule].split(":")[0] for rule in rules)
        legal = report.legal
        if legal.all() or attempt == _NUM_REPAIRS:
            break
        _cut(pe, l2, ~legal, rng)
    return batch.take(np.flatnonzero(legal))


def _used(accelerator: Accelerator, bounds: Ints, count: int, rng: Generator) -> Ints:
    """Used positions [N, dim]: a rule on K and C, any number on the others."""
    sizes = np.array([accelerator.size_of(dim) for dim in DIMS], np.int64)
    most = np.minimum(bounds, sizes)
    draw = rng.random((count, len(DIMS)))
    some = rng.integers(1, np.broadcast_to(most + 1, draw.shape))
    any_number = rng.integers(1, np.broadcast_to(sizes + 1, draw.shape))
    used = np.where(draw < 0.55, most, np.where(draw < 0.9, some, any_number))
    fixed = np.isin(DIMS, ("K", "C"))
    return np.where(fixed, most, used)


def _parts(rest: Ints, rng: Generator) -> Ints:
    """Bounds: 1 and all of `rest` more often than others, now and then more than there is."""
    draw = rng.random(rest.shape)
    middle = np.exp(rng.random(rest.shape) * np.log(rest + 1)).astype(np.int64)
    middle = np.minimum(middle, rest)
    beyond = rest + rng.integers(1, 4, rest.shape)
    return np.select(
        [draw < 0.3, draw < 0.5, draw < 0.53], [np.ones_like(rest), rest, beyond], middle
    )


def _make_blocks_whole(
    accelerator: Accelerator,
    bounds: Ints,
    spatial: Ints,
    pe: Ints,
    l2: Ints,
    chosen: NDArray[np.bool_],
) -> None:
    """Let the L2 tiles of K and C hold whole blocks of channels, or all there are."""
    beat = accelerator.beat_bytes
    for index, dim in enumerate(DIMS):
        if dim not in ("K", "C"):
            continue
        lanes = gcd(beat, accelerator.size_of(dim))
        step = pe[:, index] * (-(-spatial[:, index] // lanes) * lanes)
        unit = beat // np.gcd(beat, step)
        whole = -(-l2[:, index] // unit) * unit
        covering = -(-bounds[index] // step)
        cuts = chosen & (l2[:, index] < covering)
        l2[cuts, index] = np.minimum(whole, covering)[cuts]


def _cut(pe: Ints, l2: Ints, chosen: NDArray[np.bool_], rng: Generator) -> None:
    """Halve one bound above 1 of each chosen mapping."""
    both = np.concatenate([pe, l2], axis=1)
    chances = np.where(both > 1, rng.random(both.shape), 0.0)
    column = chances.argmax(axis=1)
    rows = np.flatnonzero(chosen & (chances.max(axis=1) > 0))
    both[rows, column[rows]] //= 2
    pe[:], l2[:] = both[:, : len(DIMS)], both[:, len(DIMS) :]
