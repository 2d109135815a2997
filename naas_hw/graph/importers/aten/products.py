"""Linear layers and products of matrices; a product with constant weights is a linear layer."""

from math import sqrt
from typing import Final

import numpy as np

from naas_hw.graph.importers.aten.call import Call, Translation, UnsupportedError


def linear(call: Call) -> str:
    """`linear`: x times the transposed weights [K, C], and a bias."""
    return _times_weights(
        call, call.tensor("input"), call.tensor("weight"), call.tensor_or_none("bias")
    )


def _times_weights(call: Call, x: str, weights: str, bias: str) -> str:
    """X times the transposed weights [K, C]."""
    if len(call.builder.shape(weights)) != 2:
        raise UnsupportedError("weights of a linear layer must be a matrix")
    if call.builder.is_constant(weights):
        return call.emit("linear", [x, weights, *([bias] if bias else [])])
    product = call.emit("matmul", [x, call.transposed(weights, (1, 0))])
    return call.emit("add", [product, bias]) if bias else product


def matrix_product(call: Call) -> str:
    """`mm`, `bmm`, `matmul`, `mv` and `dot`."""
    a = call.tensor("self", "input", "tensor")
    b = call.tensor("mat2", "other", "vec", "vec2", "tensor")
    if call.builder.is_constant(b) and len(call.builder.shape(b)) == 2:
        return _times_weights(call, a, call.transposed(b, (1, 0)), "")
    return call.emit("matmul", [a, b])


def product_and_sum(call: Call) -> str:
    """`addmm`, `baddbmm` and `addmv`: beta times an addend, and alpha times a product."""
    addend = call.tensor("self", "input")
    a = call.tensor("mat1", "batch1", "mat")
    b = call.tensor("mat2", "batch2", "vec")
    alpha, beta = call.number("alpha", 1), call.number("beta", 1)
    is_bias = call.builder.shape(addend) == call.shape[-1:] and call.builder.is_constant(addend)
    if (alpha, beta) == (1, 1) and is_bias and call.builder.is_constant(b) and len(call.shape) == 2:
        return _times_weights(call, a, call.transposed(b, (1, 0)), addend)
    product = _scaled(call, call.emit("matmul", [a, b]), alpha)
    return call.emit("add", [product, _scaled(call, addend, beta)])


def _scaled(call: Call, tensor: str, factor: float) -> str:
    if factor == 1:
        return tensor
    constant = call.constant(np.asarray(factor, call.builder.dtype(tensor)))
    return call.emit("multiply", [tensor, constant], call.builder.shape(tensor))


def attention(call: Call) -> str:
    """`scaled_dot_product_attention`, spelled out; a mask is added."""
    query, key, value = (call.tensor(name) for name in ("query", "key", "value"))
    if call.argument("is_causal", False) or call.argument("enable_gqa", False):
        raise UnsupportedError("attention must be neither causal nor grouped")
    shapes = [call.builder.shape(name) for name in (query, key, value)]
    batch, length, size = shapes[0][:-2], shapes[0][-2], shapes[0][-1]
    if shapes[1][:-2] != batch or shapes[2][:-2] != batch:
        raise UnsupportedError("query, key and value must have the same leading axes")
    axes = (*range(len(batch)), len(batch) + 1, len(batch))
    scores_shape = (*batch, length, shapes[1][-2])
    query = _scaled(call, query, call.number("scale", 1 / sqrt(size)))
    scores = call.emit("matmul", [query, call.transposed(key, axes)], scores_shape)
    if call.has("attn_mask"):
        mask = call.tensor("attn_mask")
        if call.builder.dtype(mask).kind != "f":
            raise UnsupportedError("the mask of an attention must be floating-point numbers")
        scores = call.emit("add", [scores, mask], scores_shape)
    shares = call.emit("softmax", [scores], scores_shape, axis=len(batch) + 1)
    return call.emit("matmul", [shares, value])


TRANSLATIONS: Final[dict[str, Translation]] = {
    "linear": linear,
    **dict.fromkeys(("mm", "bmm", "matmul", "mv"), matrix_product),
    **dict.fromkeys(("addmm", "baddbmm", "addmv"), product_and_sum),
    "scaled_dot_product_attention": attention,
}
