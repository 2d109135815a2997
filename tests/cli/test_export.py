"""`naas export` and `naas import`: files out, the same mappings back, refusals in one sentence."""

import pytest

from naas_hw import api
from naas_hw.cli import main
from naas_hw.exchange.formats import Format
from naas_hw.mapping.files import read_mappings
from naas_hw.workload.files import read_network

NETWORK = """\
version: 1
name: net
layers:
  - {name: ragged, K: 4, C: 4, P: 5, Q: 4, R: 3, S: 3, height: 5, width: 4, padding: [1, 1]}
"""
MAPPING = """\
version: 1
network: net
layers:
  ragged:
    pe: {P: 2, Q: 2, R: 3, S: 3}
    spatial: {K: 2, C: 2}
    l2: {K: 2, C: 2, P: 2, Q: 2}
"""


def error(capsys) -> str:
    text = capsys.readouterr().err
    assert text.startswith("naas: error: ") and text.count("\n") == 1
    return text


@pytest.mark.parametrize("version", ["v0.3", "v0.4"])
def test_there_and_back(version, design_folder, tmp_path, capsys):
    files, back = tmp_path / "files", tmp_path / "back.yaml"
    words = ["export", str(design_folder), "--to", "timeloop", "--format", version]
    assert main([*words, "-o", str(files)]) == 0
    assert "9 files" in capsys.readouterr().out
    for design in ([], ["--design", str(design_folder)]):
        words = ["import", str(files), "--from", "timeloop", "-o", str(back), "--force"]
        assert main([*words, *design]) == 0
        assert read_mappings(back) == read_mappings(design_folder / "mapping.yaml")


def test_one_layer_replaces_its_mapping_and_keeps_the_others(design_folder, tmp_path):
    files, back = tmp_path / "files", tmp_path / "back.yaml"
    words = ["export", str(design_folder), "--to", "timeloop", "--layers", "b", "-o", str(files)]
    assert main(words) == 0
    assert sorted(path.name for path in (files / "layers").iterdir()) == ["b"]
    place = files / "layers" / "b" / "mapping.yaml"
    place.write_text(place.read_text().replace("permutation: SRQPCKN", "permutation: SRQKCPN"))
    words = ["import", str(place), "--from", "timeloop", "--design", str(design_folder)]
    assert main([*words, "-o", str(back)]) == 0
    before, after = read_mappings(design_folder / "mapping.yaml"), read_mappings(back)
    assert after["a"] == before["a"] and after["again"] == before["again"]
    assert after["b"].l2_order == ("P", "C", "K", "Q", "R", "S")


def test_maestro_gets_its_two_files(design_folder, tmp_path):
    words = ["export", str(design_folder), "--to", "maestro", "-o", str(tmp_path / "m")]
    assert main(words) == 0
    assert sorted(path.name for path in (tmp_path / "m").iterdir()) == ["hardware.m", "mapping.m"]
    assert (tmp_path / "m" / "mapping.m").read_text().count("Layer ") == 3


def test_edges_are_refused_by_v04_and_padded_on_demand(write_design_to, tmp_path, capsys):
    design = write_design_to(tmp_path / "design", network=NETWORK, mapping=MAPPING)
    words = ["export", str(design), "--to", "timeloop", "-o", str(tmp_path / "files")]
    assert main([*words, "--format", "v0.4"]) == 2
    assert "layer ragged: P must be the product of its factors" in error(capsys)
    assert not (tmp_path / "files").exists()
    assert main([*words, "--format", "v0.4", "--pad"]) == 0
    problem = (tmp_path / "files" / "layers" / "ragged" / "problem.yaml").read_text()
    assert "# The problem is larger than the layer: P 8 for 5." in problem and "P: 8" in problem
    back = ["import", str(tmp_path / "files"), "--from", "timeloop", "--design", str(design)]
    assert main([*back, "-o", str(tmp_path / "back.yaml")]) == 0
    assert read_mappings(tmp_path / "back.yaml") == read_mappings(design / "mapping.yaml")


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--to", "zigzag"], "--to must be one of timeloop, maestro, litex, not 'zigzag'"),
        (
            ["--to", "timeloop", "--format", "v0.5"],
            "--format must be one of v0.3, v0.4, not 'v0.5'",
        ),
        (["--to", "timeloop", "--layers", "a,z"], "layers must be those of net, not 'z'"),
        (["--to", "timeloop", "--energy-table", "x"], "energy_table must be one of"),
    ],
)
def test_what_is_unknown_is_refused(words, sentence, design_folder, tmp_path, capsys):
    assert main(["export", str(design_folder), *words, "-o", str(tmp_path / "files")]) == 2
    assert sentence in error(capsys)


