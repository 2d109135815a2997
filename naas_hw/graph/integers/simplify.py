"""Fewer operators with the same bytes.

- A rearrangement behind another one is one, and one that changes nothing goes.
- A 1 x 1 convolution of a flattened image is a convolution whose kernel is the image.
- A frame of what its reader sees outside the image is padding.
- A table behind a table is a table.
- What nothing reads goes.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from math import prod
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from naas_hw.graph.quantised import (
    AveragePool,
    Convolution,
    Crop,
    Lookup,
    MaximumPool,
    Padded,
    QuantisedOperator,
    QuantisedTensor,
    Rearranged,
)

Operators = list[QuantisedOperator]
Tensors = dict[str, QuantisedTensor]

_LOWEST: Final = -128


class Rewriter:
    """Operators in order, and who reads what.

    Parameters
    ----------
    kept : tensors that have to stay.
    """

    def __init__(
        self, operators: Sequence[QuantisedOperator], tensors: Tensors, kept: set[str]
    ) -> None:
        self.operators = list(operators)
        self.tensors = tensors
        self.kept = kept

    def only_reader(self, tensor: str) -> bool:
        """Whether one operator reads a tensor, and it need not stay."""
        readers = [one for one in self.operators if tensor in one.inputs]
        return len(readers) == 1 and tensor not in self.kept

    def exchange(self, old: QuantisedOperator, new: QuantisedOperator) -> None:
        """Put an operator in the place of another."""
        self.operators[self._place(old)] = new

    def bypass(self, operator: QuantisedOperator) -> None:
        """Readers of the operator's output read its input."""
        del self.operators[self._place(operator)]
        self.operators = [
            replace(
                one,
                inputs=tuple(
                    operator.inputs[0] if name == operator.output else name for name in one.inputs
                ),
            )
            for one in self.operators
        ]

    def _place(self, operator: QuantisedOperator) -> int:
        return next(i for i, one in enumerate(self.operators) if one is operator)

    def drop_unread(self) -> None:
        """Leave out operators whose output nothing needs."""
        needed = set(self.kept)
        left: Operators = []
        for operator in reversed(self.operators):
            if operator.output in needed:
                needed |= set(operator.inputs)
                left.append(operator)
        self.operators = left[::-1]


def simplified(
    operators: Sequence[QuantisedOperator], tensors: Tensors, kept: set[str]
) -> Operators:
    """Operators that make the tensors `kept` with the same bytes."""
    network = Rewriter(operators, tensors, kept)
    network.drop_unread()
    while any(rule(network) for rule in _RULES):
        pass
    network.drop_unread()
    return network.operators


def _pairs(
    network: Rewriter, first: type[QuantisedOperator], second: type[QuantisedOperator]
) -> list[tuple[Any, Any]]:
    """An operator of one kind, and one that reads its output; the output need not be single."""
    makers = {one.output: one for one in network.operators if isinstance(one, first)}
    return [
        (makers[one.inputs[0]], one)
        for one in network.operators
        if isinstance(one, second) and one.inputs[0] in makers
    ]


def order_of(operator: Rearranged) -> NDArray[np.int64]:
    """For each number of the output, which of the input it is."""
    places = np.arange(prod(operator.before)).reshape(operator.before)
    return places.transpose(operator.axes).reshape(-1)


def keeps_order(operator: Rearranged) -> bool:
    """Whether the numbers stay in their order; axes of size 1 do not count."""
    moved = [axis for axis in operator.axes if operator.before[axis] > 1]
    return moved == sorted(moved)


def _drop_idle(network: Rewriter) -> bool:
    """A rearrangement that changes neither order nor shape goes."""
    for one in network.operators:
        if (
            isinstance(one, Rearranged)
            and one.output not in network.kept
            and keeps_order(one)
            and network.tensors[one.inputs[0]].shape == one.after
        ):
            network.bypass(one)
            return True
    return False


def _join_rearrangements(network: Rewriter) -> bool:
    """Two rearrangements are one, if one of them keeps the order or both together do."""
    for first, second in _pairs(network, Rearranged, Rearranged):
        joined = _joined(first, second)
        if joined is None or joined == (second.before, second.axes, second.inputs[0]):
            continue
        before, axes, _ = joined
        new = replace(
            second,
            inputs=first.inputs,
            before=before,
            axes=axes,
            sources=(*first.sources, *second.sources),
        )
        network.exchange(second, new)
        network.drop_unread()
        return True
    return False


