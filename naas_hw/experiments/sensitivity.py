"""What is found under other energies, and what it costs to have searched under the wrong ones.

For each table and seed an accelerator is searched. Each is then priced under every table, with
mappings searched for that table, beside the one that was searched for it.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from naas_hw.arch.budget import on_chip_bytes
from naas_hw.arch.presets import Preset
from naas_hw.arch.technology import MAESTRO, EnergyTable, SizedTable, with_dram_factor
from naas_hw.cost.energy import LEVELS
from naas_hw.cost.evaluate import NetworkReport, evaluate_network
from naas_hw.experiments.markdown import spread
from naas_hw.experiments.resumable_searches import kept_search
from naas_hw.search.accelerator.result import Progress, SearchResult
from naas_hw.search.accelerator.settings import SearchSettings
from naas_hw.search.mapping.network_search import MappingSettings, map_network
from naas_hw.search.objective import Objective
from naas_hw.search.processes import worker_processes
from naas_hw.workload.network import Network

DRAM_FACTORS: Final = (0.5, 1.0, 2.0)


@dataclass(frozen=True, kw_only=True)
class EnergyCase:
    """Energies under which an accelerator is searched, and what the reader calls them."""

    title: str
    table: EnergyTable


@dataclass(frozen=True, kw_only=True)
class CrossPricedSearch:
    """One search.

    Members
    -------
    result : under the case's own table.
    edp : title of each case -> energy-delay product of the found accelerator under its table.
    """

    case: EnergyCase
    seed: int
    result: SearchResult
    edp: dict[str, float]

    @property
    def report(self) -> NetworkReport:
        """Cost of the network under the case's own table."""
        return self.result.networks[0].report


def sensitivity_cases(base: SizedTable) -> tuple[EnergyCase, ...]:
    """The table with DRAM at half, at its own and at twice its price, and MAESTRO's constants."""
    scaled = (
        EnergyCase(
            title=f"`{base.name}`" + ("" if factor == 1 else f", DRAM x {factor:g}"),
            table=base if factor == 1 else with_dram_factor(base, factor),
        )
        for factor in DRAM_FACTORS
    )
    return (*scaled, EnergyCase(title=f"`{MAESTRO.name}`", table=MAESTRO))


def measure_sensitivity(
    network: Network,
    preset: Preset,
    settings: SearchSettings,
    base: SizedTable,
    *,
    num_seeds: int = 1,
    keep: Path | None = None,
    num_processes: int = 1,
    progress: Callable[[EnergyCase, int, Progress], None] | None = None,
) -> list[CrossPricedSearch]:
    """Search with the preset's resources under each case, and price each under all cases.

    Parameters
    ----------
    settings : of a search; its seed is the first one.
    keep : folder of histories; a second call with it goes on where the first one was stopped.

    Raises
    ------
    InputError : as of `search`.
    KeyboardInterrupt : Ctrl-C; `keep` has what was searched.
    """
    cases = sensitivity_cases(base)
    outcomes = []
    with worker_processes(num_processes) as executor:
        for seed in range(settings.seed, settings.seed + num_seeds):
            for case in cases:
                wanted = replace(settings, objective=Objective.EDP, table=case.table, seed=seed)
                result = kept_search(
                    [network],
                    preset.budget,
                    wanted,
                    keep,
                    executor=executor,
                    progress=_told(case, seed, progress),
                )
                effort = wanted.final_settings(preset.budget)
                edp = {
                    other.title: _edp_under(other, case, result, network, effort, executor)
                    for other in cases
                }
                outcomes.append(CrossPricedSearch(case=case, seed=seed, result=result, edp=edp))
    return outcomes


def _told(
    case: EnergyCase, seed: int, progress: Callable[[EnergyCase, int, Progress], None] | None
) -> Callable[[Progress], None] | None:
    return None if progress is None else lambda told: progress(case, seed, told)


def _edp_under(
    other: EnergyCase,
    case: EnergyCase,
    result: SearchResult,
    network: Network,
    effort: MappingSettings,
    executor: Executor | None,
) -> float:
    """EDP of a found accelerator under a table: with its own mappings, or new ones if better."""
    own = result.networks[0].mappings
    edp = evaluate_network(result.accelerator, network, own, other.table).edp
    if other == case:
        return edp
    searched = map_network(
        result.accelerator, network, replace(effort, table=other.table), executor=executor
    )
    return min(edp, searched.report.edp)


