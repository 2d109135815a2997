"""What a run folder knows about its design, as checked values: everything that a report shows."""

from collections.abc import Mapping as AbstractMapping
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal, TypeVar

from pydantic import BaseModel, Field

from naas_hw.arch.accelerator import Accelerator
from naas_hw.arch.technology import EnergyTable
from naas_hw.compiler.lowering.values import LoweredNetwork
from naas_hw.compiler.memory_plan import MemoryPlan
from naas_hw.compiler.network_program import plan_network_memory
from naas_hw.core.errors import InputError
from naas_hw.cost.evaluate import CostReport, NetworkReport, evaluate_network
from naas_hw.graph.quantise.measured_accuracy import ACCURACY_FILE, MeasuredAccuracy
from naas_hw.mapping.geometry import Geometry
from naas_hw.mapping.mapping import Mapping
from naas_hw.runs.folder import RunFolder
from naas_hw.runs.manifest import MANIFEST, Manifest
from naas_hw.runs.result_json import RESULT_FILE, Record, ResultRecord
from naas_hw.runs.search_steps import SearchSteps, mapping_settings, read_steps
from naas_hw.runs.tried_accelerators import Candidate, read_candidates
from naas_hw.system.json_files import read_json
from naas_hw.system.yaml_files import validate
from naas_hw.workload.layer import Layer
from naas_hw.workload.network import Network

Model = TypeVar("Model", bound=BaseModel)
HISTORY: Final = "history.sqlite"


class SimulatedLayer(Record):
    """A layer in sim/simulated.json."""

    name: str
    ok: bool
    status: str
    groups: int
    predicted_cycles: int
    simulated_cycles: int
    output_mismatches: int
    counts_that_differ: tuple[str, ...] = ()
    first_piece: str | None = None
    counted: dict[str, int]


class SimulationRecord(Record):
    """sim/simulated.json."""

    version: Literal[1]
    simulator: str
    timed: bool
    ok: bool
    layers: tuple[SimulatedLayer, ...]


class NetworkSimulationLayer(Record):
    """A layer in sim/network.json."""

    name: str
    ok: bool
    status: str
    predicted_cycles: int
    simulated_cycles: int
    output_mismatches: int
    counts_that_differ: tuple[str, ...] = ()
    first_piece: str | None = None


class SimulatedStart(Record):
    """A start that ran as a whole, in sim/network.json."""

    ok: bool
    status: str
    layers: tuple[str, ...]
    predicted_cycles: int
    simulated_cycles: int
    output_mismatches: int
    counts_that_differ: tuple[str, ...] = ()


class NetworkSimulationRecord(Record):
    """sim/network.json; older files say nothing of inputs and starts."""

    version: Literal[1]
    simulator: str
    ok: bool
    predicted_cycles: int
    simulated_cycles: int
    output_mismatches: int
    seed: int | None = None
    inputs: dict[str, str | None] = {}
    layers: tuple[NetworkSimulationLayer, ...]
    starts: tuple[SimulatedStart, ...] = ()


class PredictedLayer(Record):
    """A layer in sim/predicted.json, which is written before the simulator starts."""

    name: str
    counts: dict[str, int]


class PredictionRecord(Record):
    """sim/predicted.json."""

    version: Literal[1]
    layers: tuple[PredictedLayer, ...]


class HardwareRecord(Record):
    """rtl/manifest.json, as far as a report shows it."""

    version: Literal[1]
    digest: str = Field(pattern=r"^[0-9a-f]{16}$")


@dataclass(frozen=True, kw_only=True)
class LayerFacts:
    """A layer, how it runs, and what that costs."""

    layer: Layer
    mapping: Mapping
    geometry: Geometry
    cost: CostReport


@dataclass(frozen=True, kw_only=True)
class NetworkFacts:
    """One of the networks of a run, and its cost."""

    name: str
    layers: tuple[LayerFacts, ...]
    report: NetworkReport

    @property
    def num_macs(self) -> int:
        """Multiply-accumulates of all layers that have a program."""
        return sum(one.layer.num_macs for one in self.layers if one.layer.has_program)


@dataclass(frozen=True, kw_only=True, eq=False)
class ModelFacts:
    """The whole network of a run with a model.

    Members
    -------
    lowered : its calls of the accelerator and of the host.
    plan : where its tensors lie in DRAM, and when.
    simulation : None where the network was not simulated.
    accuracy : None where nobody has measured it.
    """

    lowered: LoweredNetwork
    plan: MemoryPlan
    simulation: NetworkSimulationRecord | None
    accuracy: MeasuredAccuracy | None


