"""`naas bench contract` compares bytes, and says by its exit status whether they may differ so."""

import json
import sys

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from trained_models import model_path

from naas_hw.api.models import find_model
from naas_hw.cli import main
from naas_hw.graph.contract import ContractReport, OperatorComparison


@pytest.fixture
def quantised(tmp_path):
    """A quantised convolution as a file."""
    weights = np.linspace(-1, 1, 4 * 3 * 9, dtype=np.float32).reshape(4, 3, 3, 3)
    graph = helper.make_graph(
        [helper.make_node("Conv", ["x", "w"], ["y"])],
        "net",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 3, 8, 8])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 4, 6, 6])],
        [numpy_helper.from_array(weights, "w")],
    )
    path = tmp_path / "float.onnx"
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)]), str(path))
    made = tmp_path / "int8.onnx"
    made.write_bytes(find_model(path).file)
    return made


def test_shares_of_an_onnx_file_are_told(quantised, capsys):
    assert main(["bench", "contract", str(quantised), "--inputs", "2", "--json"]) == 0
    (found,) = json.loads(capsys.readouterr().out)
    assert found["model"] == "int8.onnx" and found["ok"]
    assert found["other"].startswith("onnx.reference ") and found["not_compared"] == []
    (kind,) = found["kinds"]
    assert (kind["kind"], kind["num_operators"], kind["num_bytes"]) == ("convolution", 1, 2 * 144)
    assert kind["share"] == kind["num_differing"] / kind["num_bytes"]


def test_the_table_has_a_row_for_each_kind(quantised, capsys):
    assert main(["bench", "contract", str(quantised), "--inputs", "2"]) == 0
    text = capsys.readouterr().out
    assert "| int8.onnx | convolution | 1 | 288 |" in text
    assert "beside onnx.reference" in text and "0 operators not compared." in text


@pytest.mark.parametrize(("kind", "difference", "holds"), [("sum", 1, True), ("sum", 2, False)])
def test_one_unit_is_allowed(kind, difference, holds):
    one = OperatorComparison(
        name="a", kind=kind, num_bytes=9, num_differing=1, largest_difference=difference
    )
    assert ContractReport(other="other", operators=(one,)).holds is holds
    assert not ContractReport(other="other", operators=(one,), exact=frozenset({kind})).holds


def test_without_litert_the_command_says_what_it_needs(monkeypatch, capsys):
    path = model_path("ad01_int8.tflite")
    monkeypatch.setitem(sys.modules, "ai_edge_litert", None)
    assert main(["bench", "contract", str(path)]) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1 and "pip install ai-edge-litert" in said


def test_a_float_model_is_refused(quantised, capsys):
    assert main(["bench", "contract", str(quantised.with_name("float.onnx"))]) == 2
    assert "float.onnx must be a quantised model" in capsys.readouterr().err
