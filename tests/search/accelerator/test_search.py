"""A search is reproducible, resumable, honest in its figures, and within its budget."""

import sqlite3
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from functools import cache
from math import inf, prod, sqrt
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from naas_hw.arch.budget import Budget
from naas_hw.arch.presets import PRESETS
from naas_hw.arch.technology import AREA, MAESTRO, SIZED
from naas_hw.core.errors import InputError
from naas_hw.cost.evaluate import evaluate_network
from naas_hw.mapping.mapping import Bounds, Mapping
from naas_hw.search import (
    CandidateRecord,
    Choice,
    History,
    MappingResult,
    MappingSettings,
    Objective,
    OuterOptimiser,
    Progress,
    SearchResult,
    SearchSettings,
    map_network,
    search,
    settings_digest,
    worker_processes,
)
from naas_hw.search.accelerator.baseline import fixed_result, map_fixed
from naas_hw.search.accelerator.encoding import AcceleratorEncoding
from naas_hw.search.accelerator.warm_start import CLASSIC
from naas_hw.search.mapping.network_bound import NetworkBound
from naas_hw.search.mapping.network_search import choose, front_of, merged
from naas_hw.search.pareto import hypervolume
from naas_hw.search.unit_interval import Encoding
from naas_hw.workload.layer import Kind, Layer
from naas_hw.workload.network import Network, distinct_layers

BUDGET = Budget(name="small", max_pes=32, on_chip_bytes=16384, beat_bytes=8)
POINTWISE = Layer(name="a", K=24, C=16, P=8, Q=8, height=8, width=8)
NETWORK = Network(
    name="net",
    layers=(
        POINTWISE,
        Layer(name="b", kind=Kind.DEPTHWISE, K=24, P=8, Q=8, R=3, S=3, height=8, width=8,
              padding=(1, 1)),
        POINTWISE.renamed("c"),
    ),
)  # fmt: skip
OTHER = Network(name="other", layers=(Layer(name="a", K=10, C=48, height=1, width=1),))
SETTINGS = SearchSettings(
    population=3,
    generations=3,
    screening=1,
    mapping_evaluations=16,
    min_legal=60,
    finalists=1,
    final_effort=1,
    seed=5,
)
SCREENED = replace(SETTINGS, screening=2, generations=2, finalists=2, mapping_evaluations=128)


class Stop:
    """A progress callback that presses Ctrl-C after so many candidates."""

    def __init__(self, after: int) -> None:
        self.after = after

    def __call__(self, progress: Progress) -> None:
        if progress.num_candidates == self.after:
            raise KeyboardInterrupt


def test_every_candidate_is_within_the_budget_and_the_best_is_returned(tmp_path: Path):
    result = search([NETWORK], BUDGET, SETTINGS, history=tmp_path / "h")
    digest = settings_digest([NETWORK], BUDGET, SETTINGS)
    with History.open(tmp_path / "h", digest=digest, resume=True) as history:
        records = list(history.records())
    assert len(records) == result.num_candidates == 9
    assert len({record.accelerator for record in records}) == 9
    for record in records:
        assert BUDGET.violations(record.accelerator) == []
    best_score = min(scores_of(records))
    (best,) = [record for record in records if record.score == best_score]
    assert result.accelerator == best.accelerator.model_copy(update={"name": "found"})
    assert result.score <= best_score == result.best_scores[-1]


def scores_of(records: Sequence[CandidateRecord]) -> list[float]:
    """The scores of candidates; each has one."""
    scores = [record.score for record in records if record.score is not None]
    assert len(scores) == len(records)
    return scores


def records_of(folder: Path, settings: SearchSettings) -> list[CandidateRecord]:
    """All candidates of a search whose history is in the folder."""
    digest = settings_digest([NETWORK], BUDGET, settings)
    with History.open(folder / "h", digest=digest, resume=True) as history:
        return list(history.records())


