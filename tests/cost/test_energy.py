"""Energy is counts times a table whose entries say where they come from."""

from itertools import product

import numpy as np
import pytest
from small_cases import random_case

from naas_hw.arch.accelerator import Accelerator, Axis
from naas_hw.arch.technology import (
    ENERGY_TABLES,
    MAESTRO,
    SIZED,
    AccessEnergy,
    EnergyTable,
    energy_table,
)
from naas_hw.core.errors import InputError
from naas_hw.cost.compiled.batch import MappingBatch, evaluate_bounds, evaluate_exact
from naas_hw.cost.energy import (
    LEVELS,
    TENSORS,
    drained_sums,
    energy_by_tensor,
    energy_of,
    price_matrix,
)
from naas_hw.cost.reference.accesses import ACCESS_NAMES, Accesses, accesses_of
from naas_hw.mapping.geometry import Geometry


def accelerator(**changes: int) -> Accelerator:
    fields = {
        "weight_buffer_bytes": 64,
        "input_buffer_bytes": 128,
        "accumulator_words": 64,
        "num_banks": 8,
        "bank_bytes": 4096,
        "beat_bytes": 16,
    }
    axes = (Axis(dim="K", size=4), Axis(dim="C", size=4))
    return Accelerator(axes=axes, **{**fields, **changes})


def test_maestro_table_is_the_formula_of_the_paper() -> None:
    """(18.61 x L2 + 1.68 x L1) x MAC energy, in elements; DRAM costs nothing."""
    accesses = Accesses(**{name: 2 + i for i, name in enumerate(ACCESS_NAMES)})
    a = accesses
    bytes_words = a.l2_fill_weights + a.l2_fill_inputs + a.l2_store_outputs
    bytes_words += a.l2_load_weights + a.l2_load_inputs
    bytes_words += a.l2_load_residual + a.l2_drain_residual
    sum_words = a.l2_drain_sums + a.l2_store_sums + a.l2_load_sums + a.l2_drain
    l2 = 16 * bytes_words + 4 * sum_words
    l1 = a.l1 + a.accumulator_reads + a.accumulator_writes
    found = energy_of(accelerator(), accesses, MAESTRO)
    assert found.total == pytest.approx(0.23 * (18.61 * l2 + 1.68 * l1 + a.macs))
    assert found.dram == 0


def test_every_access_has_a_price_in_the_sized_table() -> None:
    """Nothing is free by omission."""
    assert (price_matrix(accelerator(), SIZED).sum(axis=0) > 0).all()


@pytest.mark.parametrize(
    ("change", "entry"),
    [
        ({"bank_bytes": 16384}, "l2_word"),
        ({"num_banks": 32}, "l2_word"),
        ({"weight_buffer_bytes": 4096}, "l1_weight_read"),
        ({"input_buffer_bytes": 4096}, "l1_input_read"),
        ({"accumulator_words": 4096}, "accumulator"),
        ({"beat_bytes": 32}, "dram_beat"),
    ],
)
def test_sized_energy_grows_with_the_memory(change: dict[str, int], entry: str) -> None:
    """A larger or wider memory costs more an access, and leaves what it does not touch alone."""
    small, large = (SIZED.access_energy(a) for a in (accelerator(), accelerator(**change)))
    assert getattr(large, entry) > getattr(small, entry)
    assert large.mac == small.mac


def test_sized_energy_meets_the_points_of_its_source() -> None:
    """8 KB 10 pJ, 32 KB 20 pJ, 1 MB 100 pJ, each for 64 bits; DRAM between 1.3 and 2.6 nJ."""
    assert SIZED.memory_pj(8 * 1024, 8) == pytest.approx(10)
    assert SIZED.memory_pj(32 * 1024, 8) == pytest.approx(20)
    assert SIZED.memory_pj(1024 * 1024, 8) == pytest.approx(100, rel=0.14)
    assert 1300 <= SIZED.access_energy(accelerator(beat_bytes=8)).dram_beat <= 2600


class WholePrices(EnergyTable):
    """Prices that are whole numbers and differ, so that sums of them are exact in any order."""

    name: str = "whole"

    def access_energy(self, accelerator: Accelerator) -> AccessEnergy:
        names = AccessEnergy.model_fields
        return AccessEnergy(**{name: float(3**i) for i, name in enumerate(names)})


def random_accesses(seed: int) -> Accesses:
    """Counts at random, but drain reads no more sums than it writes words."""
    rng = np.random.default_rng(seed)
    counts = dict(zip(ACCESS_NAMES, map(int, rng.integers(1, 1000, 99)), strict=False))
    return Accesses(**{**counts, "l2_drain": counts["l2_drain"] + counts["l2_drain_sums"]})


