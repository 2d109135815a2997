"""A run folder has one writer, whole files, and never costs a user a file."""

import errno
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from naas_hw.core.errors import InputError
from naas_hw.runs.folder import LOCK, RunFolder
from naas_hw.runs.manifest import MANIFEST, Manifest, digest_of
from naas_hw.system.digests import sha256_of


def manifest_of(text: str = "input", **changes) -> Manifest:
    settings: dict[str, Any] = {"command": ["search", "lenet"], "seed": 1, **changes}
    return Manifest.of(**{"digest": digest_of(text), **settings})


def names_in(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()} - {LOCK}


def make_run(path: Path, **contents: str) -> None:
    with RunFolder.create(path, manifest_of()) as run:
        run.write_text("result.json", "{}")
        for name, text in contents.items():
            run.write_text(name, text)


def test_digest_tells_where_one_input_ends():
    assert digest_of("ab", "c") != digest_of("a", "bc")
    assert digest_of("ab") == digest_of(b"ab")


def test_manifest_has_versions_seed_command_and_digest_and_no_absolute_path(tmp_path):
    command = ["search", f"{tmp_path}/net.yaml", f"--budget={tmp_path}/b.yaml", "-o", "runs/a"]
    made = manifest_of(command=command, packages=["pydantic", "numpy"])
    assert made.command == ("search", "net.yaml", "--budget=b.yaml", "-o", "runs/a")
    assert list(made.packages) == ["numpy", "pydantic"]
    assert str(tmp_path) not in made.text
    assert set(json.loads(made.text)) == {
        "version", "naas", "packages", "command", "seed", "digest", "energy_table", "files",
        "checksum",
    }  # fmt: skip


def test_a_folder_is_made_with_its_parents_and_manifest(tmp_path):
    path = tmp_path / "a" / "b"
    make_run(path)
    assert RunFolder.read(path).manifest == manifest_of().with_files(
        {"result.json": sha256_of("{}")}
    )
    assert names_in(path) == {MANIFEST, "result.json"}


@pytest.mark.parametrize("begun", [(), (MANIFEST, "history.sqlite")])
def test_what_a_killed_writer_left_unfinished_is_no_hindrance_and_goes(tmp_path, begun):
    path = tmp_path / "run"
    path.mkdir()
    for name in (LOCK, ".naas-0123456789abcdef.part", ".naas-fedcba9876543210.part"):
        (path / name).write_text("{")
    for name in begun:
        (path / name).write_text(manifest_of().text)
    with RunFolder.create(path, manifest_of(), resume=True):
        assert names_in(path) == {MANIFEST, *begun}


def test_force_leaves_a_run_folder_at_every_moment(tmp_path, monkeypatch):
    make_run(tmp_path / "run")

    def killed(run, manifest):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(RunFolder, "_write_manifest", killed)
        with RunFolder.create(tmp_path / "run", manifest_of(), force=True):
            pass
    assert names_in(tmp_path / "run") == {MANIFEST}
    with RunFolder.create(tmp_path / "run", manifest_of(), force=True):
        pass


def test_an_existing_run_is_refused_and_left_alone(tmp_path):
    make_run(tmp_path / "run")
    with pytest.raises(InputError, match="exists already; --force replaces it"):
        with RunFolder.create(tmp_path / "run", manifest_of()):
            pass
    assert names_in(tmp_path / "run") == {MANIFEST, "result.json"}


def test_an_empty_folder_is_taken(tmp_path):
    make_run(tmp_path)
    assert "result.json" in names_in(tmp_path)


@pytest.mark.parametrize("force", [False, True])
def test_a_folder_of_others_is_refused_with_force_too(force, tmp_path):
    (tmp_path / "thesis.tex").write_text("years of work")
    with pytest.raises(InputError, match="must be a run folder or an empty one"):
        with RunFolder.create(tmp_path, manifest_of(), force=force):
            pass
    assert names_in(tmp_path) == {"thesis.tex"}


def test_force_removes_what_naas_wrote_and_nothing_else(tmp_path):
    make_run(tmp_path / "run")
    with RunFolder.open(tmp_path / "run") as run:
        run.write_files({"rtl/top.v": "ours", "sim/predicted.json": "{}"})
    mine = ["notes.txt", "rtl/mine.v", "program/mine.bin"]
    for name in mine:
        (tmp_path / "run" / name).parent.mkdir(exist_ok=True)
        (tmp_path / "run" / name).write_text("mine")
    with RunFolder.create(tmp_path / "run", manifest_of("other"), force=True) as run:
        files = {str(p.relative_to(run.path)) for p in run.path.rglob("*") if p.is_file()}
        assert files - {LOCK} == {MANIFEST, *mine}
        assert run.manifest.digest == digest_of("other")


