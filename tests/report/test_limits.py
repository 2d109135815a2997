"""What limits a layer is the exact model's, and what would help is the exact model's too."""

from dataclasses import replace

from naas_hw.cost.evaluate import EngineTotals, evaluate_network
from naas_hw.report.limits import LimitsSection, busiest_engine, limit_sentence, limits_section
from naas_hw.report.values import TableCell
from naas_hw.runs.what_if import what_ifs
from naas_hw.workload.network import Network


def test_the_busiest_engine_is_the_one_with_most_cycles():
    engines = EngineTotals(load=3, fill=9, compute=8, drain=1, store=2)
    assert busiest_engine(engines) == "fill"


def test_a_layer_that_never_waits_is_said_to(searched_facts):
    one = searched_facts.layers[0]
    stalls = replace(
        one.cost.stalls, compute=one.cost.cycles, load=0, fill=0, drain=0, store=0, descriptor=0
    )
    assert "never waits" in limit_sentence(replace(one, cost=replace(one.cost, stalls=stalls)))


def numbers_of(row: tuple[TableCell, ...]) -> list[float]:
    """Numbers of the cells that have one."""
    return [cell.value for cell in row if cell.value is not None and cell.text != "–"]


def changes_of(section: LimitsSection) -> tuple[tuple[TableCell, ...], ...]:
    """Rows of the table behind the figure: name, detail, cycles, saved cycles, illegal."""
    assert section.figure is not None
    return section.figure.table.rows


def test_the_table_has_what_the_model_says(searched_facts):
    section = limits_section(searched_facts)
    first = len(section.layers.columns) - len(changes_of(section))
    for row, one in zip(section.layers.rows, searched_facts.layers, strict=True):
        cost = one.cost
        assert row[1].text == busiest_engine(cost.engines)
        assert row[2].value == max(vars(cost.engines).values()) / cost.cycles
        assert row[3].value == cost.stalls.compute / cost.cycles
        best = min(numbers_of(row[first:]), default=0.0)
        assert (row[6].text == "none") == (best >= 0)


def test_the_cycles_with_one_change_are_those_of_the_whole_network(searched_facts):
    section = limits_section(searched_facts)
    rows = {row[0].text: row for row in changes_of(section)}
    layers = tuple(one.layer for one in searched_facts.layers)
    mappings = {one.layer.name: one.mapping for one in searched_facts.layers}
    pairs = [(one.layer, one.mapping) for one in searched_facts.layers]
    found = {
        x.alternative.name: x
        for x in what_ifs(searched_facts.accelerator, pairs, searched_facts.table)
    }
    other = found["no DRAM latency"].alternative.accelerator
    report = evaluate_network(
        other, Network(name="net", layers=layers), mappings, searched_facts.table
    )
    assert rows["no DRAM latency"][2].value == report.cycles
    now = searched_facts.networks[0].report.cycles
    assert rows["no DRAM latency"][3].value == now - report.cycles > 0


def test_the_largest_saving_is_named_with_its_size(searched_facts):
    section = limits_section(searched_facts)
    best = max(changes_of(section), key=lambda row: row[3].value or 0)
    (sentence,) = [text for text in section.sentences if "largest saving" in text]
    assert best[0].text in sentence and f": {best[3].text} of " in sentence
    assert any("mapping of each layer was kept" in text for text in section.sentences)
    assert len(section.of_layer) == len(searched_facts.layers)
