"""Sizes alone against everything: how much of the gain is in dims and mappings.

Sizing only: the array keeps the preset's parallel dims, and each layer the mappings of its
dataflow; the sizes of array and buffers are searched, within the same resources.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from naas_hw.experiments.markdown import (
    DESIGN_HEAD,
    DESIGN_RULE,
    design_cells,
    effort_text,
    grouped,
    row,
    spread,
    spread_of,
    table_text,
)
from naas_hw.experiments.naas_paper import REDUCTIONS
from naas_hw.experiments.preset_trials import (
    Effort,
    PresetCase,
    SearchProgressCallback,
    Trial,
    best_of,
    measured_trial,
    searched,
)
from naas_hw.search.accelerator.baseline import BaselineKind
from naas_hw.search.accelerator.result import SearchResult
from naas_hw.search.processes import worker_processes


@dataclass(frozen=True, kw_only=True)
class SizingTrial:
    """A trial, and what the search of sizes only found with the same seed."""

    trial: Trial
    sized: SearchResult

    def sizing(self, kind: BaselineKind) -> float:
        """EDP of the baseline by that of the preset's dataflow in the best sizes."""
        return self.trial.before(kind).report.edp / self.sized.score

    def full(self, kind: BaselineKind) -> float:
        """EDP of the baseline by that of the full search's find."""
        return self.trial.edp_reduction(kind)

    @property
    def ratio(self) -> float:
        """EDP of sizes only by that of the full search, whatever the baseline."""
        return self.full(BaselineKind.FIXED) / self.sizing(BaselineKind.FIXED)


def measure_sizing(
    cases: Sequence[PresetCase],
    effort: Effort,
    *,
    num_processes: int = 1,
    progress: SearchProgressCallback | None = None,
) -> list[SizingTrial]:
    """Search each case twice; seeds outermost, then tables, then cases.

    Raises
    ------
    InputError : as of `search` and `evaluate_baseline`.
    KeyboardInterrupt : Ctrl-C; `effort.keep` has what was searched.
    """
    with worker_processes(num_processes) as executor:
        return [
            SizingTrial(
                trial=measured_trial(case, settings, effort.keep, executor, progress),
                sized=searched(
                    case,
                    settings.sizing_only(case.preset),
                    effort.keep,
                    executor,
                    progress,
                    "sizes only",
                ),
            )
            for settings in effort.searches()
            for case in cases
        ]


# Markdown ----------------------------------------------------------------------------------------


def sizing_markdown(effort: Effort, trials: Sequence[SizingTrial]) -> str:
    """The section of a document, figures and all."""
    parts = [
        "How much of the gain is in sizes alone. *Sizing only* keeps the preset's parallel dims "
        "and the mappings of its dataflow, and searches sizes of array and buffers within the same "
        "resources; *all* searches dims, sizes and mappings. Both as EDP of the preset with fixed "
        "mappings by EDP of what was found, and as EDP of *folded* by it where the chip's network "
        "forms another array for each layer (`-`: it does not). "
        f"Optimiser of accelerators: "
        f"`{effort.settings.optimiser}`. " + effort_text(effort),
    ]
    for table in effort.tables:
        under = [trial for trial in trials if trial.trial.table == table]
        parts += [table_text(table), _table_of_ratios(under), _table_of_designs(under)]
    return "\n\n".join(parts)


def _by_case(trials: Sequence[SizingTrial]) -> dict[str, list[SizingTrial]]:
    return grouped(trials, lambda trial: trial.trial.case.title)


def _table_of_ratios(trials: Sequence[SizingTrial]) -> str:
    lines = [
        row(
            *("preset, network", "sizing only", "NAAS's", "all", "NAAS's"),
            *("all / sizing only", "NAAS's", "sizing only, beside folded", "all, beside folded"),
        ),
        "|---|" + "---:|" * 8,
    ]
    for title, group in _by_case(trials).items():
        case = group[0].trial.case
        theirs = REDUCTIONS.get((case.preset.accelerator.name, case.network.name))
        published = (
            ("-", "-", "-")
            if theirs is None
            else (f"{theirs.sizing:g}", f"{theirs.naas:g}", f"{theirs.ratio:g}")
        )
        ours = (
            spread([trial.sizing(BaselineKind.FIXED) for trial in group]),
            spread([trial.full(BaselineKind.FIXED) for trial in group]),
            spread([trial.ratio for trial in group]),
        )
        pairs = [cell for pair in zip(ours, published, strict=True) for cell in pair]
        folding = [trial for trial in group if trial.trial.has(BaselineKind.FOLDED)]
        beside_folded = (
            spread_of(trial.sizing(BaselineKind.FOLDED) for trial in folding),
            spread_of(trial.full(BaselineKind.FOLDED) for trial in folding),
        )
        lines.append(row(title, *pairs, *beside_folded))
    return "\n".join(lines)


def _table_of_designs(trials: Sequence[SizingTrial]) -> str:
    lines = [
        row("preset, network", "searched", "seed", DESIGN_HEAD, "EDP, J cycles"),
        f"|---|---|---:|{DESIGN_RULE}|---:|",
    ]
    for title, group in _by_case(trials).items():
        for what, results in (
            ("sizes only", [trial.sized for trial in group]),
            ("all", [trial.trial.result for trial in group]),
        ):
            best = best_of(results)
            cells = design_cells(results[best].accelerator)
            score = f"{results[best].score / 1e12:,.1f}"
            lines.append(row(title, what, str(group[best].trial.seed), *cells, score))
    return "\n".join(lines)