# Ratios ------------------------------------------------------------------------------------------


def ratios(outcomes: Sequence[CrossPricedSearch], searched: str, priced: str) -> list[float]:
    """Of each seed: EDP under `priced` of what was searched under `searched`, by that of its own.

    Above 1 is what it costs to have searched under other energies; below 1 the search under
    `priced` itself has missed something.
    """
    by_key = {(outcome.case.title, outcome.seed): outcome for outcome in outcomes}
    seeds = sorted({outcome.seed for outcome in outcomes})
    return [by_key[searched, seed].edp[priced] / by_key[priced, seed].edp[priced] for seed in seeds]


def shares(report: NetworkReport) -> dict[str, float]:
    """Level -> its share of the energy of a network."""
    total = report.energy_pj
    by_level = {
        level: sum(getattr(layer.energy, level) for layer in report.counted) for level in LEVELS
    }
    return {level: energy / total for level, energy in by_level.items()}


# Markdown ----------------------------------------------------------------------------------------


def sensitivity_markdown(
    network: Network,
    preset: Preset,
    settings: SearchSettings,
    outcomes: Sequence[CrossPricedSearch],
) -> str:
    """The section of a document, figures and all."""
    budget = preset.budget
    titles = list(dict.fromkeys(outcome.case.title for outcome in outcomes))
    seeds = sorted({outcome.seed for outcome in outcomes})
    parts = [
        f"{network.name} ({network.num_macs / 1e6:,.1f} M MACs), batch 1, on accelerators that "
        f"were searched with what the `{preset.accelerator.name}` preset has ({budget.max_pes} "
        f"PEs, {budget.on_chip_bytes:,} bytes on chip, {budget.beat_bytes} bytes a cycle), for "
        f"energy times cycles. {settings.population * settings.generations} accelerators of "
        f"{settings.mapping_evaluations:,} mappings a layer in each search, seeds "
        f"{', '.join(map(str, seeds))}. All figures are exact, under the row's own energies.",
        _table_of_designs(outcomes),
        "What it costs to have searched under other energies: energy times cycles, under the "
        "energies of the column, of what was searched under those of the row, by that of what was "
        "searched under the column's. Mappings are searched anew for the column's energies. "
        + ("Geometric mean over the seeds, and the range. " if len(seeds) > 1 else "")
        + "Below 1 the column's own search has missed something: as much is noise.",
        _table_of_ratios(outcomes, titles),
    ]
    return "\n\n".join(parts)


def _table_of_designs(outcomes: Sequence[CrossPricedSearch]) -> str:
    levels = {
        "dram": "DRAM",
        "global_buffer": "L2",
        "private_buffers": "L1",
        "accumulators": "sums",
        "macs": "MACs",
    }
    lines = [
        "| energies | seed | array | PEs | bytes of weights, inputs in a PE | accumulators | "
        "L2, bytes | on chip, bytes | cycles | energy, uJ | EDP, J cycles | "
        + " | ".join(levels.values())
        + " |",
        "|---|---:|---|---:|---:|---:|---:|---:|---:|---:|---:|" + "---:|" * len(levels),
    ]
    for outcome in outcomes:
        a, report, share = outcome.result.accelerator, outcome.report, shares(outcome.report)
        cells = (
            outcome.case.title,
            str(outcome.seed),
            a.array_text,
            str(a.num_pes),
            f"{a.weight_buffer_bytes}, {a.input_buffer_bytes}",
            str(a.accumulator_words),
            f"{a.global_buffer_bytes:,}",
            f"{on_chip_bytes(a):,}",
            f"{report.cycles:,}",
            f"{report.energy_pj / 1e6:,.1f}",
            f"{report.edp / 1e12:,.1f}",
            *(f"{share[level]:.0%}" for level in levels),
        )
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def _table_of_ratios(outcomes: Sequence[CrossPricedSearch], titles: Sequence[str]) -> str:
    lines = [
        f"| searched under | {' | '.join(titles)} |",
        "|---|" + "---:|" * len(titles),
    ]
    for searched in titles:
        cells = [spread(ratios(outcomes, searched, priced)) for priced in titles]
        lines.append(f"| {searched} | {' | '.join(cells)} |")
    return "\n".join(lines)
