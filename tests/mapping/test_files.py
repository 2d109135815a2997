"""Mappings of a network survive a file, and belong to the network that is named."""

from pathlib import Path

import pytest

from naas_hw.core.errors import InputError
from naas_hw.mapping.files import read_mappings, write_mappings
from naas_hw.mapping.mapping import Bounds, Mapping
from naas_hw.workload.layer import Layer
from naas_hw.workload.network import Network

MAPPINGS = {
    "b.conv": Mapping(l2=Bounds(K=3), dram_order=("S", "R", "Q", "P", "C", "K")),
    "a": Mapping(pe=Bounds(C=5), spatial=Bounds(P=14)),
}
NETWORK = Network(
    name="two", layers=tuple(Layer(name=name, K=1, height=1, width=1) for name in MAPPINGS)
)


def test_round_trip_is_the_identity_and_keeps_the_order(tmp_path: Path):
    write_mappings(MAPPINGS, tmp_path / "mapping.yaml", network="two")
    found = read_mappings(tmp_path / "mapping.yaml", NETWORK)
    assert list(found.items()) == list(MAPPINGS.items())


def test_the_same_mappings_give_the_same_bytes(tmp_path: Path):
    for name in ("1.yaml", "2.yaml"):
        write_mappings(MAPPINGS, tmp_path / name)
    assert (tmp_path / "1.yaml").read_bytes() == (tmp_path / "2.yaml").read_bytes()


def test_a_layer_without_mapping_and_a_mapping_without_layer_are_refused(tmp_path: Path):
    write_mappings({"a": MAPPINGS["a"]}, tmp_path / "few.yaml")
    write_mappings({**MAPPINGS, "c": MAPPINGS["a"]}, tmp_path / "many.yaml")
    with pytest.raises(InputError, match="layers must hold a mapping of b.conv"):
        read_mappings(tmp_path / "few.yaml", NETWORK)
    with pytest.raises(InputError, match="layers must be those of the network, not c"):
        read_mappings(tmp_path / "many.yaml", NETWORK)


def test_an_order_with_a_dim_twice_is_one_sentence(tmp_path: Path):
    path = tmp_path / "mapping.yaml"
    write_mappings({"a": MAPPINGS["a"]}, path)
    path.write_text(path.read_text().replace("l2_order: [K, C", "l2_order: [K, K"))
    with pytest.raises(InputError, match="l2_order must hold each of K C P Q R S once") as caught:
        read_mappings(path)
    assert "\n" not in str(caught.value)