def test_what_is_there_is_kept(design_folder, tmp_path, capsys):
    files, back = tmp_path / "files", tmp_path / "back.yaml"
    words = ["export", str(design_folder), "--to", "timeloop", "-o", str(files)]
    assert main(words) == 0
    assert main(words) == 2
    assert "must be a new folder or an empty one (--force writes into it)" in error(capsys)
    assert main([*words, "--force"]) == 0
    back.write_text("mine")
    words = ["import", str(files), "--from", "timeloop", "-o", str(back)]
    assert main(words) == 2
    assert "exists already (--force replaces it)" in error(capsys)
    assert back.read_text() == "mine"


def test_what_the_design_cannot_run_is_refused(design_folder, write_design_to, tmp_path, capsys):
    files = tmp_path / "files"
    words = ["export", str(design_folder), "--to", "timeloop", "-o", str(files)]
    assert main(words) == 0
    text = (design_folder / "accelerator.yaml").read_text()
    small = write_design_to(tmp_path / "small", accelerator=text.replace("size: 2", "size: 1"))
    text = (small / "mapping.yaml").read_text()
    text = text.replace("spatial: {K: 2, C: 2}", "spatial: {}").replace(
        "{K: 2, C: 2", "{K: 4, C: 4"
    )
    (small / "mapping.yaml").write_text(text)
    words = ["import", str(files), "--from", "timeloop", "-o", str(tmp_path / "back.yaml")]
    assert main([*words, "--design", str(small)]) == 2
    assert "layer a: spatial: K must use 1 positions, not 2" in error(capsys)
    assert main(["import", str(files), "--from", "maestro", "-o", str(tmp_path / "b.yaml")]) == 2
    assert "--from must be timeloop, not 'maestro'" in error(capsys)


def test_tiles_of_another_layer_are_refused(design_folder, tmp_path, capsys):
    """A mapping of a taller layer: its tiles are not those of the layer of this name."""
    files = tmp_path / "files"
    assert main(["export", str(design_folder), "--to", "timeloop", "-o", str(files)]) == 0
    place = files / "layers" / "a"
    for name, old, new in (("mapping", "P=1 Q=1 C=1", "P=3 Q=1 C=1"), ("problem", "P: 4", "P: 12")):
        path = place / f"{name}.yaml"
        assert old in path.read_text()
        path.write_text(path.read_text().replace(old, new, 1))
    words = ["import", str(files), "--from", "timeloop", "-o", str(tmp_path / "back.yaml")]
    assert main(words) == 0
    (tmp_path / "back.yaml").unlink()
    assert main([*words, "--design", str(design_folder)]) == 2
    assert "layer a: the tiles of P must be 1 for its 4, not 3" in error(capsys)


def test_the_verbs_are_functions(design_folder):
    plan = api.export(design_folder, to=Format.MAESTRO, layers=["a"])
    assert list(plan) == ["hardware.m", "mapping.m"]
    network = read_network(design_folder / "network.yaml")
    assert len(api.export(design_folder, to=Format.TIMELOOP)) == 3 + 2 * len(network.layers)
