"""The cost of many mappings of one layer, compiled.

The rules, counts and recurrence are those of the readable modules. A batch of mappings gets
legality, counts, energy and a proven lower bound of its cycles without stepping. Exact cycles are
computed for chosen mappings.

Arrays: N mappings, 3 levels (DRAM, L2, PE), 6 dims in the order of `DIMS`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import gcd, prod
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from naas_hw.arch import timing
from naas_hw.arch.accelerator import OUTPUT_DIMS, REDUCTION_DIMS, WEIGHT_DIMS, Accelerator
from naas_hw.arch.technology import EnergyTable
from naas_hw.compiler.layout import descriptor_beats
from naas_hw.cost.compiled.columns import (
    DESCRIPTOR_STALL,
    LOAD_WORK,
    NEXT_BEAT,
    NUM_RESULTS,
    RESPONSE,
    STORE_STALL,
    STORE_WORK,
)
from naas_hw.cost.compiled.problem import PROBLEM, PROBLEM_ARRAYS, PROBLEM_NUMBERS
from naas_hw.cost.compiled.repetition import MIN_TRIPS
from naas_hw.cost.compiled.rules import LEGAL, RULES
from naas_hw.cost.compiled.single import bound_batch, exact_batch
from naas_hw.cost.energy import price_matrix
from naas_hw.cost.reference.accesses import ACCESS_NAMES
from naas_hw.mapping.geometry import Geometry, usable_positions
from naas_hw.mapping.legality import MAX_FIELD, MAX_WINDOW
from naas_hw.mapping.mapping import Bounds, Mapping
from naas_hw.workload.layer import DIMS, Layer
from naas_hw.workload.option import TABLE_SIZE, Option

SAVED_BETWEEN_LAYERS: Final = (
    timing.DONE_TO_INTERRUPT + timing.START_TO_DESCRIPTOR - timing.RESPONSE_TO_DESCRIPTOR
)
"""Cycles that two layers (or groups) take less in one program than one by one."""

_STALLS: Final = slice(DESCRIPTOR_STALL, STORE_STALL + 1)
_ENGINES: Final = slice(LOAD_WORK, STORE_WORK + 1)

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, eq=False)
class MappingBatch:
    """Mappings as arrays; none of them need be legal.

    Members
    -------
    orders : int8 [N, 3, 6], dims (indices into `DIMS`) outermost first, of DRAM, L2 and PE.
    l2, pe, spatial : int64 [N, 6], bounds by dim, 1 to 65535.
    """

    orders: NDArray[np.int8]
    l2: Ints
    pe: Ints
    spatial: Ints

    def __post_init__(self) -> None:
        n = len(self.orders)
        for name, shape in (("orders", (n, 3, 6)), ("l2", (n, 6)), ("pe", (n, 6))) + (
            ("spatial", (n, 6)),
        ):
            if getattr(self, name).shape != shape:
                raise ValueError(f"{name} must have shape {shape}, not {getattr(self, name).shape}")
        if n and not np.array_equal(
            np.sort(self.orders, axis=2), np.broadcast_to(np.arange(6), self.orders.shape)
        ):
            raise ValueError("orders must hold each dim once a level")
        for name in ("l2", "pe", "spatial"):
            bounds = getattr(self, name)
            if n and not (1 <= bounds.min() and bounds.max() <= MAX_FIELD):
                raise ValueError(f"{name} must be 1 to {MAX_FIELD}")

    def __len__(self) -> int:
        return len(self.orders)

    @classmethod
    def from_mappings(cls, mappings: Sequence[Mapping]) -> "MappingBatch":
        """Arrays of given mappings."""
        orders = [
            [[DIMS.index(d) for d in order] for order in (m.dram_order, m.l2_order, m.pe_order)]
            for m in mappings
        ]

        def bounds(name: str) -> Ints:
            rows = [[getattr(m, name)[d] for d in DIMS] for m in mappings]
            return np.array(rows, np.int64).reshape(len(mappings), 6)

        return cls(
            orders=np.array(orders, np.int8).reshape(len(mappings), 3, 6),
            l2=bounds("l2"),
            pe=bounds("pe"),
            spatial=bounds("spatial"),
        )

    def take(self, indices: NDArray[np.integer[Any]] | Sequence[int]) -> "MappingBatch":
        """The mappings with these indices."""
        chosen = np.asarray(indices, np.int64)
        return MappingBatch(
            orders=self.orders[chosen],
            l2=self.l2[chosen],
            pe=self.pe[chosen],
            spatial=self.spatial[chosen],
        )

    def mapping(self, index: int) -> Mapping:
        """One of them as a value."""
        dram, l2, pe = (tuple(DIMS[d] for d in order) for order in self.orders[index])

        def bounds(array: Ints) -> Bounds:
            return Bounds(**dict(zip(DIMS, map(int, array[index]), strict=True)))

        return Mapping(
            dram_order=dram,
            l2_order=l2,
            pe_order=pe,
            l2=bounds(self.l2),
            pe=bounds(self.pe),
            spatial=bounds(self.spatial),
        )


@dataclass(frozen=True, kw_only=True, eq=False)
class BoundReport:
    """What is known of each mapping without stepping; all groups of the layer.

    Members
    -------
    legal : bool [N].
    violated : int8 [N], index into `RULES` of the first rule that is broken, -1 if legal.
    cycles_bound : int64 [N], no more than the exact cycles; `ILLEGAL_CYCLES` where not legal.
    energy_pj : float64 [N], exact; infinite where not legal.
    accesses : int64 [N, len(ACCESS_NAMES)], exact; 0 where not legal.
    """

    legal: NDArray[np.bool_]
    violated: NDArray[np.int8]
    cycles_bound: Ints
    energy_pj: Floats
    accesses: Ints


@dataclass(frozen=True, kw_only=True, eq=False)
class ExactReport:
    """Exact figures of chosen mappings, in the order in which they were chosen; all groups.

    Members
    -------
    cycles : int64 [M], from the accepted start to the interrupt.
    stalls : int64 [M, 6], cycles by cause, columns as in `STALL_NAMES`; a row adds up to cycles.
    engines : int64 [M, 5], cycles in which each engine works, columns as in `ENGINE_NAMES`.
    energy_pj : float64 [M].
    utilization : float64 [M], the layer's MACs by what all PEs could have done.
    accesses : int64 [M, len(ACCESS_NAMES)].
    response, next_beat : int64 [M], of one group: its last write response, and the first cycle in
        which DRAM could give one more beat.
    """

    cycles: Ints
    stalls: Ints
    engines: Ints
    energy_pj: Floats
    utilization: Floats
    accesses: Ints
    response: Ints
    next_beat: Ints


Pair = tuple[Accelerator, Layer]


def evaluate_bounds(
    accelerator: Accelerator, layer: Layer, batch: MappingBatch, table: EnergyTable
) -> BoundReport:
    """Legality, accesses, energy and a lower bound of cycles of all mappings of a batch."""
    return pair_bounds([(accelerator, layer)], np.zeros(len(batch), np.int64), batch, table)


def pair_bounds(
    pairs: Sequence[Pair], which: Ints, batch: MappingBatch, table: EnergyTable
) -> BoundReport:
    """The same where each mapping has an accelerator and a layer of its own: pairs[which[i]].

    Raises
    ------
    ValueError : `which` does not give each mapping the index of a pair.
    """
    _check_which(pairs, which, batch)
    num = len(batch)
    violated, bound = np.empty(num, np.int8), np.empty(num, np.int64)
    energy, accesses = np.empty(num), np.empty((num, len(ACCESS_NAMES)), np.int64)
    arrays = (batch.orders, batch.l2, batch.pe, batch.spatial)
    tables = problem_table(pairs), price_table(pairs, table)
    bound_batch(*tables, which, *arrays, violated, bound, energy, accesses)
    return BoundReport(
        legal=violated == LEGAL,
        violated=violated,
        cycles_bound=bound,
        energy_pj=energy,
        accesses=accesses,
    )


def evaluate_exact(
    accelerator: Accelerator,
    layer: Layer,
    batch: MappingBatch,
    indices: NDArray[np.integer[Any]] | Sequence[int],
    table: EnergyTable,
) -> ExactReport:
    """Exact cycles, and what belongs to them, of the mappings with these indices.

    Raises
    ------
    ValueError : one of them is not legal.
    """
    which = np.zeros(len(batch), np.int64)
    return pair_exact([(accelerator, layer)], which, batch, indices, table)


def pair_exact(
    pairs: Sequence[Pair],
    which: Ints,
    batch: MappingBatch,
    indices: NDArray[np.integer[Any]] | Sequence[int],
    table: EnergyTable,
) -> ExactReport:
    """The same where each mapping has an accelerator and a layer of its own: pairs[which[i]].

    Raises
    ------
    ValueError : one of them is not legal, or `which` does not give each the index of a pair.
    """
    _check_which(pairs, which, batch)
    chosen, which = batch.take(indices), which[np.asarray(indices, np.int64)]
    num = len(chosen)
    violated, results = np.empty(num, np.int8), np.zeros((num, NUM_RESULTS), np.int64)
    energy, accesses = np.empty(num), np.zeros((num, len(ACCESS_NAMES)), np.int64)
    arrays = (chosen.orders, chosen.l2, chosen.pe, chosen.spatial)
    tables = problem_table(pairs), price_table(pairs, table)
    exact_batch(*tables, which, *arrays, MIN_TRIPS, violated, results, energy, accesses)
    if np.any(violated != LEGAL):
        place = int(np.argmax(violated != LEGAL))
        index, rule = np.asarray(indices)[place], RULES[violated[place]]
        raise ValueError(f"mappings must be legal, not break {rule!r} as number {index} does")
    cycles = results[:, _STALLS].sum(axis=1)
    macs = np.array([layer.num_macs for _, layer in pairs], np.int64)[which]
    pes = np.array([accelerator.num_pes for accelerator, _ in pairs], np.int64)[which]
    return ExactReport(
        cycles=cycles,
        stalls=results[:, _STALLS],
        engines=results[:, _ENGINES],
        energy_pj=energy,
        utilization=macs / (pes * np.maximum(cycles, 1)),
        accesses=accesses,
        response=results[:, RESPONSE],
        next_beat=results[:, NEXT_BEAT],
    )


def _check_which(pairs: Sequence[Pair], which: Ints, batch: MappingBatch) -> None:
    if which.shape != (len(batch),):
        raise ValueError(f"which must have shape ({len(batch)},), not {which.shape}")
    if len(which) and not (0 <= which.min() and which.max() < len(pairs)):
        raise ValueError(f"which must be 0 to {len(pairs) - 1}, the index of a pair")


# Problem -----------------------------------------------------------------------------------------


def prices_of(accelerator: Accelerator, table: EnergyTable) -> Floats:
    """Picojoules of each access, all levels together, float64 [len(ACCESS_NAMES)]."""
    prices: Floats = np.frombuffer(bytearray(_prices(accelerator, table)), np.float64)
    return prices


def price_table(pairs: Sequence[Pair], table: EnergyTable) -> Floats:
    """Picojoules of each access for the accelerator of each pair [N, len(ACCESS_NAMES)]."""
    rows = bytearray().join(_prices(accelerator, table) for accelerator, _ in pairs)
    return np.frombuffer(rows, np.float64).reshape(len(pairs), len(ACCESS_NAMES))


@lru_cache(maxsize=1024)
def _prices(accelerator: Accelerator, table: EnergyTable) -> bytes:
    prices: Floats = price_matrix(accelerator, table).sum(axis=0)
    return prices.tobytes()


def problem_table(pairs: Sequence[Pair]) -> NDArray[np.void]:
    """The pairs as compiled code reads them: an array of `PROBLEM` records."""
    rows = [_problem(accelerator, layer) for accelerator, layer in pairs]
    return np.frombuffer(bytearray().join(rows), PROBLEM)


def problem_of(accelerator: Accelerator, layer: Layer) -> np.void:
    """An accelerator and a layer as compiled code reads them: a `PROBLEM` record."""
    problem: np.void = problem_table([(accelerator, layer)])[0]
    return problem


def _mask(dims: Sequence[str]) -> int:
    return sum(1 << DIMS.index(dim) for dim in DIMS if dim in dims)


def _shift(number: int) -> int:
    """Log2 of a power of two."""
    if number != 1 << (number.bit_length() - 1):
        raise ValueError(f"beats and lanes must be powers of two, not {number}")
    return number.bit_length() - 1


@lru_cache(maxsize=4096)
def _problem(accelerator: Accelerator, layer: Layer) -> bytes:
    numbers = {
        **_arrays(accelerator, layer),
        **_layer_numbers(accelerator, layer),
        **_accelerator_numbers(accelerator, layer),
        **_option_numbers(accelerator, layer),
        **_time_numbers(accelerator),
    }
    assert set(numbers) == {*PROBLEM_ARRAYS, *PROBLEM_NUMBERS}
    record = np.zeros(1, PROBLEM)
    for name, number in numbers.items():
        record[name] = number
    return record.tobytes()


def _arrays(accelerator: Accelerator, layer: Layer) -> dict[str, list[int]]:
    bounds = [layer.bounds[d] for d in DIMS]
    sizes = [usable_positions(accelerator, layer, d) for d in DIMS]
    used = [min(size, bound) for size, bound in zip(sizes, bounds, strict=True)]
    lanes = [gcd(accelerator.beat_bytes, accelerator.size_of(d)) for d in DIMS[:2]]
    vector = accelerator.weight_vector_dim
    along = _shift(accelerator.weight_network_lanes)
    return {
        "bounds": bounds,
        "sizes": sizes,
        "least": [*used[:2], 1, 1, 1, 1],
        "most": [*used[:2], *sizes[2:]],
        "extents": [-(-u // n) * n for u, n in zip(used[:2], lanes, strict=True)],
        "vector_shifts": [along if d == vector else 0 for d in DIMS],
    }


def _layer_numbers(accelerator: Accelerator, layer: Layer) -> dict[str, int]:
    geometry = Geometry(accelerator=accelerator, layer=layer, mapping=Mapping())
    channel = geometry.channel_dim
    lanes = (
        accelerator.depthwise_network_lanes
        if geometry.is_depthwise
        else accelerator.input_network_lanes
    )
    used = min(accelerator.size_of(channel), layer.bounds[channel])
    return {
        "groups": layer.groups,
        "channel": DIMS.index(channel),
        "channel_on_axis": accelerator.has(channel),
        "channel_chunks": -(-used // lanes),
        "input_shift": _shift(lanes),
        "input_lanes": lanes,
        "stride_rows": geometry.stride[0],
        "stride_columns": geometry.stride[1],
        "dilation_rows": layer.dilation[0],
        "dilation_columns": layer.dilation[1],
        "padding_rows": layer.padding[0],
        "padding_columns": layer.padding[1],
        "image_rows": geometry.image[0],
        "image_columns": geometry.image[1],
        "weight_mask": _mask(WEIGHT_DIMS),
        "input_mask": _mask(geometry.input_dims),
        "output_mask": _mask(OUTPUT_DIMS),
    }


def _accelerator_numbers(accelerator: Accelerator, layer: Layer) -> dict[str, int]:
    used = min(accelerator.size_of("K"), layer.K)
    vector = accelerator.weight_vector_dim
    return {
        "beat": accelerator.beat_bytes,
        "beat_shift": _shift(accelerator.beat_bytes),
        "drain_shift": _shift(accelerator.drain_lanes),
        "sum_shift": _shift(accelerator.sum_lanes),
        "weight_lanes": accelerator.weight_network_lanes,
        "weight_vector": -1 if vector is None else DIMS.index(vector),
        "weight_word_shift": _shift(accelerator.weight_word_bytes),
        "accumulator_shift": _shift(accelerator.accumulator_lanes),
        "k_on_axis": accelerator.has("K"),
        "drain_groups": -(-used // accelerator.drain_group),
        "group_shift": _shift(accelerator.drain_group),
        "num_banks": accelerator.num_banks,
        "bank_words": accelerator.bank_words,
        "weight_buffer_bytes": accelerator.weight_buffer_bytes,
        "input_buffer_bytes": accelerator.input_buffer_bytes,
        "accumulator_depth": accelerator.accumulator_words // (2 * accelerator.accumulator_lanes),
        "scale_depth": accelerator.scale_depth,
        "max_field": MAX_FIELD,
        "max_window": MAX_WINDOW,
    }


def _option_numbers(accelerator: Accelerator, layer: Layer) -> dict[str, int]:
    return {
        "lacks_option": not layer.options <= accelerator.options,
        "maximum": layer.maximum,
        "pitched": Option.PITCHED_STORE in layer.options,
        "residual": layer.residual,
        "table_beats": TABLE_SIZE // accelerator.beat_bytes if layer.table else 0,
    }


def _time_numbers(accelerator: Accelerator) -> dict[str, int]:
    has_epilogue = accelerator.has_epilogue
    reduced = prod(axis.size for axis in accelerator.axes if axis.dim in REDUCTION_DIMS)
    return {
        "read_latency": timing.read_latency(accelerator.dram_latency_cycles),
        "response_latency": timing.response_latency(accelerator.dram_latency_cycles),
        "period": accelerator.dram_beat_period_cycles,
        "descriptor_beats": descriptor_beats(accelerator),
        "compute_to_drain": timing.compute_to_drain(reduced),
        "start_to_descriptor": timing.START_TO_DESCRIPTOR,
        "descriptor_to_layer": timing.DESCRIPTOR_TO_LAYER,
        "layer_to_load": timing.LAYER_TO_LOAD,
        "load_to_fill": timing.LOAD_TO_FILL,
        "load_to_drain": timing.LOAD_TO_DRAIN,
        "fill_to_load": timing.FILL_TO_LOAD,
        "fill_to_compute": timing.FILL_TO_COMPUTE,
        "compute_to_fill": timing.COMPUTE_TO_FILL,
        "drain_to_compute": timing.DRAIN_TO_COMPUTE,
        "drain_to_revisit": timing.drain_to_revisit(has_epilogue=has_epilogue),
        "drain_to_store": timing.drain_to_store(has_epilogue=has_epilogue),
        "drain_to_scales": timing.DRAIN_TO_SCALES,
        "drain_to_residual": timing.DRAIN_TO_RESIDUAL,
        "store_to_drain": timing.STORE_TO_DRAIN,
        "response_to_load": timing.RESPONSE_TO_LOAD,
        "done_to_interrupt": timing.DONE_TO_INTERRUPT,
        "response_to_descriptor": timing.RESPONSE_TO_DESCRIPTOR,
        "saved": SAVED_BETWEEN_LAYERS,
    }
