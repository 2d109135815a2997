"""A network: its layers in order of execution, and what runs on the host."""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from naas_hw.workload.check import Macs, total_macs
from naas_hw.workload.layer import Layer, Name
from naas_hw.workload.option import Option
from naas_hw.workload.sizes import size_problem


class HostOperator(BaseModel):
    """An operator that the accelerator does not run (pooling, addition, softmax ...).

    `macs` : its multiply-accumulates, which the accelerator does not cover.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Name
    operator: Name
    macs: Annotated[int, Field(ge=0)] | Literal["unknown"] = Field(
        default=0, exclude_if=lambda macs: macs == 0
    )


class Network(BaseModel):
    """Layers in order of execution.

    At least one layer has a program, no name occurs twice, and the sizes of outputs follow from
    inputs and padding.
    `layers[i]` may equal `layers[j]` but for its name: `distinct_layers` tells them apart.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    version: int = Field(default=1, ge=1, le=1)
    name: Name
    layers: tuple[Layer, ...] = Field(min_length=1)
    host: tuple[HostOperator, ...] = ()
    num_parameters: int | None = None

    def model_post_init(self, _context: object) -> None:
        """Check the rules that concern several layers."""
        counts = Counter(layer.name for layer in self.layers)
        doubled = sorted(name for name, count in counts.items() if count > 1)
        if doubled:
            raise ValueError(f"layer names must differ, not {doubled[0]!r} twice")
        if not any(layer.has_program for layer in self.layers):
            raise ValueError("layers must have at least one that is not transposed, not none")
        for index, layer in enumerate(self.layers):
            if (problem := size_problem(layer)) is not None:
                raise ValueError(f"layers[{index}] ({layer.name}): {problem}")

    @property
    def options(self) -> frozenset[Option]:
        """Optional hardware that one of its layers needs."""
        return needed_options(self.layers)

    @property
    def num_macs(self) -> int:
        """Multiply-accumulates of all layers that have a program."""
        return sum(layer.num_macs for layer in self.layers if layer.has_program)

    @property
    def without_program(self) -> tuple[Layer, ...]:
        """Layers that exist in the model only; they count in no total."""
        return tuple(layer for layer in self.layers if not layer.has_program)

    @property
    def macs_not_covered(self) -> Macs:
        """Multiply-accumulates that the accelerator does not do.

        They are those of layers without a program and of the host's operators.
        """
        layers = [layer.num_macs for layer in self.without_program]
        return total_macs([*layers, *(operator.macs for operator in self.host)])

    @property
    def distinct_layers(self) -> dict[Layer, tuple[str, ...]]:
        """Layers that differ in more than their name -> names of all layers that equal them."""
        return distinct_layers([self])


def needed_options(layers: Iterable[Layer]) -> frozenset[Option]:
    """Optional hardware that one of the layers needs."""
    return frozenset(option for layer in layers for option in layer.options)


def distinct_layers(networks: Sequence[Network]) -> dict[Layer, tuple[str, ...]]:
    """Layers of all networks that differ in more than their name, in order of appearance.

    Each stands for the layers that cost the same, whose names come with it.
    """
    representatives: dict[Layer, Layer] = {}
    names: dict[Layer, list[str]] = {}
    for network in networks:
        for layer in network.layers:
            representative = representatives.setdefault(layer.anonymous, layer)
            names.setdefault(representative, []).append(layer.name)
    return {layer: tuple(same) for layer, same in names.items()}
