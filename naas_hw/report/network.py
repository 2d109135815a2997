"""The whole network of a run with a model: what runs where, its memory, and its simulation."""

import re
from dataclasses import dataclass
from itertools import groupby
from typing import Final

from naas_hw.compiler.lowering.dependences import dependences
from naas_hw.compiler.lowering.values import Call, HostCall, LayerCall, PlacedTensor
from naas_hw.cost.evaluate import CostReport
from naas_hw.graph.quantised import HostFunction, QuantisedOperator
from naas_hw.report.flow import FlowKind, FlowNode, draw_flow
from naas_hw.report.memory import footprint_figure, memory_figure
from naas_hw.report.simulation import verdict
from naas_hw.report.svg import short
from naas_hw.report.values import DataTable, Figure, TableCell, data_table
from naas_hw.runs.facts import ModelFacts, NetworkSimulationRecord, RunFacts

_GIVEN: Final = FlowKind(name="input or output", mark="circle", tone=6)
_ACCELERATOR: Final = FlowKind(name="accelerator", mark="square", tone=0)
_HOST: Final = FlowKind(name="host", mark="diamond", tone=3)


@dataclass(frozen=True, kw_only=True)
class NetworkSection:
    """What the section shows; `host` and `simulation` are None where there is nothing to show."""

    sentences: tuple[str, ...]
    host: DataTable | None
    figures: tuple[Figure, ...]
    simulation: DataTable | None
    differences: tuple[str, ...]


def network_section(facts: RunFacts, model: ModelFacts) -> NetworkSection:
    """The whole network."""
    return NetworkSection(
        sentences=(
            share_sentence(model),
            accuracy_sentence(model),
            network_simulation_sentence(model),
        ),
        host=host_table(model),
        figures=(graph_figure(facts, model), memory_figure(model), footprint_figure(model)),
        simulation=network_simulation_table(model),
        differences=_differences(model),
    )


# Who computes what -------------------------------------------------------------------------------


def share_sentence(model: ModelFacts) -> str:
    """What the accelerator does of the network, and what the host."""
    calls, hosts = model.lowered.layer_calls, model.lowered.host_calls
    covered, not_covered = sum(call.layer.num_macs for call in calls), sum(map(_macs, hosts))
    done = f"The accelerator runs {_count(len(calls), 'layer')} with {covered:,} MACs"
    if not hosts:
        return f"{done}; nothing is left to the host."
    share = not_covered / (covered + not_covered)
    return (
        f"{done}, {1 - share:.1%} of all. The host computes {_count(len(hosts), 'operator')} with "
        f"{not_covered:,} MACs ({share:.1%}); neither these nor its time and energy are in the "
        "other figures."
    )


def _count(count: int, noun: str) -> str:
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def _macs(call: HostCall) -> int:
    return call.operator.macs if isinstance(call.operator, HostFunction) else 0


def host_table(model: ModelFacts) -> DataTable | None:
    """Operators of the host, each with its reason."""
    rows = [
        (call.name, _kind(call.operator), _macs(call), call.reason)
        for call in model.lowered.host_calls
    ]
    columns = ("operator of the host", "kind", "MACs not covered", "why")
    return data_table("Operators of the host", columns, rows) if rows else None


def _kind(operator: QuantisedOperator) -> str:
    """`transposed convolution`."""
    if isinstance(operator, HostFunction):
        return operator.kind.replace("_", " ")
    return re.sub(r"(?<=.)([A-Z])", r" \1", type(operator).__name__).lower()


# Accuracy ----------------------------------------------------------------------------------------


def accuracy_sentence(model: ModelFacts) -> str:
    """How accurate the network is, on which data; or that nobody knows."""
    if model.accuracy is None:
        return (
            "The accuracy of the network is not known: no labelled data was given when it was "
            "quantised or searched."
        )
    return f"Accuracy: {model.accuracy.words}."


# The graph ---------------------------------------------------------------------------------------


