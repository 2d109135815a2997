"""The layers of a lowered network for the search: shapes without numbers."""

import re

from naas_hw.compiler.lowering.values import HostCall, LoweredNetwork
from naas_hw.graph.quantised import HostFunction
from naas_hw.workload.network import HostOperator, Network


def network_of(lowered: LoweredNetwork) -> Network:
    """The network whose layers have mappings, with what the host computes beside them.

    Raises pydantic.ValidationError (a ValueError) for a network without a layer.
    """
    return Network(
        name=re.sub(r"[^A-Za-z0-9_.\-]+", "_", lowered.name).lstrip(".-")[:100] or "network",
        layers=tuple(call.layer for call in lowered.layer_calls),
        host=tuple(_host_operator(call) for call in lowered.host_calls),
    )


def _host_operator(call: HostCall) -> HostOperator:
    operator = call.operator
    if isinstance(operator, HostFunction):
        return HostOperator(name=call.name, operator=operator.kind, macs=operator.macs)
    return HostOperator(name=call.name, operator=type(operator).__name__)