@pytest.mark.parametrize("how", ["force", "write"])
def test_links_are_refused_and_what_they_lead_to_stays(how, tmp_path):
    """A link may have taken the place of a folder that naas wrote."""
    make_run(tmp_path / "run")
    with RunFolder.open(tmp_path / "run") as run:
        run.write_files({"rtl/top.v": "ours"})
    (tmp_path / "kept").mkdir()
    (tmp_path / "kept" / "top.v").write_text("mine")
    (tmp_path / "run" / "rtl" / "top.v").unlink()
    (tmp_path / "run" / "rtl").rmdir()
    (tmp_path / "run" / "rtl").symlink_to(tmp_path / "kept")
    with pytest.raises(InputError, match="rtl must be a folder or not exist, not a link"):
        if how == "force":
            with RunFolder.create(tmp_path / "run", manifest_of(), force=True):
                pass
        else:
            with RunFolder.open(tmp_path / "run") as run:
                run.write_files({"rtl/top.v": "new"}, instead_of=["rtl"])
    assert (tmp_path / "kept" / "top.v").read_text() == "mine"


def test_what_the_manifest_does_not_list_is_not_replaced(tmp_path):
    make_run(tmp_path / "run")
    (tmp_path / "run" / "report.html").write_text("mine")
    with RunFolder.open(tmp_path / "run") as run:
        with pytest.raises(
            InputError, match="report.html would be replaced, but naas did not write it"
        ):
            run.write_files({"result.json": "[]", "report.html": "ours"})
        assert run.read_text("result.json") == "{}"
    assert (tmp_path / "run" / "report.html").read_text() == "mine"


def test_a_run_of_an_older_version_is_brought_up_to_date_by_the_next_writer(tmp_path):
    make_run(tmp_path)
    plain = json.loads((tmp_path / MANIFEST).read_text())
    del plain["files"]
    (tmp_path / MANIFEST).write_text(json.dumps(plain | {"version": 1}))
    (tmp_path / "rtl").mkdir()
    (tmp_path / "rtl" / "top.v").write_text("of the older version, or mine")
    with RunFolder.open(tmp_path) as run:
        run.write_text("result.json", "[]")  # a name that is always ours
        assert run.manifest.version == 3 and "result.json" in run.manifest.files
        with pytest.raises(InputError, match="top.v would be replaced, but naas did not write it"):
            run.write_files({"rtl/top.v": "new"})


def test_resume_of_the_same_run_keeps_what_is_there(tmp_path):
    make_run(tmp_path)
    with RunFolder.create(
        tmp_path, manifest_of(command=["search", "--resume"]), resume=True
    ) as run:
        assert run.has("result.json")


@pytest.mark.parametrize(
    ("changes", "field"),
    [({"text": "other"}, "digest"), ({"seed": 2}, "seed"), ({"packages": ["numpy"]}, "packages")],
)
def test_resume_of_another_run_is_refused(changes, field, tmp_path):
    make_run(tmp_path)
    with pytest.raises(InputError, match=f"continue the search that was begun: {field} "):
        with RunFolder.create(tmp_path, manifest_of(**changes), resume=True):
            pass


def test_resume_and_force_exclude_each_other(tmp_path):
    with pytest.raises(InputError, match="must not be given together"):
        with RunFolder.create(tmp_path / "run", manifest_of(), resume=True, force=True):
            pass
    assert not (tmp_path / "run").exists()


def test_a_run_that_fails_before_it_writes_leaves_nothing(tmp_path):
    with pytest.raises(ZeroDivisionError):
        with RunFolder.create(tmp_path / "run", manifest_of()):
            raise ZeroDivisionError
    assert names_in(tmp_path) == set()


def test_a_run_that_fails_later_keeps_what_it_wrote(tmp_path):
    with pytest.raises(KeyboardInterrupt):
        with RunFolder.create(tmp_path / "run", manifest_of()) as run:
            run.write_text("result.json", "{}")
            raise KeyboardInterrupt
    assert RunFolder.read(tmp_path / "run").read_text("result.json") == "{}"


def test_a_second_writer_is_kept_out_until_the_first_is_done(tmp_path):
    make_run(tmp_path)
    code = (
        "import sys; from pathlib import Path; from naas_hw.runs.folder import RunFolder\n"
        "with RunFolder.open(Path(sys.argv[1])) as run: run.write_text('result.json', 'second')"
    )
    command = [sys.executable, "-c", code, str(tmp_path)]
    with RunFolder.open(tmp_path) as run:
        second = subprocess.run(command, capture_output=True, text=True, check=False)
        assert "another naas process is writing to" in second.stderr
        assert run.read_text("result.json") == "{}"
    subprocess.run(command, check=True)
    assert RunFolder.read(tmp_path).read_text("result.json") == "second"


