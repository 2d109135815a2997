"""Values that the page's template shows: tables, charts with the table behind each, and names."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf
from typing import Final

from markupsafe import Markup

from naas_hw.arch.accelerator import Accelerator
from naas_hw.report.level_counts import number
from naas_hw.report.svg import short

PICO: Final = 1e12
"""Picojoules of a joule."""

Value = int | float | None


@dataclass(frozen=True, kw_only=True)
class TableCell:
    """Text, and the number that it stands for, by which a table is sorted."""

    text: str
    value: Value = None
    link: str | None = None


@dataclass(frozen=True, kw_only=True)
class DataTable:
    """A table; a column of numbers is set to the right."""

    caption: str
    columns: tuple[str, ...]
    rows: tuple[tuple[TableCell, ...], ...]
    numeric: tuple[bool, ...]
    is_sortable: bool = False


@dataclass(frozen=True, kw_only=True)
class Figure:
    """A chart, what it shows, and its numbers."""

    title: str
    caption: str
    picture: Markup
    table: DataTable


def _cell(value: str | int | float | TableCell) -> TableCell:
    match value:
        case TableCell():
            return value
        case str():
            return TableCell(text=value)
        case int():
            return TableCell(text=number(value), value=value)
    return TableCell(text="none") if value == inf else TableCell(text=f"{value:,.4g}", value=value)


def data_table(
    caption: str,
    columns: Sequence[str],
    rows: Sequence[Sequence[str | int | float | TableCell]],
    *,
    is_sortable: bool = False,
) -> DataTable:
    """A table of texts and numbers; a column is numeric if its first row is."""
    cells = tuple(tuple(map(_cell, row)) for row in rows)
    return DataTable(
        caption=caption,
        columns=tuple(columns),
        rows=cells,
        numeric=tuple(cell.value is not None for cell in cells[0]) if cells else (),
        is_sortable=is_sortable,
    )


def percent(share: float) -> TableCell:
    """A share as text; sorted by the share."""
    return TableCell(text=f"{share:.1%}", value=share)


def energy(energy_pj: float) -> TableCell:
    """Picojoules as microjoules; sorted by the picojoules."""
    return TableCell(text=f"{energy_pj / 1e6:,.2f}", value=energy_pj)


def edp(edp_pj_cycles: float) -> TableCell:
    """Picojoules times cycles as joules times cycles."""
    return TableCell(text=short(edp_pj_cycles / PICO), value=edp_pj_cycles)


# Names for people --------------------------------------------------------------------------------

LEVEL_TITLES: Final = {
    "dram": "DRAM",
    "global_buffer": "global buffer",
    "scales": "scales' memory",
    "private_buffers": "private buffers",
    "accumulators": "accumulators",
    "macs": "MACs",
}


def title_of(name: str) -> str:
    """A level or part as people write it."""
    return LEVEL_TITLES.get(name, name.replace("_", " "))


def array_text(accelerator: Accelerator) -> str:
    """`K 16 × C 8`."""
    return accelerator.array_text.replace(" x ", " × ")
