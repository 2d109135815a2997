"""Simulate the whole network of a run on the RTL, and compare it with the integer reference."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from naas_hw.api.designs import Design, read_design, writing
from naas_hw.api.models import Model, lowered_for, read_model
from naas_hw.api.network_files import Given, check_new, output_files, read_inputs, write_outputs
from naas_hw.api.settings import SimulationSettings
from naas_hw.compiler.network_program import NetworkProgram, build_network_program
from naas_hw.core.errors import InputError
from naas_hw.graph.graph import Array
from naas_hw.graph.quantised import QuantisedGraph
from naas_hw.sim.hardware import Hardware
from naas_hw.sim.hardware import generate as generate_hardware
from naas_hw.sim.layer import LayerReport
from naas_hw.sim.memory_habits import EXACT
from naas_hw.sim.network_run import NetworkRun, ProgressCallback, simulate_network
from naas_hw.sim.network_segments import SegmentReport, SegmentsRun, simulate_segments
from naas_hw.sim.simulators import find_simulator


@dataclass(frozen=True, kw_only=True, eq=False)
class NetworkSimulation:
    """The results of the simulation of a run's network.

    Parameters
    ----------
    network : its name.
    simulator : which one, with its version.
    run : layer by layer.
    starts : each start as a whole, where that was asked for and no layer differs.
    seed : of the inputs; None where they were given.
    inputs : name -> the file that it came from; None of numbers that a program handed in.
    outputs : name -> the file that it is in, where that was asked for and nothing differs.
    """

    network: str
    run: NetworkRun
    simulator: str
    starts: SegmentsRun | None = None
    seed: int | None = None
    inputs: Mapping[str, str | None] = field(default_factory=dict)
    outputs: Mapping[str, str] = field(default_factory=dict)

    @property
    def ok(self) -> bool:
        """Whether nothing differs."""
        return self.run.ok and (self.starts is None or self.starts.ok)

    @property
    def simulated_cycles(self) -> int:
        """Of all starts: measured where they ran as a whole, else put together from the layers."""
        return self.run.simulated_cycles if self.starts is None else self.starts.simulated_cycles


def compile_run(
    folder: str | Path, hardware: Hardware | None = None, model: Model | None = None
) -> tuple[Model, Design, Hardware, NetworkProgram]:
    """The model of a run folder as a program for the accelerator of that run.

    Parameters
    ----------
    hardware, model : of that run, where they are there already.

    Raises
    ------
    InputError : the run has no model, or its design is not of this model.
    """
    design, model = read_design(folder), model or read_model(folder)
    lowered = lowered_for(model, design, folder)
    hardware = hardware or generate_hardware(design.accelerator)
    program = build_network_program(
        design.accelerator, lowered, design.mappings, identity=hardware.identity
    )
    return model, design, hardware, program


def seeded_inputs(quantised: QuantisedGraph, seed: int) -> dict[str, Array]:
    """Random values of all inputs, the same for the same seed."""
    return random_inputs(quantised, np.random.default_rng(seed))


def random_inputs(quantised: QuantisedGraph, rng: np.random.Generator) -> dict[str, Array]:
    """Random values of all inputs: normal numbers, or bytes where the model takes bytes."""
    inputs: dict[str, Array] = {}
    for name in quantised.inputs:
        tensor = quantised.tensors[name]
        dtype = np.dtype(tensor.graph_dtype)
        if dtype.kind == "f":
            inputs[name] = rng.standard_normal(tensor.graph_shape).astype(dtype)
        else:
            limits = np.iinfo(dtype)
            inputs[name] = rng.integers(
                limits.min, limits.max, size=tensor.graph_shape, dtype=dtype, endpoint=True
            )
    return inputs


def simulate_run_network(
    folder: str | Path,
    settings: SimulationSettings | None = None,
    *,
    inputs: Mapping[str, Given] | None = None,
    outputs: str | Path | None = None,
    whole_starts: bool = False,
    num_processes: int = 1,
    progress: ProgressCallback | None = None,
) -> NetworkSimulation:
    """Run the network of a run folder on the RTL, and compare it with reference and prediction.

    Parameters
    ----------
    folder : of a search of a model; it gets `sim/network.json`.
    settings : seed is that of the inputs, where none are given.
    inputs : as `read_inputs` takes them; random ones if None.
    outputs : a folder that gets the outputs as `.npy` files, if nothing differs.
    whole_starts : run each start of the accelerator as a whole, too, after the layers: a list of
        layers up to its interrupt, from the memory that the RTL itself has left.
    num_processes : simulations of layers at a time.
    progress : called after each layer, in order, and after each whole start.

    Raises
    ------
    InputError : something is missing or wrong, or a folder cannot be written.
    ToolError, SimulationError : of the simulator.
    """
    settings = settings or SimulationSettings()
    if settings.memory != EXACT or settings.before is not None or settings.waves:
        raise InputError("memory, before and waves must not be given where a network is simulated")
    tool = find_simulator(settings.simulator)
    model = read_model(folder)
    graph = model.quantised
    values = seeded_inputs(graph, settings.seed) if inputs is None else read_inputs(graph, inputs)
    if outputs is not None:
        check_new(outputs, output_files(graph.outputs).values())
    _, design, hardware, program = compile_run(folder, model=model)
    given = (hardware, program, design.mappings, values)
    with writing(Path(folder), "simulate") as run:
        result = simulate_network(
            *given,
            simulator=tool,
            stalls=settings.stalls,
            num_processes=num_processes,
            progress=progress,
        )
        starts = None
        if whole_starts and result.ok:
            starts = simulate_segments(
                *given, simulator=tool, stalls=settings.stalls, progress=progress
            )
        simulation = NetworkSimulation(
            network=design.network.name,
            run=result,
            simulator=f"{tool.name} {tool.version}",
            starts=starts,
            seed=settings.seed if inputs is None else None,
            inputs=_sources(graph, inputs or {}),
        )
        if outputs is not None and simulation.ok:
            written = write_outputs(outputs, graph, (starts or result).outputs)
            simulation = replace(simulation, outputs=written)
        run.write_text("sim/network.json", network_simulation_json(simulation))
    return simulation


def _sources(graph: QuantisedGraph, inputs: Mapping[str, Given]) -> dict[str, str | None]:
    """Name of an input -> name of its file, without its place."""
    return {
        name or graph.inputs[0]: None if isinstance(given, np.ndarray) else Path(given).name
        for name, given in inputs.items()
    }


def network_simulation_json(simulation: NetworkSimulation) -> str:
    """The comparison as JSON: `ok`, totals, `layers`, and `starts` that ran as a whole."""
    run = simulation.run
    starts = () if simulation.starts is None else simulation.starts.segments
    whole = {
        "version": 1,
        "network": simulation.network,
        "simulator": simulation.simulator,
        "ok": simulation.ok,
        "seed": simulation.seed,
        "inputs": dict(simulation.inputs),
        "outputs": dict(simulation.outputs),
        "predicted_cycles": run.predicted_cycles,
        "simulated_cycles": simulation.simulated_cycles,
        "count_difference": max([run.count_difference, *(one.count_difference for one in starts)]),
        "output_mismatches": run.output_mismatches + sum(one.output_mismatches for one in starts),
        "host_operators": list(run.host_operators),
        "cycles_per_second": run.cycles_per_second,
        "layers": [_layer_figures(layer) for layer in run.layers],
        "starts": [_start_figures(start) for start in starts],
    }
    return json.dumps(whole, indent=1) + "\n"


def _start_figures(start: SegmentReport) -> dict[str, object]:
    return {
        "ok": start.ok,
        "status": start.status,
        "layers": list(start.layers),
        "predicted_cycles": start.predicted_cycles,
        "simulated_cycles": start.simulated_cycles,
        "count_difference": start.count_difference,
        "output_mismatches": start.output_mismatches,
        "counts_that_differ": [str(count) for count in start.counts],
        "messages": list(start.messages),
    }


def _layer_figures(layer: LayerReport) -> dict[str, object]:
    return {
        "name": layer.name,
        "ok": layer.ok,
        "status": layer.status,
        "macs": layer.num_macs,
        "predicted_cycles": layer.predicted_cycles,
        "simulated_cycles": layer.simulated_cycles,
        "utilization": layer.utilization,
        "count_difference": layer.count_difference,
        "output_mismatches": layer.output_mismatches,
        "first_piece": str(layer.first_piece) if layer.first_piece else None,
        "counts_that_differ": [str(count) for count in layer.counts],
        "messages": list(layer.messages),
    }
