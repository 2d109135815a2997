"""Energy is counts times a table whose entries say where they come from."""

import numpy as np
import pytest

from naas_hw.arch.accelerator import Accelerator, Axis
from naas_hw.arch.technology import (
    AREA,
    ENERGY_TABLES,
    MAESTRO,
    SIZED,
    AccessEnergy,
    energy_table,
)
from naas_hw.cost.accesses import ACCESS_NAMES, Accesses
from naas_hw.cost.energy import energy_of, price_matrix
from naas_hw.errors import InputError


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
    assert SIZED.sram_pj(8 * 1024, 8) == pytest.approx(10)
    assert SIZED.sram_pj(32 * 1024, 8) == pytest.approx(20)
    assert SIZED.sram_pj(1024 * 1024, 8) == pytest.approx(100, rel=0.14)
    assert 1300 <= SIZED.access_energy(accelerator(beat_bytes=8)).dram_beat <= 2600


def test_levels_add_up() -> None:
    """The total is the sum of the levels, and equals all prices times all counts."""
    rng = np.random.default_rng(1)
    counts = rng.integers(0, 1000, len(ACCESS_NAMES))
    accesses = Accesses(**dict(zip(ACCESS_NAMES, map(int, counts), strict=True)))
    for table in (MAESTRO, SIZED):
        found = energy_of(accelerator(), accesses, table)
        assert found.total == pytest.approx(
            float((price_matrix(accelerator(), table) @ counts).sum())
        )


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


def test_area_grows_with_what_is_built() -> None:
    """Twice the bytes, twice the area of that part; the others stay."""
    small, large = (AREA.area_um2(accelerator(num_banks=n)) for n in (8, 16))
    assert large["global_buffer"] == pytest.approx(2 * small["global_buffer"])
    assert {k: v for k, v in small.items() if k != "global_buffer"} == {
        k: v for k, v in large.items() if k != "global_buffer"
    }
