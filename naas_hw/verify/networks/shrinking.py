"""A network with smaller inputs, or an operator with fewer output channels: new shapes for all."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from math import prod

from naas_hw.graph.quantised import (
    AveragePool,
    Concatenation,
    Convolution,
    Crop,
    HostFunction,
    Lookup,
    MaximumPool,
    Padded,
    Pair,
    QuantisedGraph,
    QuantisedOperator,
    Rearranged,
    Shape,
    Sides,
    Sum,
    TransposedConvolution,
    Upsampling,
)
from naas_hw.mapping.geometry import ceil_div


class _NoShapeError(Exception):
    """An operator has no meaning for these shapes."""


_Changed = tuple[QuantisedOperator, Shape]


def with_sizes(
    graph: QuantisedGraph,
    inputs: Mapping[str, Shape],
    channels: Mapping[str, int] | None = None,
) -> QuantisedGraph | None:
    """The network for inputs of these shapes, none larger than they are; None if it has no meaning.

    Parameters
    ----------
    inputs : name -> new shape; the others keep theirs.
    channels : operator -> how many output channels of a dense convolution are kept.
    """
    shapes = {name: graph.tensors[name].shape for name in graph.inputs} | dict(inputs)
    operators = []
    try:
        for operator in graph.operators:
            given = [shapes[name] for name in operator.inputs]
            if channels is not None and operator.name in channels:
                operator = _with_channels(operator, channels[operator.name])
            changed, shape = _RULES[type(operator)](operator, given)
            operators.append(changed)
            shapes[operator.output] = shape
    except _NoShapeError:
        return None
    tensors = {
        name: replace(graph.tensors[name], shape=shape, graph_shape=(1, *shape))
        for name, shape in shapes.items()
    }
    return replace(graph, operators=tuple(operators), tensors=tensors)


def _with_channels(operator: QuantisedOperator, number: int) -> QuantisedOperator:
    if not isinstance(operator, Convolution) or operator.groups != 1:
        raise _NoShapeError
    return replace(
        operator,
        weights=operator.weights[:number],
        bias=operator.bias[:number],
        multiplier=operator.multiplier[:number],
        shift=operator.shift[:number],
    )


def _checked(*sizes: int) -> tuple[int, ...]:
    if min(sizes) < 1:
        raise _NoShapeError
    return sizes


def _shape(channels: int, rows: int, columns: int) -> Shape:
    _checked(channels, rows, columns)
    return channels, rows, columns


def _windows(
    size: Sequence[int], kernel: Pair, stride: Pair, padding: Sides, dilation: Pair
) -> Pair:
    """Rows and columns of the output of a kernel that moves over an image."""
    _checked(*(size[i] + min(padding[i], 0) for i in (0, 1)))
    spans = [
        size[i] + padding[i] + padding[2 + i] - (kernel[i] - 1) * dilation[i] - 1 for i in (0, 1)
    ]
    if min(spans) < 0:
        raise _NoShapeError
    return spans[0] // stride[0] + 1, spans[1] // stride[1] + 1


def _convolution(operator: Convolution, given: Sequence[Shape]) -> _Changed:
    channels, *size = given[0]
    count, each = operator.weights.shape[:2]
    groups = 1
    if operator.groups > 1:
        groups, rest = divmod(channels, each)
        if rest:
            raise _NoShapeError
        count = groups * (count // operator.groups)
    _checked(groups, count)
    changed = replace(
        operator,
        weights=operator.weights[:count, : min(channels, each)],
        bias=operator.bias[:count],
        multiplier=operator.multiplier[:count],
        shift=operator.shift[:count],
        groups=groups,
    )
    kernel = operator.weights.shape[2], operator.weights.shape[3]
    sides = _windows(size, kernel, operator.stride, operator.padding, operator.dilation)
    return changed, (count, *sides)


def _transposed(operator: TransposedConvolution, given: Sequence[Shape]) -> _Changed:
    channels, *size = given[0]
    each = operator.weights.shape[0] // operator.groups
    groups = 1
    if operator.groups > 1:
        groups, rest = divmod(channels, each)
        if rest:
            raise _NoShapeError
    count = groups * operator.weights.shape[1]
    changed = replace(
        operator,
        weights=operator.weights[:channels],
        bias=operator.bias[:count],
        multiplier=operator.multiplier[:count],
        shift=operator.shift[:count],
        groups=groups,
    )
    rows, columns = (
        (size[i] - 1) * operator.stride[i]
        + (operator.weights.shape[2 + i] - 1) * operator.dilation[i]
        + 1
        - operator.padding[i]
        - operator.padding[2 + i]
        for i in (0, 1)
    )
    return changed, _shape(count, rows, columns)


def _pool(operator: MaximumPool | AveragePool, given: Sequence[Shape]) -> _Changed:
    channels, *size = given[0]
    dilation = operator.dilation if isinstance(operator, MaximumPool) else (1, 1)
    sides = _windows(size, operator.kernel, operator.stride, operator.padding, dilation)
    return operator, (channels, *sides)


def _same(operator: Sum | Lookup, given: Sequence[Shape]) -> _Changed:
    if len(set(given)) > 1:
        raise _NoShapeError
    return operator, given[0]


def _concatenation(operator: Concatenation, given: Sequence[Shape]) -> _Changed:
    if len({shape[1:] for shape in given}) > 1:
        raise _NoShapeError
    return operator, (sum(shape[0] for shape in given), *given[0][1:])


def _crop(operator: Crop, given: Sequence[Shape]) -> _Changed:
    channels, rows, columns = map(min, operator.ends, given[0])
    ends = (channels, rows, columns)
    lengths = (end - start for start, end in zip(operator.starts, ends, strict=True))
    sizes = [ceil_div(length, step) for length, step in zip(lengths, operator.steps, strict=True)]
    return replace(operator, ends=ends), _shape(*sizes)


def _padded(operator: Padded, given: Sequence[Shape]) -> _Changed:
    channels, rows, columns = given[0]
    top, left, bottom, right = operator.padding
    return operator, _shape(channels, rows + top + bottom, columns + left + right)


def _upsampling(operator: Upsampling, given: Sequence[Shape]) -> _Changed:
    channels, rows, columns = given[0]
    return operator, (channels, rows * operator.factors[0], columns * operator.factors[1])


def _rearranged(operator: Rearranged, given: Sequence[Shape]) -> _Changed:
    """The same order of another shape, where the order does not split an axis."""
    shape = given[0]
    if prod(shape) == prod(operator.before) and len(operator.before) != len(shape):
        return operator, operator.after
    if len(operator.before) != len(shape):
        raise _NoShapeError
    old, new = ([sizes[axis] for axis in operator.axes] for sizes in (operator.before, shape))
    if list(operator.after) == old:
        after = _shape(*new)
    elif operator.after == (prod(old), 1, 1):
        after = _shape(prod(new), 1, 1)
    else:
        raise _NoShapeError
    return replace(operator, before=shape, after=after), after


def _host(operator: HostFunction, given: Sequence[Shape]) -> _Changed:
    """Only what keeps the shape of its one input."""
    if operator.input_shapes != (operator.output_shape,) or operator.constants:
        raise _NoShapeError
    shape = (1, *given[0])
    return replace(operator, input_shapes=(shape,), output_shape=shape), given[0]


_RULES: Mapping[type[QuantisedOperator], Callable[..., _Changed]] = {
    Convolution: _convolution,
    TransposedConvolution: _transposed,
    MaximumPool: _pool,
    AveragePool: _pool,
    Sum: _same,
    Lookup: _same,
    Concatenation: _concatenation,
    Crop: _crop,
    Padded: _padded,
    Upsampling: _upsampling,
    Rearranged: _rearranged,
    HostFunction: _host,
}