def test_of_those_screened_a_population_is_mapped_with_all_evaluations(tmp_path: Path):
    result = search([NETWORK], BUDGET, SCREENED, history=tmp_path / "h")
    records = records_of(tmp_path, SCREENED)
    assert result.num_candidates == len(records) == 2 * 2 * 3
    assert result.num_screened == 2 * 3
    for generation in (0, 1):
        of_generation = [record for record in records if record.generation == generation]
        full = [record for record in of_generation if not record.is_screened]
        assert len(full) == 3
        # Whoever was left at a part of the evaluations was no better by then than the worst of
        # those that got more, and those can only have improved.
        assert max(scores_of(full)) <= max(scores_of(of_generation))
        fewest = min(m.num_evaluations for r in full for m in r.layers.values())
        assert fewest >= 128 + 16
    assert result.score <= min(scores_of(records))


def test_no_candidate_is_mapped_that_cannot_be_better_than_the_best(tmp_path: Path):
    result = search([NETWORK], BUDGET, SETTINGS, history=tmp_path / "h")
    bound = NetworkBound(NETWORK, SIZED)
    best = inf
    for generation in range(3):
        records = [r for r in records_of(tmp_path, SETTINGS) if r.generation == generation]
        scores = scores_of(records)
        for record, score in zip(records, scores, strict=True):
            assert bound.score(record.accelerator, Objective.EDP) < best
            assert bound.score(record.accelerator, Objective.EDP) <= score
        best = min([best, *scores])
    assert result.num_pruned == sum(r.num_pruned for r in records_of(tmp_path, SETTINGS))
    again = search([NETWORK], BUDGET, SETTINGS, history=tmp_path / "h", resume=True)
    assert again.rejections == result.rejections  # a resumed search counts what it skips, too
    assert result.rejections.total == result.num_invalid
    assert result.rejections.pruned == result.num_pruned


def test_the_front_is_what_no_candidate_beats(tmp_path: Path):
    result = search([NETWORK], BUDGET, SETTINGS, history=tmp_path / "h")
    records = records_of(tmp_path, SETTINGS)
    area_um2 = {r.accelerator: sum(AREA.area_um2(r.accelerator).values()) for r in records}
    for record in records:
        assert record.area_um2 == area_um2[record.accelerator]
    final = result.networks[0].report
    due = [(float(r.cycles[0]), r.energy_pj[0], r.area_um2) for r in records]
    (found_area,) = {
        area
        for accelerator, area in area_um2.items()
        if accelerator.axes == result.accelerator.axes
        and area == pytest.approx(sum(AREA.area_um2(result.accelerator).values()))
    }
    due.append((float(final.cycles), final.energy_pj, found_area))
    front = result.front
    figures = [point.figures for point in front.points]
    for one in due:
        assert any(all(a <= b * (1 + 1e-12) for a, b in zip(p, one, strict=True)) for p in figures)
    for point in front.points:
        assert point.area_um2 == sum(AREA.area_um2(point.accelerator).values())
    first = [one for one, record in zip(due, records, strict=False) if record.generation == 0]
    assert front.reference == pytest.approx(tuple(map(max, zip(*first, strict=True))))
    assert len(front.hypervolumes) == 3 + 1
    assert list(front.hypervolumes) == sorted(front.hypervolumes)
    box = prod(front.reference)
    assert front.hypervolume == pytest.approx(hypervolume(due, front.reference) / box)


def test_a_search_without_warm_start_begins_anywhere(tmp_path: Path):
    cold = replace(SETTINGS, warm_start=False, generations=1)
    search([NETWORK], BUDGET, cold, history=tmp_path / "h")
    warm = replace(SETTINGS, generations=1)
    (tmp_path / "w").mkdir()
    search([NETWORK], BUDGET, warm, history=tmp_path / "w" / "h")
    dims = [
        {"".join(axis.dim for axis in r.accelerator.axes) for r in records_of(folder, settings)}
        for folder, settings in ((tmp_path, cold), (tmp_path / "w", warm))
    ]
    classic = {"".join(choice) for choice in CLASSIC}
    assert dims[1] <= classic
    assert not dims[0] <= classic


