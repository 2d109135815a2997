"""A lowered network in numpy: what the accelerator and the host do to the buffers, call by call.

It knows nothing of mappings, addresses or time. Buffers begin with random bytes, and so do the
channels of an output that are none of the network's, so a call that reads what nothing wrote gives
another result.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from naas_hw.compiler.lowering.placed_bytes import pack_image
from naas_hw.compiler.lowering.values import (
    HostCall,
    LayerCall,
    LoweredNetwork,
    PlacedTensor,
    View,
)
from naas_hw.graph.integer_execution import image_of, run_operator
from naas_hw.graph.quantised import QuantisedGraph
from naas_hw.mapping.geometry import ceil_div
from naas_hw.workload.arithmetic.golden import reference_output

Array = NDArray[Any]
Buffers = dict[str, NDArray[np.int8]]


def run_lowered(
    lowered: LoweredNetwork,
    inputs: Mapping[str, Array],
    *,
    rng: np.random.Generator | None = None,
    buffers: Buffers | None = None,
) -> dict[str, Array]:
    """Run all calls; return the tensors that calls make, each as it is when it is complete.

    Parameters
    ----------
    inputs : by name, each as the model's user hands it in.
    rng : for the bytes that nobody has written; one of seed 0 if None.
    buffers : int8 [bytes] of each buffer, which may share memory; of their own if None, and then
        tensors that are views of others are returned, too.
    """
    run = LoweredExecution(lowered, buffers, rng or np.random.default_rng(0))
    results = run.begin(inputs)
    last = {_made(call): index for index, call in enumerate(lowered.calls)}
    for index, call in enumerate(lowered.calls):
        if isinstance(call, LayerCall):
            run.layer(call)
        else:
            run.host(call, lowered.graph)
        made = _made(call)
        if last[made] == index and made in lowered.tensors:
            results[made] = run.read(lowered.tensors[made])
    views = lowered.tensors.values() if buffers is None else ()
    for tensor in (*views, *lowered.outputs):
        results.setdefault(tensor.name, run.read(tensor))
    return results


def _made(call: LayerCall | HostCall) -> str:
    return call.makes if isinstance(call, LayerCall) else call.output.name


class LoweredExecution:
    """Buffers, and numbers that the host keeps.

    Parameters
    ----------
    buffers : int8 [bytes] of each buffer, which may share memory; random bytes if None.
    rng : for the bytes that nobody has written.
    """

    def __init__(
        self,
        lowered: LoweredNetwork,
        buffers: Buffers | None,
        rng: np.random.Generator,
    ) -> None:
        self._lowered = lowered
        self._beat = lowered.beat_bytes
        self._rng = rng
        self._kept: dict[str, Array] = {}
        self._buffers: Buffers = buffers or {
            name: self._random((beats * self._beat,)) for name, beats in lowered.buffers.items()
        }

    def _random(self, shape: tuple[int, ...]) -> NDArray[np.int8]:
        return self._rng.integers(-128, 128, size=shape, dtype=np.int8)

    def read(self, tensor: PlacedTensor) -> Array:
        """Numbers of a tensor, [C, H, W]."""
        if tensor.view is None:
            return self._kept[tensor.name]
        return self._buffers[tensor.view.buffer][tensor.byte_places(self._beat)]

    def write(self, tensor: PlacedTensor, values: Array) -> None:
        """Put numbers where a tensor lies."""
        if tensor.view is None:
            self._kept[tensor.name] = values
        else:
            self._buffers[tensor.view.buffer][tensor.byte_places(self._beat)] = values

    def begin(self, inputs: Mapping[str, Array]) -> dict[str, Array]:
        """Put the inputs, as the user hands them in, where they lie; return their images."""
        graph = self._lowered.graph
        images = {name: image_of(graph.tensors[name], inputs[name]) for name in graph.inputs}
        for tensor in self._lowered.inputs:
            self.give(tensor, images[tensor.name], graph.tensors[tensor.name].zero_point)
        return images

    def give(self, tensor: PlacedTensor, values: Array, zero_point: int) -> None:
        """Put an input where it lies, with its zero point between its numbers."""
        if tensor.view is None:
            self._kept[tensor.name] = values
            return
        first, end = (beat * self._beat for beat in tensor.beat_range(self._beat))
        buffer = self._buffers[tensor.view.buffer]
        buffer[first:end] = pack_image(tensor, values, zero_point, self._beat)

    def host(self, call: HostCall, graph: QuantisedGraph) -> None:
        """One operator of the host."""
        inputs = [self.read(tensor) for tensor in call.inputs]
        self.write(call.output, run_operator(call.operator, graph.tensors, inputs))

    def layer(self, call: LayerCall) -> None:
        """One layer: whole beats are written."""
        layer = call.layer
        inputs = self._image(call.input, layer.input_channels, layer.height, layer.width)
        residual = None
        if call.residual is not None:
            residual = self._image(call.residual, layer.K, layer.P, layer.Q)
        outputs = reference_output(layer, call.tensors(inputs, residual))
        blocks = ceil_div(layer.K, self._beat)
        lanes = self._random((blocks * self._beat, layer.P, layer.Q))
        lanes[: layer.K] = outputs
        beats = call.output.beats(blocks, layer.P, layer.Q)
        memory = self._buffers[call.output.buffer].reshape(-1, self._beat)
        memory[beats] = lanes.reshape(blocks, self._beat, layer.P, layer.Q).transpose(0, 2, 3, 1)

    def _image(self, view: View, channels: int, rows: int, columns: int) -> NDArray[np.int8]:
        blocks = ceil_div(channels, self._beat)
        beats = view.beats(blocks, rows, columns)
        memory = self._buffers[view.buffer].reshape(-1, self._beat)[beats]
        return memory.transpose(0, 3, 1, 2).reshape(-1, rows, columns)[:channels]
