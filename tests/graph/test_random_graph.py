"""Random networks: the same again from the same seed, and every operator among them."""

from collections import Counter

import numpy as np

from naas_hw.graph.quantised import Convolution, QuantisedOperator
from naas_hw.graph.random_graph import bins_of, random_graph, random_inputs

SEEDS = range(120)


def test_the_same_seed_gives_the_same_network():
    first, second = random_graph(7), random_graph(7)
    assert [type(op) for op in first.operators] == [type(op) for op in second.operators]
    assert first.tensors == second.tensors
    for one, other in zip(first.operators, second.operators, strict=True):
        if isinstance(one, Convolution) and isinstance(other, Convolution):
            assert np.array_equal(one.weights, other.weights)


def test_every_operator_is_read_or_makes_an_output():
    for seed in SEEDS:
        graph = random_graph(seed)
        for operator in graph.operators:
            assert graph.consumers(operator.output) or operator.output in graph.outputs


def test_all_kinds_and_variants_occur():
    bins = Counter(found for seed in SEEDS for found in bins_of(random_graph(seed)))
    kinds = {cls.__name__ for cls in QuantisedOperator.__subclasses__()}
    assert kinds <= set(bins)
    variants = {
        "Convolution": (
            *("dense", "depthwise", "grouped", "dilated", "cropped", "strided"),
            "rounds once",
        ),
        "TransposedConvolution": ("dense", "depthwise", "dilated", "cropped"),
        "MaximumPool": ("strided", "padded unevenly"),
        "Crop": ("of channels", "with steps"),
        "Sum": ("of one tensor",),
    }
    for kind, names in variants.items():
        assert {f"{kind}: {name}" for name in names} <= set(bins)
    assert {"Convolution -> Sum", "Sum -> Lookup", "Lookup -> Sum"} <= set(bins)


def test_the_number_of_operators_may_be_asked_for():
    assert len(random_graph(0, num_operators=3).operators) in (3, 4)


def test_inputs_have_the_shapes_of_the_network():
    graph = random_graph(3)
    inputs = random_inputs(graph, np.random.default_rng(0))
    assert {name: values.shape for name, values in inputs.items()} == {
        name: graph.tensors[name].graph_shape for name in graph.inputs
    }
