"""Proven lower bounds of the layers of a design."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from naas_hw.api.designs import Design, design_of
from naas_hw.arch.accelerator import Accelerator
from naas_hw.arch.technology import EnergyTable
from naas_hw.core.errors import InputError
from naas_hw.cost.evaluate import NetworkReport
from naas_hw.runs.manifest import digest_of
from naas_hw.runs.result_json import RESULT_FILE
from naas_hw.search.mapping.branch_and_bound import branch_and_bound, space_size
from naas_hw.search.mapping.layer_search import Choice
from naas_hw.search.mapping.network_bound import layer_bound
from naas_hw.search.mapping.network_search import PROOF_TOLERANCE, anonymous
from naas_hw.search.objective import Objective
from naas_hw.system.json_files import read_json
from naas_hw.workload.layer import Layer

QUICK_PROOF_EVALUATIONS: Final = 50_000
"""Mappings and tiles that are looked at for a bound that a run does not hold, a layer: some tens of
milliseconds."""

QUICK_SPACE: Final = 20_000_000
"""Nodes, as `space_size` estimates them, that are listed for it at most: about a second."""


@dataclass(frozen=True, kw_only=True)
class ProvenBounds:
    """Lower bounds of the score over all mappings in the space of branch and bound.

    Parameters
    ----------
    bounds : name of a layer -> the least score by the objective.
    """

    objective: Objective
    bounds: dict[str, float]


def proven_bounds(
    design: Design | str | Path, report: NetworkReport, table: EnergyTable
) -> ProvenBounds:
    """The bounds that a run's search proved; if it proved none, a quick proof of each layer.

    Parameters
    ----------
    design : a value, or the folder that holds it.
    report : its cost under `table`.
    """
    known = design_of(design)
    result = {} if isinstance(design, Design) else _result_of(Path(design))
    objective = _objective_of(result)
    if result.get("bounds_digest") == bounds_digest(known, table):
        kept = _kept_bounds(result, known)
        if kept is not None:
            return ProvenBounds(objective=objective, bounds=kept)
    return ProvenBounds(
        objective=objective, bounds=_bounds_of_layers(known, report, objective, table)
    )


def bounds_digest(design: Design, table: EnergyTable) -> str:
    """SHA-256 over what the bounds of a design depend on, its objective apart."""
    accelerator = design.accelerator.model_copy(update={"name": "accelerator"})
    layers = (layer.model_dump_json() for layer in design.network.layers)
    return digest_of(accelerator.model_dump_json(), table.model_dump_json(), *layers)


def _result_of(folder: Path) -> dict[str, Any]:
    """What result.json holds; nothing where it cannot be read."""
    try:
        content = read_json(folder / RESULT_FILE)
    except InputError:
        return {}
    return content if isinstance(content, dict) else {}


def _objective_of(result: dict[str, Any]) -> Objective:
    try:
        return Objective(result.get("objective", Objective.EDP))
    except ValueError:
        return Objective.EDP


def _kept_bounds(result: dict[str, Any], design: Design) -> dict[str, float] | None:
    """The bounds in result.json, or None if a layer has none.

    The layers of the file are those of the design, in the same order.
    """
    try:
        kept = [
            layer["proven_bound"] for network in result["networks"] for layer in network["layers"]
        ]
    except (KeyError, TypeError):
        return None
    names = [layer.name for layer in design.network.layers]
    if len(kept) != len(names) or not all(_is_bound(bound) for bound in kept):
        return None
    return dict(zip(names, kept, strict=True))


def _is_bound(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and value > 0


def _bounds_of_layers(
    design: Design, report: NetworkReport, objective: Objective, table: EnergyTable
) -> dict[str, float]:
    """Layers that are the same, under mappings that may differ, are proved once."""
    known: dict[Layer, float] = {}
    for layer, cost in zip(design.network.layers, report.layers, strict=True):
        if anonymous(layer) in known:
            continue
        incumbent = Choice(
            mapping=design.mappings[layer.name], cycles=cost.cycles, energy_pj=cost.energy_pj
        )
        known[anonymous(layer)] = _quick_bound(
            design.accelerator, layer, incumbent, objective, table
        )
    return {layer.name: known[anonymous(layer)] for layer in design.network.layers}


def _quick_bound(
    accelerator: Accelerator,
    layer: Layer,
    incumbent: Choice,
    objective: Objective,
    table: EnergyTable,
) -> float:
    """A short proof; of a space that takes long to be listed, what no mapping at all can beat."""
    if space_size(accelerator, layer) > QUICK_SPACE:
        return layer_bound(accelerator, layer, objective, table)
    return branch_and_bound(
        accelerator,
        layer,
        incumbent,
        objective=objective,
        table=table,
        tolerance=PROOF_TOLERANCE,
        budget_evaluations=QUICK_PROOF_EVALUATIONS,
    ).bound