def _joined(
    first: Rearranged, second: Rearranged
) -> tuple[tuple[int, ...], tuple[int, ...], str] | None:
    """Shape and axes of both together."""
    source = first.inputs[0]
    if keeps_order(first):
        return second.before, second.axes, source
    if keeps_order(second):
        return first.before, first.axes, source
    together = order_of(first)[order_of(second)]
    if np.array_equal(together, np.arange(len(together))):
        return (len(together),), (0,), source
    return None


def _take_in_flatten(network: Rewriter) -> bool:
    """A linear layer reads the image; its weights are put in the image's order."""
    for first, second in _pairs(network, Rearranged, Convolution):
        num_inputs = second.weights.shape[1]
        if first.after != (num_inputs, 1, 1) or second.weights.shape[2:] != (1, 1):
            continue
        if second.groups != 1 or any(second.padding) or not network.only_reader(first.output):
            continue
        channels, rows, columns = network.tensors[first.inputs[0]].shape
        weights = np.empty_like(second.weights[:, :, 0, 0])
        weights[:, order_of(first)] = second.weights[:, :, 0, 0]
        new = replace(
            second,
            inputs=first.inputs,
            weights=weights.reshape(-1, channels, rows, columns),
            stride=(1, 1),
            sources=(*first.sources, *second.sources),
        )
        network.exchange(second, new)
        network.drop_unread()
        return True
    return False


def _outside(network: Rewriter, operator: QuantisedOperator) -> int | None:
    """The byte that an operator sees outside its image; None where it has no padding."""
    if isinstance(operator, Convolution):
        return network.tensors[operator.inputs[0]].zero_point
    if isinstance(operator, AveragePool):
        return operator.input_zero_point
    return _LOWEST if isinstance(operator, MaximumPool) else None


def _take_in_frames(network: Rewriter) -> bool:
    """A frame of the byte that all readers see outside is their padding."""
    for frame in network.operators:
        if not isinstance(frame, Padded) or frame.output in network.kept:
            continue
        readers = [one for one in network.operators if frame.output in one.inputs]
        fits = [_outside(network, reader) == frame.value for reader in readers]
        if not all(fits) and max(frame.padding) > 0:
            continue
        if not all(_sides_add_up(one, frame) for one in readers):
            continue
        for reader in readers:
            network.exchange(reader, _with_frame(reader, frame))
        network.drop_unread()
        return True
    return False


def _sides_add_up(reader: QuantisedOperator, frame: Padded) -> bool:
    """Whether the reader has padding, and none where the frame cuts off."""
    if not isinstance(reader, Convolution | AveragePool | MaximumPool):
        return False
    return all(cut >= 0 or own <= 0 for own, cut in zip(reader.padding, frame.padding, strict=True))


def _with_frame(reader: Any, frame: Padded) -> QuantisedOperator:
    sides = tuple(own + more for own, more in zip(reader.padding, frame.padding, strict=True))
    given: QuantisedOperator = replace(
        reader,
        inputs=frame.inputs,
        padding=sides,
        sources=(*frame.sources, *reader.sources),
    )
    return given


def _join_tables(network: Rewriter) -> bool:
    """A table of a table is one table."""
    for first, second in _pairs(network, Lookup, Lookup):
        if not network.only_reader(first.output):
            continue
        new = replace(
            second,
            inputs=first.inputs,
            entries=second.entries[first.entries.view(np.uint8)],
            sources=(*first.sources, *second.sources),
        )
        network.exchange(second, new)
        network.drop_unread()
        return True
    return False


def _crop_by_frame(network: Rewriter) -> bool:
    """A frame with no positive side is a crop."""
    for frame in network.operators:
        if not isinstance(frame, Padded) or max(frame.padding) > 0:
            continue
        channels, rows, columns = network.tensors[frame.inputs[0]].shape
        top, left, bottom, right = frame.padding
        new = Crop(
            name=frame.name,
            inputs=frame.inputs,
            output=frame.output,
            sources=frame.sources,
            starts=(0, -top, -left),
            ends=(channels, rows + bottom, columns + right),
        )
        network.exchange(frame, new)
        return True
    return False


_RULES: Final[tuple[Callable[[Rewriter], bool], ...]] = (
    _drop_idle,
    _join_rearrangements,
    _take_in_flatten,
    _take_in_frames,
    _crop_by_frame,
    _join_tables,
)
"""Each makes one change and says whether it found one."""
