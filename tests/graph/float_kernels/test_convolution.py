"""Convolutions as products of matrices equal sums over single numbers."""

import numpy as np
import pytest

from naas_hw.graph.float_kernels import convolution
from naas_hw.graph.float_kernels.convolution import convolve


def convolve_by_numbers(image, weights, stride, padding, dilation, groups):
    outputs, each, *kernel = weights.shape
    top, left, bottom, right = padding
    padded = np.pad(image, [(0, 0), (0, 0), (top, bottom), (left, right)])
    rows, columns = (
        (padded.shape[2 + axis] - dilation[axis] * (kernel[axis] - 1) - 1) // stride[axis] + 1
        for axis in (0, 1)
    )
    result = np.zeros((image.shape[0], outputs, rows, columns))
    for n, k, p, q in np.ndindex(*result.shape):
        first = k // (outputs // groups) * each
        for c, r, s in np.ndindex(each, *kernel):
            row, column = p * stride[0] + r * dilation[0], q * stride[1] + s * dilation[1]
            result[n, k, p, q] += padded[n, first + c, row, column] * weights[k, c, r, s]
    return result


@pytest.mark.parametrize("pixels_at_once", [1, 1 << 20])
@pytest.mark.parametrize("groups", [1, 2, 4])
@pytest.mark.parametrize(("kernel", "dilation"), [((3, 2), (1, 2)), ((1, 1), (1, 1))])
def test_a_convolution_equals_its_sums(pixels_at_once, groups, kernel, dilation, monkeypatch):
    """However many rows of the result are computed at a time."""
    monkeypatch.setattr(convolution, "_PIXELS_AT_ONCE", pixels_at_once)
    rng = np.random.default_rng(0)
    image = rng.standard_normal((2, 4, 7, 6))
    weights = rng.standard_normal((8, 4 // groups, *kernel))
    options = {"stride": (2, 1), "padding": (1, 0, 2, 1), "dilation": dilation, "groups": groups}
    np.testing.assert_allclose(
        convolve(image, weights, None, **options),
        convolve_by_numbers(image, weights, **options),
        atol=1e-12,
    )
