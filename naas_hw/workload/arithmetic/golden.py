"""The golden result of a layer: a direct convolution in exact integers.

It shares no code with the compiler or the RTL, and knows no tiles. Axes: K output channels of all
groups, C input channels of one, H W rows and columns of the input, P Q of the output.
"""

from functools import reduce
from typing import Final

import numpy as np
from numpy.typing import NDArray

from naas_hw.workload.arithmetic.epilogue import apply_epilogue
from naas_hw.workload.arithmetic.quantised import QuantisedLayer
from naas_hw.workload.arithmetic.requantise import requantise
from naas_hw.workload.layer import Kind, Layer

_EXACT_CHANNELS: Final = 1 << (24 - 14)


def reference_output(layer: Layer, quantised: QuantisedLayer) -> NDArray[np.int8]:
    """The outputs [K, P, Q] that the accelerator has to give, bit for bit."""
    outputs = requantise(
        reference_accumulators(layer, quantised),
        quantised.bias,
        quantised.multiplier,
        quantised.shift,
        quantised.output_zero_point,
        quantised.clamp_min,
        quantised.clamp_max,
        quantised.rounds_once,
    )
    return apply_epilogue(outputs, quantised.residual, quantised.table)


def reference_accumulators(layer: Layer, quantised: QuantisedLayer) -> NDArray[np.int64]:
    """Sum, or maximum, of weight times input for each output [K, P, Q], bias not added.

    What lies outside the image counts as the input zero point; the sum is not wrapped.
    """
    quantised.check_fits(layer)
    return convolve(layer, quantised.weights, quantised.inputs, quantised.input_zero_point)


def convolve(
    layer: Layer, weights: NDArray[np.int8], inputs: NDArray[np.int8], zero_point: int
) -> NDArray[np.int64]:
    """Direct convolution of `inputs` [channels, H, W] with `weights` [K, C, R, S]."""
    image = _surrounded(layer, inputs, zero_point)
    if layer.C == 1 and layer.kind is Kind.DEPTHWISE:
        return _convolve_channels(layer, weights, image)
    parts = zip(np.split(weights, layer.groups), np.split(image, layer.groups), strict=True)
    return np.concatenate([_convolve_group(layer, *part) for part in parts])


def _surrounded(layer: Layer, inputs: NDArray[np.int8], zero_point: int) -> NDArray[np.int8]:
    """What the kernel can see: the image with `zero_point` around it, cut where nothing looks."""
    num_rows = (layer.P - 1) * layer.stride[0] + (layer.R - 1) * layer.dilation[0] + 1
    num_columns = (layer.Q - 1) * layer.stride[1] + (layer.S - 1) * layer.dilation[1] + 1
    top, left = layer.padding
    seen = np.full((inputs.shape[0], num_rows, num_columns), zero_point, dtype=np.int8)
    rows = max(0, min(layer.height, num_rows - top))
    columns = max(0, min(layer.width, num_columns - left))
    seen[:, top : top + rows, left : left + columns] = inputs[:, :rows, :columns]
    return seen


def _window(layer: Layer, image: NDArray[np.int8], r: int, s: int) -> NDArray[np.int8]:
    """The inputs [C, P, Q] that kernel position (r, s) meets."""
    row, column = r * layer.dilation[0], s * layer.dilation[1]
    last_row = row + (layer.P - 1) * layer.stride[0]
    last_column = column + (layer.Q - 1) * layer.stride[1]
    return image[
        :, row : last_row + 1 : layer.stride[0], column : last_column + 1 : layer.stride[1]
    ]


def _convolve_channels(
    layer: Layer, weights: NDArray[np.int8], image: NDArray[np.int8]
) -> NDArray[np.int64]:
    """Depthwise: output channel k sees input channel k only."""
    products = (
        weights[:, 0, r, s].astype(np.int64)[:, None, None] * _window(layer, image, r, s)
        for r in range(layer.R)
        for s in range(layer.S)
    )
    return reduce(np.maximum if layer.maximum else np.add, products)


def _convolve_group(
    layer: Layer, weights: NDArray[np.int8], image: NDArray[np.int8]
) -> NDArray[np.int64]:
    """A matrix product in float32 per kernel position and 1024 channels, added up in int64.

    Exact: a product is at most 2^14, so 1024 of them stay within 2^24, and up to there float32
    holds every integer, whatever the order of the additions.
    """
    total = np.zeros((len(weights), layer.P * layer.Q), dtype=np.int64)
    for r in range(layer.R):
        for s in range(layer.S):
            window = _window(layer, image, r, s).reshape(layer.C, -1).astype(np.float32)
            weight = weights[:, :, r, s].astype(np.float32)
            for start in range(0, layer.C, _EXACT_CHANNELS):
                part = slice(start, start + _EXACT_CHANNELS)
                total += (weight[:, part] @ window[part]).astype(np.int64)
    return total.reshape(len(weights), layer.P, layer.Q)
