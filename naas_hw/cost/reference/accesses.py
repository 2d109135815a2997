"""How often each memory is accessed: closed forms, no stepping.

One access of the global buffer (L2) is one word on one port; a DRAM access is one beat on the
bus. Masked fill reads count, positions of the array beyond the used extent do not.
"""

from dataclasses import dataclass, fields
from math import prod

from naas_hw.arch.accelerator import OUTPUT_DIMS
from naas_hw.compiler.layout import descriptor_beats
from naas_hw.cost.reference.pieces import (
    SUM_BEATS_PER_BLOCK,
    existing,
    existing_columns,
    existing_rows,
    scale_beats,
    table_beats,
)
from naas_hw.mapping.geometry import Geometry
from naas_hw.workload.layer import Dim


@dataclass(frozen=True, kw_only=True)
class Accesses:
    """Accesses of one layer, all groups; the order of the fields is that of compiled arrays.

    Members
    -------
    dram_* : beats on the bus; `sums_in` and `sums_out` are partial sums that do not fit on chip.
    l2_fill_weights, l2_fill_inputs, l2_drain_sums, l2_drain_residual, l2_store_* : L2 words read,
        by port; the port of store reads both bytes (`outputs`) and 32-bit sums.
    l2_load_*, l2_drain : L2 words written, by port.
    l1_* : words written and bytes read, all private buffers together.
    accumulator_reads, accumulator_writes : 32-bit words, drain's reads included.
    macs : products of all PEs, those of padded indices included.
    """

    dram_descriptor: int
    dram_scales: int
    dram_table: int
    dram_weights: int
    dram_inputs: int
    dram_residual: int
    dram_sums_in: int
    dram_outputs: int
    dram_sums_out: int
    l2_fill_weights: int
    l2_fill_inputs: int
    l2_drain_sums: int
    l2_drain_residual: int
    l2_store_outputs: int
    l2_store_sums: int
    l2_load_weights: int
    l2_load_inputs: int
    l2_load_residual: int
    l2_load_sums: int
    l2_drain: int
    l1_weight_writes: int
    l1_input_writes: int
    l1_weight_reads: int
    l1_input_reads: int
    accumulator_reads: int
    accumulator_writes: int
    macs: int

    @property
    def dram(self) -> int:
        """Beats on the bus."""
        return self._sum("dram_")

    @property
    def l2(self) -> int:
        """Words read from and written to the global buffer."""
        return self._sum("l2_")

    @property
    def l1(self) -> int:
        """Accesses of all private buffers, accumulators left out."""
        return self._sum("l1_")

    def _sum(self, prefix: str) -> int:
        return sum(getattr(self, name) for name in ACCESS_NAMES if name.startswith(prefix))


ACCESS_NAMES: tuple[str, ...] = tuple(entry.name for entry in fields(Accesses))
"""Names of the counts, in the order of their columns in arrays."""


def accesses_of(geometry: Geometry) -> Accesses:
    """Accesses of all groups of a layer."""
    groups = geometry.layer.groups
    once = {**_off_chip(geometry), **_on_chip(geometry)}
    return Accesses(**{name: groups * count for name, count in once.items()})


def _off_chip(geometry: Geometry) -> dict[str, int]:
    visits = prod(geometry.nest_bounds[k] for k in geometry.tile_revisits)
    blocks = geometry.layer.P * geometry.layer.Q * geometry.blocks(geometry.layer.K)
    spilled = SUM_BEATS_PER_BLOCK * blocks * (visits - 1)
    residual = blocks if geometry.layer.residual else 0
    weights = geometry.num_runs(geometry.last_weight_tile) * geometry.weight_tile_words
    inputs = _input_beats(geometry)
    return {
        "dram_descriptor": descriptor_beats(geometry.accelerator),
        "dram_scales": geometry.num_runs(geometry.last_scale_tile) * scale_beats(geometry),
        "dram_table": table_beats(geometry),
        "dram_weights": weights,
        "dram_inputs": inputs,
        "dram_residual": residual,
        "dram_sums_in": spilled,
        "dram_outputs": blocks,
        "dram_sums_out": spilled,
        "l2_load_weights": weights,
        "l2_load_inputs": inputs,
        "l2_load_residual": residual,
        "l2_load_sums": spilled,
        "l2_store_outputs": blocks,
        "l2_store_sums": spilled,
    }


