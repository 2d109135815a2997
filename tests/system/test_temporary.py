"""Temporary folders are gone in the end, also those of a process that was killed."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from naas_hw.core.errors import InputError
from naas_hw.system.temporary import remove_abandoned, temporary_folder

LEFT_BEHIND = """
import os
from naas_hw.system.temporary import temporary_folder
with temporary_folder("left-") as folder:
    (folder / "file").write_text("")
    print(folder, flush=True)
    os.kill(os.getpid(), 9)
"""


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A folder for temporary files of its own."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def killed_in(place: Path) -> Path:
    """The temporary folder of a process that has been killed."""
    done = subprocess.run(
        [sys.executable, "-c", LEFT_BEHIND],
        env={**os.environ, "TMPDIR": str(place)},
        capture_output=True,
        text=True,
        check=False,
    )
    folder = Path(done.stdout.strip())
    assert (folder / "file").exists()
    return folder


def test_a_folder_is_empty_private_and_gone_afterwards(place):
    with temporary_folder("a-") as folder:
        assert list(folder.iterdir()) == [] and folder.name.startswith("a-")
        assert folder.parent.stat().st_mode & 0o777 == 0o700
        (folder / "b").mkdir()
    assert list(place.iterdir()) == []


@pytest.mark.parametrize("sweep", [remove_abandoned, lambda: temporary_folder().__enter__()])
def test_the_folder_of_a_process_that_was_killed_goes_with_the_next(sweep, place):
    with temporary_folder() as used:
        folder = killed_in(place)
        sweep()
        assert not folder.exists() and used.exists()


def test_a_place_that_somebody_has_made_a_link_of_is_refused(place):
    (place / "elsewhere").mkdir()
    (place / f"naas-{os.getuid()}").symlink_to("elsewhere")
    with pytest.raises(InputError, match="must be a folder that belongs to this user"):
        with temporary_folder():
            pass
    assert list((place / "elsewhere").iterdir()) == []


def test_no_place_is_one_sentence(monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", "/none")
    with pytest.raises(InputError, match="no such file.*TMPDIR names another folder"):
        with temporary_folder():
            pass
