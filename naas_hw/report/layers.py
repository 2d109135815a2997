"""The layers in the report: their table, cycles, utilisation, roofline."""

from typing import Final

from naas_hw.arch.accelerator import Accelerator
from naas_hw.cost.evaluate import CostReport
from naas_hw.report.charts import Bar, ChartAxis, Series, plot, stacked_bars
from naas_hw.report.level_counts import number
from naas_hw.report.svg import short
from naas_hw.report.values import DataTable, Figure, TableCell, data_table, edp, energy, percent
from naas_hw.runs.facts import RunFacts, SimulatedLayer
from naas_hw.workload.layer import Layer

STALL_TITLES: Final = {
    "compute": "computing",
    "load": "waiting for load",
    "fill": "waiting for fill",
    "drain": "waiting for drain",
    "store": "waiting for store",
    "descriptor": "descriptor",
}
_WAITS: Final = tuple(name for name in STALL_TITLES if name != "compute")
_STALL_TONES: Final = {
    "compute": 2, "load": 0, "fill": 4, "drain": 1, "store": 3, "descriptor": 6,
}  # fmt: skip


def layer_table(facts: RunFacts) -> DataTable:
    """Everything of each layer, sortable."""
    simulated = {one.name: one for one in facts.simulation.layers} if facts.simulation else {}
    columns = ["layer", "kind", "MACs", "PEs used", "cycles", "utilisation"]
    columns += [_short_title(name) for name in _WAITS]
    columns += ["DRAM beats", "L2 words", "energy, µJ", "EDP, J × cycles"]
    if simulated:
        columns.append("RTL: simulated")
    rows = []
    for index, one in enumerate(facts.layers):
        cost = one.cost
        row: list[str | int | float | TableCell] = [
            TableCell(text=one.layer.name, link=f"#nest-{index}"),
            one.layer.kind.value
            if one.cost.has_program
            else f"{one.layer.kind.value} (no program)",
            one.layer.num_macs,
            one.geometry.pes_used,
            cost.cycles,
            percent(cost.utilization),
            *(getattr(cost.stalls, name) for name in _WAITS),
            cost.accesses.dram,
            cost.accesses.l2,
            energy(cost.energy_pj),
            edp(cost.edp),
        ]
        if simulated:
            row.append(_simulated_cycles(simulated.get(one.layer.name)))
        rows.append(row)
    return data_table("Layers", columns, rows, is_sortable=True)


def _simulated_cycles(layer: SimulatedLayer | None) -> TableCell | int:
    """Cycles on the RTL, with the prediction if it is another one."""
    if layer is None:
        return _NOT_RUN
    cycles, predicted = layer.simulated_cycles, layer.predicted_cycles
    if cycles == predicted:
        return cycles
    return TableCell(text=f"{number(cycles)} ({number(predicted)} predicted)", value=cycles)


_NOT_RUN: Final = TableCell(text="–", value=-1)


def _short_title(stall: str) -> str:
    return stall if stall == "descriptor" else f"stall: {stall}"


def cycles_figure(facts: RunFacts) -> Figure:
    """What the array does in the cycles of each layer."""
    used = [n for n in STALL_TITLES if any(getattr(one.cost.stalls, n) for one in facts.layers)]
    bars = [
        Bar(
            name=one.layer.name,
            values=[getattr(one.cost.stalls, name) for name in used],
            end=short(one.cost.cycles),
        )
        for one in facts.layers
    ]
    stalled = 1 - _share_computing(facts)
    return Figure(
        title="Cycles by cause",
        caption=f"What the array did, or what it waited for. It waits in {stalled:.1%} of all "
        "cycles.",
        picture=stacked_bars(
            "Cycles by cause",
            f"The array waits in {stalled:.1%} of all cycles.",
            bars,
            parts=[(STALL_TITLES[name], _STALL_TONES[name]) for name in used],
            label="cycles",
        ),
        table=data_table(
            "Cycles by cause",
            ("layer", *(STALL_TITLES[name] for name in used), "all"),
            [
                (b.name, *map(int, b.values), one.cost.cycles)
                for b, one in zip(bars, facts.layers, strict=True)
            ],
        ),
    )


