"""Why our counts of accesses differ from Timeloop's: what each cause makes of its count."""

from collections.abc import Callable, Sequence
from collections.abc import Mapping as AbstractMapping
from fractions import Fraction
from math import prod
from typing import Final

from naas_hw.arch.accelerator import OUTPUT_DIMS
from naas_hw.cost.reference.pieces import existing
from naas_hw.exchange.windows import num_places
from naas_hw.experiments.timeloop_nest import BEAT, INPUTS, PE, WINDOWS, CountedNest
from naas_hw.mapping.geometry import Geometry, ceil_div
from naas_hw.workload.layer import DIMS, Dim

WEIGHT_DIMS: Final[tuple[Dim, ...]] = ("K", "C", "R", "S")


CAUSES: Final = {
    "whole words": "We move whole words of B elements. A step's weights in a PE, or the channels "
    "of a pixel, in DRAM too, that do not fill the last word count in full.",
    "sliding window": "Where a window moves by less than its size along the innermost loop of a "
    "level, Timeloop counts what is new; our buffers are filled anew.",
    "gaps": "A 1x1 kernel with a stride reads some pixels only, and so do we; Timeloop's tiles are "
    "all that lies between the first and the last.",
    "halo": "An input that several PEs need is one read of ours, one for each PE of Timeloop's.",
    "links": "With its links, Timeloop passes inputs from PE to PE: fewer reads of L2, and a read "
    "of a PE's buffer for each. We have no such links.",
    "trees": "We add the products of a reduction axis before the accumulator, Timeloop after it: "
    "its buffers hold a sum in each PE of that axis.",
    "first read": "Timeloop's elision of first reads is off in this case. We never read a sum that "
    "is not there.",
    "sums join on the way": "Ours are added to those in L2 when they are drained; Timeloop brings "
    "them back into the PEs first.",
    "draining": "We read each sum when it is drained, and begin every visit anew; Timeloop's drain "
    "reads nothing, and a visit goes on from what was brought back.",
}


_MOVING: Final[dict[Dim, int]] = {"P": 0, "R": 0, "Q": 1, "S": 1}
"""Loop -> along which it moves the input's window: rows (0) or columns (1)."""


Step = tuple[str, Callable[[Fraction], Fraction]]
"""A cause, and what it makes of Timeloop's count."""


def applied(theirs: int, steps: Sequence[Step]) -> tuple[Fraction, tuple[str, ...]]:
    """The count after all causes, and those that change it."""
    value, causes = Fraction(theirs), []
    for cause, change in steps:
        changed = change(value)
        if changed != value:
            causes.append(cause)
        value = changed
    return value, tuple(causes)


def _times(cause: str, numerator: int, denominator: int) -> Step:
    return cause, lambda count: count * numerator / denominator


def whole_weights(nest: CountedNest) -> Step:
    """Weights of a step in a PE, in whole words."""
    geometry = nest.geometry
    held = geometry.weight_bytes * prod(geometry.mapping.spatial[dim] for dim in WEIGHT_DIMS)
    return _times("whole words", geometry.weight_step_words * BEAT, held)


def whole_pixels(nest: CountedNest) -> Step:
    """Words that the channels of a pixel touch, step by step: they may begin inside a word."""
    geometry = nest.geometry
    dim = geometry.channel_dim
    steps = geometry.mapping.l2[dim]
    touched = sum(map(geometry.input_words_per_pixel, range(steps)))
    return _times("whole words", touched * BEAT, steps * geometry.step[dim])


def whole_channels(nest: CountedNest) -> Step:
    """Channels of the input tiles, in blocks."""
    geometry = nest.geometry
    dim = geometry.channel_dim
    tiles = [existing(geometry, dim, index) for index in range(geometry.num_tiles[dim])]
    return _times("whole words", sum(map(geometry.blocks, tiles)) * BEAT, sum(tiles))


def whole_outputs(nest: CountedNest) -> Step:
    """Channels of the outputs, in blocks."""
    geometry = nest.geometry
    return _times("whole words", geometry.blocks(geometry.layer.K) * BEAT, geometry.layer.K)


