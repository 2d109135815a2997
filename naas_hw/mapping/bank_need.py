"""How many banks of the global buffer a layer needs at least, whatever its mapping.

Weights, inputs and outputs of a tile lie in banks of their own. A tensor whose tiles follow one
another needs its banks twice: one half is worked on, the other is filled. A residual lies in as
many banks as the outputs that it is added to. Each loop that is split over tiles moves two of the
other three tensors, so, without a residual:

- 3 or 4 banks: the whole layer has to lie in them, since no loop may be split;
- 5 banks: loops of one kind may be split, K alone, or P and Q, or C, R and S;
- 6 banks: any loop may be split.
"""

from collections.abc import Iterator
from itertools import product
from math import prod

from naas_hw.mapping.geometry import ceil_div
from naas_hw.workload.layer import DIMS, Dim, Kind, Layer


def fewest_banks(layer: Layer, *, bank_words: int, beat_bytes: int) -> int:
    """Banks below which no mapping of the layer is legal; with so many there may be none either.

    Parameters
    ----------
    bank_words : of one bank, words of `beat_bytes`.
    """
    return min(
        sum(ceil_div(words, bank_words) * buffers for words, buffers in tensors)
        for tensors in (
            _tensors(layer, tile, beat_bytes) for tile in _smallest_tiles(layer, beat_bytes)
        )
    )


def _smallest_tiles(layer: Layer, beat_bytes: int) -> Iterator[dict[Dim, int]]:
    """For each choice of loops that are split, the smallest tile.

    A tile splits K and C into whole blocks only.
    """
    choices = []
    for dim in DIMS:
        bound = layer.bounds[dim]
        least = beat_bytes if dim in ("K", "C") else 1
        choices.append((bound, least) if least < bound else (bound,))
    for extents in product(*choices):
        yield dict(zip(DIMS, extents, strict=True))


def _tensors(layer: Layer, tile: dict[Dim, int], beat_bytes: int) -> Iterator[tuple[int, int]]:
    """(words at least, buffers) of weights, inputs, outputs and, if there is one, the residual."""
    split = {dim for dim in DIMS if tile[dim] < layer.bounds[dim]}
    channel: Dim = "K" if layer.kind is Kind.DEPTHWISE else "C"
    is_dense = (layer.R, layer.S, layer.padding) == (1, 1, (0, 0))
    stride = (1, 1) if is_dense else layer.stride
    rows = (tile["P"] - 1) * stride[0] + (tile["R"] - 1) * layer.dilation[0] + 1
    columns = (tile["Q"] - 1) * stride[1] + (tile["S"] - 1) * layer.dilation[1] + 1
    weights = prod(tile[dim] for dim in ("K", "C", "R", "S"))
    yield ceil_div(weights, beat_bytes), 1 + bool(split & {"K", "C", "R", "S"})
    blocks = ceil_div(tile[channel], beat_bytes)
    yield rows * columns * blocks, 1 + bool(split & {channel, "P", "Q", "R", "S"})
    outputs = tile["P"] * tile["Q"] * ceil_div(tile["K"], beat_bytes)
    for _ in range(2 if layer.residual else 1):
        yield outputs, 1 + bool(split & {"K", "P", "Q"})
