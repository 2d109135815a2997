"""Delays of an SDF file become the slowest paths between registers."""

import pytest

from naas_hw.fpga.delays import read_delays
from naas_hw.fpga.slow_paths import SlowPaths, register_name, slow_paths

SDF = r"""
(DELAYFILE
  (CELL
    (CELLTYPE "top")
    (INSTANCE )
    (DELAY
      (ABSOLUTE
        (INTERCONNECT clk/O core.a_TRELLIS_FF_Q/CLK (0:0:0) (0:0:0))
        (INTERCONNECT core.a_TRELLIS_FF_Q/Q core.x_LUT4_Z/A (800:900:1000) (700:700:700))
        (INTERCONNECT core.a_TRELLIS_FF_Q_1/Q core.x_LUT4_Z/B (1:1:2000) (1:1:1))
        (INTERCONNECT core.x_LUT4_Z/F core.b_TRELLIS_FF_Q/DI (1:1:500) (1:1:1))
        (INTERCONNECT core.m\[2\].0.0/DOA3 core.b_TRELLIS_FF_Q_1/DI (1:1:250) (1:1:1))
      )
    )
  )
  (CELL
    (CELLTYPE "TRELLIS_FF")
    (INSTANCE core.a_TRELLIS_FF_Q)
    (DELAY
      (ABSOLUTE
        (IOPATH CLK Q (1:1:525) (1:1:525))
      )
    )
    (TIMINGCHECK
      (SETUPHOLD (posedge DI) (posedge CLK) (1:1:75) (0:0:0))
    )
  )
  (CELL
    (CELLTYPE "TRELLIS_FF")
    (INSTANCE core.a_TRELLIS_FF_Q_1)
    (DELAY
      (ABSOLUTE
        (IOPATH (posedge CLK) Q (1:1:500) (1:1:525))
      )
    )
  )
  (CELL
    (CELLTYPE "TRELLIS_COMB")
    (INSTANCE core.x_LUT4_Z)
    (DELAY
      (ABSOLUTE
        (IOPATH A F (1:1:236) (1:1:236))
        (IOPATH B F (1:1:200) (1:1:236))
      )
    )
  )
  (CELL
    (CELLTYPE "TRELLIS_FF")
    (INSTANCE core.b_TRELLIS_FF_Q)
    (TIMINGCHECK
      (SETUPHOLD (posedge DI) (posedge CLK) (1:1:75) (0:0:0))
      (SETUPHOLD (negedge DI) (posedge CLK) (1:1:100) (0:0:0))
    )
  )
  (CELL
    (CELLTYPE "TRELLIS_FF")
    (INSTANCE core.b_TRELLIS_FF_Q_1)
    (TIMINGCHECK
      (SETUPHOLD (posedge DI) (posedge CLK) (1:1:0) (0:0:0))
    )
  )
  (CELL
    (CELLTYPE "DP16KD")
    (INSTANCE core.m\[2\].0.0)
    (DELAY
      (ABSOLUTE
        (IOPATH CLKA DOA3 (5795:5812:5830) (5795:5812:5830))
      )
    )
  )
)
"""


def test_the_slowest_path_of_each_pair_of_registers_is_found():
    """By hand: the memory 5.83 + 0.25; the register 0.525 + 2 + 0.236 + 0.5 + 0.1."""
    found = slow_paths(read_delays(SDF.splitlines()))
    assert found == (
        SlowPaths(start="core.m", end="core.b", longest_ns=6.08, num_ends=1),
        SlowPaths(start="core.a", end="core.b", longest_ns=3.361, num_ends=1),
    )


def test_as_many_are_given_as_are_wanted():
    assert len(slow_paths(read_delays(SDF.splitlines()), most=1)) == 1
    assert slow_paths(read_delays([])) == ()


@pytest.mark.parametrize(
    ("pin", "name"),
    [
        ("core.fill.nest__last_TRELLIS_FF_Q_3/DI", "core.fill.nest__last"),
        ("core.global_buffer.bank_3.blocks.block_row[2].memory.memory/ADA5",
         "core.global_buffer.bank.blocks.block_row.memory.memory"),
        ("core.array.group_k2.pe_3.multiplier.multiplier/A0",
         "core.array.group_k2.pe.multiplier.multiplier"),
        ("core.load.x_DI_MULT18X18D_P0/B5", "core.load.x_DI"),
    ],
)  # fmt: skip
def test_bits_and_equal_instances_have_one_name(pin, name):
    assert register_name(pin) == name
