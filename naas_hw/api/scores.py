"""Compare the figures of other cost models for a design with those of naas."""

from collections.abc import Callable, Sequence
from functools import partial
from math import prod
from pathlib import Path
from typing import Any

from naas_hw.api.designs import Design, design_of, evaluate, table_of
from naas_hw.api.files import export, layers_named
from naas_hw.api.old_keywords import SCORE_KEYWORDS, accepts_old_keywords
from naas_hw.api.settings import ScoreSettings
from naas_hw.arch.technology import EnergyTable
from naas_hw.core.errors import InputError
from naas_hw.exchange.formats import Format
from naas_hw.exchange.peer_figures import PeerFigures
from naas_hw.exchange.peer_program import PeerError, figures_of, find_program
from naas_hw.exchange.scores import LayerScore, ScoreReport
from naas_hw.exchange.timeloop_format import Version
from naas_hw.exchange.timeloop_mapping import told_bounds
from naas_hw.mapping.geometry import Geometry
from naas_hw.mapping.mapping import Mapping
from naas_hw.workload.layer import Layer


@accepts_old_keywords(SCORE_KEYWORDS)
def score(
    design: Design | str | Path,
    settings: ScoreSettings | None = None,
    *,
    peer: Format,
    layers: Sequence[str] | None = None,
    table: str | EnergyTable | None = None,
    progress: Callable[[LayerScore], None] | None = None,
) -> ScoreReport:
    """Run another cost model, whose program must be on PATH, on each layer of a design.

    Parameters
    ----------
    design : a value, or the folder that holds it.
    peer : whose program it is.
    layers : names of the layers; all if None.
    table : an energy table, its name or file; that of the run, else the default one.
    progress : called after each layer.

    Raises
    ------
    ToolError : the program is missing.
    InputError : something is missing or wrong.
    """
    settings = settings or ScoreSettings()
    program = find_program(peer)
    known_design, prices = design_of(design), table_of(design, table)
    wanted = (
        known_design.network.layers
        if layers is None
        else layers_named(known_design.network, layers)
    )
    ours = {
        layer.name: cost
        for layer, cost in zip(
            known_design.network.layers, evaluate(known_design, table=prices).layers, strict=True
        )
    }
    run = partial(figures_of, peer, program, timeout_seconds=settings.timeout_seconds)
    known: dict[tuple[Layer, Mapping], PeerFigures | str] = {}
    scores = []
    for layer in wanted:
        theirs = _theirs(known_design, layer, peer, settings.pad, prices, run, known)
        cost = ours[layer.name]
        scores.append(
            LayerScore(
                name=layer.name,
                ours=PeerFigures(cycles=cost.cycles, energy_pj=cost.energy_pj, macs=layer.num_macs),
                theirs=None if isinstance(theirs, str) else theirs,
                reason=theirs if isinstance(theirs, str) else None,
                told_macs=_told_macs(known_design, layer, peer),
                num_pes=known_design.accelerator.num_pes,
            )
        )
        if progress is not None:
            progress(scores[-1])
    return ScoreReport(peer=peer, layers=tuple(scores))


def _theirs(
    design: Design,
    layer: Layer,
    peer: Format,
    pad: bool,
    prices: EnergyTable,
    run: Callable[[dict[str, str]], PeerFigures],
    known: dict[tuple[Layer, Mapping], PeerFigures | str],
) -> PeerFigures | str:
    """Its figures, or why there are none; layers that are the same are run once."""
    try:
        plan = export(design, to=peer, pad=pad, layers=[layer.name], table=prices)
    except InputError as error:
        return str(error).removeprefix(f"layer {layer.name}: ")
    key = layer.renamed("layer"), design.mappings[layer.name]
    if key not in known:
        try:
            known[key] = run({path: str(content) for path, content in plan.files})
        except PeerError as error:
            known[key] = str(error)
    return known[key]


def _told_macs(design: Design, layer: Layer, peer: Format) -> int:
    if peer is Format.MAESTRO:
        return layer.num_macs
    geometry = Geometry(
        accelerator=design.accelerator, layer=layer, mapping=design.mappings[layer.name]
    )
    return layer.groups * prod(told_bounds(geometry, Version.V03).values())


def score_figures(report: ScoreReport) -> dict[str, Any]:
    """A report, as JSON has it."""

    def side(layer: LayerScore, figures: PeerFigures | None) -> dict[str, Any] | None:
        if figures is None:
            return None
        return {
            "cycles": figures.cycles,
            "energy_pj": figures.energy_pj,
            "macs": figures.macs,
            "utilization": layer.utilization(figures),
        }

    return {
        "with": report.peer.value,
        "ok": report.ok,
        "layers": [
            {
                "name": layer.name,
                "ok": layer.ok,
                "ours": side(layer, layer.ours),
                "theirs": side(layer, layer.theirs),
                "told_macs": layer.told_macs,
                "reason": layer.reason,
            }
            for layer in report.layers
        ],
    }
