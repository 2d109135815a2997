"""Collects the calls of a network while its operators become layers."""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from naas_hw.compiler.descriptor import Pitches
from naas_hw.compiler.lowering.layouts import Layout, dense_layout, region_beats
from naas_hw.compiler.lowering.values import (
    Call,
    HostCall,
    LayerCall,
    Order,
    PlacedTensor,
    View,
)
from naas_hw.graph.quantised import (
    Padded,
    Pair,
    QuantisedGraph,
    QuantisedOperator,
    Rearranged,
)
from naas_hw.workload.arithmetic.epilogue import Addition, Table
from naas_hw.workload.layer import MAX_PADDING, Kind, Layer
from naas_hw.workload.option import Option
from naas_hw.workload.sizes import with_stated_padding

_NAME_LENGTH = 80
_COLLECTED = ("layouts", "regions", "homes", "deferred")


class NotLoweredError(Exception):
    """The accelerator cannot run an operator; the text says why. The operator goes to the host."""


@dataclass(frozen=True, kw_only=True, eq=False)
class LayerEpilogue:
    """What happens to the outputs of a layer behind requantisation."""

    residual: Layout | None = None
    addition: Addition | None = None
    table: Table | None = None


@dataclass(frozen=True, kw_only=True, eq=False)
class Scaling:
    """Requantisation of the channels of a layer; arrays are int32 [K].

    Parameters
    ----------
    rounds_once : as of `naas_hw.graph.quantised.Convolution`.
    """

    bias: NDArray[np.int32]
    multiplier: NDArray[np.int32]
    shift: NDArray[np.int32]
    output_zero_point: int = 0
    clamp_min: int = -128
    clamp_max: int = 127
    rounds_once: bool = False


@dataclass(frozen=True, kw_only=True)
class Reach:
    """What a layer reads along one axis.

    Parameters
    ----------
    size : rows or columns of the input.
    outputs, kernel, stride, dilation : of the layer.
    padding : before the input; negative where it is cropped.
    """

    size: int
    outputs: int
    kernel: int = 1
    stride: int = 1
    dilation: int = 1
    padding: int = 0

    @property
    def first(self) -> int:
        """The first row or column that the layer knows of."""
        return max(0, -self.padding)

    @property
    def trailing(self) -> int:
        """Padding behind the input."""
        span = (self.outputs - 1) * self.stride + (self.kernel - 1) * self.dilation + 1
        return span - self.size - self.padding

    @property
    def is_outside(self) -> bool:
        """Whether nothing of the input is read."""
        return self.first >= self.size


@dataclass(frozen=True, kw_only=True, eq=False)
class Emission:
    """A layer on its way to become a call.

    Parameters
    ----------
    source, output : layouts; the output's is that of the whole image.
    first, step : of the rows and columns of the output that the layer writes.
    weights : int8 [K, C, R, S] of physical channels.
    """

    name: str
    kind: Kind
    source: Layout
    output: Layout
    reaches: tuple[Reach, Reach]
    weights: NDArray[np.int8]
    scaling: Scaling
    input_zero_point: int
    epilogue: LayerEpilogue
    makes: str
    sources: tuple[str, ...]
    first: Pair = (0, 0)
    step: Pair = (1, 1)
    maximum: bool = False


