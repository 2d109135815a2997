"""A kernel is a part of the entries that call it, gives the same numbers, and is no code itself."""

import numpy as np
from numba import njit

from naas_hw.cost.compiled.jit import kernel


@kernel
def squared(number):
    return number * number


@kernel
def sum_of_squares(row):
    total = 0
    for k in range(len(row)):
        total += squared(row[k])
    return total


@njit
def called(row):
    return sum_of_squares(row) + squared(len(row))


ROW = np.arange(5)
EXPECTED = 0 + 1 + 4 + 9 + 16


def test_compiled_code_calls_kernels_that_call_kernels():
    """Machine code is made once, for the function that Python calls."""
    assert called(ROW) == EXPECTED + 25
    for each in (squared, sum_of_squares):
        assert each.overloads
        for result in each.overloads.values():
            assert not callable(result.entry_point)


def test_python_can_call_a_kernel_before_and_after_compiled_code_has():
    """Such a call compiles the kernel by itself, and changes nothing for others."""
    assert sum_of_squares(ROW) == EXPECTED
    assert called(ROW) == EXPECTED + 25
    assert sum_of_squares(ROW) == EXPECTED