def test_a_search_begins_with_the_designs_it_is_given_and_is_not_behind_them(tmp_path: Path):
    few = replace(SETTINGS, generations=1)
    earlier = search([NETWORK], BUDGET, replace(few, drain_lanes=2))
    given = replace(few, start=(earlier.accelerator,))
    found = search([NETWORK], BUDGET, given, history=tmp_path / "h")
    first, *others = (record.accelerator for record in records_of(tmp_path, given))
    assert first == earlier.accelerator.model_copy(update={"name": first.name})
    assert [other.axes for other in others] == [first.axes, first.axes]
    assert {other.drain_lanes for other in others} == {4, 8}
    assert found.score <= earlier.score


def test_a_search_without_warm_start_begins_with_what_it_is_given(tmp_path: Path):
    given = search([NETWORK], BUDGET, replace(SETTINGS, generations=1)).accelerator
    cold = replace(SETTINGS, warm_start=False, generations=1, start=(given,))
    search([NETWORK], BUDGET, cold, history=tmp_path / "h")
    first = records_of(tmp_path, cold)[0].accelerator
    assert first == given.model_copy(update={"name": first.name})


@pytest.mark.parametrize("finalists", [1, 9])
def test_a_given_design_is_a_finalist_whatever_its_rank(finalists: int):
    space = AcceleratorEncoding(budget=BUDGET)
    poor = space.decode(np.full(space.num_genes, 0.2))
    seen: list[Progress] = []
    settings = replace(SETTINGS, start=(poor,), finalists=finalists)
    search([NETWORK], BUDGET, settings, progress=seen.append)
    candidates = {p.latest for p in seen if p.stage == "candidates"}
    num_due = {p.num_due for p in seen if p.stage == "final mappings"}
    assert poor in candidates
    assert num_due == {min(len(candidates), 2 if finalists == 1 else finalists)}


def test_branch_and_bound_runs_for_a_given_design_that_is_not_the_best():
    space = AcceleratorEncoding(budget=BUDGET)
    poor = space.decode(np.full(space.num_genes, 0.2))
    seen: list[Progress] = []
    search([NETWORK], BUDGET, replace(SETTINGS, start=(poor,)), progress=seen.append)
    proofs = [(p.num_done, p.num_due) for p in seen if p.stage == "proofs"]
    assert proofs == [(n, 4) for n in range(5)]  # two distinct layers of either design


@pytest.mark.parametrize("encoding", list(Encoding))
def test_sizing_only_keeps_dims_and_dataflow(encoding: Encoding):
    preset = PRESETS["shidiannao"]
    settings = replace(SETTINGS, generations=2, encoding=encoding).sizing_only(preset)
    result = search([NETWORK], BUDGET, settings)
    assert [axis.dim for axis in result.accelerator.axes] == ["P", "Q"]
    (mapped,) = result.networks
    due = map_fixed(result.accelerator, NETWORK, preset.dataflow, table=SIZED)
    # Layers trade cycles for energy; sums of floats differ by their order.
    assert result.score <= due.score(Objective.EDP) * (1 + 1e-12)
    for layer in NETWORK.layers:
        options = fixed_result(result.accelerator, layer, preset.dataflow, table=SIZED)
        assert options is not None
        assert mapped.mappings[layer.name] in [choice.mapping for choice in options.choices]


def test_every_figure_is_exact():
    result = search([NETWORK], BUDGET, SETTINGS)
    (mapped,) = result.networks
    report = evaluate_network(result.accelerator, NETWORK, mapped.mappings, SIZED)
    assert report == mapped.report
    assert result.score == pytest.approx(report.cycles * report.energy_pj, rel=1e-12)
    assert list(mapped.mappings) == ["a", "b", "c"]


def test_the_history_counts_what_was_evaluated(tmp_path: Path):
    search([NETWORK], BUDGET, SETTINGS, history=tmp_path / "h.sqlite")
    with closing(sqlite3.connect(tmp_path / "h.sqlite")) as connection:
        rows = connection.execute(
            "SELECT layer, num_evaluations, num_legal, num_exact, largest_gap FROM layers"
        ).fetchall()
        bounds = connection.execute(
            "SELECT count(*) FROM layers WHERE best_bound > cycles * energy_pj * (1 + 1e-9)"
        ).fetchone()
    connection.close()
    assert len(rows) == 9 * 2  # distinct layers: c is a
    for _, num_evaluations, num_legal, num_exact, gap in rows:
        assert num_evaluations >= num_legal >= 60
        assert 8 <= num_exact <= num_legal
        assert gap >= 0
    assert bounds == (0,)


