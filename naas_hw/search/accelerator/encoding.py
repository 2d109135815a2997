"""Points of [0, 1]^n as accelerators of a budget, and back; pure.

After NAAS (Lin, Yang, Han, DAC 2021): sizes as numbers; parallel dims by *importance* or by *index*
(`parallel_dims`). With fixed parallel dims this is the space of sizing only.

Where the paper is silent, this is chosen here:

- *PEs and sizes*: one gene is the number of PEs (step 8), one for each axis but the last how the
  axes share it, and the last axis takes the largest even size that fits. The array may so have a
  few PEs less than the gene says, never more.
- *Axes*: sizes are even, from 2 to 1024.
- *Sizes are logarithmic*: equal steps of a gene are equal factors.
- *Private buffers* are multiples of 16 B, from 16 B to what the budget leaves one PE; the global
  buffer takes a share (logarithmic) of what the private ones leave.
- *Bandwidth, banks and scales* are the budget's.
- *Lanes of drain* are a quarter, a half or all of a beat, those of them that divide the scales.
- *Optional hardware* is what the layers need.
"""

from dataclasses import dataclass
from functools import cached_property
from math import lcm, log, prod
from typing import Final

import numpy as np

from naas_hw.arch.accelerator import OUTPUT_DIMS, Accelerator, Axis
from naas_hw.arch.budget import BUFFER_STEP_BYTES, MIN_BANK_BYTES, PE_STEP, Budget
from naas_hw.core.errors import InputError
from naas_hw.search.parallel_dims import MAX_AXES, ByImportance, ByIndex, Fixed, ParallelDims
from naas_hw.search.unit_interval import (
    Encoding,
    Genes,
    choose,
    clipped,
    gene_of_choice,
    gene_of_scale,
    scale,
)
from naas_hw.workload.layer import Dim
from naas_hw.workload.option import Option

CANDIDATE_NAME: Final = "candidate"
MAX_AXIS_SIZE: Final = 1024
SIZE_STEP: Final = 2

NUM_SIZE_GENES: Final = 1 + MAX_AXES - 1
NUM_BUFFER_GENES: Final = 4

_DRAIN_GENE: Final = -NUM_BUFFER_GENES - 1
"""Position of the lanes of drain; without a choice, that of a share, which changes nothing."""

MAX_BANK_BYTES: Final = 4 * 1024 * 1024
MAX_PRIVATE_BYTES: Final = 65536
MAX_ACCUMULATOR_WORDS: Final = 65536


