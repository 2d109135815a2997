"""Traced programs that are wrong, written by hand: no torch needed."""

import numpy as np
import pytest

from naas_hw.core.errors import InputError
from naas_hw.graph.importers.traced import graph_of_trace
from naas_hw.graph.operators import KINDS
from naas_hw.workload.frontends.graph import Reference, TracedGraph, TracedOperator

WEIGHTS = {"w": np.ones((4, 8, 3, 3), np.float32)}


def graph_of(kind, shape, **arguments):
    """A program of one operator, from x [1, 8, 6, 6] to y."""
    operator = TracedOperator(name="y", kind=kind, arguments=arguments, outputs=("y",))
    trace = TracedGraph(
        operators=(operator,),
        shapes={"x": (1, 8, 6, 6), "w": WEIGHTS["w"].shape, "y": shape},
        constants={"w": "w"},
        results=("y",),
        num_parameters=0,
        inputs=("x",),
    )
    return graph_of_trace(trace, WEIGHTS, name="net")


@pytest.mark.parametrize("kind", ["transpose", "add", "layer_norm"])
def test_an_operator_without_translation_is_none_of_our_kinds(kind):
    """Else it would be run without the attributes that such an operator has."""
    graph = graph_of(kind, (1, 8, 6, 6), self=Reference("x"), other=None, dim0="text")
    (operator,) = graph.operators
    assert operator.kind == f"aten.{kind}" and operator.kind not in KINDS
    assert "y (" in graph.notes[0]


def test_a_result_with_too_few_axes_is_refused():
    with pytest.raises(InputError, match="net: y must have arguments as torch defines them"):
        graph_of("conv2d", (), input=Reference("x"), weight=Reference("w"))


def test_a_result_without_numbers_is_refused():
    with pytest.raises(InputError, match=r"sizes of 'y_1' must be 1 or more, not \[1, 0, 6, 6\]"):
        graph_of("slice", (1, 0, 6, 6), self=Reference("x"), dim=1, start=3, end=3)


@pytest.mark.parametrize(
    ("kind", "shape", "arguments"),
    [
        ("select", (1, 6, 7), {"dim": 1, "index": 0}),
        ("upsample_nearest2d", (1, 4, 12, 12), {"scale_factors": [2.0, 2.0]}),
        ("expand", (1, 8, 6, 7), {}),
    ],
)
def test_a_shape_that_no_such_operator_makes_is_refused(kind, shape, arguments):
    with pytest.raises(InputError, match="y must "):
        graph_of(kind, shape, self=Reference("x"), **arguments)


def test_operators_of_one_name_get_names_of_their_own():
    """A file may give a name twice, and folding knows operators by their names."""
    operators = tuple(
        TracedOperator(
            name="same", kind=kind, arguments={"self": Reference(source)}, outputs=(target,)
        )
        for kind, source, target in (("relu", "x", "a"), ("strange", "a", "y"))
    )
    trace = TracedGraph(
        operators=operators,
        shapes=dict.fromkeys(("x", "a", "y"), (1, 8)),
        constants={},
        results=("y",),
        num_parameters=0,
        inputs=("x",),
    )
    graph = graph_of_trace(trace, {}, name="net")
    assert [operator.name for operator in graph.operators] == ["same", "same_1"]
