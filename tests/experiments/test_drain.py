"""Lanes of drain: the right two searches, the ratios by hand, and the limits."""

from dataclasses import replace
from types import SimpleNamespace
from typing import Any, cast

import pytest

from naas_hw.arch.accelerator import Accelerator
from naas_hw.arch.presets import EYERISS, find_preset
from naas_hw.arch.technology import AREA, SIZED
from naas_hw.experiments.drain import (
    CASES,
    INDIFFERENT,
    WAITING,
    WITHOUT_LIMITS,
    DrainSearches,
    area_ratio,
    cycles_ratio,
    drain_holds,
    drain_markdown,
    edp_ratio,
    measure_drain,
)
from naas_hw.experiments.markdown import spread
from naas_hw.experiments.preset_trials import Effort, PresetCase
from naas_hw.search import SearchResult, SearchSettings, search
from naas_hw.search.objective import Objective
from naas_hw.workload.layer import Layer
from naas_hw.workload.network import Network

LAYERS = (
    Layer(name="conv", K=16, C=8, P=8, Q=8, R=3, S=3, height=8, width=8, padding=(1, 1)),
    Layer(name="point", K=64, C=2, P=16, Q=16, height=16, width=16),
)
CASE = PresetCase(preset=find_preset("nvdla-256"), network=Network(name="two", layers=LAYERS))
LIMITED = PresetCase(preset=EYERISS, network=Network(name="mobilenet_v2", layers=LAYERS))
OTHER = PresetCase(preset=EYERISS, network=Network(name="resnet50", layers=LAYERS))
SETTINGS = SearchSettings(
    population=3,
    generations=2,
    mapping_evaluations=16,
    min_legal=4,
    final_effort=2,
    proof_evaluations=0,
    seed=3,
)
EFFORT = Effort(settings=SETTINGS, tables=(SIZED,), num_seeds=2)


def cells(text: str) -> list[list[str]]:
    return [line.strip("| ").split(" | ") for line in text.splitlines() if line.startswith("| ")]


def result(cycles: int, energy_pj: float, accelerator: Accelerator) -> SearchResult:
    """A stand-in for the result of a search, with the figures that ratios are of."""
    report = SimpleNamespace(cycles=cycles, energy_pj=energy_pj, edp=cycles * energy_pj)
    found = SimpleNamespace(
        accelerator=accelerator,
        score=cycles * energy_pj,
        networks=(SimpleNamespace(report=report),),
    )
    return cast(SearchResult, found)


def pair(
    case: PresetCase,
    ours: tuple[int, float],
    rival: tuple[int, float],
    seed: int = 0,
    *,
    first: tuple[int, float] | None = None,
    objective: Objective = Objective.EDP,
) -> DrainSearches:
    fixed = case.preset.accelerator
    free = fixed.model_copy(update={"drain_lanes": fixed.beat_bytes})
    return DrainSearches(
        case=case,
        table=SIZED,
        seed=seed,
        objective=objective,
        first=result(*(first or rival), fixed),
        ours=result(*ours, free),
        rival=result(*rival, fixed),
    )


def area(**update: Any) -> float:
    return sum(AREA.area_um2(EYERISS.accelerator.model_copy(update=update)).values())


def test_ratios_are_of_free_lanes_by_a_quarter_of_a_beat():
    one = pair(LIMITED, ours=(60, 9.0), rival=(100, 10.0))
    assert cycles_ratio(one) == 0.6
    assert edp_ratio(one) == 0.54
    assert area_ratio(one) == area(drain_lanes=8) / area() > 1


@pytest.mark.parametrize(
    "ours, holds",
    [
        ([(72, 10.0)], True),
        ([(73, 10.0)], False),
        ([(70, 11.0)], False),  # the cycles hold, the EDP does not
        ([(80, 10.0), (60, 10.0)], True),  # the geometric mean of 0.8 and 0.6 is 0.69
    ],
)
def test_limits_are_of_the_mean_over_the_seeds(ours: list[tuple[int, float]], holds: bool):
    pairs = [pair(LIMITED, found, (100, 10.0), seed) for seed, found in enumerate(ours)]
    assert drain_holds(pairs) == holds
    assert drain_holds([pair(CASE, found, (100, 10.0)) for found in ours])  # has no limits


@pytest.mark.parametrize(
    "first, rival, holds",
    [(100, 100, True), (100, 96, False), (96, 100, False)],  # 72 of 96 are three quarters
)
def test_of_a_network_that_waits_both_comparisons_hold(first: int, rival: int, holds: bool):
    assert drain_holds([pair(LIMITED, (72, 10.0), (rival, 10.0), first=(first, 10.0))]) == holds


