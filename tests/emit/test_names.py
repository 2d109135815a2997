"""A wire is called after its signal, or after the instance that drives it."""

from naas_hw.emit.names import WireNames
from naas_hw.emit.netlist import parse_netlist

CHILDREN = r"""
module \reader
  wire width 4 input 0 \value
end
module \writer
  wire width 4 output 0 \result
end
"""


def names_of(top: str) -> dict[str, str]:
    """Wire -> its name in a module `top` with this content."""
    module = parse_netlist(f"module \\top\n{top}\nend\n{CHILDREN}")["top"]
    return {wire: identifier.name for wire, identifier in WireNames(module).identifiers.items()}


def test_a_wire_is_called_after_the_instance_that_drives_it() -> None:
    """Also where an instance that reads it stands before."""
    names = names_of(r"""
      wire width 4 \result
      wire width 4 \value
      cell \reader \first
        connect \value \result
      end
      cell \writer \second
        connect \result \result
      end
      connect \value \result
    """)
    assert names == {r"\result": "second__result"}


def test_a_signal_of_the_module_keeps_its_name_though_a_port_has_it_too() -> None:
    """Three signals `value`: two are ports of instances, one is the module's own."""
    instances = r"""
      wire width 4 \value
      wire width 4 \value$1
      cell \reader \first
        connect \value \value
      end
      cell \reader \second
        connect \value \value
      end
      connect \value$1 \value
    """
    assert names_of(instances) == {r"\value": "first__value"}
    own = r"""
      wire width 4 \value$2
      connect \value$2 \value
    """
    assert names_of(instances + own) == {r"\value": "value"}


def test_a_port_of_a_template_is_known_by_its_signal() -> None:
    """A template has `read_data` where the signal is `read__data`."""
    names = names_of(r"""
      wire width 4 \read__data
      cell \ram \memory
        connect \read_data \read__data
      end
    """)
    assert names == {r"\read__data": "memory__read_data"}


def test_an_instance_keeps_its_name_though_a_wire_has_it_too() -> None:
    r"""Amaranth writes `\\child$1` then; the wire is numbered instead."""
    module = parse_netlist(r"""
    module \top
      wire width 4 \child
      wire width 4 input 0 \port
      cell \reader \child$1
      end
      cell \reader \port$2
      end
      connect \child \port
    end
    """)["top"]
    assert WireNames(module).instances == {"child$1": "child", "port$2": "port_2"}
