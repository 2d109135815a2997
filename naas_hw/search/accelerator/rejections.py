"""Accelerators that a search drew but did not map, counted by the reason."""

from dataclasses import dataclass, fields
from typing import Self


@dataclass(frozen=True, kw_only=True)
class Rejections:
    """How many accelerators were ruled out before any mapping of theirs was searched.

    Members
    -------
    over_budget : they broke a limit of the budget, or of its FPGA by prediction.
    known : they had been mapped before.
    pruned : a lower bound of their score was no better than the best score at that time.
    without_room : some layer has no legal mapping on them, whatever the mapping.
    """

    over_budget: int = 0
    known: int = 0
    pruned: int = 0
    without_room: int = 0

    def __add__(self, other: Self) -> "Rejections":
        """Counts of both together."""
        names = [field.name for field in fields(self)]
        return Rejections(**{name: getattr(self, name) + getattr(other, name) for name in names})

    @property
    def total(self) -> int:
        """All of them, whatever the reason."""
        return sum(getattr(self, field.name) for field in fields(self))
