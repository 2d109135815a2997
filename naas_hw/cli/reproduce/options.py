"""The options of `naas reproduce`, and the sections of docs/results.md that it makes."""

from collections.abc import Callable
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Final

from rich.console import Console

from naas_hw.core.errors import InputError

if TYPE_CHECKING:
    from naas_hw.arch.technology import EnergyTable
    from naas_hw.search import Progress

DEFAULT_TABLE: Final = "sized"


@dataclass(frozen=True, kw_only=True)
class Options:
    """Options as they were typed; None means that the section uses its own value."""

    network: str | None = None
    preset: str | None = None
    population: int | None = None
    generations: int | None = None
    evaluations: int | None = None
    seed: int | None = None
    seeds: int | None = None
    energy_table: str | None = None
    keep: Path | None = None
    sim: str | None = None
    layers: str | None = None
    cases: Path | None = None
    per_network: int | None = None
    random_layers: int | None = None
    proof_budget: int | None = None
    times: int | None = None
    data: Path | None = None
    designs: int | None = None
    held_out: int | None = None
    large: int | None = None
    limit_minutes: float | None = None
    synthesis_only: bool | None = None
    processes: int = 1

    @property
    def table(self) -> "EnergyTable":
        """The energy table that is given, or ours.

        Raises
        ------
        InputError : no such table.
        """
        from naas_hw.arch.files import find_energy_table

        return find_energy_table(self.energy_table or DEFAULT_TABLE)

    @property
    def first_seed(self) -> int:
        """The random seed; 0 if it was not given."""
        return self.seed or 0

    @property
    def other_table(self) -> str | None:
        """The energy table that was given, if it is not the default one."""
        return None if self.energy_table == DEFAULT_TABLE else self.energy_table


@dataclass(frozen=True, kw_only=True)
class Section:
    """A section of the document.

    Members
    -------
    words : the command that makes the section, without `--into`.
    body : its Markdown text.
    holds : whether everything that was compared is equal, and every limit holds.
    """

    words: list[str]
    body: str
    holds: bool = True


@dataclass(frozen=True)
class Maker:
    """How a section is made, and which options it takes besides `--processes` and `--into`."""

    make: Callable[[Options, Console], Section]
    takes: tuple[str, ...]

    def taken(self, options: Options) -> Options:
        """Only those options that the section takes."""
        kept = (*self.takes, "processes")
        return Options(**{option: getattr(options, option) for option in kept})

    def check(self, name: str, options: Options) -> None:
        """Raise InputError where an option is given that the section does not take."""
        for field in fields(options):
            given = getattr(options, field.name) is not None
            if given and field.name not in (*self.takes, "processes"):
                taken = ", ".join(_flag(taken) for taken in self.takes) or "no other"
                raise InputError(
                    f"{_flag(field.name)} must not be given with {name}, which takes {taken}"
                )


def _flag(name: str) -> str:
    return "--" + name.replace("_", "-")


def words_of(name: str, **given: object) -> list[str]:
    """A command: options that are None are left out.

    >>> words_of("gap", per_network=6, layers=None)
    ['naas', 'reproduce', 'gap', '--per-network', '6']
    """
    pairs = [(_flag(option), str(value)) for option, value in given.items() if value is not None]
    return ["naas", "reproduce", name, *(word for pair in pairs for word in pair)]


def generation_teller(screen: Console) -> "Callable[[str, Progress], None]":
    """Told of a search by name and how far it is: a line for each generation and stage.

    A score is cycles times picojoules, or cycles where the search minimises these.
    """
    said: tuple[str, str, int] | None = None

    def tell(name: str, progress: "Progress") -> None:
        nonlocal said
        now = (name, progress.stage, progress.generation)
        if now != said:
            best = progress.best_score
            screen.print(
                f"{name}: {progress.stage}, {progress.num_candidates} of {progress.num_planned}, "
                f"best score {'-' if best is None else f'{best:.5g}'}",
                markup=False,
            )
        said = now

    return tell
