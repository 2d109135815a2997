"""`naas evaluate RUN`: what the model says of a design."""

import json
from typing import Annotated

import typer

from naas_hw.cli.options import DesignFolder, Json
from naas_hw.cli.panels import MAIN


def evaluate(
    run: DesignFolder,
    energy_table: Annotated[
        str | None,
        typer.Option(
            help="A built-in energy table or a YAML file, by default the run's.",
            rich_help_panel=MAIN,
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Show the cost of a design by the model, layer by layer: cycles, stalls, accesses, energy.

    Examples
    --------
    naas evaluate run
    naas evaluate run --energy-table mine.yaml --json
    """
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
