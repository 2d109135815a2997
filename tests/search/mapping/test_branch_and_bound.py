"""Bounds of nodes, tiles and leaves are never above what lies under them; the best is found."""

from itertools import permutations, product

import numpy as np
import pytest
from small_cases import random_accelerator, random_layer, with_options

from naas_hw.arch.technology import SIZED
from naas_hw.core.errors import InputError
from naas_hw.cost.compiled.batch import MappingBatch, evaluate_bounds, evaluate_exact
from naas_hw.search import Choice, Objective
from naas_hw.search.mapping.branch_and_bound import branch_and_bound
from naas_hw.workload.layer import DIMS

MOST_MAPPINGS = 30_000
SEED = 7


def balanced(count):
    """All ceil(count / k)."""
    return sorted({-(-count // k) for k in range(1, count + 1)})


def whole(bounds, step, count, beat):
    """Bounds of a K or C tile, rounded up to whole blocks."""
    unit = beat // np.gcd(step, beat)
    return sorted({min(-(-bound // unit) * unit, count) for bound in bounds})


def choices(accelerator, layer):
    """Every used extent, bound in the PE and bound of the tile of each dim."""
    found = []
    for dim in DIMS:
        bound, size = layer.bounds[dim], min(accelerator.size_of(dim), layer.bounds[dim])
        ways = []
        for used in [size] if dim in "KC" else range(1, size + 1):
            lanes = np.gcd(accelerator.beat_bytes, accelerator.size_of(dim)) if dim in "KC" else 1
            extent = int(-(-used // lanes) * lanes)
            for inside in balanced(-(-bound // extent)):
                count = -(-bound // (extent * inside))
                tiles = balanced(count)
                if dim in "KC":
                    tiles = whole(tiles, extent * inside, count, accelerator.beat_bytes)
                ways += [(used, inside, tile, -(-count // tile)) for tile in tiles]
        found.append(ways)
    return found


def orders(bounds):
    """Orders of the loops that move, the others behind them."""
    moving = [d for d in range(6) if bounds[d] > 1]
    still = [d for d in range(6) if bounds[d] <= 1]
    return [[*order, *still] for order in permutations(moving)]


def whole_space(accelerator, layer):
    """All mappings of the covered space, legal or not; None if there are too many."""
    rows = []
    for ways in product(*choices(accelerator, layer)):
        spatial, pe, l2, tiles = zip(*ways, strict=True)
        for outer, inner in product(orders(tiles), orders(l2)):
            rows.append(([outer, inner, list(range(6))], l2, pe, spatial))
            if len(rows) > MOST_MAPPINGS:
                return None
    parts = [np.array(part) for part in zip(*rows, strict=True)]
    return MappingBatch(orders=parts[0].astype(np.int8), l2=parts[1], pe=parts[2], spatial=parts[3])


def spaces(num, rng, *, has_options=False):
    """Random small problems that have a legal mapping and can be enumerated in whole."""
    while num:
        accelerator, layer = random_accelerator(rng), random_layer(rng)
        layer = layer.model_copy(update={"K": min(layer.K, 8), "C": min(layer.C, 6)})
        if has_options:
            accelerator, layer = with_options(accelerator, layer, rng)
        ways = np.prod([float(len(found)) for found in choices(accelerator, layer)])
        batch = whole_space(accelerator, layer) if ways <= MOST_MAPPINGS else None
        if batch is None or len(batch) < 50:
            continue
        legal = np.flatnonzero(evaluate_bounds(accelerator, layer, batch, SIZED).legal)
        if len(legal):
            num -= 1
            yield accelerator, layer, batch.take(legal)


def choice_at(batch, exact, index):
    return Choice(
        mapping=batch.mapping(index),
        cycles=int(exact.cycles[index]),
        energy_pj=float(exact.energy_pj[index]),
    )


@pytest.mark.takes_seconds
@pytest.mark.parametrize("has_options", [False, True], ids=["plain", "options"])
@pytest.mark.parametrize("objective", Objective)
def test_the_best_of_the_whole_space_is_found_and_proven(objective, has_options):
    """From the worst mapping on, without a tolerance: the same as plain enumeration."""
    rng = np.random.default_rng(SEED)
    for accelerator, layer, batch in spaces(12, rng, has_options=has_options):
        exact = evaluate_exact(accelerator, layer, batch, np.arange(len(batch)), SIZED)
        scores = objective.score(exact.cycles.astype(float), exact.energy_pj)
        start = choice_at(batch, exact, int(np.argmax(scores)))
        optimality = branch_and_bound(accelerator, layer, start, objective=objective, table=SIZED)
        case = f"seed {SEED}: {accelerator} {layer}"
        assert optimality.complete, case
        assert optimality.score == pytest.approx(scores.min(), rel=1e-12), case
        assert optimality.bound == pytest.approx(optimality.score, rel=1e-12), case


@pytest.mark.takes_seconds
def test_a_proof_without_budget_still_bounds_every_mapping():
    """Whatever the budget and tolerance: no exact score is below the bound."""
    rng = np.random.default_rng(SEED + 1)
    objective = Objective.EDP
    for accelerator, layer, batch in spaces(10, rng, has_options=True):
        exact = evaluate_exact(accelerator, layer, batch, np.arange(len(batch)), SIZED)
        scores = objective.score(exact.cycles.astype(float), exact.energy_pj)
        start = choice_at(batch, exact, int(np.argsort(scores)[len(scores) // 2]))
        for budget, tolerance in ((1, 0.0), (20, 0.0), (300, 0.0), (1_000_000, 0.05)):
            optimality = branch_and_bound(
                accelerator,
                layer,
                start,
                objective=objective,
                table=SIZED,
                tolerance=tolerance,
                budget_evaluations=budget,
            )
            case = f"seed {SEED + 1}: {accelerator} {layer}, budget {budget}"
            assert optimality.bound <= scores.min() * (1 + 1e-12), case
            assert optimality.score >= scores.min() * (1 - 1e-12), case
            if budget > 300:
                assert optimality.complete and optimality.gap <= tolerance + 1e-9, case


def test_wrong_settings_are_refused():
    rng = np.random.default_rng(SEED)
    accelerator, layer, batch = next(spaces(1, rng))
    exact = evaluate_exact(accelerator, layer, batch, [0], SIZED)
    start = choice_at(batch, exact, 0)
    with pytest.raises(InputError, match="tolerance must be at least 0, not -1"):
        branch_and_bound(
            accelerator, layer, start, objective=Objective.EDP, table=SIZED, tolerance=-1
        )
    with pytest.raises(InputError, match="budget_evaluations must be at least 1, not 0"):
        branch_and_bound(
            accelerator, layer, start, objective=Objective.EDP, table=SIZED, budget_evaluations=0
        )
