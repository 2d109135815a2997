"""The placers of nextpnr that a build can use."""

from enum import StrEnum


class Placer(StrEnum):
    """A placer of nextpnr; docs/decisions.md has figures of both.

    Members
    -------
    STATIC : the electrostatic one. It spreads cells evenly, so that routing ends more often.
    HEAP : the analytic one. Where routing ends, the clock is a little higher on average.
    """

    STATIC = "static"
    HEAP = "heap"
