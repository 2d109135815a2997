"""The array as a picture: its axes, and which tensor is shared along which of them.

The first axis runs to the right, the second down; along the third one PE of each plane is drawn
below. A wire through PEs is what they share; a port without a wire gets data of its own.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from markupsafe import Markup

from naas_hw.arch.accelerator import OUTPUT_DIMS, WEIGHT_DIMS, Accelerator, Axis
from naas_hw.report.charts import WIDTH
from naas_hw.report.svg import drawing, element
from naas_hw.workload.layer import Dim

TENSORS: Final = ("weights", "inputs", "outputs")


class Wiring(StrEnum):
    """How the positions of an axis get, or give, a tensor."""

    OWN = "each its own"
    MULTICAST = "one for all (multicast)"
    HALO = "overlapping windows"
    REDUCED = "added up (adder tree)"


def wire_of(dim: Dim, tensor: str) -> Wiring:
    """What an axis of this dim is to a tensor, in a convolution.

    In a depthwise layer K is the channel: along a K axis each position then has its own inputs.

    Examples
    --------
    >>> wire_of("C", "outputs").value, wire_of("K", "inputs").value
    ('added up (adder tree)', 'one for all (multicast)')
    """
    if tensor == "weights":
        return Wiring.OWN if dim in WEIGHT_DIMS else Wiring.MULTICAST
    if tensor == "outputs":
        return Wiring.OWN if dim in OUTPUT_DIMS else Wiring.REDUCED
    if dim == "K":
        return Wiring.MULTICAST
    return Wiring.OWN if dim == "C" else Wiring.HALO


# The picture -------------------------------------------------------------------------------------

_CELL: Final = 44.0
_GAP: Final = 16.0
_ELLIPSIS: Final = 24.0  # additional gap where positions are left out
_SHOWN: Final = 4
_LEFT, _TOP = 64.0, 60.0
_LANES: Final = {"weights": 11.0, "inputs": 22.0, "outputs": 33.0}
_TONES: Final = {"weights": 0, "inputs": 1, "outputs": 2}
_REDUCED: Final = f"wire tone{_TONES['outputs']} reduced"
_STUB: Final = 12.0
_LEGEND_LINE: Final = 17.0
_DEPTH: Final = 7.0  # by which the planes behind stand off


@dataclass(frozen=True, kw_only=True)
class _Track:
    """Where the positions of an axis lie.

    Members
    -------
    places : of the first corner of each PE drawn.
    """

    axis: Axis
    places: tuple[float, ...]

    @property
    def end(self) -> float:
        return self.places[-1] + _CELL


def draw_array(accelerator: Accelerator) -> Markup:
    """The picture of an array."""
    first, *others = accelerator.axes
    across = _track(first, _LEFT)
    down = _track(others[0], _TOP) if others else None
    parts = [*_planes(across, down, len(others) > 1), *_grid(across, down)]
    bottom = down.end if down else _TOP + _CELL
    if down is not None and _is_reduced(down.axis):
        bottom += _STUB + 15
    bottom += 18
    if len(others) > 1:
        row, bottom = _third(others[1], bottom + 6)
        parts += row
    legend, height = _legend(accelerator, bottom + 18)
    return drawing(
        WIDTH,
        height,
        "The array",
        describe_array(accelerator),
        *parts,
        legend,
        class_="chart array",
    )


def describe_array(accelerator: Accelerator) -> str:
    """The picture in words."""
    return " ".join(
        f"Axis {axis.dim}, {axis.size} positions: "
        + ", ".join(f"{tensor} {wire_of(axis.dim, tensor)}" for tensor in TENSORS)
        + "."
        for axis in accelerator.axes
    )


def _track(axis: Axis, start: float) -> _Track:
    """Up to four positions; of more the first three and the last."""
    shown = min(axis.size, _SHOWN)
    places = [start + index * (_CELL + _GAP) for index in range(shown)]
    if axis.size > _SHOWN:
        places[-1] += _ELLIPSIS
    return _Track(axis=axis, places=tuple(places))


def _planes(across: _Track, down: _Track | None, is_deep: bool) -> list[Markup]:
    """The planes behind, where there is a third axis."""
    if not is_deep or down is None:
        return []
    return [
        _cell(x + shift * _DEPTH, y - shift * _DEPTH, behind=True)
        for shift in (2, 1)
        for x in across.places
        for y in down.places
    ]


def _grid(across: _Track, down: _Track | None) -> list[Markup]:
    rows = down.places if down else (_TOP,)
    parts = [_cell(x, y) for x in across.places for y in rows]
    parts += [_axis_label(across.axis, (across.places[0] + across.end) / 2, _TOP - 40)]
    joined = down is not None and all(_is_reduced(t.axis) for t in (across, down))
    for y in rows:
        parts += _wires(across, y, turned=False, has_sum=not joined)
    if down is not None and joined:
        parts += _join(across, down)
    if down is not None:
        middle = (down.places[0] + down.end) / 2
        parts.append(_axis_label(down.axis, 12, middle, turned=True))
        for x in across.places:
            parts += _wires(down, x, turned=True, has_reduction=not joined)
    parts += _ellipses(across, down)
    dims = [track.axis.dim for track in (across, down) if track]
    parts += [_ports(x, y, dims) for x in across.places for y in rows]
    return parts


def _is_reduced(axis: Axis) -> bool:
    return wire_of(axis.dim, "outputs") is Wiring.REDUCED


def _join(across: _Track, down: _Track) -> list[Markup]:
    """One sum of all rows, where both axes are added up."""
    x, lane = across.end + _STUB, _LANES["outputs"]
    first, last = down.places[0] + lane, down.places[-1] + lane
    return [_line(first, last, x, _REDUCED, True), _sum(x, last + 7, False)]


def _third(axis: Axis, top: float) -> tuple[list[Markup], float]:
    """One PE of each plane along the third axis, and where it ends."""
    track = _track(axis, _LEFT)
    place = top + 26
    parts = [_axis_label(axis, (track.places[0] + track.end) / 2, top)]
    parts += [_cell(x, place) for x in track.places]
    parts += _wires(track, place, turned=False)
    if axis.size > _SHOWN:
        parts.append(_dots(track.places[-1] - (_GAP + _ELLIPSIS) / 2, place + _CELL / 2))
    parts += [_ports(x, place, [axis.dim]) for x in track.places]
    return parts, place + _CELL + 10


def _axis_label(axis: Axis, x: float, y: float, *, turned: bool = False) -> Markup:
    text = f"{axis.dim}: {axis.size} position{'s' * (axis.size > 1)}"
    turn = {"transform": f"rotate(-90 {x:.1f} {y:.1f})"} if turned else {}
    return element("text", text, x=x, y=y, text_anchor="middle", class_="label", **turn)


def _cell(x: float, y: float, *, behind: bool = False) -> Markup:
    class_ = "pe behind" if behind else "pe"
    return element("rect", x=x, y=y, width=_CELL, height=_CELL, rx=4, class_=class_)


def _wires(
    track: _Track,
    across: float,
    *,
    turned: bool,
    has_sum: bool = True,
    has_reduction: bool = True,
) -> list[Markup]:
    """What one row (a column if `turned`) shares; `across` is the corner of its PEs."""
    parts = []
    for tensor in TENSORS:
        wire = wire_of(track.axis.dim, tensor)
        if wire is Wiring.OWN or (wire is Wiring.REDUCED and not has_reduction):
            continue
        lane, last = across + _LANES[tensor], track.places[-1] + _LANES[tensor]
        shade = f"wire tone{_TONES[tensor]} {wire.name.lower()}"
        if wire is Wiring.REDUCED:
            first, end = track.places[0] + _LANES[tensor], track.end + _STUB
            parts.append(_line(first, end, lane, shade, turned))
            parts += [_sum(end + 7, lane, turned)] if has_sum else []
        else:
            first = track.places[0] - _STUB
            parts += [_line(first, last, lane, shade, turned), _arrow(first, lane, shade, turned)]
    return parts


def _line(first: float, last: float, lane: float, class_: str, turned: bool) -> Markup:
    ends = {"x1": first, "x2": last, "y1": lane, "y2": lane}
    if turned:
        ends = {"x1": lane, "x2": lane, "y1": first, "y2": last}
    return element("line", **ends, class_=class_)


def _arrow(first: float, lane: float, shade: str, turned: bool) -> Markup:
    """Where a shared tensor comes in."""
    corners = [(first + 5, lane - 4), (first + 12, lane), (first + 5, lane + 4)]
    if turned:
        corners = [(y, x) for x, y in corners]
    path = "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in corners) + "Z"
    return element("path", d=path, class_=shade.replace("wire", "head"))


def _sum(along: float, lane: float, turned: bool) -> Markup:
    x, y = (lane, along) if turned else (along, lane)
    circle = element("circle", cx=x, cy=y, r=7.5, class_="sum")
    sign = element("text", "Σ", x=x, y=y + 4, text_anchor="middle", class_="sign")
    return element("g", circle, sign)


def _ports(x: float, y: float, dims: Sequence[Dim]) -> Markup:
    """Weights, inputs, outputs of a PE; square where it gets, or keeps, its own."""
    parts = []
    for tensor in TENSORS:
        is_own = all(wire_of(dim, tensor) is Wiring.OWN for dim in dims)
        at, shade = _LANES[tensor], f"port tone{_TONES[tensor]}"
        parts.append(
            element("rect", x=x + at - 4, y=y + at - 4, width=8, height=8, class_=shade)
            if is_own
            else element("circle", cx=x + at, cy=y + at, r=4, class_=shade)
        )
    return element("g", *parts)


def _ellipses(across: _Track, down: _Track | None) -> list[Markup]:
    rows = down.places if down else (_TOP,)
    parts = []
    if across.axis.size > _SHOWN:
        x = across.places[-1] - (_GAP + _ELLIPSIS) / 2
        parts += [_dots(x, y + _CELL / 2) for y in rows]
    if down is not None and down.axis.size > _SHOWN:
        y = down.places[-1] - (_GAP + _ELLIPSIS) / 2
        parts += [_dots(x + _CELL / 2, y, turned=True) for x in across.places]
    return parts


def _dots(x: float, y: float, *, turned: bool = False) -> Markup:
    steps = [(0.0, d) if turned else (d, 0.0) for d in (-6.0, 0.0, 6.0)]
    return element(
        "g", *(element("circle", cx=x + dx, cy=y + dy, r=1.6, class_="dot") for dx, dy in steps)
    )


def _legend(accelerator: Accelerator, top: float) -> tuple[Markup, float]:
    """What the shapes mean, those that occur, and where the picture ends."""
    wires = {wire_of(axis.dim, tensor) for axis in accelerator.axes for tensor in TENSORS}
    parts, y = [], top
    for index, tensor in enumerate(TENSORS):
        x = 6 + 116 * index
        shade = f"port tone{_TONES[tensor]}"
        parts.append(element("rect", x=x, y=y - 9, width=10, height=10, class_=shade))
        parts.append(element("text", tensor, x=x + 15, y=y))
    for wire, text, class_ in _WIRE_LEGEND:
        if wire in wires:
            y += _LEGEND_LINE
            parts.append(_line(6, 34, y - 4, f"wire {class_}", False))
            parts.append(element("text", text, x=42, y=y))
    if Wiring.REDUCED in wires:
        y += _LEGEND_LINE
        parts += [_sum(20, y - 4, False), element("text", "sum, into accumulators", x=42, y=y)]
    y += _LEGEND_LINE
    parts.append(element("rect", x=15, y=y - 9, width=9, height=9, class_="port"))
    parts.append(element("text", "square port: data of its own", x=42, y=y))
    return element("g", *parts, class_="legend"), y + 8


_WIRE_LEGEND: Final = (
    (Wiring.MULTICAST, "solid line: one value for all on it", "multicast"),
    (Wiring.HALO, "dashed line: windows that overlap", "halo"),
    (Wiring.REDUCED, "thick line: added up every cycle", "reduced"),
)
