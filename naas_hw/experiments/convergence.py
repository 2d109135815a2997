"""A search that learns (CMA-ES) against one that does not (uniform points), by generations.

There is no warm start, as in the paper: the first generation is drawn, not made of classic
arrays, which would hide how the search goes on.
"""

from collections.abc import Sequence
from dataclasses import replace
from math import inf, log
from typing import Final

from naas_hw.experiments.markdown import (
    effort_text,
    row,
    spread,
    table_text,
)
from naas_hw.experiments.paired_searches import PairedSearches, measure_pairs, pairs_by_case
from naas_hw.experiments.preset_trials import Effort, PresetCase, SearchProgressCallback
from naas_hw.search.accelerator.optimisers import OuterOptimiser
from naas_hw.search.accelerator.result import SearchResult
from naas_hw.search.accelerator.settings import SearchSettings
from naas_hw.search.objective import geometric_mean

WIDTH: Final = 64
"""Characters of a chart."""


def cma_and_random(settings: SearchSettings) -> tuple[SearchSettings, SearchSettings]:
    """CMA-ES, and uniform points; mappings are searched in one way."""
    common = replace(settings, warm_start=False)
    return (
        replace(common, optimiser=OuterOptimiser.CMA),
        replace(common, optimiser=OuterOptimiser.RANDOM),
    )


def measure_convergence(
    cases: Sequence[PresetCase],
    effort: Effort,
    *,
    num_processes: int = 1,
    progress: SearchProgressCallback | None = None,
) -> list[PairedSearches]:
    """CMA-ES (ours) against uniform points.

    Raises
    ------
    InputError : as of `search`.
    KeyboardInterrupt : Ctrl-C; `effort.keep` has what was searched.
    """
    pairs = [cma_and_random(settings) for settings in effort.searches()]
    return measure_pairs(cases, pairs, ("cma", "random"), effort, num_processes, progress)


def generation_means(
    results: Sequence[SearchResult],
) -> list[tuple[float, float]]:
    """Of each generation: population mean of EDP, and best so far; geometric means over seeds.

    A seed whose generation has no candidate with mappings makes that generation infinite.
    """
    return [
        (
            geometric_mean([result.population_means[g] for result in results]),
            geometric_mean([result.best_scores[g] for result in results]),
        )
        for g in range(len(results[0].population_means))
    ]


def convergence_markdown(effort: Effort, comparisons: Sequence[PairedSearches]) -> str:
    """The section of a document, figures and all."""
    parts = [
        "Population mean of EDP, generation by generation: CMA-ES, which learns, and uniform "
        "points, which do not. No warm start. " + effort_text(effort),
        "NAAS: the mean falls over the iterations, that of random search does not.",
    ]
    for table in effort.tables:
        parts.append(table_text(table))
        under = [comparison for comparison in comparisons if comparison.table == table]
        for title, group in pairs_by_case(under).items():
            ours = generation_means([comparison.ours for comparison in group])
            rival = generation_means([comparison.rival for comparison in group])
            ratios = spread([comparison.ratio for comparison in group])
            parts += [
                f"{title}; J cycles. At the end EDP of what uniform points found is {ratios} "
                f"times that of CMA-ES. From the first to the last generation the mean is "
                f"{_fall(ours)} with CMA-ES, {_fall(rival)} with uniform points.",
                _table_of_generations(ours, rival),
                chart([mean for mean, _ in ours], [mean for mean, _ in rival]),
            ]
    pruned = [
        sum(pick(comparison).num_pruned for comparison in comparisons) for pick in (_ours, _rival)
    ]
    parts.append(
        f"A lower bound pruned {pruned[0]:,} candidates of CMA-ES and {pruned[1]:,} uniform ones, "
        "which were drawn again instead of mapped."
    )
    return "\n\n".join(parts)


def _ours(comparison: PairedSearches) -> SearchResult:
    return comparison.ours


def _rival(comparison: PairedSearches) -> SearchResult:
    return comparison.rival


def _fall(curve: Sequence[tuple[float, float]]) -> str:
    """The first mean by the last one."""
    first, last = curve[0][0], curve[-1][0]
    if max(first, last) == inf:
        return "not comparable (no mappings in a generation)"
    return f"divided by {first / last:.2f}"


def _table_of_generations(
    ours: Sequence[tuple[float, float]], rival: Sequence[tuple[float, float]]
) -> str:
    lines = [
        row("generation", "CMA-ES, mean", "best so far", "uniform, mean", "best so far"),
        "|---:|---:|---:|---:|---:|",
    ]
    for generation, (own, other) in enumerate(zip(ours, rival, strict=True)):
        lines.append(row(str(generation), *(_joules(value) for value in (*own, *other))))
    return "\n".join(lines)


def _joules(value: float) -> str:
    return "-" if value == inf else f"{value / 1e12:,.1f}"


def chart(ours: Sequence[float], rival: Sequence[float]) -> str:
    """Two curves as text, a line a generation, on a logarithmic scale.

    `c` is ours and `r` the rival, `*` both; what is infinite is not drawn.
    """
    finite = [value for value in (*ours, *rival) if value < inf]
    if not finite:
        return ""
    low, high = min(finite), max(finite)
    lines = ["```", f"c: CMA-ES, r: uniform; logarithmic, {_joules(low)} to {_joules(high)}"]
    for generation, (own, other) in enumerate(zip(ours, rival, strict=True)):
        cells = [" "] * WIDTH
        for value, mark in ((own, "c"), (other, "r")):
            if value < inf:
                column = _column(value, low, high)
                cells[column] = mark if cells[column] == " " else "*"
        lines.append(f"{generation:3d} |{''.join(cells).rstrip()}")
    return "\n".join((*lines, "```"))


def _column(value: float, low: float, high: float) -> int:
    if low == high:
        return 0
    return round((WIDTH - 1) * log(value / low) / log(high / low))
