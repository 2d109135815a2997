"""`naas bench all`: an entry is added, the page follows, and what got worse is a status."""

import json
from pathlib import Path

import pytest

from naas_hw.cli import main
from naas_hw.experiments.bench import all_figures, fpga_figures
from naas_hw.experiments.bench.fpga_figures import RecordedBuild

COMMIT = ["--commit", "0123abc", "--date", "2030-01-31"]


@pytest.fixture
def measured(monkeypatch: pytest.MonkeyPatch) -> dict[str, float]:
    """What the measurement gives; nothing is measured."""
    figures = {"ck8x8_lut4": 100.0}
    monkeypatch.setattr(all_figures, "measure_all", lambda build, tell, *, clock: dict(figures))
    return figures


def test_entries_are_added_and_a_regression_is_told(
    measured: dict[str, float], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    history, page = tmp_path / "history.json", tmp_path / "page.md"
    words = ["bench", "all", "--history", str(history), "--into", str(page), "--json"]
    assert main([*words, *COMMIT, "--note", "beside others"]) == 0
    first = json.loads(capsys.readouterr().out)
    assert (first["figures"], first["worse"], first["note"]) == (measured, [], "beside others")
    measured["ck8x8_lut4"] = 200.0
    assert main([*words, "--commit", "4567def", "--date", "2030-02-01"]) == 1
    assert json.loads(capsys.readouterr().out)["worse"] == ["ck8x8_lut4"]
    assert "+100.0% *worse*" in page.read_text()
    assert "![" in page.read_text() and page.with_suffix(".svg").is_file()


def test_the_page_alone_measures_nothing(
    measured: dict[str, float], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    history = tmp_path / "history.json"
    assert main(["bench", "all", "--history", str(history), *COMMIT]) == 0
    before = history.read_bytes()
    page = tmp_path / "page.md"
    assert (
        main(["bench", "all", "--history", str(history), "--into", str(page), "--page-only"]) == 0
    )
    assert history.read_bytes() == before
    assert "ck8x8" in page.read_text()


def test_an_entry_without_its_commit_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["bench", "all", "--history", str(tmp_path / "history.json")]) == 2
    assert "--commit and --date must be given" in capsys.readouterr().err


@pytest.mark.parametrize(("built", "is_taken"), [("0123", True), ("4567", False)])
def test_a_build_of_other_hardware_is_left_out(
    built: str,
    is_taken: bool,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """An entry has no figure of hardware that its commit does not generate."""
    taken: list[RecordedBuild | None] = []

    def measure(build: RecordedBuild | None, tell: object, *, clock: object) -> dict[str, float]:
        taken.append(build)
        return {}

    monkeypatch.setattr(all_figures, "measure_all", measure)
    monkeypatch.setattr(fpga_figures, "design_digest", lambda accelerator, part: "0123")
    results = tmp_path / "results.md"
    results.write_text(
        "<!-- begin build -->\n| design | LUT4 | clock | Verilog |\n|---|---|---|---|\n"
        f"| ck8x8 | 5 | 60 MHz | {built} |\n<!-- end build -->\n"
    )
    words = ["bench", "all", "--history", str(tmp_path / "h.json"), "--results", str(results)]
    assert main([*words, *COMMIT]) == 0
    assert (taken[0] is not None) == is_taken
    assert ("is of other hardware" in capsys.readouterr().err) != is_taken
