"""Sensitivity: the right energies in the right places, and a stopped comparison goes on."""

from dataclasses import replace

import pytest

from naas_hw.arch.presets import find_preset
from naas_hw.arch.technology import MAESTRO, SIZED
from naas_hw.core.errors import InputError
from naas_hw.cost.energy import LEVELS
from naas_hw.cost.evaluate import evaluate_network
from naas_hw.experiments.resumable_searches import kept_search
from naas_hw.experiments.sensitivity import (
    measure_sensitivity,
    ratios,
    sensitivity_cases,
    sensitivity_markdown,
    shares,
)
from naas_hw.search import SearchSettings
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
SETTINGS = SearchSettings(
    population=2, generations=2, mapping_evaluations=16, min_legal=4, final_effort=2, seed=3
)


def measured(**options):
    return measure_sensitivity(NETWORK, PRESET, SETTINGS, SIZED, **options)


@pytest.fixture(scope="module")
def outcomes():
    return measured(num_seeds=2)


def test_cases_are_half_own_and_twice_the_price_of_dram_and_the_papers():
    cases = sensitivity_cases(SIZED)
    beats = [case.table.access_energy(PRESET.accelerator).dram_beat for case in cases]
    own = SIZED.access_energy(PRESET.accelerator).dram_beat
    assert beats == [own / 2, own, 2 * own, 0]
    assert cases[1].table is SIZED and cases[3].table is MAESTRO
    assert len({case.title for case in cases}) == len({case.table for case in cases}) == 4


def test_every_case_and_seed_is_searched_and_priced_under_every_table(outcomes):
    titles = [case.title for case in sensitivity_cases(SIZED)]
    assert [(o.case.title, o.seed) for o in outcomes] == [(t, s) for s in (3, 4) for t in titles]
    for outcome in outcomes:
        assert PRESET.budget.violations(outcome.result.accelerator) == []
        assert list(outcome.edp) == titles
        assert outcome.edp[outcome.case.title] == outcome.report.edp
        own = outcome.result.networks[0].mappings
        for case in sensitivity_cases(SIZED):
            kept = evaluate_network(outcome.result.accelerator, NETWORK, own, case.table).edp
            assert outcome.edp[case.title] <= kept


def test_a_ratio_is_of_the_columns_energies_and_one_on_the_diagonal(outcomes):
    first, last = outcomes[0].case.title, outcomes[3].case.title
    assert ratios(outcomes, first, first) == [1, 1]
    found = [outcomes[4 * i].edp[last] / outcomes[4 * i + 3].edp[last] for i in range(2)]
    assert ratios(outcomes, first, last) == found


def test_shares_add_up_and_the_papers_table_has_no_dram(outcomes):
    for outcome in outcomes:
        share = shares(outcome.report)
        assert list(share) == list(LEVELS) and sum(share.values()) == pytest.approx(1)
        assert (share["dram"] == 0) == (outcome.case.table is MAESTRO)


def test_the_text_has_each_design_and_each_ratio(outcomes):
    text = sensitivity_markdown(NETWORK, PRESET, SETTINGS, outcomes)
    rows = [line.strip("| ").split(" | ") for line in text.splitlines() if line.startswith("| ")]
    designs = [row for row in rows if len(row) == 16 and row[1].isdigit()]
    assert [(row[0], int(row[1])) for row in designs] == [(o.case.title, o.seed) for o in outcomes]
    for row, outcome in zip(designs, outcomes, strict=True):
        assert row[8] == f"{outcome.report.cycles:,}"
    titles = [case.title for case in sensitivity_cases(SIZED)]
    for row, title in zip(rows[-4:], titles, strict=True):
        assert row[0] == title and row[1 + titles.index(title)] == "1.00"
    assert "seeds 3, 4" in text


def test_a_comparison_that_was_stopped_goes_on_and_ends_the_same(outcomes, tmp_path):
    told = []

    def stop(case, seed, progress):
        told.append((case.title, seed))
        if told.count(told[-1]) == 2 and told[-1] != told[0]:  # in the second search
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        measured(num_seeds=2, keep=tmp_path / "kept", progress=stop)
    assert len(set(told)) == 2
    again = measured(num_seeds=2, keep=tmp_path / "kept")
    assert len(list((tmp_path / "kept").glob("*.sqlite"))) == 8
    assert sensitivity_markdown(NETWORK, PRESET, SETTINGS, again) == (
        sensitivity_markdown(NETWORK, PRESET, SETTINGS, outcomes)
    )


def test_kept_searches_of_other_settings_do_not_meet(tmp_path):
    keep = tmp_path / "kept"
    settings = (replace(SETTINGS, seed=seed, generations=1) for seed in (3, 4, 3))
    one, other, same = (kept_search([NETWORK], PRESET.budget, wanted, keep) for wanted in settings)
    assert len(list(keep.glob("*.sqlite"))) == 2
    assert one == same != other


def test_a_folder_that_cannot_be_made_is_refused(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="cannot be made"):
        kept_search([NETWORK], PRESET.budget, SETTINGS, tmp_path / "file" / "kept")