def test_levels_and_tensors_add_up_exactly() -> None:
    """Tensors add up to their level, levels to the total, which is all prices times all counts."""
    accesses = random_accesses(1)
    counts = np.array([getattr(accesses, name) for name in ACCESS_NAMES])
    table = WholePrices()
    energy = energy_of(accelerator(), accesses, table)
    by_tensor = energy_by_tensor(accelerator(), accesses, table)
    assert list(by_tensor) == list(LEVELS)
    for level, of in by_tensor.items():
        assert sum(of.values()) == getattr(energy, level) > 0
        assert set(of) <= set(TENSORS) and all(value > 0 for value in of.values())
    assert sum(sum(of.values()) for of in by_tensor.values()) == energy.total
    assert energy.total == (price_matrix(accelerator(), table) @ counts).sum()


@pytest.mark.parametrize("table", ENERGY_TABLES.values(), ids=lambda table: table.name)
def test_levels_and_tensors_add_up_under_every_table(table: EnergyTable) -> None:
    """The same, to rounding, with real prices."""
    accesses = random_accesses(2)
    energy = energy_of(accelerator(), accesses, table)
    for level, of in energy_by_tensor(accelerator(), accesses, table).items():
        assert sum(of.values()) == pytest.approx(getattr(energy, level), rel=1e-12)


@pytest.mark.parametrize("table", ENERGY_TABLES.values(), ids=lambda table: table.name)
def test_compiled_energy_is_that_of_counts_and_table(table: EnergyTable) -> None:
    """Of bounds and of exact evaluations, whatever the table; tensors add up to it as well."""
    case = random_case(np.random.default_rng(5))
    accesses = accesses_of(case.geometry)
    batch = MappingBatch.from_mappings([case.mapping])
    expected = pytest.approx(energy_of(case.accelerator, accesses, table).total, rel=1e-12)
    assert evaluate_bounds(case.accelerator, case.layer, batch, table).energy_pj[0] == expected
    exact = evaluate_exact(case.accelerator, case.layer, batch, [0], table)
    assert exact.energy_pj[0] == expected
    by_tensor = energy_by_tensor(case.accelerator, accesses, table)
    assert sum(sum(of.values()) for of in by_tensor.values()) == expected


def test_each_count_belongs_to_one_tensor() -> None:
    """Nothing is left out, nothing twice."""
    named = [name for names in TENSORS.values() for name in names]
    assert sorted(named) == sorted(ACCESS_NAMES)


def test_energy_of_a_tensor_is_its_counts_times_their_prices() -> None:
    """Weights: beats, words loaded and filled, words and bytes of private buffers; sums alike."""
    a, price = random_accesses(3), SIZED.access_energy(accelerator())
    found = energy_by_tensor(accelerator(), a, SIZED)
    assert found["dram"]["weights"] == pytest.approx(a.dram_weights * price.dram_beat)
    assert found["global_buffer"]["weights"] == pytest.approx(
        (a.l2_load_weights + a.l2_fill_weights) * price.l2_word
    )
    assert found["private_buffers"]["weights"] == pytest.approx(
        a.l1_weight_writes * price.l1_weight_write + a.l1_weight_reads * price.l1_weight_read
    )
    read_and_written = 2 * a.l2_drain_sums + a.l2_store_sums + a.l2_load_sums
    assert found["global_buffer"]["sums"] == pytest.approx(read_and_written * price.l2_sum_word)
    assert found["global_buffer"]["outputs"] == pytest.approx(
        (a.l2_drain - a.l2_drain_sums) * price.l2_sum_word + a.l2_store_outputs * price.l2_word
    )
    assert found["scales"] == {"scales": a.dram_scales * price.scale_word}
    assert found["macs"] == {"products": a.macs * price.mac}


def test_drain_writes_sums_whenever_it_is_not_the_last_visit() -> None:
    """A walk over all steps: each time outputs are drained but the last, they are sums."""
    rng = np.random.default_rng(4)
    num_revisited = 0
    for _ in range(40):
        case = random_case(rng)
        mapping = case.mapping
        geometry = Geometry(accelerator=case.accelerator, layer=case.layer, mapping=mapping)
        visits, last = [], None
        for outer in product(*(range(geometry.num_tiles[d]) for d in mapping.dram_order)):
            for inner in product(*(range(mapping.l2[d]) for d in mapping.l2_order)):
                tile = dict(zip(mapping.dram_order, outer, strict=True))
                step = dict(zip(mapping.l2_order, inner, strict=True))
                outputs = tuple((tile[d], step[d]) for d in ("K", "P", "Q"))
                if outputs != last:
                    visits.append(outputs)
                last = outputs
        not_last = case.layer.groups * (len(visits) - len(set(visits)))
        found = drained_sums(accesses_of(geometry))
        assert found == not_last * geometry.drain_cycles
        num_revisited += not_last > 0
    assert num_revisited >= 10


def test_every_entry_has_a_source() -> None:
    """A figure without a source does not get into a table."""
    for table in ENERGY_TABLES.values():
        assert len(table.sources) >= 3
        assert all(table.sources.values())
    assert set(AccessEnergy.model_fields) == set(MAESTRO.access_energy(accelerator()).model_dump())


def test_tables_by_name() -> None:
    """A budget names its table; the default is the sized one."""
    assert energy_table("default") is SIZED
    assert energy_table("maestro") is MAESTRO
    with pytest.raises(InputError, match="energy_table must be one of .*, not 'cheap'"):
        energy_table("cheap")
