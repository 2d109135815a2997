"""How fast a simulator runs the RTL: cycles of one layer by the CPU time of the simulator."""

import os
from typing import Final

import numpy as np

from naas_hw.arch.accelerator import Accelerator, Axis
from naas_hw.arch.technology import SIZED
from naas_hw.core.errors import SimulationError
from naas_hw.search.mapping.layer_search import map_layer
from naas_hw.search.objective import Objective
from naas_hw.sim.hardware import Hardware, generate
from naas_hw.sim.layer import simulate_layer
from naas_hw.sim.simulators import find_simulator
from naas_hw.workload.layer import Layer

ACCELERATOR: Final = Accelerator(
    axes=(Axis(dim="C", size=4), Axis(dim="K", size=4)),
    weight_buffer_bytes=64,
    input_buffer_bytes=64,
    accumulator_words=64,
    num_banks=8,
    bank_bytes=2048,
    scale_depth=64,
    beat_bytes=8,
    dram_latency_cycles=50,
)
LAYERS: Final = {
    "icarus": Layer(
        name="short", K=16, C=16, P=8, Q=8, R=3, S=3, height=8, width=8, padding=(1, 1)
    ),
    "verilator": Layer(
        name="long", K=64, C=64, P=28, Q=28, R=3, S=3, height=28, width=28, padding=(1, 1)
    ),
}
"""Simulator -> a layer that it runs in seconds."""
EVALUATIONS: Final = 500


def simulation_figures(simulators: tuple[str, ...] = tuple(LAYERS)) -> dict[str, float]:
    """Cycles a CPU second of each simulator.

    Raises
    ------
    ToolError : a simulator is missing or too old.
    SimulationError : a simulation failed, or differs from the model.
    """
    hardware = generate(ACCELERATOR)
    return {f"{name}_cycles_per_cpu_second": _rate(hardware, name) for name in simulators}


def _rate(hardware: Hardware, name: str) -> float:
    """Of the second run: the first one may compile the hardware."""
    _run(hardware, name)
    before = _children_cpu_seconds()
    cycles = _run(hardware, name)
    return cycles / (_children_cpu_seconds() - before)


def _run(hardware: Hardware, name: str) -> int:
    layer = LAYERS[name]
    found = map_layer(
        ACCELERATOR,
        layer,
        objective=Objective.LATENCY,
        table=SIZED,
        budget_evaluations=EVALUATIONS,
        rng=np.random.default_rng(0),
    )
    assert found is not None
    report = simulate_layer(
        hardware,
        layer,
        found.best.mapping,
        simulator=find_simulator(name),
        rng=np.random.default_rng(0),
        max_steps_by_piece=0,
    )
    if not report.ok:
        raise SimulationError(f"layer {layer.name} in {name} must be as the model predicts")
    return report.simulated_cycles


def _children_cpu_seconds() -> float:
    """Of the processes that this one started and that have ended."""
    return sum(os.times()[2:4])
