"""A file is written whole or not at all, and only a regular file is ever replaced."""

import os
from pathlib import Path

import pytest

from naas_hw.core.errors import InputError
from naas_hw.system.files import read_file, write_file, write_files


def names_in(folder):
    return sorted(path.name for path in folder.iterdir())


def test_a_file_is_replaced_whole_and_nothing_stays_beside_it(tmp_path):
    """With the usual permissions."""
    path, other = tmp_path / "a.yaml", tmp_path / "other"
    other.touch()
    write_file(path, "old")
    write_file(path, "new\n")
    assert path.read_bytes() == b"new\n"
    assert names_in(tmp_path) == ["a.yaml", "other"]
    assert path.stat().st_mode == other.stat().st_mode


def test_the_old_file_stays_where_the_new_one_cannot_be_encoded(tmp_path):
    write_file(tmp_path / "a", "old")
    with pytest.raises(InputError, match="cannot write .*a: "):
        write_file(tmp_path / "a", "\ud800")
    assert (tmp_path / "a").read_text() == "old" and names_in(tmp_path) == ["a"]


def test_a_folder_that_is_not_there_is_not_made(tmp_path):
    path = tmp_path / "none" / "a.yaml"
    with pytest.raises(InputError) as caught:
        write_file(path, "x")
    assert str(caught.value) == f"cannot write {path}: no such file or directory"


def device(path: Path) -> None:
    """A name of a device: `full` itself cannot be made without being root."""
    path.symlink_to("/dev/full")


@pytest.mark.parametrize(
    ("make", "kind"),
    [
        (Path.mkdir, "a folder"),
        (os.mkfifo, "a FIFO"),
        (device, "a link"),
        (lambda path: path.symlink_to("nowhere"), "a link"),
        (lambda path: path.symlink_to("other"), "a link"),
    ],
)
def test_what_is_no_regular_file_is_refused_and_stays(make, kind, tmp_path):
    (tmp_path / "other").write_text("mine")
    make(tmp_path / "x")
    before = os.lstat(tmp_path / "x")
    with pytest.raises(InputError) as caught:
        write_files(tmp_path, {"first": "1", "x": "2"})
    place = tmp_path / "x"
    assert str(caught.value) == f"{place} must be a regular file or not exist, not {kind}"
    assert os.lstat(place) == before
    assert (tmp_path / "other").read_text() == "mine"
    assert names_in(tmp_path) == ["other", "x"]


def test_a_device_is_refused():
    with pytest.raises(InputError, match="/dev/null must be a regular file .* not a device"):
        write_file("/dev/null", "")


def test_no_name_that_can_be_known_before_is_written_to(tmp_path, monkeypatch):
    """And a name that exists already is not opened, whatever it is."""
    opened = []
    real = os.open

    def spy(path, flags, *mode):
        if flags & os.O_CREAT:
            opened.append((Path(path).name, flags))
        return real(path, flags, *mode)

    monkeypatch.setattr(os, "open", spy)
    write_file(tmp_path / "a", "1")
    write_file(tmp_path / "a", "2")
    names = {name for name, _ in opened}
    assert len(names) == 2 and not names & {"a"}
    assert all(flags & os.O_EXCL and flags & os.O_NOFOLLOW for _, flags in opened)


def test_folders_between_are_made_and_taken_away_where_a_file_fails(tmp_path):
    write_files(tmp_path / "new", {"a/b/c": "1"})
    assert (tmp_path / "new" / "a" / "b" / "c").read_text() == "1"
    with pytest.raises(InputError):
        write_files(tmp_path / "other", {"a/b/c": "1", "a/b": "2"})
    assert names_in(tmp_path) == ["new"]


@pytest.mark.parametrize(
    ("path", "rule"),
    [
        ("/dev/zero", "must be a regular file, not a device"),
        (".", "must be a regular file, not a folder"),
        ("none", "cannot read none: no such file"),
        ("a\0b", "must be a path"),
    ],
)
def test_what_is_read_is_a_regular_file(path, rule):
    with pytest.raises(InputError, match=rule):
        read_file(path, max_bytes=10)


def test_a_fifo_without_a_writer_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "f")
    with pytest.raises(InputError, match="not a FIFO"):
        read_file(tmp_path / "f", max_bytes=10)


def test_a_file_may_be_as_large_as_its_kind_allows(tmp_path):
    (tmp_path / "a").write_bytes(b"12345")
    assert read_file(tmp_path / "a", max_bytes=5) == b"12345"
    with pytest.raises(InputError, match="must have at most 4 bytes, not 5"):
        read_file(tmp_path / "a", max_bytes=4)
