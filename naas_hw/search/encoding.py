"""Points of [0, 1]^n as accelerators and as mappings, and back; pure.

After NAAS (Lin, Yang, Han, DAC 2021): sizes as numbers; parallel dims and loop orders by
*importance* (a number for each dim; the highest k are the parallel dims of k axes, the highest is
the outermost loop); tile bounds as ratios of the layer's dim.

Where the paper is silent, this is chosen here:

- *PEs and sizes*: one gene is the number of PEs (step 8), one for each axis but the last how the
  axes share it, and the last axis takes the largest even size that fits. The array may so have a
  few PEs less than the gene says, never more.
- *Axes*: the most important dim lies along the first axis. Sizes are even, from 2 to 1024.
- *Sizes are logarithmic*: equal steps of a gene are equal factors. Ratios of a dim too: of n
  possible values, a gene x gives floor((n + 1)^x), so every value has its interval.
- *Private buffers* are multiples of 16 B, from 16 B to what the budget leaves one PE; the global
  buffer takes a share (logarithmic) of what the private ones leave.
- *Bandwidth, banks and scales* are the budget's.
- *Rounding of tiles*: a bound is at most what covers the dim; an L2 tile of K or C is rounded up
  to whole channel blocks (or to the dim). Used extents of K and C axes are not free.
- *Overflow* of a buffer is repaired, elsewhere, by shrinking bounds (`mapping_space`).

A mapping is legal, and covers no dim more than once too often, if and only if some point decodes
to it: nothing that may be best is out of reach.

Batches of mappings are `MappingBatch`. Array legend: N candidates, L levels (DRAM, L2, PE), D dims
in the order of `DIMS`, G genes.
"""

from dataclasses import dataclass
from functools import cached_property
from math import gcd, lcm, log, prod
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from naas_hw.arch.accelerator import OUTPUT_DIMS, Accelerator, Axis
from naas_hw.arch.budget import BUFFER_STEP_BYTES, PE_STEP, Budget
from naas_hw.cost.compiled import MappingBatch
from naas_hw.workload.layer import DIMS, Layer

Genes = NDArray[np.float64]
Ints = NDArray[np.int64]
Integers = NDArray[np.integer[Any]]

NUM_DIMS: Final = len(DIMS)
NUM_LEVELS: Final = 3
MAX_AXES: Final = 3
MAX_AXIS_SIZE: Final = 1024
SIZE_STEP: Final = 2

PES_GENE: Final = 1
GLOBAL_BUFFER_GENE: Final = 13

MIN_BANK_BYTES: Final = 64
MAX_BANK_BYTES: Final = 4 * 1024 * 1024
MAX_PRIVATE_BYTES: Final = 65536
MAX_ACCUMULATOR_WORDS: Final = 65536


# ------------------------------------------------------------------------------------ one gene


def choose(gene: float, count: int) -> int:
    """0 .. count - 1, each over an equal interval of the gene.

    Examples
    --------
    >>> [choose(gene, 3) for gene in (0.0, 0.4, 0.99, 1.0)]
    [0, 1, 2, 2]
    """
    return min(count - 1, int(_clipped(gene) * count))


def gene_of_choice(index: int, count: int) -> float:
    """Middle of the interval of `index`."""
    return (index + 0.5) / count


def scale(gene: float, most: int) -> int:
    """1 .. most, over intervals of equal ratio.

    Examples
    --------
    >>> [scale(gene, 7) for gene in (0.0, 0.34, 0.67, 1.0)]
    [1, 2, 4, 7]
    """
    return min(most, int((most + 1.0) ** _clipped(gene)))


def gene_of_scale(value: int, most: int) -> float:
    """A gene that `scale` turns into `value`."""
    return log(value + 0.5) / log(most + 1.0)


def _clipped(gene: float) -> float:
    return min(1.0, max(0.0, gene))


def importances(order: tuple[int, ...]) -> list[float]:
    """Importances that sort into an order: the first is the highest."""
    found = [0.0] * len(order)
    for rank, dim in enumerate(order):
        found[dim] = gene_of_choice(len(order) - 1 - rank, len(order))
    return found


# --------------------------------------------------------------------------------- accelerators


