"""Searched accelerators beside the published ones of the same resources: many cases at once.

The paper's main table: five presets, three networks each. Each preset is there twice, with the
mappings of its dataflow and with searched ones, for which of both the paper did is not stated; and
as *folded* where its chip forms another array for each layer.
"""

from collections.abc import Sequence

from naas_hw.arch.accelerator import Accelerator
from naas_hw.experiments.markdown import (
    DESIGN_HEAD,
    DESIGN_RULE,
    design_cells,
    effort_text,
    grouped,
    mean_share,
    row,
    spread_of,
    table_text,
)
from naas_hw.experiments.naas_paper import SAVINGS
from naas_hw.experiments.preset_trials import (
    Effort,
    PresetCase,
    SearchProgressCallback,
    Trial,
    best_of,
    measured_trial,
)
from naas_hw.search.accelerator.baseline import BaselineKind
from naas_hw.search.processes import worker_processes


def measure_speedup(
    cases: Sequence[PresetCase],
    effort: Effort,
    *,
    num_processes: int = 1,
    progress: SearchProgressCallback | None = None,
) -> list[Trial]:
    """Search each case, and evaluate its preset; seeds outermost, then tables, then cases.

    Raises
    ------
    InputError : as of `search` and `evaluate_baseline`.
    KeyboardInterrupt : Ctrl-C; `effort.keep` has what was searched.
    """
    with worker_processes(num_processes) as executor:
        return [
            measured_trial(case, settings, effort.keep, executor, progress)
            for settings in effort.searches()
            for case in cases
        ]


def most_speedup(trial: Trial) -> float:
    """What no array of as many PEs can exceed, whatever its shape: all PEs always at work."""
    accelerator = trial.case.preset.accelerator
    return 1 / trial.baseline.fixed.utilization(accelerator)


# Markdown ----------------------------------------------------------------------------------------


def speedup_markdown(effort: Effort, trials: Sequence[Trial]) -> str:
    """The section of a document, figures and all."""
    parts = [
        "Accelerators that were searched with what each preset has (PEs, bytes on chip, bytes a "
        "cycle), for energy times cycles of one network, beside that preset. Batch 1, 224 x 224 "
        "(UNet 572 x 572 x 1). *Fixed*: the preset with the mappings of its dataflow; *searched*: "
        "with mappings that got as many evaluations as those of what was found; *folded*: an upper "
        "bound of what a chip does whose network forms another array for each layer (`-`: it does "
        "not), by the model only. "
        f"Optimiser of accelerators: `{effort.settings.optimiser}`. " + effort_text(effort),
    ]
    for table in effort.tables:
        under = [trial for trial in trials if trial.table == table]
        parts += [
            f"### Under `{table.name}`",
            table_text(table),
            _table_of_scenarios(under),
            _table_of_cases(under),
            "What was found, the best seed of each; the dims of an array are the parallel ones:",
            _table_of_designs(under),
        ]
    parts += [
        "### Over all tables, networks and seeds",
        "Gains in energy times cycles as geometric means. *Same dims*: how many of the found "
        "designs have the parallel dims of the preset. PEs at work are means over the networks.",
        _table_over_all(trials),
    ]
    return "\n\n".join(parts)


def _preset_name(trial: Trial) -> str:
    return trial.case.preset.accelerator.name


def _ratios(trials: Sequence[Trial]) -> list[str]:
    """Speed-up, energy and EDP against the preset, each against all three kinds of it."""
    return [
        spread_of(figure(trial, kind) for trial in trials if trial.has(kind))
        for figure in (Trial.speedup, Trial.energy_saving, Trial.edp_reduction)
        for kind in BaselineKind
    ]


