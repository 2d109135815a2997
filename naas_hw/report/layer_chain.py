"""The layers of a network that a run knows as layers only, in order of execution.

Such a run does not say what a layer reads. A line joins two neighbours where the output of the one
has the shape of the input of the other.
"""

from typing import Final

from naas_hw.report.flow import FlowKind, FlowNode, draw_flow
from naas_hw.report.svg import short
from naas_hw.report.values import Figure, TableCell, data_table
from naas_hw.report.words import counted
from naas_hw.runs.facts import LayerFacts, NetworkFacts, RunFacts
from naas_hw.workload.layer import Kind, Layer

_KINDS: Final = {
    Kind.CONV: FlowKind(name="convolution", mark="square", tone=0),
    Kind.DEPTHWISE: FlowKind(name="depthwise", mark="circle", tone=2),
    Kind.LINEAR: FlowKind(name="linear", mark="diamond", tone=3),
}
_OTHER: Final = FlowKind(name="other", mark="star", tone=6)


def chain_figures(facts: RunFacts) -> tuple[Figure, ...]:
    """A figure for each network of the run."""
    places = {one.layer.name: index for index, one in enumerate(facts.layers)}
    return tuple(_figure(network, places) for network in facts.networks)


def _figure(network: NetworkFacts, places: dict[str, int]) -> Figure:
    layers = network.layers
    joins = [fits(one.layer, other.layer) for one, other in zip(layers, layers[1:], strict=False)]
    nodes = [
        _node(one, (row - 1,) if row and joins[row - 1] else ()) for row, one in enumerate(layers)
    ]
    return Figure(
        title=f"The layers of {network.name}",
        caption=f"{counted(len(layers), 'layer')} in order of execution, with cycles and energy. "
        "The run knows the layers, not what each of them reads: a line joins neighbours where the "
        f"output of one has the shape of the input of the next ({sum(joins):,} of "
        f"{max(0, len(layers) - 1):,}). What lies between the others is not in the run.",
        picture=draw_flow(f"The layers of {network.name}", nodes),
        table=data_table(
            f"The layers of {network.name}",
            ("layer", "kind", "input", "output", "joined to the next"),
            [
                (
                    TableCell(text=one.layer.name, link=f"#nest-{places[one.layer.name]}"),
                    one.layer.kind.value,
                    _size(input_shape(one.layer)),
                    _size(output_shape(one.layer)),
                    "yes" if row < len(joins) and joins[row] else "no",
                )
                for row, one in enumerate(layers)
            ],
        ),
    )


def fits(layer: Layer, following: Layer) -> bool:
    """Whether one layer makes a tensor of the shape that the other reads."""
    return output_shape(layer) == input_shape(following)


def input_shape(layer: Layer) -> tuple[int, int, int]:
    """Channels, rows and columns that a layer reads, of all its groups."""
    channels = layer.K if layer.kind is Kind.DEPTHWISE else layer.C
    return channels * layer.groups, layer.height, layer.width


def output_shape(layer: Layer) -> tuple[int, int, int]:
    """Channels, rows and columns that a layer makes, of all its groups."""
    return layer.K * layer.groups, layer.P, layer.Q


def _size(shape: tuple[int, int, int]) -> str:
    return "×".join(map(str, shape))


def _node(one: LayerFacts, sources: tuple[int, ...]) -> FlowNode:
    layer, cost = one.layer, one.cost
    window = f", {layer.R}×{layer.S}" if layer.R * layer.S > 1 else ""
    note = f"{layer.kind.value}{window} → {_size(output_shape(layer))}"
    energy = f"{short(cost.energy_pj / 1e6)} µJ"
    return FlowNode(
        sources=sources,
        kind=_KINDS.get(layer.kind, _OTHER),
        name=layer.name,
        end=short(cost.cycles),
        note=note,
        end_note=energy,
        full=f"{layer.name}: {note}; {cost.cycles:,} cycles, {energy}",
    )
