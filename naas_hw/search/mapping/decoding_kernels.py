"""Kernels that decode points to mappings: the inner loop of `MappingEncoding.decode`.

In batches, or one point after the other for compiled code that searches. `problem` comes from
`naas_hw.cost.compiled.batch.problem_of`.
"""

import math
from typing import Final

import numpy as np

from naas_hw.cost.compiled.columns import NUM_DIMS, C
from naas_hw.cost.compiled.geometry import ceil_div, ceil_shift, common_shift
from naas_hw.cost.compiled.jit import entry, kernel

LOGS: Final = np.log(np.arange(1024) + 1.0)
"""Logarithms of what most ratios are ratios of: a logarithm costs as much as the rest of one."""


@kernel
def _clipped(gene):  # type: ignore[no-untyped-def]
    return min(1.0, max(0.0, gene))


@kernel
def _scale(gene, most):  # type: ignore[no-untyped-def]
    """1 .. most, over intervals of equal ratio: (most + 1)^gene, rounded down."""
    if most == 1:
        return most
    log = LOGS[most] if most < len(LOGS) else math.log(most + 1.0)
    return min(most, int(math.exp(gene * log)))


@entry
def decode_order(importances, order):  # type: ignore[no-untyped-def]
    """The dims [6], that of the highest importance first; equal ones as in `DIMS`."""
    ranks = 0  # of all dims, eight bits each
    for d in range(NUM_DIMS):
        own = _clipped(importances[d])
        for e in range(d + 1, 6):
            ranks += 1 << 8 * e if own >= _clipped(importances[e]) else 1 << 8 * d
    for d in range(NUM_DIMS):
        order[ranks >> 8 * d & 7] = d


@entry
def decode_bounds(problem, ratios, l2, pe, spatial):  # type: ignore[no-untyped-def]
    """Bounds [6] of the ratios [18] of the PE, of the L2 tile and of the used extents."""
    for d in range(NUM_DIMS):
        bound = problem.bounds[d]
        if bound == 1:
            l2[d] = pe[d] = spatial[d] = 1
            continue
        size = min(problem.sizes[d], bound)
        extent = used = size
        if d <= C:
            extent = problem.extents[d]
        elif size > 1:
            extent = used = max(1, int(np.ceil(_clipped(ratios[12 + d]) * size)))
        most = bound if extent == 1 else ceil_div(bound, extent)
        inner = _scale(_clipped(ratios[d]), most)
        if inner > 1:
            most = ceil_div(most, inner)
        outer = _scale(_clipped(ratios[6 + d]), most)
        if d <= C:  # whole channel blocks: the beat is a power of two
            shift = problem.beat_shift - common_shift(extent * inner, problem.beat_shift)
            outer = min(ceil_shift(outer, shift) << shift, most)
        l2[d], pe[d], spatial[d] = outer, inner, used


@entry
def decode_orders(genes, orders):  # type: ignore[no-untyped-def]
    """Orders [N, 3, 6] of points [N, G], whose first 18 genes are importances."""
    for i in range(len(genes)):
        for level in range(3):
            decode_order(genes[i, 6 * level : 6 * level + 6], orders[i, level])


@entry
def decode_all_bounds(problems, genes, l2, pe, spatial):  # type: ignore[no-untyped-def]
    """Bounds [N, 6] of points [N, G], whose last 18 genes are ratios, of problems[0]."""
    first = genes.shape[1] - 18
    for i in range(len(genes)):
        decode_bounds(problems[0], genes[i, first:], l2[i], pe[i], spatial[i])