@pytest.mark.takes_seconds
def test_the_same_seed_gives_the_same_result_in_any_executor():
    alone = uninterrupted(SETTINGS)
    with ThreadPoolExecutor(3) as threads:
        assert search([NETWORK], BUDGET, SETTINGS, executor=threads) == alone
    assert search([NETWORK], BUDGET, SETTINGS, num_processes=2) == alone
    assert search([NETWORK], BUDGET, replace(SETTINGS, seed=6)) != alone
    with ThreadPoolExecutor(3) as threads:
        assert search([NETWORK], BUDGET, SCREENED, executor=threads) == uninterrupted(SCREENED)


@cache
def uninterrupted(settings: SearchSettings) -> SearchResult:
    return search([NETWORK], BUDGET, settings)


@pytest.mark.parametrize(
    ("settings", "after"),
    [
        (SETTINGS, 1),
        (SETTINGS, 3),
        (replace(SETTINGS, optimiser=OuterOptimiser.CMA), 7),
        (replace(SETTINGS, optimiser=OuterOptimiser.DIFFERENTIAL), 7),
        (replace(SETTINGS, optimiser=OuterOptimiser.CLIMB), 7),
        (SCREENED, 2),
        (SCREENED, 6),
        (SCREENED, 7),
    ],
)
def test_a_search_that_was_interrupted_resumes_to_the_same_result(
    settings: SearchSettings, after: int, tmp_path: Path
):
    stopped = search([NETWORK], BUDGET, settings, history=tmp_path / "h", progress=Stop(after))
    assert stopped.interrupted and stopped.num_candidates == after
    resumed = search([NETWORK], BUDGET, settings, history=tmp_path / "h", resume=True)
    assert resumed == uninterrupted(settings)


def test_ctrl_c_before_the_first_candidate_is_not_swallowed():
    class Never(ThreadPoolExecutor):
        def submit(self, *_args, **_options):
            raise KeyboardInterrupt

    with Never(1) as executor, pytest.raises(KeyboardInterrupt):
        search([NETWORK], BUDGET, SETTINGS, executor=executor)


def test_a_generation_is_written_wholly_or_not_at_all(tmp_path: Path):
    search([NETWORK], BUDGET, SETTINGS, history=tmp_path / "h", progress=Stop(5))
    digest = settings_digest([NETWORK], BUDGET, SETTINGS)
    with History.open(tmp_path / "h", digest=digest, resume=True) as history:
        assert history.num_generations == 1
        (*records,) = history.records()
        assert len(records) == 3
        broken = [replace(records[0], generation=1), replace(records[1], generation=1, member=0)]
        with pytest.raises(InputError, match="cannot be written"):
            history.add_generation(broken)
        assert history.num_generations == 1


def test_a_record_comes_back_as_it_was(tmp_path: Path):
    seen: list[Progress] = []
    search([NETWORK], BUDGET, SETTINGS, history=tmp_path / "h", progress=seen.append)
    digest = settings_digest([NETWORK], BUDGET, SETTINGS)
    with History.open(tmp_path / "h", digest=digest, resume=True) as history:
        records = list(history.records())
    told = [(p.latest, p.latest_score) for p in seen if p.stage == "candidates"]
    assert [(r.accelerator, r.score) for r in records] == told
    assert all(result.best in result.choices for r in records for result in r.layers.values())


@pytest.mark.parametrize(
    "changed",
    [
        ([OTHER], BUDGET, SETTINGS),
        ([NETWORK], BUDGET.model_copy(update={"max_pes": 40}), SETTINGS),
        ([NETWORK], BUDGET, replace(SETTINGS, seed=6)),
        ([NETWORK], BUDGET, replace(SETTINGS, start=(PRESETS["nvdla-256"].accelerator,))),
        ([NETWORK], BUDGET, replace(SETTINGS, table=MAESTRO)),
    ],
)
def test_another_search_cannot_be_resumed(changed, tmp_path: Path):
    small = replace(SETTINGS, generations=1)
    search([NETWORK], BUDGET, small, history=tmp_path / "h")
    networks, budget, settings = changed
    with pytest.raises(InputError, match="was begun with other networks, another budget"):
        search(
            networks, budget, replace(settings, generations=1), history=tmp_path / "h", resume=True
        )


