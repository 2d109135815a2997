"""The history of benchmarks: what is kept, what is called worse, and what the page says of it."""

from pathlib import Path
from xml.etree import ElementTree

import pytest

from naas_hw.core.errors import InputError
from naas_hw.experiments.bench.changes import changes_of
from naas_hw.experiments.bench.figures import FIGURES, BenchFigure
from naas_hw.experiments.bench.fpga_figures import read_build
from naas_hw.experiments.bench.history import (
    BenchEntry,
    BenchHistory,
    read_history,
    write_history,
)
from naas_hw.experiments.bench.history_page import change_text, history_page
from naas_hw.experiments.bench.history_plot import gains, history_svg

ROOT = Path(__file__).parents[3]
EXACT_LESS = next(one for one in FIGURES if not one.is_timed and not one.is_more_better)
EXACT_MORE = next(one for one in FIGURES if not one.is_timed and one.is_more_better)
TIMED = next(one for one in FIGURES if one.is_timed and one.is_more_better)


def entry(
    figures: dict[str, float], *, commit: str = "a" * 7, machine: str = "2 CPUs"
) -> BenchEntry:
    return BenchEntry(
        release="0.1.0", commit=commit, date="2030-01-31", machine=machine, figures=figures
    )


def change(figure: BenchFigure, before: float, after: float, *, machine: str = "2 CPUs") -> bool:
    """Whether a change from one value to the next is worse."""
    (one,) = changes_of(entry({figure.key: before}), entry({figure.key: after}, machine=machine))
    return one.is_worse


def test_every_figure_has_a_key_of_its_own() -> None:
    assert len({figure.key for figure in FIGURES}) == len(FIGURES)


def test_a_history_is_read_as_it_was_written(tmp_path: Path) -> None:
    history = BenchHistory(entries=(entry({"x": 1.5}), entry({"x": 2.0}, commit="b" * 7)))
    write_history(tmp_path / "history.json", history)
    assert read_history(tmp_path / "history.json") == history


def test_no_file_is_an_empty_history_and_a_wrong_one_is_refused(tmp_path: Path) -> None:
    assert read_history(tmp_path / "none.json") == BenchHistory()
    (tmp_path / "wrong.json").write_text('{"version": 1, "entries": [{"release": 1}]}')
    with pytest.raises(InputError, match=r"wrong\.json: entries"):
        read_history(tmp_path / "wrong.json")


def test_a_commit_that_is_measured_again_has_one_entry() -> None:
    history = BenchHistory().with_entry(entry({"x": 1.0})).with_entry(entry({"x": 2.0}))
    assert [one.figures["x"] for one in history.entries] == [2.0]


def test_worse_is_more_of_what_should_be_small_and_less_of_what_should_be_large() -> None:
    assert change(EXACT_LESS, 1.0, 1.01) and not change(EXACT_LESS, 1.0, 0.99)
    assert change(EXACT_MORE, 1.0, 0.99) and not change(EXACT_MORE, 1.0, 1.01)


def test_changes_within_the_tolerance_are_none() -> None:
    assert not change(EXACT_LESS, 1.0, 1.0005)
    assert not change(TIMED, 1.0, 0.95) and change(TIMED, 1.0, 0.85)


def test_times_of_another_machine_are_not_compared_and_exact_figures_are() -> None:
    assert not change(TIMED, 1.0, 0.1, machine="8 CPUs")
    assert change(EXACT_LESS, 1.0, 1.1, machine="8 CPUs")


def test_a_figure_without_an_earlier_value_has_no_change() -> None:
    (one,) = changes_of(None, entry({TIMED.key: 3.0}))
    assert (one.share, change_text(one)) == (None, "-")


def test_gains_are_above_one_where_a_figure_got_better() -> None:
    history = BenchHistory(
        entries=(
            entry({EXACT_LESS.key: 4.0, TIMED.key: 4.0}),
            entry({EXACT_LESS.key: 2.0, TIMED.key: 2.0}, commit="b" * 7),
        )
    )
    assert gains(history, EXACT_LESS) == [(0, 1.0), (1, 2.0)]
    assert gains(history, TIMED) == [(0, 1.0), (1, 0.5)]


def test_the_picture_is_xml_with_a_name_for_each_figure() -> None:
    history = BenchHistory(
        entries=tuple(
            entry({figure.key: value for figure in FIGURES}, commit=commit * 7)
            for commit, value in (("a", 4.0), ("b", 3.0))
        )
    )
    texts = {node.text for node in ElementTree.fromstring(history_svg(history)).iter()}
    assert {figure.title.replace("`", "") for figure in FIGURES} <= texts


def test_the_page_of_the_documents_is_the_one_of_the_history() -> None:
    """After a merge, `naas bench all --history ... --into ... --page-only` writes it anew."""
    history = read_history(ROOT / "docs" / "benchmarks.json")
    page = history_page(
        history,
        history_name="docs/benchmarks.json",
        page_name="docs/benchmarks.md",
        plot="benchmarks.svg",
    )
    assert (ROOT / "docs" / "benchmarks.md").read_text(encoding="utf-8") == page
    assert (ROOT / "docs" / "benchmarks.svg").read_text(encoding="utf-8") == history_svg(history)


DOCUMENT = """
<!-- begin build -->
| design | array | clock | LUT4 | Verilog |
|---|---|---:|---:|---|
| ck8x8 | C 8 x K 8 | {clock} | 15,967 of 83,640 | 21458513bafb653e |

| module | instances | LUT4 |
|---|---:|---:|
| ck8x8 | 1 | 5 |
<!-- end build -->
"""


@pytest.mark.parametrize(
    ("clock", "figures"),
    [
        ("64.3 MHz (seed 1)", {"ck8x8_lut4": 15967.0, "ck8x8_clock_mhz": 64.3}),
        ("none within the limit", {"ck8x8_lut4": 15967.0}),
    ],
)
def test_a_build_is_read_from_the_table_of_designs(
    tmp_path: Path, clock: str, figures: dict[str, float]
) -> None:
    (tmp_path / "results.md").write_text(DOCUMENT.format(clock=clock))
    build = read_build(tmp_path / "results.md")
    assert (build.figures, build.hardware) == (figures, "21458513bafb653e")


def test_a_document_without_the_build_is_refused(tmp_path: Path) -> None:
    (tmp_path / "results.md").write_text("# Results\n")
    with pytest.raises(InputError, match="must have a section `build` with the design ck8x8"):
        read_build(tmp_path / "results.md")


def test_the_build_of_the_documents_can_be_read() -> None:
    assert read_build(ROOT / "docs" / "results.md").lut4 > 0
