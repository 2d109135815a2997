"""Encodings of accelerators and mappings against each other: importances and indices.

There is no warm start, as in the paper: the first generation is drawn, not made of classic
arrays, which would hide how the search goes on.
"""

from collections.abc import Sequence
from dataclasses import replace

from naas_hw.experiments.markdown import (
    DESIGN_HEAD,
    DESIGN_RULE,
    design_cells,
    effort_text,
    row,
    spread,
    table_text,
)
from naas_hw.experiments.naas_paper import ENCODING_RATIOS
from naas_hw.experiments.paired_searches import PairedSearches, measure_pairs, pairs_by_case
from naas_hw.experiments.preset_trials import Effort, PresetCase, SearchProgressCallback, best_of
from naas_hw.search.accelerator.optimisers import OuterOptimiser
from naas_hw.search.accelerator.settings import SearchSettings
from naas_hw.search.mapping.layer_search import Optimiser
from naas_hw.search.objective import geometric_mean
from naas_hw.search.unit_interval import Encoding


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


def measure_encodings(
    cases: Sequence[PresetCase],
    effort: Effort,
    *,
    num_processes: int = 1,
    progress: SearchProgressCallback | None = None,
) -> list[PairedSearches]:
    """Importances (ours) against indices.

    Raises
    ------
    InputError : as of `search`.
    KeyboardInterrupt : Ctrl-C; `effort.keep` has what was searched.
    """
    pairs = [importance_and_index(settings) for settings in effort.searches()]
    return measure_pairs(cases, pairs, ("importance", "index"), effort, num_processes, progress)


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
    parts.append(_summary(comparisons))
    return "\n\n".join(parts)


def _table_of_encodings(comparisons: Sequence[PairedSearches]) -> str:
    lines = [
        row("resources, network", "EDP, index / importance", "of each seed"),
        "|---|---:|---|",
    ]
    for title, group in pairs_by_case(comparisons).items():
        each = ", ".join(f"{comparison.ratio:.2f}" for comparison in group)
        lines.append(row(title, spread([comparison.ratio for comparison in group]), each))
    return "\n".join(lines)


def _table_of_dims(comparisons: Sequence[PairedSearches]) -> str:
    lines = [
        row("resources, network", "encoding", "seed", DESIGN_HEAD, "EDP, J cycles"),
        f"|---|---|---:|{DESIGN_RULE}|---:|",
    ]
    for title, group in pairs_by_case(comparisons).items():
        for what, results in (
            ("importance", [comparison.ours for comparison in group]),
            ("index", [comparison.rival for comparison in group]),
        ):
            best = best_of(results)
            cells = design_cells(results[best].accelerator)
            score = f"{results[best].score / 1e12:,.1f}"
            lines.append(row(title, what, str(group[best].seed), *cells, score))
    return "\n".join(lines)


def _summary(comparisons: Sequence[PairedSearches]) -> str:
    """In how many pairs importances were better, and the mean ratio."""
    num_better = sum(comparison.ratio > 1 for comparison in comparisons)
    mean = geometric_mean([comparison.ratio for comparison in comparisons])
    return (
        f"Importances were better in {num_better} of {len(comparisons)} pairs; over all of them "
        f"the ratio is {mean:.2f}, geometric mean."
    )
