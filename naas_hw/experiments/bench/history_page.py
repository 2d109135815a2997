"""The benchmarks page: the latest figures, what has changed since the last entry, all entries."""

from collections.abc import Sequence

from naas_hw.experiments.bench.changes import FigureChange, changes_of
from naas_hw.experiments.bench.figures import BUILT, SEARCHED, TIMED, BenchFigure
from naas_hw.experiments.bench.history import BenchEntry, BenchHistory

HEAD = """# Benchmarks

With `--results`, `--commit` and `--date`, `naas bench all --history {history} --into {page}`
measures these figures, adds them to the history, and writes this page and its picture. Rates are of
one core. Figures of FPGAs are those of the section *On an FPGA, after place and route* of
[results.md](results.md); they are not built anew. Each search is short and has a fixed random seed,
so its result depends on the code alone: compare entries with each other, not with the results of
longer searches.

A figure is marked *worse* if it got worse by more than 0.1 %, or, of a time, by more than 10 % on
the same machine. Times of different machines are not compared.
"""


def history_page(history: BenchHistory, *, history_name: str, page_name: str, plot: str) -> str:
    """The page in Markdown; without entries only its head.

    Parameters
    ----------
    history_name, page_name : files, as the command names them.
    plot : file of the picture, from the page.
    """
    head = HEAD.format(history=history_name, page=page_name)
    if not history.entries:
        return head
    before = history.entries[-2] if len(history.entries) > 1 else None
    after = history.entries[-1]
    changes = changes_of(before, after)
    parts = [
        head,
        f"## Latest: {after.release}, commit {after.commit}, {after.date}\n",
        _conditions(after),
        *_tables(changes),
        "## History\n",
        f"![Each figure over the entries, divided by its first value]({plot})\n",
        _entries(history),
    ]
    return "\n".join(parts)


def _conditions(entry: BenchEntry) -> str:
    lines = [f"- Machine: {entry.machine}"]
    if entry.note:
        lines.append(f"- Conditions: {entry.note}")
    if entry.hardware:
        lines.append(f"- Digest of the Verilog of the FPGA figures: `{entry.hardware}`")
    return "\n".join(lines) + "\n"


def _tables(changes: Sequence[FigureChange]) -> list[str]:
    groups = {"Speed": TIMED, "FPGA": BUILT, "Searches of six networks": SEARCHED}
    return [
        _table(title, [change for change in changes if change.figure in figures])
        for title, figures in groups.items()
    ]


def _table(title: str, changes: Sequence[FigureChange]) -> str:
    rows = [f"| {title} | value | unit | change |", "|---|---:|---|---:|"]
    rows += [
        f"| {one.figure.title} | {number(one.after)} | {one.figure.unit} | {change_text(one)} |"
        for one in changes
    ]
    return "\n".join(rows) + "\n"


def number(value: float) -> str:
    """A value with four significant digits or more.

    Examples
    --------
    >>> number(123456.7), number(12.3456), number(0.123456)
    ('123,457', '12.35', '0.1235')
    """
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"


def change_text(change: FigureChange) -> str:
    """The relative change as a cell; `-` where there is nothing to compare."""
    if change.share is None:
        return "-"
    return f"{change.share:+.1%}" + (" *worse*" if change.is_worse else "")


def _entries(history: BenchHistory) -> str:
    """A row for each entry, the newest first, with the figures that a release is read for."""
    shown: tuple[BenchFigure, ...] = (*TIMED, *BUILT)
    head = " | ".join(f"{figure.title}, {figure.unit}" for figure in shown)
    rows = [
        f"| release | commit | date | {head} | conditions |",
        "|---|---|---|" + "---:|" * len(shown) + "---|",
    ]
    for entry in reversed(history.entries):
        cells = [
            number(entry.figures[figure.key]) if figure.key in entry.figures else "-"
            for figure in shown
        ]
        cells.append(entry.note or "-")
        rows.append(f"| {entry.release} | {entry.commit} | {entry.date} | {' | '.join(cells)} |")
    return "\n".join(rows) + "\n"
