"""A smaller triple that still fails."""

from collections.abc import Callable, Iterator

from naas_hw.mapping.geometry import ceil_div
from naas_hw.mapping.legality import violations
from naas_hw.mapping.mapping import Bounds, Mapping
from naas_hw.verify.case import Case
from naas_hw.verify.random_layer import with_bound
from naas_hw.workload.layer import DIMS, Activation, Layer


def reduce_case(case: Case, fails: Callable[[Case], bool], *, max_trials: int) -> Case:
    """Shrink a failing triple on its hardware for as long as it fails.

    Parameters
    ----------
    fails : whether a triple fails; asked at most `max_trials` times.
    """
    trials = 0
    progress = True
    while progress:
        progress = False
        for smaller in simpler_cases(case):
            if trials == max_trials:
                return case
            trials += 1
            if fails(smaller):
                case, progress = smaller, True
                break
    return case


def simpler_cases(case: Case) -> Iterator[Case]:
    """Legal triples that are a little simpler, those that help most first."""
    seen = {case}
    for accelerator_update in ({"dram_beat_period_cycles": 1}, {"dram_latency_cycles": 1}):
        yield from _new(case, seen, accelerator_update=accelerator_update)
    for dim in DIMS:
        bound = case.layer.bounds[dim]
        for smaller in (1, ceil_div(bound, 2), bound - 1):
            if 1 <= smaller < bound:
                yield from _new(case, seen, layer=with_bound(case.layer, dim, smaller))
    for update in (
        {"stride": (1, 1)},
        {"dilation": (1, 1)},
        {"padding": (0, 0)},
        {"activation": Activation.NONE},
        {"residual": False},
        {"table": False},
        {"maximum": False},
        {"rounds_once": False},
    ):
        yield from _new(case, seen, layer=case.layer.model_copy(update=update))
    for level in ("l2", "pe"):
        bounds: Bounds = getattr(case.mapping, level)
        for dim in DIMS:
            for smaller in (1, bounds[dim] // 2):
                if 1 <= smaller < bounds[dim]:
                    update_bounds = {level: bounds.model_copy(update={dim: smaller})}
                    yield from _new(
                        case, seen, mapping=case.mapping.model_copy(update=update_bounds)
                    )


def _new(
    case: Case,
    seen: set[Case],
    *,
    accelerator_update: dict[str, int] | None = None,
    layer: Layer | None = None,
    mapping: Mapping | None = None,
) -> Iterator[Case]:
    accelerator = case.accelerator.model_copy(update=accelerator_update or {})
    layer = layer or case.layer
    mapping = mapping or _fitted(case, layer)
    smaller = Case(accelerator=accelerator, layer=layer, mapping=mapping)
    if smaller not in seen and not violations(accelerator, layer, mapping):
        seen.add(smaller)
        yield smaller


def _fitted(case: Case, layer: Layer) -> Mapping:
    """The mapping, with no bound beyond a layer that has become smaller."""
    spatial, pe, l2 = ({dim: bounds[dim] for dim in DIMS} for bounds in _levels(case.mapping))
    for dim in DIMS:
        if layer.bounds[dim] == case.layer.bounds[dim]:
            continue
        spatial[dim] = min(spatial[dim], layer.bounds[dim])
        pe[dim] = min(pe[dim], ceil_div(layer.bounds[dim], spatial[dim]))
        l2[dim] = min(l2[dim], ceil_div(layer.bounds[dim], spatial[dim] * pe[dim]))
    return case.mapping.model_copy(
        update={"spatial": Bounds(**spatial), "pe": Bounds(**pe), "l2": Bounds(**l2)}
    )


def _levels(mapping: Mapping) -> tuple[Bounds, Bounds, Bounds]:
    return mapping.spatial, mapping.pe, mapping.l2
