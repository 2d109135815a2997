"""Vivado's attributes at the ports of a top module: its block design joins buses by them."""

import re
from typing import Final

AXI_PORT: Final = re.compile(
    r"(?P<bus>\w+?)_(?P<signal>(?:aw|ar)(?:id|addr|len|size|burst|lock|cache|prot|qos|region|user|"
    r"valid|ready)|w(?:data|strb|last|valid|ready)|b(?:id|resp|valid|ready)|"
    r"r(?:id|data|resp|last|valid|ready))"
)


def annotate_ports(text: str) -> str:
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
