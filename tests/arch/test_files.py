"""Accelerators and budgets survive a file; a wrong file is one sentence and nothing is written."""

from pathlib import Path

import pytest

from naas_hw.arch import files
from naas_hw.arch.presets import PRESETS
from naas_hw.errors import InputError


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
    with pytest.raises(InputError, match="must be a readable file"):
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
    with pytest.raises(InputError, match="must be a writable file"):
        files.write_budget(PRESETS["eyeriss"].budget, tmp_path / "no" / "b.yaml")
    assert list(tmp_path.iterdir()) == []