@dataclass(frozen=True, kw_only=True)
class AcceleratorEncoding:
    """The accelerators of a budget as points of [0, 1]^n.

    Genes: those of the parallel dims; PEs; two shares of the PEs; lanes of drain, if there is a
    choice; bytes of weights and of inputs in a PE; accumulators; share of the global buffer.
    `decode` gives an `Accelerator` for every point,
    on the grid; whether it fits the budget, `budget.violations` says.

    Parameters
    ----------
    encoding : of the parallel dims.
    fixed_dims : the parallel dims, where they are not searched.
    drain_lanes : of all accelerators, where they are not searched.
    options : optional hardware of all accelerators.
    """

    budget: Budget
    encoding: Encoding = Encoding.IMPORTANCE
    fixed_dims: tuple[Dim, ...] | None = None
    drain_lanes: int | None = None
    options: frozenset[Option] = frozenset()

    def __post_init__(self) -> None:
        if self.drain_lanes is not None and self.drain_lanes not in self._drain_widths:
            widths = ", ".join(map(str, self._drain_widths))
            raise InputError(
                f"drain_lanes must be one of {widths} under budget {self.budget.name}, "
                f"not {self.drain_lanes}"
            )

    @cached_property
    def parallel_dims(self) -> ParallelDims:
        """How the parallel dims are written."""
        if self.fixed_dims is not None:
            return Fixed(self.fixed_dims)
        return ByIndex() if self.encoding is Encoding.INDEX else ByImportance()

    @property
    def num_genes(self) -> int:
        """Numbers of a point."""
        num_drain_genes = int(len(self.drain_choices) > 1)
        return self.parallel_dims.num_genes + NUM_SIZE_GENES + num_drain_genes + NUM_BUFFER_GENES

    @cached_property
    def drain_choices(self) -> tuple[int, ...]:
        """Lanes of drain that an accelerator may have, fewest first."""
        return self._drain_widths if self.drain_lanes is None else (self.drain_lanes,)

    @property
    def _drain_widths(self) -> tuple[int, ...]:
        """A quarter of a beat at least; whether that divides the scales the accelerator says."""
        least = self.budget.beat_bytes // 4
        wider = (2 * least, 4 * least)
        return (least, *(lanes for lanes in wider if self.budget.scale_depth % lanes == 0))

    @property
    def start(self) -> Genes:
        """Where a search begins: most of the PEs and of the memory, all lanes, all dims alike."""
        genes = np.full(self.num_genes, 0.5)
        genes[self.parallel_dims.num_genes], genes[-1] = 0.9, 0.8
        if len(self.drain_choices) > 1:
            genes[_DRAIN_GENE] = 1.0
        return genes

    def decode(self, genes: Genes, *, name: str = CANDIDATE_NAME) -> Accelerator:
        """The accelerator of a point; values outside of [0, 1] count as the nearest inside."""
        values = [float(gene) for gene in genes]
        if len(values) != self.num_genes:
            raise ValueError(f"genes must be {self.num_genes}, not {len(values)}")
        num = self.parallel_dims.num_genes
        dims = self.parallel_dims.decode(values[:num])
        sizes = self._sizes(len(dims), values[num], values[num + 1 :])
        axes = tuple(Axis(dim=dim, size=size) for dim, size in zip(dims, sizes, strict=True))
        choices = self.drain_choices
        lanes = choices[choose(values[_DRAIN_GENE], len(choices))]
        return self.with_buffers(axes, values[-NUM_BUFFER_GENES:], name=name, drain_lanes=lanes)

    def _sizes(self, num_axes: int, pes_gene: float, shares: list[float]) -> list[int]:
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

    def with_buffers(
        self,
        axes: tuple[Axis, ...],
        genes: list[float],
        *,
        name: str = CANDIDATE_NAME,
        drain_lanes: int | None = None,
    ) -> Accelerator:
        """The array with buffers by their four genes; with all lanes of drain by default."""
        budget = self.budget
        lanes = drain_lanes or self.drain_choices[-1]
        space = _BufferSpace(budget=budget, axes=axes, drain_lanes=lanes)
        fixed = {
            "name": name,
            "axes": axes,
            "num_banks": budget.num_banks,
            "scale_depth": budget.scale_depth,
            "beat_bytes": budget.beat_bytes,
            "drain_lanes": lanes,
            "dram_latency_cycles": budget.dram_latency_cycles,
            "dram_beat_period_cycles": budget.dram_beat_period_cycles,
            **{option.value: option in self.options for option in Option},
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

    def with_drain(self, accelerator: Accelerator, drain_lanes: int) -> Accelerator:
        """The accelerator with these lanes of drain; accumulators rounded down to whole lanes."""
        space = _BufferSpace(budget=self.budget, axes=accelerator.axes, drain_lanes=drain_lanes)
        units = max(1, accelerator.accumulator_words // space.accumulator_unit)
        return accelerator.model_copy(
            update={
                "drain_lanes": drain_lanes,
                "accumulator_words": units * space.accumulator_unit,
            }
        )

    def encode(self, accelerator: Accelerator) -> Genes:
        """A point that decodes to the accelerator.

        Raises
        ------
        ValueError : it is not on the grid of this encoding.
        """
        sizes = [axis.size for axis in accelerator.axes]
        lanes = accelerator.drain_lanes
        space = _BufferSpace(budget=self.budget, axes=accelerator.axes, drain_lanes=lanes)
        left = space.bytes_left(
            accelerator.weight_buffer_bytes,
            accelerator.input_buffer_bytes,
            accelerator.accumulator_words,
        )
        genes = [
            *self.parallel_dims.encode(tuple(axis.dim for axis in accelerator.axes)),
            *self._size_genes(sizes),
            *self._drain_genes(lanes),
            *space.private_genes(accelerator),
            space.bank_gene(accelerator.bank_bytes, left),
        ]
        point = np.clip(np.asarray(genes, dtype=np.float64), 0.0, 1.0)
        if self.decode(point, name=accelerator.name) != accelerator:
            raise ValueError(f"accelerator must be on the budget's grid, not {accelerator!r}")
        return point

    def _drain_genes(self, lanes: int) -> list[float]:
        choices = self.drain_choices
        if len(choices) == 1:
            return []
        return [gene_of_choice(choices.index(lanes) if lanes in choices else 0, len(choices))]

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
    drain_lanes: int

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
        lanes = 1 if on_axis else self.drain_lanes
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
        words = int(least * ((most + 1) / least) ** clipped(gene))
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
