"""Instances read as a list of interfaces."""

from naas_hw.emit.instances import instance_lines
from naas_hw.emit.layout import MAX_COLUMNS


def test_an_interface_is_a_line() -> None:
    """Ports with one first word, as the ports of a memory; clock and reset share a line."""
    ports = {name: name[-1] for name in ("clk", "rst", "write_a", "write_b", "read__a", "read__b")}
    assert instance_lines("ram", "one", {"WIDTH": "8", "DEPTH": "4"}, ports) == [
        "  ram #(.WIDTH(8), .DEPTH(4)) one (",
        "    .clk(k), .rst(t),",
        "    .write_a(a), .write_b(b),",
        "    .read__a(a), .read__b(b)",
        "  );",
    ]


def test_an_interface_without_room_is_a_port_a_line() -> None:
    values = {f"o__{letter}": letter * 50 for letter in "abc"}
    assert instance_lines("child", "two", {}, values) == [
        "  child two (",
        *(f"    .{port}({value}){',' * (port != 'o__c')}" for port, value in values.items()),
        "  );",
    ]


def test_a_value_that_is_long_is_wrapped() -> None:
    value = "{" + ", ".join(["a_part"] * 40) + "}"
    lines = instance_lines("child", "three", {}, {"i": value, "o": "y"})
    assert len(lines) > 5 and max(map(len, lines)) <= MAX_COLUMNS
    assert "".join(line.strip() + " " for line in lines[1:-2]).strip() == f".i({value}),"


def test_an_instance_without_ports() -> None:
    assert instance_lines("child", "four", {}, {}) == ["  child four ();"]
