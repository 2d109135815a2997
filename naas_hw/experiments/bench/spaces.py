"""How fast encodings of networks become indices of distinct layers."""

import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from naas_hw.nas.spaces.space import Space


@dataclass(frozen=True, kw_only=True)
class LookUpRate:
    """Encodings turned into layers and counts, in seconds of CPU; the table built before."""

    space: str
    num_layers: int
    num_encodings: int
    cpu_seconds: float

    @property
    def encodings_per_second(self) -> float:
        """Of one CPU."""
        return self.num_encodings / self.cpu_seconds


def bench_spaces(
    spaces: Sequence[Space], *, num_encodings: int = 50_000, seed: int = 0
) -> list[LookUpRate]:
    """Measure each space with the same number of random encodings."""
    return [_measure(space, num_encodings, np.random.default_rng(seed)) for space in spaces]


def _measure(space: Space, num_encodings: int, rng: np.random.Generator) -> LookUpRate:
    encodings = space.sample(rng, num_encodings)
    num_layers = len(space.layers)
    started = time.process_time()
    space.to_layers(encodings)
    return LookUpRate(
        space=space.name,
        num_layers=num_layers,
        num_encodings=num_encodings,
        cpu_seconds=time.process_time() - started,
    )
