"""What a space of networks must be able to do, and the one that is made of genes and slots."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Final, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from naas_hw.nas.spaces.genes import Encodings, Genome
from naas_hw.nas.spaces.table import ABSENT, LayerCounts, LayerTable, Slot, num_parameters
from naas_hw.workload.layer import Layer
from naas_hw.workload.network import HostOperator, Network

if TYPE_CHECKING:
    from torch import nn

RESOLUTION: Final = "resolution"


@runtime_checkable
class Space(Protocol):
    """What the search asks of a space; encodings are arrays [B, G] of small whole numbers.

    `layers` are the distinct layers of all networks, `to_layers` gives indices into them.
    """

    @property
    def name(self) -> str:
        """Of the space."""

    @property
    def layers(self) -> tuple[Layer, ...]:
        """The distinct layers of all its networks."""

    def sample(self, rng: np.random.Generator, count: int) -> Encodings:
        """`count` encodings."""

    def mutate(self, rng: np.random.Generator, encodings: Encodings, rate: float) -> Encodings:
        """Encodings, each gene changed with that probability."""

    def cross_over(
        self, rng: np.random.Generator, first: Encodings, second: Encodings
    ) -> Encodings:
        """Children of two arrays of parents."""

    def encode(self, settings: Mapping[str, float]) -> Encodings:
        """The encoding [G] of settings by name."""

    def decode(self, encoding: Encodings) -> dict[str, float]:
        """The settings of an encoding [G]."""

    def features(self, encodings: Encodings) -> NDArray[np.float64]:
        """[B, F] numbers that a predictor of accuracy reads."""

    def to_layers(self, encodings: Encodings) -> LayerCounts:
        """Which of `layers` each network has, and how often."""

    def network(self, encoding: Encodings) -> Network:
        """The network of an encoding [G]."""


@runtime_checkable
class TrainableSpace(Space, Protocol):
    """A space whose networks can be had as torch modules that share weights.

    A parameter of a smaller network is a leading part of that of the same name in the largest
    one; a kernel is its middle part.
    """

    @property
    def largest(self) -> Encodings:
        """The encoding [G] of the network that holds all weights."""

    @property
    def smallest(self) -> Encodings:
        """The encoding [G] of the smallest network."""

    def resolution(self, encoding: Encodings) -> int:
        """Rows and columns of the network's image."""

    def at_resolution_of(self, encodings: Encodings, other: Encodings) -> Encodings:
        """Encodings [B, G] with the image of another one [G]."""

    def module(self, encoding: Encodings) -> "nn.Module":
        """The network as a torch module with fresh weights."""


@dataclass(frozen=True, kw_only=True)
class SlotSpace:
    """A `Space` made of genes and slots; one's own needs no more than these.

    Parameters
    ----------
    slots : in the order of the network's graph.
    """

    name: str
    genome: Genome
    slots: tuple[Slot, ...]

    @cached_property
    def table(self) -> LayerTable:
        """Of the slots that have a layer."""
        mapped = tuple(slot for slot in self.slots if slot.layer is not None)
        return LayerTable(genome=self.genome, slots=mapped)

    @cached_property
    def num_macs(self) -> NDArray[np.float64]:
        """Multiply-accumulates of each layer of the table."""
        return np.array([layer.num_macs for layer in self.layers], dtype=np.float64)

    @cached_property
    def num_parameters(self) -> NDArray[np.float64]:
        """Parameters of each layer of the table, batch norm or bias included."""
        return np.array([num_parameters(layer) for layer in self.layers], dtype=np.float64)

    @property
    def layers(self) -> tuple[Layer, ...]:
        """The distinct layers of all its networks."""
        return self.table.layers

    @property
    def largest(self) -> Encodings:
        """The last choice of every gene."""
        encoding: Encodings = (self.genome.num_choices - 1).astype(np.uint8)
        return encoding

    @property
    def smallest(self) -> Encodings:
        """The first choice of every gene."""
        return np.zeros(len(self.genome.genes), dtype=np.uint8)

    def sample(self, rng: np.random.Generator, count: int) -> Encodings:
        """`count` encodings, each choice equally likely."""
        return self.genome.sample(rng, count)

    def mutate(self, rng: np.random.Generator, encodings: Encodings, rate: float) -> Encodings:
        """Encodings in which each gene is, with probability `rate`, drawn again."""
        return self.genome.mutate(rng, encodings, rate)

    def cross_over(
        self, rng: np.random.Generator, first: Encodings, second: Encodings
    ) -> Encodings:
        """Children: each gene is that of the first or of the second parent."""
        return self.genome.cross_over(rng, first, second)

    def encode(self, settings: Mapping[str, float]) -> Encodings:
        """The encoding [G] of values by gene name."""
        return self.genome.encode(settings)

    def decode(self, encoding: Encodings) -> dict[str, float]:
        """The values of an encoding [G] by gene name."""
        return self.genome.decode(encoding)

    def features(self, encodings: Encodings) -> NDArray[np.float64]:
        """One-hot choices."""
        return self.genome.features(encodings)

    def to_layers(self, encodings: Encodings) -> LayerCounts:
        """Which of `layers` each network has, and how often."""
        return self.table.count(encodings)

    def network(self, encoding: Encodings) -> Network:
        """The network of an encoding [G]: what the importer makes of its torch module."""
        row = self.genome.checked(encoding)
        layers = [
            self.layers[index].renamed(slot.name)
            for slot, index in zip(self.table.slots, self.table.indices(row)[0], strict=True)
            if index != ABSENT
        ]
        return Network(
            name=self.name,
            layers=tuple(layers),
            host=self._hosts(row),
            num_parameters=sum(map(num_parameters, layers)),
        )

    def _hosts(self, row: Encodings) -> tuple[HostOperator, ...]:
        """The operators of the host, named as torch.export numbers the nodes of a graph."""
        counts: Counter[str] = Counter()
        hosts = []
        for slot in self.slots:
            if not self.genome.holds(slot.when, row)[0]:
                continue
            for operator in slot.operators:
                number = counts[operator]
                counts[operator] += 1
                if slot.layer is None:
                    name = f"{operator}_{number}" if number else operator
                    hosts.append(HostOperator(name=name, operator=operator))
        return tuple(hosts)


@dataclass(frozen=True, kw_only=True)
class ElasticSpace(SlotSpace):
    """A space of slots in which a gene `resolution` is the size of the image."""

    def resolution(self, encoding: Encodings) -> int:
        """Rows and columns of the network's image."""
        return int(self.decode(encoding)[RESOLUTION])

    def at_resolution_of(self, encodings: Encodings, other: Encodings) -> Encodings:
        """Encodings [B, G] with the image of another one [G]."""
        column = self.genome.column(RESOLUTION)
        changed = encodings.copy()
        changed[:, column] = other[column]
        return changed
