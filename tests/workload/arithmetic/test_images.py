"""Fast convolutions of images beside the golden one, and beside sums of products."""

import numpy as np
import pytest

from naas_hw.workload.arithmetic.golden import convolve
from naas_hw.workload.arithmetic.images import convolve_image, maximum_of_windows, surrounded
from naas_hw.workload.layer import Kind, Layer


def int8(rng, *shape):
    return rng.integers(-128, 128, shape, dtype=np.int8)


@pytest.mark.parametrize("seed", range(12))
def test_it_is_the_golden_convolution(seed):
    rng = np.random.default_rng(seed)
    R, S, groups = (int(n) for n in rng.integers(1, 4, 3))
    C, K = (int(n) for n in rng.integers(2, 9, 2))
    stride = (int(rng.integers(1, 3)), int(rng.integers(1, 3)))
    height, width = (int(n) for n in rng.integers(6, 12, 2))
    top, left = R // 2, S // 2
    P = (height + 2 * top - R) // stride[0] + 1
    Q = (width + 2 * left - S) // stride[1] + 1
    layer = Layer(
        name="a",
        kind=Kind.CONV,
        groups=groups,
        K=K,
        C=C,
        P=P,
        Q=Q,
        R=R,
        S=S,
        stride=stride,
        padding=(top, left),
        height=height,
        width=width,
    )
    image, weights = int8(rng, groups * C, height, width), int8(rng, groups * K, C, R, S)
    sums = convolve_image(
        image,
        weights,
        5,
        stride=stride,
        padding=(top, left, top, left),
        groups=groups,
    )
    totals = weights.sum(axis=(1, 2, 3), dtype=np.int64)[:, None, None]
    assert np.array_equal(sums, convolve(layer, weights, image, 5) - 5 * totals)


def test_long_sums_of_the_largest_products_are_exact():
    image = np.full((2000, 3, 3), -128, np.int8)
    weights = np.full((2, 2000, 3, 3), -128, np.int8)
    weights[1] += 1
    sums = convolve_image(image, weights, 127)
    assert sums.reshape(-1).tolist() == [18000 * 128 * 255, 18000 * 127 * 255]


def test_channels_that_are_seen_twice():
    rng = np.random.default_rng(0)
    image, weights = int8(rng, 3, 5, 5), int8(rng, 6, 1, 2, 2)
    sums = convolve_image(image, weights, 0, groups=3)
    one = sum(
        weights[3, 0, r, s].astype(int) * image[1, r : r + 4, s : s + 4].astype(int)
        for r in range(2)
        for s in range(2)
    )
    assert np.array_equal(sums[3], one)


def test_negative_sides_crop():
    image = np.arange(25, dtype=np.int8).reshape(1, 5, 5)
    framed = surrounded(image, (-1, 2, 0, -2), -7)
    assert framed.shape == (1, 4, 5)
    assert framed[0, 0].tolist() == [-7, -7, 5, 6, 7]


def test_the_maximum_of_windows():
    image = np.arange(16, dtype=np.int8).reshape(1, 4, 4)
    assert maximum_of_windows(image, (2, 2), (2, 2), (1, 1))[0].tolist() == [[5, 7], [13, 15]]
    assert maximum_of_windows(image, (2, 2), (1, 1), (2, 2))[0].tolist() == [[10, 11], [14, 15]]
