"""Genes: the choices of which an encoding is made, and what a search does with encodings.

Axes: B encodings, G genes. An encoding holds, for each gene, the index of its choice. A gene that
has no effect (the expansion of a block that is not there) has index 0, so networks are equal
where their encodings are.
"""

from collections.abc import Mapping, Sequence
from math import prod
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray
from pydantic import BaseModel, ConfigDict, Field, model_validator

from naas_hw.core.errors import InputError
from naas_hw.workload.layer import Name

Encodings = NDArray[np.uint8]
"""[B, G] indices of choices; one encoding is [G]."""

MAX_CHOICES: Final = 255


class Condition(BaseModel):
    """Something is there only where gene `gene` has at least its choice number `least`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    gene: Name
    least: int = Field(ge=0, lt=MAX_CHOICES)


class Gene(BaseModel):
    """One choice: a name and its values, increasing.

    `when` says under which choice of another gene it has an effect; None is always.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Name
    choices: tuple[float, ...] = Field(min_length=1, max_length=MAX_CHOICES)
    when: Condition | None = None

    @model_validator(mode="after")
    def _check_order(self) -> "Gene":
        if list(self.choices) != sorted(set(self.choices)):
            raise ValueError(f"choices must increase, not be {self.choices}")
        return self


class Genome(BaseModel):
    """The genes of a space, in order; a condition names an earlier gene without a condition."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    genes: tuple[Gene, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _check_names(self) -> "Genome":
        free: dict[str, Gene] = {}
        names: set[str] = set()
        for gene in self.genes:
            if gene.name in names:
                raise ValueError(f"gene names must differ, not {gene.name!r} twice")
            if gene.when is not None and gene.when.gene not in free:
                raise ValueError(
                    f"the condition of {gene.name} must name an earlier gene without one, "
                    f"not {gene.when.gene!r}"
                )
            if gene.when is None:
                free[gene.name] = gene
            names.add(gene.name)
        return self

    @property
    def num_choices(self) -> NDArray[np.int64]:
        """[G] choices of each gene."""
        return np.array([len(gene.choices) for gene in self.genes])

    @property
    def num_encodings(self) -> int:
        """How many encodings differ once genes without effect are 0."""
        free = [gene for gene in self.genes if gene.when is None]
        return prod(self._num_below(gene) for gene in free)

    def _num_below(self, gene: Gene) -> int:
        """Encodings of a gene and of those that depend on it."""
        dependent = [
            (other.when.least, len(other.choices))
            for other in self.genes
            if other.when is not None and other.when.gene == gene.name
        ]
        return sum(
            prod(count for least, count in dependent if choice >= least)
            for choice in range(len(gene.choices))
        )

    def column(self, name: str) -> int:
        """Index of a gene.

        Raises
        ------
        InputError : no gene has that name.
        """
        for index, gene in enumerate(self.genes):
            if gene.name == name:
                return index
        names = ", ".join(gene.name for gene in self.genes)
        raise InputError(f"gene must be one of {names}, not {name!r}")

    def holds(self, condition: Condition | None, encodings: Encodings) -> NDArray[np.bool_]:
        """[B] where a condition is met."""
        if condition is None:
            return np.ones(len(encodings), dtype=np.bool_)
        is_met: NDArray[np.bool_] = encodings[:, self.column(condition.gene)] >= condition.least
        return is_met

    def canonical(self, encodings: Encodings) -> Encodings:
        """Encodings [B, G] with index 0 for each gene that has no effect."""
        canonical = encodings.copy()
        for index, gene in enumerate(self.genes):
            if gene.when is not None:
                canonical[~self.holds(gene.when, canonical), index] = 0
        return canonical

    def checked(self, encodings: ArrayLike) -> Encodings:
        """Canonical encodings [B, G] of [B, G] or [G] numbers from outside.

        Raises
        ------
        InputError : not that shape, not whole numbers, or no such choice.
        """
        given = np.asarray(encodings)
        given = given[np.newaxis] if given.ndim == 1 else given
        if given.ndim != 2 or given.shape[1] != len(self.genes):
            raise InputError(
                f"an encoding must have {len(self.genes)} genes, not the shape {given.shape}"
            )
        if not np.issubdtype(given.dtype, np.integer):
            raise InputError(f"an encoding must hold whole numbers, not {given.dtype}")
        wrong = np.argwhere((given < 0) | (given >= self.num_choices))
        if len(wrong):
            row, column = wrong[0]
            gene = self.genes[column]
            raise InputError(
                f"gene {gene.name} of encoding {row} must be 0 to {len(gene.choices) - 1}, "
                f"not {given[row, column]}"
            )
        return self.canonical(given.astype(np.uint8))

    def sample(self, rng: np.random.Generator, count: int) -> Encodings:
        """`count` encodings, each choice equally likely."""
        drawn = rng.integers(0, self.num_choices, size=(count, len(self.genes)), dtype=np.uint8)
        return self.canonical(drawn)

    def mutate(self, rng: np.random.Generator, encodings: Encodings, rate: float) -> Encodings:
        """Encodings in which each gene is, with probability `rate`, drawn again."""
        drawn = rng.integers(0, self.num_choices, size=encodings.shape, dtype=np.uint8)
        changed = np.where(rng.random(encodings.shape) < rate, drawn, encodings)
        return self.canonical(changed)

    def cross_over(
        self, rng: np.random.Generator, first: Encodings, second: Encodings
    ) -> Encodings:
        """Children [B, G]: each gene is that of the first or of the second parent."""
        chosen = np.where(rng.random(first.shape) < 0.5, first, second)
        return self.canonical(chosen)

    def encode(self, settings: Mapping[str, float]) -> Encodings:
        """The encoding [G] of values by gene name; genes without effect may be left out.

        Raises
        ------
        InputError : a gene that is missing or unknown, or a value that it cannot have.
        """
        for name in settings:
            self.column(name)
        indices = [_choice(gene, settings) for gene in self.genes]
        missing = np.array([index is None for index in indices])
        with_missing = np.array([[index or 0 for index in indices]], dtype=np.uint8)
        for column, gene in enumerate(self.genes):
            if missing[column] and self.holds(gene.when, with_missing)[0]:
                raise InputError(f"gene {gene.name} must be given")
        encoding: Encodings = self.canonical(with_missing)[0]
        return encoding

    def decode(self, encoding: Sequence[int] | Encodings) -> dict[str, float]:
        """The values of an encoding by gene name, without genes that have no effect."""
        row = self.checked(np.asarray(encoding))
        return {
            gene.name: gene.choices[row[0, index]]
            for index, gene in enumerate(self.genes)
            if self.holds(gene.when, row)[0]
        }

    def features(self, encodings: Encodings) -> NDArray[np.float64]:
        """[B, sum of choices] one-hot choices; all zero where a gene has no effect."""
        blocks = []
        for index, gene in enumerate(self.genes):
            one_hot = encodings[:, index, np.newaxis] == np.arange(len(gene.choices))
            blocks.append(one_hot & self.holds(gene.when, encodings)[:, np.newaxis])
        return np.concatenate(blocks, axis=1).astype(np.float64)


def block_condition(depth: Gene, base_depth: int, position: int) -> Condition | None:
    """When the block at a position of its stage is there, `depth` counting those beyond the base.

    >>> block_condition(Gene(name="depth", choices=(0, 2)), 1, 1)
    Condition(gene='depth', least=1)
    """
    if position < base_depth + depth.choices[0]:
        return None
    least = next(i for i, extra in enumerate(depth.choices) if base_depth + extra > position)
    return Condition(gene=depth.name, least=least)


def _choice(gene: Gene, settings: Mapping[str, float]) -> int | None:
    if gene.name not in settings:
        return None
    value = settings[gene.name]
    if value not in gene.choices:
        choices = ", ".join(f"{choice:g}" for choice in gene.choices)
        raise InputError(f"gene {gene.name} must be one of {choices}, not {value}")
    return gene.choices.index(value)
