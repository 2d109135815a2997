"""A graph in the order of its execution: a node a row, and lines from node to node on the left.

What a node makes keeps the lane of the node until its last reader, so that no line crosses a node.
A long graph stands in several columns.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from markupsafe import Markup

from naas_hw.mapping.geometry import ceil_div
from naas_hw.report.charts import (
    LINE,
    WIDTH,
    draw_legend,
    draw_mark,
    draw_text,
    shortened,
    text_width,
)
from naas_hw.report.svg import drawing, element

_ROW: Final = 30.0
_LANE: Final = 14.0
_LANES: Final = 98.0
"""All lanes together: many of them stand closer."""
_MAX_ROWS: Final = 30


@dataclass(frozen=True, kw_only=True)
class FlowKind:
    """Nodes that belong together, told apart by mark and colour."""

    name: str
    mark: str
    tone: int


@dataclass(frozen=True, kw_only=True)
class FlowNode:
    """A row.

    Members
    -------
    sources : rows whose result it reads, all above it.
    name, end : the first line, on the left and on the right.
    note, end_note : the second line, likewise.
    full : all of it, for those who point at it.
    """

    sources: Sequence[int]
    kind: FlowKind
    name: str
    end: str
    note: str
    full: str
    end_note: str = ""


@dataclass(frozen=True, kw_only=True)
class Lanes:
    """Where lines run.

    Members
    -------
    lanes : of each node, and of what it makes.
    last : the last reader of each node; the node itself where there is none.
    """

    lanes: tuple[int, ...]
    last: tuple[int, ...]

    @property
    def count(self) -> int:
        """How many lanes there are."""
        return max(self.lanes) + 1


def lanes_of(sources: Sequence[Sequence[int]]) -> Lanes:
    """A lane for each node: the lowest that no line of another node needs at that row.

    Examples
    --------
    >>> lanes_of([(), (0,), (1,), (0, 2)])  # a chain, and its first result again at its end
    Lanes(lanes=(0, 1, 1, 0), last=(3, 2, 3, 3))
    """
    last = list(range(len(sources)))
    for node, of_node in enumerate(sources):
        for source in of_node:
            last[source] = node
    lanes: list[int] = []
    for node in range(len(sources)):
        taken = {lane for other, lane in enumerate(lanes) if last[other] > node}
        lanes.append(next(lane for lane in range(node + 1) if lane not in taken))
    return Lanes(lanes=tuple(lanes), last=tuple(last))


def draw_flow(title: str, nodes: Sequence[FlowNode]) -> Markup:
    """The graph; its columns are pictures of their own, which stand side by side or follow."""
    lanes = lanes_of([node.sources for node in nodes])
    num_columns = ceil_div(len(nodes), _MAX_ROWS)
    length = ceil_div(len(nodes), num_columns)
    starts = range(0, len(nodes), length)
    pictures = [
        _column(title, nodes, range(start, min(start + length, len(nodes))), lanes)
        for start in starts
    ]
    return element("div", *pictures, class_="columns")


def _column(title: str, nodes: Sequence[FlowNode], rows: range, lanes: Lanes) -> Markup:
    legend, top = draw_legend(
        [
            (kind.name, draw_mark(kind.mark, kind.tone, 0.0, 0.0), False, kind.tone)
            for kind in dict.fromkeys(node.kind for node in nodes)
        ]
    )
    top += LINE / 2
    names = ", ".join(f"{nodes[row].name} ({nodes[row].kind.name})" for row in rows)
    return drawing(
        WIDTH,
        top + _ROW * len(rows),
        title,
        f"Rows {rows.start + 1} to {rows.stop} of {len(nodes)}: {names}.",
        legend,
        *(_lines(nodes, row, top + _ROW * index, lanes) for index, row in enumerate(rows)),
        *(_node(nodes[row], row, top + _ROW * index, lanes) for index, row in enumerate(rows)),
    )


def _place(lane: int, lanes: Lanes) -> float:
    return 10.0 + lane * min(_LANE, _LANES / lanes.count)


def _lines(nodes: Sequence[FlowNode], row: int, top: float, lanes: Lanes) -> Markup:
    """What runs through a row, what ends in it, and what begins."""
    middle, bottom = top + _ROW / 2, top + _ROW
    here = _place(lanes.lanes[row], lanes)
    parts = []
    for other in range(row):
        x = _place(lanes.lanes[other], lanes)
        if other in nodes[row].sources:
            curve = f"M{x:.2f} {top:.2f}C{x:.2f} {middle:.2f} {here:.2f} {top:.2f} "
            parts.append(_line(f"{curve}{here:.2f} {middle:.2f}"))
        if lanes.last[other] > row:
            parts.append(_line(f"M{x:.2f} {top:.2f}V{bottom:.2f}"))
    if lanes.last[row] > row:
        parts.append(_line(f"M{here:.2f} {middle:.2f}V{bottom:.2f}"))
    return element("g", *parts, "")


def _line(path: str) -> Markup:
    return element("path", d=path, class_="flow")


def _node(node: FlowNode, row: int, top: float, lanes: Lanes) -> Markup:
    middle = top + _ROW / 2
    left = _place(lanes.count - 1, lanes) + 12
    room = WIDTH - 4 - left
    name = shortened(node.name, room - text_width(node.end) - 8)
    note = shortened(node.note, room - text_width(node.end_note) - 8)
    return element(
        "g",
        element("title", node.full),
        draw_mark(node.kind.mark, node.kind.tone, _place(lanes.lanes[row], lanes), middle),
        draw_text(name, left, middle - 2),
        draw_text(node.end, WIDTH - 4, middle - 2, anchor="end"),
        draw_text(note, left, middle + 11, class_="label"),
        draw_text(node.end_note, WIDTH - 4, middle + 11, anchor="end", class_="label"),
    )
