"""A whole network of a run on the RTL, beside its integer reference."""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from naas_hw.api.designs import Design, read_design, writing
from naas_hw.api.models import Model, lowered_for, read_model
from naas_hw.api.settings import SimulationSettings
from naas_hw.compiler.network_program import NetworkProgram, build_network_program
from naas_hw.core.errors import InputError
from naas_hw.graph.graph import Array
from naas_hw.graph.quantised import QuantisedGraph
from naas_hw.sim.hardware import Hardware
from naas_hw.sim.hardware import generate as generate_hardware
from naas_hw.sim.layer import LayerReport
from naas_hw.sim.memory_habits import EXACT
from naas_hw.sim.network_run import CallProgress, NetworkRun, simulate_network
from naas_hw.sim.simulators import find_simulator


@dataclass(frozen=True, kw_only=True, eq=False)
class NetworkSimulation:
    """What the simulation of a run's network found.

    Parameters
    ----------
    network : its name.
    simulator : which one, with its version.
    """

    network: str
    run: NetworkRun
    simulator: str

    @property
    def ok(self) -> bool:
        """Whether nothing differs."""
        return self.run.ok


def compile_run(
    folder: str | Path, hardware: Hardware | None = None
) -> tuple[Model, Design, Hardware, NetworkProgram]:
    """The model of a run folder as a program for the accelerator of that run.

    Parameters
    ----------
    hardware : of that accelerator, where it is there already.

    Raises
    ------
    InputError : the run has no model, or its design is not of this model.
    """
    design, model = read_design(folder), read_model(folder)
    lowered = lowered_for(model, design, folder)
    hardware = hardware or generate_hardware(design.accelerator)
    program = build_network_program(
        design.accelerator, lowered, design.mappings, identity=hardware.identity
    )
    return model, design, hardware, program


def seeded_inputs(quantised: QuantisedGraph, seed: int) -> dict[str, Array]:
    """Random values of all inputs: normal numbers, or bytes where the model takes bytes."""
    rng = np.random.default_rng(seed)
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
    num_processes: int = 1,
    progress: CallProgress | None = None,
) -> NetworkSimulation:
    """Run the network of a run folder on the RTL, and compare it with reference and prediction.

    Parameters
    ----------
    folder : of a search of a model; it gets `sim/network.json`.
    settings : seed is that of the inputs.
    num_processes : simulations at a time.
    progress : called after each layer, in order.

    Raises
    ------
    InputError : something is missing or wrong, or the folder cannot be written.
    ToolError, SimulationError : of the simulator.
    """
    settings = settings or SimulationSettings()
    if settings.memory != EXACT or settings.before is not None or settings.waves:
        raise InputError("memory, before and waves must be left out where a network is simulated")
    tool = find_simulator(settings.simulator)
    model, design, hardware, program = compile_run(folder)
    with writing(Path(folder), "simulate") as run:
        result = simulate_network(
            hardware,
            program,
            design.mappings,
            seeded_inputs(model.quantised, settings.seed),
            simulator=tool,
            stalls=settings.stalls,
            num_processes=num_processes,
            progress=progress,
        )
        simulation = NetworkSimulation(
            network=design.network.name, run=result, simulator=f"{tool.name} {tool.version}"
        )
        run.write_text("sim/network.json", network_simulation_json(simulation))
    return simulation


def network_simulation_json(simulation: NetworkSimulation) -> str:
    """The comparison as JSON: `ok`, totals, and `layers`."""
    run = simulation.run
    whole = {
        "version": 1,
        "network": simulation.network,
        "simulator": simulation.simulator,
        "ok": run.ok,
        "predicted_cycles": run.predicted_cycles,
        "simulated_cycles": run.simulated_cycles,
        "count_difference": run.count_difference,
        "output_mismatches": run.output_mismatches,
        "host_operators": list(run.host_operators),
        "cycles_per_second": run.cycles_per_second,
        "layers": [_layer_figures(layer) for layer in run.layers],
    }
    return json.dumps(whole, indent=1) + "\n"


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
