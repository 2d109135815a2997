"""The kinds of operators that a `Graph` may have, with their inputs and attributes.

An image is [1, C, H, W]. `padding` is always (top, left, bottom, right), fixed numbers; an importer
resolves automatic padding, ceiling modes and dynamic shapes. Sizes in `kernel`, `stride` and
`dilation` are (rows, columns). One-dimensional operators become two-dimensional ones of one row,
between reshapes.

| kind | inputs | attributes |
|---|---|---|
| quantize | x | scale (f, or tuple), zero_point (i, or tuple), axis (None: a tensor), dtype |
| dequantize | x | the same |
| conv | x, w [K, C/groups, R, S], b [K]? | stride, padding, dilation, groups |
| conv_transposed | x, w [C, K/groups, R, S], b? | as conv, and output_padding |
| linear | x [..., C], w [K, C], b? | rounds_once (bool; False without it) |
| matmul | a, b | |
| batch_norm | x, scale, bias, mean, variance | epsilon |
| add, subtract, multiply, divide, minimum, maximum, power | a, b (broadcast as numpy does) | |
| clamp | x | minimum, maximum (None: no bound) |
| relu is clamp 0 None, relu6 is clamp 0 6 | | |
| sigmoid, tanh, hard_swish, silu, softplus, mish, exp, log, sqrt, absolute, negate, erf | x | |
| hard_sigmoid | x | alpha, beta |
| gelu | x | approximate (bool: by tanh) |
| leaky_relu, elu | x | alpha |
| prelu | x, slope | |
| max_pool | x | kernel, stride, padding, dilation |
| average_pool | x | kernel, stride, padding, count_include_pad |
| reduce_mean, reduce_sum, reduce_max | x | axes, keepdims |
| concat | any number | axis |
| slice | x | starts, ends, steps, axes |
| pad | x | padding (all axes: before..., after...), value, mode (constant, reflect, edge) |
| resize | x | mode (nearest, linear, cubic), coordinates, rounding (as ONNX names them), scales? |
| depth_to_space, space_to_depth | x | block, mode (DCR, CRD) |
| reshape | x | (the output's shape) |
| transpose | x | axes |
| expand | x | (the output's shape) |
| softmax, log_softmax | x | axis |
| layer_norm | x, scale?, bias? | axes, epsilon |
| local_response_norm | x | size, alpha, beta, bias |
| argmax | x | axis, keepdims |
| cast | x | dtype |
| gather | x, indices | axis |
| identity | x | |
"""

from typing import Final

TABLE_KINDS: Final = frozenset(
    "sigmoid tanh hard_swish hard_sigmoid silu softplus mish gelu leaky_relu elu exp log sqrt "
    "absolute negate erf clamp".split()
)
"""Functions of one number: on int8 numbers each is a table of 256 bytes."""

LAYOUT_KINDS: Final = frozenset("reshape transpose identity expand".split())
"""Operators that move numbers and compute nothing."""

WEIGHTED_KINDS: Final = frozenset("conv conv_transposed linear".split())
"""Operators with weights, whose products an accelerator computes."""

ELEMENTWISE_KINDS: Final = frozenset("add subtract multiply divide minimum maximum power".split())
"""Functions of two tensors, number by number, with broadcasting."""

KINDS: Final = (
    TABLE_KINDS
    | LAYOUT_KINDS
    | WEIGHTED_KINDS
    | ELEMENTWISE_KINDS
    | frozenset(
        "quantize dequantize matmul batch_norm prelu max_pool average_pool reduce_mean reduce_sum "
        "reduce_max concat slice pad resize depth_to_space space_to_depth softmax log_softmax "
        "layer_norm local_response_norm argmax cast gather".split()
    )
)
"""All kinds. Whatever else a file holds keeps its own name, in lower case, as kind."""
