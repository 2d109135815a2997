"""Every step of a search is told with figures of the exact model, and none is told without them."""

import json
import shutil
import sqlite3
from dataclasses import replace

import pytest

from naas_hw import api
from naas_hw.report.dropped import dropped_sentence, dropped_table, effort_sentences, reasons_table
from naas_hw.report.explained_steps import step_cards
from naas_hw.report.page import render_report
from naas_hw.report.values import DataTable, TableCell
from naas_hw.report.words import moved
from naas_hw.runs.result_json import RejectedRecord
from naas_hw.runs.search_steps import SearchSteps


def test_the_designs_of_the_steps_are_costed_as_the_search_did(searched_facts):
    steps = searched_facts.steps
    assert steps.improvements and steps.dropped and steps.chosen is not None
    for one in (*steps.improvements, *steps.dropped, steps.chosen):
        (network,) = one.networks
        assert network.report.cycles == one.candidate.cycles
        assert network.report.energy_pj == pytest.approx(one.candidate.energy_pj, rel=1e-9)


def test_each_improvement_has_a_card_and_so_have_the_final_mappings(searched_facts):
    cards, improvements = step_cards(searched_facts), searched_facts.steps.improvements
    assert len(cards) == len(improvements) + 1
    for card, before, after in zip(cards[1:], improvements, improvements[1:], strict=False):
        assert moved(before.score, after.score) in card.score
        cycles = moved(before.candidate.cycles, after.candidate.cycles)
        assert f"Cycles {cycles}, energy " in card.sentences[0]
    assert cards[-1].title.startswith("Final mappings: ")
    assert cards[-1].changed == "the mappings only"
    score = searched_facts.steps.chosen.score
    assert moved(score, searched_facts.result.score) in cards[-1].score


def test_the_causes_of_a_difference_add_up_to_it(searched_facts):
    """Figures of the parts in the last card are those of all layers together."""
    card = step_cards(searched_facts)[-1]
    (sentence,) = [text for text in card.sentences if "in cycles, by cause" in text]
    parts = sentence.rpartition(": ")[2].rstrip(".").split(", ")
    differences = [
        int(p.rpartition(" ")[2].replace(",", "").replace("−", "-")) for p in _whole(parts)
    ]
    (before,) = searched_facts.steps.chosen.networks
    after = searched_facts.networks[0].report
    cycles = [sum(one.cycles for one in report.layers) for report in (before.report, after)]
    assert sum(differences) == cycles[1] - cycles[0]


def _whole(parts: list[str]) -> list[str]:
    """Parts of a list that was split within its numbers too, joined again."""
    joined: list[str] = []
    for part in parts:
        if joined and part[0].isdigit():
            joined[-1] += f",{part}"
        else:
            joined.append(part)
    return joined


def test_an_interrupted_search_has_no_final_step(searched_facts):
    result = searched_facts.result.model_copy(update={"interrupted": True})
    cards = step_cards(replace(searched_facts, result=result))
    assert len(cards) == len(searched_facts.steps.improvements)


def test_without_costs_a_step_tells_its_figures_only(searched_facts):
    def bare(one):
        return replace(one, networks=())

    steps = SearchSteps(
        improvements=tuple(map(bare, searched_facts.steps.improvements)),
        dropped=tuple(map(bare, searched_facts.steps.dropped)),
        chosen=bare(searched_facts.steps.chosen),
    )
    text = " ".join(
        s for c in step_cards(replace(searched_facts, steps=steps)) for s in c.sentences
    )
    assert "by cause" not in text and "by level" not in text and "instead of" not in text


def rows_of(table: DataTable | None) -> tuple[tuple[TableCell, ...], ...]:
    """Rows of a table that is there."""
    assert table is not None
    return table.rows


# What was dropped --------------------------------------------------------------------------------


def test_the_counts_by_reason_are_those_of_result_json(searched_facts, searched_run):
    result = json.loads((searched_run / "result.json").read_text())
    rows = {row[0].text: row[1].value or 0 for row in rows_of(reasons_table(searched_facts))}
    assert rows["over the budget"] == result["rejected"]["over_budget"]
    assert rows["mapped before"] == result["rejected"]["known"]
    assert rows["pruned by a bound"] == result["rejected"]["pruned"] == result["num_pruned"]
    assert rows["no room for a layer"] == result["rejected"]["without_room"]
    assert sum(result["rejected"].values()) == result["num_invalid"]
    mapped = rows["mapped in full"] + rows["not mapped"] + rows.get("screened out", 0)
    assert mapped == result["num_candidates"]
    assert f"mapped {result['num_candidates']} accelerators" in effort_sentences(searched_facts)[0]


def test_a_run_of_an_older_version_says_what_it_does_not_know(searched_facts):
    older = searched_facts.result.model_copy(
        update={"rejected": None, "method": None, "num_invalid": 9, "num_pruned": 4}
    )
    rows = {
        row[0].text: row for row in rows_of(reasons_table(replace(searched_facts, result=older)))
    }
    assert rows["pruned by a bound"][1].value == 4
    assert rows["ruled out otherwise"][1].value == 5
    assert "did not keep the reason" in rows["ruled out otherwise"][2].text


def test_a_history_of_an_older_version_is_shown_without_costs(searched_run, tmp_path, read_facts):
    """Its mappings stand elsewhere; figures of the candidates are there all the same."""
    run = shutil.copytree(searched_run, tmp_path / "run")
    with sqlite3.connect(run / "history.sqlite") as file:
        file.execute("UPDATE meta SET value = '2' WHERE key = 'schema'")
        file.execute("ALTER TABLE candidates DROP COLUMN mappings")
    file.close()
    facts = read_facts(run)
    assert facts.steps.improvements and all(not one.networks for one in facts.steps.improvements)
    assert "Steps of the search" in api.report(run).read_text(encoding="utf-8")


def test_a_design_that_was_better_before_the_final_mappings_is_told(searched_facts):
    steps = searched_facts.steps
    better = replace(steps.dropped[0], candidate=replace(steps.dropped[0].candidate, score=1.0))
    facts = replace(searched_facts, steps=replace(steps, dropped=(better, *steps.dropped[1:])))
    assert "Before the final mappings" in dropped_sentence(facts)
    assert rows_of(dropped_table(facts))[0][3].text.endswith("% better")
    assert all("worse" in row[3].text for row in rows_of(dropped_table(searched_facts))[-1:])


def test_zero_is_a_count_like_others(searched_facts):
    none = RejectedRecord(over_budget=0, known=0, pruned=0, without_room=0)
    result = searched_facts.result.model_copy(update={"rejected": none})
    assert "ruled out" not in effort_sentences(replace(searched_facts, result=result))[0]


def test_a_run_without_a_search_tells_of_none(searched_facts):
    mapped = replace(searched_facts, candidates=(), steps=SearchSteps())
    text = render_report(mapped)
    for title in ("Steps of the search", "What was dropped", "The search mapped"):
        assert title not in text
