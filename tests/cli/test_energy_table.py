"""One's own energy table: printed, changed, given to a command, kept with the run."""

import json

import pytest
from ruamel.yaml import YAML

from naas_hw import api
from naas_hw.arch.files import read_energy_table
from naas_hw.arch.technology import DRAMS, SIZED
from naas_hw.cli import main

SEARCH = ["--budget", "shidiannao", "--generations", "1", "--population", "2"]
SEARCH += ["--evaluations", "20", "--min-legal", "5", "--processes", "1"]


@pytest.fixture
def printed(tmp_path, capsys):
    """What `naas energy-table` prints, as a file."""

    def to_file(*options, name="mine.yaml"):
        assert main(["energy-table", *options]) == 0
        path = tmp_path / name
        path.write_text(capsys.readouterr().out)
        return path

    return to_file


def test_what_is_printed_is_read_again(printed):
    assert read_energy_table(printed()) == SIZED
    assert read_energy_table(printed("sized", "--dram", "hbm2")).dram == DRAMS["hbm2"]
    words = ["sized", "--dram", "lpddr4", "--mac", "int16", "--node", "28", "--supply", "0.9"]
    table = read_energy_table(printed(*words))
    assert (table.name, table.technology.node_nm) == ("sized-lpddr4-int16-28nm", 28)
    assert read_energy_table(printed(str(printed(*words)), "--name", "again")) == (
        table.model_copy(update={"name": "again"})
    )


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["maestro"], "one whose prices depend on the sizes of memories, not maestro"),
        (["nobody"], "energy_table must be one of default, sized, maestro,"),
        (["--dram", "ddr9"], "dram must be one of horowitz, ddr3,"),
        (["--mac", "int4"], "mac must be one of int8, int16,"),
        (["--node", "28"], "--node and --supply must be given together"),
        (["--node", "3", "--supply", "0.7"], "node_nm must be 7 to 130, not 3"),
        (["--name", "a b"], "name must match pattern"),
    ],
)
def test_a_wrong_word_is_one_sentence(words, sentence, capsys):
    assert main(["energy-table", *words]) == 2
    captured = capsys.readouterr()
    assert sentence in captured.err and captured.out == ""


def test_a_run_keeps_its_own_table_and_is_evaluated_with_it(printed, design_folder, tmp_path):
    path = printed("sized", "--dram", "hbm2", "--name", "mine")
    words = ["map", str(design_folder / "network.yaml"), "--evaluations", "40", "--min-legal", "5"]
    words += ["--accelerator", str(design_folder / "accelerator.yaml"), "--processes", "1"]
    run = tmp_path / "run"
    assert main([*words, "--energy-table", str(path), "-o", str(run)]) == 0
    path.unlink()
    result = json.loads((run / "result.json").read_text())
    assert result["energy_table"] == "mine"
    assert api.evaluate(run).energy_pj == result["networks"][0]["energy_pj"]
    assert api.evaluate(run, table="sized").energy_pj > api.evaluate(run).energy_pj
    assert main([*words, "-o", str(run), "--force"]) == 0
    assert not (run / "energy_table.yaml").exists()
    assert api.run_table(run) is SIZED


def test_a_search_goes_on_with_the_table_it_was_begun_with_only(
    printed, design_folder, tmp_path, capsys
):
    path = printed("sized", "--dram", "ddr4", "--name", "mine")
    run = tmp_path / "run"
    words = ["search", str(design_folder / "network.yaml"), *SEARCH, "-o", str(run)]
    words += ["--energy-table", str(path)]
    assert main(words) == 0
    found = (run / "result.json").read_bytes()
    assert main([*words, "--resume"]) == 0
    assert (run / "result.json").read_bytes() == found
    manifest = json.loads((run / "manifest.json").read_text())
    assert manifest["energy_table"].startswith("mine ")

    data = YAML(typ="safe").load(path.read_text())
    data["dram"]["pj_per_bit"] *= 2
    with path.open("w") as stream:
        YAML().dump(data, stream)
    capsys.readouterr()
    assert main([*words, "--resume"]) == 2
    assert "energy_table must be mine " in capsys.readouterr().err
    assert (run / "result.json").read_bytes() == found
