"""The steps of a search as sentences: what changed, what that gained, and where it came from.

All sentences are made of figures of the exact model. They say what differs between two designs;
they say that one change causes a gain only where the model was asked what happens without it.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from naas_hw.arch.accelerator import Accelerator
from naas_hw.cost.energy import LEVELS
from naas_hw.cost.evaluate import CostReport, NetworkReport
from naas_hw.cost.fpga.limits import predict
from naas_hw.report.design_changes import changes_text, undone
from naas_hw.report.layers import STALL_TITLES
from naas_hw.report.search import score_label
from naas_hw.report.svg import short
from naas_hw.report.values import array_text, title_of
from naas_hw.report.words import counted, listed, moved, signed
from naas_hw.runs.facts import RunFacts
from naas_hw.runs.search_steps import TriedDesign
from naas_hw.search.accelerator.design_front import mean_figure

_NUM_PARTS: Final = 4
"""Causes, or levels, that a sentence names."""


@dataclass(frozen=True, kw_only=True)
class StepCard:
    """A step: a title, and sentences.

    Members
    -------
    changed : what differs from the design before; empty where there is none before.
    """

    title: str
    score: str
    changed: str
    sentences: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class _Design:
    """A design of a step: its figures, and its costs where they are known."""

    accelerator: Accelerator
    score: float
    cycles: float
    energy_pj: float
    reports: tuple[NetworkReport, ...]


def step_cards(facts: RunFacts) -> tuple[StepCard, ...]:
    """The first design, each improvement, and the final mappings."""
    improvements = facts.steps.improvements
    if not improvements:
        return ()
    pairs = zip(improvements, improvements[1:], strict=False)
    return (
        _first_card(facts, improvements[0]),
        *(_improvement_card(facts, before, after) for before, after in pairs),
        *_final_card(facts),
    )


def _design(tried: TriedDesign) -> _Design:
    return _Design(
        accelerator=tried.candidate.accelerator,
        score=tried.score,
        cycles=tried.candidate.cycles,
        energy_pj=tried.candidate.energy_pj,
        reports=tuple(one.report for one in tried.networks),
    )


def _first_card(facts: RunFacts, first: TriedDesign) -> StepCard:
    of_generation = [
        c for c in facts.candidates if c.generation == first.candidate.generation
    ]  # fmt: skip
    design = _design(first)
    return StepCard(
        title=f"Generation {first.candidate.generation + 1}: "
        f"{array_text(first.candidate.accelerator)}",
        score=_score_text(facts, design.score),
        changed="",
        sentences=(
            f"The best of {counted(len(of_generation), 'accelerator')} of this generation, the "
            "first in which one had a legal mapping of every layer.",
            *_judged_by(facts),
            *_spent(design.reports),
        ),
    )


def _judged_by(facts: RunFacts) -> Iterator[str]:
    """What a reader has to know of steps whose networks differ."""
    if facts.result is not None and facts.result.joint is not None:
        yield (
            "Each accelerator counts with the best network of the space that was found for it, so "
            "that the networks of two steps may differ."
        )


def _spent(reports: Sequence[NetworkReport]) -> Iterator[str]:
    """Where the cycles and the energy of a design go."""
    if not reports:
        return
    cycles, energy = _cycles_by_cause(reports), _energy_by_level(reports)
    yield f"Of its cycles: {_shares(cycles)}."
    yield f"Of its energy: {_shares(energy)}."


def _shares(parts: Mapping[str, float]) -> str:
    total = sum(parts.values()) or 1.0
    ranked = sorted((part for part in parts.items() if part[1]), key=lambda part: -part[1])
    return listed([f"{name} {value / total:.1%}" for name, value in ranked[:_NUM_PARTS]])


def _improvement_card(facts: RunFacts, before: TriedDesign, after: TriedDesign) -> StepCard:
    one, other = _design(before), _design(after)
    return StepCard(
        title=f"Generation {after.candidate.generation + 1}: {array_text(other.accelerator)}",
        score=f"{_score_text(facts, other.score)}, {moved(one.score, other.score)}",
        changed=changes_text(one.accelerator, other.accelerator),
        sentences=(
            *_gains(facts, one, other),
            *undone(one.accelerator, other.accelerator, after.networks, facts.table),
        ),
    )


def _final_card(facts: RunFacts) -> Iterator[StepCard]:
    """From the reported accelerator as it was tried to the reported design."""
    chosen, result = facts.steps.chosen, facts.result
    if chosen is None or result is None or result.score is None or result.interrupted:
        return
    last = facts.steps.improvements[-1]
    before = _design(chosen)
    costs = tuple(network.report for network in facts.networks)
    after = _Design(
        accelerator=facts.accelerator,
        score=result.score,
        cycles=mean_figure([report.cycles for report in costs]),
        energy_pj=mean_figure([report.energy_pj for report in costs]),
        reports=costs,
    )
    is_same = result.joint is None  # else the networks may differ
    yield StepCard(
        title=f"Final mappings: {array_text(facts.accelerator)}",
        score=f"{_score_text(facts, result.score)}, {moved(before.score, result.score)}",
        changed="the mappings only" if is_same else "",
        sentences=(
            *_which(facts, chosen, last),
            *(_gains(facts, before, after) if is_same else ()),
        ),
    )


def _which(facts: RunFacts, chosen: TriedDesign, last: TriedDesign) -> Iterator[str]:
    """What was done at the end, and whether it changed the order of the accelerators."""
    method = facts.result.method if facts.result else None
    what = "networks" if facts.result and facts.result.joint else "accelerators"
    if method is not None:
        yield (
            f"The best {what}, up to {method.finalists:,}, were mapped once more, with "
            f"{method.final_effort} times the evaluations."
        )
    before, after = last.candidate.accelerator, chosen.candidate.accelerator
    if before != after:
        yield (
            f"With them this accelerator, of generation {chosen.candidate.generation + 1}, is "
            "better than the best of the generations. From that one to this: "
            f"{changes_text(before, after)}."
        )


# Gains -------------------------------------------------------------------------------------------


def _score_text(facts: RunFacts, score: float) -> str:
    label, unit = score_label(facts)
    return f"{label}: {short(score / unit)}"


def _gains(facts: RunFacts, before: _Design, after: _Design) -> Iterator[str]:
    """How far the figures moved, and by which parts."""
    several = " (geometric means of the networks)" if len(facts.networks) > 1 else ""
    yield (
        f"Cycles {moved(before.cycles, after.cycles)}, energy "
        f"{moved(before.energy_pj, after.energy_pj)}{several}."
    )
    fpga = facts.result.fpga if facts.result else None
    if fpga is not None:
        clocks = [predict(x.accelerator, fpga.budget).clock_mhz for x in (before, after)]
        values = f"from {clocks[0]:.1f} to {clocks[1]:.1f} MHz"
        same = f"{clocks[0]:.1f} MHz"
        yield f"The predicted clock {moved(*clocks)}, {same if clocks[0] == clocks[1] else values}."
    if before.reports and after.reports:
        yield from _by_parts(before, after)


def _by_parts(before: _Design, after: _Design) -> Iterator[str]:
    """Differences of cycles by cause and layer, and of energy by level."""
    reports = before.reports, after.reports
    if not all(reports):
        return
    cycles = _differences(*map(_cycles_by_cause, reports))
    if cycles:
        yield f"Difference in cycles, by cause: {_parts(cycles, signed)}."
    yield from _by_layer(*reports)
    energy = _differences(*map(_energy_by_level, reports))
    if energy:
        yield f"Difference in energy, by level, in µJ: {_parts(energy, _microjoules)}."


def _microjoules(energy_pj: float) -> str:
    return signed(energy_pj / 1e6, 2)


def _differences(before: Mapping[str, float], after: Mapping[str, float]) -> dict[str, float]:
    found = {name: after[name] - before[name] for name in before}
    return {name: value for name, value in found.items() if value}


def _parts(differences: Mapping[str, float], text: Callable[[float], str]) -> str:
    """The largest differences, and what is left."""
    ranked = sorted(differences.items(), key=lambda part: -abs(part[1]))
    named = [f"{name} {text(value)}" for name, value in ranked[:_NUM_PARTS]]
    rest = sum(value for _, value in ranked[_NUM_PARTS:])
    return ", ".join([*named, *([f"others {text(rest)}"] if rest else [])])


def _by_layer(before: Sequence[NetworkReport], after: Sequence[NetworkReport]) -> Iterator[str]:
    """The layer that gained most cycles, and the one that lost most."""
    pairs = list(zip(_counted(before), _counted(after), strict=True))
    saved = {other.layer: one.cycles - other.cycles for one, other in pairs}
    best, worst = max(saved, key=lambda x: saved[x]), min(saved, key=lambda x: saved[x])
    fewer = sum(cycles > 0 for cycles in saved.values())
    more = sum(cycles < 0 for cycles in saved.values())
    if fewer:
        yield _how_many(fewer, len(saved), "fewer", f"{best} ({signed(-saved[best])})")
    if more:
        yield _how_many(more, len(saved), "more", f"{worst} ({signed(-saved[worst])})")


def _how_many(count: int, total: int, how: str, which: str) -> str:
    """How many layers need fewer, or more, cycles, and which one most of all."""
    of_all = f"of {counted(total, 'layer')}"
    if count == 1:
        return f"1 {of_all} needs {how} cycles: {which}."
    return f"{count:,} {of_all} need {how} cycles, most of all {which}."


def _counted(reports: Sequence[NetworkReport]) -> list[CostReport]:
    return [layer for report in reports for layer in report.counted]


def _cycles_by_cause(reports: Sequence[NetworkReport]) -> dict[str, float]:
    layers = _counted(reports)
    return {
        title: float(sum(getattr(one.stalls, name) for one in layers))
        for name, title in STALL_TITLES.items()
    }


def _energy_by_level(reports: Sequence[NetworkReport]) -> dict[str, float]:
    layers = _counted(reports)
    return {title_of(name): sum(getattr(one.energy, name) for one in layers) for name in LEVELS}
