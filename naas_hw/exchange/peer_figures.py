"""What another model printed of one layer: cycles, energy and products.

Timeloop writes `timeloop-model.stats.txt`, MAESTRO a table of comma-separated values with a line a
layer. Only lines that both of their versions in docs/exchange.md write are read.
"""

import csv
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from naas_hw.core.errors import InputError
from naas_hw.exchange.formats import Format
from naas_hw.exchange.maestro import HARDWARE, MAPPING

STATS: Final = "timeloop-model.stats.txt"
TABLE: Final = "mapping.csv"
"""MAESTRO names it after the file of mappings."""

_NUMBER: Final = r"([0-9][0-9.]*(?:e[+-]?[0-9]+)?)"
_MAX_DIGITS: Final = 30


@dataclass(frozen=True, kw_only=True)
class PeerFigures:
    """Figures of one layer, all groups.

    Parameters
    ----------
    energy_pj : picojoules; Timeloop's by the table that we gave it, MAESTRO's by its own constants.
    macs : products that it counted.
    """

    cycles: int
    energy_pj: float
    macs: int


@dataclass(frozen=True, kw_only=True)
class Peer:
    """A program that judges one layer.

    Parameters
    ----------
    program : its name on PATH.
    arguments : from the paths of the files in its folder.
    result : file that it writes there.
    read : figures in the text of that file.
    source : where users get it.
    """

    program: str
    arguments: Callable[[Mapping[str, str]], list[str]]
    result: str
    read: Callable[[str], PeerFigures]
    source: str


def timeloop_figures(stats: str) -> PeerFigures:
    """Figures in Timeloop's statistics.

    The energy is that of a product times products: the line with the energy itself has two digits.

    Raises
    ------
    InputError : names the line that is missing.
    """
    macs = _value(stats, rf"^Computes = {_NUMBER}$", "Computes")
    return PeerFigures(
        cycles=round(_value(stats, rf"^Cycles: {_NUMBER}$", "Cycles")),
        energy_pj=_value(stats, rf"^ +Total +\= {_NUMBER}$", "fJ/Compute Total") * macs / 1000,
        macs=round(macs),
    )


def maestro_figures(table: str) -> PeerFigures:
    """Figures in MAESTRO's table of one layer.

    Raises
    ------
    InputError : names the column that is missing.
    """
    row = next(csv.DictReader(table.splitlines(), skipinitialspace=True), {})

    def column(name: str) -> float:
        return _value(f"{row.get(name)}", rf"^{_NUMBER}$", name)

    return PeerFigures(
        cycles=round(column("Runtime (Cycles)")),
        energy_pj=column("Activity count-based Energy (nJ)") * 1000,
        macs=round(column("Num MACs")),
    )


def _value(text: str, pattern: str, name: str) -> float:
    match = re.search(pattern, text, re.MULTILINE)
    if match is None or len(match[1]) > _MAX_DIGITS:
        raise InputError(f"its result has no number {name}")
    try:
        return float(match[1])
    except ValueError as error:
        raise InputError(f"its result must hold {name}, a number, not {match[1]}") from error


def _timeloop_arguments(files: Mapping[str, str]) -> list[str]:
    return list(files)


def _maestro_arguments(files: Mapping[str, str]) -> list[str]:
    del files
    return [
        f"--HW_file={HARDWARE}",
        f"--Mapping_file={MAPPING}",
        "--print_res=false",
        "--print_res_csv_file=true",
        "--print_log_file=false",
    ]


PEERS: Final = {
    Format.TIMELOOP: Peer(
        program="timeloop-model",
        arguments=_timeloop_arguments,
        result=STATS,
        read=timeloop_figures,
        source="NVlabs/timeloop, v3.0.3",
    ),
    Format.MAESTRO: Peer(
        program="maestro",
        arguments=_maestro_arguments,
        result=TABLE,
        read=maestro_figures,
        source="maestro-project/maestro",
    ),
}
