"""How busy an array is kept by layers that memory does not hold up: predicted, and on the RTL."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from naas_hw.arch.accelerator import Accelerator
from naas_hw.arch.technology import SIZED
from naas_hw.core.errors import InputError
from naas_hw.cost.evaluate import CostReport, evaluate
from naas_hw.mapping.mapping import Mapping
from naas_hw.search.mapping.network_search import MappingSettings, map_network
from naas_hw.search.objective import Objective
from naas_hw.search.processes import worker_processes
from naas_hw.sim.hardware import generate
from naas_hw.sim.layer import LayerReport
from naas_hw.sim.network import plan_runs, simulate_runs
from naas_hw.sim.simulators import Simulator
from naas_hw.workload.layer import Kind, Layer
from naas_hw.workload.network import Network

LEAST_UTILIZATION: Final = 0.85
MOST_OF_SLOWEST: Final = 1.1
LEAST_RATIO: Final = 1.5
"""Cycles of an array that is always busy by compulsory DRAM cycles, of the layers that count."""


def compulsory_bytes(layer: Layer) -> int:
    """Bytes that have to cross the bus: each weight, needed input and output once.

    An input that no output depends on (a stride larger than the kernel) is not needed.
    """
    weights = layer.K * layer.C * layer.R * layer.S
    outputs = layer.K * layer.P * layer.Q
    rows = _needed(layer.P, layer.R, layer, 0)
    columns = _needed(layer.Q, layer.S, layer, 1)
    return layer.groups * (weights + layer.input_channels * rows * columns + outputs)


def _needed(outputs: int, kernel: int, layer: Layer, axis: int) -> int:
    size = (layer.height, layer.width)[axis]
    stride, padding, dilation = layer.stride[axis], layer.padding[axis], layer.dilation[axis]
    touched = {p * stride + r * dilation - padding for p in range(outputs) for r in range(kernel)}
    return len(touched & set(range(size)))


def compulsory_cycles(accelerator: Accelerator, layer: Layer) -> float:
    """Cycles for these bytes, loads and stores, at the bandwidth of the bus."""
    bytes_per_cycle = accelerator.beat_bytes / accelerator.dram_beat_period_cycles
    return compulsory_bytes(layer) / bytes_per_cycle


def is_compute_bound(accelerator: Accelerator, layer: Layer) -> bool:
    """Whether K and C fill their axes, and the array would need 1.5 times as long as the bus."""
    if layer.kind is not Kind.CONV or any(
        layer.bounds[axis.dim] % axis.size for axis in accelerator.axes
    ):
        return False
    busy = layer.num_macs / accelerator.num_pes
    return busy >= LEAST_RATIO * compulsory_cycles(accelerator, layer)


@dataclass(frozen=True, kw_only=True)
class LayerUtilization:
    """One layer that memory does not hold up.

    Members
    -------
    predicted : exact, of the model.
    simulated : of the RTL; None where only predicted.
    """

    layer: Layer
    names: tuple[str, ...]
    mapping: Mapping
    dram_cycles: float
    predicted: CostReport
    simulated: LayerReport | None = None

    @property
    def utilization(self) -> float:
        """Counted where it was simulated."""
        return self.simulated.utilization if self.simulated else self.predicted.utilization

    @property
    def slowest_engine(self) -> tuple[str, int]:
        """The engine that works longest, and its cycles."""
        engines: dict[str, int] = vars(self.predicted.engines)
        return max(engines.items(), key=lambda entry: entry[1])

    @property
    def of_slowest(self) -> float:
        """All cycles by those of the slowest engine."""
        return self.predicted.cycles / self.slowest_engine[1]

    @property
    def ok(self) -> bool:
        """Whether both limits hold and the RTL does what was predicted."""
        simulated = self.simulated is None or self.simulated.ok
        return (
            simulated
            and self.utilization >= LEAST_UTILIZATION
            and self.of_slowest <= MOST_OF_SLOWEST
        )


def measure_utilization(
    accelerator: Accelerator,
    network: Network,
    *,
    evaluations: int,
    seed: int = 0,
    simulator: Simulator | None,
    layers: Sequence[str] | None = None,
    num_processes: int = 1,
    progress: Callable[[LayerReport], None] | None = None,
) -> list[LayerUtilization]:
    """Map the compute-bound layers for few cycles, predict them, simulate them at full size.

    Parameters
    ----------
    evaluations : mappings a layer.
    simulator : None leaves simulation out.
    layers : names of those that are simulated; all compute-bound ones if None.
    progress : told of each layer that was simulated.

    Raises
    ------
    InputError : a layer finds no mapping; a layer to be simulated is not compute-bound.
    """
    names = network.distinct_layers
    bound_layers = [layer for layer in names if is_compute_bound(accelerator, layer)]
    if not bound_layers:
        return []
    wanted = None if layers is None else _representatives(network, bound_layers, layers)
    part = Network(name=network.name, layers=tuple(bound_layers))
    settings = MappingSettings(
        objective=Objective.LATENCY,
        table=SIZED,
        evaluations=evaluations,
        seed=seed,
    )
    with worker_processes(num_processes) as executor:
        mappings = map_network(accelerator, part, settings, executor=executor).mappings
    simulated: dict[str, LayerReport] = {}
    if simulator is not None:
        reports = simulate_runs(
            generate(accelerator),
            plan_runs(accelerator, part, mappings, layers=wanted),
            simulator=simulator,
            seed=seed,
            num_processes=num_processes,
            progress=progress,
        )
        simulated = {report.name: report for report in reports}
    return [
        LayerUtilization(
            layer=layer,
            names=names[layer],
            mapping=mappings[layer.name],
            dram_cycles=compulsory_cycles(accelerator, layer),
            predicted=evaluate(accelerator, layer, mappings[layer.name], SIZED),
            simulated=simulated.get(layer.name),
        )
        for layer in bound_layers
    ]


def _representatives(
    network: Network, bound_layers: Sequence[Layer], wanted: Sequence[str]
) -> list[str]:
    """The first of those that are the same, for each name."""
    first = {
        name: layer.name
        for layer, names in network.distinct_layers.items()
        for name in names
        if layer in bound_layers
    }
    for name in wanted:
        if name not in first:
            raise InputError(
                f"layers must be of {network.name} and not held up by memory, not {name!r}"
            )
    return [first[name] for name in wanted]


# Markdown ----------------------------------------------------------------------------------------


def utilization_markdown(
    accelerator: Accelerator, network: Network, measured: Sequence[LayerUtilization]
) -> str:
    """The section of a document, figures and all."""
    sizes = " and ".join(f"{axis.dim} a multiple of {axis.size}" for axis in accelerator.axes)
    bandwidth = accelerator.beat_bytes / accelerator.dram_beat_period_cycles
    text = (
        f"{network.name} on `{accelerator.name}` (array {accelerator.array_text}, buffers and "
        f"bandwidths of that preset): all convolutions with {sizes}, and MACs / "
        f"{accelerator.num_pes} at least {LEAST_RATIO} times the compulsory DRAM cycles. Those are "
        "the bytes of weights, of inputs that some output needs, and of outputs, each once, loads "
        f"and stores together, by {bandwidth:g} bytes a cycle. Mappings are searched for few "
        "cycles. Utilisation is MACs by PEs times cycles, of the whole layer from the start to the "
        "interrupt. The slowest engine is the one of load, fill, compute, drain and store that "
        "works longest; all cycles by its own show how well they overlap."
    )
    lines = [
        "| layer | so many | K C P Q R S, stride | MACs / PEs / DRAM | cycles predicted | "
        "simulated | utilisation | slowest engine | cycles / slowest | differences |",
        "|---|---:|---|---:|---:|---:|---:|---|---:|---:|",
        *(_row(accelerator, entry) for entry in measured),
    ]
    return "\n\n".join((text, "\n".join(lines), _summary(measured)))


def _row(accelerator: Accelerator, entry: LayerUtilization) -> str:
    layer, run = entry.layer, entry.simulated
    engine, cycles = entry.slowest_engine
    ratio = layer.num_macs / accelerator.num_pes / entry.dram_cycles
    shape = " ".join(str(bound) for bound in layer.bounds.values())
    simulated, differences = "-", "-"
    if run is not None:
        simulated = f"{run.simulated_cycles:,}"
        differences = "none" if run.ok else "**differs**"
    return (
        f"| {layer.name} | {len(entry.names)} | {shape}, {layer.stride[0]} | {ratio:.2f} | "
        f"{entry.predicted.cycles:,} | {simulated} | {entry.utilization:.1%} | "
        f"{engine} {cycles:,} | {entry.of_slowest:.3f} | {differences} |"
    )


def _summary(measured: Sequence[LayerUtilization]) -> str:
    if not measured:
        return "No layer meets this."
    runs = [entry for entry in measured if entry.simulated is not None]
    equal = sum(entry.simulated.ok for entry in runs if entry.simulated)
    return (
        f"{len(measured)} distinct layers, {len(runs)} of them simulated at full size, "
        f"{equal} equal to the prediction in cycles, counts and output bytes. Lowest utilisation "
        f"{min(entry.utilization for entry in measured):.1%} (required: {LEAST_UTILIZATION:.0%}); "
        "most cycles by those of the slowest engine "
        f"{max(entry.of_slowest for entry in measured):.3f} (required: at most {MOST_OF_SLOWEST})."
    )
