"""Which mappings an accelerator can run: a list of violations, each with rule and value."""

from naas_hw.arch.accelerator import Accelerator
from naas_hw.mapping.geometry import Geometry
from naas_hw.mapping.mapping import Mapping
from naas_hw.workload.layer import DIMS, Layer

MAX_FIELD = 65535
MAX_WINDOW = 4095


def violations(accelerator: Accelerator, layer: Layer, mapping: Mapping) -> list[str]:
    """All rules that the mapping breaks, in words; empty if it is legal.

    Rules are named by their first word: `spatial`, `capacity`, `block`, `field`, `kind`.
    """
    geometry = Geometry(accelerator=accelerator, layer=layer, mapping=mapping)
    found = _spatial(geometry)
    if not layer.has_program:
        found.append("kind: transposed layers exist in the model only")
    return found or [*_capacity(geometry), *_blocks(geometry), *_fields(geometry)]


def _spatial(geometry: Geometry) -> list[str]:
    found = []
    for dim in DIMS:
        size, used = geometry.accelerator.size_of(dim), geometry.mapping.spatial[dim]
        if dim in ("K", "C") and used != (due := min(size, geometry.layer.bounds[dim])):
            found.append(f"spatial: {dim} must use {due} positions, not {used}")
        elif used > size:
            found.append(f"spatial: {dim} must use at most {size} positions, not {used}")
    return found


def _capacity(geometry: Geometry) -> list[str]:
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
        f"capacity: {what} must be at most {limit}, not {need}"
        for what, need, limit in needs
        if need > limit
    ]


def _blocks(geometry: Geometry) -> list[str]:
    beat = geometry.accelerator.beat_bytes
    return [
        f"block: an L2 tile must cover {dim} or hold a multiple of {beat}, not {geometry.tile[dim]}"
        for dim in ("K", "C")
        if geometry.tile[dim] % beat and geometry.num_tiles[dim] > 1
    ]


def _fields(geometry: Geometry) -> list[str]:
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
        f"field: {what} must be at most {limit}, not {value}"
        for group, limit in ((values, MAX_FIELD), (step, MAX_WINDOW))
        for what, value in group.items()
        if value > limit
    ]
