"""The machine code of the search: its parts, whether they are on disk, and how they get there.

Numba compiles a part when it is first called, and keeps it on disk for later processes. Whoever
starts a search can have this done before, and say so.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from naas_hw.arch.accelerator import Accelerator, Axis
from naas_hw.arch.technology import SIZED
from naas_hw.cost.compiled.batch import MappingBatch, evaluate_bounds
from naas_hw.cost.compiled.jit import is_on_disk
from naas_hw.cost.compiled.single import bound_batch, exact_batch
from naas_hw.cost.evaluate import evaluate
from naas_hw.search.mapping.branch_and_bound import branch_and_bound
from naas_hw.search.mapping.branch_and_bound_kernels import list_nodes, search_nodes
from naas_hw.search.mapping.evolutionary_search import have_room, search_pool
from naas_hw.search.mapping.layer_search import MappingResult, is_mappable, map_layer
from naas_hw.search.mapping.node_bounds import least_traffic
from naas_hw.search.objective import Objective
from naas_hw.workload.layer import Layer

_ACCELERATOR: Final = Accelerator(
    axes=(Axis(dim="K", size=2),),
    weight_buffer_bytes=16,
    input_buffer_bytes=16,
    accumulator_words=16,
    num_banks=8,
    bank_bytes=64,
    beat_bytes=4,
)
_LAYER: Final = Layer(name="layer", K=4, C=2, height=1, width=1)
_EVALUATIONS: Final = 16


@dataclass(frozen=True, kw_only=True)
class CodePart:
    """Functions that are compiled together.

    Parameters
    ----------
    name : what they do, for a person.
    entries : the compiled functions.
    use : calls them on a small layer, so that they are compiled.
    """

    name: str
    entries: tuple[Any, ...]
    use: Callable[[], object]

    @property
    def is_compiled(self) -> bool:
        """Whether the machine code of all of them is on disk."""
        return all(map(is_on_disk, self.entries))


def _search() -> MappingResult:
    assert is_mappable(_ACCELERATOR, [_LAYER])
    result = map_layer(
        _ACCELERATOR,
        _LAYER,
        objective=Objective.EDP,
        table=SIZED,
        budget_evaluations=_EVALUATIONS,
        rng=np.random.default_rng(0),
    )
    assert result is not None
    return result


def _evaluate() -> object:
    return evaluate(_ACCELERATOR, _LAYER, _search().best.mapping, SIZED)


def _prove() -> object:
    return branch_and_bound(
        _ACCELERATOR,
        _LAYER,
        _search().best,
        objective=Objective.EDP,
        table=SIZED,
        tolerance=0.0,
        budget_evaluations=_EVALUATIONS,
    )


def _bound() -> object:
    batch = MappingBatch.from_mappings([_search().best.mapping])
    return evaluate_bounds(_ACCELERATOR, _LAYER, batch, SIZED)


SEARCH_PARTS: Final = (
    CodePart(name="search of mappings", entries=(search_pool, have_room), use=_search),
    CodePart(name="exact figures", entries=(exact_batch,), use=_evaluate),
)
"""What a search without a proof calls."""

ALL_PARTS: Final = (
    *SEARCH_PARTS,
    CodePart(name="bounds", entries=(bound_batch,), use=_bound),
    CodePart(
        name="proof of optimality", entries=(list_nodes, search_nodes, least_traffic), use=_prove
    ),
)
"""What searches call with their default settings."""


def missing_parts(parts: tuple[CodePart, ...] = ALL_PARTS) -> tuple[CodePart, ...]:
    """Those whose machine code is not on disk."""
    return tuple(part for part in parts if not part.is_compiled)
