"""The constants of compiled code are the columns that the readable modules name."""

from naas_hw.cost import ACCESS_NAMES, ENGINE_NAMES, STALL_NAMES
from naas_hw.cost.compiled import columns
from naas_hw.workload.layer import DIMS


def test_each_access_has_its_column() -> None:
    """A field of `Accesses` and its constant have the same name and index."""
    assert [getattr(columns, name.upper()) for name in ACCESS_NAMES] == list(range(27))
    assert len(ACCESS_NAMES) == columns.NUM_ACCESSES


def test_each_dim_has_its_entry() -> None:
    """A dim's constant is its index in `DIMS`."""
    assert [getattr(columns, dim) for dim in DIMS] == list(range(columns.NUM_DIMS))


def test_names_of_results_are_in_the_order_of_their_columns() -> None:
    """Stalls and engines are named in the order in which their columns follow each other."""
    stalls = [getattr(columns, f"{name.upper()}_STALL") for name in STALL_NAMES]
    work = [getattr(columns, f"{name.upper()}_WORK") for name in ENGINE_NAMES]
    results = [columns.RESPONSE, columns.NEXT_BEAT, *stalls, *work]
    assert results == list(range(columns.NUM_RESULTS))
