"""A program: descriptors and tensors of some layers in one image of DRAM."""

from collections.abc import Mapping as AbstractMapping
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from naas_hw.arch.accelerator import Accelerator
from naas_hw.emit.descriptor import Placement, ZeroPoints, descriptor_values
from naas_hw.emit.images import pack_activations, pack_scales, pack_weights, unpack_activations
from naas_hw.errors import InputError, LegalityError
from naas_hw.mapping.descriptor import SLOT_BYTES, pack
from naas_hw.mapping.geometry import Geometry
from naas_hw.mapping.legality import violations
from naas_hw.mapping.mapping import Mapping
from naas_hw.workload.layer import Layer
from naas_hw.workload.quantised import QuantisedLayer

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
    regions : for each layer name -> (first byte, byte behind the last): descriptor, weights,
        scales, inputs, outputs, and where sums leave the chip, sums.
    """

    image: NDArray[np.uint8]
    descriptor_address: int
    num_descriptors: int
    outputs: tuple[tuple[int, int], ...]
    tasks: tuple[LayerTask, ...]
    beat_bytes: int
    regions: tuple[AbstractMapping[str, tuple[int, int]], ...] = ()

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

    Raises LegalityError for a mapping that the accelerator cannot run, InputError where the
    memory needed exceeds the window of 4 GiB.
    """
    beat = accelerator.beat_bytes
    regions: list[tuple[int, NDArray[np.uint8]]] = []
    outputs, named = [], []
    cursor = _pages(len(tasks) * SLOT_BYTES)
    for index, task in enumerate(tasks):
        broken = violations(accelerator, task.layer, task.mapping)
        if broken:
            raise LegalityError(broken)
        geometry = Geometry(accelerator=accelerator, layer=task.layer, mapping=task.mapping)
        tensors = task.tensors
        places: dict[str, int] = {}
        ranges: dict[str, tuple[int, int]] = {}
        for name, data in (
            ("weights", pack_weights(geometry, tensors.weights)),
            ("scales", pack_scales(geometry, tensors.bias, tensors.multiplier, tensors.shift)),
            ("inputs", pack_activations(tensors.inputs, beat)),
        ):
            regions.append((cursor, data))
            places[name] = cursor // beat
            ranges[name] = (cursor, cursor + data.size)
            cursor += _pages(data.size)
        num_bytes = geometry.blocks(task.layer.K) * task.layer.P * task.layer.Q * beat
        outputs.append((cursor, cursor + num_bytes))
        ranges["outputs"] = outputs[-1]
        places["outputs"] = cursor // beat
        cursor += _pages(num_bytes)
        places["sums"] = cursor // beat
        if geometry.tile_revisits:
            ranges["sums"] = (cursor, cursor + 4 * num_bytes)
            cursor += _pages(4 * num_bytes)
        values = descriptor_values(
            geometry,
            Placement(**places),
            ZeroPoints(
                inputs=tensors.input_zero_point,
                outputs=tensors.output_zero_point,
                clamp_min=tensors.clamp_min,
                clamp_max=tensors.clamp_max,
            ),
            identity=identity,
        )
        data = np.frombuffer(pack(values, beat), np.uint8)
        regions.append((index * SLOT_BYTES, data))
        ranges["descriptor"] = (index * SLOT_BYTES, index * SLOT_BYTES + data.size)
        named.append(ranges)
    if cursor > WINDOW_BYTES:
        raise InputError(f"a program must need at most {WINDOW_BYTES} bytes, not {cursor}")
    image = np.zeros(cursor, np.uint8)
    for begin, data in regions:
        image[begin : begin + data.size] = data
    return Program(
        image=image,
        descriptor_address=0,
        num_descriptors=len(tasks),
        outputs=tuple(outputs),
        tasks=tuple(tasks),
        beat_bytes=beat,
        regions=tuple(named),
    )


def _pages(num_bytes: int) -> int:
    return -(-num_bytes // PAGE_BYTES) * PAGE_BYTES
