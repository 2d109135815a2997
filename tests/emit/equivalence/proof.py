"""Proofs that printed Verilog is the netlist that it was printed from.

Both are cut at their registers and at the ports of their instances, memories become registers, and
a SAT solver shows that no input makes any output, any register's next value or any input of an
instance differ. Initial values are compared as they stand. Equal cells with equal inputs, such as
multipliers, are one cell before the solver sees them.
"""

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from naas_hw.core.errors import ToolError
from naas_hw.core.resources import template_folder
from naas_hw.emit.names import plain_name
from naas_hw.emit.netlist import parse_netlist
from naas_hw.emit.printer import PrintedModule, print_module
from naas_hw.emit.yosys import run_yosys

SCRIPT = """
read_rtlil gold.il
read_verilog gate.v
read_verilog -lib stubs.v
proc
opt_clean
write_json init.json
memory_collect
memory_map -formal
opt_clean
expose -shared -evert -evert-dff {top} gate
opt_clean
select -assert-none t:$dff t:$sdff t:$dffe t:$mem_v2 t:$memrd_v2
miter -equiv -flatten -make_outputs -ignore_gold_x {top} gate miter
hierarchy -top miter
opt -share_all
opt_expr -fine
opt -share_all
{solve}
"""
SOLVE = "sat -verify -prove trigger 0 -set-def-inputs -timeout {seconds} miter"
TOKEN = re.compile(r"[\\$][^\s{}]+")


def split_modules(text: str) -> dict[str, str]:
    """RTLIL of each module by its name."""
    found = re.findall(r"^module \\(\S+)$.*?^end$", text, re.M | re.S)
    texts = re.findall(r"^module \\\S+$.*?^end$", text, re.M | re.S)
    return dict(zip(found, texts, strict=True))


def disproof(
    name: str,
    texts: Mapping[str, str],
    folder: Path,
    *,
    gold: str | None = None,
    seconds: int = 300,
) -> str:
    """Why a module is not proven equal to its netlist; empty where it is.

    Parameters
    ----------
    name : of the module.
    texts : RTLIL of all modules.
    folder : where yosys works.
    gold : RTLIL to compare with instead, to see a proof fail.
    seconds : limit of the solver.
    """
    netlists = parse_netlist("\n".join(texts.values()))
    printed = print_module(netlists[name])
    (folder / "gold.il").write_text(_renamed(gold or texts[name], printed))
    gate = printed.text.replace(f"module {printed.name}", "module gate", 1)
    (folder / "gate.v").write_text(_holding(gate))
    used = {kind for kind, _ in printed.instances}
    children = {child for child in netlists if plain_name(child) in used}
    stubs = [_stub(print_module(netlists[child]).text) for child in sorted(children)]
    templates = [_widest(path) for path in sorted((template_folder() / "rtl").glob("*.v"))]
    (folder / "stubs.v").write_text("\n".join([*stubs, *templates]))
    script = SCRIPT.format(top="gold", solve=SOLVE.format(seconds=seconds))
    try:
        run_yosys(script, folder=folder)
    except ToolError as error:
        return str(error)
    return _other_initial_values(json.loads((folder / "init.json").read_text()))


def _widest(path: Path) -> str:
    """A template whose ports are as wide as any: yosys takes a stub with its default parameters."""
    text = path.read_text()
    for name, value in (("WIDTH", 1024), ("GRANULARITY", 1), ("ADDRESS_WIDTH", 20)):
        text = re.sub(rf"(parameter integer {name} = )\d+", rf"\g<1>{value}", text)
    return text


def _holding(text: str) -> str:
    """The text with an assignment to each register that has none: in the netlist it holds itself.

    Else yosys takes it for a wire that nothing drives.
    """
    registers = re.findall(r"^  reg (?:\[\d+:0\] )?(\w+) = ", text, re.M)
    idle = [name for name in registers if not re.search(rf"\b{name}\b[^;]*?<= ", text)]
    holds = "".join(f"  always @(posedge clk) {name} <= {name};\n" for name in idle)
    return text.replace("endmodule", f"{holds}endmodule", 1)


def _stub(text: str) -> str:
    return text.partition("\n);\n")[0] + "\n);\nendmodule\n"


