"""What one mapping, or a whole network, costs: the report that people and files get."""

from collections.abc import Mapping as MappingType
from dataclasses import dataclass

from naas_hw.arch import timing
from naas_hw.arch.accelerator import Accelerator
from naas_hw.arch.technology import EnergyTable
from naas_hw.core.errors import InputError, LegalityError
from naas_hw.cost.compiled.batch import SAVED_BETWEEN_LAYERS, MappingBatch, evaluate_exact
from naas_hw.cost.compiled.columns import ENGINE_NAMES, STALL_NAMES
from naas_hw.cost.energy import Energy, energy_of
from naas_hw.cost.reference.accesses import ACCESS_NAMES, Accesses
from naas_hw.cost.reference.recurrence import StallCycles
from naas_hw.mapping.legality import model_violations
from naas_hw.mapping.mapping import Mapping
from naas_hw.workload.layer import Layer
from naas_hw.workload.network import Network


@dataclass(frozen=True, kw_only=True)
class EngineTotals:
    """Cycles in which each engine works; of load and store, bus beats times their period."""

    load: int
    fill: int
    compute: int
    drain: int
    store: int


@dataclass(frozen=True, kw_only=True)
class CostReport:
    """Cost of one layer under one mapping, all groups.

    Members
    -------
    layer : its name.
    cycles : from the accepted start to the first cycle of the interrupt; groups run one after the
        other, without an interrupt in between.
    stalls : all cycles, by what the array did or waited for.
    accesses : by memory, tensor and port.
    energy : picojoules by level.
    utilization : MACs of the layer by those that all PEs could have done in these cycles.
    engines : how long each engine works.
    chain_delay : cycles that a following layer waits until DRAM can give its first beat.
    has_program : whether the accelerator runs the layer; if not, it counts in no total.
    """

    layer: str
    cycles: int
    stalls: StallCycles
    accesses: Accesses
    energy: Energy
    utilization: float
    engines: EngineTotals
    chain_delay: int
    has_program: bool = True

    @property
    def energy_pj(self) -> float:
        """Picojoules, all levels together."""
        return self.energy.total

    @property
    def edp(self) -> float:
        """Energy-delay product, picojoules times cycles."""
        return self.energy_pj * self.cycles


@dataclass(frozen=True, kw_only=True)
class NetworkReport:
    """Cost of a network, layer after layer, in one program: one start, one interrupt.

    Members
    -------
    layers : in order of execution. Each counts its own start and interrupt, so that their cycles
        add up to a little more than those of the network.
    cycles : from the accepted start to the interrupt after the last layer, of those that have a
        program.
    """

    layers: tuple[CostReport, ...]
    cycles: int

    @property
    def counted(self) -> tuple[CostReport, ...]:
        """Layers that have a program: those that every total is of."""
        return tuple(layer for layer in self.layers if layer.has_program)

    @property
    def energy_pj(self) -> float:
        """Picojoules of all layers that have a program."""
        return sum(layer.energy_pj for layer in self.counted)

    @property
    def edp(self) -> float:
        """Energy-delay product, picojoules times cycles."""
        return self.energy_pj * self.cycles


def evaluate(
    accelerator: Accelerator, layer: Layer, mapping: Mapping, table: EnergyTable
) -> CostReport:
    """Exact cost of one layer.

    Raises
    ------
    LegalityError : the accelerator cannot run the mapping.
    """
    broken = model_violations(accelerator, layer, mapping)
    if broken:
        raise LegalityError([str(violation) for violation in broken])
    exact = evaluate_exact(accelerator, layer, MappingBatch.from_mappings([mapping]), [0], table)
    accesses = Accesses(**dict(zip(ACCESS_NAMES, map(int, exact.accesses[0]), strict=True)))
    wait = int(exact.next_beat[0] - exact.response[0])
    first_beat = timing.RESPONSE_TO_DESCRIPTOR + timing.read_latency(
        accelerator.dram_latency_cycles
    )
    return CostReport(
        layer=layer.name,
        cycles=int(exact.cycles[0]),
        stalls=StallCycles(**dict(zip(STALL_NAMES, map(int, exact.stalls[0]), strict=True))),
        accesses=accesses,
        energy=energy_of(accelerator, accesses, table),
        utilization=float(exact.utilization[0]),
        engines=EngineTotals(**dict(zip(ENGINE_NAMES, map(int, exact.engines[0]), strict=True))),
        chain_delay=max(0, wait - first_beat),
        has_program=layer.has_program,
    )


def evaluate_network(
    accelerator: Accelerator,
    network: Network,
    mappings: MappingType[str, Mapping],
    table: EnergyTable,
) -> NetworkReport:
    """Exact cost of a network whose layers have these mappings, by layer name.

    Layers that differ in their name only are evaluated once.

    Raises
    ------
    InputError : a layer has no mapping.
    LegalityError : the accelerator cannot run one of them.
    """
    reports = []
    known: dict[tuple[Layer, Mapping], CostReport] = {}
    for layer in network.layers:
        if layer.name not in mappings:
            raise InputError(f"layer {layer.name!r} has no mapping")
        key = (layer.anonymous, mappings[layer.name])
        if key not in known:
            known[key] = evaluate(accelerator, *key, table)
        report = known[key]
        reports.append(CostReport(**{**vars(report), "layer": layer.name}))
    run = [report for report in reports if report.has_program]
    return NetworkReport(layers=tuple(reports), cycles=chained_cycles(run))


def chained_cycles(layers: list[CostReport]) -> int:
    """Cycles of layers in one program: one interrupt, and no start but the first."""
    saved = (len(layers) - 1) * SAVED_BETWEEN_LAYERS
    return sum(r.cycles for r in layers) - saved + sum(r.chain_delay for r in layers[:-1])
