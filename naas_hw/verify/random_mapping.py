"""Random legal mappings of a layer, many at once."""

from collections import Counter
from math import gcd
from typing import Final

import numpy as np
from numpy.typing import NDArray

from naas_hw.arch.accelerator import REDUCTION_DIMS, Accelerator
from naas_hw.arch.technology import SIZED
from naas_hw.cost.compiled.batch import MappingBatch, evaluate_bounds
from naas_hw.cost.compiled.rules import RULE_OF
from naas_hw.mapping.geometry import usable_positions
from naas_hw.sim.random_numbers import Generator
from naas_hw.workload.layer import DIMS, Layer
from naas_hw.workload.option import Option

_NUM_REPAIRS: Final = 6  # of a mapping that does not fit
_STRICT_SHARE: Final = (
    0.8  # of the mappings whose blocks are made whole; the rest is legal only by chance
)
_TINY_SHARE: Final = 0.1  # of the mappings whose tiles are as small as they can be

Ints = NDArray[np.int64]


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
    spatial = _used(accelerator, layer, count, rng)
    rest = -(-bounds // spatial)
    pe = _parts(rest, rng)
    l2 = _parts(-(-rest // pe), rng)
    is_tiny = rng.random(count) < _TINY_SHARE
    pe[is_tiny] = l2[is_tiny] = 1
    orders = rng.permuted(np.tile(np.arange(len(DIMS), dtype=np.int8), (count, 3, 1)), axis=2)
    _put_reductions_innermost(layer, orders)
    strict = rng.random(count) < _STRICT_SHARE
    legal = np.zeros(count, np.bool_)
    for attempt in range(_NUM_REPAIRS + 1):
        _make_blocks_whole(accelerator, bounds, spatial, pe, l2, strict & ~legal)
        if layer.maximum:
            _make_kernel_whole(bounds, pe, l2)
        batch = MappingBatch(orders=orders, l2=l2, pe=pe, spatial=spatial)
        report = evaluate_bounds(accelerator, layer, batch, SIZED)
        rules = report.violated[~report.legal].tolist()
        rejections.update(RULE_OF[rule].value for rule in rules)
        legal = report.legal
        if legal.all() or attempt == _NUM_REPAIRS:
            break
        _cut(pe, l2, ~legal, rng)
    return batch.take(np.flatnonzero(legal))


def _put_reductions_innermost(layer: Layer, orders: NDArray[np.int8]) -> None:
    """Let no output come back where the layer does not allow it: orders [N, 3, 6] change."""
    num_levels = 2 if layer.maximum else 1 if Option.PITCHED_STORE in layer.options else 0
    for level in range(num_levels):
        is_reduced = np.isin(orders[:, level], [DIMS.index(dim) for dim in REDUCTION_DIMS])
        place = np.argsort(is_reduced, axis=1, kind="stable")
        orders[:, level] = np.take_along_axis(orders[:, level], place, axis=1)


def _make_kernel_whole(bounds: Ints, pe: Ints, l2: Ints) -> None:
    """Let tiles hold the whole kernel, split without remainder."""
    for column in (DIMS.index("R"), DIMS.index("S")):
        pe[:, column] = np.gcd(pe[:, column], bounds[column])
        l2[:, column] = bounds[column] // pe[:, column]
    pe[:, DIMS.index("C")] = l2[:, DIMS.index("C")] = 1


def _used(accelerator: Accelerator, layer: Layer, count: int, rng: Generator) -> Ints:
    """Used positions [N, dim]: a rule on K and C, any number on the others."""
    bounds = np.array([layer.bounds[dim] for dim in DIMS], np.int64)
    sizes = np.array([usable_positions(accelerator, layer, dim) for dim in DIMS], np.int64)
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
