"""A program: descriptors and tensors of some layers in one image of DRAM."""

from collections.abc import Mapping as AbstractMapping
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from naas_hw.arch.accelerator import Accelerator
from naas_hw.compiler.descriptor import TensorAddresses, ZeroPoints, descriptor_values
from naas_hw.compiler.images import pack_activations, pack_scales, pack_weights, unpack_activations
from naas_hw.compiler.layout import SLOT_BYTES, DescriptorLayout, layout_of
from naas_hw.core.errors import InputError, LegalityError
from naas_hw.mapping.geometry import Geometry
from naas_hw.mapping.legality import violations
from naas_hw.mapping.mapping import Mapping
from naas_hw.workload.arithmetic.quantised import QuantisedLayer
from naas_hw.workload.layer import Layer

PAGE_BYTES = 4096
WINDOW_BYTES = 1 << 32


@dataclass(frozen=True, kw_only=True, eq=False)
class LayerTask:
    """One layer to run: what, how, on which data."""

    layer: Layer
    mapping: Mapping
    tensors: QuantisedLayer


@dataclass(frozen=True, kw_only=True, eq=False)
class Program:
    """What a start of the accelerator needs in DRAM.

    Parameters
    ----------
    image : uint8, the whole window of memory, from address 0 on.
    descriptor_address : byte address of the list; num_descriptors : its length.
    outputs : for each layer (first byte, byte behind the last).
    writable : the same of all that the accelerator writes: whole pages with nothing else in them.
    layout : of its descriptors.
    regions : for each layer name -> (first byte, byte behind the last): descriptor, weights,
        scales, inputs, outputs, and where there are such, sums that leave the chip, table and
        residual.
    """

    image: NDArray[np.uint8]
    descriptor_address: int
    num_descriptors: int
    outputs: tuple[tuple[int, int], ...]
    writable: tuple[int, int]
    tasks: tuple[LayerTask, ...]
    layout: DescriptorLayout
    regions: tuple[AbstractMapping[str, tuple[int, int]], ...] = ()

    @property
    def beat_bytes(self) -> int:
        """Bytes of a beat of DRAM."""
        return self.layout.beat_bytes

    def output(self, index: int, memory: NDArray[np.uint8], first: int = 0) -> NDArray[np.int8]:
        """Output [K, P, Q] of a layer out of memory contents that begin at byte `first`."""
        begin, end = self.outputs[index]
        layer = self.tasks[index].layer
        shape = (layer.K, layer.P, layer.Q)
        return unpack_activations(memory[begin - first : end - first], shape, self.beat_bytes)


def build_program(
    accelerator: Accelerator, tasks: Sequence[LayerTask], *, identity: int
) -> Program:
    """Lay out tensors and descriptors; every region begins at a page.

    Descriptors come first, then what is read only, then what the accelerator writes, so that one
    range of pages holds all of its writes and nothing else.

    Raises LegalityError for a mapping that the accelerator cannot run, InputError where the
    memory needed exceeds the window of 4 GiB.
    """
    for task in tasks:
        broken = violations(accelerator, task.layer, task.mapping)
        if broken:
            raise LegalityError([str(violation) for violation in broken])
    cursor = _pages(len(tasks) * SLOT_BYTES)
    contents = [_contents(accelerator, task) for task in tasks]
    ranges: list[dict[str, tuple[int, int]]] = []
    for content in contents:
        ranges.append({})
        for name, data in content.items():
            ranges[-1][name] = (cursor, cursor + data.size)
            cursor += _pages(data.size)
    writable = cursor
    for task, mine in zip(tasks, ranges, strict=True):
        for name, size in _results(accelerator, task).items():
            mine[name] = (cursor, cursor + size)
            cursor += _pages(size)
    if cursor > WINDOW_BYTES:
        raise InputError(f"a program must need at most {WINDOW_BYTES} bytes, not {cursor}")
    image = np.zeros(cursor, np.uint8)
    for index, (task, content, mine) in enumerate(zip(tasks, contents, ranges, strict=True)):
        descriptor = layer_descriptor(accelerator, task, mine, identity=identity)
        mine["descriptor"] = (index * SLOT_BYTES, index * SLOT_BYTES + len(descriptor))
        for name, data in (
            *content.items(),
            ("descriptor", np.frombuffer(descriptor, np.uint8)),
        ):
            image[slice(*mine[name])] = data
    return Program(
        image=image,
        descriptor_address=0,
        num_descriptors=len(tasks),
        outputs=tuple(mine["outputs"] for mine in ranges),
        writable=(writable, cursor),
        tasks=tuple(tasks),
        layout=layout_of(accelerator),
        regions=tuple(ranges),
    )


def _contents(accelerator: Accelerator, task: LayerTask) -> dict[str, NDArray[np.uint8]]:
    """What the accelerator reads of a layer, as bytes."""
    geometry, tensors = _geometry(accelerator, task), task.tensors
    packed = {
        "weights": pack_weights(geometry, tensors.weights),
        "scales": pack_scales(geometry, tensors.bias, tensors.multiplier, tensors.shift),
        "inputs": pack_activations(tensors.inputs, accelerator.beat_bytes),
    }
    if tensors.table is not None:
        packed["table"] = tensors.table.entries.view(np.uint8)
    if tensors.residual is not None:
        packed["residual"] = pack_activations(tensors.residual.values, accelerator.beat_bytes)
    return packed


def _results(accelerator: Accelerator, task: LayerTask) -> dict[str, int]:
    """What it writes, with the number of bytes."""
    geometry, layer = _geometry(accelerator, task), task.layer
    size = geometry.blocks(layer.K) * layer.P * layer.Q * accelerator.beat_bytes
    return {"outputs": size, **({"sums": 4 * size} if geometry.tile_revisits else {})}


def layer_descriptor(
    accelerator: Accelerator,
    task: LayerTask,
    ranges: AbstractMapping[str, tuple[int, int]],
    *,
    identity: int,
) -> bytes:
    """The descriptor of a layer whose tensors stand in these ranges of bytes."""
    beat, tensors = accelerator.beat_bytes, task.tensors
    beats = {name: first // beat for name, (first, _) in ranges.items()}
    values = descriptor_values(
        _geometry(accelerator, task),
        TensorAddresses(
            weights=beats["weights"],
            scales=beats["scales"],
            inputs=beats["inputs"],
            outputs=beats["outputs"],
            sums=beats.get("sums", beats["outputs"]),  # without sums it is never used
            table=beats.get("table", 0),
            residual=beats.get("residual", 0),
        ),
        ZeroPoints(
            inputs=tensors.input_zero_point,
            outputs=tensors.output_zero_point,
            clamp_min=tensors.clamp_min,
            clamp_max=tensors.clamp_max,
        ),
        identity=identity,
        addition=tensors.residual.addition if tensors.residual else None,
        table_place=tensors.table.place if tensors.table else None,
    )
    return layout_of(accelerator).pack(values)


def _geometry(accelerator: Accelerator, task: LayerTask) -> Geometry:
    return Geometry(accelerator=accelerator, layer=task.layer, mapping=task.mapping)


def _pages(num_bytes: int) -> int:
    return -(-num_bytes // PAGE_BYTES) * PAGE_BYTES
