"""A network of a run as a function that runs on the simulated RTL."""

from collections.abc import Mapping as AbstractMapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from naas_hw.api.designs import Design
from naas_hw.api.models import Model
from naas_hw.api.network_simulation import compile_run
from naas_hw.compiler.network_program import NetworkProgram
from naas_hw.core.errors import InputError
from naas_hw.graph.graph import Array
from naas_hw.graph.integer_execution import model_values, run_integers
from naas_hw.sim.hardware import Hardware
from naas_hw.sim.network_batch import run_batch
from naas_hw.sim.simulators import find_simulator


@dataclass(frozen=True, kw_only=True, eq=False)
class NetworkOutputs:
    """The outputs of one call.

    Parameters
    ----------
    outputs : by name, as the model's user knows them; of a batch along a first axis.
    cycles : of each input; predicted_cycles : of one input.
    counters : name -> count, all inputs together.
    """

    outputs: AbstractMapping[str, Array]
    cycles: tuple[int, ...]
    predicted_cycles: int
    counters: AbstractMapping[str, int]


class LoadedNetwork:
    """The network of a run: call it with an array, or with one array for each input.

    A batch larger than 1 runs input by input.

    Parameters
    ----------
    folder : of a search of a model.
    simulator : icarus or verilator.

    Raises
    ------
    InputError : the run has no model, or an array does not fit.
    """

    def __init__(self, folder: str | Path, *, simulator: str = "verilator") -> None:
        self._simulator = find_simulator(simulator)
        model, design, hardware, program = compile_run(folder)
        self.folder = Path(folder)
        self.model: Model = model
        self.design: Design = design
        self.hardware: Hardware = hardware
        self.program: NetworkProgram = program

    def __call__(self, *arrays: Array) -> NetworkOutputs:
        """Run the network on the RTL.

        Parameters
        ----------
        arrays : one for each input, in order, [batch, ...] or without the batch, as the model's
            user knows them: float32, or the bytes of a model that takes bytes.
        """
        quantised = self.model.quantised
        inputs = self.separate(*arrays)
        run = run_batch(
            self.hardware, self.program, self.design.mappings, inputs, simulator=self._simulator
        )
        outputs = {
            name: np.concatenate(
                [model_values(quantised.tensors[name], one[name]) for one in run.outputs]
            )
            for name in quantised.outputs
        }
        return NetworkOutputs(
            outputs=outputs,
            cycles=run.cycles,
            predicted_cycles=run.predicted_cycles,
            counters=run.counters,
        )

    def reference(self, *arrays: Array) -> dict[str, Array]:
        """The same outputs by the integer reference, without hardware."""
        quantised = self.model.quantised
        results = [run_integers(quantised, one) for one in self.separate(*arrays)]
        return {
            name: np.concatenate(
                [model_values(quantised.tensors[name], one[name]) for one in results]
            )
            for name in quantised.outputs
        }

    def separate(self, *arrays: Array) -> list[dict[str, Array]]:
        """The inputs of each element of a batch, by name."""
        quantised = self.model.quantised
        if len(arrays) != len(quantised.inputs):
            names = ", ".join(quantised.inputs)
            raise InputError(f"arrays must be as many as the inputs {names}, not {len(arrays)}")
        batches = []
        for name, array in zip(quantised.inputs, arrays, strict=True):
            shape = quantised.tensors[name].graph_shape
            whole = array[None] if array.shape == shape[1:] else array
            if whole.shape[1:] != shape[1:] or not len(whole):
                raise InputError(
                    f"{name} must have shape {list(shape)} with any batch, not {list(array.shape)}"
                )
            batches.append(whole)
        if len({len(batch) for batch in batches}) != 1:
            raise InputError("arrays must have the same batch")
        return [
            {
                name: batch[index : index + 1]
                for name, batch in zip(quantised.inputs, batches, strict=True)
            }
            for index in range(len(batches[0]))
        ]


def load(folder: str | Path, *, simulator: str = "verilator") -> LoadedNetwork:
    """The network of a run folder as a function: `load(folder)(array)`; see `LoadedNetwork`."""
    return LoadedNetwork(folder, simulator=simulator)
