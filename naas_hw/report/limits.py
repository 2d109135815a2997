"""What limits each layer, and which single change of the accelerator would help it most."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from naas_hw.cost.evaluate import CostReport, EngineTotals, chained_cycles
from naas_hw.report.charts import Bar, stacked_bars
from naas_hw.report.layers import STALL_TITLES
from naas_hw.report.svg import short
from naas_hw.report.values import DataTable, Figure, TableCell, data_table, percent
from naas_hw.report.words import counted, listed, share_text
from naas_hw.runs.facts import LayerFacts, RunFacts
from naas_hw.runs.what_if import WhatIf, what_ifs

_ENGINES: Final = {
    "load": "load", "fill": "fill", "compute": "compute", "drain": "drain", "store": "store",
}  # fmt: skip
_UNKNOWN: Final = TableCell(text="–", value=-1)
_NOTHING: Final = "none of them"


@dataclass(frozen=True, kw_only=True)
class LimitsSection:
    """What the section shows."""

    sentences: tuple[str, ...]
    layers: DataTable
    figure: Figure | None
    of_layer: tuple[str, ...]


def limits_section(facts: RunFacts) -> LimitsSection:
    """Limits of all layers, and what would help."""
    found = what_ifs(
        facts.accelerator, [(one.layer, one.mapping) for one in facts.layers], facts.table
    )
    return LimitsSection(
        sentences=(*_limit_sentences(facts), *_help_sentences(facts, found)),
        layers=_layer_table(facts, found),
        figure=_what_if_figure(facts, found),
        of_layer=tuple(
            f"{limit_sentence(one)} {_best_sentence(found, index, one.cost)}".strip()
            for index, one in enumerate(facts.layers)
        ),
    )


# What limits -------------------------------------------------------------------------------------


def main_limit(cost: CostReport) -> str:
    """What the array does, or waits for, in most of the layer's cycles."""
    return max(STALL_TITLES, key=lambda name: getattr(cost.stalls, name))


def main_wait(cost: CostReport) -> str | None:
    """What it waits for longest; None if it never waits."""
    waits = [name for name in STALL_TITLES if name != "compute"]
    longest = max(waits, key=lambda name: getattr(cost.stalls, name))
    return longest if getattr(cost.stalls, longest) else None


def busiest_engine(engines: EngineTotals) -> str:
    """The engine with most work."""
    return max(_ENGINES, key=lambda name: getattr(engines, name))


def limit_sentence(one: LayerFacts) -> str:
    """What limits a layer."""
    cost, wait = one.cost, main_wait(one.cost)
    busiest = busiest_engine(cost.engines)
    share = getattr(cost.engines, busiest) / cost.cycles
    waits = (
        "and never waits"
        if wait is None
        else f"and waits for {wait} in {share_text(getattr(cost.stalls, wait) / cost.cycles)}"
    )
    return (
        f"The array computes in {share_text(cost.stalls.compute / cost.cycles)} of the cycles "
        f"{waits}. The busiest engine is {_ENGINES[busiest]}, which works in {share:.1%} of them."
    )


def _limit_sentences(facts: RunFacts) -> Iterator[str]:
    """How many layers are limited by what, with their cycles."""
    total = sum(one.cost.cycles for one in facts.layers)
    by_limit: dict[str, list[CostReport]] = {}
    for one in facts.layers:
        by_limit.setdefault(main_limit(one.cost), []).append(one.cost)
    ranked = sorted(by_limit.items(), key=lambda pair: -sum(x.cycles for x in pair[1]))
    parts = [
        f"{STALL_TITLES[name]} in {counted(len(costs), 'layer')} "
        f"({sum(x.cycles for x in costs) / total:.1%} of all cycles)"
        for name, costs in ranked
    ]
    yield f"What the array does most of the time: {listed(parts)}."


# What would help ---------------------------------------------------------------------------------


def _saved(found: WhatIf, facts: RunFacts) -> int:
    """Cycles that all layers together would save; layers with an illegal mapping save none."""
    saved = 0
    for network_costs, now in _by_network(found, facts):
        then = [
            cost if cost is not None else old for cost, old in zip(network_costs, now, strict=True)
        ]
        saved += _chained(now) - _chained(then)
    return saved


def _by_network(
    found: WhatIf, facts: RunFacts
) -> Iterator[tuple[tuple[CostReport | None, ...], list[CostReport]]]:
    start = 0
    for network in facts.networks:
        end = start + len(network.layers)
        yield found.costs[start:end], [one.cost for one in network.layers]
        start = end


def _chained(costs: Sequence[CostReport]) -> int:
    counted_costs = [cost for cost in costs if cost.has_program]
    return chained_cycles(counted_costs) if counted_costs else 0


def _all_cycles(facts: RunFacts) -> int:
    return sum(network.report.cycles for network in facts.networks)


