"""Figures are those of their sources, and each rule between them meets a second source."""

from itertools import pairwise

import pytest
from pydantic import ValidationError

from naas_hw.arch.accelerator import Accelerator, Axis
from naas_hw.arch.presets import PRESETS
from naas_hw.arch.technology import (
    AREA,
    DRAMS,
    ENERGY_TABLES,
    EYERISS,
    MACS,
    SIZED,
    MemoryEnergy,
    Precision,
    SizedTable,
    Technology,
    area_factor,
    energy_factor,
    scaled,
    technology,
    with_dram,
    with_dram_factor,
    with_mac,
)
from naas_hw.arch.technology.scaling import ENERGY_COEFFICIENTS, RELATIVE_AREA
from naas_hw.core.errors import InputError
from naas_hw.workload.option import Option

ACCELERATOR = PRESETS["eyeriss"].accelerator
NODES = sorted(RELATIVE_AREA)


def small_accelerator(**changes: int) -> Accelerator:
    fields = {"weight_buffer_bytes": 64, "input_buffer_bytes": 128, "accumulator_words": 64}
    fields |= {"num_banks": 8, "bank_bytes": 4096, "beat_bytes": 16}
    axes = (Axis(dim="K", size=4), Axis(dim="C", size=4))
    return Accelerator(axes=axes, **{**fields, **changes})


# Arithmetic


def test_the_rule_by_width_meets_published_figures():
    """32-bit products 3.1 pJ by the square, 8-bit sums 0.03 pJ in proportion (Horowitz)."""
    assert MACS[Precision.INT32].multiply_pj == pytest.approx(3.1, rel=0.04)
    assert MACS[Precision.INT8].add_pj * 8 / 32 == pytest.approx(0.03, rel=0.2)
    assert MACS[Precision.INT16].multiply_pj == 4 * MACS[Precision.INT8].multiply_pj
    assert MACS[Precision.INT16].add_pj == MACS[Precision.INT8].add_pj  # sums of 32 bits both


def test_wider_macs_cost_more_and_floating_point_more_than_integers():
    assert list(MACS) == list(Precision)
    total = {precision: mac.total_pj for precision, mac in MACS.items()}
    assert total[Precision.INT8] < total[Precision.INT16] < total[Precision.INT32]
    assert total[Precision.INT16] < total[Precision.FP16] < total[Precision.FP32]


def test_another_mac_is_priced_in_the_technology_of_the_table():
    """First the MAC and then the technology is the same as the other way round."""
    target = Technology(node_nm=32, supply_v=1.0)
    one, two = (
        with_mac(scaled(SIZED, target), Precision.FP16),
        scaled(with_mac(SIZED, Precision.FP16), target),
    )
    assert one.mac == two.mac and one.mac.precision is Precision.FP16
    assert with_mac(SIZED, Precision.FP16).mac == MACS[Precision.FP16]


# Memories


def test_a_law_goes_through_its_point_and_by_its_exponents():
    law = MemoryEnergy(
        pj=6, size_bytes=100, word_bits=16, size_exponent=0.5, min_bytes=25, source="test"
    )
    assert law.access_pj(100, 2) == 6
    assert law.access_pj(400, 2) == pytest.approx(12)
    assert law.access_pj(100, 8) == pytest.approx(24)
    assert law.access_pj(1, 2) == law.access_pj(25, 2) == pytest.approx(3)


def test_register_files_and_srams_meet_where_one_becomes_the_other():
    """At the largest register file both cost the same to within 3 %; smaller is cheaper."""
    limit = int(SIZED.register_file_bytes.value)
    below, above = SIZED.memory_pj(limit, 1), SIZED.memory_pj(limit + 1, 1)
    assert below == pytest.approx(above, rel=0.03)
    sizes = [1, 2, 8, 32, limit]
    energies = [SIZED.memory_pj(size, 1) for size in sizes]
    for (size, energy), (larger, more) in pairwise(zip(sizes, energies, strict=True)):
        assert more / energy == pytest.approx(larger / size)
    assert all(SIZED.memory_pj(2**n, 1) < SIZED.memory_pj(2 ** (n + 1), 1) for n in range(7, 20))


def test_the_register_file_is_the_published_one_in_its_own_node():
    """0.03 pJ for 16 bits of 16 B, doubled up to 0.96 pJ at 512 B, in 28 nm."""
    own = scaled(SIZED, Technology(node_nm=28, supply_v=0.9)).register_file
    for doublings in range(6):
        assert own.access_pj(16 * 2**doublings, 2) == pytest.approx(0.03 * 2**doublings)


