"""The paper's tables: formulas by hand, the right settings, and what is kept is what was found."""

from dataclasses import replace
from math import inf, sqrt
from types import SimpleNamespace
from typing import Any, cast

import pytest

from naas_hw.arch.accelerator import Axis
from naas_hw.arch.presets import EYERISS, find_preset
from naas_hw.arch.technology import MAESTRO, SIZED
from naas_hw.core.errors import InputError
from naas_hw.experiments.convergence import chart, cma_and_random, generation_means
from naas_hw.experiments.encoding import importance_and_index
from naas_hw.experiments.markdown import mean_share, spread
from naas_hw.experiments.naas_paper import REDUCTIONS, SAVINGS, SCENARIOS
from naas_hw.experiments.paired_searches import PairedSearches
from naas_hw.experiments.preset_trials import Effort, PresetCase, Trial
from naas_hw.experiments.resumable_searches import KeptMappings, kept_baseline
from naas_hw.experiments.sizing import SizingTrial, measure_sizing, sizing_markdown
from naas_hw.experiments.speedup import measure_speedup, most_speedup, speedup_markdown
from naas_hw.search import SearchResult, SearchSettings, evaluate_baseline
from naas_hw.search.accelerator.baseline import Baseline, BaselineKind
from naas_hw.workload.layer import Layer
from naas_hw.workload.network import Network

NETWORK = Network(
    name="two",
    layers=(
        Layer(name="conv", K=16, C=8, P=8, Q=8, R=3, S=3, height=8, width=8, padding=(1, 1)),
        Layer(name="point", K=16, C=16, P=4, Q=4, height=4, width=4),
    ),
)
PRESET = find_preset("shidiannao")
CASE = PresetCase(preset=PRESET, network=NETWORK)
SETTINGS = SearchSettings(
    population=2, generations=2, mapping_evaluations=16, min_legal=4, final_effort=2, seed=3
)
EFFORT = Effort(settings=SETTINGS, tables=(SIZED, MAESTRO), num_seeds=2)


def search_result(**figures: Any) -> SearchResult:
    """A stand-in for the result of a search, with the figures that a test reads."""
    return cast(SearchResult, SimpleNamespace(**figures))


def cost(cycles, energy_pj):
    """What a report of a network says, as far as ratios need it."""
    return SimpleNamespace(
        report=SimpleNamespace(cycles=cycles, energy_pj=energy_pj, edp=cycles * energy_pj),
        utilization=lambda accelerator: 100 / cycles,
    )


def trial(result, fixed, searched, folded=None):
    return Trial(
        case=CASE,
        table=SIZED,
        seed=0,
        result=search_result(
            networks=(cost(*result),), score=result[0] * result[1], accelerator=PRESET.accelerator
        ),
        baseline=Baseline(
            preset=PRESET,
            fixed=cost(*fixed),
            searched=cost(*searched),
            folded=None if folded is None else cost(*folded),
        ),
    )


def cells(text):
    return [line.strip("| ").split(" | ") for line in text.splitlines() if line.startswith("| ")]


def test_a_spread_is_the_geometric_mean_and_the_range():
    assert spread([1.0, 4.0, 2.0]) == "2.00 (1.00 to 4.00)"
    assert spread([3.0, 3.0]) == "3.00"


def test_shares_have_an_arithmetic_mean():
    assert mean_share([0.1, 0.2, 0.6]) == "30.0% (10.0 to 60.0)"


def test_ratios_are_of_the_preset_by_the_found_one():
    one = trial(result=(100, 10.0), fixed=(400, 30.0), searched=(200, 15.0))
    fixed, searched, folded = BaselineKind
    assert (one.speedup(fixed), one.speedup(searched)) == (4, 2)
    assert (one.energy_saving(fixed), one.energy_saving(searched)) == (3, 1.5)
    assert (one.edp_reduction(fixed), one.edp_reduction(searched)) == (12, 3)
    assert one.has(searched) and not one.has(folded)
    assert most_speedup(one) == 4  # a quarter of its PEs are at work: four times as fast is all


def test_all_by_sizing_only_is_the_ratio_of_their_reductions():
    one = SizingTrial(
        trial=trial(result=(100, 10.0), fixed=(400, 30.0), searched=(200, 15.0)),
        sized=search_result(score=6000.0),
    )
    fixed = BaselineKind.FIXED
    assert (one.sizing(fixed), one.full(fixed), one.ratio) == (2, 12, 6)


def test_a_ratio_is_above_one_where_ours_is_better():
    ours, rival = search_result(score=2.0), search_result(score=5.0)
    assert PairedSearches(case=CASE, table=SIZED, seed=0, ours=ours, rival=rival).ratio == 2.5


def test_generations_are_geometric_means_over_seeds():
    results = [
        search_result(population_means=(8.0, 2.0), best_scores=(4.0, 1.0)),
        search_result(population_means=(2.0, inf), best_scores=(1.0, 1.0)),
    ]
    assert generation_means(results) == [(pytest.approx(4), pytest.approx(2)), (inf, 1)]


