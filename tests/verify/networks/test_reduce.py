"""Networks become smaller: they still mean something, and what fails is few operators."""

import numpy as np
import pytest

from naas_hw.arch.accelerator import Accelerator
from naas_hw.graph.integer_execution import run_integers
from naas_hw.graph.quantised import Lookup, QuantisedGraph, Sum
from naas_hw.graph.random_graph import random_graph, random_inputs
from naas_hw.verify.networks.case import NetworkCase, lowered_for, random_mappings_of
from naas_hw.verify.networks.reduce import reduce_network, simpler_networks
from naas_hw.verify.networks.shrinking import with_sizes


def numbers_of(graph: QuantisedGraph) -> int:
    """Operators, and numbers of all tensors: what becomes less."""
    tensors = sum(int(np.prod(tensor.shape)) for tensor in graph.tensors.values())
    outputs = sum(int(np.prod(graph.tensors[name].shape)) for name in graph.outputs)
    return len(graph.operators) * 1_000_000 + tensors + outputs


@pytest.mark.parametrize("seed", range(12))
def test_simpler_networks_can_be_executed(seed: int) -> None:
    """All shapes are those that the operators have."""
    graph = random_graph(seed)
    inputs = random_inputs(graph, np.random.default_rng(seed))
    for smaller, given in simpler_networks(graph, inputs):
        values = run_integers(smaller, given)
        assert set(smaller.tensors) == set(values)
        for name, tensor in smaller.tensors.items():
            assert values[name].shape == tensor.shape
        assert numbers_of(smaller) < numbers_of(graph)


def test_a_network_for_its_own_sizes_is_the_same() -> None:
    for seed in range(30):
        graph = random_graph(seed)
        inputs = random_inputs(graph, np.random.default_rng(seed))
        same = with_sizes(graph, {})
        assert same is not None
        values = run_integers(same, inputs)
        for name, expected in run_integers(graph, inputs).items():
            assert np.array_equal(values[name], expected)


def test_a_tensor_that_becomes_an_input_keeps_its_values() -> None:
    graph = random_graph(8)
    inputs = random_inputs(graph, np.random.default_rng(8))
    values = run_integers(graph, inputs)
    fewer = 0
    for smaller, given in simpler_networks(graph, inputs):
        if all(tensor == graph.tensors[name] for name, tensor in smaller.tensors.items()):
            fewer += 1
            for name, found in run_integers(smaller, given).items():
                assert np.array_equal(found, values[name])
    assert fewer


@pytest.mark.takes_seconds
def test_what_fails_is_reduced_to_few_operators(design: Accelerator) -> None:
    """Failing means to hold a table behind a sum, here."""

    def fails(case: NetworkCase) -> bool:
        sums = {operator.output for operator in case.graph.operators if isinstance(operator, Sum)}
        return any(
            isinstance(operator, Lookup) and operator.inputs[0] in sums
            for operator in case.graph.operators
        )

    def case_of(seed: int) -> NetworkCase:
        graph = random_graph(seed, num_operators=10)
        return NetworkCase(
            accelerator=design,
            graph=graph,
            mappings={},
            inputs=random_inputs(graph, np.random.default_rng(seed)),
        )

    case = next(case for case in map(case_of, range(1000)) if fails(case))
    reduced = reduce_network(case, fails, seed=0, max_trials=100)
    assert [type(operator) for operator in reduced.graph.operators] == [Sum, Lookup]
    assert all(np.prod(tensor.shape) == 1 for tensor in reduced.graph.tensors.values())
    lowered = lowered_for(design, reduced.graph)
    assert reduced.mappings == random_mappings_of(0, design, lowered)


def test_a_reduction_asks_no_more_often_than_it_may(design: Accelerator) -> None:
    graph = random_graph(3, num_operators=8)
    case = NetworkCase(
        accelerator=design,
        graph=graph,
        mappings={},
        inputs=random_inputs(graph, np.random.default_rng(0)),
    )
    asked: list[NetworkCase] = []

    def fails(smaller: NetworkCase) -> bool:
        asked.append(smaller)
        return False

    assert reduce_network(case, fails, seed=0, max_trials=3) is case
    assert len(asked) == 3