@dataclass(frozen=True, kw_only=True)
class AcceleratorEncoding:
    """The accelerators of a budget as points of [0, 1]^14.

    Genes: number of axes; PEs; two shares of the PEs; six importances of dims; bytes of weights and
    of inputs in a PE; accumulators; share of the global buffer. `decode` gives an `Accelerator` for
    every point, on the grid; whether it fits the budget, `budget.violations` says.
    """

    budget: Budget
    num_genes: int = 4 + NUM_DIMS + 4

    @property
    def start(self) -> Genes:
        """Where a search begins: most of the PEs and of the memory in use, all dims alike."""
        genes = np.full(self.num_genes, 0.5)
        genes[PES_GENE], genes[GLOBAL_BUFFER_GENE] = 0.9, 0.8
        return genes

    def decode(self, genes: Genes, *, name: str = "candidate") -> Accelerator:
        """The accelerator of a point; values outside of [0, 1] count as the nearest inside."""
        values = [float(gene) for gene in genes]
        if len(values) != self.num_genes:
            raise ValueError(f"genes must be {self.num_genes}, not {len(values)}")
        sizes = self._sizes(values[0], values[1], values[2:4])
        order = np.argsort(-np.asarray(values[4:10]), kind="stable")
        axes = tuple(Axis(dim=DIMS[d], size=n) for d, n in zip(order, sizes, strict=False))
        return self._with_buffers(axes, values[10:], name)

    def _sizes(self, axes_gene: float, pes_gene: float, shares: list[float]) -> list[int]:
        num_axes = 1 + choose(axes_gene, MAX_AXES)
        left = PE_STEP * (1 + choose(pes_gene, self.budget.max_pes // PE_STEP))
        sizes = []
        for index in range(num_axes - 1):
            size = SIZE_STEP * scale(shares[index], self._most_of_share(left, num_axes - index))
            sizes.append(size)
            left //= size
        return [*sizes, min(MAX_AXIS_SIZE, left // SIZE_STEP * SIZE_STEP)]

    @staticmethod
    def _most_of_share(num_pes: int, num_axes: int) -> int:
        """Steps of an axis at most, if those after it are to have one at least."""
        share: int = num_pes // SIZE_STEP ** (num_axes - 1)
        return min(MAX_AXIS_SIZE, share) // SIZE_STEP

    def _with_buffers(self, axes: tuple[Axis, ...], genes: list[float], name: str) -> Accelerator:
        budget = self.budget
        space = _BufferSpace(budget=budget, axes=axes)
        fixed = {
            "name": name,
            "axes": axes,
            "num_banks": budget.num_banks,
            "scale_depth": budget.scale_depth,
            "beat_bytes": budget.beat_bytes,
            "dram_latency_cycles": budget.dram_latency_cycles,
            "dram_beat_period_cycles": budget.dram_beat_period_cycles,
        }
        weights = BUFFER_STEP_BYTES * scale(genes[0], space.most_private_steps)
        inputs = BUFFER_STEP_BYTES * scale(genes[1], space.most_private_steps)
        words = space.accumulator_unit * scale(genes[2], space.most_accumulator_units)
        bank_bytes = space.bank_bytes(genes[3], space.bytes_left(weights, inputs, words))
        return Accelerator.model_validate(
            {
                **fixed,
                "weight_buffer_bytes": weights,
                "input_buffer_bytes": inputs,
                "accumulator_words": words,
                "bank_bytes": bank_bytes,
            }
        )

    def encode(self, accelerator: Accelerator) -> Genes:
        """A point that decodes to the accelerator.

        Raises
        ------
        ValueError : it is not on the grid of this encoding.
        """
        sizes = [axis.size for axis in accelerator.axes]
        order = [DIMS.index(axis.dim) for axis in accelerator.axes]
        order += [d for d in range(NUM_DIMS) if d not in order]
        space = _BufferSpace(budget=self.budget, axes=accelerator.axes)
        left = space.bytes_left(
            accelerator.weight_buffer_bytes,
            accelerator.input_buffer_bytes,
            accelerator.accumulator_words,
        )
        genes = [
            gene_of_choice(len(sizes) - 1, MAX_AXES),
            *self._size_genes(sizes),
            *importances(tuple(order)),
            *space.private_genes(accelerator),
            space.bank_gene(accelerator.bank_bytes, left),
        ]
        found = np.clip(np.asarray(genes, dtype=np.float64), 0.0, 1.0)
        if self.decode(found, name=accelerator.name) != accelerator:
            raise ValueError(f"accelerator must be on the budget's grid, not {accelerator!r}")
        return found

    def _size_genes(self, sizes: list[int]) -> list[float]:
        """Genes of PEs and shares: the fewest PEs whose last axis comes out right."""
        count = self.budget.max_pes // PE_STEP
        num_pes = PE_STEP * -(-prod(sizes) // PE_STEP)
        index = min(num_pes // PE_STEP, count) - 1
        shares, left = [], num_pes
        for position, size in enumerate(sizes[:-1]):
            most = self._most_of_share(left, len(sizes) - position)
            shares.append(gene_of_scale(size // SIZE_STEP, max(most, 1)))
            left //= size
        return [gene_of_choice(index, count), *shares, *[0.5] * (MAX_AXES - 1 - len(shares))]


@dataclass(frozen=True, kw_only=True)
class _BufferSpace:
    """Ranges of the buffers of one array under one budget."""

    budget: Budget
    axes: tuple[Axis, ...]

    @property
    def num_pes(self) -> int:
        return prod(axis.size for axis in self.axes)

    @property
    def num_groups(self) -> int:
        """Accumulator banks: positions of the axes that select an output."""
        return prod(axis.size for axis in self.axes if axis.dim in OUTPUT_DIMS)

    @property
    def most_private_steps(self) -> int:
        most = min(MAX_PRIVATE_BYTES, self.budget.on_chip_bytes // self.num_pes)
        return max(1, most // BUFFER_STEP_BYTES)

    @property
    def accumulator_unit(self) -> int:
        """Words of a step: 16 bytes, and whole lanes in both halves."""
        on_axis = any(axis.dim == "K" for axis in self.axes)
        lanes = 1 if on_axis else self.budget.beat_bytes // 4
        return lcm(BUFFER_STEP_BYTES // 4, 2 * lanes)

    @property
    def most_accumulator_units(self) -> int:
        words = min(MAX_ACCUMULATOR_WORDS, self.budget.on_chip_bytes // (4 * self.num_groups))
        return max(1, words // self.accumulator_unit)

    def bytes_left(self, weights: int, inputs: int, words: int) -> int:
        private = self.num_pes * (weights + inputs) + self.num_groups * words * 4
        return self.budget.on_chip_bytes - private

    def _bank_range(self, left: int) -> tuple[int, int]:
        """Words of a bank, least and most."""
        beat = self.budget.beat_bytes
        least = -(-MIN_BANK_BYTES // beat)
        most = min(MAX_BANK_BYTES, left // self.budget.num_banks) // beat
        return least, max(least, most)

    def bank_bytes(self, gene: float, left: int) -> int:
        least, most = self._bank_range(left)
        words = int(least * ((most + 1) / least) ** _clipped(gene))
        return min(most, words) * self.budget.beat_bytes

    def bank_gene(self, bank_bytes: int, left: int) -> float:
        least, most = self._bank_range(left)
        words = bank_bytes // self.budget.beat_bytes
        return log((words + 0.5) / least) / log((most + 1) / least)

    def private_genes(self, accelerator: Accelerator) -> list[float]:
        steps = (
            (accelerator.weight_buffer_bytes // BUFFER_STEP_BYTES, self.most_private_steps),
            (accelerator.input_buffer_bytes // BUFFER_STEP_BYTES, self.most_private_steps),
            (
                accelerator.accumulator_words // self.accumulator_unit,
                self.most_accumulator_units,
            ),
        )
        return [gene_of_scale(value, most) for value, most in steps]


# ------------------------------------------------------------------------------------- mappings


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
    """The mappings of one layer on one accelerator as points of [0, 1]^36.

    Genes: importances of six dims at three levels (DRAM, L2, PE); ratios of the six dims for the
    bounds inside the PE; for the L2 tile; and for the used extents of P Q R S axes.
    """

    accelerator: Accelerator
    layer: Layer
    num_genes: int = (NUM_LEVELS + 3) * NUM_DIMS

    @cached_property
    def dims_D(self) -> Ints:
        """The layer's bound of each dim."""
        return np.array([self.layer.bounds[d] for d in DIMS], dtype=np.int64)

    @cached_property
    def sizes_D(self) -> Ints:
        """Positions that may be used along each dim."""
        sizes = [min(self.accelerator.size_of(d), self.layer.bounds[d]) for d in DIMS]
        return np.array(sizes, dtype=np.int64)

    @cached_property
    def is_free_D(self) -> NDArray[np.bool_]:
        """Where the used extent is the mapping's choice."""
        return np.array([d not in ("K", "C") for d in DIMS]) & (self.sizes_D > 1)

    def extents(self, spatial_ND: Ints) -> Ints:
        """Indices that one pass over an axis covers: whole lanes on K and C."""
        extents = spatial_ND.copy()
        for dim in ("K", "C"):
            lanes = gcd(self.accelerator.beat_bytes, self.accelerator.size_of(dim))
            column = DIMS.index(dim)
            extents[:, column] = _ceil_div(extents[:, column], np.int64(lanes)) * lanes
        return extents

    def round_blocks(self, l2_ND: Ints, pe_ND: Ints, spatial_ND: Ints) -> Ints:
        """L2 bounds that hold whole channel blocks, and none more than covers its dim."""
        steps_ND = pe_ND * self.extents(spatial_ND)
        rounded = l2_ND.copy()
        for column in (DIMS.index("K"), DIMS.index("C")):
            beat = np.int64(self.accelerator.beat_bytes)
            unit = beat // np.gcd(steps_ND[:, column], beat)
            rounded[:, column] = _ceil_div(rounded[:, column], unit) * unit
        return np.minimum(rounded, _ceil_div(self.dims_D, steps_ND))

    def decode(self, genes_NG: Genes) -> MappingBatch:
        """Mappings of points; values outside of [0, 1] count as the nearest inside."""
        genes = np.clip(np.atleast_2d(genes_NG), 0.0, 1.0).reshape(-1, NUM_LEVELS + 3, NUM_DIMS)
        orders = np.argsort(-genes[:, :NUM_LEVELS], axis=2, kind="stable").astype(np.int64)
        return self.arrays(orders, genes[:, 3], genes[:, 4], genes[:, 5])

    def arrays(
        self, orders_NLD: Ints, pe_genes: Genes, l2_genes: Genes, spatial_genes: Genes
    ) -> MappingBatch:
        """Mappings of given orders and ratios."""
        chosen = np.ceil(spatial_genes * self.sizes_D).astype(np.int64)
        spatial = np.where(self.is_free_D, np.maximum(chosen, 1), self.sizes_D)
        extents = self.extents(spatial)
        pe = _scale(pe_genes, _ceil_div(self.dims_D, extents))
        l2 = _scale(l2_genes, _ceil_div(self.dims_D, extents * pe))
        return mapping_batch(orders_NLD, self.round_blocks(l2, pe, spatial), pe, spatial)

    def encode(self, arrays: MappingBatch) -> Genes:
        """Points that decode to the mappings.

        Raises
        ------
        ValueError : one of them is not on the grid of this encoding.
        """
        importances_NLD = np.empty(arrays.orders.shape, dtype=np.float64)
        ranks = (NUM_DIMS - 0.5 - np.arange(NUM_DIMS)) / NUM_DIMS
        orders = arrays.orders.astype(np.int64)
        np.put_along_axis(importances_NLD, orders, np.broadcast_to(ranks, orders.shape), 2)
        extents = self.extents(arrays.spatial)
        pe_most = _ceil_div(self.dims_D, extents)
        l2_most = _ceil_div(self.dims_D, extents * arrays.pe)
        genes = np.concatenate(
            [
                importances_NLD.reshape(len(arrays), -1),
                np.log(arrays.pe + 0.5) / np.log(pe_most + 1.0),
                np.log(arrays.l2 + 0.5) / np.log(l2_most + 1.0),
                (arrays.spatial - 0.5) / self.sizes_D,
            ],
            axis=1,
        )
        self._check_round_trip(arrays, genes)
        found: Genes = np.clip(genes, 0.0, 1.0)
        return found

    def _check_round_trip(self, arrays: MappingBatch, genes_NG: Genes) -> None:
        found = self.decode(genes_NG)
        for field in ("orders", "l2", "pe", "spatial"):
            due, got = getattr(arrays, field), getattr(found, field)
            if not np.array_equal(due, got):
                row = int(np.argwhere((due != got).reshape(len(due), -1).any(axis=1))[0, 0])
                raise ValueError(
                    f"{field.split('_')[0]} must be on the layer's grid, not {due[row].tolist()}"
                )


def _ceil_div(numerator: Ints | np.int64, denominator: Ints | np.int64) -> Ints:
    return np.asarray(-(-numerator // denominator), dtype=np.int64)


def _scale(genes_ND: Genes, most_ND: Ints) -> Ints:
    return np.minimum(most_ND, np.floor((most_ND + 1.0) ** genes_ND).astype(np.int64))