def _input_beats(geometry: Geometry) -> int:
    """Beats of all input tiles: a sum over rows times one over columns times one over blocks.

    A tile without a row or a column in the image is one beat all the same.
    """
    tiles, channel = geometry.num_tiles, geometry.channel_dim
    rows = [existing_rows(geometry, p, r) for p in range(tiles["P"]) for r in range(tiles["R"])]
    columns = [
        existing_columns(geometry, q, s) for q in range(tiles["Q"]) for s in range(tiles["S"])
    ]
    blocks = [geometry.blocks(existing(geometry, channel, c)) for c in range(tiles[channel])]
    num_empty = len(rows) * len(columns) - sum(map(bool, rows)) * sum(map(bool, columns))
    distinct = sum(rows) * sum(columns) * sum(blocks) + num_empty * len(blocks)
    num_distinct = len(rows) * len(columns) * len(blocks)
    return distinct * geometry.num_runs(geometry.last_input_tile) // num_distinct


def _on_chip(geometry: Geometry) -> dict[str, int]:
    weight_runs = geometry.num_runs(geometry.last_weights)
    input_runs = geometry.num_runs(geometry.last_inputs)
    output_runs = geometry.num_runs(geometry.last_outputs)
    visits = prod(geometry.nest_bounds[k] for k in geometry.accumulator_revisits)
    macs = geometry.num_steps * geometry.compute_cycles * geometry.pes_used
    sums = geometry.num_steps * geometry.compute_cycles * _used(geometry, OUTPUT_DIMS)
    finished = output_runs // visits * geometry.drain_cycles
    return {
        "l2_fill_weights": weight_runs * geometry.weight_step_words,
        "l2_fill_inputs": _input_words(geometry),
        "l2_drain_sums": (visits - 1) * finished,
        "l2_drain_residual": finished if geometry.layer.residual else 0,
        "l2_drain": output_runs * geometry.drain_cycles,
        "l1_weight_writes": weight_runs * geometry.weight_word_count * geometry.pes_used,
        "l1_input_writes": input_runs * _input_writes(geometry) * geometry.pes_used,
        "l1_weight_reads": macs,
        "l1_input_reads": macs,
        # The first touch writes without reading, and drain reads each word once: as many of both.
        "accumulator_reads": sums,
        "accumulator_writes": sums,
        "macs": macs,
    }


def _input_words(geometry: Geometry) -> int:
    """L2 words that fill reads for inputs: what a pixel touches depends on its channel step."""
    num_channel_steps = geometry.mapping.l2[geometry.channel_dim]
    runs = geometry.num_runs(geometry.last_inputs) // num_channel_steps
    per_pixel = sum(map(geometry.input_words_per_pixel, range(num_channel_steps)))
    return runs * prod(geometry.step_image) * per_pixel


def _input_writes(geometry: Geometry) -> int:
    """Words that a PE's input buffer takes in one step."""
    on_axis = geometry.accelerator.has(geometry.channel_dim)
    lanes = 1 if on_axis else geometry.input_lanes
    return prod(geometry.window) * geometry.pe_channels // lanes


def _used(geometry: Geometry, dims: tuple[Dim, ...]) -> int:
    """Positions in use along the axes of these dims."""
    dims_on_axes = (axis.dim for axis in geometry.accelerator.axes if axis.dim in dims)
    return prod(geometry.mapping.spatial[dim] for dim in dims_on_axes)
