"""File plans: checked paths, a digest of the content, written all or nothing."""

from pathlib import Path

import pytest

from naas_hw.core.errors import InputError
from naas_hw.emit.plan import FilePlan
from naas_hw.system import files


def test_written_files_hold_the_content_and_others_stay(tmp_path: Path) -> None:
    folder = tmp_path / "run" / "rtl"
    folder.mkdir(parents=True)
    (folder / "kept.txt").write_text("kept")
    FilePlan.of({"a.v": "module é;\n", "data/w.bin": b"\0\xff"}).write(folder)
    assert (folder / "a.v").read_bytes() == "module é;\n".encode()
    assert (folder / "data" / "w.bin").read_bytes() == b"\0\xff"
    assert (folder / "kept.txt").read_text() == "kept"
    assert sorted(p.name for p in folder.iterdir()) == ["a.v", "data", "kept.txt"]


def test_a_second_write_replaces_the_first(tmp_path: Path) -> None:
    FilePlan.of({"a.v": "one"}).write(tmp_path)
    FilePlan.of({"a.v": "two"}).write(tmp_path)
    assert (tmp_path / "a.v").read_text() == "two"


def test_the_digest_follows_paths_and_contents_but_not_their_order() -> None:
    digest = FilePlan.of({"a": "1", "b": "2"}).digest
    assert FilePlan.of({"b": b"2", "a": b"1"}).digest == digest
    others = [{"a": "12", "b": ""}, {"a": "1", "c": "2"}, {"a": "2", "b": "1"}, {"a": "1"}]
    assert len({digest, *(FilePlan.of(files).digest for files in others)}) == 5


@pytest.mark.parametrize(
    "path",
    ["", "/etc/x", "../x", "a/../b", "a//b", "a/", ".hidden", "a b", "naïve", "a\\b", "-x", "a\n"],
)
def test_a_path_that_could_leave_the_folder_or_break_a_tool_is_refused(path: str) -> None:
    with pytest.raises(ValueError, match="a path must be relative"):
        FilePlan.of({path: ""})


def test_a_path_stands_once_and_is_file_or_folder() -> None:
    with pytest.raises(ValueError, match="once in a plan, not twice: a"):
        FilePlan.of({"a": ""}) | FilePlan.of({"a": ""})
    with pytest.raises(ValueError, match="a file or a folder, not both: a"):
        FilePlan.of({"a": "", "a/b": ""})


def test_plans_join_below_folders() -> None:
    plan = FilePlan.of({"top.v": "x"}, folder="rtl") | FilePlan.of({"README.md": "y"})
    assert list(plan) == ["README.md", "rtl/top.v"]
    assert plan["rtl/top.v"] == "x" and len(plan) == 2


def test_a_folder_that_cannot_be_made_is_one_sentence_and_nothing_is_left(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match=r"cannot write .*file/run/a: not a"):
        FilePlan.of({"a": ""}).write(tmp_path / "file" / "run")
    assert [p.name for p in tmp_path.iterdir()] == ["file"]


def test_a_failure_on_the_way_leaves_nothing_half_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = files._write_new

    def full_disk(path: Path, content: str) -> None:
        if content == "2":
            raise OSError(28, "No space left on device")
        write(path, content)

    monkeypatch.setattr(files, "_write_new", full_disk)
    plan = FilePlan.of({"a": "1", "b": "2"})
    with pytest.raises(InputError, match="no space left on device"):
        plan.write(tmp_path / "new" / "run")
    (tmp_path / "old").mkdir()
    with pytest.raises(InputError, match="no space left on device"):
        plan.write(tmp_path / "old")
    assert [p.name for p in tmp_path.rglob("*")] == ["old"]


def test_a_folder_in_the_way_of_a_file_changes_nothing(tmp_path: Path) -> None:
    (tmp_path / "b").mkdir()
    with pytest.raises(InputError, match="b must be a regular file or not exist, not a folder"):
        FilePlan.of({"a": "1", "b": "2"}).write(tmp_path)
    assert [p.name for p in tmp_path.iterdir()] == ["b"]
