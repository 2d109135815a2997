"""Searched accelerators beside the published ones of the same resources: many cases at once.

The paper's main table: five presets, three networks each. Each preset is there twice, with the
mappings of its dataflow and with searched ones, for which of both the paper did is not stated; and
as *folded* where its chip forms another array for each layer.
"""

from collections.abc import Iterator, Sequence
from typing import Final

from naas_hw.arch.accelerator import Accelerator
from naas_hw.experiments.edp import folded_text, idle_positions
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
from naas_hw.search.objective import geometric_mean
from naas_hw.search.processes import worker_processes

LITTLE_GAIN: Final = 1.25
"""EDP of a preset with searched mappings by that of what is found, up to which it is explained."""


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
    parts += ["### Where we differ, and why", _why(trials)]
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


def _why(trials: Sequence[Trial]) -> str:
    """What the differences rest on, as far as it can be measured here."""
    sentences = [
        "- *The most that PEs allow.* The last column of the second table is the reciprocal of the "
        "utilisation of the preset with fixed mappings: nothing with as many PEs can be faster "
        "than that. " + _out_of_reach(trials),
        "- *Baselines.* Theirs are not published. Ours choose, for each layer, the best of all "
        "mappings that their dataflow allows on a short list; searching their mappings freely "
        f"gains {_gain_of_mappings(trials)} in EDP, geometric mean over everything above.",
        "- *Memory.* Bandwidth to DRAM is finite here, and the same for the preset and for what "
        "was found: a layer that waits for memory waits in both. MAESTRO's is practically "
        "unlimited. "
        "Under `sized`, energy of DRAM is counted too, and compulsory traffic does not depend on "
        "the accelerator; under `maestro` it costs nothing, and large buffers cost no more than "
        "small ones.",
    ]
    sentences += _folded(trials)
    sentences += _little_gained(trials)
    cases = {trial.case.title: trial.case for trial in trials}
    for case in cases.values():
        idle = idle_positions(case.network, case.preset)
        if idle:
            sentences.append(f"- *{case.title}.* {idle}")
    return "\n".join(sentences)


def _folded(trials: Sequence[Trial]) -> Iterator[str]:
    """For presets whose chip folds: what is left of the gain, and which ratio to believe."""
    folding = [trial for trial in trials if trial.has(BaselineKind.FOLDED)]
    for name, group in grouped(folding, _preset_name).items():
        ratios = [
            geometric_mean([trial.edp_reduction(kind) for trial in group]) for kind in BaselineKind
        ]
        fixed, searched, folded = (f"{ratio:.2f}" for ratio in ratios)
        yield (
            f"- *{name}, which baseline.* EDP gained over the preset is {fixed} with fixed and "
            f"{searched} with searched mappings, over *folded* {folded}, geometric mean over "
            f"everything above. {folded_text(group[0].case.preset)}"
        )


def _out_of_reach(trials: Sequence[Trial]) -> str:
    """Scenarios in which the paper's speed-up is more than full arrays would give ours."""
    names = []
    for name, group in grouped(trials, _preset_name).items():
        most = geometric_mean([most_speedup(trial) for trial in group])
        theirs = SAVINGS.get(name)
        if theirs is not None and theirs.speedup > most:
            names.append(f"{name} (at most {most:.2f}, theirs {theirs.speedup:g})")
    if not names:
        return "The paper's speed-ups are within it for all of the presets here."
    return (
        f"The paper's are beyond it for {', '.join(names)}: their baseline must have left more "
        "PEs idle than ours does."
    )


def _little_gained(trials: Sequence[Trial]) -> Iterator[str]:
    """Presets that are hardly beaten once their mappings are searched, and what was found there."""
    for name, group in grouped(trials, _preset_name).items():
        ratio = geometric_mean([trial.edp_reduction(BaselineKind.SEARCHED) for trial in group])
        if ratio > LITTLE_GAIN:
            continue
        preset = group[0].case.preset.accelerator
        same = sum(_dims(trial.result.accelerator) == _dims(preset) for trial in group)
        own = mean_share([trial.baseline.searched.utilization(preset) for trial in group])
        searched = mean_share(
            [t.result.networks[0].utilization(t.result.accelerator) for t in group]
        )
        fixed = geometric_mean([trial.edp_reduction(BaselineKind.FIXED) for trial in group])
        yield (
            f"- *{name}.* With searched mappings it is nearly as good as what is found: EDP "
            f"{ratio:.2f} ({fixed:.2f} with fixed ones). {same} of {len(group)} finds have its "
            f"parallel dims; it uses {own} of its PEs, they use {searched} of theirs. What the "
            "paper gains here is over a baseline that is further from what the array can do."
        )


def _dims(accelerator: Accelerator) -> set[str]:
    return {axis.dim for axis in accelerator.axes}


def _gain_of_mappings(trials: Sequence[Trial]) -> str:
    """EDP of presets with fixed by that with searched mappings."""
    gains = [t.baseline.fixed.report.edp / t.baseline.searched.report.edp for t in trials]
    return f"{geometric_mean(gains):.2f}x ({min(gains):.2f} to {max(gains):.2f})"
