"""The arrays that a chip whose network folds can form out of its PEs, as arrays of this template.

A chip such as Eyeriss gives rows of its array that a kernel does not need to other channels,
filters or rows of the image, and does so anew for each layer. An array of this template has one dim
an axis, fixed when hardware is made. So what folding can bring is looked for among many arrays.

The family, by rule. One to three axes of different dims out of `Preset.folding_dims`, each of two
positions or more. Sums pass along the chip's reduction axis only (in Eyeriss from PE to PE up a
column of twelve), so what is reduced in the array has at most that many positions; as many of these
chains as fit stand behind each other on a column, and each belongs to one output. Operands may go
anywhere. Buffers of a PE, global buffer and bandwidth are the chip's; the words of its partial sums
are shared out among the array's adder trees. The order of axes matters to the model only where it
decides along which axis the lanes of the weight network lie: of orders that do not differ in that,
one is in the family.
"""

from collections.abc import Iterator
from itertools import combinations
from math import prod
from typing import Final

from naas_hw.arch.accelerator import OUTPUT_DIMS, REDUCTION_DIMS, Accelerator, Axis
from naas_hw.arch.presets import Preset
from naas_hw.workload.layer import Dim

MAX_AXES: Final = 3


def folded_arrays(preset: Preset) -> tuple[Accelerator, ...]:
    """Every array of the family; none where the preset's chip does not fold.

    The preset's own array is one of them, with the same buffers.

    Examples
    --------
    >>> from naas_hw.arch.presets import EYERISS
    >>> len(folded_arrays(EYERISS))
    4303
    """
    chip = preset.accelerator
    return tuple(
        array
        for num_axes in range(1, MAX_AXES + 1)
        for dims in combinations(preset.folding_dims, num_axes)
        for sizes in _sizes(num_axes, chip.num_pes)
        for array in _orders(chip, _axes(dims, sizes))
    )


def longest_chain(chip: Accelerator) -> int:
    """PEs of the chip whose products are summed in the array, at most."""
    return _chain(chip.axes)


def _sizes(num_axes: int, max_pes: int) -> Iterator[tuple[int, ...]]:
    """Axis sizes of at least 2 whose product is at most the number of PEs."""
    if num_axes == 0:
        yield ()
        return
    for size in range(2, max_pes + 1):
        for others in _sizes(num_axes - 1, max_pes // size):
            yield (size, *others)


def _axes(dims: tuple[Dim, ...], sizes: tuple[int, ...]) -> tuple[Axis, ...]:
    return tuple(Axis(dim=dim, size=size) for dim, size in zip(dims, sizes, strict=True))


def _orders(chip: Accelerator, axes: tuple[Axis, ...]) -> Iterator[Accelerator]:
    """The array, once for each axis along which the lanes of the weight network can lie.

    There is none if the chip cannot form the array.
    """
    words = _accumulator_words(chip, axes)
    if not words or _num_trees(axes) > _most_trees(chip, axes):
        return
    known: set[tuple[int, Dim | None]] = set()
    for first in range(len(axes)):
        turned = (axes[first], *axes[:first], *axes[first + 1 :])
        array = chip.model_copy(update={"axes": turned, "accumulator_words": words})
        lanes = array.weight_network_lanes
        along = array.weight_vector_dim if lanes > 1 else None
        if (lanes, along) not in known:
            known.add((lanes, along))
            yield array


def _accumulator_words(chip: Accelerator, axes: tuple[Axis, ...]) -> int:
    """The chip's words of partial sums, shared out among adder trees; 0 if a tree gets too few."""
    unit = 2 * chip.model_copy(update={"axes": axes}).accumulator_lanes
    total = chip.accumulator_words * _num_trees(chip.axes)
    return total // _num_trees(axes) // unit * unit


def _most_trees(chip: Accelerator, axes: tuple[Axis, ...]) -> int:
    """Chains of sums of this length that stand on the chip's columns."""
    return _num_trees(chip.axes) * (longest_chain(chip) // _chain(axes))


def _num_trees(axes: tuple[Axis, ...]) -> int:
    return prod(axis.size for axis in axes if axis.dim in OUTPUT_DIMS)


def _chain(axes: tuple[Axis, ...]) -> int:
    return prod(axis.size for axis in axes if axis.dim in REDUCTION_DIMS)
