"""Images in regions of memory, and what remains of them when their numbers are reordered.

A *region* is what one tensor, the *root*, takes: [blocks][rows][columns] beats without gaps. Other
tensors may be views of it. An operator that only reorders numbers gives each number of its output
the address of a number of its input; where the addresses have a start and pitches again, the output
is a view and nothing moves. Otherwise it is cut into pieces that are views.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from math import gcd
from typing import Final

import numpy as np
from numpy.typing import NDArray

from naas_hw.compiler.descriptor import Pitches
from naas_hw.compiler.lowering.values import View
from naas_hw.graph.quantised import Pair, Shape
from naas_hw.mapping.geometry import ceil_div
from naas_hw.workload.layer import MAX_SIZE

Addresses = NDArray[np.int64]
"""Byte addresses in a region, [C, H, W]."""

MAX_WASTE: Final = 2
"""Blocks that a view may span for each block that has a channel of it."""

MAX_PHASES: Final = 64
MAX_PIECES: Final = 64


@dataclass(frozen=True, kw_only=True)
class Layout:
    """An image in the region of a root.

    Parameters
    ----------
    root : name of the region.
    shape : [C, H, W].
    offset : beats from the start of the region.
    pitches : in beats.
    channels : physical channel of each channel, counted from the offset.
    """

    root: str
    shape: Shape
    offset: int
    pitches: Pitches
    channels: tuple[int, ...]

    @property
    def num_channels(self) -> int:
        """Physical channels, up to the last that is used."""
        return max(self.channels) + 1

    @property
    def view(self) -> View:
        """The same in the words of calls."""
        return View(buffer=self.root, offset=self.offset, pitches=self.pitches)

    def addresses(self, beat_bytes: int) -> Addresses:
        """Byte address of each number."""
        blocks, lanes = np.divmod(np.array(self.channels, np.int64), beat_bytes)
        _, rows, columns = self.shape
        row, column = np.ogrid[:rows, :columns]
        pitches = self.pitches
        starts = (self.offset + blocks * pitches.block) * beat_bytes + lanes
        steps = (row * pitches.row + column * pitches.pixel).astype(np.int64) * beat_bytes
        addresses: Addresses = starts[:, None, None] + steps
        return addresses

    def part(self, *, rows: tuple[int, int], columns: tuple[int, int]) -> "Layout":
        """The rows and columns (first, number) of it."""
        moved = rows[0] * self.pitches.row + columns[0] * self.pitches.pixel
        shape = (self.shape[0], rows[1], columns[1])
        return replace(self, shape=shape, offset=self.offset + moved)

    def phase(self, first: Pair, step: Pair) -> "Layout":
        """Every n-th row and column from the first ones on."""
        pitches = self.pitches
        size = [ceil_div(self.shape[1 + i] - first[i], step[i]) for i in (0, 1)]
        return replace(
            self,
            shape=(self.shape[0], size[0], size[1]),
            offset=self.offset + first[0] * pitches.row + first[1] * pitches.pixel,
            pitches=Pitches(
                block=pitches.block,
                row=pitches.row * step[0],
                pixel=pitches.pixel * step[1] if size[1] > 1 else 1,
            ),
        )

    def lies_as(self, other: "Layout", beat_bytes: int) -> bool:
        """Whether both have the same channels and pitches, as far as these are used."""
        if self.shape != other.shape or self.channels != other.channels:
            return False
        mine, others = self.pitches, other.pitches
        blocks = ceil_div(self.num_channels, beat_bytes)
        return all(
            size == 1 or a == b
            for size, a, b in (
                (blocks, mine.block, others.block),
                (self.shape[1], mine.row, others.row),
                (self.shape[2], mine.pixel, others.pixel),
            )
        )


def dense_layout(root: str, channels: tuple[int, ...], rows: int, columns: int) -> Layout:
    """A region of its own."""
    return Layout(
        root=root,
        shape=(len(channels), rows, columns),
        offset=0,
        pitches=Pitches(block=rows * columns, row=columns),
        channels=channels,
    )


def region_beats(layout: Layout, beat_bytes: int) -> int:
    """Size of the region of a root."""
    return ceil_div(layout.num_channels, beat_bytes) * layout.shape[1] * layout.shape[2]


def layout_at(root: str, addresses: Addresses, beat_bytes: int) -> Layout | None:
    """The image whose numbers have these addresses; None where no pitches say so.

    It is also None where it would span many blocks of which few are its own.
    """
    num, rows, columns = addresses.shape
    starts, lanes = np.divmod(addresses[:, 0, 0], beat_bytes)
    row = int(addresses[0, 1, 0] - addresses[0, 0, 0]) if rows > 1 else columns * beat_bytes
    pixel = int(addresses[0, 0, 1] - addresses[0, 0, 0]) if columns > 1 else beat_bytes
    if min(row, pixel) <= 0 or row % beat_bytes or pixel % beat_bytes:
        return None
    pitches = (row // beat_bytes, pixel // beat_bytes)
    first = int(starts.min())
    distinct = np.unique(starts - first)
    block = gcd(*(int(start) for start in distinct)) or rows * pitches[0]
    span = int(distinct[-1]) // block + 1
    if span > MAX_WASTE * len(distinct) or pitches[1] > MAX_SIZE:
        return None
    channels = (starts - first) // block * beat_bytes + lanes
    if len(np.unique(channels)) < num:
        return None
    layout = Layout(
        root=root,
        shape=(num, rows, columns),
        offset=first,
        pitches=Pitches(block=block, row=pitches[0], pixel=pitches[1]),
        channels=tuple(int(channel) for channel in channels),
    )
    return layout if np.array_equal(layout.addresses(beat_bytes), addresses) else None


@dataclass(frozen=True, kw_only=True)
class Piece:
    """Some channels of an image, phase by phase a view.

    Parameters
    ----------
    channels : which channels of the image, in the order of the layouts.
    step : rows and columns from one pixel of a phase to the next.
    layouts : (first row, first column) -> the view.
    """

    channels: tuple[int, ...]
    step: Pair
    layouts: dict[Pair, Layout]


def pieces_at(root: str, addresses: Addresses, beat_bytes: int) -> tuple[Piece, ...] | None:
    """An image cut into views, with as few phases as do; None where too many are needed."""
    _, rows, columns = addresses.shape
    for step in _steps(rows, columns):
        groups = _groups(root, addresses, step, beat_bytes)
        if groups is not None and len(groups) * step[0] * step[1] <= MAX_PIECES:
            return tuple(
                Piece(channels=group, step=step, layouts=layouts) for group, layouts in groups
            )
    return None


def _steps(rows: int, columns: int) -> Iterator[Pair]:
    """Steps that divide the image into phases of one size, few phases first."""
    pairs = [
        (n, m)
        for n in range(1, min(rows, MAX_PHASES) + 1)
        for m in range(1, min(columns, MAX_PHASES) + 1)
        if n * m <= MAX_PHASES and rows % n == 0 and columns % m == 0
    ]
    yield from sorted(pairs, key=lambda pair: (pair[0] * pair[1], pair[1]))


_Group = tuple[tuple[int, ...], dict[Pair, Layout]]


def _groups(root: str, addresses: Addresses, step: Pair, beat_bytes: int) -> list[_Group] | None:
    """Channels that are views together, by first fit; None if a single one is none."""
    whole = tuple(range(len(addresses)))
    if (layouts := _phases(root, addresses, whole, step, beat_bytes)) is not None:
        return [(whole, layouts)]
    groups: list[_Group] = []
    for channels in _channels_by_beat(addresses, beat_bytes):
        for index, (group, _) in enumerate(groups):
            joined = (*group, *channels)
            if (layouts := _phases(root, addresses, joined, step, beat_bytes)) is not None:
                groups[index] = (joined, layouts)
                break
        else:
            layouts = _phases(root, addresses, channels, step, beat_bytes)
            if layouts is None or len(groups) == MAX_PIECES:
                return None
            groups.append((channels, layouts))
    return groups


def _channels_by_beat(addresses: Addresses, beat_bytes: int) -> list[tuple[int, ...]]:
    """Channels whose first numbers share a beat, without a number twice."""
    together: dict[tuple[int, int], list[int]] = {}
    seen: dict[int, int] = {}
    for channel, address in enumerate(addresses[:, 0, 0].tolist()):
        seen[address] = seen.get(address, -1) + 1
        together.setdefault((address // beat_bytes, seen[address]), []).append(channel)
    return [tuple(channels) for channels in together.values()]


def _phases(
    root: str, addresses: Addresses, channels: tuple[int, ...], step: Pair, beat_bytes: int
) -> dict[Pair, Layout] | None:
    layouts = {}
    for first in np.ndindex(*step):
        part = addresses[list(channels), first[0] :: step[0], first[1] :: step[1]]
        layout = layout_at(root, part, beat_bytes)
        if layout is None:
            return None
        layouts[(int(first[0]), int(first[1]))] = layout
    return layouts
