"""Where a search begins: with designs that it is given, and with classic arrays.

Classic arrays fill the budget and have buffers in usual proportions.

Published accelerators have C-K, K-P, P-Q or R-P arrays. Of each such pair or triple of dims the
sizes with the smallest lower bound (`accelerator_bound`) are taken, and with them a few splits of
the memory. A preset with the very budget comes first, then all arrays with the first split, best
bound first, then all with the second: a short first generation so has many arrays.
"""

from collections.abc import Iterator, Sequence
from itertools import product
from math import prod
from typing import Final

from naas_hw.arch.accelerator import Accelerator, Axis
from naas_hw.arch.budget import BUFFER_STEP_BYTES
from naas_hw.arch.presets import PRESETS
from naas_hw.core.errors import InputError
from naas_hw.cost.fpga.limits import violations
from naas_hw.search.accelerator.encoding import (
    CANDIDATE_NAME,
    MAX_AXIS_SIZE,
    SIZE_STEP,
    AcceleratorEncoding,
)
from naas_hw.search.mapping.network_bound import NetworkBound, lower_bound
from naas_hw.search.objective import Objective
from naas_hw.search.unit_interval import Genes
from naas_hw.workload.layer import Dim

CLASSIC: Final[tuple[tuple[Dim, ...], ...]] = (
    ("C", "K"),
    ("K", "P"),
    ("P", "Q"),
    ("R", "P"),
    ("C", "P"),
    ("K", "Q"),
    ("C", "K", "P"),
    ("C", "K", "Q"),
    ("K", "P", "Q"),
    ("C", "K", "R"),
)
"""NVDLA and TPUs C-K, ShiDianNao P-Q, Eyeriss R-P, NAAS's own find K-Q; and what lies between."""

SPLITS: Final = ((0.15, 0.25, 0.75, 0.97), (0.35, 0.35, 0.7, 0.95), (0.55, 0.45, 0.55, 0.85))
"""Genes of weights, inputs, accumulators and global buffer: from small private buffers to large."""

MIN_FILLED: Final = 0.85
"""Share of the budget's PEs that an array has at least."""


def warm_start(
    encoding: AcceleratorEncoding, bounds: Sequence[NetworkBound], objective: Objective
) -> list[tuple[Genes, Accelerator]]:
    """Points of accelerators within the budget, each once.

    Parameters
    ----------
    encoding : what it cannot say (other dims than the fixed ones) is left out.
    bounds : of the networks that are searched for.
    """
    candidates = _preset_arrays(encoding)
    arrays = sorted(
        (_best_array(dims, encoding, bounds, objective) for dims in _choices(encoding)),
        key=lambda pair: pair[0],
    )
    for split in SPLITS:
        candidates += [encoding.with_buffers(axes, list(split)) for _, axes in arrays]
    fitting = [array for array in candidates if not violations(encoding.budget, array)]
    return [(encoding.encode(array), array) for array in dict.fromkeys(fitting)]


def given_start(
    encoding: AcceleratorEncoding, start: Sequence[Accelerator]
) -> list[tuple[Genes, Accelerator]]:
    """Points of accelerators that a search is given, then of the same with other lanes of drain.

    Copies that do not fit the budget are left out.

    Raises
    ------
    InputError : an accelerator is not one of those that the search can find.
    """
    given = [candidate_of(accelerator) for accelerator in start]
    for accelerator in given:
        refused = violations(encoding.budget, accelerator)
        if refused:
            raise InputError(f"start must be within budget {encoding.budget.name}: {refused[0]}")
    copies = [
        encoding.with_drain(accelerator, lanes)
        for accelerator in given
        for lanes in encoding.drain_choices
    ]
    fitting = [array for array in copies if not violations(encoding.budget, array)]
    return [(_point_of(encoding, array), array) for array in dict.fromkeys([*given, *fitting])]


def candidate_of(accelerator: Accelerator) -> Accelerator:
    """The accelerator under the name that all candidates of a search have."""
    return accelerator.model_copy(update={"name": CANDIDATE_NAME})


def _point_of(encoding: AcceleratorEncoding, accelerator: Accelerator) -> Genes:
    try:
        return encoding.encode(accelerator)
    except ValueError as error:
        raise InputError(f"start must be in the space of the search: {error}") from error


def _best_array(
    dims: tuple[Dim, ...],
    encoding: AcceleratorEncoding,
    bounds: Sequence[NetworkBound],
    objective: Objective,
) -> tuple[float, tuple[Axis, ...]]:
    """The sizes that the bound ranks first, and that bound."""
    scored = [
        (lower_bound(bounds, encoding.with_buffers(axes, list(SPLITS[0])), objective), axes)
        for axes in _filling(dims, encoding.budget.max_pes)
    ]
    return min(scored, key=lambda pair: pair[0])


def _choices(encoding: AcceleratorEncoding) -> tuple[tuple[Dim, ...], ...]:
    return CLASSIC if encoding.fixed_dims is None else (encoding.fixed_dims,)


def _filling(dims: tuple[Dim, ...], max_pes: int) -> Iterator[tuple[Axis, ...]]:
    """Arrays of even sizes that fill most of the PEs and cannot grow along the last axis."""
    most = min(MAX_AXIS_SIZE, max_pes // SIZE_STEP ** (len(dims) - 1))
    first = [size for size in range(SIZE_STEP, most + 1, SIZE_STEP) if size <= 20 or _smooth(size)]
    for sizes in product(first, repeat=len(dims) - 1):
        last = max_pes // prod(sizes) // SIZE_STEP * SIZE_STEP
        last = min(last, MAX_AXIS_SIZE)
        if last and prod(sizes) * last >= MIN_FILLED * max_pes:
            yield tuple(Axis(dim=d, size=n) for d, n in zip(dims, (*sizes, last), strict=True))


def _smooth(size: int) -> bool:
    """Whether it is one, three, five or seven times a power of two."""
    return any(size % odd == 0 and (size // odd).bit_count() == 1 for odd in (1, 3, 5, 7))


def _preset_arrays(encoding: AcceleratorEncoding) -> list[Accelerator]:
    """Presets with the very budget, on the grid of the encoding, if they are in its space."""
    arrays = []
    for preset in PRESETS.values():
        dims = tuple(axis.dim for axis in preset.accelerator.axes)
        lanes = preset.accelerator.drain_lanes
        if lanes not in encoding.drain_choices:
            continue
        if preset.budget == encoding.budget and encoding.fixed_dims in (None, dims):
            arrays.append(_on_grid(preset.accelerator.with_options(encoding.options)))
    return arrays


def _on_grid(accelerator: Accelerator) -> Accelerator:
    """Sizes of private buffers rounded down to the budget's steps, one step at least."""
    step = BUFFER_STEP_BYTES
    rounded = {
        name: max(step, getattr(accelerator, name) // step * step)
        for name in ("weight_buffer_bytes", "input_buffer_bytes")
    }
    return candidate_of(accelerator.model_copy(update=rounded))
