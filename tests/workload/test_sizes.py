"""Outputs of a layer follow from its input, kernel and padding, or the padding is stated."""

import pytest

from naas_hw.core.errors import InputError
from naas_hw.workload.files import read_network, write_network
from naas_hw.workload.layer import Layer
from naas_hw.workload.network import Network
from naas_hw.workload.sizes import size_problem, with_stated_padding


def layer(**changes) -> Layer:
    given = {"name": "l", "K": 8, "C": 3, "P": 6, "Q": 6, "R": 3, "S": 3, "height": 8, "width": 8}
    return Layer(**given | changes)


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"P": 8, "padding": [1, 0]},
        {"P": 3, "Q": 3, "stride": [2, 2]},
        {"P": 4, "Q": 4, "stride": [2, 2], "padding": [1, 1]},
        {"P": 4, "Q": 4, "stride": [2, 2]},  # "same" of TFLite: the odd row is behind
        {"P": 8, "R": 4, "padding": [1, 0]},  # "same" of torch
        {"P": 4, "dilation": [2, 1]},
        {"P": 8, "trailing_padding": [2, 0]},
        {"P": 5, "trailing_padding": [-1, 0]},
        {"kind": "transposed", "P": 8, "Q": 8, "R": 1, "S": 1},
        {"kind": "linear", "P": 1, "Q": 1, "R": 1, "S": 1, "height": 1, "width": 1},
    ],
)
def test_sizes_that_follow(changes):
    """The padding given is on both sides, or that of "same", or stated."""
    assert size_problem(layer(**changes)) is None


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"P": 8}, "P must be 6 with padding 0 on both sides, not 8; padding must be another, or "
         "trailing_padding must state what lies below (2)"),
        ({"P": 12, "Q": 6, "R": 1, "S": 1, "height": 6, "width": 12},
         "P must be 6 with padding 0 on both sides, not 12; "),
        ({"Q": 4}, "Q must be 6 with padding 0 on both sides, not 4; padding must be another, or "
         "trailing_padding must state what lies to the right (-2)"),
        ({"P": 8, "trailing_padding": [1, 0]}, "P must be 7 with trailing_padding 1, not 8"),
    ],
)  # fmt: skip
def test_sizes_that_do_not_follow_are_refused(tmp_path, changes, problem):
    """By the network that they are part of, from a file too, with place, rule and value."""
    wrong = layer(**changes)
    found = size_problem(wrong)
    assert found is not None and found.startswith(problem)
    with pytest.raises(ValueError, match="layers"):
        Network(name="n", layers=(wrong,))
    path = tmp_path / "network.yaml"
    write_network(Network(name="n", layers=(layer(),)), path)
    fields = wrong.model_dump(mode="json")
    text = ", ".join(f"{name}: {value}" for name, value in fields.items())
    path.write_text(f"name: n\nlayers:\n  - {{{text}}}\n")
    with pytest.raises(InputError) as caught:
        read_network(path)
    assert str(caught.value).startswith(f"{path}: layers[0] (l): {problem}")


def test_outputs_that_no_padding_explains_are_no_layer():
    """256 rows of padding behind the input: one more than there may be."""
    assert layer(P=8 + 255 - 2, trailing_padding=[255, 0]).P == 261
    rule = "P must be at most 261 for an input of 8 with padding 0 before it and at most 255 behind"
    with pytest.raises(ValueError, match=rule):
        layer(P=262)
    with pytest.raises(ValueError, match="an input of 8 .* must have room for the kernel of P"):
        layer(P=1, R=300)


def test_stated_padding_is_kept_in_a_file(tmp_path):
    """It is written where it is needed only, and costs nothing: the layer is the same work."""
    odd = layer(P=8)
    stated = with_stated_padding(odd)
    assert stated.trailing_padding == (2, 0)
    assert stated.anonymous == odd.anonymous
    assert with_stated_padding(layer()) == layer()
    network = Network(name="n", layers=(stated, layer(name="m")))
    write_network(network, tmp_path / "network.yaml")
    assert read_network(tmp_path / "network.yaml") == network
    assert (tmp_path / "network.yaml").read_text().count("trailing_padding") == 1
