"""Points of [0, 1]^n as mappings of a layer on an accelerator, and back; pure.

After NAAS (Lin, Yang, Han, DAC 2021): loop orders by *importance* (a number for each dim; the
highest is the outermost loop) or, its rival, by the *index* of the permutation; tile bounds as
ratios of the layer's dim.

Where the paper is silent, this is chosen here:

- *Ratios are logarithmic*: of n possible values, a gene x gives floor((n + 1)^x), so every value
  has its interval.
- *Rounding of tiles*: a bound is at most what covers the dim; an L2 tile of K or C is rounded up
  to whole channel blocks (or to the dim). Used extents of K and C axes are not free.
- *Overflow* of a buffer is repaired by shrinking bounds (`naas_hw.search.mapping.repair`).

A point decodes to every legal mapping that covers no dim more often than it must. So no mapping
that may be the best is out of reach.

Batches of mappings are `MappingBatch`. Array legend: N candidates, L levels (DRAM, L2, PE), D dims
in the order of `DIMS`, G genes.
"""

from dataclasses import dataclass
from functools import cached_property
from itertools import permutations
from math import factorial, gcd
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from naas_hw.arch.accelerator import Accelerator
from naas_hw.cost.compiled.batch import MappingBatch, problem_table
from naas_hw.mapping.geometry import ceil_div, usable_positions
from naas_hw.search.mapping.decoding_kernels import decode_all_bounds, decode_orders
from naas_hw.search.unit_interval import Encoding, Genes
from naas_hw.workload.layer import DIMS, Layer

Ints = NDArray[np.int64]
Integers = NDArray[np.integer[Any]]

NUM_DIMS: Final = len(DIMS)
NUM_LEVELS: Final = 3

ORDERS: Final = np.array(list(permutations(range(NUM_DIMS))), dtype=np.int64)
"""All orders of the dims, as indices count them: lexicographic, [720, D]."""


def orders_from_indices(indices: Integers) -> Ints:
    """Loop orders by their index in `ORDERS`.

    Parameters
    ----------
    indices : 0 .. 719, any shape.

    Returns
    -------
    int64 of the same shape with one axis of D more: dims, outermost first.

    Examples
    --------
    >>> orders_from_indices(np.array([0, 719])).tolist()
    [[0, 1, 2, 3, 4, 5], [5, 4, 3, 2, 1, 0]]
    """
    orders: Ints = ORDERS[indices]
    return orders


def indices_from_orders(orders: Integers) -> Ints:
    """The index of each order: what `orders_from_indices` undoes.

    Notes
    -----
    Position i adds (D - 1 - i)! for every later dim that is smaller.
    """
    later = np.triu(np.ones((NUM_DIMS, NUM_DIMS), dtype=bool), 1)
    smaller = orders[..., np.newaxis, :] < orders[..., :, np.newaxis]
    weights = [factorial(NUM_DIMS - 1 - position) for position in range(NUM_DIMS)]
    return np.asarray((smaller & later).sum(axis=-1) @ np.array(weights, dtype=np.int64))


def mapping_batch(
    orders_NLD: Integers, l2_ND: Integers, pe_ND: Integers, spatial_ND: Integers
) -> MappingBatch:
    """A batch of numbers that are on the grid, in the types that compiled code expects.

    The checks of the constructor are left out: what comes here was made by decoding or by moves on
    the grid, some ten batches for each that is evaluated, and the checks took a fifth of a search.
    """
    batch = object.__new__(MappingBatch)
    for name, numbers, kind in (
        ("orders", orders_NLD, np.int8),
        ("l2", l2_ND, np.int64),
        ("pe", pe_ND, np.int64),
        ("spatial", spatial_ND, np.int64),
    ):
        object.__setattr__(batch, name, np.ascontiguousarray(numbers, dtype=kind))
    return batch


