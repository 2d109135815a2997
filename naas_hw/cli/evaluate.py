"""`naas evaluate RUN`: what the model says of a design."""

import json
from pathlib import Path
from typing import Annotated

import typer


def evaluate(
    run: Annotated[Path, typer.Argument(help="A run folder, or a folder with a design's files.")],
    energy_table: Annotated[
        str | None,
        typer.Option(help="Built-in energy table or a YAML file; by default the one of the run."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Show the model's figures of a design, layer by layer: cycles, stalls, accesses, energy."""
    from naas_hw import api
    from naas_hw.arch.files import find_energy_table
    from naas_hw.cli.tables import cost_table, network_notes, print_table

    design = api.read_design(run)
    table = find_energy_table(energy_table) if energy_table else api.run_table(run)
    report = api.evaluate(design, table=table)
    proven = api.proven_bounds(run, report, table)
    if as_json:
        figures = {
            "network": design.network.name,
            "accelerator": design.accelerator.name,
            "energy_table": table.name,
            "cycles": report.cycles,
            "energy_pj": report.energy_pj,
            "edp": report.edp,
            "objective": proven.objective.value,
            "macs_not_covered": design.network.macs_not_covered,
            "layers": [
                api.layer_figures(layer, proven.objective, proven.bounds.get(layer.layer))
                for layer in report.layers
            ],
        }
        print(json.dumps(figures, indent=2))
        return
    title = f"{design.network.name} on {design.accelerator.name}, energy table {table.name}"
    shown = cost_table(
        title,
        design.accelerator,
        design.network,
        design.mappings,
        report,
        objective=proven.objective,
        bounds=proven.bounds,
    )
    print_table(shown)
    for note in network_notes(design.network):
        print(note)
