"""SVG as text: elements with escaped attributes and content, and axes with round ticks."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, floor, log10
from typing import Final

from markupsafe import Markup, escape

_SUFFIXES: Final = ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k"))
_MANTISSAS: Final = (1.0, 2.0, 5.0)
_ROUND: Final = 1e-9  # what floating point leaves of a tick that should be one


def element(name: str, *children: str, **attributes: str | float) -> Markup:
    """One element; children that are not Markup are escaped, and so are attributes.

    An attribute's `_` stands for `-`, and is dropped at the end (`class_`).

    Examples
    --------
    >>> element("text", "a < b", x=1.50, text_anchor="end")
    Markup('<text x="1.5" text-anchor="end">a &lt; b</text>')
    """
    named = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{escape(_plain(value))}"'
        for key, value in attributes.items()
    )
    if not children:
        return Markup(f"<{name}{named}/>")
    inside = "".join(map(escape, children))
    return Markup(f"<{name}{named}>{inside}</{name}>")


def _plain(value: str | float) -> str:
    return value if isinstance(value, str) else coordinate(value)


def coordinate(value: float) -> str:
    """A number with at most two decimals, without zeros at its end.

    Examples
    --------
    >>> coordinate(2.50), coordinate(3.0), coordinate(-0.001)
    ('2.5', '3', '0')
    """
    text = f"{value:.2f}".rstrip("0").rstrip(".")
    return "0" if text == "-0" else text


def polyline(points: Sequence[tuple[float, float]], class_: str) -> Markup:
    """An open line through points."""
    text = " ".join(f"{coordinate(x)},{coordinate(y)}" for x, y in points)
    return element("polyline", points=text, class_=class_)


def drawing(
    width: float, height: float, title: str, description: str, *children: str, class_: str = "chart"
) -> Markup:
    """A whole picture; `title` and `description` are its text for those who do not see it."""
    return element(
        "svg",
        *children,
        viewBox=f"0 0 {coordinate(width)} {coordinate(height)}",
        width=width,
        height=height,
        class_=class_,
        role="img",
        aria_label=f"{title}. {description}",
    )


# Axes --------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Scale:
    """Values from `low` to `high` on pixels from `start` to `end`; logarithmic if `is_log`."""

    low: float
    high: float
    start: float
    end: float
    is_log: bool = False

    def place(self, value: float) -> float:
        """Pixel of a value."""
        low, high = self._inner(self.low), self._inner(self.high)
        share = (self._inner(value) - low) / (high - low)
        return self.start + share * (self.end - self.start)

    def _inner(self, value: float) -> float:
        return log10(value) if self.is_log else value

    @property
    def ticks(self) -> list[float]:
        """Round values within the range."""
        ticks = log_ticks(self.low, self.high) if self.is_log else linear_ticks(self.low, self.high)
        slack = _ROUND * abs(self.high)
        return [tick for tick in ticks if self.low - slack <= tick <= self.high + slack]


def scale_of(
    values: Sequence[float], start: float, end: float, *, is_log: bool = False, from_zero: bool
) -> Scale:
    """A scale whose ends are ticks and that holds all values.

    Parameters
    ----------
    from_zero : whether a linear scale begins at 0.
    """
    low, high = min(values), max(values)
    if is_log:
        low, high = _tick_below(low), _tick_above(high)
        high = high if high > low else 10 * low
        return Scale(low=low, high=high, start=start, end=end, is_log=True)
    if from_zero:
        low = min(low, 0.0)
    if low == high:
        low, high = (0.0, high) if high > 0 else (low, low + 1.0)
    step = _step(low, high)
    return Scale(
        low=floor(low / step + _ROUND) * step,
        high=ceil(high / step - _ROUND) * step,
        start=start,
        end=end,
    )


def linear_ticks(low: float, high: float) -> list[float]:
    """Multiples of 1, 2 or 5 times a power of ten, four to nine of them.

    Examples
    --------
    >>> linear_ticks(0, 10)
    [0.0, 2.0, 4.0, 6.0, 8.0, 10.0]
    """
    step = _step(low, high)
    first, last = ceil(low / step - _ROUND), floor(high / step + _ROUND)
    return [index * step for index in range(first, last + 1)]


def _step(low: float, high: float) -> float:
    rough = (high - low) / 4
    power = 10.0 ** floor(log10(rough))
    return max(m * power for m in _MANTISSAS if m * power <= rough * (1 + _ROUND))


def log_ticks(low: float, high: float) -> list[float]:
    """Powers of ten; over less than three decades also 2 and 5 times these.

    Examples
    --------
    >>> log_ticks(1, 100)
    [1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0]
    """
    decades = range(floor(log10(low)), ceil(log10(high)) + 1)
    mantissas = _MANTISSAS if high / low < 1e3 else (1.0,)
    ticks = [m * 10.0**power for power in decades for m in mantissas]
    return [tick for tick in ticks if low * (1 - _ROUND) <= tick <= high * (1 + _ROUND)]


def _tick_below(value: float) -> float:
    power = 10.0 ** floor(log10(value))
    return max(m * power for m in _MANTISSAS if m * power <= value * (1 + _ROUND))


def _tick_above(value: float) -> float:
    power = 10.0 ** floor(log10(value))
    return min(m * power for m in (*_MANTISSAS, 10.0) if m * power >= value * (1 - _ROUND))


# Numbers for people ------------------------------------------------------------------------------


def short(value: float) -> str:
    """Three digits and a suffix: k, M, G, T.

    Examples
    --------
    >>> short(1234567), short(950), short(0.25), short(2_000)
    ('1.23M', '950', '0.25', '2k')
    """
    for size, suffix in _SUFFIXES:
        if abs(value) >= size * (1 - 5e-4):
            return f"{_digits(value / size)}{suffix}"
    return _digits(value)


def _digits(value: float) -> str:
    text = f"{value:.3g}"
    return f"{float(text):.0f}" if "e+" in text else text
