"""`naas check` lists every operator, and its exit status says whether the model can run."""

import json

import pytest

from naas_hw.cli import main
from naas_hw.cli.check import summary_of
from naas_hw.cli.models import parse_shape
from naas_hw.workload.check import CheckReport, OperatorCheck, Verdict

NETWORK = """\
version: 1
name: small
layers:
  - {name: conv1, K: 4, C: 3, height: 1, width: 1}
host:
  - {name: pool1, operator: max_pool2d}
"""


def operator(name: str, verdict: Verdict) -> OperatorCheck:
    return OperatorCheck(name=name, operator="x", verdict=verdict, reason="because")


def test_a_network_file_is_a_model(tmp_path, monkeypatch, capsys):
    path = tmp_path / "small net.yaml"
    path.write_text(NETWORK)
    assert main(["check", str(path)]) == 0
    shown = capsys.readouterr().out
    assert "conv1" in shown and "pool1" in shown
    assert shown.endswith("small: 1 mapped, 0 folded, 1 host, 0 unsupported\n")


def test_json_has_every_operator_with_its_verdict(tmp_path, capsys):
    path = tmp_path / "small.yaml"
    path.write_text(NETWORK)
    assert main(["check", str(path), "--json"]) == 0
    operators = json.loads(capsys.readouterr().out)["operators"]
    assert [(each["name"], each["verdict"]) for each in operators] == [
        ("conv1", "mapped"),
        ("pool1", "host"),
    ]


@pytest.mark.parametrize(
    ("verdicts", "status"),
    [
        ([Verdict.MAPPED, Verdict.FOLDED, Verdict.HOST], 0),
        ([Verdict.MAPPED, Verdict.UNSUPPORTED], 1),
        ([Verdict.HOST], 1),
    ],
)
def test_exit_status_1_where_one_is_unsupported_or_none_is_mapped(
    verdicts, status, monkeypatch, capsys
):
    operators = tuple(operator(f"n{i}", verdict) for i, verdict in enumerate(verdicts))
    report = CheckReport(model="[bold]m", operators=operators)
    monkeypatch.setattr("naas_hw.cli.check.check_model", lambda *_, **__: report)
    assert main(["check", "anything"]) == status
    shown = capsys.readouterr().out
    assert all(each.name in shown for each in operators)
    assert summary_of(report) in shown


def test_macs_that_are_not_covered_are_told(tmp_path, capsys):
    """Those of layers without a program and of the host's operators; one unknown, all unknown."""
    path = tmp_path / "small.yaml"
    layer = "  - {name: up, kind: transposed, K: 4, C: 3, P: 2, Q: 2, height: 2, width: 2}\n"
    text = NETWORK.replace("host:", f"{layer}host:\n  - {{name: av, operator: bmm, macs: 1000}}")
    path.write_text(text)
    assert main(["check", str(path), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["macs_covered"], found["macs_not_covered"]) == (4 * 3, 4 * 3 * 4 + 1000)
    assert [each["macs_not_covered"] for each in found["operators"]] == [0, 48, 1000, 0]
    path.write_text(text.replace("1000", "unknown"))
    assert main(["check", str(path)]) == 0
    assert "12 covered by the accelerator, unknown not covered" in capsys.readouterr().out


@pytest.mark.needs("torch")
def test_a_torch_model_comes_from_a_callable_beside_the_user(tmp_path, monkeypatch, capsys):
    (tmp_path / "users_model.py").write_text(
        "from torch import nn\n"
        "def make():\n"
        "    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU())\n"
    )
    monkeypatch.chdir(tmp_path)
    assert main(["check", "users_model:make", "--input-shape", "1x3x8x8"]) == 0
    assert "make: 1 mapped, 1 folded, 0 host, 0 unsupported" in capsys.readouterr().out


@pytest.mark.parametrize("text", ["3", "1x3x8x8", "1X3"])
def test_shapes_are_sizes_with_x_between(text):
    assert parse_shape(text) == tuple(int(part) for part in text.lower().split("x"))


@pytest.mark.parametrize("text", ["", "1,3", "axb", "1x", "-1x3", "1x²", "9" * 10])
def test_other_shapes_are_refused(text, capsys):
    assert main(["check", "x", "--input-shape=" + text]) == 2
    assert "--input-shape must be sizes like 1x3x224x224, not " in capsys.readouterr().err


@pytest.mark.parametrize("model", ["nonsense", "no/such.yaml", "no.such.module:f"])
def test_a_model_that_is_none_is_bad_input(model, capsys):
    assert main(["check", model]) == 2
    assert capsys.readouterr().err.count("\n") == 1
