"""Variables of streaming models are inputs and outputs."""

import numpy as np
import pytest
from tflite_models import OperatorOfFile, TensorOfFile, file_content

from naas_hw.core.errors import InputError
from naas_hw.graph.float_execution import run_floats
from naas_hw.graph.importers.tflite_file import tflite_graph

TENSORS = [
    *(
        TensorOfFile(name=name, shape=(1, 4), dtype="float32")
        for name in "x old new again y".split()
    ),
    TensorOfFile(name="handle", shape=(), dtype="resource"),
]
HANDLE = OperatorOfFile(
    kind="VAR_HANDLE",
    inputs=(),
    outputs=("handle",),
    options="VarHandleOptions",
    fields={"sharedName": b"state"},
)
ADD = OperatorOfFile(kind="ADD", inputs=("x", "old"), outputs=("new",))
READ = OperatorOfFile(kind="READ_VARIABLE", inputs=("handle",), outputs=("old",))
ASSIGN = OperatorOfFile(kind="ASSIGN_VARIABLE", inputs=("handle", "new"), outputs=())


def graph_of(*operators):
    return tflite_graph(file_content(TENSORS, operators, ("x",), ("y",)), "a.tflite", "a")


def test_a_variable_is_an_input_and_an_output():
    read_again = OperatorOfFile(kind="READ_VARIABLE", inputs=("handle",), outputs=("again",))
    twice = OperatorOfFile(kind="MUL", inputs=("again", "new"), outputs=("y",))
    graph = graph_of(HANDLE, READ, ADD, ASSIGN, read_again, twice)
    assert graph.inputs == ("x", "old")
    assert graph.outputs == ("y", "new")
    assert graph.notes == ("Output 'new' is input 'old' of the next run.",)
    values = run_floats(graph, {"x": np.full((1, 4), 2.0), "old": np.full((1, 4), 3.0)})
    assert np.all(values["new"] == 5)
    assert np.all(values["y"] == 25)


@pytest.mark.parametrize("operator", [READ, ASSIGN])
def test_init_wrong_variable(operator):
    with pytest.raises(InputError, match=f"{operator.kind}_0 of a.tflite must name a variable"):
        graph_of(operator, ADD)