@dataclass(frozen=True, kw_only=True)
class RunFacts:
    """All of a run.

    Members
    -------
    model : None where the run has layers only.
    manifest, result, simulation, prediction, hardware : None where the run has no such file.
    candidates : of the search; empty where there was none.
    steps : the designs of the search that a report explains.
    """

    accelerator: Accelerator
    table: EnergyTable
    networks: tuple[NetworkFacts, ...]
    model: ModelFacts | None
    manifest: Manifest | None
    result: ResultRecord | None
    candidates: tuple[Candidate, ...]
    simulation: SimulationRecord | None
    prediction: PredictionRecord | None
    steps: SearchSteps = SearchSteps()
    hardware: HardwareRecord | None = None

    @property
    def layers(self) -> tuple[LayerFacts, ...]:
        """Layers of all networks, in order."""
        return tuple(layer for network in self.networks for layer in network.layers)


def read_run_facts(
    run: RunFolder,
    accelerator: Accelerator,
    network: Network,
    mappings: AbstractMapping[str, Mapping],
    table: EnergyTable,
    *,
    lowered: LoweredNetwork | None = None,
) -> RunFacts:
    """Evaluate the design in a run folder and read what else is there.

    Parameters
    ----------
    network : all layers of the run; of several networks, one after the other.
    lowered : the run's model on this accelerator, whose layers are those of `network`; None of a
        run without a model.

    Raises
    ------
    InputError : a file of the folder is wrong; says which, where and why.
    """
    result = _read(run, RESULT_FILE, ResultRecord)
    parts = _parts(run, network, result)
    networks = tuple(_network_facts(accelerator, part, mappings, table) for part in parts)
    candidates = tuple(read_candidates(run.place(HISTORY))) if run.has(HISTORY) else ()
    return RunFacts(
        accelerator=accelerator,
        table=table,
        networks=networks,
        model=None if lowered is None else _model_facts(run, lowered, networks),
        manifest=run.manifest if run.has(MANIFEST) else None,
        result=result,
        candidates=candidates,
        simulation=_read(run, "sim/simulated.json", SimulationRecord),
        prediction=_read(run, "sim/predicted.json", PredictionRecord),
        steps=_steps(run, candidates, accelerator, parts, result, table),
        hardware=_read(run, "rtl/manifest.json", HardwareRecord),
    )


def _steps(
    run: RunFolder,
    candidates: Sequence[Candidate],
    accelerator: Accelerator,
    networks: Sequence[Network],
    result: ResultRecord | None,
    table: EnergyTable,
) -> SearchSteps:
    """What a report explains of the search; nothing where there was none."""
    settings = None if result is None else mapping_settings(result.objective, table)
    if result is None or settings is None or not candidates:
        return SearchSteps()
    searched = () if result.joint is not None else networks
    return read_steps(run.place(HISTORY), candidates, accelerator, searched, settings)


def _model_facts(
    run: RunFolder, lowered: LoweredNetwork, networks: tuple[NetworkFacts, ...]
) -> ModelFacts:
    geometries = {one.layer.name: one.geometry for network in networks for one in network.layers}
    return ModelFacts(
        lowered=lowered,
        plan=plan_network_memory(lowered, geometries),
        simulation=_read(run, "sim/network.json", NetworkSimulationRecord),
        accuracy=_read(run, ACCURACY_FILE, MeasuredAccuracy),
    )


def _read(run: RunFolder, name: str, model: type[Model]) -> Model | None:
    if not run.has(name):
        return None
    place = str(run.place(name))
    return validate(model, read_json(place), place)


def _parts(run: RunFolder, network: Network, result: ResultRecord | None) -> list[Network]:
    """The networks that the run's layers belong to, as result.json counts them."""
    if result is None:
        return [network]
    lengths = [len(record.layers) for record in result.networks]
    if sum(lengths) != len(network.layers):
        raise InputError(
            f"{run.place(RESULT_FILE)} must have the {len(network.layers)} layers of "
            f"network.yaml, not {sum(lengths)}"
        )
    parts, start = [], 0
    for record, length in zip(result.networks, lengths, strict=True):
        layers = network.layers[start : start + length]
        parts.append(network.model_copy(update={"name": record.name, "layers": layers}))
        start += length
    return parts


def _network_facts(
    accelerator: Accelerator,
    network: Network,
    mappings: AbstractMapping[str, Mapping],
    table: EnergyTable,
) -> NetworkFacts:
    report = evaluate_network(accelerator, network, mappings, table)
    return NetworkFacts(
        name=network.name,
        report=report,
        layers=tuple(
            LayerFacts(
                layer=layer,
                mapping=mappings[layer.name],
                geometry=Geometry(
                    accelerator=accelerator, layer=layer, mapping=mappings[layer.name]
                ),
                cost=cost,
            )
            for layer, cost in zip(network.layers, report.layers, strict=True)
        ),
    )
