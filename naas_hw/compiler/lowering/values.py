"""What a network becomes: calls of the accelerator and of the host, and where tensors lie.

Tensors lie in buffers, in beats of B bytes: an image is [blocks of B channels][rows][columns] with
a pitch for each axis. Buffers have no addresses yet (`naas_hw.compiler.memory_plan`), and layers no
mappings.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from naas_hw.compiler.descriptor import Pitches
from naas_hw.graph.quantised import QuantisedOperator, Shape
from naas_hw.workload.arithmetic.epilogue import Addition, Residual, Table
from naas_hw.workload.arithmetic.quantised import QuantisedLayer
from naas_hw.workload.layer import Layer


@dataclass(frozen=True, kw_only=True)
class View:
    """An image in a buffer.

    Parameters
    ----------
    offset : beats from the start of the buffer to the first beat of the image.
    pitches : in beats.
    """

    buffer: str
    offset: int
    pitches: Pitches

    def beats(self, num_blocks: int, rows: int, columns: int) -> NDArray[np.int64]:
        """Beat in the buffer of each block, row and column."""
        block, row, column = np.ogrid[:num_blocks, :rows, :columns]
        pitches = self.pitches
        places = block * pitches.block + row * pitches.row + column * pitches.pixel
        beats: NDArray[np.int64] = self.offset + places.astype(np.int64)
        return beats


@dataclass(frozen=True, kw_only=True)
class PlacedTensor:
    """Where the bytes of a tensor of the network lie.

    Parameters
    ----------
    name : of the tensor in the `QuantisedGraph`.
    shape : [C, H, W], as there.
    view : None for numbers that are no bytes: the host keeps them.
    channels : the physical channel of each of its C channels; physical channel i is byte i mod B
        of block i div B.
    """

    name: str
    shape: Shape
    view: View | None
    channels: tuple[int, ...]

    @property
    def num_channels(self) -> int:
        """Physical channels, up to the last one that is used."""
        return max(self.channels) + 1

    def byte_places(self, beat_bytes: int) -> NDArray[np.int64]:
        """Byte in the buffer of each number, [C, H, W].

        Raises ValueError for a tensor that the host keeps.
        """
        if self.view is None:
            raise ValueError(f"{self.name!r} must lie in a buffer")
        blocks, lanes = np.divmod(np.array(self.channels, np.int64), beat_bytes)
        _, rows, columns = self.shape
        beats = self.view.beats(int(blocks.max()) + 1, rows, columns)[blocks]
        return beats * beat_bytes + lanes[:, None, None]


@dataclass(frozen=True, kw_only=True, eq=False)
class LayerCall:
    """A layer that the accelerator runs, with all its numbers.

    K and C of the layer count physical channels of the views. A layer that writes every n-th row
    or column has these pitches in its output's view. A residual has the pitches of the output.

    Parameters
    ----------
    weights : int8 [K, C, R, S]; zero where no channel of the network is.
    bias : int32 [K]; the input zero point is in it.
    multiplier, shift : int32 [K].
    addition, residual : of a layer with a residual; None of another.
    table : of a layer with a table.
    makes : the tensor of the `QuantisedGraph` that the outputs are, or are a part of.
    sources : names of the operators of the file that went into it.
    """

    layer: Layer
    weights: NDArray[np.int8]
    bias: NDArray[np.int32]
    multiplier: NDArray[np.int32]
    shift: NDArray[np.int32]
    input_zero_point: int
    output_zero_point: int
    clamp_min: int
    clamp_max: int
    input: View
    output: View
    residual: View | None = None
    addition: Addition | None = None
    table: Table | None = None
    makes: str
    sources: tuple[str, ...] = ()

    def tensors(
        self, inputs: NDArray[np.int8], residual: NDArray[np.int8] | None = None
    ) -> QuantisedLayer:
        """The layer's tensors with these inputs [channels, H, W] and this residual [K, P, Q]."""
        added = None
        if self.addition is not None and residual is not None:
            added = Residual(values=residual, addition=self.addition)
        return QuantisedLayer(
            weights=self.weights,
            inputs=inputs,
            bias=self.bias,
            multiplier=self.multiplier,
            shift=self.shift,
            input_zero_point=self.input_zero_point,
            output_zero_point=self.output_zero_point,
            clamp_min=self.clamp_min,
            clamp_max=self.clamp_max,
            residual=added,
            table=self.table,
        )


@dataclass(frozen=True, kw_only=True, eq=False)
class HostCall:
    """An operator that the host computes between two starts of the accelerator.

    Parameters
    ----------
    name : unique among the calls, as names of layers are.
    operator : of the `QuantisedGraph`.
    reason : why the accelerator does not run it.
    """

    name: str
    operator: QuantisedOperator
    inputs: tuple[PlacedTensor, ...]
    output: PlacedTensor
    reason: str


Call = LayerCall | HostCall


@dataclass(frozen=True, kw_only=True, eq=False)
class LoweredNetwork:
    """A network as calls, in order of execution.

    Parameters
    ----------
    beat_bytes : B, which decides where channels lie.
    buffers : name -> size in beats.
    tensors : where each tensor of the `QuantisedGraph` lies while it is needed; those that vanish
        into a layer are missing.
    inputs, outputs : of the network.
    """

    name: str
    beat_bytes: int
    calls: tuple[Call, ...]
    buffers: Mapping[str, int]
    tensors: Mapping[str, PlacedTensor]
    inputs: tuple[PlacedTensor, ...]
    outputs: tuple[PlacedTensor, ...]

    @property
    def layer_calls(self) -> tuple[LayerCall, ...]:
        """Those of the accelerator."""
        return tuple(call for call in self.calls if isinstance(call, LayerCall))

    @property
    def host_calls(self) -> tuple[HostCall, ...]:
        """Those of the host."""
        return tuple(call for call in self.calls if isinstance(call, HostCall))
