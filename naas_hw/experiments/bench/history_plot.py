"""The history of benchmarks as a picture: how far each figure is from its first value."""

from collections.abc import Sequence
from math import ceil
from typing import Final

from markupsafe import Markup

from naas_hw.experiments.bench.figures import BUILT, SEARCHED, TIMED, BenchFigure
from naas_hw.experiments.bench.history import BenchHistory
from naas_hw.report.svg import Scale, drawing, element, polyline, scale_of

WIDTH: Final = 760.0
PLOT_RIGHT: Final = 520.0
LEFT: Final = 60.0
HEIGHT: Final = 190.0
TOP: Final = 26.0
LINE: Final = 15.0
GAP: Final = 46.0
MOST_LABELS: Final = 4
"""Entries that are named below a panel, at most."""
COLOURS: Final = ("#1f6f8b", "#b5541c", "#4d7c0f", "#7c3aed", "#be123c", "#525252")
DASHES: Final = ("none", "6 3", "2 3")
STYLE: Final = (
    "text{font:12px sans-serif;fill:#333}.axis{stroke:#999}.grid{stroke:#ddd}"
    "polyline{fill:none;stroke-width:2}rect{fill:#fff}"
)
PANELS: Final = (
    ("Speed on the machine of each entry", TIMED),
    ("FPGA", BUILT),
    ("What short searches find", SEARCHED),
)


def history_svg(history: BenchHistory) -> str:
    """A panel for each kind of figure; above 1 is better than in the first entry."""
    parts: list[Markup] = [element("style", Markup(STYLE)), _background()]
    top = TOP
    for title, figures in PANELS:
        parts += _panel(history, title, figures, top)
        top += HEIGHT + GAP
    text = "Each figure divided by its first value, or its first value divided by it where less "
    whole = drawing(WIDTH, top, "History of the benchmarks", f"{text}is better.", *parts)
    return str(whole).replace("<svg ", '<svg xmlns="http://www.w3.org/2000/svg" ', 1) + "\n"


def _background() -> Markup:
    return element("rect", width="100%", height="100%")


def gains(history: BenchHistory, figure: BenchFigure) -> list[tuple[int, float]]:
    """Index of an entry -> how many times as good as at first."""
    series = history.series(figure)
    if not series:
        return []
    first = series[0][1]
    return [
        (index, value / first if figure.is_more_better else first / value)
        for index, value in series
    ]


def _panel(
    history: BenchHistory, title: str, figures: Sequence[BenchFigure], top: float
) -> list[Markup]:
    lines = {figure: points for figure in figures if (points := gains(history, figure))}
    values = [value for points in lines.values() for _, value in points]
    y = scale_of([0.9, 1.1, *values], top + HEIGHT, top + LINE, from_zero=False)
    x = Scale(low=0, high=max(1, len(history.entries) - 1), start=LEFT, end=PLOT_RIGHT)
    parts = [element("text", title, x=LEFT, y=top, style="font-weight:bold"), *_grid(y)]
    step = ceil(len(history.entries) / MOST_LABELS)
    for index, entry in list(enumerate(history.entries))[::step]:
        label = f"{entry.release} {entry.commit[:7]}"
        parts.append(element("text", label, x=x.place(index), y=top + HEIGHT + LINE))
    for number, (figure, points) in enumerate(lines.items()):
        parts += _series(number, figure, [(x.place(at), y.place(gain)) for at, gain in points], top)
    return parts


def _grid(y: Scale) -> list[Markup]:
    parts = []
    for tick in y.ticks:
        at = y.place(tick)
        parts += [
            element("line", x1=LEFT, x2=PLOT_RIGHT, y1=at, y2=at, class_="grid"),
            element("text", f"{tick:.3g}", x=LEFT - 6, y=at + 4, text_anchor="end"),
        ]
    return parts


def _series(
    number: int, figure: BenchFigure, points: list[tuple[float, float]], top: float
) -> list[Markup]:
    """A line with its marks, and its name at the right."""
    colour, dash = COLOURS[number % len(COLOURS)], DASHES[number // len(COLOURS) % len(DASHES)]
    legend = top + LINE * (number + 1)
    name = figure.title.replace("`", "")
    style = f"stroke:{colour};stroke-dasharray:{dash}"
    return [
        Markup(str(polyline(points, "")).replace(' class=""', f' style="{style}"')),
        *(element("circle", cx=px, cy=py, r=3, fill=colour) for px, py in points),
        element(
            "line",
            x1=PLOT_RIGHT + 14,
            x2=PLOT_RIGHT + 34,
            y1=legend - 4,
            y2=legend - 4,
            style=style,
        ),
        element("text", name, x=PLOT_RIGHT + 40, y=legend),
    ]
