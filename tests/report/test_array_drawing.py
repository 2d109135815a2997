"""The array is drawn with the wires that its axes need, and no other."""

import xml.etree.ElementTree as ElementTree
from itertools import combinations

import pytest

from naas_hw.arch.accelerator import Accelerator, Axis
from naas_hw.report.array_drawing import TENSORS, Wiring, draw_array, wire_of
from naas_hw.workload.layer import DIMS

WEIGHTS, INPUTS, OUTPUTS = {"K", "C", "R", "S"}, {"C", "P", "Q", "R", "S"}, {"K", "P", "Q"}


def array_of(*axes: tuple[str, int]) -> Accelerator:
    return Accelerator(
        axes=tuple(Axis(dim=dim, size=size) for dim, size in axes),
        weight_buffer_bytes=64,
        input_buffer_bytes=64,
        accumulator_words=64,
        bank_bytes=1024,
    )


def count(picture, tag: str, class_: str) -> int:
    wanted = set(class_.split())
    return sum(
        wanted <= set(one.get("class", "").split())
        for one in ElementTree.fromstring(picture).iter(tag)
    )


@pytest.mark.parametrize("dim", DIMS)
def test_a_tensor_that_lacks_the_dim_is_shared_along_its_axis(dim):
    for tensor, dims in zip(TENSORS, (WEIGHTS, INPUTS, OUTPUTS), strict=True):
        wire = wire_of(dim, tensor)
        if dim in dims:
            assert wire is (Wiring.HALO if tensor == "inputs" and dim != "C" else Wiring.OWN)
        else:
            assert wire is (Wiring.REDUCED if tensor == "outputs" else Wiring.MULTICAST)


def test_c_by_k_has_a_tree_a_row_and_inputs_down_the_columns():
    picture = draw_array(array_of(("C", 3), ("K", 2)))
    assert count(picture, "rect", "pe") == 6
    assert count(picture, "line", "wire tone2 reduced") == 2  # a tree for each K
    assert count(picture, "line", "wire tone1 multicast") == 3  # an input for each C
    assert count(picture, "line", "wire tone0") == 0  # every PE has its own weights
    assert count(picture, "circle", "sum") == 2 + 1  # the legend's
    assert "Axis C, 3 positions: weights each its own" in picture


def test_two_axes_of_a_reduction_end_in_one_sum():
    picture = draw_array(array_of(("C", 4), ("R", 3)))
    assert count(picture, "circle", "sum") == 1 + 1  # the legend's


def number_of(element: ElementTree.Element, name: str) -> float:
    """An attribute that is a number."""
    value = element.get(name)
    assert value is not None, name
    return float(value)


@pytest.mark.parametrize("num_axes", [1, 2, 3])
def test_every_array_can_be_drawn_within_its_frame(num_axes):
    for dims in combinations(DIMS, num_axes):
        for size in (1, 4, 5, 1024 if num_axes == 1 else 16):
            picture = ElementTree.fromstring(draw_array(array_of(*((d, size) for d in dims))))
            _, _, width, height = map(float, picture.get("viewBox", "").split())
            for one in picture.iter():
                for low, side, end in (("x", "width", width), ("y", "height", height)):
                    if one.tag == "rect":
                        assert 0 <= number_of(one, low)
                        assert number_of(one, low) + number_of(one, side) <= end
                    for name in (f"{low}1", f"{low}2", f"c{low}"):
                        assert 0 <= float(one.get(name, 0)) <= end