def _table_of_scenarios(trials: Sequence[Trial]) -> str:
    lines = [
        row(
            *("preset", "networks", "speed-up, fixed", "searched", "folded", "NAAS"),
            *("energy saving, fixed", "searched", "folded", "NAAS"),
            *("EDP, fixed", "searched", "folded"),
        ),
        "|---|---|" + "---:|" * 11,
    ]
    for name, group in grouped(trials, _preset_name).items():
        theirs = SAVINGS.get(name)
        speed, energy = (
            ("-", "-") if theirs is None else (f"{theirs.speedup:g}", f"{theirs.energy:g}")
        )
        ratios = _ratios(group)
        networks = ", ".join(dict.fromkeys(trial.case.network.name for trial in group))
        lines.append(row(name, networks, *ratios[:3], speed, *ratios[3:6], energy, *ratios[6:]))
    return "\n".join(lines)


def _table_of_cases(trials: Sequence[Trial]) -> str:
    lines = [
        row(
            *("preset, network", "speed-up, fixed", "searched", "folded"),
            *("energy saving, fixed", "searched", "folded", "EDP, fixed", "searched", "folded"),
            *("MAC utilisation of the found one", "of the preset, fixed", "searched", "folded"),
            "most speed-up",
        ),
        "|---|" + "---:|" * 14,
    ]
    for title, group in grouped(trials, lambda trial: trial.case.title).items():
        own = [t.result.networks[0].utilization(t.result.accelerator) for t in group]
        shares = [mean_share(own), *(_baseline_share(group, kind) for kind in BaselineKind)]
        most = f"{max(most_speedup(trial) for trial in group):.2f}"
        lines.append(row(title, *_ratios(group), *shares, most))
    return "\n".join(lines)


def _baseline_share(trials: Sequence[Trial], kind: BaselineKind) -> str:
    """MAC utilisation of a kind of the preset; `-` where there is none."""
    shares = [
        trial.before(kind).utilization(trial.case.preset.accelerator)
        for trial in trials
        if trial.has(kind)
    ]
    return mean_share(shares) if shares else "-"


def _table_of_designs(trials: Sequence[Trial]) -> str:
    lines = [
        row("preset, network", "seed", DESIGN_HEAD, "cycles", "energy, uJ", "EDP, J cycles"),
        f"|---|---:|{DESIGN_RULE}|---:|---:|---:|",
    ]
    for title, group in grouped(trials, lambda trial: trial.case.title).items():
        best = group[best_of([trial.result for trial in group])]
        report = best.result.networks[0].report
        figures = (f"{report.cycles:,}", f"{report.energy_pj / 1e6:,.1f}")
        cells = (*design_cells(best.result.accelerator), *figures, f"{report.edp / 1e12:,.1f}")
        lines.append(row(title, str(best.seed), *cells))
    return "\n".join(lines)


def _table_over_all(trials: Sequence[Trial]) -> str:
    lines = [
        row(
            *("preset", "EDP, fixed", "searched", "folded", "fixed by searched", "same dims"),
            *("PEs at work in the preset, fixed", "searched", "in what was found"),
        ),
        "|---|" + "---:|" * 8,
    ]
    for name, group in (*grouped(trials, _preset_name).items(), ("all", trials)):
        own = [t.result.networks[0].utilization(t.result.accelerator) for t in group]
        same = sum(_parallel_dims(t.result.accelerator) == _preset_dims(t) for t in group)
        lines.append(
            row(
                *(name, *_edp_ratios(group), spread_of(_gain_of_mappings(t) for t in group)),
                f"{same} of {len(group)}",
                _baseline_share(group, BaselineKind.FIXED),
                *(_baseline_share(group, BaselineKind.SEARCHED), mean_share(own)),
            )
        )
    return "\n".join(lines)


def _edp_ratios(trials: Sequence[Trial]) -> list[str]:
    return [
        spread_of(trial.edp_reduction(kind) for trial in trials if trial.has(kind))
        for kind in BaselineKind
    ]


def _gain_of_mappings(trial: Trial) -> float:
    """EDP of the preset with fixed mappings by that with searched ones."""
    fixed, searched = BaselineKind.FIXED, BaselineKind.SEARCHED
    return trial.edp_reduction(fixed) / trial.edp_reduction(searched)


def _parallel_dims(accelerator: Accelerator) -> set[str]:
    return {axis.dim for axis in accelerator.axes}


def _preset_dims(trial: Trial) -> set[str]:
    return _parallel_dims(trial.case.preset.accelerator)
