"""The Pareto panel is the front of result.json: its points, its hypervolume, the design shipped."""

import json
import re
import shutil
from dataclasses import replace

import pytest

from naas_hw import api
from naas_hw.report.pareto import pareto_figures, shown_front
from naas_hw.runs.facts import RunFacts

FIGURES = ("cycles", "energy_pj", "area_um2")


@pytest.fixture
def changed(searched_run, tmp_path, read_facts):
    """Facts of a copy of the run with another result.json."""

    def facts(change) -> RunFacts:
        folder = shutil.copytree(searched_run, tmp_path / "run")
        result = json.loads((folder / "result.json").read_text())
        change(result)
        (folder / "result.json").write_text(json.dumps(result))
        return read_facts(folder)

    return facts


def figures_of(points) -> list[list[float]]:
    return [[point[name] for name in FIGURES] for point in points]


def test_the_numbers_of_the_panel_are_those_of_result_json(searched_facts, searched_run):
    result = json.loads((searched_run / "result.json").read_text())
    (network,) = result["networks"]
    for figure in pareto_figures(searched_facts):
        rows = figure.table.rows
        assert [[cell.value for cell in row[2:5]] for row in rows] == figures_of(
            result["front"]["points"]
        )
        (shipped,) = [row for row in rows if "(reported design)" in row[0].text]
        assert [cell.value for cell in shipped[2:4]] == [network["cycles"], network["energy_pj"]]
        (volume,) = re.findall(r"Hypervolume (\d\.\d+):", figure.caption)
        assert float(volume) == pytest.approx(result["front"]["hypervolume"], abs=5e-7)
        assert f"{len(rows)} designs on the front" in figure.picture


def test_the_page_carries_the_numbers_of_result_json(searched_page, searched_run):
    """Unrounded, as what its table is sorted by."""
    text = searched_page.read_text(encoding="utf-8")
    front = json.loads((searched_run / "result.json").read_text())["front"]
    for point in front["points"]:
        for name in FIGURES:
            assert f'data-value="{point[name]}"' in text
    assert f"Hypervolume {front['hypervolume']:.6f}" in text


def test_every_candidate_is_on_the_front_or_behind_it(searched_facts):
    shown = shown_front(searched_facts)
    front, others = ({p.figures for p in points} for points in (shown.points, shown.others))
    assert not front & others
    assert front | others >= {candidate.figures for candidate in searched_facts.candidates}


def test_a_design_that_only_the_final_mappings_found_is_drawn(changed):
    """No candidate has its figures: they come from result.json alone."""
    best = 0.5

    def improve(result):
        points = result["front"]["points"]
        points.insert(0, {**points[0], **{name: best * points[0][name] for name in FIGURES}})

    facts = changed(improve)
    shown = shown_front(facts)
    assert shown.points[0].figures not in {c.figures for c in facts.candidates}
    for figure in pareto_figures(facts):
        assert figure.table.rows[0][1].text == "final mappings"
        assert figure.table.rows[0][2].value == best * shown.points[1].cycles
        assert f"final mappings: {shown.points[0].cycles:,.0f} cycles" in figure.picture


def test_a_shipped_design_that_is_not_on_the_front_has_its_own_figures(changed):
    """Of equal cycles a search for latency may ship the one with more energy."""

    def shift(result):
        for point in result["front"]["points"]:
            point["energy_pj"] *= 0.5

    facts = changed(shift)
    shown = shown_front(facts)
    (record,) = facts.result.networks
    assert (shown.marked.cycles, shown.marked.energy_pj) == (record.cycles, record.energy_pj)
    for figure in pareto_figures(facts):
        assert not any("(reported design)" in row[0].text for row in figure.table.rows)


def test_a_result_without_a_front_has_that_of_the_candidates(searched_facts):
    result = searched_facts.result.model_copy(update={"front": None})
    shown = shown_front(replace(searched_facts, result=result))
    assert {p.figures for p in shown.points} <= {c.figures for c in searched_facts.candidates}
    assert min(c.score for c in searched_facts.candidates) == pytest.approx(
        shown.marked.cycles * shown.marked.energy_pj
    )
    assert "Hypervolume" not in shown.caption


def test_means_of_several_networks_are_those_of_the_search(tmp_path, networks, read_facts):
    """To the last bit, so that a candidate on the front is known to be one."""
    one, budget, settings = networks
    other = one.model_copy(update={"name": "other", "layers": one.layers[:2]})
    settings = replace(settings, finalists=1, generations=2, proof_evaluations=0)
    result = api.search([one, other], budget, settings, run=tmp_path / "run")
    shown = shown_front(read_facts(tmp_path / "run"))
    assert [p.figures for p in shown.points] == [p.figures for p in result.front.points]
    unknown = [point for point in shown.points if point.figures not in shown.found_in]
    assert len(unknown) <= settings.finalists < len(shown.points)
    assert shown.marked in shown.points
