"""Accelerators and budgets survive a file; a wrong file is one sentence and nothing is written."""

from pathlib import Path

import pytest

from naas_hw.arch import files
from naas_hw.arch.presets import PRESETS
from naas_hw.arch.technology import ENERGY_TABLES, SizedTable
from naas_hw.core.errors import InputError


@pytest.mark.parametrize("name", PRESETS)
def test_round_trip_is_the_identity(name: str, tmp_path: Path):
    preset = PRESETS[name]
    files.write_accelerator(preset.accelerator, tmp_path / "accelerator.yaml")
    files.write_budget(preset.budget, tmp_path / "budget.yaml")
    assert files.read_accelerator(tmp_path / "accelerator.yaml") == preset.accelerator
    assert files.read_budget(tmp_path / "budget.yaml") == preset.budget


def test_a_name_finds_a_preset_and_a_path_a_file(tmp_path: Path):
    path = tmp_path / "naïve name.yaml"
    files.write_accelerator(PRESETS["eyeriss"].accelerator, path)
    assert files.find_accelerator(str(path)) == files.find_accelerator("eyeriss")
    assert files.find_budget("eyeriss") == PRESETS["eyeriss"].budget


def test_what_is_neither_name_nor_file_is_refused():
    with pytest.raises(InputError, match=r"accelerator must be one of .*, or a YAML file, not 'x'"):
        files.find_accelerator("x")
    with pytest.raises(InputError, match=r"budget must be one of .*, or a YAML file, not 'x'"):
        files.find_budget("x")
    with pytest.raises(InputError, match="cannot read "):
        files.find_budget("x.yaml")


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("version: 1", "version: 1\nversion: 1", "keys must differ, not 'version' twice"),
        ("dim: P", "dim: R", "axes must have different dims, not R twice"),
        ("size: 12", "size: 0", r"axes\[0\].size must be at least 1, not 0"),
        ("size: 12", "size: -3", r"axes\[0\].size must be at least 1, not -3"),
        ("size: 12", "size: 1e9", r"axes\[0\].size must be an integer"),
        ("beat_bytes: 8", "beat_bytes: 12", "beat_bytes must be 4, 8, 16 or 32, not 12"),
    ],
)
def test_a_wrong_accelerator_is_one_sentence(old: str, new: str, message: str, tmp_path: Path):
    path = tmp_path / "a.yaml"
    files.write_accelerator(PRESETS["eyeriss"].accelerator, path)
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))
    with pytest.raises(InputError, match=message) as caught:
        files.read_accelerator(path)
    assert str(path) in str(caught.value) and "\n" not in str(caught.value)


def test_a_folder_that_does_not_exist_cannot_be_written(tmp_path: Path):
    with pytest.raises(InputError, match="cannot write "):
        files.write_budget(PRESETS["eyeriss"].budget, tmp_path / "no" / "b.yaml")
    assert list(tmp_path.iterdir()) == []


SIZED_TABLES = [table for table in ENERGY_TABLES.values() if isinstance(table, SizedTable)]


@pytest.mark.parametrize("table", SIZED_TABLES, ids=lambda table: table.name)
def test_an_energy_table_survives_a_file(table: SizedTable, tmp_path: Path):
    path = tmp_path / "table.yaml"
    mine = table.model_copy(update={"name": "mine"})
    for value in (table, mine):
        files.write_energy_table(value, path)
        assert files.read_energy_table(path) == value
        assert files.find_energy_table(str(path)) == value


def test_a_name_finds_a_built_in_table_and_what_is_neither_is_refused():
    assert files.find_energy_table("maestro") is ENERGY_TABLES["maestro"]
    with pytest.raises(
        InputError, match=r"energy_table must be one of default, .*, or a YAML file, not 'x'"
    ):
        files.find_energy_table("x")


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("version: 1", "version: 2", "version must be at most 1, not 2"),
        ("name: mine", "name: sized", "name must not be that of a built-in table with other"),
        ("pj: 10.0", "pj: -1", "sram.pj must be at least 0, not -1"),
        ("pj: 10.0", "pj: .inf", "sram.pj must be"),
        ("pj: 10.0", "pj: '10'", "sram.pj must be a number, not '10'"),
        ("pj: 10.0", "price: 10.0", "sram.pj must be given"),
        ("size_exponent: 0.5", "size_exponent: 3", "sram.size_exponent must be at most 2, not 3"),
        ("precision: int8", "precision: int4", "mac.precision must be 'int8'"),
        ("pj_per_bit: 3.9", "pj_per_bit: x", "dram.pj_per_bit must be a number, not 'x'"),
        ("node_nm: 45.0", "node_nm: 180", "technology.node_nm must be at most 130, not 180"),
        ("source: mine", "source: ''", "dram.source must have"),
    ],
)
def test_a_wrong_energy_table_is_one_sentence(old: str, new: str, message: str, tmp_path: Path):
    path = tmp_path / "table.yaml"
    builtin = ENERGY_TABLES["sized-hbm2"]
    assert isinstance(builtin, SizedTable)
    dram = builtin.dram.model_copy(update={"source": "mine"})
    table = builtin.model_copy(update={"name": "mine", "dram": dram})
    files.write_energy_table(table, path)
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))
    with pytest.raises(InputError, match=message) as caught:
        files.read_energy_table(path)
    assert str(path) in str(caught.value) and "\n" not in str(caught.value)