def sliding_steps(nest: CountedNest) -> Step:
    """Windows of the steps, along the innermost loop outside the array."""
    geometry = nest.geometry
    mapping = geometry.mapping
    trips = {dim: mapping.l2[dim] for dim in DIMS}
    if max(trips.values()) == 1:
        return _sliding(
            geometry, mapping.dram_order, geometry.num_tiles, geometry.step, geometry.window
        )
    return _sliding(geometry, mapping.l2_order, trips, geometry.step, geometry.window)


def sliding_tiles(nest: CountedNest) -> Step:
    """Windows of the tiles, along the innermost DRAM loop."""
    geometry = nest.geometry
    order, trips = geometry.mapping.dram_order, geometry.num_tiles
    return _sliding(geometry, order, trips, geometry.tile, geometry.tile_image)


def _sliding(
    geometry: Geometry,
    order: Sequence[Dim],
    trips: AbstractMapping[Dim, int],
    extent: AbstractMapping[Dim, int],
    window: tuple[int, int],
) -> Step:
    """Along the innermost loop, windows of which all but the first share a part with the last."""
    inner = [dim for dim in order if trips[dim] > 1]
    dim: Dim = inner[-1] if inner else "K"
    if dim not in _MOVING:
        return _times("sliding window", 1, 1)
    place, factors = (
        _MOVING[dim],
        geometry.stride if dim in OUTPUT_DIMS else geometry.layer.dilation,
    )
    size = window[place]
    new = min(size, extent[dim] * factors[place])
    return _times("sliding window", trips[dim] * size, size + (trips[dim] - 1) * new)


def gaps(nest: CountedNest) -> Step:
    """Pixels that a strided 1x1 kernel reads, and all between them in a tile."""
    geometry = nest.geometry
    if not geometry.is_dense_pointwise:
        return _times("gaps", 1, 1)
    tile, stride = geometry.tile, geometry.layer.stride
    told = prod((tile[dim] - 1) * stride[_MOVING[dim]] + 1 for dim in ("P", "Q"))
    return _times("gaps", tile["P"] * tile["Q"], told)


def halo(nest: CountedNest) -> Step:
    """Pixels of a step's image, and those of the windows of all PEs with other inputs."""
    geometry = nest.geometry
    windows = prod(geometry.window)
    for place, (out, kernel) in enumerate(WINDOWS):
        windows *= _num_windows(geometry, out, kernel, place)
    return _times("halo", prod(geometry.step_image), windows)


def _num_windows(geometry: Geometry, out: Dim, kernel: Dim, place: int) -> int:
    """How many PEs along rows or columns have windows that begin at another pixel."""
    pe, spatial = geometry.mapping.pe, geometry.mapping.spatial
    return num_places(
        spatial[out],
        pe[out] * geometry.stride[place],
        spatial[kernel],
        pe[kernel] * geometry.layer.dilation[place],
    )


def links(nest: CountedNest) -> Step:
    """What PEs read for their neighbours; Timeloop gives each PE a whole share of it."""
    instances = int(nest.case.accesses[PE]["tensors"][INPUTS]["instances"])
    return "links", lambda count: count - ceil_div(nest.links, instances) * instances


def without_links(nest: CountedNest) -> Step:
    """Reads of L2 that Timeloop saves by passing inputs from PE to PE."""
    return "links", lambda count: count + Fraction(nest.links, nest.sharing)


def first_read(nest: CountedNest) -> Step:
    """Reads of sums that are not there yet."""
    extra = 0 if nest.elides_first_reads else nest.num_outputs
    return "first read", lambda count: count - extra


def tree(nest: CountedNest) -> Step:
    """Products that are added before the accumulator."""
    return _times("trees", 1, nest.tree)


def draining(nest: CountedNest) -> Step:
    """Every visit of a sum has one read more; all visits but the first, one less at their start.

    With elision off Timeloop reads at the start of the first visit too: then none is left over.
    """
    extra = nest.num_outputs if nest.elides_first_reads else 0
    return "draining", lambda count: count + extra
