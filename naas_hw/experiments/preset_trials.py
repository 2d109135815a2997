"""Searches of many cases, tables and seeds; what was searched is kept in a folder.

A *case* is a preset, whose resources a search gets, and a network. Each is searched under each
energy table with each seed.
"""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from pathlib import Path

from naas_hw.arch.presets import Preset
from naas_hw.arch.technology import EnergyTable
from naas_hw.experiments.resumable_searches import kept_baseline, kept_search
from naas_hw.search.accelerator.baseline import Baseline, BaselineKind
from naas_hw.search.accelerator.result import Progress, SearchResult
from naas_hw.search.accelerator.settings import SearchSettings
from naas_hw.search.mapping.network_search import NetworkResult
from naas_hw.search.objective import Objective
from naas_hw.workload.network import Network


@dataclass(frozen=True, kw_only=True)
class PresetCase:
    """A network, and the preset whose resources a search for it gets."""

    preset: Preset
    network: Network

    @property
    def title(self) -> str:
        """`eyeriss, mobilenet_v2`."""
        return f"{self.preset.accelerator.name}, {self.network.name}"


@dataclass(frozen=True, kw_only=True)
class Trial:
    """One case under one table with one seed: what was found, and the preset itself."""

    case: PresetCase
    table: EnergyTable
    seed: int
    result: SearchResult
    baseline: Baseline

    def before(self, kind: BaselineKind) -> NetworkResult:
        """What is compared with what was found; the baseline must have it."""
        result = self.baseline.of(kind)
        assert result is not None
        return result

    def has(self, kind: BaselineKind) -> bool:
        """Whether the baseline has it: *folded* only where the preset's chip folds."""
        return self.baseline.of(kind) is not None

    def speedup(self, kind: BaselineKind) -> float:
        """Cycles of the baseline by those of what was found."""
        return self.before(kind).report.cycles / self.result.networks[0].report.cycles

    def energy_saving(self, kind: BaselineKind) -> float:
        """Energy of the baseline by that of what was found."""
        return self.before(kind).report.energy_pj / self.result.networks[0].report.energy_pj

    def edp_reduction(self, kind: BaselineKind) -> float:
        """Energy times cycles of the baseline by that of what was found."""
        return self.speedup(kind) * self.energy_saving(kind)


@dataclass(frozen=True, kw_only=True)
class Effort:
    """Of a comparison: the settings of each search, and which seeds.

    Members
    -------
    settings : its seed is the first one.
    tables : energies, one after the other.
    keep : folder of what was searched; a second call with it goes on where the first was stopped.
    """

    settings: SearchSettings
    tables: tuple[EnergyTable, ...]
    num_seeds: int = 1
    keep: Path | None = None

    @property
    def seeds(self) -> range:
        """One search each."""
        return range(self.settings.seed, self.settings.seed + self.num_seeds)

    def searches(self) -> Iterator[SearchSettings]:
        """The settings with each seed under each table, seeds outermost."""
        for seed in self.seeds:
            for table in self.tables:
                yield replace(self.settings, objective=Objective.EDP, table=table, seed=seed)


SearchProgressCallback = Callable[[str, Progress], None]
"""Told of a search by name, and how far it is."""


def searched(
    case: PresetCase,
    settings: SearchSettings,
    keep: Path | None,
    executor: Executor | None,
    progress: SearchProgressCallback | None,
    how: str = "",
) -> SearchResult:
    """One search, or what the folder has of it; `how` goes into the name that is told."""
    assert settings.table is not None
    words = [case.title, settings.table.name, f"seed {settings.seed}", *([how] if how else [])]
    name = ", ".join(words)
    return kept_search(
        [case.network],
        case.preset.budget,
        settings,
        keep,
        executor=executor,
        progress=None if progress is None else lambda told: progress(name, told),
    )


def measured_trial(
    case: PresetCase,
    settings: SearchSettings,
    keep: Path | None,
    executor: Executor | None,
    progress: SearchProgressCallback | None,
) -> Trial:
    """A search, and the preset under the same table.

    The preset's searched mappings get as many evaluations as the final ones of what was found.
    """
    assert settings.table is not None
    result = searched(case, settings, keep, executor, progress)
    effort = settings.final_settings(case.preset.budget)
    return Trial(
        case=case,
        table=settings.table,
        seed=settings.seed,
        result=result,
        baseline=kept_baseline(case.preset, case.network, effort, keep, executor=executor),
    )


def best_of(results: Sequence[SearchResult]) -> int:
    """Index of the one with the smallest score."""
    return min(range(len(results)), key=lambda index: results[index].score)