@pytest.mark.parametrize(
    "fastest, least_edp, holds",
    [
        ((100, 20.0), (110, 9.0), True),  # cycles of the one search, EDP of the other
        ((101, 9.0), (110, 9.0), False),
        ((100, 20.0), (100, 10.1), False),
    ],
)
def test_of_any_other_network_each_figure_is_of_the_search_that_minimises_it(
    fastest: tuple[int, float], least_edp: tuple[int, float], holds: bool
):
    """As much effort with fewer lanes does not count: the rival is far better here."""
    searches = [
        pair(OTHER, found, (50, 1.0), first=(100, 10.0), objective=objective)
        for found, objective in ((fastest, Objective.LATENCY), (least_edp, Objective.EDP))
    ]
    assert drain_holds(searches) == holds


def test_every_case_exists_and_has_one_place():
    assert len(set(CASES)) == len(CASES)
    assert {*CASES} == {*WAITING, *INDIFFERENT, *WITHOUT_LIMITS}
    for preset, _ in CASES:
        find_preset(preset)


@pytest.fixture(scope="module")
def pairs() -> list[DrainSearches]:
    return measure_drain([CASE, LIMITED, OTHER], EFFORT)


@pytest.mark.takes_seconds
def test_both_searches_start_from_one_with_a_quarter_of_a_beat_and_are_not_behind_it(
    pairs: list[DrainSearches],
):
    edp, latency = Objective.EDP, Objective.LATENCY
    each = ((CASE, edp), (LIMITED, edp), (OTHER, edp), (OTHER, latency))
    assert [(p.case, p.objective, p.seed) for p in pairs] == [(*c, s) for s in (3, 4) for c in each]
    for entry in pairs:
        budget = entry.case.preset.budget
        for found in (entry.ours, entry.rival):
            assert budget.violations(found.accelerator) == []
        lanes = budget.beat_bytes // 4
        assert entry.rival.accelerator.drain_lanes == lanes
        first = replace(
            SETTINGS, table=SIZED, seed=entry.seed, drain_lanes=lanes, objective=entry.objective
        )
        start = search([entry.case.network], budget, first)
        assert entry.first.score == start.score
        assert max(entry.ours.score, entry.rival.score) <= start.score


def test_the_text_has_both_designs_of_the_best_seed_and_their_ratios(pairs: list[DrainSearches]):
    text = drain_markdown(EFFORT, pairs)
    rows = cells(text)
    searches = [entry for entry in pairs if entry.objective is Objective.EDP]
    for case in (CASE, LIMITED, OTHER):
        of_case = [entry for entry in searches if entry.case == case]
        best = min(of_case, key=lambda entry: entry.ours.score)
        designs = [row for row in rows if row[0] == case.title and len(row) == 14]
        assert [row[1] for row in designs] == ["B / 4", "searched"]
        for row, found in zip(designs, (best.rival, best.ours), strict=True):
            report = found.networks[0].report
            assert row[2:4] == [str(best.seed), str(found.accelerator.drain_lanes)]
            assert row[10] == f"{report.cycles:,}"
        weights = [row for row in rows if row[0] == case.title and len(row) == 6]
        assert [row[2] for row in weights] == ["preset", "found, B / 4", "found, searched"]
    (limits,) = (row for row in rows if row[0] == LIMITED.title and len(row) == 12)
    of_limited = [entry for entry in pairs if entry.case == LIMITED]
    for column, compared in (
        (7, [entry.beside_first for entry in of_limited]),
        (11, of_limited),
    ):
        assert limits[column] == "; ".join(
            f"{cycles_ratio(entry):.3f}, {edp_ratio(entry):.3f}" for entry in compared
        )
    assert (limits[4], limits[6]) == ("0.72", "0.75")
    (other,) = (row for row in rows if row[0] == OTHER.title and len(row) == 13)
    of_other = [entry for entry in searches if entry.case == OTHER]
    fastest = [entry for entry in pairs if entry.objective is Objective.LATENCY]
    assert (other[4], other[11]) == ("1.005", "1.005")
    assert other[3] == spread([edp_ratio(entry.beside_first) for entry in of_other])
    assert other[10] == spread([cycles_ratio(entry.beside_first) for entry in fastest])
    assert other[12] == spread([cycles_ratio(entry) for entry in fastest])
    assert "### Beside the roofline" in text and "seeds 3, 4" in text


@pytest.mark.takes_seconds
def test_a_comparison_that_was_stopped_goes_on_and_ends_the_same(pairs, tmp_path):
    told: list[str] = []

    def stop(name, progress):
        told.append(name)
        if len(set(told)) == 2 and told.count(name) == 2:  # in the second search
            raise KeyboardInterrupt

    keep = Effort(settings=SETTINGS, tables=(SIZED,), num_seeds=2, keep=tmp_path / "kept")
    with pytest.raises(KeyboardInterrupt):
        measure_drain([CASE, LIMITED, OTHER], keep, progress=stop)
    assert len(set(told)) == 2
    again = measure_drain([CASE, LIMITED, OTHER], keep)
    assert len(list((tmp_path / "kept").glob("*.sqlite"))) == 24
    assert drain_markdown(EFFORT, again) == drain_markdown(EFFORT, pairs)
