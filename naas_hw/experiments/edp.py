"""A searched accelerator beside the published one of the same resources, as Markdown.

The published one is given with the mappings of its dataflow, and with searched ones, on which as
many evaluations are spent as on those of the searched accelerator; and, where the chip's network
folds, as *folded*.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from naas_hw.arch.budget import on_chip_bytes
from naas_hw.arch.presets import Preset
from naas_hw.arch.technology import EnergyTable
from naas_hw.experiments.markdown import TABLE_NOTES
from naas_hw.experiments.resumable_searches import kept_baseline, kept_search
from naas_hw.search.accelerator.baseline import Baseline, BaselineKind
from naas_hw.search.accelerator.result import Progress, SearchResult
from naas_hw.search.accelerator.settings import SearchSettings
from naas_hw.search.mapping.network_search import NetworkResult
from naas_hw.search.objective import Objective
from naas_hw.search.processes import worker_processes
from naas_hw.workload.network import Network

FOLDED: Final = "*folded*"
MANY_ARRAYS: Final = "one for each layer"


@dataclass(frozen=True, kw_only=True)
class BaselineComparison:
    """What was searched under one energy table, and its baseline under the same."""

    table: EnergyTable
    result: SearchResult
    baseline: Baseline

    @property
    def network(self) -> NetworkResult:
        """The network on the searched accelerator."""
        return self.result.networks[0]

    def ratio(self, kind: BaselineKind) -> float | None:
        """EDP of the baseline by that of the searched one; None where there is no such baseline."""
        before = self.baseline.of(kind)
        return None if before is None else before.report.edp / self.network.report.edp


def compare_with_baseline(
    network: Network,
    preset: Preset,
    settings: SearchSettings,
    *,
    tables: Sequence[EnergyTable],
    keep: Path | None = None,
    num_processes: int = 1,
    progress: Callable[[EnergyTable, Progress], None] | None = None,
) -> list[BaselineComparison]:
    """Search with the preset's resources, once for each table, and evaluate the preset itself.

    Parameters
    ----------
    keep : folder of what was searched; what it has already is not searched again.

    Raises
    ------
    InputError : as of `kept_search` and `kept_baseline`.
    KeyboardInterrupt : Ctrl-C; the folder has what was searched.
    """
    settings = replace(settings, objective=Objective.EDP)
    compared = []
    with worker_processes(num_processes) as executor:
        for table in tables:
            priced = replace(settings, table=table)
            searched = kept_search(
                [network],
                preset.budget,
                priced,
                keep,
                executor=executor,
                progress=_told(table, progress),
            )
            effort = priced.final_settings(preset.budget)
            baseline = kept_baseline(preset, network, effort, keep, executor=executor)
            compared.append(BaselineComparison(table=table, result=searched, baseline=baseline))
    return compared


def _told(
    table: EnergyTable, progress: Callable[[EnergyTable, Progress], None] | None
) -> Callable[[Progress], None] | None:
    return None if progress is None else lambda told: progress(table, told)


# Markdown ----------------------------------------------------------------------------------------


def comparison_markdown(
    network: Network,
    preset: Preset,
    settings: SearchSettings,
    compared: Sequence[BaselineComparison],
) -> str:
    """The section of a document, figures and all."""
    budget, name = preset.budget, preset.accelerator.name
    parts = [
        f"{network.name} ({network.num_macs / 1e6:,.1f} M MACs), batch 1, on an accelerator that "
        f"was searched with what the `{name}` preset has ({budget.max_pes} PEs, "
        f"{budget.on_chip_bytes:,} bytes on chip, {budget.beat_bytes} bytes a cycle), beside that "
        "preset. "
        f"{settings.population * settings.generations} accelerators of "
        f"{settings.mapping_evaluations:,} mappings a layer, seed {settings.seed}; the final "
        f"mappings, and the preset's searched ones, with {settings.final_effort} times as "
        "many and branch and bound. "
        "*Fixed* mappings are those of the preset's dataflow "
        f"({preset.dataflow}). All figures are exact, not bounds.",
        _table_of_ratios(compared),
        *(_table_of_designs(preset, entry) for entry in compared),
    ]
    return "\n\n".join(part for part in parts if part)


def _table_of_ratios(compared: Sequence[BaselineComparison]) -> str:
    lines = [
        "| energy table | EDP, preset with fixed mappings / found | "
        "EDP, preset with searched mappings / found | EDP, *folded* / found |",
        "|---|---:|---:|---:|",
    ]
    for entry in compared:
        ratios = [entry.ratio(kind) for kind in BaselineKind]
        cells = " | ".join("-" if ratio is None else f"{ratio:.2f}" for ratio in ratios)
        lines.append(f"| `{entry.table.name}` | {cells} |")
    return "\n".join(lines)


def _table_of_designs(preset: Preset, entry: BaselineComparison) -> str:
    name, searched, baseline = preset.accelerator.name, entry.result, entry.baseline
    array = preset.accelerator.array_text
    rows = [
        ("found", "searched", searched.accelerator.array_text, searched.accelerator, entry.network),
        (name, "fixed", array, preset.accelerator, baseline.fixed),
        (name, "searched", array, preset.accelerator, baseline.searched),
    ]
    if baseline.folded is not None:
        rows.append((FOLDED, "searched", MANY_ARRAYS, preset.accelerator, baseline.folded))
    note = TABLE_NOTES.get(entry.table.name, "given by `--energy-table`")
    lines = [
        f"Energy table `{entry.table.name}` ({note}):",
        "",
        "| design | mappings | array | PEs | cycles | energy, uJ | EDP, J cycles | "
        "MAC utilisation |",
        "|---|---|---|---:|---:|---:|---:|---:|",
    ]
    lines += [
        f"| {design} | {mappings} | {array} | {accelerator.num_pes} | "
        f"{result.report.cycles:,} | {result.report.energy_pj / 1e6:,.1f} | "
        f"{result.report.edp / 1e12:,.1f} | {result.utilization(accelerator):.1%} |"
        for design, mappings, array, accelerator, result in rows
    ]
    accelerator = searched.accelerator
    lines += [
        "",
        f"The found one has {accelerator.weight_buffer_bytes} bytes for weights and "
        f"{accelerator.input_buffer_bytes} for inputs in a PE, {accelerator.accumulator_words} "
        f"accumulators behind a tree and {accelerator.global_buffer_bytes:,} bytes of L2: "
        f"{on_chip_bytes(accelerator):,} bytes on chip. Exact cycles were at most "
        f"{searched.largest_gap:.1%} above the lower bound that ranks mappings.",
    ]
    return "\n".join(lines)
