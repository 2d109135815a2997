"""Verilog text from an Amaranth design: one module per distinct component.

Amaranth writes the netlist of each component as RTLIL, and `printer` writes it as Verilog. The same
design gives the same bytes: no paths, no dates, no tool versions but those in the banner that the
caller hands in.
"""

from collections.abc import Mapping

from amaranth.hdl import ClockDomain, Fragment, Module, Signal
from amaranth.lib import wiring

from naas_hw.arch.families import Family
from naas_hw.emit.families import template_texts
from naas_hw.emit.names import plain_name
from naas_hw.emit.netlist import parse_netlist
from naas_hw.emit.platform import VerilogPlatform, convert_to_rtlil, flat_ports
from naas_hw.emit.printer import PrintedModule, print_module
from naas_hw.emit.variants import describe, rename_modules, variant_names
from naas_hw.emit.vivado import annotate_ports
from naas_hw.rtl.primitives.shared import SharedComponent
from naas_hw.system.garbage import rare_searches


@rare_searches()
def emit_verilog(
    top: wiring.Component,
    *,
    name: str = "naas_accelerator",
    banner: str,
    family: Family = Family.GENERIC,
) -> dict[str, str]:
    """The Verilog of a design, a file per module.

    Parameters
    ----------
    top : its `elaborate` gives a `Module` in the domain `sync`, which becomes the clock `aclk`
        and the synchronous, active-low reset `aresetn`. Ports are the signature's.
    name : of the top module.
    banner : lines that head every file as a comment.
    family : whose forms of multiplier and memory are taken.

    Returns
    -------
    file name -> text; the top first, then modules in the order of their first use, then those
    written by hand.
    """
    platform = VerilogPlatform()
    netlists = parse_netlist(convert_design(top, name, platform))
    names = variant_names(platform.components)
    components = {names[old]: component for old, component in platform.components.items()}
    netlists = rename_modules(netlists, names)
    orders = {name: ["aclk", "aresetn", *_port_names(top)]}
    orders |= {module: _port_names(component) for module, component in components.items()}
    printed = [
        print_module(netlist, port_order=orders.get(module, ()))
        for module, netlist in netlists.items()
    ]
    modules = {module.name: module for module in printed}
    texts = {module.name: module.text for module in printed}
    texts[name] = annotate_ports(texts[name])
    headers = {module: _header(component) for module, component in components.items()}
    headers[name] = _hierarchy_comment(modules, name)
    files = {
        f"{module}.v": _comment(banner) + headers.get(module, "") + "\n" + texts[module]
        for module in _first_use(modules, name)
    }
    for template in platform.templates:
        for file, text in template_texts(template, family).items():
            files[file] = _comment(banner) + "\n" + text
    return files


def convert_design(top: wiring.Component, name: str, platform: VerilogPlatform) -> str:
    """The netlists of a design as RTLIL: the top, then its modules in the order of first use."""
    return "\n".join([_convert_top(top, name, platform), *platform.definitions.values()])


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
    text = convert_to_rtlil(Fragment.get(m, platform), name, ports)
    del platform.definitions[name]
    return text


def _port_names(component: wiring.Component) -> list[str]:
    return [plain_name(name) for name, _, _ in flat_ports(component)]


def _comment(text: str) -> str:
    return "".join(f"// {line}".rstrip() + "\n" for line in text.splitlines())


def _header(component: SharedComponent) -> str:
    return _comment("\n" + "\n".join(describe(component, component.named_parameters)))


def _hierarchy_comment(modules: Mapping[str, PrintedModule], name: str) -> str:
    lines = "".join(f"// {line}\n" for line in _hierarchy(modules, name))
    return f"//\n// Hierarchy:\n{lines}"


def _children(modules: Mapping[str, PrintedModule], name: str) -> list[str]:
    """The module of each instance in a module, in the order of the text."""
    return [child for child, _ in modules[name].instances] if name in modules else []


def _first_use(modules: Mapping[str, PrintedModule], top: str) -> list[str]:
    order = [top]
    for name in order:
        children = dict.fromkeys(_children(modules, name))
        order += [child for child in children if child in modules and child not in order]
    return order


def _hierarchy(
    modules: Mapping[str, PrintedModule], name: str, depth: int = 0, count: int = 1
) -> list[str]:
    """One line per distinct child, with how often the parent holds it."""
    lines = ["  " * depth + name + (f" x {count}" if count > 1 else "")]
    names = _children(modules, name)
    for child in dict.fromkeys(names):
        lines += _hierarchy(modules, child, depth + 1, names.count(child))
    return lines