def _renamed(text: str, printed: PrintedModule) -> str:
    """The netlist as module `gold` with the names that ports and registers have in the text."""
    names = _names_in(printed)
    for wire in re.findall(r"^  wire .*?(\S+)$", text, re.M):
        if wire not in names and wire in names.values():
            names[wire] = f"{wire}$other"
    text = _with_fields(_without_aliases(text), printed.fields)
    opened = _open_ports(printed.text)
    kept, instance = [], ""
    for line in text.splitlines()[1:]:
        words = line.split()
        if words[:1] == ["cell"]:
            instance = names.get(words[2], "") if words[1].startswith("\\") else ""
        if words[:1] == ["cell"] and instance:
            kept.append(f"  cell \\{plain_name(words[1])} {instance}")
        elif instance and words[:1] == ["connect"]:
            if (instance, f"\\{plain_name(words[1])}") not in opened:
                kept.append(
                    f"    connect \\{plain_name(words[1])} {_values(' '.join(words[2:]), names)}"
                )
        elif words[:1] != ["attribute"]:
            kept.append(_values(line, names))
        else:
            kept.append(line)
        if words == ["end"]:
            instance = ""
    return "\n".join(["module \\gold", *kept, ""])


def _names_in(printed: PrintedModule) -> dict[str, str]:
    """Wire, memory, instance or field of a register -> its name in the text."""
    names = {old: f"\\{new}" for old, new in printed.names.items()}
    for record, parts in printed.fields.items():
        names |= {f"{record}#{low}": f"\\{new}" for new, low, _ in parts}
    return names


def _with_fields(text: str, fields: Mapping[str, Sequence[tuple[str, int, int]]]) -> str:
    """A netlist in which those registers are several that are so in the printed text."""
    for record, parts in fields.items():
        found = re.search(
            rf"^  attribute \\init \d+'(\d+)\n(  wire .*{re.escape(record)})$", text, re.M
        )
        assert found is not None
        bits = found[1][::-1]
        wires = [
            f"  attribute \\init {width}'{bits[low : low + width][::-1]}\n"
            f"  wire width {width} {record}#{low}\n"
            for _, low, width in parts
        ]
        joined = "{ " + " ".join(f"{record}#{low}" for _, low, _ in reversed(parts)) + " }"
        # with the end of its line, since other names may begin as this one does
        text = text.replace(f"{found[0]}\n", "".join(wires) + f"{found[2]}\n")
        text = text.replace(f"    connect \\Q {record}\n", f"    connect \\Q {joined}\n")
        text = f"{text.removesuffix('end')}connect {record} {joined}\nend"
    return text


def _without_aliases(text: str) -> str:
    """A netlist without second names of wires, which nothing reads."""
    outputs = set(re.findall(r"^  wire width \d+ output .*?(\\\S+)$", text, re.M))
    aliases = set(re.findall(r"^connect (\\\S+) ", text, re.M)) - outputs
    kept: list[str] = []
    for line in text.splitlines():
        words = line.split()
        named = words[-1] if line.startswith("  wire ") else ""
        named = words[1] if line.startswith("connect ") else named
        if named in aliases:
            while kept[-1].startswith("  attribute "):
                kept.pop()
        else:
            kept.append(line)
    return "\n".join(kept)


def _open_ports(text: str) -> set[tuple[str, str]]:
    """(instance, port) of the outputs that a module leaves open, as the netlist writes them."""
    instances = re.findall(r"^  \w+ (?:#\(.*?\) )?(\w+) \(\n(.*?)\n  \);$", text, re.M | re.S)
    return {
        (f"\\{instance}", f"\\{port}")
        for instance, ports in instances
        for port in re.findall(r"\.(\w+)\(\)", ports)
    }


def _values(text: str, names: Mapping[str, str]) -> str:
    return TOKEN.sub(lambda found: names.get(found[0], found[0]), text)


def _other_initial_values(design: Any) -> str:
    modules = design["modules"]
    inits = [
        {
            name: net["attributes"]["init"]
            for name, net in modules[module]["netnames"].items()
            if "init" in net["attributes"]
        }
        for module in ("gold", "gate")
    ]
    shared = inits[0].keys() & inits[1].keys()
    wrong = [name for name in sorted(shared) if int(inits[0][name], 2) != int(inits[1][name], 2)]
    missing = sorted(inits[1].keys() - inits[0].keys())
    return f"initial values differ: {wrong}, {missing}" if wrong or missing else ""
