"""A whole network in one image of DRAM: descriptors, numbers, and the area of its tensors.

    descriptors | weights, scales, tables | tensors, partial sums
                                            (the accelerator writes here, and nowhere else)

The layers between two calls of the host have their descriptors side by side, so one start runs them
all. Addresses count from the start of the image, and it may stand at any base.
"""

from collections.abc import Mapping as AbstractMapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from naas_hw.arch.accelerator import Accelerator
from naas_hw.compiler.descriptor import TensorAddresses, ZeroPoints, descriptor_values
from naas_hw.compiler.images import pack_scales, pack_weights
from naas_hw.compiler.layout import SLOT_BYTES, DescriptorLayout, layout_of
from naas_hw.compiler.lowering.values import HostCall, LayerCall, LoweredNetwork, View
from naas_hw.compiler.memory_plan import (
    MemoryPlan,
    MemoryRequest,
    buffer_requests,
    plan_memory,
)
from naas_hw.compiler.program import PAGE_BYTES, WINDOW_BYTES
from naas_hw.core.errors import InputError, LegalityError
from naas_hw.mapping.geometry import Geometry, ceil_div
from naas_hw.mapping.legality import violations
from naas_hw.mapping.mapping import Mapping

Bytes = NDArray[np.uint8]
Range = tuple[int, int]
"""First byte, and byte behind the last."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Segment:
    """Layers that one start runs.

    Parameters
    ----------
    descriptor_address : byte address of the first descriptor.
    calls : the layers, in order.
    """

    descriptor_address: int
    calls: tuple[LayerCall, ...]

    @property
    def num_descriptors(self) -> int:
        """Length of the list."""
        return len(self.calls)


@dataclass(frozen=True, kw_only=True, eq=False)
class NetworkProgram:
    """What a network needs in DRAM, and in which order things happen.

    Parameters
    ----------
    lowered : the network.
    image : uint8, from address 0 on; tensors are zero.
    steps : starts of the accelerator and calls of the host, in order.
    writable : all that the accelerator may write: whole pages with nothing else in them.
    addresses : buffer -> its first byte in the image.
    regions : layer -> name -> range: descriptor, weights, scales, table, sums.
    plan : of the buffers and partial sums, counted from the start of `writable`.
    layout : of the descriptors.
    """

    lowered: LoweredNetwork
    image: Bytes
    steps: tuple[Segment | HostCall, ...]
    writable: Range
    addresses: AbstractMapping[str, int]
    regions: AbstractMapping[str, AbstractMapping[str, Range]]
    plan: MemoryPlan
    layout: DescriptorLayout

    @property
    def beat_bytes(self) -> int:
        """Bytes of a beat of DRAM."""
        return self.lowered.beat_bytes

    @property
    def segments(self) -> tuple[Segment, ...]:
        """Starts of the accelerator."""
        return tuple(step for step in self.steps if isinstance(step, Segment))

    def tensor_range(self, name: str) -> Range:
        """The bytes from the first beat of a tensor to its last; other tensors may lie between.

        Raises KeyError for a tensor that vanished into a layer, ValueError for one of the host.
        """
        tensor = self.lowered.tensors[name]
        first, end = (beat * self.beat_bytes for beat in tensor.beat_range(self.beat_bytes))
        start = 0 if tensor.view is None else self.addresses[tensor.view.buffer]
        return start + first, start + end

    def buffers_in(self, memory: NDArray[np.int8]) -> dict[str, NDArray[np.int8]]:
        """The bytes of each buffer in a memory that begins with the image; nothing is copied."""
        beats = self.lowered.buffers
        return {
            name: memory[first : first + beats[name] * self.beat_bytes]
            for name, first in self.addresses.items()
        }

    def byte_addresses(self, name: str) -> NDArray[np.int64]:
        """Address in the image of each number of a tensor, [C, H, W]."""
        tensor = self.lowered.tensors[name]
        places = tensor.byte_places(self.beat_bytes)
        if tensor.view is None:
            raise ValueError(f"{name!r} must lie in a buffer")
        return places + self.addresses[tensor.view.buffer]


def build_network_program(
    accelerator: Accelerator,
    lowered: LoweredNetwork,
    mappings: AbstractMapping[str, Mapping],
    *,
    identity: int,
    reuse: bool = True,
) -> NetworkProgram:
    """Lay out a network.

    Parameters
    ----------
    mappings : by the name of each layer.
    identity : digest of the accelerator.
    reuse : whether tensors that are not needed at one time share memory; without it every tensor
        is there at the end.

    Raises
    ------
    LegalityError : a mapping that the accelerator cannot run.
    InputError : a layer without a mapping, another width of beats, more than 4 GiB.
    """
    geometries = _geometries(accelerator, lowered, mappings)
    contents = _ReadOnly(first=_pages(len(geometries) * SLOT_BYTES))
    regions = {
        call.layer.name: _add_numbers(contents, geometries[call.layer.name], call)
        for call in lowered.layer_calls
    }
    start = _pages(contents.end)
    plan = plan_network_memory(lowered, geometries, reuse=reuse)
    end = start + _pages(plan.peak_bytes)
    if end > WINDOW_BYTES:
        raise InputError(f"a program must need at most {WINDOW_BYTES} bytes, not {end}")
    addresses = {name: start + first for name, first in plan.addresses.items()}
    image = np.zeros(end, np.uint8)
    contents.write(image)
    for index, call in enumerate(lowered.layer_calls):
        mine = regions[call.layer.name]
        if (sums := addresses.get(_sums_name(call))) is not None:
            mine["sums"] = (sums, sums + _sums_bytes(geometries[call.layer.name], call))
        descriptor = _descriptor(geometries[call.layer.name], call, mine, addresses, identity)
        mine["descriptor"] = (index * SLOT_BYTES, index * SLOT_BYTES + len(descriptor))
        image[slice(*mine["descriptor"])] = np.frombuffer(descriptor, np.uint8)
    return NetworkProgram(
        lowered=lowered,
        image=image,
        steps=_steps(lowered),
        writable=(start, end),
        addresses={name: addresses[name] for name in lowered.buffers if name in addresses},
        regions=regions,
        plan=plan,
        layout=layout_of(accelerator),
    )


def _geometries(
    accelerator: Accelerator, lowered: LoweredNetwork, mappings: AbstractMapping[str, Mapping]
) -> dict[str, Geometry]:
    """The sizes of all layers under their mappings, after the mappings were checked."""
    if accelerator.beat_bytes != lowered.beat_bytes:
        raise InputError(
            f"beats of the accelerator must have {lowered.beat_bytes} bytes, for which the "
            f"network was lowered, not {accelerator.beat_bytes}"
        )
    geometries = {}
    for call in lowered.layer_calls:
        layer = call.layer
        if layer.name not in mappings:
            raise InputError(f"mappings must have one of layer {layer.name!r}")
        broken = violations(accelerator, layer, mappings[layer.name])
        if broken:
            raise LegalityError([f"{layer.name}: {violation}" for violation in broken])
        geometries[layer.name] = Geometry(
            accelerator=accelerator, layer=layer, mapping=mappings[layer.name]
        )
    return geometries


# What is only read -----------------------------------------------------------------------------


class _ReadOnly:
    """Numbers of layers behind one another; the same bytes stand there once."""

    def __init__(self, *, first: int) -> None:
        self.end = first
        self._ranges: dict[bytes, Range] = {}

    def add(self, data: Bytes) -> Range:
        """Where these bytes will stand; they are whole beats."""
        content = data.tobytes()
        if content not in self._ranges:
            self._ranges[content] = (self.end, self.end + len(content))
            self.end += len(content)
        return self._ranges[content]

    def write(self, image: Bytes) -> None:
        """Put all of them into an image."""
        for content, place in self._ranges.items():
            image[slice(*place)] = np.frombuffer(content, np.uint8)


def _add_numbers(contents: _ReadOnly, geometry: Geometry, call: LayerCall) -> dict[str, Range]:
    """Weights, scales and table of a layer."""
    packed = {
        "weights": pack_weights(geometry, call.weights),
        "scales": pack_scales(geometry, call.bias, call.multiplier, call.shift),
    }
    if call.table is not None:
        packed["table"] = call.table.entries.view(np.uint8)
    return {name: contents.add(data) for name, data in packed.items()}


# What is written -------------------------------------------------------------------------------


def plan_network_memory(
    lowered: LoweredNetwork, geometries: AbstractMapping[str, Geometry], *, reuse: bool = True
) -> MemoryPlan:
    """Places of all buffers, and of the partial sums that a layer keeps in DRAM.

    Parameters
    ----------
    geometries : by the name of each layer.
    reuse : as of `build_network_program`.
    """
    requests = list(buffer_requests(lowered))
    for index, call in enumerate(lowered.calls):
        if isinstance(call, LayerCall) and geometries[call.layer.name].tile_revisits:
            size = _sums_bytes(geometries[call.layer.name], call)
            requests.append(
                MemoryRequest(name=_sums_name(call), size=size, first=index, last=index)
            )
    if not reuse:
        requests = [replace(one, first=-1, last=len(lowered.calls)) for one in requests]
    return plan_memory(requests, alignment=lowered.beat_bytes)


def _sums_name(call: LayerCall) -> str:
    return f"sums of {call.layer.name}"


def _sums_bytes(geometry: Geometry, call: LayerCall) -> int:
    """Four bytes for each byte of the outputs; sums lie as the outputs do."""
    layer = call.layer
    beats = call.output.beats(geometry.blocks(layer.K), layer.P, layer.Q)
    return 4 * (int(beats.max()) - call.output.offset + 1) * geometry.accelerator.beat_bytes


# Descriptors -----------------------------------------------------------------------------------


def _descriptor(
    geometry: Geometry,
    call: LayerCall,
    regions: AbstractMapping[str, Range],
    addresses: AbstractMapping[str, int],
    identity: int,
) -> bytes:
    beat = geometry.accelerator.beat_bytes

    def start(view: View) -> int:
        return addresses[view.buffer] // beat + view.offset

    first = {name: place[0] // beat for name, place in regions.items()}
    outputs = start(call.output)
    values = descriptor_values(
        geometry,
        TensorAddresses(
            weights=first["weights"],
            scales=first["scales"],
            inputs=start(call.input),
            outputs=outputs,
            sums=first.get("sums", outputs),  # without sums it is never used
            table=first.get("table", 0),
            residual=0 if call.residual is None else start(call.residual),
            input_pitches=call.input.pitches,
            output_pitches=call.output.pitches,
        ),
        ZeroPoints(
            inputs=call.input_zero_point,
            outputs=call.output_zero_point,
            clamp_min=call.clamp_min,
            clamp_max=call.clamp_max,
        ),
        identity=identity,
        addition=call.addition,
        table_place=None if call.table is None else call.table.place,
    )
    return layout_of(geometry.accelerator).pack(values)


def _steps(lowered: LoweredNetwork) -> tuple[Segment | HostCall, ...]:
    """Layers between two calls of the host are one segment."""
    steps: list[Segment | HostCall] = []
    layers: list[LayerCall] = []
    slot = 0
    for call in (*lowered.calls, None):
        if isinstance(call, LayerCall):
            layers.append(call)
            continue
        if layers:
            steps.append(Segment(descriptor_address=slot * SLOT_BYTES, calls=tuple(layers)))
            slot += len(layers)
            layers = []
        if call is not None:
            steps.append(call)
    return tuple(steps)


def _pages(num_bytes: int) -> int:
    return ceil_div(num_bytes, PAGE_BYTES) * PAGE_BYTES