@dataclass(frozen=True, kw_only=True)
class MappingEncoding:
    """The mappings of one layer on one accelerator as points of [0, 1]^36, or 21 by index.

    Genes: loop orders at three levels (DRAM, L2, PE), by importances of six dims or by an index
    each; ratios of the six dims for the bounds inside the PE; for the L2 tile; and for the used
    extents of P Q R S axes.
    """

    accelerator: Accelerator
    layer: Layer
    encoding: Encoding = Encoding.IMPORTANCE

    @property
    def num_order_genes(self) -> int:
        """Numbers that the loop orders of all levels take."""
        return NUM_LEVELS * (1 if self.encoding is Encoding.INDEX else NUM_DIMS)

    @property
    def num_genes(self) -> int:
        """Numbers of a point."""
        return self.num_order_genes + 3 * NUM_DIMS

    @cached_property
    def dims_D(self) -> Ints:
        """The layer's bound of each dim."""
        return np.array([self.layer.bounds[d] for d in DIMS], dtype=np.int64)

    @cached_property
    def sizes_D(self) -> Ints:
        """Positions that may be used along each dim."""
        sizes = [
            min(usable_positions(self.accelerator, self.layer, d), self.layer.bounds[d])
            for d in DIMS
        ]
        return np.array(sizes, dtype=np.int64)

    @cached_property
    def _problems(self) -> NDArray[np.void]:
        return problem_table([(self.accelerator, self.layer)])

    def extents(self, spatial_ND: Ints) -> Ints:
        """Indices that one pass over an axis covers: whole lanes on K and C."""
        extents = spatial_ND.copy()
        for dim in ("K", "C"):
            lanes = gcd(self.accelerator.beat_bytes, self.accelerator.size_of(dim))
            column = DIMS.index(dim)
            extents[:, column] = ceil_div(extents[:, column], lanes) * lanes
        return extents

    def decode(self, genes_NG: Genes) -> MappingBatch:
        """Mappings of points; values outside of [0, 1] count as the nearest inside."""
        points = np.ascontiguousarray(genes_NG, dtype=np.float64).reshape(-1, self.num_genes)
        l2, pe, spatial = (np.empty((len(points), NUM_DIMS), dtype=np.int64) for _ in range(3))
        decode_all_bounds(self._problems, points, l2, pe, spatial)
        return mapping_batch(self._orders(points), l2, pe, spatial)

    def _orders(self, points_NG: Genes) -> Integers:
        if self.encoding is Encoding.INDEX:
            genes, count = np.clip(points_NG[:, :NUM_LEVELS], 0.0, 1.0), len(ORDERS)
            return orders_from_indices(np.minimum((genes * count).astype(np.int64), count - 1))
        orders = np.empty((len(points_NG), NUM_LEVELS, NUM_DIMS), dtype=np.int8)
        decode_orders(points_NG, orders)
        return orders

    def _order_genes(self, orders_NLD: Ints) -> Genes:
        """Genes that decode to these orders."""
        if self.encoding is Encoding.INDEX:
            return (indices_from_orders(orders_NLD) + 0.5) / len(ORDERS)
        importances_NLD = np.empty(orders_NLD.shape, dtype=np.float64)
        ranks = (NUM_DIMS - 0.5 - np.arange(NUM_DIMS)) / NUM_DIMS
        np.put_along_axis(importances_NLD, orders_NLD, np.broadcast_to(ranks, orders_NLD.shape), 2)
        return importances_NLD.reshape(len(orders_NLD), -1)

    def encode(self, arrays: MappingBatch) -> Genes:
        """Points that decode to the mappings.

        Raises
        ------
        ValueError : one of them is not on the grid of this encoding.
        """
        extents = self.extents(arrays.spatial)
        pe_most = ceil_div(self.dims_D, extents)
        l2_most = ceil_div(self.dims_D, extents * arrays.pe)
        genes = np.concatenate(
            [
                self._order_genes(arrays.orders.astype(np.int64)),
                np.log(arrays.pe + 0.5) / np.log(pe_most + 1.0),
                np.log(arrays.l2 + 0.5) / np.log(l2_most + 1.0),
                (arrays.spatial - 0.5) / self.sizes_D,
            ],
            axis=1,
        )
        self._check_round_trip(arrays, genes)
        clipped: Genes = np.clip(genes, 0.0, 1.0)
        return clipped

    def _check_round_trip(self, arrays: MappingBatch, genes_NG: Genes) -> None:
        decoded = self.decode(genes_NG)
        for field in ("orders", "l2", "pe", "spatial"):
            due, got = getattr(arrays, field), getattr(decoded, field)
            if not np.array_equal(due, got):
                row = int(np.argwhere((due != got).reshape(len(due), -1).any(axis=1))[0, 0])
                raise ValueError(
                    f"{field.split('_')[0]} must be on the layer's grid, not {due[row].tolist()}"
                )
