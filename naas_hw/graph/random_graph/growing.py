"""A random network while it grows: its tensors and operators, and which of them are read next."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from naas_hw.graph.quantised import (
    QuantisedGraph,
    QuantisedOperator,
    QuantisedTensor,
    Shape,
)
from naas_hw.graph.random_graph.draws import choose, draw_integer

MAX_NUMBERS: Final = 6000
"""Numbers of a tensor at most."""

MAX_CHANNELS: Final = 72
"""Channels of a tensor at most; the vector that a linear layer reads may have more."""

_SHARE_OUTPUTS: Final = 0.05  # of the tensors that another operator reads

Scaling = tuple[float, int]
"""Scale and zero point of a tensor."""

MakeOperator = Callable[[str, str], QuantisedOperator]
"""From the name of an operator and of its output to the operator."""


@dataclass(kw_only=True)
class GrowingGraph:
    """Tensors and operators so far.

    Parameters
    ----------
    rng : for all draws except those of `roundings`.
    roundings : for which convolutions round once. They are drawn apart, so they change nothing
        else of a network.
    scalings : those that the tensors share.
    """

    rng: np.random.Generator
    roundings: np.random.Generator
    scalings: tuple[Scaling, ...]
    tensors: dict[str, QuantisedTensor] = field(default_factory=dict)
    operators: list[QuantisedOperator] = field(default_factory=list)
    inputs: list[str] = field(default_factory=list)

    def shape_of(self, name: str) -> Shape:
        """Channels, rows and columns of a tensor."""
        return self.tensors[name].shape

    def scaling_of(self, name: str) -> Scaling:
        """Scale and zero point of a tensor."""
        return self.tensors[name].scale, self.tensors[name].zero_point

    def draw_scaling(self) -> Scaling:
        """One of the scalings that the tensors share."""
        return self.scalings[draw_integer(self.rng, 0, len(self.scalings) - 1)]

    def draw_tensor(self) -> str:
        """A tensor, mostly one of the last."""
        names = list(self.tensors)
        return names[-1 - min(len(names) - 1, int(self.rng.geometric(0.5)) - 1)]

    def add_input(self, shape: Shape) -> None:
        """Add an input of the network."""
        name = f"input{len(self.inputs)}"
        self._add_tensor(name, shape, self.draw_scaling())
        self.inputs.append(name)

    def add(self, make: MakeOperator, shape: Shape, scaling: Scaling) -> str | None:
        """Add an operator and its output; None, and no operator, where the output is too large."""
        if min(shape) < 1 or int(np.prod(shape)) > MAX_NUMBERS or shape[0] > MAX_CHANNELS:
            return None
        return self.append(make, shape, scaling)

    def append(self, make: MakeOperator, shape: Shape, scaling: Scaling) -> str:
        """Add an operator and its output, whatever the size of the output; the output's name."""
        name = f"operator{len(self.operators)}"
        output = f"tensor{len(self.operators)}"
        self.operators.append(make(name, output))
        self._add_tensor(output, shape, scaling)
        return output

    def _add_tensor(self, name: str, shape: Shape, scaling: Scaling) -> None:
        scale, zero_point = scaling
        self.tensors[name] = QuantisedTensor(
            name=name,
            shape=shape,
            scale=scale,
            zero_point=zero_point,
            graph_shape=(1, *shape),
        )

    def finish(self, name: str) -> QuantisedGraph:
        """The network; what nothing reads is an output, and sometimes something else is."""
        read = {tensor for operator in self.operators for tensor in operator.inputs}
        outputs = [
            operator.output
            for operator in self.operators
            if operator.output not in read or self.rng.random() < _SHARE_OUTPUTS
        ]
        return QuantisedGraph(
            name=name,
            operators=tuple(self.operators),
            tensors=self.tensors,
            inputs=tuple(self.inputs),
            outputs=tuple(outputs),
        )


def begin_graph(rng: np.random.Generator) -> GrowingGraph:
    """A network of one or two inputs and no operator."""
    (roundings,) = rng.spawn(1)
    graph = GrowingGraph(rng=rng, roundings=roundings, scalings=_draw_scalings(rng))
    shape = (draw_integer(rng, 1, 20), draw_integer(rng, 1, 14), draw_integer(rng, 1, 14))
    for _ in range(choose(rng, (1, 1, 1, 2))):
        graph.add_input(shape)
    return graph


def _draw_scalings(rng: np.random.Generator) -> tuple[Scaling, ...]:
    number = draw_integer(rng, 1, 2)
    return tuple(
        (float(rng.uniform(0.01, 0.1)), choose(rng, (-128, -5, 0, 12, 127))) for _ in range(number)
    )
