"""The harness connects every port of a core to its own bits of two registers."""

import re

import pytest

from naas_hw.emit.module_ports import Port, ports_of
from naas_hw.fpga.harness import HARNESS, render_harness

CORE = """// a comment
module core (
  (* X_INTERFACE_INFO = "xilinx.com:signal:clock:1.0 aclk CLK" *)
  input wire aclk,
  input wire aresetn,
  input wire [11:0] address,
  input wire valid,
  output wire [31:0] data,
  output reg ready = 1'h0
);
endmodule
"""
PORTS = (
    Port(name="aclk", width=1, is_input=True),
    Port(name="aresetn", width=1, is_input=True),
    Port(name="address", width=12, is_input=True),
    Port(name="valid", width=1, is_input=True),
    Port(name="data", width=32, is_input=False),
    Port(name="ready", width=1, is_input=False),
)


def test_ports_are_those_of_the_header() -> None:
    assert ports_of(CORE, "core") == PORTS


def test_a_module_that_is_not_there_is_refused() -> None:
    with pytest.raises(ValueError, match=r"^text must hold a module other with ports$"):
        ports_of(CORE, "other")


def test_every_port_has_its_own_bits() -> None:
    text = render_harness(PORTS, core="core")
    assert f"module {HARNESS}" in text
    connected = dict(re.findall(r"\.(\w+)\s*\((\w+\[\d+:\d+\])\)", text))
    assert connected == {
        "address": "inputs[11:0]",
        "valid": "inputs[12:12]",
        "data": "from_core[31:0]",
        "ready": "from_core[32:32]",
    }
