"""How well and how fast accelerators are searched: optimisers side by side, and a longer search.

All optimisers get the same evaluations, seeds and first generation. What a search ends on is set
against the best that any of these searches ended on, and against the same search with several times
the generations: the *gap*.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from math import prod
from statistics import median
from typing import Any, Final

from naas_hw.arch.budget import Budget
from naas_hw.search.accelerator.optimisers import OuterOptimiser
from naas_hw.search.accelerator.result import SearchResult
from naas_hw.search.accelerator.search import search
from naas_hw.search.accelerator.settings import SearchSettings
from naas_hw.search.pareto import hypervolume
from naas_hw.workload.network import Network

PAPER: Final = OuterOptimiser.CMA
"""What ratios are to."""

Clock = Callable[[], tuple[float, float]]
"""Seconds of wall and of all processes so far, those that ended included."""

Workers = Callable[[], AbstractContextManager[Executor | None]]


@dataclass(frozen=True, kw_only=True)
class Timed:
    """A search, with how long it took: workers started and ended included."""

    settings: SearchSettings
    result: SearchResult
    wall_seconds: float
    cpu_seconds: float


@dataclass(frozen=True, kw_only=True)
class SearchBench:
    """Searches of several optimisers over several seeds, and longer ones of the first optimiser.

    Members
    -------
    by_optimiser : in the order of the seeds.
    longer : with `times` as many generations, the same seeds; empty if none were asked for.
    """

    by_optimiser: dict[OuterOptimiser, tuple[Timed, ...]]
    longer: tuple[Timed, ...]
    times: int

    @property
    def gaps(self) -> list[float]:
        """Score of each search of the first optimiser by that of its longer one, less one."""
        first = next(iter(self.by_optimiser.values()))
        return [
            short.result.score / long.result.score - 1
            for short, long in zip(first, self.longer, strict=False)
        ]

    @property
    def median_gap(self) -> float | None:
        """Over seeds; None without longer searches."""
        return median(self.gaps) if self.gaps else None

    @property
    def best_score(self) -> float:
        """Of all searches."""
        every = [*self.longer, *(timed for each in self.by_optimiser.values() for timed in each)]
        return min(timed.result.score for timed in every)

    @property
    def reference(self) -> tuple[float, float, float]:
        """Cycles, energy and area to which volumes of all searches are taken: the least of each.

        Their own references are the worst of their first generations.
        """
        fronts = [t.result.front for each in self.by_optimiser.values() for t in each]
        cycles, energy_pj, area_um2 = zip(*(front.reference for front in fronts), strict=True)
        return min(cycles), min(energy_pj), min(area_um2)


def measure_search(
    networks: Sequence[Network],
    budget: Budget,
    settings: SearchSettings,
    optimisers: Sequence[OuterOptimiser],
    *,
    num_seeds: int,
    times: int,
    clock: Clock,
    workers: Workers,
    progress: Callable[[Timed], None] | None = None,
) -> SearchBench:
    """Search with every optimiser and seed.

    Parameters
    ----------
    settings : of a search; its seed is the first one, its optimiser does not matter.
    times : how many times the generations a longer search of the first optimiser has; 0: none.
    clock, workers : called for each search anew.

    Raises
    ------
    InputError : as of `search`.
    KeyboardInterrupt : Ctrl-C.
    """

    def timed(wanted: SearchSettings) -> Timed:
        wall, cpu = clock()
        with workers() as executor:
            result = search(networks, budget, wanted, executor=executor)
        if result.interrupted:
            raise KeyboardInterrupt
        after = clock()
        measured = Timed(
            settings=wanted,
            result=result,
            wall_seconds=after[0] - wall,
            cpu_seconds=after[1] - cpu,
        )
        if progress is not None:
            progress(measured)
        return measured

    seeded = [replace(settings, seed=settings.seed + index) for index in range(num_seeds)]
    by_optimiser = {
        kind: tuple(timed(replace(each, optimiser=kind)) for each in seeded) for kind in optimisers
    }
    longer = [
        replace(each, optimiser=optimisers[0], generations=each.generations * times)
        for each in seeded
        if times
    ]
    return SearchBench(
        by_optimiser=by_optimiser, longer=tuple(timed(each) for each in longer), times=times
    )


def bench_figures(bench: SearchBench) -> dict[str, Any]:
    """All of it, as JSON has it."""
    paper = bench.by_optimiser.get(PAPER)
    scale = None if paper is None else median(timed.result.score for timed in paper)
    return {
        "best_score": bench.best_score,
        "reference": dict(zip(("cycles", "energy_pj", "area_um2"), bench.reference, strict=True)),
        "optimisers": {
            kind.value: _figures(bench, each, scale) for kind, each in bench.by_optimiser.items()
        },
        "longer": {
            "times": bench.times,
            "scores": [timed.result.score for timed in bench.longer],
            "wall_seconds": [timed.wall_seconds for timed in bench.longer],
            "gaps": bench.gaps,
            "median_gap": bench.median_gap,
        },
    }


def _figures(bench: SearchBench, searches: Sequence[Timed], scale: float | None) -> dict[str, Any]:
    scores = [timed.result.score for timed in searches]
    return {
        "scores": scores,
        "median_score": median(scores),
        "median_to_best": median(scores) / bench.best_score,
        "median_to_cma": None if scale is None else median(scores) / scale,
        "edp": [[result.report.edp for result in timed.result.networks] for timed in searches],
        "hypervolumes": [_volume(timed, bench.reference) for timed in searches],
        "candidates": [timed.result.num_candidates for timed in searches],
        "wall_seconds": [timed.wall_seconds for timed in searches],
        "cpu_seconds": [timed.cpu_seconds for timed in searches],
        "arrays": [timed.result.accelerator.array_text for timed in searches],
    }


def _volume(timed: Timed, reference: tuple[float, float, float]) -> float:
    """Share of the box between zero and the reference that a search dominates."""
    points = [point.compared for point in timed.result.front.points]
    return hypervolume(points, reference) / prod(reference)


def bench_table(bench: SearchBench) -> str:
    """The optimisers as a Markdown table, best median first, and the gap in a sentence."""
    figures = bench_figures(bench)
    rows = sorted(figures["optimisers"].items(), key=lambda item: item[1]["median_score"])
    lines = [
        "| optimiser | median score / best of all | least | most | hypervolume | CPU s | wall s |",
        "|---|---:|---:|---:|---:|---:|---:|",
        *(_row(name, named_figures, bench.best_score) for name, named_figures in rows),
    ]
    if bench.median_gap is not None:
        lines += [
            "",
            f"{next(iter(bench.by_optimiser))} ends {bench.median_gap:.1%} above what "
            f"{bench.times} times the generations end on (median of {len(bench.longer)} seeds).",
        ]
    return "\n".join(lines)


def search_markdown(bench: SearchBench, network: str, budget: str) -> str:
    """What was searched, the optimisers, and each seed of the first beside its longer search."""
    first = next(iter(bench.by_optimiser))
    short = bench.by_optimiser[first]
    settings = short[0].settings
    wall = [timed.wall_seconds for timed in short]
    lines = [
        f"Accelerators for `{network}` with the resources of `{budget}`: "
        f"{settings.population * settings.generations} of them, {settings.mapping_evaluations:,} "
        f"mappings a layer, then final mappings; {len(short)} seeds. All optimisers begin with the "
        "same accelerators. Scores are exact EDPs by the best of all; the hypervolume (of cycles, "
        "energy and area) is a share of the box below the smallest reference. Seconds are this "
        f"machine's, workers started and ended included. `{first}` is the default: "
        f"`naas search {network} --budget {budget}` took {min(wall):.0f} to {max(wall):.0f} s.",
        "",
        bench_table(bench),
    ]
    if bench.longer:
        lines += [
            "",
            f"| seed | EDP, J cycles | array | with {bench.times} times the generations | array | "
            "gap | wall s |",
            "|---:|---:|---|---:|---|---:|---:|",
            *(_pair_row(a, b) for a, b in zip(short, bench.longer, strict=True)),
        ]
    return "\n".join(lines)


def _pair_row(short: Timed, longer: Timed) -> str:
    gap = short.result.score / longer.result.score - 1
    return (
        f"| {short.settings.seed} | {short.result.score / 1e12:,.1f} | "
        f"{short.result.accelerator.array_text} | {longer.result.score / 1e12:,.1f} | "
        f"{longer.result.accelerator.array_text} | {gap:.1%} | {longer.wall_seconds:,.0f} |"
    )


def _row(name: str, figures: dict[str, Any], best: float) -> str:
    return (
        f"| {name} | {figures['median_to_best']:.3f} | {min(figures['scores']) / best:.3f} | "
        f"{max(figures['scores']) / best:.3f} | {median(figures['hypervolumes']):.4f} | "
        f"{median(figures['cpu_seconds']):.1f} | {median(figures['wall_seconds']):.1f} |"
    )
