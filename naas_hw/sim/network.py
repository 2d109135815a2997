"""The layers of a network on the RTL: distinct ones once, several at a time."""

from collections.abc import Callable, Iterator, Sequence
from collections.abc import Mapping as AbstractMapping
from concurrent.futures import Future
from dataclasses import dataclass, replace
from pathlib import Path
from zlib import crc32

from naas_hw.arch.accelerator import Accelerator
from naas_hw.core.errors import InputError
from naas_hw.mapping.legality import violations
from naas_hw.mapping.mapping import Mapping
from naas_hw.parallel.worker_pool import worker_pool
from naas_hw.search.mapping.network_search import layer_generator
from naas_hw.sim.hardware import Hardware
from naas_hw.sim.layer import LayerReport, Prediction, predict_layer, simulate_layer
from naas_hw.sim.memory_habits import EXACT, choose_habits
from naas_hw.sim.run import Stalls
from naas_hw.sim.simulators import Simulator
from naas_hw.workload.arithmetic.quantise import Tensors
from naas_hw.workload.layer import Layer
from naas_hw.workload.network import Network


@dataclass(frozen=True, kw_only=True)
class LayerRun:
    """One simulation: a layer, its mapping, and the names of all layers that it stands for."""

    layer: Layer
    mapping: Mapping
    names: tuple[str, ...]
    prediction: Prediction


def plan_runs(
    accelerator: Accelerator,
    network: Network,
    mappings: AbstractMapping[str, Mapping],
    *,
    layers: Sequence[str] | None = None,
) -> tuple[LayerRun, ...]:
    """What has to be simulated, each with its prediction.

    Parameters
    ----------
    layers : names of those that are wanted; all if None.

    Raises
    ------
    InputError : a name that is no layer's; a layer without a mapping, or with one that the
        accelerator cannot run.
    """
    wanted = _wanted(network, layers)
    names: dict[tuple[Layer, Mapping], list[str]] = {}
    first: dict[tuple[Layer, Mapping], Layer] = {}
    for layer in wanted:
        if layer.name not in mappings:
            raise InputError(f"layer {layer.name!r} has no mapping")
        key = (layer.renamed("layer"), mappings[layer.name])
        names.setdefault(key, []).append(layer.name)
        first.setdefault(key, layer)
    return tuple(
        LayerRun(
            layer=first[key],
            mapping=key[1],
            names=tuple(same),
            prediction=_predicted(accelerator, first[key], key[1]),
        )
        for key, same in names.items()
    )


def _predicted(accelerator: Accelerator, layer: Layer, mapping: Mapping) -> Prediction:
    violated = violations(accelerator, layer, mapping)
    if violated:
        raise InputError(f"layer {layer.name} cannot run on the hardware: {violated[0]}")
    return predict_layer(accelerator, layer, mapping)


def _wanted(network: Network, layers: Sequence[str] | None) -> list[Layer]:
    if layers is None:
        return list(network.layers)
    known = {layer.name for layer in network.layers}
    for name in layers:
        if name not in known:
            raise InputError(f"layers must be of {network.name}, not {name!r}")
    if not layers:
        raise InputError("layers must be at least 1, not 0")
    return [layer for layer in network.layers if layer.name in layers]


def simulate_runs(
    hardware: Hardware,
    runs: Sequence[LayerRun],
    *,
    simulator: Simulator,
    seed: int = 0,
    stalls: Stalls | None = None,
    memory: str = EXACT,
    tensors: Tensors = Tensors.SPREAD,
    before: str | None = None,
    waves: Path | None = None,
    num_processes: int = 1,
    progress: Callable[[LayerReport], None] | None = None,
) -> tuple[LayerReport, ...]:
    """Simulate all runs; a report for every name, in the order of the runs and their names.

    What a layer's tensors hold depends on the seed, the accelerator and the layer alone.

    Parameters
    ----------
    memory : `exact`, `any`, or habits (see `choose_habits`).
    tensors : their kind.
    before : what happens before each run, a key of `PRELUDES`.
    waves : folder for waves, a file a run.
    num_processes : simulations at a time.
    progress : told of each run that has ended, in order.
    """

    def job(run: LayerRun) -> dict[str, object]:
        return {
            "hardware": hardware,
            "run": run,
            "simulator": simulator,
            "seed": seed,
            "stalls": stalls,
            "memory": memory,
            "tensors": tensors,
            "before": before,
            "waves": waves,
        }

    reports: list[LayerReport] = []
    with worker_pool(min(num_processes, len(runs)), preload=__name__) as executor:
        pending: list[Future[LayerReport]] = []
        if executor is not None:
            pending = [executor.submit(simulate_run, **job(run)) for run in runs]  # type: ignore[arg-type]
        for index, run in enumerate(runs):
            report = (
                pending[index].result() if pending else simulate_run(**job(run))  # type: ignore[arg-type]
            )
            if progress is not None:
                progress(report)
            reports += _named(report, run.names)
    return tuple(reports)


def _named(report: LayerReport, names: Sequence[str]) -> Iterator[LayerReport]:
    return (replace(report, name=name) for name in names)


def simulate_run(
    *,
    hardware: Hardware,
    run: LayerRun,
    simulator: Simulator,
    seed: int,
    stalls: Stalls | None,
    memory: str,
    tensors: Tensors,
    before: str | None,
    waves: Path | None,
) -> LayerReport:
    """One simulation; what runs in a worker."""
    return simulate_layer(
        hardware,
        run.layer,
        run.mapping,
        simulator=simulator,
        rng=layer_generator(seed, hardware.accelerator, run.layer),
        stalls=stalls,
        habits=choose_habits(
            memory,
            seed=seed,
            index=crc32(run.layer.name.encode()),
            num_beats=run.prediction.num_beats,
            max_cycles=run.prediction.cycles,
        ),
        tensors=tensors,
        before=before,
        prediction=run.prediction,
        waves=None if waves is None else waves / run.layer.name,
    )
