"""Tests of graphs: what a graph refuses, and who makes and reads its tensors."""

import numpy as np
import pytest

from naas_hw.graph.graph import Graph, GraphTensor, Operator, tensor_of, with_operators

FLOAT = np.dtype(np.float32)


def image(name: str) -> GraphTensor:
    return GraphTensor(name=name, shape=(1, 2, 3, 3), dtype=FLOAT)


def graph_of(*operators: Operator, outputs: tuple[str, ...] = ("y",)) -> Graph:
    names = ("x", *(name for operator in operators for name in operator.outputs))
    weights = tensor_of("w", np.ones((2, 2, 1, 1), np.float32))
    tensors = {name: image(name) for name in names} | {"w": weights}
    return Graph(name="net", operators=operators, tensors=tensors, inputs=("x",), outputs=outputs)


CONV = Operator(name="conv", kind="conv", inputs=("x", "w", ""), outputs=("a",))
CLAMP = Operator(name="relu", kind="clamp", inputs=("a",), outputs=("y",))
ADD = Operator(name="add", kind="add", inputs=("a", "a"), outputs=("y",))


def test_a_graph_knows_who_makes_and_who_reads() -> None:
    graph = graph_of(CONV, ADD)
    assert graph.producers == {"a": CONV, "y": ADD}
    assert graph.consumers == {"x": [CONV], "w": [CONV], "a": [ADD]}
    assert graph.constant("") is None and graph.constant("x") is None
    assert graph.constant("w") is graph.tensors["w"].values


def test_other_operators_leave_out_what_nothing_needs() -> None:
    graph = graph_of(CONV, CLAMP)
    copied = Operator(name="copy", kind="identity", inputs=("x",), outputs=("y",))
    assert set(with_operators(graph, [copied], graph.tensors).tensors) == {"x", "y"}


@pytest.mark.parametrize(
    ("operators", "message"),
    [
        ((CLAMP, CONV), "relu must read tensors made before, not 'a'"),
        ((CONV, CLAMP, ADD), "'y' must be made once, not again by add"),
        ((CONV,), "outputs must be made, not 'y'"),
    ],
)
def test_init_wrong_graph(operators: tuple[Operator, ...], message: str) -> None:
    with pytest.raises(ValueError, match=f"^{message}$"):
        graph_of(*operators)


def test_init_wrong_values() -> None:
    with pytest.raises(
        ValueError, match=r"^values of 'w' must be float32 \[2\], not float64 \[3\]$"
    ):
        GraphTensor(name="w", shape=(2,), dtype=FLOAT, values=np.zeros(3))
