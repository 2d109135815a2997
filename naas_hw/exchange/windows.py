"""How many places two loops reach together."""

from math import gcd


def num_places(outer: int, outer_step: int, inner: int, inner_step: int) -> int:
    """Distinct values of i outer_step + j inner_step, for i below `outer` and j below `inner`.

    With both steps divided by their common factor, (i, j) and (i + inner_step, j - outer_step) are
    the same place.

    Examples
    --------
    >>> num_places(4, 1, 3, 1)  # three windows of the input beside the first: 0 to 5
    6
    >>> num_places(4, 3, 2, 1)  # windows that do not touch
    8
    """
    common = gcd(outer_step, inner_step)
    twice = max(0, outer - inner_step // common) * max(0, inner - outer_step // common)
    return outer * inner - twice
