"""Encodings -> indices into a table of distinct layers, by look-up alone.

A network of a space is a row of slots; the layer in a slot follows from a few genes. All that can
come are built once. Axes: B encodings, G genes, S slots with a layer, D distinct layers of a row.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import product
from typing import Final

import numpy as np
from numpy.typing import NDArray

from naas_hw.nas.spaces.genes import Condition, Encodings, Genome
from naas_hw.workload.layer import Kind, Layer

ABSENT: Final = -1
"""The index of a slot that has no layer in a network."""
_ANY_NAME: Final = "layer"

Indices = NDArray[np.int32]


@dataclass(frozen=True, kw_only=True)
class Slot:
    """One place in the networks of a space.

    Parameters
    ----------
    name : of the module that holds the weights; of a host operator it is not read.
    operators : those of its graph, in order, as ATen calls them. A slot with a layer has those
        that the layer takes in, too; one without has host operators only.
    genes : names of the genes whose values `layer` takes, in that order.
    layer : values -> the layer, its name of no account; None where the slot is the host's.
    when : under which condition the slot is there.
    """

    name: str
    operators: tuple[str, ...]
    genes: tuple[str, ...] = ()
    layer: Callable[..., Layer] | None = None
    when: Condition | None = None


@dataclass(frozen=True, kw_only=True)
class LayerCounts:
    """Which distinct layers each network has, and how often.

    Parameters
    ----------
    indices : [B, D] into the table, decreasing in a row, `ABSENT` behind the last.
    counts : [B, D] how often; 0 behind the last.
    """

    indices: Indices
    counts: Indices

    def total(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """[B] sums over each network of a value per layer of the table."""
        padded = np.append(values, 0.0)  # what ABSENT, which is -1, reads
        sums: NDArray[np.float64] = (padded[self.indices] * self.counts).sum(axis=1)
        return sums


@dataclass(frozen=True, kw_only=True)
class LayerTable:
    """The distinct layers of a space, and how its slots look them up.

    Parameters
    ----------
    layers : all that its networks can have; they differ in more than their name.
    """

    genome: Genome
    slots: tuple[Slot, ...]
    layers: tuple[Layer, ...] = field(init=False)
    _columns: tuple[tuple[int, ...], ...] = field(init=False, repr=False)
    _lookups: tuple[NDArray[np.int32], ...] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        positions: dict[Layer, int] = {}
        columns, lookups = [], []
        for slot in self.slots:
            own = tuple(self.genome.column(name) for name in slot.genes)
            columns.append(own)
            lookups.append(_lookup(slot, self.genome, own, positions))
        object.__setattr__(self, "layers", tuple(positions))
        object.__setattr__(self, "_columns", tuple(columns))
        object.__setattr__(self, "_lookups", tuple(lookups))

    def indices(self, encodings: Encodings) -> Indices:
        """[B, S] index of the layer in each slot, or `ABSENT`."""
        indices = np.empty((len(encodings), len(self.slots)), dtype=np.int32)
        for number, slot in enumerate(self.slots):
            indices[:, number] = self._lookups[number][
                tuple(encodings[:, column] for column in self._columns[number])
            ]
            if slot.when is not None:
                indices[~self.genome.holds(slot.when, encodings), number] = ABSENT
        return indices

    def count(self, encodings: Encodings) -> LayerCounts:
        """The distinct layers of each network, with how often each comes."""
        return count_distinct(self.indices(encodings))


def _lookup(
    slot: Slot, genome: Genome, columns: tuple[int, ...], positions: dict[Layer, int]
) -> NDArray[np.int32]:
    """Index of the slot's layer under each combination of its genes; new layers are added."""
    if slot.layer is None:
        raise TypeError(f"slot {slot.name} must have a layer")
    choices = [genome.genes[column].choices for column in columns]
    indices = [
        positions.setdefault(slot.layer(*values).renamed(_ANY_NAME), len(positions))
        for values in product(*choices)
    ]
    return np.array(indices, dtype=np.int32).reshape([len(values) for values in choices])


def count_distinct(indices: Indices) -> LayerCounts:
    """The distinct entries of each row [B, S], with how often each comes."""
    num_rows, num_slots = indices.shape
    ordered = -np.sort(-indices, axis=1)
    first = np.ones(ordered.shape, dtype=np.bool_)
    first[:, 1:] = ordered[:, 1:] != ordered[:, :-1]
    rank = np.cumsum(first, axis=1) - 1
    width = int(rank.max(initial=0)) + 1
    flat = rank + width * np.arange(num_rows)[:, np.newaxis]
    there = ordered != ABSENT
    size = num_rows * width
    counts = np.bincount(flat[there], minlength=size).astype(np.int32).reshape(num_rows, width)
    padded = np.full(size, ABSENT, dtype=np.int32)
    padded[flat[there]] = ordered[there]
    return LayerCounts(indices=padded.reshape(num_rows, width), counts=counts)


def num_parameters(layer: Layer) -> int:
    """Weights, and two numbers a channel of the batch norm, or a linear layer's bias."""
    weights = layer.groups * layer.K * layer.C * layer.R * layer.S
    per_channel = 1 if layer.kind is Kind.LINEAR else 2
    return weights + per_channel * layer.groups * layer.K