def test_a_history_that_exists_is_not_overwritten(tmp_path: Path):
    (tmp_path / "h").write_text("something")
    with pytest.raises(InputError, match="exists already; resume it or choose another file"):
        search([NETWORK], BUDGET, SETTINGS, history=tmp_path / "h")
    with pytest.raises(InputError, match="cannot be written"):
        search([NETWORK], BUDGET, SETTINGS, history=tmp_path / "h", resume=True)
    with pytest.raises(InputError, match="cannot be written"):
        search([NETWORK], BUDGET, SETTINGS, history=tmp_path / "none" / "h")
    assert (tmp_path / "h").read_text() == "something"


def test_several_networks_are_judged_by_the_geometric_mean():
    result = search([NETWORK, OTHER], BUDGET, replace(SETTINGS, generations=1))
    scores = [mapped.score(Objective.EDP) for mapped in result.networks]
    assert result.score == pytest.approx(sqrt(scores[0] * scores[1]), rel=1e-9)
    assert {name: list(m) for name, m in result.mappings.items()} == {
        "net": ["a", "b", "c"],
        "other": ["a"],
    }


def test_progress_is_monotone_and_ends_with_the_plan():
    seen: list[Progress] = []
    search([NETWORK], BUDGET, SETTINGS, progress=seen.append)
    candidates = [p for p in seen if p.stage == "candidates"]
    assert [p.num_candidates for p in candidates] == list(range(1, 10))
    scores = [p.best_score for p in candidates if p.best_score is not None]
    assert len(scores) == len(candidates)
    assert scores == sorted(scores, reverse=True)
    final = seen[len(candidates) :]
    done = [(p.stage, p.num_done, p.num_due) for p in final]
    finalists = min(SETTINGS.finalists, len({p.latest for p in candidates}))
    assert done == [
        *(("final mappings", n, finalists) for n in range(finalists + 1)),
        *(("proofs", n, 2) for n in range(3)),  # distinct layers: c is a
    ]


def test_progress_counts_what_is_screened():
    """Twice as many as a population, generation by generation."""
    seen: list[Progress] = []
    search([NETWORK], BUDGET, replace(SETTINGS, screening=2), progress=seen.append)
    screened = [(p.num_done, p.num_due) for p in seen if p.stage == "screening"]
    ends = [at + 1 for at, (done, due) in enumerate(screened) if done == due]
    assert len(ends) == SETTINGS.generations and ends[-1] == len(screened)
    for begin, end in zip([0, *ends], ends, strict=False):
        due = end - begin
        assert screened[begin:end] == [(n, due) for n in range(1, due + 1)]
        assert 0 < due <= 2 * SETTINGS.population


def test_a_budget_without_room_is_refused():
    wide = Network(
        name="wide", layers=(Layer(name="w", K=8, C=8, R=60, S=60, height=60, width=60),)
    )
    tiny = Budget(name="tiny", max_pes=8, on_chip_bytes=1024, beat_bytes=32)
    with pytest.raises(InputError, match="budget tiny may be too small: none of .*; "
                       "the last one, .*, had none for w"):  # fmt: skip
        search([wide], tiny, SETTINGS)


@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        ({"num_banks": 4}, r"num_banks must be at least 5 for layer big, in banks of 1004 bytes "
         r"\(what 4096 bytes on chip leave each\), not 4"),
        ({"scale_depth": 8, "beat_bytes": 32}, "scale_depth must be at least 16 for layer big, "
         "not 8"),
    ],
)  # fmt: skip
def test_a_budget_that_can_never_work_is_refused_before_anything_is_drawn(
    changes, rule, monkeypatch
):
    """By the first layer that it has no room for, with what that needs."""
    monkeypatch.setattr("naas_hw.search.accelerator.search.worker_processes", None)
    big = Layer(name="big", K=16, C=16, P=8, Q=8, height=8, width=8)
    small = Layer(name="small", K=4, C=4, P=2, Q=2, height=2, width=2)
    fields = {"name": "b", "max_pes": 8, "on_chip_bytes": 4096, "beat_bytes": 8, **changes}
    with pytest.raises(InputError, match=f"^budget b: {rule}$"):
        search([Network(name="n", layers=(small, big))], Budget(**fields), SETTINGS)


