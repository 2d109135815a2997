"""Network files: the round trip is the identity; each wrong file is one sentence."""

import pytest

from naas_hw.core.errors import InputError
from naas_hw.workload.files import read_network, write_network
from naas_hw.workload.layer import Activation, Kind, Layer
from naas_hw.workload.network import HostOperator, Network

NETWORK = Network(
    name="small",
    layers=(
        Layer(name="first", K=8, C=3, P=4, Q=5, R=3, S=2, height=9, width=6, stride=(2, 1)),
        Layer(
            name="second",
            kind=Kind.DEPTHWISE,
            K=8,
            P=4,
            Q=5,
            R=3,
            S=3,
            height=4,
            width=5,
            padding=(1, 1),
            activation=Activation.RELU6,
        ),
    ),
    host=(HostOperator(name="pool", operator="max_pool2d"),),
    num_parameters=12,
)


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "network.yaml"
    write_network(NETWORK, path)
    return path


def test_round_trip_is_the_identity(path):
    """What was written is read."""
    assert read_network(path) == NETWORK


def test_same_network_same_bytes(path):
    """Writing what was read changes nothing."""
    before = path.read_bytes()
    write_network(read_network(path), path)
    assert path.read_bytes() == before


def test_short_form_is_read(tmp_path):
    """Fields with defaults may be left out."""
    path = tmp_path / "a.yaml"
    path.write_text(
        "name: n\nlayers:\n  - {name: fc, kind: linear, K: 10, C: 4, height: 1, width: 1}"
    )
    assert read_network(path).layers == (
        Layer(name="fc", kind=Kind.LINEAR, K=10, C=4, height=1, width=1),
    )


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ("K: 8, C: 3", "K: 0, C: 3", "layers[0].K must be at least 1, not 0"),
        ("K: 8, C: 3", "K: -5, C: 3", "layers[0].K must be at least 1, not -5"),
        ("K: 8, C: 3", "K: 65536, C: 3", "layers[0].K must be at most 65535, not 65536"),
        ("K: 8, C: 3", "K: 1e9, C: 3", "layers[0].K must be an integer, not 1000000000.0"),
        ("K: 8, C: 3", "K: true, C: 3", "layers[0].K must be an integer, not True"),
        ("K: 8, C: 3", "K: '8', C: 3", "layers[0].K must be an integer, not '8'"),
        ("K: 8, C: 3", "C: 3", "layers[0].K must be given"),
        ("K: 8, C: 3", "K: 8, C: 3, k: 1", "layers[0].k is not a known field"),
        ("K: 8, C: 3", "K: 8, K: 3", "line 4: keys must differ, not 'K' twice"),
        ("C: 1, ", "C: 2, ", "layers[1]: C must be 1 in a depthwise layer, not 2"),
        ("stride: [2, 1]", "stride: [0, 1]", "layers[0].stride[0] must be at least 1, not 0"),
        ("padding: [1, 1]", "padding: [-1, 1]", "layers[1].padding[0] must be at least 0, not -1"),
        ("relu6", "selu", "layers[1].activation must be 'none', 'relu' or 'relu6', not 'selu'"),
        ("second", "first", "layer names must differ, not 'first' twice"),
        ("name: small", "small: small", "name must be given"),
        ("version: 1", "version: 2", "version must be at most 1, not 2"),
        ("max_pool2d", "rm -rf", "host[0].operator must match pattern "),
        ("name: first", "name: ../first", "layers[0].name must match pattern "),
        ("name: first", f"name: {'a' * 101}", "layers[0].name must match pattern "),
        ("layers:", "layers: [", "line 4: must be valid YAML: "),
    ],
)
def test_wrong_field_is_one_sentence(path, old, new, sentence):
    """File, place, rule and value, in one line."""
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))
    with pytest.raises(InputError) as caught:
        read_network(path)
    assert str(caught.value).startswith(f"{path}: {sentence}")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "must be a mapping, not None"),
        ("name: n\nlayers: []", "layers must have at least 1 item, not 0"),
        ("- 1", "must be a mapping, not [1]"),
    ],
)
def test_empty_network_is_one_sentence(tmp_path, text, sentence):
    """A network has layers."""
    path = tmp_path / "a.yaml"
    path.write_text(text)
    with pytest.raises(InputError) as caught:
        read_network(path)
    assert str(caught.value) == f"{path}: {sentence}"
