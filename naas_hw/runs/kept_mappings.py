"""Layers on another accelerator than their own, with the mappings that they have."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from pydantic import ValidationError

from naas_hw.arch.accelerator import Accelerator
from naas_hw.arch.technology import EnergyTable
from naas_hw.cost.evaluate import CostReport, chained_cycles, evaluate
from naas_hw.mapping.legality import model_violations
from naas_hw.mapping.mapping import Mapping
from naas_hw.workload.layer import Layer

MappedLayer = tuple[Layer, Mapping]
T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class KeptCosts:
    """Costs of layers, in order; None where the accelerator cannot run the mapping."""

    costs: tuple[CostReport | None, ...]

    @property
    def num_illegal(self) -> int:
        """How many mappings the accelerator cannot run."""
        return sum(cost is None for cost in self.costs)

    @property
    def num_cycles(self) -> int | None:
        """Of all layers with a program, in one program; None if a mapping is illegal."""
        counted = self._counted
        return None if counted is None else chained_cycles(counted)

    @property
    def energy_pj(self) -> float | None:
        """Of the same layers; None if a mapping is illegal."""
        counted = self._counted
        return None if counted is None else sum(cost.energy_pj for cost in counted)

    @property
    def _counted(self) -> list[CostReport] | None:
        known = [cost for cost in self.costs if cost is not None]
        if len(known) < len(self.costs):
            return None
        return [cost for cost in known if cost.has_program]


def evaluate_kept(
    accelerator: Accelerator, layers: Sequence[MappedLayer], table: EnergyTable
) -> KeptCosts:
    """The layers on an accelerator."""

    def cost_of(layer: Layer, mapping: Mapping) -> CostReport | None:
        return evaluate_if_legal(accelerator, layer, mapping, table)

    return KeptCosts(costs=tuple(each_once(layers, cost_of)))


def each_once(layers: Sequence[MappedLayer], function: Callable[[Layer, Mapping], T]) -> list[T]:
    """What a function gives for each layer, asked once for those that differ in their name only."""
    known: dict[MappedLayer, T] = {}
    for layer, mapping in layers:
        key = (layer.anonymous, mapping)
        if key not in known:
            known[key] = function(*key)
    return [known[layer.anonymous, mapping] for layer, mapping in layers]


def evaluate_if_legal(
    accelerator: Accelerator, layer: Layer, mapping: Mapping, table: EnergyTable
) -> CostReport | None:
    """Exact cost of a layer; None if the accelerator cannot run the mapping."""
    if model_violations(accelerator, layer, mapping):
        return None
    return evaluate(accelerator, layer, mapping, table)


def changed(accelerator: Accelerator, **fields: object) -> Accelerator | None:
    """The accelerator with other values of some fields; None if there is no such accelerator.

    Examples
    --------
    >>> from naas_hw.arch.presets import find_preset
    >>> nvdla = find_preset("nvdla-256").accelerator
    >>> changed(nvdla, dram_latency_cycles=1).dram_latency_cycles, changed(nvdla, beat_bytes=5)
    (1, None)
    """
    try:
        return Accelerator.model_validate({**accelerator.model_dump(), **fields})
    except ValidationError:
        return None