def test_a_chart_is_logarithmic_and_leaves_out_what_is_infinite():
    low, high = 1e12, 1e14
    lines = chart([high, sqrt(low * high), low], [high, inf, high]).splitlines()
    assert lines[1].endswith("1.0 to 100.0")
    columns = [
        {mark: line.index(mark) - len("  0 |") for mark in "cr*" if mark in line}
        for line in lines[2:5]
    ]
    assert columns == [{"*": 63}, {"c": 32}, {"c": 0, "r": 63}]
    assert chart([inf], [inf]) == ""


@pytest.mark.parametrize(
    "pair, differs",
    [(importance_and_index(SETTINGS), "encoding"), (cma_and_random(SETTINGS), "optimiser")],
)
def test_a_duel_differs_in_one_setting_and_has_no_warm_start(pair, differs):
    ours, rival = (vars(settings) for settings in pair)
    assert [name for name in ours if ours[name] != rival[name]] == [differs]
    assert not ours["warm_start"]


def test_the_papers_ratios_are_those_of_its_reductions():
    """To the rounding of the paper, which gives reductions with one decimal."""
    assert set(SCENARIOS) == set(SAVINGS)
    assert all(len(networks) == 3 for networks in SCENARIOS.values())
    for theirs in REDUCTIONS.values():
        least = (theirs.naas - 0.05) / (theirs.sizing + 0.05)
        most = (theirs.naas + 0.05) / (theirs.sizing - 0.05)
        assert least <= theirs.ratio <= most


@pytest.fixture(scope="module")
def trials():
    return measure_speedup([CASE], EFFORT)


def folding(chip_edp):
    """A trial on a chip that folds, whose *folded* needs half of the cycles of its preset."""
    one = trial(result=(100, 10.0), fixed=(400, 30.0), searched=(200, 15.0), folded=chip_edp)
    return replace(one, case=replace(CASE, preset=find_preset("eyeriss")))


def test_a_chip_that_folds_has_the_ratio_to_folded_beside_that_to_its_preset():
    one = folding((110, 12.0))
    text = speedup_markdown(replace(EFFORT, tables=(SIZED,)), [one])
    (summary,) = [row for row in cells(text) if row[:2] == ["eyeriss", "two"]]
    assert summary[2:6] == ["4.00", "2.00", "1.10", "4.4"]  # speed-up: fixed, searched, folded
    assert summary[6:9] == ["3.00", "1.50", "1.20"] and summary[10:] == ["12.00", "3.00", "1.32"]


def test_sizing_has_both_of_its_columns_beside_folded_too():
    one = SizingTrial(
        trial=folding((110, 12.0)),
        sized=search_result(score=6000.0, accelerator=PRESET.accelerator),
    )
    text = sizing_markdown(replace(EFFORT, tables=(SIZED,)), [one])
    (ratios, _, _) = [row for row in cells(text) if row[0] == "eyeriss, two"]
    assert ratios[1:] == ["2.00", "-", "12.00", "-", "6.00", "-", "0.22", "1.32"]


def test_every_seed_and_table_is_searched_within_the_presets_resources(trials):
    assert [(t.seed, t.table) for t in trials] == [
        (seed, table) for seed in (3, 4) for table in (SIZED, MAESTRO)
    ]
    for one in trials:
        assert PRESET.budget.violations(one.result.accelerator) == []
        found = one.result.networks[0].report
        assert one.result.score == pytest.approx(found.edp)  # a mean of logarithms
        assert one.edp_reduction(BaselineKind.FIXED) == pytest.approx(
            one.baseline.fixed.report.edp / found.edp
        )


def test_the_text_has_each_ratio_each_utilisation_and_the_best_design(trials):
    text = speedup_markdown(EFFORT, trials)
    for index, table in enumerate((SIZED, MAESTRO)):
        group = [t for t in trials if t.table == table]
        summary = [row for row in cells(text) if row[:2] == ["shidiannao", "two"]][index]
        assert summary[2] == spread([t.speedup(BaselineKind.FIXED) for t in group])
        assert (summary[5], summary[9]) == ("4.4", "4.9")
        assert {summary[4], summary[8], summary[12]} == {"-"}  # the chip does not fold
        assert summary[11] == spread([t.edp_reduction(BaselineKind.SEARCHED) for t in group])
        rows = [row for row in cells(text) if row[0] == "shidiannao, two"]
        ratios, design = rows[2 * index : 2 * index + 2]
        own = [t.result.networks[0].utilization(t.result.accelerator) for t in group]
        assert ratios[10] == mean_share(own)
        best = min(group, key=lambda t: t.result.score)
        assert design[1] == str(best.seed)
        assert design[2] == " x ".join(f"{a.dim} {a.size}" for a in best.result.accelerator.axes)
        assert design[8] == f"{best.result.networks[0].report.cycles:,}"


