"""Ratios of several seeds, or several networks, as one cell of a table."""

from collections.abc import Sequence

from naas_hw.search.objective import geometric_mean


def spread(values: Sequence[float]) -> str:
    """Geometric mean, and the range where there is one.

    Examples
    --------
    >>> spread([2.0, 8.0]), spread([1.5])
    ('4.00 (2.00 to 8.00)', '1.50')
    """
    text = f"{geometric_mean(list(values)):.2f}"
    if min(values) < max(values):
        text += f" ({min(values):.2f} to {max(values):.2f})"
    return text


def mean_share(values: Sequence[float]) -> str:
    """Arithmetic mean of shares of a whole, in per cent, and the range where there is one.

    Examples
    --------
    >>> mean_share([0.25, 0.75]), mean_share([0.5])
    ('50.0% (25.0 to 75.0)', '50.0%')
    """
    text = f"{sum(values) / len(values):.1%}"
    if min(values) < max(values):
        text += f" ({100 * min(values):.1f} to {100 * max(values):.1f})"
    return text
