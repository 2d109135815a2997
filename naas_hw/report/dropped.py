"""What a search tried and dropped: counts by reason, and the best designs among them."""

from collections.abc import Iterator
from typing import Final

from naas_hw.report.design_changes import changes_text
from naas_hw.report.search import score_label
from naas_hw.report.svg import short
from naas_hw.report.values import DataTable, TableCell, array_text, data_table, energy
from naas_hw.report.words import counted, listed, share_text
from naas_hw.runs.facts import RunFacts
from naas_hw.runs.result_json import RejectedRecord, ResultRecord
from naas_hw.runs.search_steps import TriedDesign

_REASONS: Final = {
    "over_budget": ("over the budget", "It breaks a limit of the budget {budget}."),
    "known": ("mapped before", "The search had drawn the same accelerator before."),
    "pruned": (
        "pruned by a bound",
        "A lower bound, which no mapping can beat, was no better than the best score so far.",
    ),
    "without_room": (
        "no room for a layer",
        "It has no room for some layer, whatever the mapping.",
    ),
}
"""Field of `RejectedRecord` -> reason, and what it means."""


_OPTIMISERS: Final = {
    "climb": "The optimiser changes a few parameters of the best accelerator so far, or of one "
    "behind it.",
    "genetic": "The optimiser crosses and mutates accelerators that won small tournaments.",
    "differential": "The optimiser moves each accelerator by differences of others "
    "(differential evolution).",
    "cma": "The optimiser draws accelerators from a normal distribution that it adapts (CMA-ES).",
    "random": "The optimiser draws accelerators at random and learns nothing from them.",
}
"""How each optimiser proposes accelerators."""


def reasons_table(facts: RunFacts) -> DataTable | None:
    """Accelerators that were dropped, by reason; None where there was no search."""
    if facts.result is None or not facts.candidates:
        return None
    rows = [*_before_mapping(facts.result), *_after_mapping(facts)]
    return data_table("Accelerators that were dropped", ("dropped", "number", "because"), rows)


def _before_mapping(result: ResultRecord) -> Iterator[tuple[str, int, str]]:
    """Those that were ruled out before any mapping was searched for them."""
    if result.rejected is not None:
        budget = result.budget or ""
        for field, (reason, why) in _REASONS.items():
            yield reason, getattr(result.rejected, field), why.format(budget=budget)
    elif result.num_invalid is not None and result.num_pruned is not None:
        yield _REASONS["pruned"][0], result.num_pruned, _REASONS["pruned"][1]
        yield (
            "ruled out otherwise",
            result.num_invalid - result.num_pruned,
            "The version that made this run did not keep the reason.",
        )


def _after_mapping(facts: RunFacts) -> Iterator[tuple[str, int, str]]:
    """Those whose mappings were searched."""
    unmapped = [one for one in facts.candidates if one.score is None]
    screened = [one for one in facts.candidates if one.score is not None and one.is_screened]
    yield "not mapped", len(unmapped), "No legal mapping was found for some layer."
    if screened:
        yield (
            "screened out",
            len(screened),
            "Mapped with a part of the evaluations; others of its generation were better then.",
        )
    full = len(facts.candidates) - len(unmapped) - len(screened)
    chosen = facts.steps.chosen
    of_them = chosen is not None and not chosen.candidate.is_screened
    yield (
        "mapped in full",
        full,
        "Mapped with all evaluations." + " The reported one is among them." * of_them,
    )


def effort_sentences(facts: RunFacts) -> tuple[str, ...]:
    """How much was searched, and in how many generations it helped."""
    result = facts.result
    if result is None or not facts.candidates:
        return ()
    generations = max(candidate.generation for candidate in facts.candidates) + 1
    better = len(facts.steps.improvements)
    return (
        f"The search ran {counted(generations, 'generation')}{_by(result)}. "
        f"It {_drawn(facts, result)}. "
        f"The best accelerator changed in {better:,} of the generations, the first find included.",
        *_method(result),
        *_mappings(result),
    )


def _by(result: ResultRecord) -> str:
    return "" if result.method is None else f" with the optimiser {result.method.optimiser}"


def _drawn(facts: RunFacts, result: ResultRecord) -> str:
    mapped = f"mapped {counted(len(facts.candidates), 'accelerator')}"
    rejected = _rejected(result)
    if not rejected:
        return mapped
    return f"{mapped} and ruled out {rejected:,} more before mapping them"


def _method(result: ResultRecord) -> Iterator[str]:
    """How accelerators were proposed, as far as this version knows it."""
    if result.method is not None and result.method.optimiser in _OPTIMISERS:
        yield _OPTIMISERS[result.method.optimiser]


def _rejected(result: ResultRecord) -> int | None:
    if isinstance(result.rejected, RejectedRecord):
        return result.rejected.total
    return result.num_invalid


def _mappings(result: ResultRecord) -> Iterator[str]:
    if result.joint is not None:  # the counts are those of one network
        return
    tried, legal, exact = result.num_evaluations, result.num_legal, result.num_exact
    if tried is None or legal is None or exact is None:
        return
    yield (
        f"The search looked at {tried:,} mappings of these accelerators. {legal:,} of them were "
        f"legal and new; the others were illegal or repeated. {exact:,} were timed to the cycle; "
        "of the rest only a lower bound of the cycles was computed."
    )


def dropped_table(facts: RunFacts) -> DataTable | None:
    """The best designs that were not taken, and how much worse each was; None without any."""
    chosen, dropped = facts.steps.chosen, facts.steps.dropped
    if chosen is None or not dropped:
        return None
    label, unit = score_label(facts)
    columns = (
        "array", "generation", label, "against the reported", "cycles", "energy, µJ",
        "what differs from the reported",
    )  # fmt: skip
    return data_table(
        "The best designs that were dropped",
        columns,
        [_dropped_row(facts, chosen, one, unit) for one in dropped],
        is_sortable=True,
    )


def _dropped_row(
    facts: RunFacts, chosen: TriedDesign, one: TriedDesign, unit: float
) -> tuple[str | int | float | TableCell, ...]:
    candidate = one.candidate
    part = " (screened)" if candidate.is_screened else ""
    return (
        f"{array_text(candidate.accelerator)}{part}",
        candidate.generation + 1,
        TableCell(text=short(one.score / unit), value=one.score),
        _against(chosen.score, one.score),
        TableCell(text=f"{candidate.cycles:,.0f}", value=candidate.cycles),
        energy(candidate.energy_pj),
        changes_text(facts.accelerator, candidate.accelerator),
    )


def _against(reported: float, score: float) -> TableCell:
    ratio = score / reported - 1
    if score == reported:
        return TableCell(text="equal", value=0.0)
    return TableCell(
        text=f"{share_text(abs(ratio))} {'worse' if ratio > 0 else 'better'}", value=ratio
    )


def dropped_sentence(facts: RunFacts) -> str:
    """What the table of dropped designs compares."""
    chosen, dropped = facts.steps.chosen, facts.steps.dropped
    if chosen is None or not dropped:
        return ""
    better = [one for one in dropped if one.score < chosen.score]
    sentence = (
        "Scores of the generations, before the final mappings: the reported accelerator had "
        f"{_score(facts, chosen.score)} then, the best that was dropped "
        f"{_score(facts, dropped[0].score)}."
    )
    if not better:
        return sentence
    arrays = listed([array_text(one.candidate.accelerator) for one in better])
    return f"{sentence} Before the final mappings {arrays} scored better than the reported one."


def _score(facts: RunFacts, score: float) -> str:
    label, unit = score_label(facts)
    return f"{short(score / unit)} ({label})"
