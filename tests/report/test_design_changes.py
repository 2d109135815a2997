"""What differs between two designs is named, and what undoing it does is what the model says."""

import pytest

from naas_hw.arch.accelerator import Axis
from naas_hw.cost.evaluate import evaluate_network
from naas_hw.report.design_changes import changes_text, design_changes, undone
from naas_hw.report.words import more_or_less
from naas_hw.runs.kept_mappings import changed


@pytest.fixture
def chosen(searched_facts):
    """The reported design as it was tried."""
    return searched_facts.steps.chosen


def test_nothing_differs_from_itself(chosen):
    array = chosen.candidate.accelerator
    assert design_changes(array, array.model_copy(update={"name": "other"})) == []
    assert changes_text(array, array) == "nothing in the accelerator"


def test_sizes_stand_with_their_unit_and_the_array_with_its_pes(chosen):
    array = chosen.candidate.accelerator
    other = array.model_copy(
        update={"axes": (Axis(dim="P", size=2),), "bank_bytes": 72, "drain_lanes": 1}
    )
    text = changes_text(other, array)
    assert text.startswith("array: P 2 (2 PEs) → ")
    assert f"bank of the global buffer: 72 → {array.bank_bytes:,} bytes" in text


def test_undoing_a_change_costs_what_the_model_says(chosen, searched_facts):
    array, table = chosen.candidate.accelerator, searched_facts.table
    before = changed(array, dram_latency_cycles=array.dram_latency_cycles + 100)
    assert before is not None
    (sentence,) = undone(before, array, chosen.networks, table)
    (found,) = chosen.networks
    report = evaluate_network(before, found.network, found.mappings, table)
    cycles = more_or_less(found.report.cycles, report.cycles)
    assert report.cycles > found.report.cycles and f"would need {cycles} cycles" in sentence
    assert "the same energy" in sentence


def test_mappings_that_need_the_change_are_counted(chosen, searched_facts):
    array = chosen.candidate.accelerator
    before = changed(array, bank_bytes=64)
    assert before is not None
    (sentence,) = undone(before, array, chosen.networks, searched_facts.table)
    assert "of 4 layers would not be legal" in sentence
