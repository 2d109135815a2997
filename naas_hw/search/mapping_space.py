"""Moves in the space of mappings, on arrays: seeds, mutation, crossing, repair.

Nothing here knows a capacity: what is legal is asked, a batch at a time, of the cost model. A bound
is *balanced* if it is ceil(n / k) for some k: the smallest that makes k tiles of n indices. Moves
propose balanced bounds most of the time and any bound some of the time, so they waste little and
still reach everything.

Array legend: N candidates, L levels (DRAM, L2, PE), D dims in the order of `DIMS`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from naas_hw.cost.compiled import MappingBatch
from naas_hw.search.mapping_encoding import NUM_DIMS, Integers, Ints, MappingEncoding, mapping_batch
from naas_hw.workload.layer import DIMS

Mask = NDArray[np.bool_]
Legal = Callable[[MappingBatch], Mask]

ANY_BOUND_PROBABILITY: Final = 0.1
"""How often a move draws from all bounds instead of the balanced ones."""

MAX_MOVES: Final = 3
REPAIR_ROUNDS: Final = 6

PE_GROWTH: Final = ("SRQPCK", "SRCKQP", "QSRPKC", "QPKSRC", "CSRQPK", "SQKPRC", "PQCKSR", "KCSRQP")
"""Orders in which seeds let the dims inside a PE grow: what grows first is what stays."""

L2_GROWTH: Final = ("SRCQPK", "SRCKQP", "SRQPKC", "CSRKQP", "KSRCQP", "QSRPCK")
DRAM_ORDERS: Final = ("KPQCRS", "PQKCRS", "KCPQRS", "PKQCRS", "CKPQRS")
L2_ORDERS: Final = ("KPQCRS", "PQKCRS", "PQCRSK", "CRSKPQ", "KCRSPQ", "CKPQRS", "PKQRSC")


@lru_cache(maxsize=4096)
def balanced(count: int) -> Ints:
    """Bounds that are ceil(count / k) for some k, ascending.

    Examples
    --------
    >>> balanced(7).tolist()
    [1, 2, 3, 4, 7]
    """
    parts = np.arange(1, count + 1, dtype=np.int64)
    return np.unique(-(-count // parts))


def order_of(text: str) -> list[int]:
    """An order given as letters, as indices into DIMS."""
    found: list[int] = [DIMS.index(dim) for dim in text]
    return found


@dataclass(frozen=True, kw_only=True)
class MappingSpace:
    """The mappings of one layer on one accelerator, and how to move among them.

    Parameters
    ----------
    encoding : the grid.
    legal : which of a batch of mappings the accelerator can run.
    """

    encoding: MappingEncoding
    legal: Legal

    @cached_property
    def _counts_D(self) -> Ints:
        """Passes over each axis that cover its dim, with all of its positions in use."""
        sizes = self.encoding.sizes_D[np.newaxis]
        return np.asarray(-(-self.encoding.dims_D // self.encoding.extents(sizes)[0]))

    # Normal form -----------------------------------------------------------------------------

    def normal(self, arrays: MappingBatch) -> MappingBatch:
        """The same nests in one form: on the grid, and loops of bound 1 last at each level.

        Two mappings with the same normal form cost the same. The order inside a PE costs nothing
        and is the order of DIMS.
        """
        encoding = self.encoding
        spatial = np.where(
            encoding.is_free_D, np.clip(arrays.spatial, 1, encoding.sizes_D), encoding.sizes_D
        )
        extents = encoding.extents(spatial)
        pe = np.clip(arrays.pe, 1, -(-encoding.dims_D // extents))
        l2 = np.clip(arrays.l2, 1, -(-encoding.dims_D // (extents * pe)))
        l2 = encoding.round_blocks(l2, pe, spatial)
        num_tiles = -(-encoding.dims_D // (extents * pe * l2))
        orders = arrays.orders.copy()
        orders[:, 0] = _moving_first(orders[:, 0], num_tiles)
        orders[:, 1] = _moving_first(orders[:, 1], l2)
        orders[:, 2] = np.arange(NUM_DIMS)
        return mapping_batch(orders, l2, pe, spatial)

    # Seeds -----------------------------------------------------------------------------------

    def smallest(self, num: int = 1) -> MappingBatch:
        """The mapping with the smallest tiles; if it is illegal, hardly any other is legal."""
        ones = np.ones((num, NUM_DIMS), dtype=np.int64)
        orders = np.tile(np.array(order_of("KPQCRS"), dtype=np.int64), (num, 3, 1))
        return self.normal(mapping_batch(orders, ones, ones, ones))

    def seeds(self, num: int, rng: np.random.Generator) -> MappingBatch:
        """Typical dataflows: all positions in use, and bounds that grew, dim by dim, until full."""
        orders = np.empty((num, 3, NUM_DIMS), dtype=np.int64)
        orders[:, 0] = _drawn(DRAM_ORDERS, num, rng)
        orders[:, 1] = _drawn(L2_ORDERS, num, rng)
        orders[:, 2] = np.arange(NUM_DIMS)
        ones = np.ones((num, NUM_DIMS), dtype=np.int64)
        start = mapping_batch(
            orders,
            ones,
            ones,
            np.tile(self.encoding.sizes_D, (num, 1)),
        )
        return self.grow(start, _drawn(PE_GROWTH, num, rng), _drawn(L2_GROWTH, num, rng))

    def grow(self, arrays: MappingBatch, pe_order_ND: Ints, l2_order_ND: Ints) -> MappingBatch:
        """Let the bounds of each dim grow to the largest balanced one that is legal.

        First inside the PE, in the order `pe_order_ND`, then of the L2 tile. A mapping that is
        illegal to begin with uses one position along each free axis, and is returned as it is if
        that does not help.
        """
        current = self.normal(arrays)
        legal = self.legal(current)
        if not legal.all():
            narrow = np.where(legal[:, np.newaxis], current.spatial, 1)
            current = self.normal(mapping_batch(arrays.orders, current.l2, current.pe, narrow))
        current = MappingBatch(  # orders as given: normal form would settle too early
            orders=arrays.orders,
            l2=current.l2,
            pe=current.pe,
            spatial=current.spatial,
        )
        for column_N in pe_order_ND.T:
            current = self._grow_one(current, column_N, inside_pe=True)
        for column_N in l2_order_ND.T:
            current = self._grow_one(current, column_N, inside_pe=False)
        return self.normal(current)

    def _grow_one(self, arrays: MappingBatch, column_N: Ints, *, inside_pe: bool) -> MappingBatch:
        """The largest legal bound of one dim a candidate: bisection over balanced bounds."""
        rows = np.arange(len(arrays))
        most_ND = -(-self.encoding.dims_D // self.encoding.extents(arrays.spatial))
        if not inside_pe:
            most_ND = -(-most_ND // arrays.pe)
        lists = [balanced(int(most)) for most in most_ND[rows, column_N]]
        low = np.zeros(len(arrays), dtype=np.int64)
        high = np.array([len(values) - 1 for values in lists])
        probe = high.copy()
        best = arrays
        while np.any(low < high):
            values = np.array([v[i] for v, i in zip(lists, probe, strict=True)])
            bounds = (arrays.pe if inside_pe else arrays.l2).copy()
            bounds[rows, column_N] = values
            tried = self._with_bounds(arrays, bounds, inside_pe=inside_pe)
            fits = self.legal(tried) & (probe > low)
            best = _where(fits, tried, best)
            low = np.where(fits, probe, low)
            high = np.where(fits | (low >= high), high, probe - 1)
            high = np.maximum(high, low)
            probe = (low + high + 1) // 2
        return best

    def _with_bounds(self, arrays: MappingBatch, bounds: Ints, *, inside_pe: bool) -> MappingBatch:
        pe = bounds if inside_pe else arrays.pe
        l2 = arrays.l2 if inside_pe else bounds
        return mapping_batch(
            arrays.orders, self.encoding.round_blocks(l2, pe, arrays.spatial), pe, arrays.spatial
        )

    # Moves -----------------------------------------------------------------------------------

    def children(self, parents: MappingBatch, num: int, rng: np.random.Generator) -> MappingBatch:
        """New mappings, each of one or two parents with one to three moves; legal or not."""
        first, second = rng.integers(0, len(parents), (2, num))
        crossed = _where(
            rng.random(num) < 0.4,
            _crossed(taken(parents, first), taken(parents, second), rng),
            taken(parents, first),
        )
        moved = crossed
        num_moves = rng.integers(1, MAX_MOVES + 1, num)
        for move in range(MAX_MOVES):
            moved = _where(num_moves > move, self._moved(moved, rng), moved)
        return self.normal(moved)

    def _moved(self, arrays: MappingBatch, rng: np.random.Generator) -> MappingBatch:
        """One move each: a bound inside the PE, a bound of the tile, an order, a used extent."""
        num = len(arrays)
        kind = rng.choice(5, size=num, p=(0.32, 0.30, 0.15, 0.18, 0.05))
        rows = np.arange(num)
        column = self._drawn_columns(num, rng)
        pe, l2, spatial = arrays.pe.copy(), arrays.l2.copy(), arrays.spatial.copy()
        orders = arrays.orders.copy()

        change = self.encoding.is_free_D[column] & (kind == 4)
        drawn = 1 + (rng.random(num) * self.encoding.sizes_D[column]).astype(np.int64)
        spatial[rows[change], column[change]] = drawn[change]

        steps = -(-self.encoding.dims_D // self.encoding.extents(spatial))
        inner = rows[kind == 0]
        before = pe[inner, column[inner]]
        pe[inner, column[inner]] = self._other(before, steps[inner, column[inner]], rng)
        ratio = before / pe[inner, column[inner]]  # keep the tile about as large as it was
        kept = np.ceil(l2[inner, column[inner]] * ratio).astype(np.int64)
        l2[inner, column[inner]] = np.maximum(kept, 1)

        outer = rows[kind == 1]
        most = -(-steps[outer, column[outer]] // pe[outer, column[outer]])
        l2[outer, column[outer]] = self._other(l2[outer, column[outer]], most, rng)

        for level, chosen in ((0, kind == 2), (1, kind == 3)):
            orders[chosen, level] = _reordered(orders[chosen, level], rng)
        return mapping_batch(orders, l2, pe, spatial)

    def _drawn_columns(self, num: int, rng: np.random.Generator) -> Ints:
        """Dims that have something to split."""
        found = np.flatnonzero(self.encoding.dims_D > 1)
        return rng.choice(found if len(found) else np.arange(NUM_DIMS), size=num)

    @staticmethod
    def _other(values: Ints, most: Ints, rng: np.random.Generator) -> Ints:
        """A bound up to `most`: a balanced neighbour, any balanced one, or any at all."""
        found = np.empty_like(values)
        draws = rng.random((len(values), 3))
        for row, (value, limit) in enumerate(zip(values.tolist(), most.tolist(), strict=True)):
            how, where, step = draws[row]
            choices = balanced(limit)
            if how < ANY_BOUND_PROBABILITY:
                found[row] = 1 + int(where * limit)
            elif how < 0.5:
                found[row] = choices[int(where * len(choices))]
            else:
                at = int(np.searchsorted(choices, value))
                at += (1 if where < 0.5 else -1) * (1 if step < 0.7 else 2)
                found[row] = choices[min(max(at, 0), len(choices) - 1)]
        return found

    # Repair ----------------------------------------------------------------------------------

    def repaired(self, arrays: MappingBatch, rng: np.random.Generator) -> tuple[MappingBatch, Mask]:
        """Legal mappings as they are, illegal ones with bounds halved until they fit or are small.

        Returns
        -------
        The mappings, and which of them are legal.
        """
        current = arrays
        legal = self.legal(current)
        for _ in range(REPAIR_ROUNDS):
            if legal.all():
                break
            bad = np.flatnonzero(~legal)
            shrunk = self._shrunk(taken(current, bad), rng)
            current = _put(current, bad, shrunk)
            legal[bad] = self.legal(shrunk)
        return current, legal

    def _shrunk(self, arrays: MappingBatch, rng: np.random.Generator) -> MappingBatch:
        """One bound of each candidate halved; bounds of 1 are not drawn."""
        bounds = np.concatenate([arrays.pe, arrays.l2], axis=1)
        draws = rng.random(bounds.shape) * np.log2(bounds)
        column = np.argmax(draws, axis=1)
        rows = np.arange(len(arrays))
        bounds[rows, column] = (bounds[rows, column] + 1) // 2
        return self.normal(
            mapping_batch(arrays.orders, bounds[:, NUM_DIMS:], bounds[:, :NUM_DIMS], arrays.spatial)
        )


# ------------------------------------------------------------------------------ arrays as values


def joined(*parts: MappingBatch) -> MappingBatch:
    """All candidates of all parts."""
    return mapping_batch(
        np.concatenate([part.orders for part in parts]),
        np.concatenate([part.l2 for part in parts]),
        np.concatenate([part.pe for part in parts]),
        np.concatenate([part.spatial for part in parts]),
    )


def taken(arrays: MappingBatch, indices: Integers | Mask) -> MappingBatch:
    """The candidates at these indices."""
    return mapping_batch(
        arrays.orders[indices], arrays.l2[indices], arrays.pe[indices], arrays.spatial[indices]
    )


def keys(arrays: MappingBatch) -> list[bytes]:
    """One value a candidate, equal where all of its numbers are."""
    rows = np.concatenate(
        [arrays.orders.reshape(len(arrays), -1), arrays.l2, arrays.pe, arrays.spatial], axis=1
    ).astype(np.uint16)
    text, width = rows.tobytes(), rows.shape[1] * rows.itemsize
    return [text[at : at + width] for at in range(0, len(text), width)]


def _put(arrays: MappingBatch, indices: Ints, values: MappingBatch) -> MappingBatch:
    """The candidates at these indices replaced."""
    source = np.arange(len(arrays))
    source[indices] = len(arrays) + np.arange(len(indices))
    return taken(joined(arrays, values), source)


def _where(mask: Mask, yes: MappingBatch, no: MappingBatch) -> MappingBatch:
    row = mask[:, np.newaxis]
    return mapping_batch(
        np.where(row[:, np.newaxis], yes.orders, no.orders),
        np.where(row, yes.l2, no.l2),
        np.where(row, yes.pe, no.pe),
        np.where(row, yes.spatial, no.spatial),
    )


def _crossed(first: MappingBatch, second: MappingBatch, rng: np.random.Generator) -> MappingBatch:
    """Each dim's bounds from one of the parents, and each level's order."""
    num = len(first)
    of_first_ND = rng.random((num, NUM_DIMS)) < 0.5
    of_first_NL = rng.random((num, 3)) < 0.5
    return mapping_batch(
        np.where(of_first_NL[:, :, np.newaxis], first.orders, second.orders),
        np.where(of_first_ND, first.l2, second.l2),
        np.where(of_first_ND, first.pe, second.pe),
        np.where(of_first_ND, first.spatial, second.spatial),
    )


def _moving_first(order_ND: Integers, bounds_ND: Ints) -> Integers:
    """Dims of bound > 1 in their order, then the others in the order of DIMS."""
    moves = np.take_along_axis(bounds_ND, order_ND, axis=1) > 1
    rank = np.where(moves, np.arange(NUM_DIMS), NUM_DIMS + order_ND)
    return np.take_along_axis(order_ND, np.argsort(rank, axis=1), axis=1)


def _reordered(order_ND: Integers, rng: np.random.Generator) -> Ints:
    """One dim of each order put elsewhere."""
    ranks = np.argsort(order_ND, axis=1).astype(np.float64)
    rows = np.arange(len(order_ND))
    ranks[rows, rng.integers(0, NUM_DIMS, len(rows))] = rng.random(len(rows)) * NUM_DIMS - 0.5
    found: Ints = np.argsort(ranks, axis=1, kind="stable")
    return found


def _drawn(texts: tuple[str, ...], num: int, rng: np.random.Generator) -> Ints:
    """Orders drawn from a list: the first ones in turn, then at random."""
    table = np.array([order_of(text) for text in texts], dtype=np.int64)
    found: Ints = table[rng.permutation(np.arange(num) % len(texts))]
    return found
