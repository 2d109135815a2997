"""Why a layer has no mapping: the smallest tiles are those that the search tries."""

import re
from collections import Counter

import numpy as np
import pytest

from naas_hw.arch.accelerator import Accelerator, Axis
from naas_hw.arch.presets import PRESETS
from naas_hw.arch.technology import SIZED
from naas_hw.mapping.geometry import ceil_div
from naas_hw.mapping.legality import violations
from naas_hw.mapping.mapping import Bounds, Mapping
from naas_hw.search.mapping.feasibility import smallest_mapping, why_none_found
from naas_hw.search.mapping.layer_search import Optimiser, is_mappable, map_layer
from naas_hw.search.objective import Objective
from naas_hw.workload.layer import DIMS, Layer

SEED = 5
NUM_CASES = 400
SUM = Layer(name="sum", K=8, C=8, P=4, Q=4, height=4, width=4, residual=True)


def random_case(rng: np.random.Generator) -> tuple[Accelerator, Layer]:
    dims = rng.choice(DIMS, int(rng.integers(1, 4)), replace=False)
    accelerator = Accelerator(
        axes=tuple(Axis(dim=str(dim), size=int(rng.integers(2, 9))) for dim in dims),
        weight_buffer_bytes=int(rng.choice([8, 64, 512])),
        input_buffer_bytes=int(rng.choice([8, 64, 512])),
        accumulator_words=int(rng.choice([8, 64])),
        num_banks=int(rng.integers(3, 10)),
        bank_bytes=int(rng.choice([256, 2048])),
        scale_depth=int(rng.choice([8, 64])),
    )
    K, C, P, R = (int(rng.integers(1, 1 + most)) for most in (40, 40, 10, 5))
    size = P + R - 1
    return accelerator, Layer(name="random", K=K, C=C, P=P, Q=P, R=R, S=R, height=size, width=size)


def one_tile(accelerator: Accelerator, layer: Layer) -> Mapping:
    """The layer as one tile, with the smallest steps."""
    spatial = {dim: min(accelerator.size_of(dim), getattr(layer, dim)) for dim in ("K", "C")}
    bounds = {dim: ceil_div(getattr(layer, dim), spatial.get(dim, 1)) for dim in DIMS}
    return Mapping(l2=Bounds(**bounds), spatial=Bounds(**spatial))


def test_there_is_room_where_the_smallest_tiles_or_one_tile_are_legal():
    rng = np.random.default_rng(SEED)
    seen: Counter[tuple[bool, ...]] = Counter()
    for _ in range(NUM_CASES):
        accelerator, layer = random_case(rng)
        legal = tuple(
            not violations(accelerator, layer, mapping(accelerator, layer))
            for mapping in (smallest_mapping, one_tile)
        )
        assert any(legal) == is_mappable(accelerator, [layer]), (accelerator, layer)
        seen[legal] += 1
    assert len(seen) == 4 and min(seen.values()) > 5, seen


@pytest.mark.parametrize("optimiser", list(Optimiser))
def test_a_layer_that_fits_as_one_tile_is_mapped_with_a_buffer_for_each_tensor(
    optimiser: Optimiser,
):
    """Weights, inputs, outputs and a residual: six banks are too few for two of each."""
    accelerator = PRESETS["nvdla-256"].accelerator.model_copy(
        update={"residual": True, "num_banks": 6}
    )
    layer = SUM.model_copy(update={"K": 32, "C": 32})
    broken = violations(accelerator, layer, smallest_mapping(accelerator, layer))
    assert [str(one.rule) for one in broken] == ["capacity"]
    found = map_layer(
        accelerator,
        layer,
        objective=Objective.EDP,
        table=SIZED,
        budget_evaluations=200,
        rng=np.random.default_rng(SEED),
        optimiser=optimiser,
    )
    assert found is not None
    assert violations(accelerator, layer, found.best.mapping) == []


@pytest.mark.parametrize(
    ("changes", "layer", "reason"),
    [
        ({}, SUM, "it needs hardware that is not there: residual"),
        ({"residual": True, "num_banks": 3}, SUM, "it needs at least 4 banks of .* bytes, not 3"),
        (
            {"residual": True, "num_banks": 6},
            SUM.model_copy(update={"P": 16, "Q": 16, "height": 16, "width": 16}),
            "with the smallest tiles, banks of the global buffer must be at most 6, not 7",
        ),
        ({}, SUM.model_copy(update={"residual": False}), "not one of those tried is legal"),
    ],
)
def test_what_is_missing_is_said(changes, layer, reason):
    accelerator = PRESETS["nvdla-256"].accelerator.model_copy(update=changes)
    assert re.fullmatch(reason, why_none_found(accelerator, layer))
