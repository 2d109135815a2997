"""The outer search in two ways at once: encodings against each other, and learning against chance.

Both are without a warm start, as the paper's: the first generation is drawn, not made of classic
arrays, which would hide how the search goes on.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import inf, log
from typing import Final

from naas_hw.arch.technology import EnergyTable
from naas_hw.experiments.published import ENCODING_RATIOS
from naas_hw.experiments.spread import spread
from naas_hw.experiments.trials import (
    DESIGN_HEAD,
    DESIGN_RULE,
    Effort,
    PresetCase,
    Tell,
    best_of,
    design_cells,
    effort_text,
    grouped,
    row,
    searched,
    table_text,
)
from naas_hw.search.accelerator.optimisers import OuterOptimiser
from naas_hw.search.accelerator.result import SearchResult
from naas_hw.search.accelerator.settings import SearchSettings
from naas_hw.search.mapping.layer_search import Optimiser
from naas_hw.search.objective import geometric_mean
from naas_hw.search.processes import worker_processes
from naas_hw.search.unit_interval import Encoding

WIDTH: Final = 64
"""Characters of a chart."""


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


def importance_and_index(settings: SearchSettings) -> tuple[SearchSettings, SearchSettings]:
    """CMA-ES at both levels, once with importances and once with indices."""
    common = replace(
        settings,
        warm_start=False,
        optimiser=OuterOptimiser.CMA,
        mapping_optimiser=Optimiser.CMA,
    )
    return (
        replace(common, encoding=Encoding.IMPORTANCE),
        replace(common, encoding=Encoding.INDEX),
    )


def cma_and_random(settings: SearchSettings) -> tuple[SearchSettings, SearchSettings]:
    """CMA-ES, and uniform points; mappings are searched in one way."""
    common = replace(settings, warm_start=False)
    return (
        replace(common, optimiser=OuterOptimiser.CMA),
        replace(common, optimiser=OuterOptimiser.RANDOM),
    )


def measure_encodings(
    cases: Sequence[PresetCase], effort: Effort, *, num_processes: int = 1, tell: Tell | None = None
) -> list[PairedSearches]:
    """Importances (ours) against indices.

    Raises
    ------
    InputError : as of `search`.
    KeyboardInterrupt : Ctrl-C; `effort.keep` has what was searched.
    """
    pairs = [importance_and_index(settings) for settings in effort.searches()]
    return _paired_searches(cases, pairs, ("importance", "index"), effort, num_processes, tell)


def measure_convergence(
    cases: Sequence[PresetCase], effort: Effort, *, num_processes: int = 1, tell: Tell | None = None
) -> list[PairedSearches]:
    """CMA-ES (ours) against uniform points.

    Raises
    ------
    InputError : as of `search`.
    KeyboardInterrupt : Ctrl-C; `effort.keep` has what was searched.
    """
    pairs = [cma_and_random(settings) for settings in effort.searches()]
    return _paired_searches(cases, pairs, ("cma", "random"), effort, num_processes, tell)


def _paired_searches(
    cases: Sequence[PresetCase],
    pairs: Sequence[tuple[SearchSettings, SearchSettings]],
    names: tuple[str, str],
    effort: Effort,
    num_processes: int,
    tell: Tell | None,
) -> list[PairedSearches]:
    comparisons = []
    with worker_processes(num_processes) as executor:
        for pair in pairs:
            for case in cases:
                ours, rival = (
                    searched(case, settings, effort.keep, executor, tell, name)
                    for settings, name in zip(pair, names, strict=True)
                )
                table = pair[0].table
                assert table is not None
                comparison = PairedSearches(
                    case=case, table=table, seed=pair[0].seed, ours=ours, rival=rival
                )
                comparisons.append(comparison)
    return comparisons


# Encodings ---------------------------------------------------------------------------------------


def encoding_markdown(effort: Effort, comparisons: Sequence[PairedSearches]) -> str:
    """The section of a document, figures and all."""
    least, most = ENCODING_RATIOS
    parts = [
        "Parallel dims and loop orders as importances, a number a dim, or as the index of one in "
        "an enumeration. All else is equal: CMA-ES at both levels, no warm start, the same "
        "resources, evaluations and seeds. " + effort_text(effort),
        f"NAAS: EDP with indices is {least:g} to {most:g} times that with importances.",
    ]
    for table in effort.tables:
        under = [comparison for comparison in comparisons if comparison.table == table]
        parts += [table_text(table), _table_of_encodings(under), _table_of_dims(under)]
    parts.append(_verdict(comparisons))
    return "\n\n".join(parts)


def _by_case(comparisons: Sequence[PairedSearches]) -> dict[str, list[PairedSearches]]:
    return grouped(comparisons, lambda comparison: comparison.case.title)


def _table_of_encodings(comparisons: Sequence[PairedSearches]) -> str:
    lines = [
        row("resources, network", "EDP, index / importance", "of each seed"),
        "|---|---:|---|",
    ]
    for title, group in _by_case(comparisons).items():
        each = ", ".join(f"{comparison.ratio:.2f}" for comparison in group)
        lines.append(row(title, spread([comparison.ratio for comparison in group]), each))
    return "\n".join(lines)


def _table_of_dims(comparisons: Sequence[PairedSearches]) -> str:
    lines = [
        row("resources, network", "encoding", "seed", DESIGN_HEAD, "EDP, J cycles"),
        f"|---|---|---:|{DESIGN_RULE}|---:|",
    ]
    for title, group in _by_case(comparisons).items():
        for what, results in (
            ("importance", [comparison.ours for comparison in group]),
            ("index", [comparison.rival for comparison in group]),
        ):
            best = best_of(results)
            cells = design_cells(results[best].accelerator)
            score = f"{results[best].score / 1e12:,.1f}"
            lines.append(row(title, what, str(group[best].seed), *cells, score))
    return "\n".join(lines)


def _verdict(comparisons: Sequence[PairedSearches]) -> str:
    """How often importances were better, and what that is worth."""
    won = sum(comparison.ratio > 1 for comparison in comparisons)
    mean = geometric_mean([comparison.ratio for comparison in comparisons])
    least, most = ENCODING_RATIOS
    if least <= mean <= most:
        end = "That is within the paper's range."
    else:
        end = (
            "That is outside the paper's range. In both encodings a point is decoded to some legal "
            "array, tiles that do not fit are repaired, and candidates that a lower bound proves "
            "worse than the best are not mapped: what an encoding makes hard is partly made up for "
            "before anything is evaluated. The paper's cases and evaluations are not stated."
        )
    return (
        f"Importances were better in {won} of {len(comparisons)} pairs; over all of them the ratio "
        f"is {mean:.2f}, geometric mean. {end}"
    )


# Convergence -------------------------------------------------------------------------------------


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
        for title, group in _by_case(under).items():
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
        "Where we differ, and why: candidates that a lower bound proves no better than the best so "
        f"far are drawn again instead of mapped ({pruned[0]:,} of CMA-ES, {pruned[1]:,} of the "
        "uniform ones above). That takes the worst out of both populations, and out of the uniform "
        "one more, the better its best is: its mean may fall although it learns nothing."
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
