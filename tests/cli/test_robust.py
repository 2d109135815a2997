"""Options and files that are out of range, in one sentence, with the name that the user knows."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from naas_hw.cli import main
from naas_hw.core.errors import InputError

HUGE = str(10**18)


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--evaluations", "0"], "--evaluations must be at "),
        (["--min-legal", "-1"], "--min-legal must be at "),
        (["--population", HUGE], "--population must be at "),
        (["--generations", HUGE], "--generations must be at "),
        (["--screening", HUGE], "--screening must be at "),
        (["--evaluations", HUGE], "--evaluations must be at "),
        (["--min-legal", HUGE], "--min-legal must be at "),
        (["--resolution", HUGE], "--resolution must be at "),
        (["--processes", HUGE], "--processes must be at "),
        (["--seed", HUGE * 2], "--seed must be at "),
        (["--optimiser", "differential", "--population", "2"], "must be at least 3 for different"),
    ],
)
def test_numbers_out_of_range_are_named_by_their_option(words, sentence, tmp_path, capsys):
    run = tmp_path / "run"
    assert main(["search", "resnet50", "--budget", "eyeriss", "-o", str(run), *words]) == 2
    said = capsys.readouterr().err
    assert sentence in said and said.count("\n") == 1
    assert not run.exists()


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["search", "--joint", "S", "--resolution", "64"], "--resolution must not be given with"),
        (["search", "--joint", "S", "--input-shape", "1x3x9x9"], "--input-shape must not be given"),
        (["search", "--joint", "S", "--host", "add"], "--host must not be given with --joint"),
        (["search", "resnet50", "--front"], "--front must not be given without --joint"),
        (["search", "resnet50", "--min-accuracy", "7"], "--min-accuracy must not be given without"),
        (["search", "resnet50", "--accuracy", "a"], "--accuracy must not be given without"),
        (["search", "resnet50", "--joint-mode", "a"], "--joint-mode must not be given without"),
        (["simulate", "RUN", "--stall-percent", "9"], "--stall-percent must not be given without"),
        (["verify", "--corrupt", "9", "--random", "9"], "--random must not be given with"),
        (["verify", "--corrupt", "9", "--memory", "any"], "--memory must not be given with"),
        (["verify", "--corrupt", "9", "--size", "large"], "--size must not be given with"),
        (["verify", "--corrupt", "9", "-o", "a"], "--output must not be given with --corrupt"),
    ],
)
def test_an_option_that_would_be_ignored_is_refused(words, sentence, tmp_path, capsys):
    where = ["--budget", "eyeriss", "-o", str(tmp_path / "run")] if words[0] == "search" else []
    assert main([*words, *where]) == 2
    assert sentence in capsys.readouterr().err
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("closed", "said"),
    [(">&-", "naas: error: standard output must be open, not closed\n"), (">&- 2>&-", "")],
)
def test_a_closed_output_is_bad_input(closed, said):
    command = f'"{sys.executable}" -m naas_hw.cli --version {closed}'
    done = subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (2, said)


@pytest.mark.parametrize("place", ["/dev/null", "fifo", "folder", "link"])
def test_a_report_goes_into_a_regular_file_only(place, design_folder, tmp_path, capsys):
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "folder").mkdir()
    (tmp_path / "kept").write_text("mine")
    (tmp_path / "link").symlink_to("kept")
    assert main(["report", str(design_folder), "-o", str(tmp_path / place)]) == 2
    said = capsys.readouterr().err
    assert "must be a regular file or not exist, not a " in said and said.count("\n") == 1
    assert (tmp_path / "kept").read_text() == "mine"


def test_a_place_that_is_no_utf8_is_written_and_shown_with_escapes(design_folder, tmp_path, capsys):
    place = os.fsencode(tmp_path) + b"/\xff\x1b[31m.html"
    assert main(["report", str(design_folder), "-o", os.fsdecode(place)]) == 0
    assert Path(os.fsdecode(place)).exists()
    printed = capsys.readouterr().out
    assert r"\xff\x1b[31m.html" in printed and "\x1b" not in printed


def test_terminal_escapes_in_names_are_not_printed(tmp_path, capsys):
    place = tmp_path / "a\x1b[31m.yaml"
    place.write_text('"k\\e[31m": 1')
    assert main(["check", str(place)]) == 2
    said = capsys.readouterr().err
    assert said.rstrip("\n").isprintable() and r"a\x1b[31m.yaml" in said


def test_an_endless_model_is_refused(tmp_path, capsys):
    (tmp_path / "m.pt2").symlink_to("/dev/zero")
    assert main(["check", str(tmp_path / "m.pt2")]) == 2
    assert "must be a regular file, not a device" in capsys.readouterr().err


def test_a_layer_that_stands_where_the_list_of_programs_stands_is_refused(
    write_design_to, tmp_path, hardware_once, capsys
):
    folder = write_design_to(tmp_path / "design")
    for name in ("network", "mapping"):
        path = folder / f"{name}.yaml"
        text = path.read_text().replace("name: b,", "name: program.json,")
        path.write_text(text.replace("  b:\n", "  program.json:\n"))
    assert main(["generate", str(folder)]) == 2
    assert "must not be called program.json" in capsys.readouterr().err


def test_no_place_for_compiled_code_is_one_sentence(monkeypatch):
    from naas_hw.cost.compiled import jit as compiling

    def refused(**_options):
        raise RuntimeError("cannot cache function: no locator available")

    monkeypatch.setattr(compiling, "njit", refused)
    with pytest.raises(InputError, match="NUMBA_CACHE_DIR names one"):
        compiling.entry(lambda: 0)
