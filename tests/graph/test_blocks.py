"""Blocks of common networks: imported, folded, quantised; no multiply-accumulate is lost."""

from math import prod

import numpy as np
import pytest
from blocks import BLOCKS, macs_in_torch

from naas_hw.graph.float_execution import run_floats
from naas_hw.graph.fold.folding import folded
from naas_hw.graph.graph import Array, Graph, Operator
from naas_hw.graph.importers.torch_program import read_torch_module
from naas_hw.graph.integer_execution import model_values, run_integers
from naas_hw.graph.integer_form import quantised_graph
from naas_hw.graph.quantise.quantisation import quantise_measured

pytestmark = [
    pytest.mark.needs("torch"),
    pytest.mark.takes_seconds,
]


def macs_of(graph: Graph, operator: Operator) -> int:
    """Products of a layer, or of two activations."""
    first, second = (graph.tensors[name].shape for name in operator.inputs[:2])
    output = graph.tensors[operator.outputs[0]].shape
    if operator.kind == "conv_transposed":
        return prod(first) * prod(second[1:])
    if operator.kind == "matmul":
        return prod(output) * first[-1]
    return prod(output) * prod(second[1:])


def products_of(graph: Graph) -> list[Operator]:
    kinds = ("conv", "conv_transposed", "linear", "matmul")
    return [operator for operator in graph.operators if operator.kind in kinds]


def results_of(graph: Graph, image: dict[str, Array]) -> list[Array]:
    values = run_floats(graph, image)
    return [values[name] for name in graph.outputs]


@pytest.mark.parametrize("name", BLOCKS)
def test_a_block_becomes_integers(name: str) -> None:
    import torch

    make, shape = BLOCKS[name]
    torch.manual_seed(0)
    module = make().eval()
    graph = read_torch_module(module, input_shapes={"x": shape})
    assert graph.notes == ()
    inputs = [torch.randn(shape) for _ in range(4)]
    images = [{graph.inputs[0]: image.numpy()} for image in inputs]

    with torch.no_grad():
        wanted = module(inputs[0])
    wanted = [x.numpy() for x in (wanted if isinstance(wanted, tuple) else (wanted,))]
    for made in (graph, folded(graph)):
        for found, expected in zip(results_of(made, images[0]), wanted, strict=True):
            assert np.abs(found - expected).max() <= 1e-4 * np.abs(expected).max() + 1e-6

    assert sum(macs_of(graph, x) for x in products_of(graph)) == macs_in_torch(module, inputs[0])

    done = quantise_measured(graph, images)
    assert done.error < 0.02
    integers = quantised_graph(done.graph)
    covered = {source for x in integers.operators for source in (x.name, *x.sources)}
    assert {x.name for x in products_of(graph)} <= covered

    values = run_integers(integers, images[0])
    for output, expected in zip(integers.outputs, wanted, strict=True):
        found = model_values(integers.tensors[output], values[output])
        error = np.square(found - expected).sum() / np.square(expected).sum()
        assert error < 0.03