@pytest.mark.parametrize(
    ("field", "value", "least"),
    [
        ("population", 1, 2),
        ("generations", 0, 1),
        ("screening", 0, 1),
        ("mapping_evaluations", 0, 1),
        ("finalists", 0, 1),
        ("seed", -1, 0),
    ],
)
def test_settings_are_checked(field: str, value: int, least: int):
    changes: dict[str, Any] = {field: value}
    with pytest.raises(InputError, match=f"{field} must be at least {least}, not {value}"):
        replace(SETTINGS, **changes)


def test_fixed_dims_are_checked():
    with pytest.raises(InputError, match="fixed_dims must be 1 to 3 different dims, not K K"):
        replace(SETTINGS, fixed_dims=("K", "K"))


def test_no_network_and_no_process_are_refused():
    with pytest.raises(InputError, match="networks must be at least 1, not 0"):
        search([], BUDGET, SETTINGS)
    with pytest.raises(InputError, match="processes must be at least 1, not 0"):
        search([NETWORK], BUDGET, SETTINGS, num_processes=0)


# One accelerator ---------------------------------------------------------------------------------


def test_a_network_is_mapped_the_same_in_any_executor():
    accelerator = search([NETWORK], BUDGET, replace(SETTINGS, generations=1)).accelerator
    settings = MappingSettings(
        objective=Objective.EDP, table=SIZED, evaluations=64, proof_evaluations=0
    )
    alone = map_network(accelerator, NETWORK, settings)
    with worker_processes(2) as executor:
        assert map_network(accelerator, NETWORK, settings, executor=executor) == alone
    assert alone.mappings["a"] == alone.mappings["c"]


def test_layers_of_several_networks_are_searched_once():
    renamed = Network(name="again", layers=(POINTWISE.renamed("x"),))
    assert [layer.name for layer in distinct_layers([NETWORK, renamed, OTHER])] == ["a", "b", "a"]


def choice(cycles: int, energy_pj: float) -> Choice:
    return Choice(mapping=Mapping(pe=Bounds(K=cycles)), cycles=cycles, energy_pj=energy_pj)


def layer_result(*choices: Choice) -> MappingResult:
    best = min(choices, key=lambda c: c.cycles * c.energy_pj)
    return MappingResult(best=best, choices=choices, num_evaluations=1, num_legal=1, num_exact=1,
                         best_bound=1.0, largest_gap=0.0)  # fmt: skip


def test_layers_trade_cycles_for_energy_at_the_rate_of_the_whole_network():
    """A short layer that burns little should run fast if the network's energy is elsewhere."""
    heavy = layer_result(choice(10, 1000.0))
    light = layer_result(choice(10, 90.0), choice(100, 8.0))
    assert light.best.cycles == 100
    assert [c.cycles for c in choose([heavy, light], Objective.EDP)] == [10, 10]
    assert [c.cycles for c in choose([heavy, light], Objective.ENERGY)] == [10, 100]


def test_choices_that_another_beats_in_both_are_left_out():
    kept = [choice(1, 9.0), choice(3, 4.0), choice(5, 2.0)]
    beaten = [choice(3, 5.0), choice(4, 4.0), choice(6, 2.0)]
    assert front_of([*beaten, *kept]) == tuple(kept)


def test_two_searches_of_a_layer_are_as_good_as_both():
    first, second = layer_result(choice(10, 90.0), choice(100, 8.0)), layer_result(choice(20, 30.0))
    both = merged(first, second, Objective.EDP)
    assert both.best == choice(20, 30.0)
    assert [c.cycles for c in both.choices] == [10, 20, 100]
    assert both.num_evaluations == both.num_exact == 2