def graph_figure(facts: RunFacts, model: ModelFacts) -> Figure:
    """Calls in order of execution; operators that one call computes together are one node."""
    return Figure(
        title="The network",
        caption="In order of execution, with cycles and energy of each layer. Operators joined by "
        "+ are one layer, and the layers of one operator are one row; what is placement only "
        "(concatenation, split, flatten) needs none.",
        picture=draw_flow("The network", _nodes(facts, model)),
        table=_operator_table(facts, model),
    )


def _nodes(facts: RunFacts, model: ModelFacts) -> list[FlowNode]:
    lowered = model.lowered
    groups = [list(calls) for _, calls in groupby(lowered.calls, _made_of)]
    sources = iter(_sources([1] * len(lowered.inputs) + [len(calls) for calls in groups], model))
    costs = {one.layer.name: one.cost for one in facts.layers}
    return [
        *(_given_node(tensor, next(sources), "input") for tensor in lowered.inputs),
        *(_call_node(calls, next(sources), model, costs) for calls in groups),
        *(_given_node(tensor, next(sources), "output") for tensor in lowered.outputs),
    ]


def _made_of(call: Call) -> tuple[str, tuple[str, ...]]:
    """What neighbours share that are one node: phases of an operator, or its groups."""
    if isinstance(call, HostCall):
        return call.name, ()
    return call.makes, call.sources or (call.layer.name,)


def _sources(sizes: list[int], model: ModelFacts) -> list[tuple[int, ...]]:
    """For each row the rows that it reads; `sizes` are nodes of a row, outputs left out."""
    found = dependences(model.lowered)
    sizes = sizes + [1] * len(model.lowered.outputs)
    rows = [row for row, size in enumerate(sizes) for _ in range(size)]
    sources: list[set[int]] = [set() for _ in sizes]
    for row, of_node in zip(rows, found, strict=True):
        sources[row] |= {rows[source] for source in of_node} - {row}
    return [tuple(sorted(one)) for one in sources]


def _given_node(tensor: PlacedTensor, sources: tuple[int, ...], what: str) -> FlowNode:
    note = f"{what}, {_size(tensor.shape)}"
    return FlowNode(
        sources=sources, kind=_GIVEN, name=tensor.name, end="", note=note,
        full=f"{tensor.name}: {note}",
    )  # fmt: skip


def _call_node(
    calls: list[Call], sources: tuple[int, ...], model: ModelFacts, costs: dict[str, CostReport]
) -> FlowNode:
    first = calls[0]
    if isinstance(first, HostCall):
        note = f"{_kind(first.operator)}: {first.reason}"
        return FlowNode(
            sources=sources, kind=_HOST, name=first.name, end="host", note=note,
            full=f"{first.name}: {note}",
        )  # fmt: skip
    layer = first.layer
    kinds = [_kind(one) for one in model.lowered.graph.operators if _is_part(one, first)]
    window = f", {layer.R}×{layer.S}" if layer.R * layer.S > 1 else ""
    count = f", {len(calls)} layers" if len(calls) > 1 else ""
    what = " + ".join(kinds) or layer.kind.value
    note = f"{what}{window}{count} → {_size((layer.K, layer.P, layer.Q))}"
    parts = [costs[one.layer.name] for one in calls if isinstance(one, LayerCall)]
    spent = sum(one.cycles for one in parts)
    energy = f"{short(sum(one.energy_pj for one in parts) / 1e6)} µJ"
    return FlowNode(
        sources=sources, kind=_ACCELERATOR, name=layer.name, end=short(spent), note=note,
        end_note=energy,
        full=f"{layer.name}: {note}; {spent:,} cycles, {energy}. Of {', '.join(first.sources)}",
    )  # fmt: skip


def _size(shape: tuple[int, int, int]) -> str:
    return "×".join(map(str, shape))


