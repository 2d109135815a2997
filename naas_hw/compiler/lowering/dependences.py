"""Which calls of a lowered network read what which others made: the network as a graph."""

from collections.abc import Iterator
from dataclasses import dataclass

from naas_hw.compiler.lowering.values import Call, LayerCall, LoweredNetwork, PlacedTensor, View
from naas_hw.mapping.geometry import ceil_div


@dataclass(frozen=True, kw_only=True)
class _Region:
    """Beats of a buffer from `first` to before `end`; or numbers that the host keeps, by name."""

    place: str
    first: int = 0
    end: int = 1

    def meets(self, other: "_Region") -> bool:
        return self.place == other.place and self.first < other.end and other.first < self.end


def dependences(lowered: LoweredNetwork) -> tuple[tuple[int, ...], ...]:
    """For each node the nodes whose numbers it reads.

    Nodes are the network's inputs, its calls, and its outputs, in this order, and are counted from
    0. Where several nodes write between the first and the last beat that a node reads, it reads of
    all of them.
    """
    written: list[tuple[int, _Region]] = []
    found = []
    for node, (reads, writes) in enumerate(_regions(lowered)):
        makers = {maker for maker, made in written if any(made.meets(region) for region in reads)}
        found.append(tuple(sorted(makers)))
        written += [(node, region) for region in writes]
    return tuple(found)


def _regions(lowered: LoweredNetwork) -> Iterator[tuple[list[_Region], list[_Region]]]:
    """What each node reads, and what it writes."""
    beat_bytes = lowered.beat_bytes
    for tensor in lowered.inputs:
        yield [], [_of_tensor(tensor, beat_bytes)]
    for call in lowered.calls:
        yield _of_call(call, beat_bytes)
    for tensor in lowered.outputs:
        yield [_of_tensor(tensor, beat_bytes)], []


def _of_call(call: Call, beat_bytes: int) -> tuple[list[_Region], list[_Region]]:
    if not isinstance(call, LayerCall):
        reads = [_of_tensor(tensor, beat_bytes) for tensor in call.inputs]
        return reads, [_of_tensor(call.output, beat_bytes)]
    layer = call.layer
    blocks = ceil_div(layer.input_channels, beat_bytes)
    reads = [_of_view(call.input, blocks, layer.height, layer.width)]
    blocks = ceil_div(layer.K, beat_bytes)
    if call.residual is not None:
        reads.append(_of_view(call.residual, blocks, layer.P, layer.Q))
    return reads, [_of_view(call.output, blocks, layer.P, layer.Q)]


def _of_view(view: View, blocks: int, rows: int, columns: int) -> _Region:
    pitches = view.pitches
    last = (blocks - 1) * pitches.block + (rows - 1) * pitches.row + (columns - 1) * pitches.pixel
    return _Region(place=f"buffer {view.buffer}", first=view.offset, end=view.offset + last + 1)


def _of_tensor(tensor: PlacedTensor, beat_bytes: int) -> _Region:
    if tensor.view is None:
        return _Region(place=f"kept {tensor.name}")
    first, end = tensor.beat_range(beat_bytes)
    return _Region(place=f"buffer {tensor.view.buffer}", first=first, end=end)