# DRAM


def test_dram_by_interface_is_as_published():
    published = {"ddr3": 70, "lpddr2": 40, "lpddr4": 8, "gddr5": 14, "hbm2": 3.9}
    for interface, pj_per_bit in published.items():
        assert DRAMS[interface].pj_per_bit == pj_per_bit
    assert 64 * DRAMS["ddr4"].pj_per_bit == 1300
    assert 1300 <= 64 * DRAMS["horowitz"].pj_per_bit <= 2600


@pytest.mark.parametrize("interface", DRAMS)
def test_another_dram_changes_beats_and_nothing_else(interface: str):
    table = with_dram(SIZED, DRAMS[interface])
    ours, theirs = table.access_energy(ACCELERATOR), SIZED.access_energy(ACCELERATOR)
    bits = 8 * ACCELERATOR.beat_bytes
    assert ours.dram_beat == pytest.approx(bits * DRAMS[interface].pj_per_bit)
    assert ours.model_copy(update={"dram_beat": theirs.dram_beat}) == theirs


def test_a_factor_of_dram_is_in_name_and_source():
    twice = with_dram_factor(SIZED, 2)
    assert twice.name == "sized-dram-x2" and twice.dram.source.endswith("; times 2")
    assert twice.access_energy(ACCELERATOR).dram_beat == (
        2 * SIZED.access_energy(ACCELERATOR).dram_beat
    )


def test_the_eyeriss_table_has_the_ratios_of_its_paper():
    """A MAC 1, a register file of at most 1 KB 1, a buffer 6, DRAM 200; 16 bits each."""
    mac = EYERISS.mac.total_pj
    assert EYERISS.memory_pj(512, 2) == pytest.approx(mac)
    assert EYERISS.memory_pj(1024, 2) == pytest.approx(mac)
    assert EYERISS.memory_pj(100 * 1024, 2) == pytest.approx(6 * mac)
    assert 16 * EYERISS.dram.pj_per_bit == pytest.approx(200 * mac)
    assert EYERISS.mac.precision is Precision.INT16


# Scaling


def test_scaling_there_and_back_is_the_identity():
    here = SIZED.technology
    for node in (7, 11, 28, 65, 130):
        there = Technology(node_nm=node, supply_v=0.8)
        assert energy_factor(here, there) * energy_factor(there, here) == pytest.approx(1)
        assert area_factor(45, node) * area_factor(node, 45) == pytest.approx(1)
    assert energy_factor(here, here) == 1


def test_energy_and_area_fall_with_the_node_and_energy_with_the_voltage():
    for small, large in pairwise(NODES):
        assert area_factor(large, small) < 1
        for supply_v in (0.9, 1.0, 1.1):
            a, b = (Technology(node_nm=node, supply_v=supply_v) for node in (large, small))
            assert energy_factor(a, b) < 1, (large, small, supply_v)
    high, low = (Technology(node_nm=45, supply_v=v) for v in (1.0, 0.7))
    assert energy_factor(high, low) < 0.7


def test_a_gate_has_energy_wherever_a_technology_may_be():
    """A fitted polynomial must not fall to nothing within the limits."""
    assert sorted(ENERGY_COEFFICIENTS) == NODES
    reference = Technology(node_nm=45, supply_v=0.9)
    for node in NODES:
        for tenths in range(5, 15):
            target = Technology(node_nm=node, supply_v=tenths / 10)
            assert energy_factor(reference, target) > 0.01


def test_near_one_node_the_rule_agrees_with_capacitance_times_voltage_squared():
    """45 to 32 nm at one voltage: capacitance with the length says 0.71; the rule within 20 %."""
    a, b = (Technology(node_nm=node, supply_v=0.9) for node in (45, 32))
    assert energy_factor(a, b) == pytest.approx(32 / 45, rel=0.2)


def test_between_two_nodes_it_is_between_them():
    middle, right, left = (Technology(node_nm=n, supply_v=0.9) for n in (26, 32, 20))
    here = SIZED.technology
    mean = (energy_factor(here, left) + energy_factor(here, right)) / 2
    assert energy_factor(here, middle) == pytest.approx(mean)


def test_a_scaled_table_has_one_factor_everywhere_but_in_dram_and_says_so():
    target = technology(32, 0.9)
    table = scaled(SIZED, target)
    factor = energy_factor(SIZED.technology, target)
    ours, theirs = table.access_energy(ACCELERATOR), SIZED.access_energy(ACCELERATOR)
    for name in type(ours).model_fields:
        expected = 1 if name == "dram_beat" else factor
        assert getattr(ours, name) == pytest.approx(expected * getattr(theirs, name)), name
    assert (table.name, table.technology) == ("sized-32nm", target)
    for name in ("sram", "register_file", "mac"):
        assert "to 32 nm, 0.9 V by Stillmaker and Baas" in table.sources[name]
    assert table.sources["dram"] == SIZED.sources["dram"]


