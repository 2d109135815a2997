"""Cells, rows and sentences that several sections of docs/results.md share."""

from collections.abc import Callable, Iterable, Sequence
from typing import Final, TypeVar

from naas_hw.arch.accelerator import Accelerator
from naas_hw.arch.budget import on_chip_bytes
from naas_hw.arch.technology import EnergyTable
from naas_hw.experiments.preset_trials import Effort
from naas_hw.search.objective import geometric_mean

T = TypeVar("T")

TABLE_NOTES: Final = {
    "sized": "the default table: grows with the size of a memory, DRAM included",
    "maestro": "MAESTRO's constants, the paper's: sizes do not matter, DRAM costs nothing",
}


def spread(values: Sequence[float]) -> str:
    """Geometric mean, and the range where there is one.

    Examples
    --------
    >>> spread([2.0, 8.0]), spread([1.5])
    ('4.00 (2.00 to 8.00)', '1.50')
    """
    text = f"{geometric_mean(list(values)):.2f}"
    if min(values) < max(values):
        text += f" ({min(values):.2f} to {max(values):.2f})"
    return text


def mean_share(values: Sequence[float]) -> str:
    """Arithmetic mean of shares of a whole, in per cent, and the range where there is one.

    Examples
    --------
    >>> mean_share([0.25, 0.75]), mean_share([0.5])
    ('50.0% (25.0 to 75.0)', '50.0%')
    """
    text = f"{sum(values) / len(values):.1%}"
    if min(values) < max(values):
        text += f" ({100 * min(values):.1f} to {100 * max(values):.1f})"
    return text


def effort_text(effort: Effort) -> str:
    """How much was searched, for the head of a section."""
    settings = effort.settings
    seeds = ", ".join(map(str, effort.seeds))
    return (
        f"Each search: {settings.num_drawn * settings.generations} accelerators "
        f"({settings.population} a generation) of {settings.mapping_evaluations:,} mappings a "
        f"layer; then (where mappings are searched) the best {settings.finalists} with "
        f"{settings.final_effort} times as many, and the best of these with branch and bound; "
        f"{'seed' if effort.num_seeds == 1 else 'seeds'} {seeds}. Ratios are geometric means, "
        "with the range over the seeds (and networks) in brackets; all figures are exact, not "
        "bounds."
    )


def table_text(table: EnergyTable) -> str:
    """A line above what was found under a table."""
    return f"Energy table `{table.name}` ({TABLE_NOTES.get(table.name, 'of `--energy-table`')}):"


DESIGN_HEAD: Final = (
    "array | PEs | bytes of weights, inputs in a PE | accumulators | L2, bytes | on chip, bytes"
)


DESIGN_RULE: Final = "---|---:|---:|---:|---:|---:"


def design_cells(accelerator: Accelerator) -> tuple[str, ...]:
    """Cells under `DESIGN_HEAD`; the dims of the array are the parallel ones, outermost first."""
    return (
        accelerator.array_text,
        str(accelerator.num_pes),
        f"{accelerator.weight_buffer_bytes}, {accelerator.input_buffer_bytes}",
        str(accelerator.accumulator_words),
        f"{accelerator.global_buffer_bytes:,}",
        f"{on_chip_bytes(accelerator):,}",
    )


def spread_of(ratios: Iterable[float]) -> str:
    """A cell with these ratios; `-` where there is none."""
    known = list(ratios)
    return spread(known) if known else "-"


def row(*cells: str) -> str:
    """A line of a table."""
    return f"| {' | '.join(cells)} |"


def grouped(items: Iterable[T], key: Callable[[T], str]) -> dict[str, list[T]]:
    """Items by a key, in the order in which the keys come first."""
    groups: dict[str, list[T]] = {}
    for item in items:
        groups.setdefault(key(item), []).append(item)
    return groups
