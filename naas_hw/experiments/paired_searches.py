"""Two searches of each case that are equal in all but one setting."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

from naas_hw.arch.technology import EnergyTable
from naas_hw.experiments.markdown import (
    grouped,
)
from naas_hw.experiments.preset_trials import Effort, PresetCase, SearchProgressCallback, searched
from naas_hw.search.accelerator.result import SearchResult
from naas_hw.search.accelerator.settings import SearchSettings
from naas_hw.search.processes import worker_processes

P = TypeVar("P", bound="PairedSearches")


@dataclass(frozen=True, kw_only=True)
class PairedSearches:
    """Two searches of a case under a table, equal in all but one setting."""

    case: PresetCase
    table: EnergyTable
    seed: int
    ours: SearchResult
    rival: SearchResult

    @property
    def ratio(self) -> float:
        """EDP of what the rival found by that of ours."""
        return self.rival.score / self.ours.score


def measure_pairs(
    cases: Sequence[PresetCase],
    pairs: Sequence[tuple[SearchSettings, SearchSettings]],
    names: tuple[str, str],
    effort: Effort,
    num_processes: int,
    progress: SearchProgressCallback | None,
) -> list[PairedSearches]:
    """Search every case with both settings of each pair.

    Parameters
    ----------
    names : of the two ways, as those who follow the progress are told.
    """
    comparisons = []
    with worker_processes(num_processes) as executor:
        for pair in pairs:
            for case in cases:
                ours, rival = (
                    searched(case, settings, effort.keep, executor, progress, name)
                    for settings, name in zip(pair, names, strict=True)
                )
                table = pair[0].table
                assert table is not None
                comparison = PairedSearches(
                    case=case, table=table, seed=pair[0].seed, ours=ours, rival=rival
                )
                comparisons.append(comparison)
    return comparisons


def pairs_by_case(comparisons: Sequence[P]) -> dict[str, list[P]]:
    """Title of a case -> its pairs, in order."""
    return grouped(comparisons, lambda comparison: comparison.case.title)
