"""Which mappings an accelerator can run: a list of violations, each with its rule."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from naas_hw.arch.accelerator import REDUCTION_DIMS, Accelerator
from naas_hw.mapping.geometry import Geometry, usable_positions
from naas_hw.mapping.mapping import Mapping
from naas_hw.workload.layer import DIMS, Layer

MAX_FIELD: Final = 65535
"""The largest number that a field of a descriptor holds."""

MAX_WINDOW: Final = 4095
"""The most rows or columns of the window of a step."""


class Rule(StrEnum):
    """What a mapping must respect.

    Members
    -------
    SPATIAL : the positions of the array that are used.
    CAPACITY : the sizes of the buffers.
    BLOCK : L2 tiles hold whole blocks of channels.
    FIELD : the widths of the fields of a descriptor.
    KIND : the hardware runs this kind of layer; the cost model evaluates others, too.
    OPTION : the accelerator has the optional hardware of the layer, and it can do the mapping.
    """

    SPATIAL = "spatial"
    CAPACITY = "capacity"
    BLOCK = "block"
    FIELD = "field"
    KIND = "kind"
    OPTION = "option"


@dataclass(frozen=True, kw_only=True)
class Violation:
    """A rule that a mapping breaks, and in what way."""

    rule: Rule
    message: str

    def __str__(self) -> str:
        return f"{self.rule}: {self.message}"


def violations(accelerator: Accelerator, layer: Layer, mapping: Mapping) -> list[Violation]:
    """All rules that the mapping breaks; empty if the hardware runs it."""
    geometry = Geometry(accelerator=accelerator, layer=layer, mapping=mapping)
    broken = _spatial(geometry)
    if not layer.has_program:
        message = "transposed layers exist in the model only"
        broken.append(Violation(rule=Rule.KIND, message=message))
    broken += _options(geometry)
    if broken:
        return broken
    return [*_capacity(geometry), *_blocks(geometry), *_fields(geometry), *_visits(geometry)]


def model_violations(accelerator: Accelerator, layer: Layer, mapping: Mapping) -> list[Violation]:
    """The same without `Rule.KIND`; empty if the cost model can evaluate the mapping."""
    broken = violations(accelerator, layer, mapping)
    return [violation for violation in broken if violation.rule is not Rule.KIND]


def _spatial(geometry: Geometry) -> list[Violation]:
    broken = []
    for dim in DIMS:
        size = usable_positions(geometry.accelerator, geometry.layer, dim)
        used = geometry.mapping.spatial[dim]
        whole = min(size, geometry.layer.bounds[dim])
        if dim in ("K", "C") and used != whole:
            message = f"{dim} must use {whole} positions, not {used}"
        elif used > size:
            message = f"{dim} must use at most {size} positions, not {used}"
        else:
            continue
        broken.append(Violation(rule=Rule.SPATIAL, message=message))
    return broken


def _options(geometry: Geometry) -> list[Violation]:
    layer = geometry.layer
    missing = sorted(layer.options - geometry.accelerator.options)
    messages = [f"the accelerator must have {option} for this layer" for option in missing]
    if layer.maximum:
        messages += _products_of_nothing(geometry)
    return [Violation(rule=Rule.OPTION, message=message) for message in messages]


def _products_of_nothing(geometry: Geometry) -> list[str]:
    """Where the nest goes beyond the kernel: zero weights do not change a sum, but a maximum."""
    mapping, messages = geometry.mapping, []
    for dim in REDUCTION_DIMS:
        computed = geometry.num_tiles[dim] * mapping.l2[dim] * mapping.pe[dim]
        if beyond := computed * mapping.spatial[dim] - geometry.layer.bounds[dim]:
            messages.append(f"a maximum must split {dim} without remainder, not with {beyond}")
    return messages


def _visits(geometry: Geometry) -> list[Violation]:
    """Outputs that come back where the layer does not allow it."""
    messages = []
    if geometry.layer.maximum and geometry.accumulator_revisits:
        messages.append("a maximum must not drain an output more than once")
    if geometry.layer.output_stride[1] > 1 and geometry.tile_revisits:
        messages.append("a layer with pitched stores must not spill partial sums to DRAM")
    return [Violation(rule=Rule.OPTION, message=message) for message in messages]


def _capacity(geometry: Geometry) -> list[Violation]:
    accelerator = geometry.accelerator
    weights = accelerator.weight_buffer_bytes // (1 if geometry.last_weights < 0 else 2)
    inputs = accelerator.input_buffer_bytes // (1 if geometry.last_inputs < 0 else 2)
    accumulators = accelerator.accumulator_words // (2 * accelerator.accumulator_lanes)
    banks = sum(num * buffers for _, num, buffers in geometry.bank_allocation)
    needs = (
        ("bytes of weights in a PE", geometry.weight_bytes, weights),
        ("bytes of inputs in a PE", geometry.input_bytes, inputs),
        ("words in an accumulator bank", geometry.accumulator_depth, accumulators),
        ("banks of the global buffer", banks, accelerator.num_banks),
        ("channels of scales", geometry.scale_tile_channels, accelerator.scale_depth),
    )
    return [
        Violation(rule=Rule.CAPACITY, message=f"{what} must be at most {limit}, not {need}")
        for what, need, limit in needs
        if need > limit
    ]


def _blocks(geometry: Geometry) -> list[Violation]:
    beat = geometry.accelerator.beat_bytes
    return [
        Violation(
            rule=Rule.BLOCK,
            message=f"an L2 tile must cover {dim} or hold a multiple of {beat}, "
            f"not {geometry.tile[dim]}",
        )
        for dim in ("K", "C")
        if geometry.tile[dim] % beat and geometry.num_tiles[dim] > 1
    ]


def _fields(geometry: Geometry) -> list[Violation]:
    values = {
        "a tile's rows": geometry.tile_image[0],
        "a tile's columns": geometry.tile_image[1],
        "a weight tile's words": geometry.weight_tile_words,
        "an input tile's words": geometry.input_tile_words,
        **{f"a tile's {dim}": geometry.tile[dim] for dim in DIMS},
        **{f"the number of {dim} tiles": geometry.num_tiles[dim] for dim in DIMS},
    }
    step = {"a step's rows": geometry.step_image[0], "a step's columns": geometry.step_image[1]}
    return [
        Violation(rule=Rule.FIELD, message=f"{what} must be at most {limit}, not {value}")
        for group, limit in ((values, MAX_FIELD), (step, MAX_WINDOW))
        for what, value in group.items()
        if value > limit
    ]