def _help_sentences(facts: RunFacts, found: Sequence[WhatIf]) -> Iterator[str]:
    """The single change that saves most cycles of the run."""
    if not found:
        return
    total = _all_cycles(facts)
    best = max(found, key=lambda one: _saved(one, facts))
    saved = _saved(best, facts)
    yield (
        "The exact model evaluated each layer again on accelerators that differ in one thing. "
        "The mapping of each layer was kept, apart from the positions of a wider axis; a search "
        "for the changed accelerator may find better ones. The changed accelerators may exceed the "
        "budget, and nothing is said about their clock."
    )
    if saved <= 0:
        yield "None of these changes saves a cycle."
        return
    yield (
        f"The largest saving comes from {best.alternative.name} ({best.alternative.detail}): "
        f"{saved:,} of {total:,} cycles, {share_text(saved / total)}.{_illegal_text(best)}"
    )


def _illegal_text(found: WhatIf) -> str:
    illegal = sum(cost is None for cost in found.costs)
    if not illegal:
        return ""
    return (
        f" The mapping of {counted(illegal, 'layer')} is not legal there; they count as they are."
    )


def _best_sentence(found: Sequence[WhatIf], index: int, now: CostReport) -> str:
    """What would help a layer most."""
    best = _best(found, index, now)
    if not found:
        return ""
    if best is None:
        return "None of the changes that were evaluated saves a cycle."
    saved = best.saved_cycles(index, now) or 0
    return (
        f"With the mapping kept, {best.alternative.name} ({best.alternative.detail}) saves most: "
        f"{saved:,} cycles, {share_text(saved / now.cycles)}."
    )


def _best(found: Sequence[WhatIf], index: int, now: CostReport) -> WhatIf | None:
    """The change that saves most cycles of a layer; None if none saves any."""
    best = max(found, key=lambda one: one.saved_cycles(index, now) or 0, default=None)
    return best if best is not None and (best.saved_cycles(index, now) or 0) > 0 else None


def _layer_table(facts: RunFacts, found: Sequence[WhatIf]) -> DataTable:
    columns = [
        "layer", "mostly", "computes", "waits most for", "share", "busiest engine", "works in",
        "helps most",
    ]  # fmt: skip
    columns += [one.alternative.name for one in found]
    return data_table(
        "Limits of the layers",
        columns,
        [_layer_row(index, one, found) for index, one in enumerate(facts.layers)],
        is_sortable=True,
    )


def _layer_row(
    index: int, one: LayerFacts, found: Sequence[WhatIf]
) -> list[str | int | float | TableCell]:
    cost, wait, best = one.cost, main_wait(one.cost), _best(found, index, one.cost)
    busiest = busiest_engine(cost.engines)
    return [
        TableCell(text=one.layer.name, link=f"#nest-{index}"),
        STALL_TITLES[main_limit(cost)],
        percent(cost.stalls.compute / cost.cycles),
        wait or "nothing",
        percent(getattr(cost.stalls, wait) / cost.cycles if wait else 0.0),
        _ENGINES[busiest],
        percent(getattr(cost.engines, busiest) / cost.cycles),
        best.alternative.name if best else _NOTHING,
        *(_saving(what_if.saved_cycles(index, cost), cost.cycles) for what_if in found),
    ]


def _saving(saved: int | None, cycles: int) -> TableCell:
    if saved is None:
        return _UNKNOWN
    share = -saved / cycles
    text = "0" if not saved else f"{share:+.1%}".replace("-", "−")
    return TableCell(text=text, value=share)


def _what_if_figure(facts: RunFacts, found: Sequence[WhatIf]) -> Figure | None:
    """Cycles of the run as it is, and with each change."""
    if not found:
        return None
    total = _all_cycles(facts)
    rows = [(one, total - _saved(one, facts)) for one in found]
    bars = [
        Bar(name="as it is", values=[total], end=short(total)),
        *(
            Bar(
                name=one.alternative.name,
                values=[cycles],
                end=f"{cycles / total - 1:+.1%}".replace("-", "−"),
            )
            for one, cycles in rows
        ),
    ]
    return Figure(
        title="Cycles with one change",
        caption="Exact cycles of the run if one thing were different and every mapping kept. A "
        "layer whose mapping is not legal then counts as it is.",
        picture=stacked_bars(
            "Cycles with one change",
            "; ".join(f"{bar.name} {bar.end}" for bar in bars) + ".",
            bars,
            parts=[("cycles", 0)],
            label="cycles",
        ),
        table=data_table(
            "Cycles with one change",
            ("change", "what is different", "cycles", "saved", "layers with an illegal mapping"),
            [
                (
                    one.alternative.name, one.alternative.detail, cycles, total - cycles,
                    sum(cost is None for cost in one.costs),
                )
                for one, cycles in rows
            ],
        ),
    )  # fmt: skip