def _is_part(operator: QuantisedOperator, call: Call) -> bool:
    """Whether a call computes an operator, or a part of it."""
    if isinstance(call, HostCall):
        return call.operator.name == operator.name
    return not {*operator.sources, operator.name}.isdisjoint(call.sources)


def _operator_table(facts: RunFacts, model: ModelFacts) -> DataTable:
    """Every operator, with who computes it."""
    places = {one.layer.name: index for index, one in enumerate(facts.layers)}
    rows = []
    for operator in model.lowered.graph.operators:
        calls = [call for call in model.lowered.calls if _is_part(operator, call)]
        rows.append((operator.name, _kind(operator), _where(calls), *_of_calls(calls, places)))
    return data_table("Operators", ("operator", "kind", "runs", "layer", "layers"), rows)


def _where(calls: list[Call]) -> str:
    if not calls:
        return "placement only"
    return "host" if isinstance(calls[0], HostCall) else "accelerator"


def _of_calls(calls: list[Call], places: dict[str, int]) -> tuple[TableCell | str, int]:
    """The first layer, with a link to its loop nest, and how many there are."""
    names = [call.layer.name for call in calls if isinstance(call, LayerCall)]
    if not names:
        return "–", 0
    return TableCell(text=names[0], link=f"#nest-{places[names[0]]}"), len(names)


# The simulation ----------------------------------------------------------------------------------


def network_simulation_sentence(model: ModelFacts) -> str:
    """Whether the whole network ran on the RTL, and how it ended."""
    simulation = model.simulation
    if simulation is None:
        return "The whole network was not simulated yet."
    ran = f"The whole network ran on the RTL in {simulation.simulator}{_on_what(simulation)}"
    if simulation.ok:
        return (
            f"{ran}: every output byte of every layer is equal to the integer reference, and so "
            f"are the {simulation.simulated_cycles:,} cycles to those that were predicted."
            f"{_starts_text(simulation)}"
        )
    return (
        f"{ran} and differs: {simulation.output_mismatches:,} wrong bytes, "
        f"{simulation.simulated_cycles:,} cycles, {simulation.predicted_cycles:,} predicted."
    )


def _on_what(simulation: NetworkSimulationRecord) -> str:
    """The numbers that the network read."""
    files = [file for file in simulation.inputs.values() if file is not None]
    if files:
        return f", on {' and '.join(files)}"
    return "" if simulation.seed is None else f", on numbers of seed {simulation.seed}"


def _starts_text(simulation: NetworkSimulationRecord) -> str:
    """How the cycles of the starts are known."""
    if not simulation.starts:
        return ""
    count = _count(len(simulation.starts), "start")
    return f" {count} ran as a whole, too, with the same result."


def network_simulation_table(model: ModelFacts) -> DataTable | None:
    """The layers of the simulated network."""
    if model.simulation is None:
        return None
    rows = [
        (
            one.name,
            verdict(one.ok, one.status),
            one.predicted_cycles,
            one.simulated_cycles,
            one.output_mismatches,
        )
        for one in model.simulation.layers
    ]
    columns = ("layer", "verdict", "cycles predicted", "cycles simulated", "wrong bytes")
    return data_table("The whole network on the RTL", columns, rows)


def _differences(model: ModelFacts) -> tuple[str, ...]:
    layers = model.simulation.layers if model.simulation else ()
    starts = model.simulation.starts if model.simulation else ()
    return tuple(
        f"start {number}: {text}"
        for number, one in enumerate(starts, 1)
        if not one.ok
        for text in (
            f"{one.status}, {one.simulated_cycles:,} cycles, {one.predicted_cycles:,} predicted, "
            f"{one.output_mismatches:,} wrong bytes",
            *one.counts_that_differ,
        )
    ) + tuple(
        f"{one.name}: {text}"
        for one in layers
        for text in (
            *(() if one.first_piece is None else (f"first piece that differs: {one.first_piece}",)),
            *one.counts_that_differ,
        )
    )
