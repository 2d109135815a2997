"""An illegal mapping made legal, compiled."""

from typing import Any, Final

import numpy as np

from naas_hw.cost.compiled.columns import NUM_DIMS
from naas_hw.cost.compiled.jit import kernel
from naas_hw.search.mapping.point import is_legal, normalise

MAX_REPAIRS: Final = 8


@kernel
def _shrink(point: Any, rng: Any) -> None:
    """One bound halved; large ones are drawn more often, those of 1 never."""
    most = -1.0
    level, dim = 0, 0
    for d in range(NUM_DIMS):
        for l in range(2):  # noqa: E741
            bound = point.pe[d] if l == 0 else point.l2[d]
            weight = rng.random() * np.log2(float(bound))
            if weight > most:
                most, level, dim = weight, l, d
    bounds = point.pe if level == 0 else point.l2
    bounds[dim] = (bounds[dim] + 1) // 2


@kernel
def repair(p: Any, point: Any, rng: Any, scratch: Any) -> Any:
    """Halve bounds of an illegal mapping until it fits or has been tried a few times.

    Returns (whether it is legal, how many mappings were checked).
    """
    for num_checks in range(MAX_REPAIRS):
        if is_legal(p, point, scratch):
            return True, num_checks + 1
        _shrink(point, rng)
        normalise(p, point, scratch)
    return is_legal(p, point, scratch), MAX_REPAIRS + 1
