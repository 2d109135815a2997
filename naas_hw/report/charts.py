"""Charts as SVG: curves and points on two axes, and stacked bars. 360 units wide: a phone's width.

Series differ in shape and text, not in colour only; the page's style sheet gives the colours.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from markupsafe import Markup

from naas_hw.report.svg import Scale, drawing, element, polyline, scale_of, short

WIDTH: Final = 360.0
_FONT: Final = 11.0
LINE: Final = 15.0

# Curves and points -------------------------------------------------------------------------------

_PLOT_HEIGHT: Final = 230.0
_LEFT, _RIGHT, _BOTTOM = 50.0, 14.0, 38.0
_MARK: Final = 3.6


@dataclass(frozen=True, kw_only=True)
class Series:
    """Points that belong together.

    Members
    -------
    points : (x, y).
    labels : text of each point; none, or one for each.
    tone : number of the colour.
    mark : circle, square, diamond, star or none.
    has_line : whether the points are joined, in their order.
    named : indices of the points whose label is written beside them.
    """

    name: str
    points: Sequence[tuple[float, float]]
    labels: Sequence[str] = ()
    tone: int = 0
    mark: str = "circle"
    has_line: bool = False
    named: Sequence[int] = ()


@dataclass(frozen=True, kw_only=True)
class ChartAxis:
    """What is along an axis of a chart, with its unit."""

    label: str
    is_log: bool = False
    from_zero: bool = False
    whole: bool = False  # ticks at whole numbers only


def plot(
    title: str, description: str, series: Sequence[Series], *, x_axis: ChartAxis, y_axis: ChartAxis
) -> Markup:
    """Series on two axes, with a legend above."""
    legend, top = draw_legend(
        [
            (one.name, draw_mark(one.mark, one.tone, 0.0, 0.0), one.has_line, one.tone)
            for one in series
        ]
    )
    top += 8
    bottom = top + _PLOT_HEIGHT
    points = [point for one in series for point in one.points]
    across = _scale(x_axis, [x for x, _ in points], _LEFT, WIDTH - _RIGHT)
    up = _scale(y_axis, [y for _, y in points], bottom, top)
    return drawing(
        WIDTH,
        bottom + _BOTTOM,
        title,
        description,
        legend,
        _grid(across, up, x_axis, y_axis),
        *(_curve(one, across, up) for one in series),
        *(_marks(one, across, up) for one in series),
        *(_point_names(one, across, up) for one in series),
    )


def _scale(axis: ChartAxis, values: Sequence[float], start: float, end: float) -> Scale:
    return scale_of(values, start, end, is_log=axis.is_log, from_zero=axis.from_zero)


def _grid(across: Scale, up: Scale, x_axis: ChartAxis, y_axis: ChartAxis) -> Markup:
    parts = []
    for tick in up.ticks:
        y = up.place(tick)
        parts.append(element("line", x1=_LEFT, x2=WIDTH - _RIGHT, y1=y, y2=y, class_="grid"))
        parts.append(draw_text(short(tick), _LEFT - 5, y + 4, anchor="end"))
    previous = -WIDTH
    for tick in across.ticks:
        if x_axis.whole and tick != round(tick):
            continue
        x = across.place(tick)
        parts.append(element("line", x1=x, x2=x, y1=up.start, y2=up.start + 4, class_="axis"))
        width = text_width(short(tick))
        if x - width / 2 > previous + 4:
            parts.append(draw_text(short(tick), x, up.start + 16, anchor="middle"))
            previous = x + width / 2
    middle = (across.start + across.end) / 2
    parts.append(
        element("line", x1=_LEFT, x2=WIDTH - _RIGHT, y1=up.start, y2=up.start, class_="axis")
    )
    parts.append(draw_text(x_axis.label, middle, up.start + 32, anchor="middle", class_="label"))
    centre = (up.start + up.end) / 2
    turned = element(
        "text",
        y_axis.label,
        transform=f"translate(11 {centre:.1f}) rotate(-90)",
        text_anchor="middle",
        class_="label",
    )
    return element("g", *parts, turned)


def _curve(series: Series, across: Scale, up: Scale) -> Markup:
    if not series.has_line or len(series.points) < 2:
        return Markup("")
    placed = [(across.place(x), up.place(y)) for x, y in series.points]
    return polyline(placed, f"curve tone{series.tone}")


def _marks(series: Series, across: Scale, up: Scale) -> Markup:
    labels = series.labels or [series.name] * len(series.points)
    return element(
        "g",
        *(
            draw_mark(series.mark, series.tone, across.place(x), up.place(y), label)
            for (x, y), label in zip(series.points, labels, strict=True)
        ),
        "",
    )


def draw_mark(kind: str, tone: int, x: float, y: float, label: str = "") -> Markup:
    """A mark of a series; `label` is its text for those who point at it."""
    size = _MARK
    if kind == "none":
        return Markup("")
    inside = [element("title", label)] if label else []
    shade = f"mark tone{tone}"
    if kind == "circle":
        return element("circle", *inside, cx=x, cy=y, r=size, class_=shade)
    if kind == "square":
        corner = {"x": x - size, "y": y - size, "width": 2 * size, "height": 2 * size}
        return element("rect", *inside, **corner, class_=shade)
    outline = _STAR if kind == "star" else _DIAMOND
    path = "M" + "L".join(f"{x + dx * size:.2f} {y + dy * size:.2f}" for dx, dy in outline) + "Z"
    return element("path", *inside, d=path, class_=shade)


_DIAMOND: Final = ((0.0, -1.35), (1.35, 0.0), (0.0, 1.35), (-1.35, 0.0))
_STAR: Final = (
    (0.0, -2.2), (0.52, -0.71), (2.09, -0.68), (0.84, 0.27), (1.29, 1.78),
    (0.0, 0.88), (-1.29, 1.78), (-0.84, 0.27), (-2.09, -0.68), (-0.52, -0.71),
)  # fmt: skip


def _point_names(series: Series, across: Scale, up: Scale) -> Markup:
    """Names beside points, each where no name stands yet."""
    taken: list[tuple[float, float]] = []
    parts = []
    for index in series.named:
        x, y = (across.place(series.points[index][0]), up.place(series.points[index][1]))
        label = shortened(series.labels[index], _LONGEST_NAME)
        width = text_width(label)
        right = x + 7 + width < WIDTH
        at = (x + 7 if right else x - 7, y + 4)
        if any(abs(at[1] - b) < _FONT and abs(at[0] - a) < width for a, b in taken):
            continue
        taken.append(at)
        parts.append(draw_text(label, *at, anchor="start" if right else "end", class_="name"))
    return element("g", *parts, "")


def draw_legend(entries: Sequence[tuple[str, Markup, bool, int]]) -> tuple[Markup, float]:
    """The legend and its height; entries stand side by side while there is room.

    Parameters
    ----------
    entries : name, mark, whether there is a line, number of the colour.
    """
    parts, x, y = [], 4.0, 10.0
    for name, mark, has_line, tone in entries:
        width = 24 + text_width(name) + 8
        if x > 4 and x + width > WIDTH:
            x, y = 4.0, y + LINE
        if has_line:
            parts.append(polyline([(x, y - 4), (x + 18, y - 4)], f"curve tone{tone}"))
        moved = element("g", mark, "", transform=f"translate({x + 9:.1f} {y - 4:.1f})")
        parts += [moved, draw_text(name, x + 24, y)]
        x += width
    return element("g", *parts, "", class_="legend"), y + 4


# Bars --------------------------------------------------------------------------------------------

_ROW: Final = 16.0
_BAR: Final = 11.0
_LONGEST_NAME: Final = 136.0


@dataclass(frozen=True, kw_only=True)
class Bar:
    """A row: a name, the lengths of its parts, and what stands at its end."""

    name: str
    values: Sequence[float]
    end: str


def stacked_bars(
    title: str,
    description: str,
    bars: Sequence[Bar],
    *,
    parts: Sequence[tuple[str, int]],
    label: str,
    high: float | None = None,
) -> Markup:
    """Bars of several parts, one below the other; `parts` are names and numbers of colours.

    Parameters
    ----------
    label : what the lengths are, with the unit.
    high : end of the scale; the longest bar where it is None.
    """
    legend, top = draw_legend([(name, _swatch(tone), False, tone) for name, tone in parts])
    names = [shortened(bar.name, _LONGEST_NAME) for bar in bars]
    left = 8 + max(map(text_width, names))
    right = 8 + max(text_width(bar.end) for bar in bars)
    longest = max(sum(bar.values) for bar in bars)
    scale = scale_of([0.0, high or longest or 1.0], left, WIDTH - right, from_zero=True)
    top += 8
    bottom = top + _ROW * len(bars) + 2
    return drawing(
        WIDTH,
        bottom + _BOTTOM,
        title,
        description,
        legend if len(parts) > 1 else "",
        _bar_axis(scale, top, bottom, label),
        *(
            _bar(bar, name, top + _ROW * index, parts, scale)
            for index, (bar, name) in enumerate(zip(bars, names, strict=True))
        ),
    )


def _swatch(tone: int) -> Markup:
    return element("rect", x=-6, y=-5, width=12, height=10, class_=f"part tone{tone}")


def _bar_axis(scale: Scale, top: float, bottom: float, label: str) -> Markup:
    lines = []
    previous = -WIDTH
    for tick in scale.ticks:
        x = scale.place(tick)
        lines.append(element("line", x1=x, x2=x, y1=top, y2=bottom, class_="grid"))
        width = text_width(short(tick))
        if x - width / 2 > previous + 6:
            lines.append(draw_text(short(tick), x, bottom + 14, anchor="middle"))
            previous = x + width / 2
    middle = (scale.start + scale.end) / 2
    text = draw_text(label, middle, bottom + 30, anchor="middle", class_="label")
    return element("g", *lines, text)


def _bar(bar: Bar, name: str, top: float, parts: Sequence[tuple[str, int]], scale: Scale) -> Markup:
    middle = top + _ROW / 2 + 4
    drawn = [draw_text(name, scale.start - 5, middle, anchor="end", full=bar.name)]
    reached = 0.0
    for (part, tone), value in zip(parts, bar.values, strict=True):
        if value <= 0:
            continue
        first, last = scale.place(reached), scale.place(reached + value)
        reached += value
        drawn.append(
            element(
                "rect",
                element("title", f"{bar.name}, {part}: {short(value)}"),
                x=first,
                y=top + (_ROW - _BAR) / 2,
                width=last - first,
                height=_BAR,
                class_=f"part tone{tone}",
            )
        )
    drawn.append(draw_text(bar.end, scale.place(reached) + 4, middle))
    return element("g", *drawn)


# Boxes -------------------------------------------------------------------------------------------

_LEAST_HEIGHT: Final = 1.5


@dataclass(frozen=True, kw_only=True)
class Box:
    """A rectangle on two axes: `left` to `right`, `low` to `high`; `part` is one of the parts."""

    name: str
    label: str
    left: float
    right: float
    low: float
    high: float
    part: int


def boxes(
    title: str,
    description: str,
    boxes: Sequence[Box],
    *,
    parts: Sequence[tuple[str, int]],
    x_axis: ChartAxis,
    y_axis: ChartAxis,
) -> Markup:
    """Boxes on two axes, named where there is room; `parts` are names and numbers of colours."""
    legend, top = draw_legend([(name, _swatch(tone), False, tone) for name, tone in parts])
    top += 8
    bottom = top + _PLOT_HEIGHT
    across = Scale(
        low=min(box.left for box in boxes),
        high=max(box.right for box in boxes),
        start=_LEFT,
        end=WIDTH - _RIGHT,
    )
    up = _scale(y_axis, [box.high for box in boxes], bottom, top)
    return drawing(
        WIDTH,
        bottom + _BOTTOM,
        title,
        description,
        legend,
        _grid(across, up, x_axis, y_axis),
        *(_box(box, parts[box.part][1], across, up) for box in boxes),
    )


def _box(box: Box, tone: int, across: Scale, up: Scale) -> Markup:
    left, right = across.place(box.left), across.place(box.right)
    low, high = up.place(box.low), up.place(box.high)
    height = max(low - high, _LEAST_HEIGHT)
    rectangle = element(
        "rect", element("title", box.label), x=left, y=low - height, width=right - left,
        height=height, class_=f"part tone{tone}",
    )  # fmt: skip
    if height < _FONT + 1 or text_width(box.name) > right - left - 4:
        return rectangle
    middle = (left + right) / 2
    name = draw_text(box.name, middle, (low + high) / 2 + 4, anchor="middle", class_="name")
    return element("g", rectangle, name)


# Text --------------------------------------------------------------------------------------------


def draw_text(
    text: str, x: float, y: float, *, anchor: str = "start", class_: str = "", full: str = ""
) -> Markup:
    """A line of text; `full` is what it stands for, where it was shortened."""
    inside = [element("title", full), text] if full and full != text else [text]
    extra = {"class_": class_} if class_ else {}
    return element("text", *inside, x=x, y=y, text_anchor=anchor, **extra)


def text_width(text: str) -> float:
    """Units that a text of the usual size takes at most, in one of the wider sans-serif fonts."""
    return sum(_WIDTHS.get(character, _usual_width(character)) for character in text)


_WIDTHS: Final = {
    **dict.fromkeys("ijlI.,:;'| ", 3.6),
    **dict.fromkeys("frt-()[]", 4.6),
    **dict.fromkeys("mwMW%@…×", 10.9),
}


def _usual_width(character: str) -> float:
    return 6.9 if character.islower() or character.isdigit() else 8.6


def shortened(text: str, width: float) -> str:
    """The text, its middle left out where it is wider.

    Examples
    --------
    >>> shortened("features.17.conv.2", 80)
    'feature…nv.2'
    """
    if text_width(text) <= width:
        return text
    longest = max((n for n in range(1, len(text)) if text_width(_cut(text, n)) <= width), default=1)
    return _cut(text, longest)


def _cut(text: str, length: int) -> str:
    """So many characters of it, with a sign in place of the middle."""
    tail = (length - 1) * 2 // 5
    return f"{text[: length - 1 - tail]}…{text[len(text) - tail :]}"
