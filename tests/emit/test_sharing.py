"""Wires that only pass a value on are not printed."""

from naas_hw.emit.netlist import parse_netlist
from naas_hw.emit.printer import print_module

TEXT = r"""
module \top
  wire width 4 output 0 \port_y
  wire width 4 output 1 \again
  wire width 4 \y
  wire width 4 \probe_y
  wire width 4 \z
  cell \child \one
    connect \y \y
  end
  cell \child \two
    connect \y \z
  end
  connect \port_y \y
  connect \again \y
  connect \probe_y \z
end
module \child
  wire width 4 output 0 \y
  connect \y 4'0101
end
"""


def test_an_instance_drives_an_output_itself() -> None:
    """The first output is at the port; a second one is assigned from it."""
    text = print_module(parse_netlist(TEXT)["top"]).text
    assert "child one (\n    .y(port_y)\n  );" in text
    assert [line.strip() for line in text.splitlines() if "assign" in line] == [
        "assign again = port_y;"
    ]


def test_an_instance_drives_a_probe_itself() -> None:
    text = print_module(parse_netlist(TEXT)["top"]).text
    assert "child two (\n    .y(probe_y)\n  );" in text
