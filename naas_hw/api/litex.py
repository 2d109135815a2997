"""The network of a run as files for a LiteX SoC."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from naas_hw.api.designs import Design, read_design
from naas_hw.api.models import read_model
from naas_hw.api.network_files import Given, read_inputs
from naas_hw.api.network_simulation import compile_run, seeded_inputs
from naas_hw.arch.families import Family
from naas_hw.compiler.network_program import NetworkProgram
from naas_hw.emit.families import primitive_models
from naas_hw.emit.litex import ExpectedRun, plan_litex
from naas_hw.emit.network_package import plan_network
from naas_hw.emit.package import plan_rtl
from naas_hw.emit.plan import FilePlan
from naas_hw.graph.graph import Array
from naas_hw.graph.integer_execution import model_values, run_integers
from naas_hw.graph.quantised import QuantisedGraph
from naas_hw.sim.hardware import Hardware
from naas_hw.sim.hardware import generate as generate_hardware
from naas_hw.sim.network_run import chain_delays, cycles_of_starts, predictions_of


def export_litex(
    run: str | Path,
    *,
    inputs: Mapping[str, Given] | None = None,
    seed: int = 0,
    family: Family = Family.GENERIC,
) -> FilePlan:
    """A LiteX module, two SoCs around it, and firmware that runs the network.

    Parameters
    ----------
    run : folder of a search of a model.
    inputs : as `read_inputs` takes them, for the firmware; random ones if None.
    seed : of random inputs.
    family : whose forms of multiplier and memory are taken.

    Raises
    ------
    InputError : the run has no model, or something of it is missing or wrong.
    ToolError : what makes Verilog is missing.
    """
    model, design = read_model(run), read_design(run)
    graph, accelerator = model.quantised, design.accelerator
    values = seeded_inputs(graph, seed) if inputs is None else read_inputs(graph, inputs)
    hardware = generate_hardware(accelerator, family=family)
    _, _, _, program = compile_run(run, hardware, model)
    return plan_litex(
        plan_rtl(accelerator, hardware.sources, hardware.digest, models=primitive_models(family)),
        plan_network(accelerator, program, design.mappings, hardware.digest),
        [np.ascontiguousarray(values[name]).tobytes() for name in graph.inputs],
        _expected(design, hardware, program, _answers(graph, values)),
    )


def _answers(graph: QuantisedGraph, inputs: Mapping[str, Array]) -> list[bytes]:
    """Each output by the integer reference, as the model's user gets it."""
    found = run_integers(graph, inputs)
    return [
        np.ascontiguousarray(model_values(graph.tensors[name], found[name])).tobytes()
        for name in graph.outputs
    ]


def _expected(
    design: Design, hardware: Hardware, program: NetworkProgram, outputs: list[bytes]
) -> ExpectedRun:
    accelerator = design.accelerator
    predictions = predictions_of(hardware, program, design.mappings)
    starts = cycles_of_starts(
        program,
        [layer.cycles for layer in predictions],
        chain_delays(hardware, program, design.mappings),
    )
    counts = [layer.counts for layer in predictions]
    return ExpectedRun(
        network=design.network.name,
        digest=f"{hardware.digest:016x}",
        outputs=tuple(data.hex() for data in outputs),
        starts=len(starts),
        cycles=sum(starts),
        dram_latency_cycles=accelerator.dram_latency_cycles,
        dram_beat_period_cycles=accelerator.dram_beat_period_cycles,
        dram_reads=sum(one["register dram_reads"] for one in counts),
        dram_writes=sum(one["register dram_writes"] for one in counts),
    )