def test_the_last_table_is_of_all_tables_and_seeds(trials):
    (of_preset,) = (
        r for r in cells(speedup_markdown(EFFORT, trials)) if r[0] == "shidiannao" and len(r) == 9
    )
    (of_all,) = (r for r in cells(speedup_markdown(EFFORT, trials)) if r[0] == "all")
    assert of_all[1:] == of_preset[1:]
    fixed, searched = (
        [t.edp_reduction(kind) for t in trials]
        for kind in (BaselineKind.FIXED, BaselineKind.SEARCHED)
    )
    gains = [one / other for one, other in zip(fixed, searched, strict=True)]
    assert of_all[1:5] == [spread(fixed), spread(searched), "-", spread(gains)]
    same = sum({a.dim for a in t.result.accelerator.axes} == {"P", "Q"} for t in trials)
    assert of_all[5] == f"{same} of 4"
    shares = [t.baseline.searched.utilization(PRESET.accelerator) for t in trials]
    assert of_all[7] == mean_share(shares)


def test_a_stopped_comparison_goes_on_and_ends_the_same(trials, tmp_path):
    told = []

    def stop(name, progress):
        told.append(name)
        if "maestro" in name:
            raise KeyboardInterrupt

    kept = replace(EFFORT, keep=tmp_path / "kept")
    with pytest.raises(KeyboardInterrupt):
        measure_speedup([CASE], kept, progress=stop)
    assert told[0] == "shidiannao, two, sized, seed 3"
    for _ in range(2):  # goes on; then finds all of it
        assert speedup_markdown(EFFORT, measure_speedup([CASE], kept)) == (
            speedup_markdown(EFFORT, trials)
        )
    assert len(list((tmp_path / "kept").glob("*.sqlite"))) == 4
    assert len(list((tmp_path / "kept").glob("*.json"))) == 4


def test_sizes_alone_keep_dims_and_are_kept_apart_from_the_full_search(tmp_path):
    effort = replace(EFFORT, num_seeds=1, tables=(SIZED,), keep=tmp_path / "kept")
    (one,) = measure_sizing([CASE], effort)
    assert [axis.dim for axis in one.sized.accelerator.axes] == ["P", "Q"]
    sized = one.sized.networks[0].report
    fixed = one.trial.baseline.fixed.report
    assert one.sizing(BaselineKind.FIXED) == pytest.approx(fixed.edp / sized.edp)
    assert len(list((tmp_path / "kept").glob("*.sqlite"))) == 2


def test_a_kept_baseline_is_priced_anew_and_the_same(tmp_path):
    settings = SETTINGS.mapping_settings(PRESET.budget)
    own = evaluate_baseline(PRESET, NETWORK, settings)
    for _ in range(2):
        kept = kept_baseline(PRESET, NETWORK, settings, tmp_path)
        assert kept.searched.report == own.searched.report
        assert kept.fixed.report == own.fixed.report
    kept_baseline(PRESET, NETWORK, replace(settings, table=MAESTRO), tmp_path)
    assert len(list(tmp_path.iterdir())) == 2


def test_a_kept_baseline_that_is_none_is_refused(tmp_path):
    settings = SETTINGS.mapping_settings(PRESET.budget)
    kept_baseline(PRESET, NETWORK, settings, tmp_path)
    (path,) = tmp_path.iterdir()
    path.write_text('{"version": 1, "mappings": {}}')
    with pytest.raises(InputError, match="must have the layers of two, not"):
        kept_baseline(PRESET, NETWORK, settings, tmp_path)
    path.write_text("{")
    with pytest.raises(InputError, match=str(path)):
        kept_baseline(PRESET, NETWORK, settings, tmp_path)


CHIP = EYERISS.model_copy(
    update={
        "accelerator": EYERISS.accelerator.model_copy(
            update={"axes": (Axis(dim="R", size=4), Axis(dim="P", size=4))}
        )
    }
)
"""A small chip that folds."""


def test_what_is_kept_of_folded_is_priced_anew_and_the_same(tmp_path):
    settings = SETTINGS.mapping_settings(CHIP.budget)
    own = evaluate_baseline(CHIP, NETWORK, settings).folded
    assert own is not None
    for _ in range(2):
        kept = kept_baseline(CHIP, NETWORK, settings, tmp_path).folded
        assert kept is not None
        assert (kept.report, kept.arrays) == (own.report, own.arrays)
    kept_baseline(CHIP.model_copy(update={"folding_dims": ()}), NETWORK, settings, tmp_path)
    assert len(list(tmp_path.iterdir())) == 2  # the preset's mappings, and folded


def test_a_kept_folded_without_its_arrays_is_refused(tmp_path):
    settings = SETTINGS.mapping_settings(CHIP.budget)
    kept_baseline(CHIP, NETWORK, settings, tmp_path)
    for path in tmp_path.iterdir():
        path.write_text(
            KeptMappings.model_validate_json(path.read_text()).model_dump_json(exclude={"arrays"})
        )
    with pytest.raises(InputError, match="must have an array for each layer of two"):
        kept_baseline(CHIP, NETWORK, settings, tmp_path)
