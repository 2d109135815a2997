"""Every operator of the host survives the program file, those in integers included."""

from dataclasses import replace

import numpy as np
import pytest
from driver_programs import DIGEST, program_of

from naas_hw.core.errors import InputError
from naas_hw.driver.decoding import decode
from naas_hw.driver.encoding import encode
from naas_hw.driver.operators import Operand, OperatorRecord, operator_of, record_of
from naas_hw.driver.program_file import FileTensor, HostStep, program_file_of
from naas_hw.graph.integer_execution import image_of, run_integers, run_operator
from naas_hw.graph.quantised import HostFunction, QuantisedGraph
from naas_hw.graph.random_graph import random_graph, random_inputs


def through_a_file(graph: QuantisedGraph) -> list[HostStep]:
    """All operators of a network as steps of the host, written and read."""
    file = replace(
        program_file_of(program_of(random_graph(113)), digest=DIGEST),
        tensors={
            name: FileTensor(tensor=tensor, place=None) for name, tensor in graph.tensors.items()
        },
        inputs=graph.inputs,
        outputs=graph.outputs,
        steps=tuple(HostStep(name="step", operator=one) for one in graph.operators),
    )
    return [step for step in decode(encode(file)).steps if isinstance(step, HostStep)]


def test_operators_compute_the_same_after_they_were_read():
    kinds = set()
    for seed in range(40):
        graph = random_graph(seed)
        inputs = random_inputs(graph, np.random.default_rng(seed))
        values = run_integers(graph, inputs)
        values |= {name: image_of(graph.tensors[name], inputs[name]) for name in graph.inputs}
        for step, operator in zip(through_a_file(graph), graph.operators, strict=True):
            given = [values[name] for name in step.operator.inputs]
            made = run_operator(step.operator, graph.tensors, given)
            assert np.array_equal(made, values[operator.output]), (seed, operator.name)
            kinds.add(type(operator).__name__)
    assert {"Convolution", "Sum", "Lookup", "Rearranged", "Concatenation", "HostFunction"} <= kinds


def test_constants_keep_their_places():
    operator = HostFunction(
        name="host",
        inputs=("a",),
        output="y",
        kind="clamp",
        attributes={"low": None, "flag": True, "sizes": (1, 2), "reals": (0.5,), "mode": "edge"},
        input_shapes=((1, 3),),
        output_shape=(1, 3),
        constants={0: np.arange(6, dtype=np.int64).reshape(2, 3), 2: None},
    )
    record = record_of(operator, {})
    assert [type(one.value) for one in record.operands] == [np.ndarray, str, type(None)]
    back = operator_of(record)
    assert isinstance(back, HostFunction)
    assert back.constants.keys() == {0, 2}
    assert back.attributes == operator.attributes
    assert (back.input_shapes, back.output_shape) == (((1, 3),), (1, 3))


def test_an_unknown_operator_in_integers_is_refused():
    output = Operand(value="y", shape=(1, 1, 1))
    record = OperatorRecord(name="odd", kind="integer.Odd", operands=(), output=output)
    with pytest.raises(InputError, match=r"odd must be of a known kind, not 'integer\.Odd'"):
        operator_of(record)
