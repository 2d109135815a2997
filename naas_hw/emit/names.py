"""What the wires, memories and instances of a netlist are called in Verilog.

A wire keeps the name that its Amaranth signal has. Where several signals share one wire, the
signal of the module's own is preferred to the port of an instance, which is called
`instance__port` after the instance that drives it. Equal names are numbered, and words that Verilog
has taken get an underscore.
"""

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from naas_hw.emit.expression_text import Identifier
from naas_hw.emit.netlist import Bits, NetlistModule, Value, whole_wire

RESERVED: Final = frozenset(
    """
accept_on alias always always_comb always_ff always_latch and assert assign assume automatic before
begin bind bins binsof bit break buf bufif0 bufif1 byte case casex casez cell chandle checker class
clocking cmos config const constraint context continue cover covergroup coverpoint cross deassign
default defparam design disable dist do edge else end endcase endchecker endclass endclocking
endconfig endfunction endgenerate endgroup endinterface endmodule endpackage endprimitive
endprogram endproperty endsequence endspecify endtable endtask enum event eventually expect export
extends extern final first_match for force foreach forever fork forkjoin function generate genvar
global highz0 highz1 if iff ifnone ignore_bins illegal_bins implements implies import incdir include
initial inout input inside instance int integer interconnect interface intersect join join_any
join_none large let liblist library local localparam logic longint macromodule matches medium
modport module nand negedge nettype new nexttime nmos nor noshowcancelled not notif0 notif1 null or
output package packed parameter pmos posedge primitive priority program property protected pull0
pull1 pulldown pullup pulsestyle_ondetect pulsestyle_onevent pure rand randc randcase randsequence
rcmos real realtime ref reg reject_on release repeat restrict return rnmos rpmos rtran rtranif0
rtranif1 s_always s_eventually s_nexttime s_until s_until_with scalared sequence shortint shortreal
showcancelled signed small soft solve specify specparam static string strong strong0 strong1 struct
super supply0 supply1 sync_accept_on sync_reject_on table tagged task this throughout time
timeprecision timeunit tran tranif0 tranif1 tri tri0 tri1 triand trior trireg type typedef union
unique unique0 unsigned until until_with untyped use uwire var vectored virtual void wait wait_order
wand weak weak0 weak1 while wildcard wire with within wor xnor xor
""".split()
)
"""Words of IEEE 1800-2017, which has those of Verilog: `input` becomes `input_`."""


def plain_name(name: str) -> str:
    """A name of letters, digits and underscores that no word of Verilog is."""
    name = re.sub(r"\W", "_", name.removeprefix("\\"))
    return name + "_" * (name in RESERVED)


def _stem(wire: str) -> str:
    """The name of a wire without the number that Amaranth gives to equal names."""
    return re.sub(r"\$\d+$", "", wire.removeprefix("\\"))


def _position(bits: Bits, value: Value) -> int | None:
    """Where some bits stand in a value of several parts; None: they are not inside of one part."""
    start = 0
    for part in value:
        inside = bits.low - part.low
        if part.wire == bits.wire and 0 <= inside <= part.width - bits.width:
            return start + inside
        start += part.width
    return None


@dataclass(frozen=True)
class Enumeration:
    """An enum of the source.

    Parameters
    ----------
    name : of its class.
    members : value -> name.
    """

    name: str
    members: tuple[tuple[int, str], ...]

    @classmethod
    def of_attributes(cls, attributes: Mapping[str, str]) -> "Enumeration | None":
        """The enum that a wire's attributes describe."""
        if "enum_base_type" not in attributes:
            return None
        members = tuple(
            (int(name.rpartition("_")[2], 2), text.strip('"'))
            for name, text in attributes.items()
            if name.startswith("enum_value_")
        )
        return cls(attributes["enum_base_type"].strip('"'), members)


