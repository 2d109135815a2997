"""What the history of a search counts: candidates, and mappings of each layer of each."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from naas_hw.core.errors import InputError
from naas_hw.search.accelerator.history import History

_COUNTS: Final = """
SELECT sum(least >= :due), sum(least < :due), min(num_layers), max(num_layers), min(least),
    sum(total), sum(exact)
FROM (
    SELECT count(*) AS num_layers, min(num_legal) AS least, sum(num_legal) AS total,
        sum(num_exact) AS exact
    FROM layers
    WHERE candidate IN (SELECT min(id) FROM candidates WHERE is_mapped GROUP BY accelerator)
    GROUP BY candidate
)
"""


@dataclass(frozen=True, kw_only=True)
class HistoryCounts:
    """Counted out of the file, accelerators that were drawn again left out.

    Members
    -------
    num_candidates : distinct accelerators with the due number of mappings of every layer.
    num_short : those with fewer of some layer, for which no more were found.
    num_layers : distinct layers of each.
    least_mappings : distinct legal mappings of that layer of that candidate that has fewest, the
        short ones included.
    num_mappings, num_exact : distinct legal mappings of all, and those that were timed exactly.
    """

    num_candidates: int
    num_short: int
    num_layers: int
    least_mappings: int
    num_mappings: int
    num_exact: int


def count_history(path: Path, *, due_mappings: int) -> HistoryCounts:
    """The counts of a history file.

    Parameters
    ----------
    due_mappings : distinct legal mappings that each layer of a candidate has to have.

    Raises
    ------
    InputError : it is no history, or holds no candidate, or one that lacks a layer.
    """
    with History.read(path) as history:
        row = history.first_row(_COUNTS, {"due": due_mappings})
    enough, short, fewest, most, least, total, exact = row
    if fewest is None:
        raise InputError(
            f"{path}: must hold at least one candidate with mappings of all layers, not 0"
        )
    if fewest != most:
        raise InputError(f"{path}: all candidates must have {most} layers, not {fewest}")
    return HistoryCounts(
        num_candidates=enough,
        num_short=short,
        num_layers=fewest,
        least_mappings=least,
        num_mappings=total,
        num_exact=exact,
    )