@dataclass(kw_only=True)
class Builder:
    """What has been lowered so far.

    Parameters
    ----------
    graph, beat_bytes, options : of the network and the accelerator.
    calls : their views name roots as buffers.
    layouts : tensor -> where it lies.
    regions : root -> beats.
    homes : root -> (root of the region that it is a part of, beat in it).
    deferred : tensor -> its operator, of images that no layer has needed yet.
    given : tensor -> what the host hands in for it, and the order of that.
    """

    graph: QuantisedGraph
    beat_bytes: int
    options: frozenset[Option]
    calls: list[Call] = field(default_factory=list)
    layouts: dict[str, Layout] = field(default_factory=dict)
    regions: dict[str, int] = field(default_factory=dict)
    homes: dict[str, tuple[str, int]] = field(default_factory=dict)
    deferred: dict[str, Padded | Rearranged] = field(default_factory=dict)
    given: Mapping[str, tuple[str, Order]] = field(default_factory=dict)
    names: set[str] = field(default_factory=set)

    @contextmanager
    def attempt(self) -> Iterator[None]:
        """Forget what was collected inside if it ends with an exception."""
        num_calls = len(self.calls)
        kept = {name: dict(getattr(self, name)) for name in _COLLECTED}
        names = set(self.names)
        try:
            yield
        except NotLoweredError:
            del self.calls[num_calls:]
            self.names = names
            for name, value in kept.items():
                setattr(self, name, value)
            raise

    # Tensors ---------------------------------------------------------------------------------

    def new_region(self, tensor: str, channels: tuple[int, ...], rows: int, columns: int) -> Layout:
        """A region for a tensor of this name, dense."""
        layout = dense_layout(tensor, channels, rows, columns)
        self.regions[tensor] = region_beats(layout, self.beat_bytes)
        self.layouts[tensor] = layout
        return layout

    def begin_tensor(self, tensor: str) -> None:
        """A region for a tensor from outside, if it is bytes."""
        shape = self.graph.tensors[tensor].shape
        if self.graph.tensors[tensor].dtype == "int8":
            self.new_region(tensor, tuple(range(shape[0])), *shape[1:])

    def unused_region(self, tensor: str) -> str:
        """A name for a copy of a tensor."""
        return next(
            name
            for index in range(len(self.regions) + 1)
            if (name := f"{tensor}.copy{index}") not in self.regions
            and name not in self.graph.tensors
        )

    def place_of(self, root: str) -> tuple[str, int]:
        """Buffer of a root, and its first beat there."""
        offset = 0
        while root in self.homes:
            root, more = self.homes[root]
            offset += more
        return root, offset

    def resolved(self, view: View) -> View:
        """The view with a buffer in place of its root."""
        buffer, offset = self.place_of(view.buffer)
        return replace(view, buffer=buffer, offset=view.offset + offset)

    def placed(self, tensor: str) -> PlacedTensor:
        """A tensor in the words of calls; its view names a root."""
        shape = self.graph.tensors[tensor].shape
        operator = self.deferred.get(tensor)
        if isinstance(operator, Rearranged):
            source = self.placed(operator.inputs[0])
            order = Order(shape=source.shape, before=operator.before, axes=operator.axes)
            return replace(source, name=tensor, shape=shape, order=order)
        layout = self.layouts.get(tensor)
        if layout is None:
            return PlacedTensor(
                name=tensor, shape=shape, view=None, channels=tuple(range(shape[0]))
            )
        return PlacedTensor(name=tensor, shape=shape, view=layout.view, channels=layout.channels)

    def handed_in(self, placed: PlacedTensor) -> PlacedTensor:
        """What the host hands in for a tensor, where that one lies."""
        if placed.name not in self.given:
            return placed
        name, order = self.given[placed.name]
        return replace(placed, name=name, shape=self.graph.tensors[name].shape, order=order)

    # Calls -----------------------------------------------------------------------------------

    def unique_name(self, wanted: str) -> str:
        """A clean name that no other call has."""
        clean = re.sub(r"[^A-Za-z0-9_.\-]+", "_", wanted).lstrip(".-")[-_NAME_LENGTH:] or "layer"
        clean = clean if re.match(r"[A-Za-z0-9_]", clean) else f"_{clean[1:]}"
        name, index = clean, 1
        while name in self.names:
            index += 1
            name = f"{clean}.{index}"
        self.names.add(name)
        return name

    def call_host(self, operator: QuantisedOperator, reason: str) -> None:
        """Leave an operator to the host."""
        inputs = tuple(self.placed(name) for name in operator.inputs)
        self.begin_tensor(operator.output)
        output = self.handed_in(self.placed(operator.output))
        self.calls.append(
            HostCall(
                name=self.unique_name(operator.name),
                operator=replace(operator, output=output.name),
                inputs=inputs,
                output=output,
                reason=reason,
            )
        )

    def emit(self, emission: Emission) -> None:
        """Add a layer.

        Raises NotLoweredError where no layer says it.
        """
        rows, columns = emission.reaches
        source = emission.source.part(
            rows=(rows.first, max(1, rows.size - rows.first)),
            columns=(columns.first, max(1, columns.size - columns.first)),
        )
        output = emission.output.phase(emission.first, emission.step)
        residual = emission.epilogue.residual
        scaling = emission.scaling
        self.calls.append(
            LayerCall(
                layer=self._layer(emission, source, output),
                weights=emission.weights,
                bias=scaling.bias,
                multiplier=scaling.multiplier,
                shift=scaling.shift,
                output_zero_point=scaling.output_zero_point,
                clamp_min=scaling.clamp_min,
                clamp_max=scaling.clamp_max,
                input_zero_point=emission.input_zero_point,
                input=source.view,
                output=output.view,
                residual=_as_output(residual, emission, output.pitches),
                addition=emission.epilogue.addition,
                table=emission.epilogue.table,
                makes=emission.makes,
                sources=emission.sources,
            )
        )

    def _layer(self, emission: Emission, source: Layout, output: Layout) -> Layer:
        rows, columns = emission.reaches
        step = tuple(n if output.shape[1 + i] > 1 else 1 for i, n in enumerate(emission.step))
        if step[1] > 1 and Option.PITCHED_STORE not in self.options:
            raise NotLoweredError(f"the accelerator must have {Option.PITCHED_STORE}")
        if emission.scaling.rounds_once and Option.SINGLE_ROUNDING not in self.options:
            raise NotLoweredError(f"the accelerator must have {Option.SINGLE_ROUNDING}")
        if columns.padding > 0 and source.pitches.pixel != 1:
            raise NotLoweredError("pixels of a row must lie side by side where its left is padded")
        for reach in emission.reaches:
            if max(reach.padding, reach.trailing) > MAX_PADDING:
                raise NotLoweredError(f"padding must be at most {MAX_PADDING}")
        num_outputs, num_inputs, kernel_rows, kernel_columns = emission.weights.shape
        try:
            layer = Layer(
                name=self.unique_name(emission.name),
                kind=emission.kind,
                K=num_outputs,
                C=num_inputs,
                P=rows.outputs,
                Q=columns.outputs,
                R=kernel_rows,
                S=kernel_columns,
                height=source.shape[1],
                width=source.shape[2],
                stride=(rows.stride, columns.stride),
                padding=(max(0, rows.padding), max(0, columns.padding)),
                dilation=(rows.dilation, columns.dilation),
                residual=emission.epilogue.addition is not None,
                table=emission.epilogue.table is not None,
                maximum=emission.maximum,
                rounds_once=emission.scaling.rounds_once,
                output_stride=step,
            )
        except ValueError as error:
            raise NotLoweredError(f"no layer says it: {error}") from error
        return with_stated_padding(layer)

    # The result ------------------------------------------------------------------------------

    def resolved_calls(self) -> tuple[Call, ...]:
        """The calls, with buffers in place of roots."""
        return tuple(self._resolved_call(call) for call in self.calls)

    def _resolved_call(self, call: Call) -> Call:
        if isinstance(call, HostCall):
            return replace(
                call,
                inputs=tuple(self.resolved_tensor(tensor) for tensor in call.inputs),
                output=self.resolved_tensor(call.output),
            )
        return replace(
            call,
            input=self.resolved(call.input),
            output=self.resolved(call.output),
            residual=None if call.residual is None else self.resolved(call.residual),
        )

    def resolved_tensor(self, tensor: PlacedTensor) -> PlacedTensor:
        """The tensor, with a buffer in place of its root."""
        if tensor.view is None:
            return tensor
        return replace(tensor, view=self.resolved(tensor.view))

    def buffers(self) -> Mapping[str, int]:
        """Regions that are no part of another one."""
        return {root: beats for root, beats in self.regions.items() if root not in self.homes}


def _as_output(residual: Layout | None, emission: Emission, pitches: Pitches) -> View | None:
    """The part of a residual that a layer adds; it has the pitches of the output."""
    if residual is None:
        return None
    return replace(residual.phase(emission.first, emission.step).view, pitches=pitches)


def same_for_all(value: int, num_channels: int) -> NDArray[np.int32]:
    """One number for each channel."""
    return np.full(num_channels, value, np.int32)
