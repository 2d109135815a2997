"""Tables for a terminal: what the model says, and what the RTL did."""

from collections.abc import Mapping as AbstractMapping
from collections.abc import Sequence
from typing import Final

from rich.console import Console
from rich.table import Table
from rich.text import Text

from naas_hw.arch.accelerator import Accelerator
from naas_hw.cost.evaluate import CostReport, NetworkReport
from naas_hw.mapping.geometry import Geometry
from naas_hw.mapping.mapping import Mapping
from naas_hw.report.level_counts import LEVELS, level_counts, number
from naas_hw.search.objective import Objective
from naas_hw.sim.layer import LayerReport
from naas_hw.workload.check import UNKNOWN, total_macs
from naas_hw.workload.network import Network

_WIDE: Final = 1000


def print_table(table: Table) -> None:
    """Print a table with whole cells, however narrow the terminal: a cut number is a wrong one."""
    needed = Console(width=_WIDE).measure(table).maximum
    console = Console()
    console.width = max(console.width, needed)
    console.print(table)


def plain_table(title: str, columns: Sequence[str], *, footer: bool = False) -> Table:
    """An empty table of these columns, of which the first is on the left."""
    table = Table(
        title=Text(title), title_justify="left", show_footer=footer, header_style="", box=None
    )
    for index, column in enumerate(columns):
        table.add_column(
            Text(column),
            justify="left" if index == 0 else "right",
            overflow="fold",
            no_wrap=index > 0,
        )
    return table


def simulation_table(title: str, layers: Sequence[LayerReport]) -> Table:
    """Predicted beside simulated, a line a layer; what differs is marked."""
    columns = ["layer", "PEs used", "cycles\npredicted", "cycles\nsimulated", "utilisation"]
    for level in LEVELS:
        columns += [f"{level}\npredicted", f"{level}\ncounted"]
    table = plain_table(title, [*columns, "wrong\nbytes", ""])
    for layer in layers:
        cells = [
            Text(layer.name if layer.groups == 1 else f"{layer.name} (1 of {layer.groups} groups)"),
            Text(f"{layer.pes_used}/{layer.num_pes}"),
            *_pair(layer.predicted_cycles, layer.simulated_cycles),
            Text(f"{layer.utilization:.1%}"),
        ]
        predicted = level_counts(layer.predicted)
        counted = level_counts(layer.counted)
        for level in LEVELS:
            cells += _pair(predicted[level], counted[level])
        wrong = Text(number(layer.output_mismatches), style="red" * (layer.output_mismatches > 0))
        table.add_row(*cells, wrong, verdict(layer))
    return table


def _pair(predicted: int, simulated: int) -> tuple[Text, Text]:
    style = "" if predicted == simulated else "bold red"
    return Text(number(predicted), style=style), Text(number(simulated), style=style)


def verdict(layer: LayerReport) -> Text:
    """Equal, or not."""
    if layer.ok:
        return Text("equal", style="green")
    return Text("differs" if layer.status == "done" else layer.status, style="bold red")


def complaints(layer: LayerReport) -> list[str]:
    """What differs, a line each, the first piece first."""
    lines = list(layer.messages)
    if layer.first_piece is not None:
        lines.append(f"first piece that differs: {layer.first_piece}")
    if layer.timed:
        lines += [str(count) for count in layer.counts]
    if layer.status != "done":
        lines.insert(0, f"the run ended as {layer.status}")
    return [f"{layer.name}: {line}" for line in lines]


STALLS: Final = ("load", "fill", "drain", "store", "descriptor")


def cost_table(
    title: str,
    accelerator: Accelerator,
    network: Network,
    mappings: AbstractMapping[str, Mapping],
    report: NetworkReport,
    *,
    objective: Objective = Objective.EDP,
    bounds: AbstractMapping[str, float] | None = None,
) -> Table:
    """The model's figures, a line a layer, and the whole network as the last line.

    Parameters
    ----------
    bounds : name of a layer -> what no mapping of branch and bound's space beats by the objective;
        shown with the gap between it and the layer's own.
    """
    bounds = bounds or {}
    columns = ["layer", "PEs used", "cycles", "utilisation"]
    columns += [f"stalls:\n{cause}" for cause in STALLS]
    columns += ["DRAM\nbeats", "L2\nwords", "L1\naccesses", "energy\nuJ", "EDP\nuJ x cycles"]
    columns += [f"proven bound\n{_UNITS[objective]}", "gap"]
    table = plain_table(title, columns)
    for layer, layer_report in zip(network.layers, report.layers, strict=True):
        geometry = Geometry(accelerator=accelerator, layer=layer, mapping=mappings[layer.name])
        table.add_row(
            *_cost_cells(layer_report, f"{geometry.pes_used}/{accelerator.num_pes}"),
            *_bound_cells(layer_report, objective, bounds.get(layer.name)),
        )
    table.add_section()
    table.add_row(
        Text("all, as one program", style="bold"),
        Text(""),
        Text(number(report.cycles)),
        Text(f"{network.num_macs / (accelerator.num_pes * report.cycles):.1%}"),
        *(Text(number(sum(getattr(r.stalls, name) for r in report.counted))) for name in STALLS),
        Text(number(sum(r.accesses.dram for r in report.counted))),
        Text(number(sum(r.accesses.l2 for r in report.counted))),
        Text(number(sum(r.accesses.l1 for r in report.counted))),
        Text(_microjoules(report.energy_pj)),
        Text(f"{report.edp / 1e6:.4g}"),
    )
    return table


_UNITS: Final = {
    Objective.EDP: "uJ x cycles",
    Objective.LATENCY: "cycles",
    Objective.ENERGY: "uJ",
}


def _bound_cells(report: CostReport, objective: Objective, bound: float | None) -> list[Text]:
    """What is proven of a layer's mapping; nothing where nothing is."""
    if bound is None:
        return [Text(""), Text("")]
    shown = f"{bound:,.0f}" if objective is Objective.LATENCY else f"{bound / 1e6:.4g}"
    gap = objective.gap(report.cycles, report.energy_pj, bound)
    return [Text(shown), Text(f"{gap:.1%}")]


def network_notes(network: Network) -> list[str]:
    """Sentences about what no figure of a network covers; empty if all of it runs."""
    notes = []
    if network.without_program:
        names = ", ".join(layer.name for layer in network.without_program)
        notes.append(
            f"no program for {names}: a transposed convolution exists in the cost model only, "
            "and no total includes it"
        )
    hosts = [operator for operator in network.host if operator.macs]
    if hosts:
        total = total_macs([operator.macs for operator in hosts])
        number_of = "an unknown number of" if total == UNKNOWN else f"{total:,}"
        names = ", ".join(operator.name for operator in hosts)
        notes.append(
            f"left to the host, and not included in any figure: {number_of} "
            f"multiply-accumulates of {names}"
        )
    return notes


def _cost_cells(report: CostReport, pes_used: str) -> list[Text]:
    stalls = [number(getattr(report.stalls, cause)) for cause in STALLS]
    accesses = [number(n) for n in (report.accesses.dram, report.accesses.l2, report.accesses.l1)]
    texts = (
        report.layer if report.has_program else f"{report.layer} (no program)",
        pes_used,
        number(report.cycles),
        f"{report.utilization:.1%}",
        *stalls,
        *accesses,
        _microjoules(report.energy_pj),
        f"{report.edp / 1e6:.4g}",
    )
    return [Text(text) for text in texts]


def _microjoules(energy_pj: float) -> str:
    return f"{energy_pj / 1e6:,.2f}"
