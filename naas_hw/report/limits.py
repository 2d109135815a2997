"""What limits each layer, and which single change of the accelerator would help it most."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from naas_hw.cost.evaluate import CostReport, EngineTotals, chained_cycles
from naas_hw.report.charts import Bar, stacked_bars
from naas_hw.report.layers import STALL_TITLES
from naas_hw.report.svg import short
from naas_hw.report.values import DataTable, Figure, TableCell, data_table, percent
from naas_hw.report.words import counted, listed, share_text, signed_share
from naas_hw.runs.facts import LayerFacts, RunFacts
from naas_hw.runs.what_if import WhatIf, what_ifs

_ENGINES: Final = ("load", "fill", "compute", "drain", "store")
_OBJECTS: Final = {"descriptor": "its descriptor"}
_WAYS: Final = ("load", "store")
_UNKNOWN: Final = TableCell(text="–", value=-1)
_NOTHING: Final = "none"


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
    waits = "never waits"
    if wait is not None:
        waited = share_text(getattr(cost.stalls, wait) / cost.cycles)
        waits = f"waits for {_OBJECTS.get(wait, wait)} in {waited}"
    return (
        f"The busiest engine is {busiest}, which works in {share:.1%} of the cycles. The array "
        f"computes in {share_text(cost.stalls.compute / cost.cycles)} of them and {waits}."
    )


def _limit_sentences(facts: RunFacts) -> Iterator[str]:
    """Which engines are the busiest, and what the array does."""
    costs = [one.cost for one in facts.layers]
    total = sum(cost.cycles for cost in costs)
    yield (
        "An engine works one piece after the other, so a layer takes at least as long as its "
        f"busiest engine works. The busiest engine is {listed(list(_by_engine(costs)))}."
    )
    waits = {name: sum(getattr(cost.stalls, name) for cost in costs) for name in STALL_TITLES}
    ranked = sorted(((n, w) for n, w in waits.items() if w), key=lambda pair: -pair[1])
    parts = [f"{STALL_TITLES[name]} {share_text(cycles / total)}" for name, cycles in ranked]
    yield f"What the array does in all cycles: {listed(parts)}."
    loads, stores = (sum(getattr(cost.engines, way) for cost in costs) for way in _WAYS)
    yield (
        f"The DRAM bus reads in {loads / total:.1%} and writes in {stores / total:.1%} of all "
        "cycles; both can happen at the same time."
    )


def _by_engine(costs: Sequence[CostReport]) -> Iterator[str]:
    """Each engine that is the busiest of a layer, that of most cycles first."""
    total = sum(cost.cycles for cost in costs)
    of_engine: dict[str, list[CostReport]] = {}
    for cost in costs:
        of_engine.setdefault(busiest_engine(cost.engines), []).append(cost)
    cycles = {name: sum(cost.cycles for cost in of_engine[name]) for name in of_engine}
    for name in sorted(of_engine, key=lambda name: -cycles[name]):
        works = sum(getattr(cost.engines, name) for cost in of_engine[name])
        yield (
            f"{name} in {counted(len(of_engine[name]), 'layer')} with {cycles[name] / total:.1%} "
            f"of all cycles (it works in {works / cycles[name]:.1%} of theirs)"
        )


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
        "The exact model evaluated each layer again on accelerators that differ in one thing, or "
        "in an axis and the beats, which limit the lanes of fill together. The mapping of each "
        "layer was kept, apart from the positions of a wider axis; a search for the changed "
        "accelerator may find better ones. The changed accelerators may exceed the budget, and "
        "nothing is said about their clock."
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
    layers = "it counts as it is" if illegal == 1 else "they count as they are"
    return f" The mapping of {counted(illegal, 'layer')} is not legal there; {layers}."


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
        "layer", "busiest engine", "works", "array computes", "waits most for", "waits",
        "helps most",
    ]  # fmt: skip
    columns += [one.alternative.short for one in found]
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
        busiest,
        percent(getattr(cost.engines, busiest) / cost.cycles),
        percent(cost.stalls.compute / cost.cycles),
        wait or "nothing",
        percent(getattr(cost.stalls, wait) / cost.cycles if wait else 0.0),
        best.alternative.short if best else _NOTHING,
        *(_saving(what_if.saved_cycles(index, cost), cost.cycles) for what_if in found),
    ]


def _saving(saved: int | None, cycles: int) -> TableCell:
    if saved is None:
        return _UNKNOWN
    return TableCell(text=signed_share(-saved, cycles), value=-saved / cycles)


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
                end=signed_share(cycles - total, total),
            )
            for one, cycles in rows
        ),
    ]
    return Figure(
        title="Cycles with one change",
        caption="Exact cycles of the run if one change were made and every mapping kept. A "
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
