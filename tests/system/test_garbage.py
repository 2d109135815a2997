"""The thresholds of garbage collection hold for as long as they should."""

import gc
from collections.abc import Iterator

import pytest

from naas_hw.system.garbage import RARE, rare_searches


@pytest.fixture(autouse=True)
def thresholds() -> Iterator[None]:
    """What holds outside comes back whatever a test does."""
    before = gc.get_threshold()
    yield
    gc.set_threshold(*before)


def test_searches_are_rare_inside_and_as_before_behind() -> None:
    gc.set_threshold(600, 9, 8)
    with rare_searches():
        assert gc.get_threshold() == RARE
    assert gc.get_threshold() == (600, 9, 8)


def test_an_error_inside_leaves_the_thresholds_of_before() -> None:
    gc.set_threshold(600, 9, 8)
    with pytest.raises(RuntimeError), rare_searches():
        raise RuntimeError
    assert gc.get_threshold() == (600, 9, 8)


def test_who_searches_never_is_left_alone() -> None:
    gc.set_threshold(0, 9, 8)
    with rare_searches():
        assert gc.get_threshold() == (0, 9, 8)
    assert gc.get_threshold() == (0, 9, 8)
