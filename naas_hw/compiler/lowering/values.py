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
from naas_hw.graph.quantised import Pair, QuantisedGraph, QuantisedOperator, Shape
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
class Order:
    """How the numbers of a tensor follow from an image: reshaped, transposed, reshaped.

    Parameters
    ----------
    shape : of the image, [C, H, W].
    before, axes : as of `naas_hw.graph.quantised.Rearranged`.
    """

    shape: Shape
    before: tuple[int, ...]
    axes: tuple[int, ...]


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
    fold : (rows, columns) whose remainders are channels, too: row h and column w of channel c lie
        at row h div rows, column w div columns, physical channel
        `channels[((h mod rows) columns + w mod columns) C + c]`.
    order : of a tensor that lies as another image, which view, channels and fold are of.
    """

    name: str
    shape: Shape
    view: View | None
    channels: tuple[int, ...]
    fold: Pair = (1, 1)
    order: Order | None = None

    @property
    def image_shape(self) -> Shape:
        """[C, H, W] of the image that lies in memory."""
        return self.shape if self.order is None else self.order.shape

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
        channels, rows, columns = self.image_shape
        physical = np.array(self.channels, np.int64).reshape(*self.fold, channels)
        blocks, lanes = np.divmod(physical, beat_bytes)
        channel, row, column = np.ogrid[:channels, :rows, :columns]
        (down, above), (across, left) = divmod(row, self.fold[0]), divmod(column, self.fold[1])
        pitches = self.view.pitches
        beats = blocks[above, left, channel] * pitches.block + down * pitches.row
        beats += self.view.offset + across * pitches.pixel
        places: NDArray[np.int64] = beats * beat_bytes + lanes[above, left, channel]
        if self.order is None:
            return places
        return places.reshape(self.order.before).transpose(self.order.axes).reshape(self.shape)

    def beat_range(self, beat_bytes: int) -> tuple[int, int]:
        """First beat in the buffer, and the beat behind the last.

        Raises ValueError for a tensor that the host keeps.
        """
        if self.view is None:
            raise ValueError(f"{self.name!r} must lie in a buffer")
        num_blocks = (self.num_channels - 1) // beat_bytes + 1
        size = [(self.image_shape[1 + i] - 1) // self.fold[i] + 1 for i in (0, 1)]
        first = self.view.offset + min(self.channels) // beat_bytes * self.view.pitches.block
        return first, int(self.view.beats(num_blocks, *size).max()) + 1


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
            rounds_once=self.layer.rounds_once,
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
    graph : what was lowered.
    beat_bytes : B, which decides where channels lie.
    buffers : name -> size in beats.
    tensors : where each tensor of the `QuantisedGraph` lies while it is needed; those that vanish
        into a layer are missing.
    inputs, outputs : of the network.
    """

    graph: QuantisedGraph
    beat_bytes: int
    calls: tuple[Call, ...]
    buffers: Mapping[str, int]
    tensors: Mapping[str, PlacedTensor]
    inputs: tuple[PlacedTensor, ...]
    outputs: tuple[PlacedTensor, ...]

    @property
    def name(self) -> str:
        """Of the network."""
        return self.graph.name

    @property
    def layer_calls(self) -> tuple[LayerCall, ...]:
        """Those of the accelerator."""
        return tuple(call for call in self.calls if isinstance(call, LayerCall))

    @property
    def host_calls(self) -> tuple[HostCall, ...]:
        """Those of the host."""
        return tuple(call for call in self.calls if isinstance(call, HostCall))
