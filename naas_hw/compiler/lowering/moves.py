"""Copies: layers that compute nothing, but move numbers, add a residual, or look up a table.

A copy is a depthwise layer of weights one where channels keep their lanes, and a dense 1x1 layer
of zeros and ones where they change them.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from naas_hw.compiler.lowering.builder import (
    Builder,
    Emission,
    LayerEpilogue,
    NotLoweredError,
    Reach,
    Scaling,
    same_for_all,
)
from naas_hw.compiler.lowering.layouts import Addresses, Layout, Piece, layout_at, pieces_at
from naas_hw.graph.quantised import Pair, Sides
from naas_hw.mapping.geometry import ceil_div
from naas_hw.workload.layer import Kind

IDENTITY_MULTIPLIER: Final = (1 << 31) - 1
"""With a shift of 0 it changes no number below 2^30."""

NO_SIDES: Final[Sides] = (0, 0, 0, 0)


def identity_scaling(num_channels: int) -> Scaling:
    """Requantisation that changes nothing."""
    return Scaling(
        bias=same_for_all(0, num_channels),
        multiplier=same_for_all(IDENTITY_MULTIPLIER, num_channels),
        shift=same_for_all(0, num_channels),
    )


def is_compact(layout: Layout, beat_bytes: int) -> bool:
    """Whether a copy that keeps lanes takes no more blocks than the channels need."""
    needed = ceil_div(len(layout.channels), beat_bytes)
    return ceil_div(layout.num_channels, beat_bytes) <= needed


def emit_copy(
    builder: Builder,
    name: str,
    source: Layout,
    output: Layout,
    *,
    makes: str,
    sources: tuple[str, ...],
    epilogue: LayerEpilogue | None = None,
    first: Pair = (0, 0),
    step: Pair = (1, 1),
    padding: Sides = NO_SIDES,
    value: int = 0,
) -> None:
    """A layer that copies `source` to rows and columns of `output`, with `value` around it."""
    rows, columns = output.phase(first, step).shape[1:]
    if source.channels == output.channels:
        kind, weights = Kind.DEPTHWISE, np.ones((source.num_channels, 1, 1, 1), np.int8)
    else:
        kind, weights = Kind.CONV, _permutation(source, output)
    builder.emit(
        Emission(
            name=name,
            kind=kind,
            source=source,
            output=output,
            reaches=(
                Reach(size=source.shape[1], outputs=rows, padding=padding[0]),
                Reach(size=source.shape[2], outputs=columns, padding=padding[1]),
            ),
            weights=weights,
            scaling=identity_scaling(len(weights)),
            input_zero_point=value,
            epilogue=epilogue or LayerEpilogue(),
            makes=makes,
            sources=sources,
            first=first,
            step=step,
        )
    )


def _permutation(source: Layout, output: Layout) -> NDArray[np.int8]:
    """Weights [K, C, 1, 1] that bring each channel to its new place."""
    weights = np.zeros((output.num_channels, source.num_channels, 1, 1), np.int8)
    weights[list(output.channels), list(source.channels)] = 1
    return weights


def copied_channels(source: Layout, beat_bytes: int) -> tuple[int, ...]:
    """Physical channels of a copy: those of the source unless few of its blocks are its own."""
    if is_compact(source, beat_bytes):
        return source.channels
    return tuple(range(len(source.channels)))


def with_channels(
    builder: Builder, layout: Layout, wanted: Layout, *, tensor: str, sources: tuple[str, ...]
) -> Layout:
    """The image where it lies as `wanted` does: itself, or a copy."""
    if layout.lies_as(wanted, builder.beat_bytes):
        return layout
    region = builder.unused_region(tensor)
    copy = builder.new_region(region, wanted.channels, *wanted.shape[1:])
    emit_copy(builder, f"{tensor}.copy", layout, copy, makes=region, sources=sources)
    return copy


def with_pixels_together(
    builder: Builder, layout: Layout, *, tensor: str, sources: tuple[str, ...]
) -> Layout:
    """The image with the pixels of a row side by side, as load needs them to pad its left."""
    if layout.pitches.pixel == 1:
        return layout
    region = builder.unused_region(tensor)
    channels = copied_channels(layout, builder.beat_bytes)
    copy = builder.new_region(region, channels, *layout.shape[1:])
    emit_copy(builder, f"{tensor}.copy", layout, copy, makes=region, sources=sources)
    return copy


def emit_addresses(
    builder: Builder,
    name: str,
    tensor: str,
    root: str,
    addresses: Addresses,
    *,
    sources: tuple[str, ...],
) -> None:
    """Give a tensor the numbers at these addresses of a region: as a view, or by copies.

    Raises NotLoweredError where too many copies are needed.
    """
    layout = layout_at(root, addresses, builder.beat_bytes)
    if layout is not None:
        builder.layouts[tensor] = layout
        return
    pieces = pieces_at(root, addresses, builder.beat_bytes)
    if pieces is None:
        raise NotLoweredError("its bytes must move in a regular order")
    _, rows, columns = addresses.shape
    maps = [_piece_channels(piece, builder.beat_bytes) for piece in pieces]
    output = builder.new_region(
        tensor, joined_channels(pieces, maps, builder.beat_bytes), rows, columns
    )
    for piece in pieces:
        part = part_of(output, piece.channels, builder.beat_bytes)
        for first, source in piece.layouts.items():
            emit_copy(
                builder,
                name,
                source,
                part,
                makes=tensor,
                sources=sources,
                first=first,
                step=piece.step,
            )


def _piece_channels(piece: Piece, beat_bytes: int) -> tuple[int, ...]:
    """Physical channels of a piece from its first block on."""
    channels = {layout.channels for layout in piece.layouts.values()}
    layout = next(iter(piece.layouts.values()))
    if len(channels) == 1 and is_compact(layout, beat_bytes):
        return layout.channels
    return tuple(range(len(piece.channels)))


def joined_channels(
    pieces: tuple[Piece, ...], maps: list[tuple[int, ...]], beat_bytes: int
) -> tuple[int, ...]:
    """Physical channels of an image whose pieces begin at blocks of their own."""
    joined: dict[int, int] = {}
    start = 0
    for piece, channels in zip(pieces, maps, strict=True):
        joined.update(
            (logical, start + physical)
            for logical, physical in zip(piece.channels, channels, strict=True)
        )
        start += ceil_div(max(channels) + 1, beat_bytes) * beat_bytes
    return tuple(joined[logical] for logical in range(len(joined)))


def part_of(layout: Layout, channels: tuple[int, ...], beat_bytes: int) -> Layout:
    """Some channels of an image, from their first block on."""
    physical = [layout.channels[channel] for channel in channels]
    block = min(physical) // beat_bytes
    return Layout(
        root=layout.root,
        shape=(len(channels), *layout.shape[1:]),
        offset=layout.offset + block * layout.pitches.block,
        pitches=layout.pitches,
        channels=tuple(channel - block * beat_bytes for channel in physical),
    )
