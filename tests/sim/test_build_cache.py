"""The build cache: an entry is whole or absent, built once, and the oldest go first."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from naas_hw.core.errors import InputError
from naas_hw.sim.build_cache import BuildCache, build_digest, default_cache_folder

A, B, C = (build_digest({name: ""}) for name in "abc")


def _writer(size: int = 10) -> Callable[[Path], None]:
    def build(folder: Path) -> None:
        (folder / "program").write_bytes(b"x" * size)

    return build


def _never(folder: Path) -> None:
    raise AssertionError(f"{folder} must not be built")


def _fetch(cache: BuildCache, digest: str, build: Callable[[Path], None], into: Path) -> bool:
    into.mkdir(exist_ok=True)
    (into / "program").unlink(missing_ok=True)
    return cache.fetch(digest, build, into)


def test_the_second_fetch_does_not_build(tmp_path: Path) -> None:
    """The first builds, the second finds; both give the files."""
    cache = BuildCache(folder=tmp_path / "cache")
    assert not _fetch(cache, A, _writer(), tmp_path / "run")
    assert _fetch(cache, A, _never, tmp_path / "run")
    assert (tmp_path / "run" / "program").read_bytes() == b"x" * 10
    assert cache.entries() == (A,)


def test_a_build_that_fails_leaves_no_entry(tmp_path: Path) -> None:
    """Its exception is passed on, and the next fetch builds."""

    def fails(folder: Path) -> None:
        (folder / "half").write_text("half")
        raise RuntimeError("no")

    cache = BuildCache(folder=tmp_path / "cache")
    with pytest.raises(RuntimeError, match="no"):
        _fetch(cache, A, fails, tmp_path / "run")
    assert cache.entries() == ()
    assert [path.suffix for path in cache.folder.iterdir()] == [".lock"]
    assert not _fetch(cache, A, _writer(), tmp_path / "run")


def test_what_a_killed_process_left_is_not_an_entry(tmp_path: Path) -> None:
    """A build that was killed half way is done again, and its rest removed."""
    script = (
        "import os, signal, sys\n"
        "from pathlib import Path\n"
        "from naas_hw.sim.build_cache import BuildCache\n"
        "def build(folder):\n"
        "    (folder / 'half').write_text('half')\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
        f"BuildCache(folder=Path(sys.argv[1])).fetch('{A}', build, Path(sys.argv[2]))\n"
    )
    cache = BuildCache(folder=tmp_path / "cache")
    done = subprocess.run([sys.executable, "-c", script, cache.folder, tmp_path], check=False)
    assert done.returncode == -9
    assert (cache.folder / f"{A}.partial" / "half").is_file()
    assert cache.entries() == ()
    (cache.folder / f"{B}.partial").mkdir()  # of another build, which nobody asks for again
    assert not _fetch(cache, A, _writer(), tmp_path / "run")
    assert [path.name for path in (cache.folder / A).iterdir()] == ["program"]
    assert not list(cache.folder.glob("*.partial"))


def test_two_processes_build_once(tmp_path: Path) -> None:
    """The second waits for the first one's build and uses it."""
    script = (
        "import sys, time\n"
        "from pathlib import Path\n"
        "from naas_hw.sim.build_cache import BuildCache\n"
        "def build(folder):\n"
        "    time.sleep(0.2)\n"
        "    (folder / 'program').write_text('program')\n"
        "into = Path(sys.argv[2]); into.mkdir()\n"
        f"print(BuildCache(folder=Path(sys.argv[1])).fetch('{A}', build, into))\n"
    )
    children = [
        subprocess.Popen(
            [sys.executable, "-c", script, tmp_path / "cache", tmp_path / f"run{i}"],
            stdout=subprocess.PIPE,
            text=True,
        )
        for i in range(2)
    ]
    answers = [child.communicate()[0].strip() for child in children]
    assert sorted(answers) == ["False", "True"]
    assert all((tmp_path / f"run{i}" / "program").is_file() for i in range(2))


def test_the_entry_used_longest_ago_goes_first(tmp_path: Path) -> None:
    """Three of 10 bytes in 25: `a` was used after `b`, so `b` goes."""
    cache = BuildCache(folder=tmp_path / "cache", limit_bytes=25)
    for when, digest in enumerate((A, B)):
        _fetch(cache, digest, _writer(), tmp_path / "run")
        os.utime(cache.folder / digest, (when, when))
    _fetch(cache, A, _never, tmp_path / "run")
    _fetch(cache, C, _writer(), tmp_path / "run")
    assert set(cache.entries()) == {A, C}


def test_the_newest_entry_stays_whatever_its_size(tmp_path: Path) -> None:
    """One that is larger than the limit is still used, and pushes out all others."""
    cache = BuildCache(folder=tmp_path / "cache", limit_bytes=25)
    _fetch(cache, A, _writer(), tmp_path / "run")
    _fetch(cache, B, _writer(1000), tmp_path / "run")
    assert cache.entries() == (B,)


def test_removing_an_entry_leaves_what_was_fetched(tmp_path: Path) -> None:
    """A run keeps its program when its entry goes."""
    cache = BuildCache(folder=tmp_path / "cache", limit_bytes=0)
    _fetch(cache, A, _writer(), tmp_path / "run")
    _fetch(cache, B, _writer(), tmp_path / "other")
    assert cache.entries() == (B,)
    assert (tmp_path / "run" / "program").is_file()


def test_what_others_put_into_the_folder_stays(tmp_path: Path) -> None:
    """The folder may be a user's own: folders, unfinished names and links that are not ours."""
    cache = BuildCache(folder=tmp_path / "cache", limit_bytes=0)
    elsewhere = tmp_path / "elsewhere"
    for folder in (elsewhere, cache.folder / "thesis", cache.folder / "old.partial"):
        folder.mkdir(parents=True)
        (folder / "text").write_text("mine")
    (cache.folder / C).symlink_to(elsewhere)
    for digest in (A, B):
        _fetch(cache, digest, _writer(), tmp_path / "run")
    assert cache.entries() == (B,)
    for folder in (elsewhere, cache.folder / "thesis", cache.folder / "old.partial"):
        assert (folder / "text").read_text() == "mine"
    locks = {path.stem for path in cache.folder.glob("*.lock")}
    assert locks <= {A, B}


def test_a_cache_that_cannot_be_written_is_an_input_error(tmp_path: Path) -> None:
    """The sentence names the folder and the variable."""
    (tmp_path / "file").write_text("")
    cache = BuildCache(folder=tmp_path / "file" / "cache")
    with pytest.raises(InputError, match=r"cannot be written.*NAAS_CACHE_DIR"):
        cache.fetch(A, _never, tmp_path)


def test_the_variable_names_the_folder(tmp_path: Path) -> None:
    """NAAS_CACHE_DIR wins; without it the folder is the user's."""
    assert default_cache_folder({"NAAS_CACHE_DIR": str(tmp_path)}) == tmp_path
    assert default_cache_folder({}).name == "naas_hw"


def test_a_digest_tells_where_names_and_texts_end() -> None:
    """Moving a character from a name to its text, or between texts, changes it."""
    digests = {
        build_digest(parts)
        for parts in ({"ab": "c"}, {"a": "bc"}, {"a": "b", "c": ""}, {"a": "", "b": "c"}, {})
    }
    assert len(digests) == 5