def _share_computing(facts: RunFacts) -> float:
    """Of all cycles, those in which the array computes."""
    counted = [cost for network in facts.networks for cost in network.report.counted]
    return sum(cost.stalls.compute for cost in counted) / sum(cost.cycles for cost in counted)


def utilization_figure(facts: RunFacts) -> Figure:
    """MACs by what all PEs could have done, layer by layer."""
    bars = [
        Bar(
            name=one.layer.name,
            values=[100 * one.cost.utilization],
            end=f"{one.cost.utilization:.0%}",
        )
        for one in facts.layers
    ]
    return Figure(
        title="Utilisation",
        caption="The layer's MACs by those that all PEs could have done in its cycles.",
        picture=stacked_bars(
            "Utilisation", "Of each layer, in per cent.", bars,
            parts=[("used", 2)], label="per cent of all PEs' MACs", high=100.0,
        ),
        table=data_table(
            "Utilisation",
            ("layer", "PEs used", "of", "utilisation"),
            [
                (
                    one.layer.name, one.geometry.pes_used, facts.accelerator.num_pes,
                    percent(one.cost.utilization),
                )
                for one in facts.layers
            ],
        ),
    )  # fmt: skip


def intensity(cost: CostReport, layer: Layer, accelerator: Accelerator) -> float:
    """MACs per byte of the busier direction: DRAM is read and written at the same time."""
    a = cost.accesses
    written = a.dram_outputs + a.dram_sums_out
    return layer.num_macs / (max(written, a.dram - written) * accelerator.beat_bytes)


def bytes_per_cycle(accelerator: Accelerator) -> float:
    """Bandwidth of DRAM, each way."""
    return accelerator.beat_bytes / accelerator.dram_beat_period_cycles


def roofline_figure(facts: RunFacts) -> Figure:
    """MACs a cycle over MACs per byte, under the roofs of the array and of DRAM."""
    a = facts.accelerator
    points = [
        (intensity(one.cost, one.layer, a), one.layer.num_macs / one.cost.cycles)
        for one in facts.layers
    ]
    ridge = a.num_pes / bytes_per_cycle(a)
    first = min(min(x for x, _ in points), ridge / 4)
    last = max(max(x for x, _ in points), ridge * 4)
    flat = float(a.num_pes)
    roof = [(first, first * bytes_per_cycle(a)), (ridge, flat), (last, flat)]
    by_cycles = sorted(range(len(points)), key=lambda i: -facts.layers[i].cost.cycles)
    labels = [
        f"{one.layer.name}: {x:,.3g} MACs a byte, {y:,.4g} MACs a cycle"
        for one, (x, y) in zip(facts.layers, points, strict=True)
    ]
    return Figure(
        title="Roofline",
        caption=f"No layer can lie above {a.num_pes:,} MACs a cycle (all PEs), nor move more than "
        f"{bytes_per_cycle(a):g} bytes a cycle. DRAM is read and written at the same time, so "
        "bytes are those of the busier direction.",
        picture=plot(
            "Roofline",
            f"Roof of {a.num_pes} MACs a cycle; ridge at {ridge:.3g} MACs a byte.",
            [
                Series(
                    name=f"roof: {a.num_pes:,} PEs, {bytes_per_cycle(a):g} B/cycle",
                    points=roof, tone=3, mark="none", has_line=True,
                ),
                Series(name="layers", points=points, labels=labels, tone=0),
                Series(
                    name="most cycles", points=[points[by_cycles[0]]],
                    labels=[facts.layers[by_cycles[0]].layer.name], tone=1, mark="diamond",
                    named=[0],
                ),
            ],
            x_axis=ChartAxis(label="MACs per byte of DRAM, the busier way", is_log=True),
            y_axis=ChartAxis(label="MACs a cycle", is_log=True),
        ),
        table=data_table(
            "Roofline",
            ("layer", "MACs a byte", "MACs a cycle", "roof here", "of the roof"),
            [
                (
                    one.layer.name, x, y, min(float(a.num_pes), x * bytes_per_cycle(a)),
                    percent(y / min(a.num_pes, x * bytes_per_cycle(a))),
                )
                for one, (x, y) in zip(facts.layers, points, strict=True)
            ],
        ),
    )  # fmt: skip
