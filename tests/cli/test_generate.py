"""`naas generate`: the same bytes each time, nothing stale, nothing half-written."""

import errno
import json
import os
from pathlib import Path

import pytest

from naas_hw.cli import main
from naas_hw.runs.folder import RunFolder
from naas_hw.system import files

pytestmark = pytest.mark.usefixtures("hardware_once")


def contents(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


@pytest.fixture
def generated(design_folder, capsys):
    assert main(["generate", str(design_folder), "--json"]) == 0
    return json.loads(capsys.readouterr().out)


@pytest.mark.takes_seconds
def test_what_is_said_is_what_is_written_and_the_digest_is_in_the_register(
    design_folder, generated
):
    for path in generated["files"]:
        assert (design_folder / path).is_file()
    assert generated["digest"] in (design_folder / "rtl" / "naas_accelerator.v").read_text()
    program = json.loads((design_folder / "program" / "program.json").read_text())
    assert program["digest"] == generated["digest"]
    assert {path.name for path in (design_folder / "program").iterdir()} == {
        "a",
        "b",
        "program.json",
    }
    listed = (design_folder / "rtl" / "files.f").read_text().split()
    assert len(listed) == generated["modules"]
    assert listed[0] == "naas_accelerator.v"


@pytest.mark.takes_seconds
def test_a_second_time_gives_the_same_bytes_and_takes_away_what_is_stale_but_nothing_of_others(
    design_folder, generated, capsys
):
    before = contents(design_folder)
    with RunFolder.open(design_folder) as run:  # what an earlier version wrote
        run.write_files(
            {"rtl/naas_old.v": "module naas_old; endmodule\n", "program/gone/w.bin": b""}
        )
    mine = ("rtl/mine.v", "program/mine/weights.bin", "program/a/notes", "notes.txt")
    for name in mine:
        (design_folder / name).parent.mkdir(exist_ok=True)
        (design_folder / name).write_text("mine")
    assert main(["generate", str(design_folder)]) == 0
    assert contents(design_folder) == {**before, **dict.fromkeys(mine, b"mine")}
    assert not (design_folder / "program" / "gone").exists()


@pytest.mark.takes_seconds
@pytest.mark.parametrize("name", ["rtl", "program", "rtl/test", "rtl/files.f"])
def test_a_link_in_the_way_is_refused_and_nothing_is_written_where_it_leads(
    name, design_folder, tmp_path, capsys
):
    (tmp_path / "kept").mkdir()
    (tmp_path / "kept" / "mine").write_text("mine")
    (design_folder / name).parent.mkdir(exist_ok=True)
    (design_folder / name).symlink_to(tmp_path / "kept")
    assert main(["generate", str(design_folder)]) == 2
    text = capsys.readouterr().err
    assert f"{name} must be a" in text and text.endswith("or not exist, not a link\n")
    assert contents(tmp_path / "kept") == {"mine": b"mine"}
    assert not (design_folder / "rtl" / "naas_accelerator.v").exists()


def test_a_file_of_others_under_a_name_of_ours_is_refused_and_kept(design_folder, capsys):
    (design_folder / "rtl").mkdir()
    (design_folder / "rtl" / "files.f").write_text("mine")
    assert main(["generate", str(design_folder)]) == 2
    assert "files.f would be replaced, but naas did not write it" in capsys.readouterr().err
    assert (design_folder / "rtl" / "files.f").read_text() == "mine"


def test_without_programs_only_hardware_is_made(design_folder, capsys):
    assert main(["generate", str(design_folder), "--no-program"]) == 0
    assert (design_folder / "rtl" / "files.f").is_file()
    assert not (design_folder / "program").exists()


def test_a_full_disk_is_one_sentence_and_leaves_what_was_there(
    design_folder, generated, monkeypatch, capsys
):
    before = contents(design_folder)
    write, written = files._write_new, []

    def full(path: Path, content: bytes) -> None:
        written.append(path)
        if len(written) == 20:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))
        write(path, content)

    monkeypatch.setattr(files, "_write_new", full)
    assert main(["generate", str(design_folder), "--seed", "1"]) == 2
    text = capsys.readouterr().err
    assert "no space left on device" in text
    assert text.count("\n") == 1
    assert contents(design_folder) == before


def test_no_yosys_is_one_sentence_and_writes_nothing(design_folder, monkeypatch, capsys):
    from naas_hw.api import hardware
    from naas_hw.core.errors import ToolError

    def missing(_accelerator, **_options):
        raise ToolError("yosys must be installed")

    monkeypatch.setattr(hardware, "generate_hardware", missing)
    assert main(["generate", str(design_folder)]) == 2
    assert capsys.readouterr().err == "naas: error: yosys must be installed\n"
    assert {path.name for path in design_folder.iterdir()} == {
        "accelerator.yaml",
        "network.yaml",
        "mapping.yaml",
    }


def test_a_folder_that_cannot_be_written_is_one_sentence(design_folder, monkeypatch, capsys):
    """Tests may run as root, whom no mode stops, so the system's answer is put in its place."""
    before = {path.name for path in design_folder.iterdir()}

    def refused(path: Path, *_args: object, **_named: object) -> None:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))

    with monkeypatch.context() as patch:
        for name in ("mkdir", "write_bytes", "write_text", "touch"):
            patch.setattr(Path, name, refused)
        assert main(["generate", str(design_folder)]) == 2
    text = capsys.readouterr().err
    assert text.startswith("naas: error: ")
    assert "permission denied" in text.lower()
    assert text.count("\n") == 1
    assert {path.name for path in design_folder.iterdir()} == before


def test_a_layer_without_a_program_is_named(design_folder, write_design_to, capsys):
    """It exists in the model only; that is no error."""
    text = (design_folder / "network.yaml").read_text()
    write_design_to(
        design_folder, network=text.replace("{name: again, ", "{name: again, kind: transposed, ")
    )
    assert main(["generate", str(design_folder)]) == 0
    assert "again: no program, because this kind of layer" in capsys.readouterr().out
    assert main(["generate", str(design_folder), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["skipped"] == ["again"]