def test_a_full_disk_leaves_the_old_file_and_no_half_of_the_new_one(tmp_path, monkeypatch):
    make_run(tmp_path)

    write = os.replace

    def full(source, target):
        if MANIFEST not in str(target):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(target))
        write(source, target)

    with RunFolder.open(tmp_path) as run:
        monkeypatch.setattr(os, "replace", full)
        with pytest.raises(InputError, match="no space left"):
            run.write_text("result.json", "[1, 2, 3]")
        with pytest.raises(InputError, match="no space left"):
            run.write_files({"rtl/top.v": "module top;"})
        monkeypatch.undo()
        assert run.read_text("result.json") == "{}"
    assert names_in(tmp_path) == {MANIFEST, "result.json"}


def test_what_naas_wrote_before_into_a_folder_goes_and_what_others_put_there_stays(tmp_path):
    make_run(tmp_path)
    with RunFolder.open(tmp_path) as run:
        run.write_files({"rtl/old.v": "old", "rtl/gone/a.v": "a"}, instead_of=["rtl"])
        (tmp_path / "rtl" / "mine.v").write_text("mine")
        run.write_files({"rtl/new.v": "new", "rtl/include/names.vh": b"names"}, instead_of=["rtl"])
        files = {str(p.relative_to(tmp_path)) for p in (tmp_path / "rtl").rglob("*")}
    assert files == {"rtl/new.v", "rtl/include", "rtl/include/names.vh", "rtl/mine.v"}
    assert run.manifest.files == {
        "result.json": sha256_of("{}"),
        "rtl/include/names.vh": sha256_of(b"names"),
        "rtl/new.v": sha256_of("new"),
    }


def test_the_manifest_has_no_digest_of_what_other_programs_write(tmp_path):
    make_run(tmp_path)
    with RunFolder.open(tmp_path) as run:
        run.write_files({"soc/made.v": "before", "sim/a.vcd": "before"})
        run.claim(["sim/a.vcd", "history.sqlite"])
        with run.written_by_program("soc") as place:
            (place / "made.v").write_text("after")
        for name in ("sim/a.vcd", "history.sqlite", "soc/made.v"):
            assert run.manifest.files[name] is None
        run.record(["soc/made.v", "soc/missing.v", "history.sqlite"])
    assert run.manifest.digests == {
        "result.json": sha256_of("{}"),
        "soc/made.v": sha256_of("after"),
    }


def test_a_manifest_of_version_2_lists_files_without_digests(tmp_path):
    make_run(tmp_path)
    plain = json.loads((tmp_path / MANIFEST).read_text())
    del plain["checksum"]
    (tmp_path / MANIFEST).write_text(json.dumps({**plain, "version": 2, "files": ["result.json"]}))
    manifest = RunFolder.read(tmp_path).manifest
    assert manifest.is_as_written
    assert (manifest.listed, manifest.digests) == ({"result.json"}, {})


@pytest.mark.parametrize(
    "change", [{"seed": 7}, {"files": {}}, {"checksum": None}, {"version": 2}, {"command": ["x"]}]
)
def test_a_manifest_that_was_edited_stays_so_when_naas_writes_it_again(tmp_path, change):
    make_run(tmp_path)
    plain = json.loads((tmp_path / MANIFEST).read_text())
    (tmp_path / MANIFEST).write_text(json.dumps(plain | change))
    assert not RunFolder.read(tmp_path).manifest.is_as_written
    with RunFolder.open(tmp_path) as run:
        run.write_text("report.html", "<p>")
        assert not run.manifest.is_as_written


@pytest.mark.parametrize(
    "name",
    ["", ".", "..", "../x", "/etc/passwd", "a//b", "a b", "ä", "x\n", ".hidden", "-o", "a\0"],
)
def test_entries_have_harmless_names(name, tmp_path):
    with pytest.raises(InputError, match="must have a name of letters"):
        RunFolder(tmp_path).place(name)


@pytest.mark.parametrize("name", ["with space", "quo'te\"s", "größe", "$(id)"])
def test_the_folder_itself_may_have_any_name(name, tmp_path):
    make_run(tmp_path / name)
    assert RunFolder.read(tmp_path / name).read_text("result.json") == "{}"


def test_what_is_no_run_folder_is_refused(tmp_path):
    with pytest.raises(InputError, match="must be a run folder"):
        RunFolder.read(tmp_path / "nothing")


@pytest.mark.parametrize("text", ["", "{}", "[1]", '{"version": 4}', "\udcff"])
def test_a_manifest_that_is_none_is_refused_in_one_sentence(text, tmp_path):
    make_run(tmp_path)
    (tmp_path / MANIFEST).write_bytes(text.encode(errors="surrogateescape"))
    with pytest.raises(InputError, match="manifest.json") as raised:
        RunFolder.read(tmp_path)
    assert "\n" not in str(raised.value)


def test_a_missing_entry_is_named(tmp_path):
    make_run(tmp_path)
    with pytest.raises(InputError, match="has no network.yaml"):
        RunFolder.read(tmp_path).read_text("network.yaml")
