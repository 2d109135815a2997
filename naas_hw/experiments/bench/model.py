"""How fast the cost model is, and that it says what its readable form says.

The mappings are those of a random search (`draw.py`). What is timed begins with their
points, which are decoded anew, and no mapping is left out because a better one is known. All times
are CPU seconds of one thread.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

import numpy as np

from naas_hw.arch.accelerator import Accelerator
from naas_hw.arch.technology import EnergyTable
from naas_hw.core.errors import InputError
from naas_hw.cost.compiled.batch import (
    Ints,
    MappingBatch,
    evaluate_bounds,
    evaluate_exact,
    pair_bounds,
    pair_exact,
)
from naas_hw.experiments.bench.compare import ReferenceComparison, compare
from naas_hw.experiments.bench.draw import Drawn, draw, part_of, timed
from naas_hw.search.mapping.layer_search import map_layer
from naas_hw.search.objective import Objective
from naas_hw.workload.layer import Layer
from naas_hw.workload.network import Network

SEARCH_EVALUATIONS: Final = 1000


@dataclass(frozen=True, kw_only=True)
class ModelBench:
    """Figures of `naas bench model`.

    Members
    -------
    num_layers, num_bounds, num_exact : distinct layers; mappings that were bounded, and timed
        exactly.
    bounds_per_cpu_second : legality, accesses, energy and lower bound, decoding included.
    exact_per_cpu_second : exact cycles, stalls and engine totals, of the first of each layer,
        decoding included.
    pair_bounds_per_cpu_second, pair_exact_per_cpu_second : the same mappings in a random order, in
        one call, each with its own pair of accelerator and layer, without decoding.
    median_steps, max_steps : of the nests of those timed exactly.
    mean_gap, max_gap : (exact - bound) / bound of those timed exactly.
    legal_share : of the uniform points, those legal after repair.
    comparison : with the readable modules, in the same run.
    share_exact_in_search : of the evaluations of a mapping search of all layers, the exact ones.
    """

    accelerator: str
    network: str
    num_layers: int
    num_bounds: int
    num_exact: int
    bounds_per_cpu_second: float
    exact_per_cpu_second: float
    pair_bounds_per_cpu_second: float
    pair_exact_per_cpu_second: float
    median_steps: float
    max_steps: float
    mean_gap: float
    max_gap: float
    legal_share: float
    share_exact_in_search: float
    comparison: ReferenceComparison

    @property
    def bounds_ratio(self) -> float:
        """How many times as fast as the readable modules a bound is."""
        return self.bounds_per_cpu_second / self.comparison.reference_bounds_per_cpu_second

    @property
    def exact_ratio(self) -> float:
        """The same of exact figures, on the mappings that are compared."""
        return self.comparison.exact_per_cpu_second / self.comparison.reference_exact_per_cpu_second

    @property
    def figures(self) -> dict[str, Any]:
        """All of it, for JSON."""
        own = {name: value for name, value in asdict(self).items() if name != "comparison"}
        comparison = asdict(self.comparison)
        comparison["compared_exact_per_cpu_second"] = comparison.pop("exact_per_cpu_second")
        ratios = {"bounds_ratio": self.bounds_ratio, "exact_ratio": self.exact_ratio}
        return {**own, **comparison, **ratios}


def bench_model(
    network: Network,
    accelerator: Accelerator,
    table: EnergyTable,
    *,
    num_bounds: int = 4096,
    num_exact: int = 256,
    seed: int = 0,
) -> ModelBench:
    """Measure the cost model on the distinct layers of a network.

    Parameters
    ----------
    num_bounds, num_exact : random legal mappings of each layer that are bounded, and of these how
        many are timed exactly.
    seed : of the mappings.

    Raises
    ------
    InputError : numbers below 1, more exact ones than bounds, or no legal mapping of a layer.
    """
    if not 1 <= num_exact <= num_bounds:
        raise InputError(f"num_exact must be 1 to {num_bounds}, the bounds, not {num_exact}")
    layers = list(network.distinct_layers)
    rng = np.random.default_rng(seed)
    drawn = [draw(accelerator, layer, num_bounds, rng) for layer in layers]
    few = [part_of(one, np.arange(num_exact)) for one in drawn]
    _compile(few[0], table)
    bounds, bounds_seconds = timed(lambda: [_bounds(one, table)[:num_exact] for one in drawn])
    cycles, exact_seconds = timed(lambda: [_cycles(one, table) for one in few])
    gaps = np.concatenate(cycles) / np.concatenate(bounds) - 1
    steps = np.concatenate([one.num_steps for one in few])
    return ModelBench(
        accelerator=accelerator.name,
        network=network.name,
        num_layers=len(layers),
        num_bounds=num_bounds * len(layers),
        num_exact=num_exact * len(layers),
        bounds_per_cpu_second=num_bounds * len(layers) / bounds_seconds,
        exact_per_cpu_second=num_exact * len(layers) / exact_seconds,
        pair_bounds_per_cpu_second=_pair_rate(drawn, table, rng, exact=False),
        pair_exact_per_cpu_second=_pair_rate(few, table, rng, exact=True),
        median_steps=float(np.median(steps)),
        max_steps=float(steps.max()),
        mean_gap=float(gaps.mean()),
        max_gap=float(gaps.max()),
        legal_share=num_bounds * len(layers) / sum(one.num_points for one in drawn),
        share_exact_in_search=_share_exact(accelerator, layers, table, seed),
        comparison=compare(drawn, table),
    )


def model_markdown(bench: ModelBench) -> str:
    """The figures as a table; rates are of one core of this machine."""
    compared = bench.comparison
    rows = (
        ("lower bounds with accesses and energy, decoding included", bench.bounds_per_cpu_second),
        ("exact cycles, stalls and engine totals, decoding included", bench.exact_per_cpu_second),
        ("pairs of (accelerator, mapping): bounds", bench.pair_bounds_per_cpu_second),
        ("pairs: exact", bench.pair_exact_per_cpu_second),
    )
    return "\n".join(
        (
            f"Random legal mappings (uniform points, repaired) of the {bench.num_layers} distinct "
            f"layers of `{bench.network}` on `{bench.accelerator}`, with no incumbent to prune "
            "against. A second of CPU, one core of this machine:",
            "",
            "| what | a second |",
            "|---|---:|",
            *(f"| {what} | {rate:,.0f} |" for what, rate in rows),
            "",
            f"{bench.num_bounds:,} mappings were bounded and {bench.num_exact:,} timed exactly, "
            f"nests of {bench.median_steps:,.0f} steps in the median and {bench.max_steps:.2g} at "
            f"most. Bounds are {bench.bounds_ratio:,.0f} and exact figures of short nests "
            f"{bench.exact_ratio:,.0f} times as fast as the readable modules, from which the "
            f"largest difference in {compared.num_compared} mappings is "
            f"{compared.max_difference_to_reference}. Exact cycles lie {bench.mean_gap:.2%} above "
            f"the bound in the mean. Of the evaluations of a mapping search "
            f"{bench.share_exact_in_search:.1%} are exact.",
        )
    )


# Timing ------------------------------------------------------------------------------------------


def _compile(drawn: Drawn, table: EnergyTable) -> None:
    one = part_of(drawn, np.arange(1))
    _bounds(one, table)
    _cycles(one, table)


def _bounds(drawn: Drawn, table: EnergyTable) -> Ints:
    """Lower bounds; of what else there is in the report nothing is kept."""
    batch = drawn.encoding.decode(drawn.genes)
    return evaluate_bounds(drawn.accelerator, drawn.layer, batch, table).cycles_bound


def _cycles(drawn: Drawn, table: EnergyTable) -> Ints:
    batch = drawn.encoding.decode(drawn.genes)
    indices = np.arange(len(batch))
    return evaluate_exact(drawn.accelerator, drawn.layer, batch, indices, table).cycles


def _pair_rate(
    drawn: Sequence[Drawn], table: EnergyTable, rng: np.random.Generator, *, exact: bool
) -> float:
    pairs = [(one.accelerator, one.layer) for one in drawn]
    which = np.repeat(np.arange(len(drawn)), [len(one.genes) for one in drawn])
    order = rng.permutation(len(which))
    batches = [one.batch for one in drawn]
    batch = MappingBatch(
        orders=np.concatenate([part.orders for part in batches])[order],
        l2=np.concatenate([part.l2 for part in batches])[order],
        pe=np.concatenate([part.pe for part in batches])[order],
        spatial=np.concatenate([part.spatial for part in batches])[order],
    )
    which = which[order]

    def work() -> object:
        if exact:
            return pair_exact(pairs, which, batch, np.arange(len(batch)), table)
        return pair_bounds(pairs, which, batch, table)

    return len(batch) / timed(work)[1]


def _share_exact(
    accelerator: Accelerator, layers: Sequence[Layer], table: EnergyTable, seed: int
) -> float:
    """Of all evaluations of a search of each layer, the exact ones."""
    num_exact = num_evaluations = 0
    for layer in layers:
        result = map_layer(
            accelerator,
            layer,
            objective=Objective.EDP,
            table=table,
            budget_evaluations=SEARCH_EVALUATIONS,
            rng=np.random.default_rng(seed),
        )
        if result is not None:
            num_exact += result.num_exact
            num_evaluations += result.num_evaluations
    return num_exact / max(1, num_evaluations)
