"""Cross-layer equalisation keeps the function, and makes both sides of a channel alike."""

import numpy as np
import pytest
from float_networks import NetworkBuilder, images, residual_network

from naas_hw.graph.float_execution import run_floats
from naas_hw.graph.graph import Graph
from naas_hw.graph.quantise.equalisation import chained_layers, equalised
from naas_hw.graph.quantise.form import with_constants
from naas_hw.graph.quantise.quantisation import quantise_measured
from naas_hw.graph.quantise.settings import QuantiseSettings

SHAPE = (1, 3, 6, 6)


def chain(groups: int = 1) -> Graph:
    build = NetworkBuilder()
    a = build.relu(build.conv(build.image(*SHAPE), 8))
    return build.graph(build.conv(a, 8, groups=groups))


def uneven(graph: Graph) -> Graph:
    """The same function with channels of very different size between its layers."""
    first, second = chained_layers(graph)[0]
    factor = np.float32(10.0) ** np.linspace(-1.5, 1.5, 8, dtype=np.float32)
    weights, bias, after = (
        graph.tensors[name].values for name in (*first.inputs[1:], second.inputs[1])
    )
    assert weights is not None and bias is not None and after is not None
    return with_constants(
        graph,
        {
            first.inputs[1]: weights * factor[:, None, None, None],
            first.inputs[2]: bias * factor,
            second.inputs[1]: after / factor[None, :, None, None],
        },
    )


@pytest.mark.parametrize("groups", [1, 2, 8])
def test_the_function_stays(groups: int) -> None:
    graph = chain(groups)
    other = equalised(graph)
    image = images(SHAPE)[0]
    wanted, found = (run_floats(x, image)[graph.outputs[0]] for x in (graph, other))
    assert np.allclose(wanted, found, rtol=1e-4, atol=1e-5)
    first, second = chained_layers(other)[0]
    before, after = other.constant(first.inputs[1]), other.constant(second.inputs[1])
    assert before is not None and after is not None
    if groups == 1:
        here = np.abs(before).max(axis=(1, 2, 3))
        assert here == pytest.approx(np.abs(after).max(axis=(0, 2, 3)), rel=1e-4)


def test_it_is_kept_where_it_helps() -> None:
    graph = uneven(chain())
    without = quantise_measured(graph, images(SHAPE), QuantiseSettings(equalise=False))
    done = quantise_measured(graph, images(SHAPE))
    assert done.equalised and not without.equalised and done.error < without.error / 4


def test_branches_and_bounds_above_are_no_chains() -> None:
    build = NetworkBuilder()
    a = build.relu(build.conv(build.image(*SHAPE), 8), 6.0)
    assert chained_layers(build.graph(build.conv(a, 8))) == []
    assert [x.name for x, _ in chained_layers(residual_network())] == []
