"""Our figures of layers beside another model's, as a table for a terminal."""

from rich.table import Table
from rich.text import Text

from naas_hw.cli.tables import plain_table
from naas_hw.exchange.scores import LayerScore, ScoreReport
from naas_hw.report.level_counts import number


def score_table(title: str, report: ScoreReport) -> Table:
    """A line a layer: cycles, energy, products and utilisation of both."""
    columns = ["layer"]
    for what in ("cycles", "energy (nJ)", "MACs", "utilisation"):
        columns += [f"{what}\nours", f"{what}\n{report.peer}"]
    table = plain_table(title, [*columns, ""])
    for layer in report.layers:
        table.add_row(layer.name, *_cells(layer), _verdict(layer))
    return table


def _cells(layer: LayerScore) -> list[str]:
    ours, theirs = layer.ours, layer.theirs
    sides = [
        ["-"] * 4
        if side is None
        else [
            number(side.cycles),
            f"{side.energy_pj / 1000:,.1f}",
            number(side.macs),
            f"{layer.utilization(side):.1%}",
        ]
        for side in (ours, theirs)
    ]
    return [cell for pair in zip(*sides, strict=True) for cell in pair]


def _verdict(layer: LayerScore) -> Text:
    if layer.theirs is None:
        return Text("no figures", style="red")
    if not layer.ok:
        return Text("other MACs", style="red")
    return Text("" if layer.told_macs == layer.ours.macs else "enlarged")
