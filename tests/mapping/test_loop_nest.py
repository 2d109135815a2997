"""The nest as text has every loop of bound > 1, in order, and marks the spatial ones."""

import re
from math import prod

from naas_hw.arch.accelerator import Accelerator, Axis
from naas_hw.arch.presets import PRESETS
from naas_hw.mapping.geometry import Geometry
from naas_hw.mapping.loop_nest import loop_nest
from naas_hw.mapping.mapping import Bounds, Mapping
from naas_hw.workload.layer import Kind, Layer

LAYER = Layer(name="conv1", K=64, C=3, P=28, Q=56, R=7, S=7, height=62, width=117, stride=(2, 2))
MAPPING = Mapping(
    dram_order=("P", "K", "C", "Q", "R", "S"),
    l2_order=("S", "Q", "P", "K", "C", "R"),
    pe=Bounds(K=4, S=3, Q=2),
    l2=Bounds(Q=4, C=3, S=3),
    spatial=Bounds(R=7, P=14),
)
EYERISS = PRESETS["eyeriss"].accelerator


def loops(text: str) -> list[tuple[str, str, int]]:
    """(for or parallel-for, dim, bound) of each line that is a loop."""
    found = re.findall(r"^ *(parallel-for|for) (\w) in 0\.\.(\d+)", text, re.MULTILINE)
    return [(word, dim, int(bound)) for word, dim, bound in found]


def test_loops_stand_in_the_order_of_the_mapping_spatial_ones_marked():
    assert loops(loop_nest(EYERISS, LAYER, MAPPING)) == [
        ("for", "P", 2),
        ("for", "K", 16),
        ("for", "Q", 7),
        ("for", "S", 3),
        ("for", "Q", 4),
        ("for", "C", 3),
        ("parallel-for", "R", 7),
        ("parallel-for", "P", 14),
        ("for", "K", 4),
        ("for", "Q", 2),
        ("for", "S", 3),
    ]


def test_the_product_of_all_loops_is_what_the_array_works_through():
    geometry = Geometry(accelerator=EYERISS, layer=LAYER, mapping=MAPPING)
    found = prod(bound for _, _, bound in loops(loop_nest(EYERISS, LAYER, MAPPING)))
    assert found == geometry.num_steps * geometry.compute_cycles * geometry.pes_used


def test_each_line_is_indented_by_its_depth_and_the_body_is_innermost():
    lines = loop_nest(EYERISS, LAYER, MAPPING).splitlines()
    loop_lines = [line for line in lines if re.match(" *(parallel-)?for", line)]
    assert [len(line) - len(line.lstrip()) for line in loop_lines] == [
        2 * depth for depth in range(len(loop_lines))
    ]
    assert lines[-1].startswith("  " * len(loop_lines) + "outputs[K][P][Q] +=")


def test_an_axis_that_is_not_used_is_shown_with_its_size():
    accelerator = Accelerator(
        axes=(Axis(dim="C", size=8), Axis(dim="K", size=4)),
        weight_buffer_bytes=16,
        input_buffer_bytes=16,
        accumulator_words=16,
        bank_bytes=1024,
    )
    layer = Layer(name="dw", kind=Kind.DEPTHWISE, K=4, P=2, Q=2, height=2, width=2)
    text = loop_nest(accelerator, layer, Mapping(spatial=Bounds(K=4)))
    assert "parallel-for C in 0..1 of 8" in text
    assert (
        text.splitlines()[-1].lstrip()
        == "outputs[K][P][Q] += weights[K][R][S] * inputs[K][P+R][Q+S]"
    )