@pytest.mark.parametrize(
    ("node_nm", "supply_v", "message"),
    [
        (180, 1.0, "node_nm must be 7 to 130, not 180"),
        (5, 0.7, "node_nm must be 7 to 130, not 5"),
        (45, 1.8, "supply_v must be 0.5 to 1.4, not 1.8"),
        (float("nan"), 0.9, "node_nm must be 7 to 130, not nan"),
    ],
)
def test_what_the_rule_says_nothing_of_is_refused(node_nm, supply_v, message):
    with pytest.raises(InputError, match=message):
        technology(node_nm, supply_v)


# Tables


@pytest.mark.parametrize("name", ENERGY_TABLES)
def test_every_figure_of_every_table_has_a_source_and_what_is_assumed_says_so(name: str):
    table = ENERGY_TABLES[name]
    assert len(table.sources) >= 3 and all(table.sources.values())
    if isinstance(table, SizedTable):
        assert set(table.sources) == {"dram", "sram", "register_file", "register_file_bytes", "mac"}
        assert "assumption" in SIZED.sources["register_file_bytes"]


def test_a_figure_without_a_source_is_none():
    with pytest.raises(ValidationError):
        MemoryEnergy(pj=1, size_bytes=1, word_bits=1, size_exponent=1, source="")


# Area


def test_area_is_the_sum_of_parts_each_by_its_figures():
    """Hand-counted: 16 PEs, 4 trees, 64 B and 128 B a PE, 256 B a tree, 8 banks of 4096 B."""
    accelerator = small_accelerator()
    found = AREA.area_um2(accelerator)
    bit, flip_flop = AREA.sram_bit.value, AREA.register_file_bit.value
    assert found == pytest.approx(
        {
            "weight_buffers": 16 * 64 * 8 * flip_flop,
            "input_buffers": 16 * 128 * 8 * bit,
            "accumulators": 4 * 256 * 8 * bit,
            "global_buffer": 8 * 4096 * 8 * bit,
            "scales": 2 * 3 * 4 * accelerator.scale_depth * 8 * bit,
            "requantisers": accelerator.drain_lanes * (4371 + 3 * 137 + 464 * 4.522),
            "multipliers": 16 * 282,
            "adders": 16 * 137,
            "pipeline": 16 * 35 * 4.522,
        }
    )
    assert len(AREA.sources) == 12 and all(AREA.sources.values())


def test_optional_hardware_has_an_area_of_its_own():
    """Hand-counted for D drain lanes: two products and two sums each, tables, comparisons."""
    plain = small_accelerator()
    lanes = plain.drain_lanes
    parts = {
        Option.RESIDUAL: {"epilogue": lanes * (160 * 4.522 + 2 * 634.5 + 2 * 137)},
        Option.TABLE: {
            "epilogue": lanes * 160 * 4.522,
            "tables": lanes * 256 * 8 * AREA.sram_bit.value,
        },
        Option.MAXIMUM: {"maximum": 4 * plain.accumulator_lanes * 196.6},
        Option.PITCHED_STORE: {},
        Option.SINGLE_ROUNDING: {},
    }
    for option, due in parts.items():
        found = AREA.area_um2(plain.with_options([option]))
        added = {name: area for name, area in found.items() if name not in AREA.area_um2(plain)}
        assert added == pytest.approx(due), option


@pytest.mark.parametrize(
    ("change", "part"),
    [
        ({"num_banks": 16}, "global_buffer"),
        ({"weight_buffer_bytes": 32}, "weight_buffers"),
        ({"input_buffer_bytes": 256}, "input_buffers"),
        ({"accumulator_words": 128}, "accumulators"),
        ({"scale_depth": 1024}, "scales"),
        ({"drain_lanes": 8}, "requantisers"),
    ],
)
def test_a_change_changes_its_own_part_in_proportion(change: dict[str, int], part: str):
    accelerator = small_accelerator()
    ((field, value),) = change.items()
    before = AREA.area_um2(accelerator)
    after = AREA.area_um2(small_accelerator(**change))
    ratio = value / getattr(accelerator, field)
    assert after.pop(part) == pytest.approx(ratio * before.pop(part))
    assert after == before