class WireNames:
    """Names of one module.

    Parameters
    ----------
    module : its netlist.

    Members
    -------
    identifiers : wire or memory -> what it is called; wires without a name in the source have none.
    instances : instance -> what it is called.
    of_instances : wires that are only called after the port of an instance.
    fields : (wire, first bit, width) of each field of a record -> its path, like `tile.index`.
    enumerations : (wire, first bit, width) of each value of an enum -> that.
    """

    def __init__(self, module: NetlistModule) -> None:
        self.module = module
        self.identifiers: dict[str, Identifier] = {}
        self.of_instances: set[str] = set()
        self._taken: set[str] = set()
        self._aliases = self._find_aliases()
        self._ports = self._find_ports()
        self.fields = self._find_fields()
        self.enumerations = self._find_enumerations()
        for wire in module.wires.values():
            if wire.direction is not None:
                self._give(wire.name, plain_name(wire.name))
        self.instances = {
            cell.name: self.unused(plain_name(_stem(cell.name)))
            for cell in module.cells
            if cell.kind.startswith("\\")
        }
        for memory in module.memories:
            self._give(memory, plain_name(memory))
        for wire in module.wires.values():
            if wire.name not in self.identifiers and self._is_driven(wire.name):
                self._name(wire.name)
        for wire in module.wires.values():
            if wire.name not in self.identifiers and wire.name.startswith("\\probe_"):
                self._give(wire.name, plain_name(wire.name))

    def _is_driven(self, wire: str) -> bool:
        return wire not in self._alias_names

    def _find_aliases(self) -> dict[str, list[str]]:
        aliases: dict[str, list[str]] = {}
        for alias, value in self.module.connections:
            wire = whole_wire(self.module, value)
            if wire is not None and not re.search(r"[.\[]", alias):
                aliases.setdefault(wire, []).append(alias)
        self._alias_names = {alias for alias, _ in self.module.connections}
        return aliases

    def _find_enumerations(self) -> dict[tuple[str, int, int], Enumeration]:
        drivers = dict(self.module.connections)
        enumerations: dict[tuple[str, int, int], Enumeration] = {}
        for wire in self.module.wires.values():
            enumeration = Enumeration.of_attributes(wire.attributes)
            bits = drivers.get(wire.name, (Bits(wire.name, 0, wire.width),))
            if enumeration is not None and len(bits) == 1 and bits[0].wire is not None:
                enumerations[bits[0].wire, bits[0].low, bits[0].width] = enumeration
        return enumerations

    def _find_fields(self) -> dict[tuple[str, int, int], str]:
        fields: dict[tuple[str, int, int], str] = {}
        drivers = dict(self.module.connections)
        for alias, value in self.module.connections:
            record, _, path = alias.partition(".")
            if path and "[" not in alias and len(value) == 1 and value[0].wire is not None:
                fields.setdefault((value[0].wire, value[0].low, value[0].width), path)
                low = _position(value[0], drivers.get(record, ()))
                if low is not None:
                    fields.setdefault((record, low, value[0].width), path)
        return fields

    def _find_ports(self) -> dict[str, list[tuple[str, str]]]:
        """Wire -> the instances and their ports that it is at, what drives it first."""
        drivers: dict[str, list[tuple[str, str]]] = {}
        readers: dict[str, list[tuple[str, str]]] = {}
        for cell in self.module.cells:
            if cell.kind.startswith("\\"):
                for port, value in cell.ports.items():
                    wire = whole_wire(self.module, value)
                    if wire is not None:
                        ports = drivers if port in cell.outputs else readers
                        ports.setdefault(wire, []).append((cell.name, port))
        return {w: drivers.get(w, []) + readers.get(w, []) for w in drivers | readers}

    def _name(self, wire: str) -> None:
        ports = self._ports.get(wire, [])
        own = self._own_names(wire, [port for _, port in ports])
        if own:
            self._give(wire, plain_name(own[0]))
        elif ports:
            self.of_instances.add(wire)
            instance, port = ports[0]
            self._give(wire, plain_name(f"{self.instances[instance].rstrip('_')}__{port}"))
        elif not wire.startswith("$"):
            self._give(wire, plain_name(_stem(wire)).lstrip("_") or "wire_")

    def _own_names(self, wire: str, ports: Sequence[str]) -> list[str]:
        """Names of signals on a wire that are the module's own, not those of ports of instances.

        Each port of an instance is a signal with the name of the port; what is left is the
        module's. Templates have ports with one underscore where the signal has two.
        """
        left = Counter(port.replace("__", "_") for port in ports)
        own: list[str] = []
        for name in map(_stem, self._candidates(wire)):
            port = name.replace("__", "_")
            if left[port]:
                left[port] -= 1
            else:
                own.append(name)
        return own

    def _candidates(self, wire: str) -> Iterator[str]:
        """Signals on a wire, those whose name says most first."""
        names = [name for name in (wire, *self._aliases.get(wire, ())) if name[0] == "\\"]
        names = [name for name in names if not name.startswith("\\$")]
        return iter(sorted(names, key=lambda name: ("__" in name, "$" in name)))

    def _give(self, wire: str, name: str) -> None:
        signed = wire in self.module.wires and self.module.wires[wire].signed
        self.identifiers[wire] = Identifier(self.unused(name), signed)

    def unused(self, name: str) -> str:
        """A name that nothing has yet; it is taken from now on."""
        result, number = name, 1
        while result in self._taken:
            number += 1
            result = f"{name.rstrip('_')}_{number}"
        self._taken.add(result)
        return result
