"""The platform that Verilog is emitted for: one definition for all equal components."""

import re
from collections.abc import Hashable, Iterable
from typing import Final

from amaranth.back import rtlil
from amaranth.hdl import (
    ClockSignal,
    Const,
    Fragment,
    Instance,
    ResetSignal,
    Signal,
    Value,
    ValueCastable,
)
from amaranth.hdl._dsl import FSM
from amaranth.hdl._ir import PortDirection
from amaranth.lib import wiring
from amaranth.lib.wiring import In

from naas_hw.rtl.primitives.shared import SharedComponent

PREFIX: Final = "naas_"


def snake_case(name: str) -> str:
    """`AxiLiteRegisters` -> `axi_lite_registers`, `AXIBurst` -> `axi_burst`."""
    name = re.sub(r"([A-Z]+)([A-Z][a-z])", r"\1_\2", name)
    return re.sub(r"([a-z0-9])([A-Z])", r"\1_\2", name).lower()


def flat_ports(component: wiring.Component) -> list[tuple[str, Value, bool]]:
    """(name, value, is it an input) of every port, named as Amaranth does: `stream__payload`.

    A component that names its ports otherwise has a method `port_name` from path to name.
    What is constant, like the `ready` of a stream that is always ready, is no port.
    """
    ports = []
    port_name = getattr(component, "port_name", "__".join)
    for path, member, value in component.signature.flatten(component):
        value = value.as_value() if isinstance(value, ValueCastable) else value
        if len(Value.cast(value)) and not isinstance(value, Const):
            ports.append((port_name([str(part) for part in path]), value, member.flow == In))
    return ports


class VerilogPlatform:
    """The platform that Verilog is emitted for: gives every shared component its definition.

    Members
    -------
    definitions : RTLIL of each shared module, by module name, in the order of first use.
    components : the component that each of them was made of.
    templates : names of the hand-written modules that are used.
    """

    def __init__(self) -> None:
        self.definitions: dict[str, str] = {}
        self.components: dict[str, SharedComponent] = {}
        self.templates: list[str] = []
        self._names: dict[Hashable, str] = {}

    def get_shared(self, component: SharedComponent) -> Instance:
        """An instance of the one definition for this component's class and parameters."""
        if component.template is not None:
            return self._instance_of_template(component, component.template)
        key = (type(component), component.parameters)
        if key not in self._names:
            self._define(key, component)
        name = self._names[key]
        clock = [
            ("i", port, signal)
            for port, signal in (("clk", ClockSignal()), ("rst", ResetSignal()))
            if re.search(rf"^  wire width 1 input \d+ +\\{port}$", self.definitions[name], re.M)
        ]
        return Instance(name, *clock, *_connections(component))

    def _instance_of_template(self, component: SharedComponent, template: str) -> Instance:
        if template not in self.templates:
            self.templates.append(template)
        parameters = [("p", name, value) for name, value in component.template_parameters.items()]
        ports = [(kind, name.replace("__", "_"), v) for kind, name, v in _connections(component)]
        return Instance(template, *parameters, ("i", "clk", ClockSignal()), *ports)

    def _define(self, key: Hashable, component: SharedComponent) -> None:
        name = self._new_name(PREFIX + snake_case(type(component).__name__))
        self._names[key] = name
        self.definitions[name] = ""  # holds the place: before what it contains
        self.components[name] = component
        fragment = Fragment.get(component.build(self), self)
        self.definitions[name] = convert_to_rtlil(fragment, name, flat_ports(component))

    def _new_name(self, stem: str) -> str:
        name, number = stem, 1
        while name in self.definitions:
            number += 1
            name = f"{stem}_{number}"
        return name


def _connections(component: SharedComponent) -> list[tuple[str, str, Value]]:
    return [
        ("i" if is_input else "o", name, value) for name, value, is_input in flat_ports(component)
    ]


def convert_to_rtlil(
    fragment: Fragment, name: str, ports: Iterable[tuple[str, Value, bool]]
) -> str:
    """The netlist of a fragment as text.

    Parameters
    ----------
    ports : (name, value, is it an input) of each.
    """
    directions = {
        port: (value, PortDirection.Input if is_input else PortDirection.Output)
        for port, value, is_input in ports
    }
    _name_states(fragment)
    text: str = rtlil.convert(fragment, name=name, ports=directions, emit_src=False)
    return text


def _name_states(fragment: Fragment) -> None:
    """Write the names of states at the registers of state machines, as those of an enum."""
    for machine in fragment.generated.values():
        if isinstance(machine, FSM) and machine.encoding:
            state: Signal = machine._data["signal"]
            state.attrs["enum_base_type"] = "State"
            for name, value in machine.encoding.items():
                state.attrs[f"enum_value_{value:0{len(state)}b}"] = name
    for inside, *_ in fragment.subfragments:
        _name_states(inside)
