"""What has changed from one entry of the history to the next, and whether it got worse."""

from dataclasses import dataclass

from naas_hw.experiments.bench.figures import FIGURES, BenchFigure
from naas_hw.experiments.bench.history import BenchEntry


@dataclass(frozen=True, kw_only=True)
class FigureChange:
    """One figure in two entries.

    Members
    -------
    before : None where the earlier entry has no such figure.
    is_comparable : whether both values were measured in a way that allows a comparison: times only
        on the same machine.
    """

    figure: BenchFigure
    before: float | None
    after: float
    is_comparable: bool

    @property
    def share(self) -> float | None:
        """The relative change; None where there is nothing to compare."""
        if self.before is None or not self.before or not self.is_comparable:
            return None
        return self.after / self.before - 1

    @property
    def is_worse(self) -> bool:
        """Whether the figure got worse by more than its tolerance."""
        if self.share is None or abs(self.share) <= self.figure.tolerance:
            return False
        return (self.share > 0) != self.figure.is_more_better


def changes_of(before: BenchEntry | None, after: BenchEntry) -> list[FigureChange]:
    """The figures of an entry beside those of an earlier one, in the order of the page."""
    same_machine = before is not None and before.machine == after.machine
    return [
        FigureChange(
            figure=figure,
            before=None if before is None else before.figures.get(figure.key),
            after=after.figures[figure.key],
            is_comparable=same_machine or not figure.is_timed,
        )
        for figure in FIGURES
        if figure.key in after.figures
    ]
