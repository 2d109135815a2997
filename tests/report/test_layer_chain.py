"""Layers of a run that has no graph: a line joins neighbours whose shapes fit, and only those."""

from naas_hw.report.layer_chain import chain_figures, fits, input_shape, output_shape
from naas_hw.workload.layer import Kind, Layer

FIRST = Layer(name="first", K=8, C=3, P=8, Q=8, R=3, S=3, height=8, width=8, padding=(1, 1))
DEPTHWISE = Layer(name="depthwise", kind=Kind.DEPTHWISE, K=8, P=4, Q=4, R=3, S=3, height=8, width=8,
                  stride=(2, 2), padding=(1, 1))  # fmt: skip
GROUPED = Layer(name="grouped", K=4, C=4, P=4, Q=4, height=4, width=4, groups=2)


def test_channels_count_all_groups():
    assert output_shape(FIRST) == input_shape(DEPTHWISE) == (8, 8, 8)
    assert output_shape(DEPTHWISE) == input_shape(GROUPED) == output_shape(GROUPED) == (8, 4, 4)
    assert fits(FIRST, DEPTHWISE) and fits(DEPTHWISE, GROUPED) and not fits(FIRST, GROUPED)


def test_neighbours_that_fit_are_joined_and_each_layer_has_its_cost(searched_facts):
    (figure,) = chain_figures(searched_facts)
    layers = [one.layer for one in searched_facts.layers]
    expected = ["yes" if fits(a, b) else "no" for a, b in zip(layers, layers[1:], strict=False)]
    assert [row[4].text for row in figure.table.rows] == [*expected, "no"]
    assert f"({expected.count('yes')} of {len(layers) - 1})" in figure.caption
    for one in searched_facts.layers:
        assert f"{one.layer.name}: " in figure.picture
        assert f"; {one.cost.cycles:,} cycles, " in figure.picture
