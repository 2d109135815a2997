"""Whether the numbers of outputs of a layer follow from its input, kernel and padding.

Along one axis, with the input's size n, padding p before it and t behind it, kernel k, stride s and
dilation d, a convolution has floor((n + p + t - d (k - 1) - 1) / s) + 1 outputs. A file states
outputs and p; t is p, or that of "same" (ceil(n / s) outputs, the odd one of the padding behind),
or it has to be stated (`trailing_padding`). Otherwise a padding that was forgotten, or two sizes
that were exchanged, would be taken for padding behind the input.
"""

from collections.abc import Iterator

from naas_hw.workload.layer import Layer


def size_problem(layer: Layer) -> str | None:
    """The first axis whose outputs do not follow, in words; None if both do."""
    return next((problem for axis in (0, 1) for problem in _problems(layer, axis)), None)


def with_stated_padding(layer: Layer) -> Layer:
    """The layer, with what lies behind its input stated where that is needed."""
    if size_problem(layer) is None:
        return layer
    return layer.model_copy(update={"trailing_padding": (_trailing(layer, 0), _trailing(layer, 1))})


def _problems(layer: Layer, axis: int) -> Iterator[str]:
    outputs, name = ((layer.P, "P"), (layer.Q, "Q"))[axis]
    if layer.trailing_padding is not None:
        trailing = layer.trailing_padding[axis]
        expected = _outputs(layer, axis, trailing)
        if outputs != expected:
            yield f"{name} must be {expected} with trailing_padding {trailing}, not {outputs}"
    elif outputs != _outputs(layer, axis, layer.padding[axis]) and not _is_same(layer, axis):
        yield (
            f"{name} must be {_outputs(layer, axis, layer.padding[axis])} with padding "
            f"{layer.padding[axis]} on both sides, not {outputs}; padding must be another, or "
            f"trailing_padding must state what lies {('below', 'to the right')[axis]} "
            f"({_trailing(layer, axis)})"
        )


def _span(layer: Layer, axis: int) -> int:
    """Indices under the kernel, from its first to its last."""
    return layer.dilation[axis] * ((layer.R, layer.S)[axis] - 1) + 1


def _outputs(layer: Layer, axis: int, trailing: int) -> int:
    padded = (layer.height, layer.width)[axis] + layer.padding[axis] + trailing
    return max(0, (padded - _span(layer, axis)) // layer.stride[axis] + 1)


def _trailing(layer: Layer, axis: int) -> int:
    """The least padding behind the input that gives the layer's outputs."""
    last = ((layer.P, layer.Q)[axis] - 1) * layer.stride[axis] + _span(layer, axis)
    return last - (layer.height, layer.width)[axis] - layer.padding[axis]


def _is_same(layer: Layer, axis: int) -> bool:
    """Whether the padding is that of "same": half of what is needed, the odd one behind."""
    size, outputs = (layer.height, layer.width)[axis], (layer.P, layer.Q)[axis]
    needed = max(0, (outputs - 1) * layer.stride[axis] + _span(layer, axis) - size)
    return outputs == -(-size // layer.stride[axis]) and layer.padding[axis] == needed // 2
