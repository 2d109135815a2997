"""The layers of a lowered network for the search: shapes without numbers."""

import re
from math import prod

from naas_hw.compiler.lowering.values import HostCall, LoweredNetwork
from naas_hw.graph.quantised import (
    Convolution,
    HostFunction,
    QuantisedGraph,
    QuantisedOperator,
    TransposedConvolution,
)
from naas_hw.workload.network import HostOperator, Network


def network_of(lowered: LoweredNetwork) -> Network:
    """The network whose layers have mappings, with what the host computes beside them.

    Raises pydantic.ValidationError (a ValueError) for a network without a layer.
    """
    return Network(
        name=re.sub(r"[^A-Za-z0-9_.\-]+", "_", lowered.name).lstrip(".-")[:100] or "network",
        layers=tuple(call.layer for call in lowered.layer_calls),
        host=tuple(_host_operator(call, lowered.graph) for call in lowered.host_calls),
    )


def _host_operator(call: HostCall, graph: QuantisedGraph) -> HostOperator:
    operator = call.operator
    kind = operator.kind if isinstance(operator, HostFunction) else type(operator).__name__
    return HostOperator(name=call.name, operator=kind, macs=_macs(operator, graph))


def _macs(operator: QuantisedOperator, graph: QuantisedGraph) -> int:
    """Multiply-accumulates, as many for each output, or for each input of a transposed layer."""
    if isinstance(operator, HostFunction):
        return operator.macs
    if isinstance(operator, Convolution):
        return int(operator.weights[0].size) * prod(graph.tensors[operator.output].shape)
    if isinstance(operator, TransposedConvolution):
        return int(operator.weights[0].size) * prod(graph.tensors[operator.inputs[0]].shape)
    return 0
