"""What each engine of the event model did when, and the timeline that it makes."""

from collections import Counter
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from naas_hw.cost.reference.pieces import Step
from naas_hw.cost.reference.recurrence import StallCycles, Timeline


@dataclass
class Log:
    """Pieces of each engine, in order, and cycles of the array by cause.

    Members
    -------
    load : (tensor, tile, end).
    drain : (go, end).
    fill, compute, store : end.
    """

    load: list[tuple[str, int, int]] = field(default_factory=list)
    fill: list[int] = field(default_factory=list)
    compute: list[int] = field(default_factory=list)
    drain: list[tuple[int, int]] = field(default_factory=list)
    store: list[int] = field(default_factory=list)
    stalls: Counter[str] = field(default_factory=Counter)

    def timeline(
        self, steps: list[Step], *, start: int, response: int, end: int, next_beat: int
    ) -> Timeline:
        """The same as the recurrence gives it."""
        return Timeline(
            start=start,
            load_tensor=tuple(tensor for tensor, _, _ in self.load),
            load_tile=_cycles([tile for _, tile, _ in self.load]),
            load_end=_cycles([end for _, _, end in self.load]),
            fill_moves=np.array([s.weights_changed or s.inputs_changed for s in steps]),
            fill_end=_cycles(self.fill),
            compute_end=_cycles(self.compute),
            drain_go=_cycles([go for go, _ in self.drain]),
            drain_end=_cycles([end for _, end in self.drain]),
            store_end=_cycles(self.store),
            response=response,
            end=end,
            next_beat=next_beat,
            stalls=StallCycles(**self.stalls),
        )


def _cycles(values: list[int]) -> NDArray[np.int64]:
    return np.array(values, np.int64)
