"""Multipliers and memories as closed forms, beside the hardware when it is elaborated."""

from collections import Counter
from math import ceil
from typing import Any

import pytest
from amaranth.hdl import Fragment

from naas_hw.arch.accelerator import Accelerator
from naas_hw.arch.devices import find_part
from naas_hw.cost.fpga.block_memories import MemoryShape, MemoryStyle
from naas_hw.cost.fpga.memories import Memories
from naas_hw.cost.fpga.model import block_memories
from naas_hw.cost.fpga.multipliers import num_multipliers
from naas_hw.cost.fpga.records import Role, read_records
from naas_hw.experiments.fpga_designs import draw_designs
from naas_hw.rtl.accelerator import AcceleratorTop
from naas_hw.rtl.engines.residual_adder import ResidualAdder
from naas_hw.rtl.primitives.multiplier import MAX_BITS, Multiplier
from naas_hw.rtl.primitives.ram import Ram
from naas_hw.rtl.primitives.shared_ram import SharedRam

PART = find_part("lfe5u-85f")
NUM_DESIGNS = 6
DESIGNS = [
    design.accelerator
    for design in draw_designs(NUM_DESIGNS, Role.FIT, seed=21, part=PART)
    if design.accelerator.num_pes <= 32
]


class Components:
    """A platform that notes each shared component, and builds it in its place."""

    def __init__(self) -> None:
        self.all: list[Any] = []

    def get_shared(self, component: Any) -> Any:
        self.all.append(component)
        return component.build(self)

    def of(self, kind: type) -> list[Any]:
        return [component for component in self.all if isinstance(component, kind)]


def elaborated(accelerator: Accelerator) -> Components:
    platform = Components()
    Fragment.get(AcceleratorTop(accelerator), platform=platform)
    return platform


def shape_of(memory: Any) -> MemoryShape:
    if isinstance(memory, SharedRam):
        return MemoryShape(
            width=memory.width, depth=memory.depth, granularity=memory.granularity, is_shared=True
        )
    return MemoryShape(
        width=memory.width,
        depth=memory.depth,
        granularity=memory.granularity,
        style=MemoryStyle(memory.style),
        latency=memory.latency,
    )


@pytest.mark.parametrize("accelerator", DESIGNS, ids=lambda a: a.name)
def test_memories_and_multipliers_are_those_of_the_hardware(accelerator: Accelerator):
    hardware = elaborated(accelerator)
    clocked = [memory for memory in hardware.of(Ram) if memory.latency > 0]
    found = Counter(map(shape_of, [*clocked, *hardware.of(SharedRam)]))
    expected: Counter[MemoryShape] = Counter()
    for group in Memories(accelerator).groups:
        expected[group.shape.without_lanes] += group.count
    assert found == expected
    multipliers = hardware.of(Multiplier)
    assert all(max(m.a_bits, m.b_bits) <= MAX_BITS for m in multipliers)
    residuals = sum(2 * adder.lanes for adder in hardware.of(ResidualAdder))
    assert num_multipliers(accelerator) == len(multipliers) + residuals


def test_designs_of_the_data_have_the_multipliers_and_block_memories_of_the_closed_forms():
    records = read_records()
    assert records
    for record in records:
        found = (num_multipliers(record.accelerator), block_memories(record.accelerator))
        assert found == (record.dsp, record.block_ram), record.name


def test_private_buffers_that_do_not_fill_a_memory_have_a_narrower_one():
    accelerator = next(a for a in DESIGNS if Memories(a).num_weight_buffers % 4)
    weights = [g for g in Memories(accelerator).groups if g.name == "weights"]
    buffers = Memories(accelerator).num_weight_buffers * accelerator.weight_word_bytes
    assert sum(g.count * g.shape.width for g in weights) == 8 * buffers
    assert sum(g.count for g in weights) == ceil(buffers / 4)
