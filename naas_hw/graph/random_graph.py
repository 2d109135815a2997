"""Random networks in integers: small ones in which every operator meets every other.

The same seed gives the same network. What a network has of interest is named by `bins_of`, so that
a run of many seeds can say what it has covered.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

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
    QuantisedTensor,
    Rearranged,
    Shape,
    Sides,
    Sum,
    TransposedConvolution,
    Upsampling,
)
from naas_hw.workload.arithmetic.epilogue import Addition
from naas_hw.workload.option import TABLE_SIZE

MAX_NUMBERS: Final = 6000
"""Numbers of a tensor at most."""

MAX_CHANNELS: Final = 72
_SPREAD: Final = 50.0  # standard deviation of the outputs of a convolution
_WEIGHT_DEVIATION: Final = 37.0
_INPUT_DEVIATION: Final = 74.0
_SHARE_ROUNDING_ONCE: Final = 0.25  # of convolutions

Scaling = tuple[float, int]
"""Scale and zero point of a tensor."""


def random_graph(seed: int, *, num_operators: int | None = None) -> QuantisedGraph:
    """A network of so many operators, 1 to 12 if None; each is needed for an output."""
    rng = np.random.default_rng(seed)
    wanted = int(rng.integers(1, 13)) if num_operators is None else num_operators
    growing = _Growing(rng)
    growing.begin()
    while len(growing.operators) < wanted:
        growing.grow()
    return growing.graph(f"random_{seed}")


def random_inputs(graph: QuantisedGraph, rng: np.random.Generator) -> dict[str, NDArray[np.int8]]:
    """Bytes for all inputs, in the shapes of the model."""
    return {
        name: rng.integers(-128, 128, size=graph.tensors[name].graph_shape, dtype=np.int8)
        for name in graph.inputs
    }


def bins_of(graph: QuantisedGraph) -> frozenset[str]:
    """What is of interest in a network: kinds, variants, and which kinds follow one another."""
    bins: set[str] = set()
    for operator in graph.operators:
        kind = type(operator).__name__
        bins |= {kind, *(f"{kind}: {variant}" for variant in _variants(graph, operator))}
        for reader in graph.consumers(operator.output):
            bins.add(f"{kind} -> {type(reader).__name__}")
        if len(graph.consumers(operator.output)) > 1:
            bins.add(f"{kind} with several readers")
    return frozenset(bins)


def _variants(graph: QuantisedGraph, operator: QuantisedOperator) -> set[str]:
    found = set()
    if isinstance(operator, Convolution | TransposedConvolution):
        channels = graph.tensors[operator.inputs[0]].shape[0]
        grouped = "depthwise" if operator.groups == channels == len(operator.bias) else "grouped"
        found.add("dense" if operator.groups == 1 else grouped)
        found |= {"dilated"} if operator.dilation != (1, 1) else set()
        found |= {"cropped"} if min(operator.padding) < 0 else set()
    if isinstance(operator, Convolution):
        found |= {"rounds once"} if operator.rounds_once else set()
    if isinstance(operator, Convolution | MaximumPool | AveragePool):
        found |= {"strided"} if operator.stride != (1, 1) else set()
        top, left, bottom, right = operator.padding
        found |= {"padded unevenly"} if (top, left) != (bottom, right) else set()
    if isinstance(operator, Sum) and operator.inputs[0] == operator.inputs[1]:
        found.add("of one tensor")
    if isinstance(operator, Crop):
        found |= {"of channels"} if operator.starts[0] or operator.steps[0] > 1 else set()
        found |= {"with steps"} if max(operator.steps) > 1 else set()
    return found


@dataclass(kw_only=True)
class _Choice:
    """A way to add operators, and how often it is taken."""

    weight: int
    grow: Callable[[], None]


@dataclass
class _Growing:
    """A network while it grows."""

    rng: np.random.Generator
    tensors: dict[str, QuantisedTensor] = field(default_factory=dict)
    operators: list[QuantisedOperator] = field(default_factory=list)
    inputs: list[str] = field(default_factory=list)

    def begin(self) -> None:
        """The inputs of the network, and the scales that its tensors share.

        What rounds once is drawn apart, so it changes nothing else of a network.
        """
        (self._roundings,) = self.rng.spawn(1)
        self._scalings = [
            (float(self.rng.uniform(0.01, 0.1)), int(self.rng.choice((-128, -5, 0, 12, 127))))
            for _ in range(int(self.rng.integers(1, 3)))
        ]
        shape = (self._draw(1, 20), self._draw(1, 14), self._draw(1, 14))
        for index in range(int(self.rng.choice((1, 1, 1, 2)))):
            name = f"input{index}"
            self._add_tensor(name, shape, self._scaling())
            self.inputs.append(name)

    def grow(self) -> None:
        """Add an operator, or two that belong together."""
        choices = (
            _Choice(weight=6, grow=self._convolution),
            _Choice(weight=3, grow=self._depthwise),
            _Choice(weight=2, grow=self._grouped),
            _Choice(weight=2, grow=self._transposed),
            _Choice(weight=2, grow=self._flattened),
            _Choice(weight=5, grow=self._sum),
            _Choice(weight=4, grow=self._lookup),
            _Choice(weight=2, grow=self._maximum_pool),
            _Choice(weight=2, grow=self._average_pool),
            _Choice(weight=4, grow=self._concatenation),
            _Choice(weight=2, grow=self._crop),
            _Choice(weight=2, grow=self._padded),
            _Choice(weight=1, grow=self._upsampling),
            _Choice(weight=2, grow=self._rearranged),
            _Choice(weight=1, grow=self._host),
        )
        weights = np.array([choice.weight for choice in choices], float)
        index = int(self.rng.choice(len(choices), p=weights / weights.sum()))
        choices[index].grow()

    def graph(self, name: str) -> QuantisedGraph:
        """The network; what nothing reads is an output, and sometimes something else is."""
        read = {name for operator in self.operators for name in operator.inputs}
        made = [operator.output for operator in self.operators]
        outputs = [name for name in made if name not in read or self.rng.random() < 0.05]
        return QuantisedGraph(
            name=name,
            operators=tuple(self.operators),
            tensors=self.tensors,
            inputs=tuple(self.inputs),
            outputs=tuple(outputs),
        )

    # Draws -----------------------------------------------------------------------------------

    def _draw(self, low: int, high: int) -> int:
        return int(self.rng.integers(low, high + 1))

    def _scaling(self) -> Scaling:
        return self._scalings[self._draw(0, len(self._scalings) - 1)]

    def _scaling_of(self, name: str) -> Scaling:
        return self.tensors[name].scale, self.tensors[name].zero_point

    def _pick(self) -> str:
        """A tensor, mostly one of the last."""
        names = list(self.tensors)
        return names[-1 - min(len(names) - 1, int(self.rng.geometric(0.5)) - 1)]

    def _shape(self, name: str) -> Shape:
        return self.tensors[name].shape

    def _add_tensor(self, name: str, shape: Shape, scaling: Scaling) -> None:
        self.tensors[name] = QuantisedTensor(
            name=name,
            shape=shape,
            scale=scaling[0],
            zero_point=scaling[1],
            graph_shape=(1, *shape),
        )

    def _fits(self, shape: Shape) -> bool:
        return min(shape) >= 1 and int(np.prod(shape)) <= MAX_NUMBERS and shape[0] <= MAX_CHANNELS

    def _add(
        self,
        make: Callable[[str, str], QuantisedOperator],
        shape: Shape,
        scaling: Scaling,
    ) -> str | None:
        """Add what `make` makes of a name and an output; None where the output is too large."""
        if not self._fits(shape):
            return None
        name = f"operator{len(self.operators)}"
        output = f"tensor{len(self.operators)}"
        self.operators.append(make(name, output))
        self._add_tensor(output, shape, scaling)
        return output

    def _requantisation(
        self, channels: int, products: int
    ) -> tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.int32]]:
        """Bias, multiplier and shift that spread outputs over the bytes."""
        deviation = np.sqrt(products) * _WEIGHT_DEVIATION * _INPUT_DEVIATION
        scale = _SPREAD / deviation * self.rng.uniform(0.5, 1.5, size=channels)
        mantissa, exponent = np.frexp(scale)
        bias = self.rng.integers(-int(deviation), int(deviation) + 1, size=channels)
        return (
            bias.astype(np.int32),
            np.minimum(np.rint(mantissa * 2.0**31), 2.0**31 - 1).astype(np.int32),
            (-exponent).astype(np.int32),
        )

    def _weights(self, shape: tuple[int, ...]) -> NDArray[np.int8]:
        return self.rng.integers(-64, 64, size=shape).astype(np.int8)

    def _clamps(self) -> Pair:
        return (int(self.rng.choice((-128, -128, -90))), int(self.rng.choice((127, 127, 80))))

    def _sides(self, kernel: Pair, dilation: Pair = (1, 1)) -> Sides:
        """Padding of no more than the kernel reaches; sometimes a side is cropped."""
        reach = [(kernel[i] - 1) * dilation[i] for i in (0, 1)]
        low = -1 if self.rng.random() < 0.2 else 0
        top, left, bottom, right = (self._draw(low, reach[i % 2]) for i in range(4))
        return top, left, bottom, right

    # Convolutions ----------------------------------------------------------------------------

    def _convolution(self) -> None:
        self._convolve(self._pick(), self._draw(1, 40), groups=1)

    def _depthwise(self) -> None:
        source = self._pick()
        channels = self._shape(source)[0]
        self._convolve(source, channels, groups=channels)

    def _grouped(self) -> None:
        source = self._pick()
        channels = self._shape(source)[0]
        divisors = [n for n in range(2, channels + 1) if channels % n == 0]
        if divisors:
            groups = int(self.rng.choice(divisors))
            self._convolve(source, groups * self._draw(1, 6), groups=groups)

    def _convolve(self, source: str, outputs: int, *, groups: int) -> str | None:
        """A convolution of any kernel."""
        kernel = (int(self.rng.choice((1, 1, 2, 3, 5))), int(self.rng.choice((1, 1, 2, 3, 5))))
        stride = (int(self.rng.choice((1, 1, 2, 3))), int(self.rng.choice((1, 1, 2, 3))))
        dilation = (int(self.rng.choice((1, 1, 1, 2))), int(self.rng.choice((1, 1, 1, 2))))
        padding = self._sides(kernel, dilation)
        return self._convolve_as(source, outputs, groups, kernel, stride, dilation, padding)

    def _convolve_as(
        self,
        source: str,
        outputs: int,
        groups: int,
        kernel: Pair = (1, 1),
        stride: Pair = (1, 1),
        dilation: Pair = (1, 1),
        padding: Sides = (0, 0, 0, 0),
    ) -> str | None:
        channels, *size = self._shape(source)
        inputs = channels // groups
        spans = [
            size[i] + padding[i] + padding[2 + i] - (kernel[i] - 1) * dilation[i] - 1
            for i in (0, 1)
        ]
        if min(spans) < 0 or any(size[i] + min(padding[i], 0) < 1 for i in (0, 1)):
            return None
        bias, multiplier, shift = self._requantisation(outputs, inputs * kernel[0] * kernel[1])
        weights = self._weights((outputs, inputs, *kernel))
        clamps = self._clamps()
        rounds_once = bool(self._roundings.random() < _SHARE_ROUNDING_ONCE)
        return self._add(
            lambda name, output: Convolution(
                name=name,
                inputs=(source,),
                output=output,
                weights=weights,
                bias=bias,
                multiplier=multiplier,
                shift=shift,
                stride=stride,
                padding=padding,
                dilation=dilation,
                groups=groups,
                clamp_min=clamps[0],
                clamp_max=clamps[1],
                rounds_once=rounds_once,
            ),
            (outputs, spans[0] // stride[0] + 1, spans[1] // stride[1] + 1),
            self._scaling(),
        )

    def _transposed(self) -> None:
        source = self._pick()
        channels, *size = self._shape(source)
        groups = int(self.rng.choice((1, 1, channels)))
        outputs = self._draw(1, 12) if groups == 1 else 1
        kernel = (self._draw(1, 4), self._draw(1, 4))
        stride = (self._draw(1, 3), self._draw(1, 3))
        dilation = (int(self.rng.choice((1, 1, 2))), int(self.rng.choice((1, 1, 2))))
        padding = self._sides(kernel, dilation)
        shape = (
            outputs * groups,
            *(
                (size[i] - 1) * stride[i]
                + (kernel[i] - 1) * dilation[i]
                + 1
                - padding[i]
                - padding[2 + i]
                for i in (0, 1)
            ),
        )
        bias, multiplier, shift = self._requantisation(
            shape[0], channels // groups * kernel[0] * kernel[1]
        )
        weights = self._weights((channels, outputs, *kernel))
        self._add(
            lambda name, output: TransposedConvolution(
                name=name,
                inputs=(source,),
                output=output,
                weights=weights,
                bias=bias,
                multiplier=multiplier,
                shift=shift,
                stride=stride,
                padding=padding,
                dilation=dilation,
                groups=groups,
            ),
            (shape[0], shape[1], shape[2]),
            self._scaling(),
        )

    def _flattened(self) -> None:
        """A linear layer of all numbers of an image, in one of two orders."""
        source = self._pick()
        shape = self._shape(source)
        axes = (0, 1, 2) if self.rng.random() < 0.5 else (1, 2, 0)
        number = int(np.prod(shape))
        if number > MAX_NUMBERS // 4:
            return
        name, flat = f"operator{len(self.operators)}", f"tensor{len(self.operators)}"
        self.operators.append(
            Rearranged(
                name=name,
                inputs=(source,),
                output=flat,
                before=shape,
                axes=axes,
                after=(number, 1, 1),
            )
        )
        self._add_tensor(flat, (number, 1, 1), self._scaling_of(source))
        self._convolve_as(flat, self._draw(1, 30), 1)

    # Elementwise -----------------------------------------------------------------------------

    def _sum(self) -> None:
        """Of two tensors of one shape; the second one is often made for it."""
        first = self._pick()
        same = [name for name in self.tensors if self._shape(name) == self._shape(first)]
        second: str | None = same[self._draw(0, len(same) - 1)]
        if self.rng.random() < 0.7:
            second = self._made_for(first)
        if second is None:
            return
        inputs = (first, second) if self.rng.random() < 0.5 else (second, first)
        shift = self._draw(8, 15)
        most = min(1 << shift, (1 << 15) - 1)
        factors = self.rng.integers(most // 4, most + 1, size=2) * self.rng.choice((1, 1, -1), 2)
        clamps, scaling = self._clamps(), self._scaling()
        addition = Addition(
            main_multiplier=int(factors[0]),
            multiplier=int(factors[1]),
            shift=shift,
            main_zero_point=self.tensors[inputs[0]].zero_point,
            zero_point=self.tensors[inputs[1]].zero_point,
            output_zero_point=scaling[1],
            clamp_min=clamps[0],
            clamp_max=clamps[1],
        )
        self._add(
            lambda name, output: Sum(name=name, inputs=inputs, output=output, addition=addition),
            self._shape(first),
            scaling,
        )

    def _made_for(self, other: str) -> str | None:
        """A new tensor of the shape of another one, made of any tensor of its size."""
        shape = self._shape(other)
        sources = [name for name in self.tensors if self._shape(name)[1:] == shape[1:]]
        source = sources[self._draw(0, len(sources) - 1)]
        depthwise = self._shape(source)[0] == shape[0] and self.rng.random() < 0.4
        return self._convolve_as(
            source, shape[0], shape[0] if depthwise else 1, (3, 3), padding=(1, 1, 1, 1)
        )

    def _lookup(self) -> None:
        source = self._pick()
        entries = self.rng.permutation(TABLE_SIZE).astype(np.uint8).view(np.int8)
        self._add(
            lambda name, output: Lookup(
                name=name, inputs=(source,), output=output, entries=entries
            ),
            self._shape(source),
            self._scaling(),
        )

    # Pooling ---------------------------------------------------------------------------------

    def _pool_window(self, source: str) -> tuple[Pair, Pair, Sides, Pair] | None:
        """Kernel, stride, padding and size of the output."""
        size = self._shape(source)[1:]
        kernel = (self._draw(1, 3), self._draw(1, 3))
        if self.rng.random() < 0.3:
            kernel = size
        stride = (self._draw(1, 3), self._draw(1, 3))
        top, left, bottom, right = self._sides(kernel)
        padding = (max(0, top), max(0, left), max(0, bottom), max(0, right))
        spans = [size[i] + padding[i] + padding[2 + i] - kernel[i] for i in (0, 1)]
        if min(spans) < 0:
            return None
        return kernel, stride, padding, (spans[0] // stride[0] + 1, spans[1] // stride[1] + 1)

    def _maximum_pool(self) -> None:
        source = self._pick()
        if (window := self._pool_window(source)) is None:
            return
        kernel, stride, padding, size = window
        self._add(
            lambda name, output: MaximumPool(
                name=name,
                inputs=(source,),
                output=output,
                kernel=kernel,
                stride=stride,
                padding=padding,
            ),
            (self._shape(source)[0], *size),
            self._scaling_of(source),
        )

    def _average_pool(self) -> None:
        source = self._pick()
        if (window := self._pool_window(source)) is None:
            return
        kernel, stride, padding, size = window
        weight = int(self.rng.choice((1, 4, 8)))
        scaling = self._scaling()
        zero_points = (self.tensors[source].zero_point, scaling[1])
        if self._scaling_of(source) == scaling and not any(padding):
            zero_points = (0, 0)
        mantissa, exponent = np.frexp(0.9 / (kernel[0] * kernel[1] * weight))
        self._add(
            lambda name, output: AveragePool(
                name=name,
                inputs=(source,),
                output=output,
                kernel=kernel,
                stride=stride,
                weight=weight,
                multiplier=int(mantissa * 2.0**31),
                shift=int(-exponent),
                input_zero_point=zero_points[0],
                output_zero_point=zero_points[1],
                padding=padding,
            ),
            (self._shape(source)[0], *size),
            scaling,
        )

    # Layout ----------------------------------------------------------------------------------

    def _concatenation(self) -> None:
        """Of two to four tensors of one size and scale; now and then one comes twice."""
        first = self._pick()
        like = [
            name
            for name in self.tensors
            if self._shape(name)[1:] == self._shape(first)[1:]
            and self._scaling_of(name) == self._scaling_of(first)
        ]
        number = self._draw(2, 4)
        twice = self.rng.random() < 0.1
        parts = [str(name) for name in self.rng.choice(like, min(number, len(like)), replace=twice)]
        if len(parts) < 2:
            return
        channels = sum(self._shape(name)[0] for name in parts)
        self._add(
            lambda name, output: Concatenation(name=name, inputs=tuple(parts), output=output),
            (channels, *self._shape(first)[1:]),
            self._scaling_of(first),
        )

    def _crop(self) -> None:
        source = self._pick()
        shape = self._shape(source)
        starts, ends, steps = [0, 0, 0], list(shape), [1, 1, 1]
        for axis in range(3):
            if self.rng.random() < 0.5:
                starts[axis] = self._draw(0, shape[axis] - 1)
                ends[axis] = self._draw(starts[axis] + 1, shape[axis])
                steps[axis] = int(self.rng.choice((1, 1, 2)))
        sizes = [-(-(ends[i] - starts[i]) // steps[i]) for i in range(3)]
        self._add(
            lambda name, output: Crop(
                name=name,
                inputs=(source,),
                output=output,
                starts=(starts[0], starts[1], starts[2]),
                ends=(ends[0], ends[1], ends[2]),
                steps=(steps[0], steps[1], steps[2]),
            ),
            (sizes[0], sizes[1], sizes[2]),
            self._scaling_of(source),
        )

    def _padded(self) -> None:
        source = self._pick()
        channels, rows, columns = self._shape(source)
        top, left, bottom, right = (self._draw(0, 2) for _ in range(4))
        values = (self.tensors[source].zero_point, self.tensors[source].zero_point, -128, 3)
        value = int(self.rng.choice(values))
        self._add(
            lambda name, output: Padded(
                name=name,
                inputs=(source,),
                output=output,
                padding=(top, left, bottom, right),
                value=value,
            ),
            (channels, rows + top + bottom, columns + left + right),
            self._scaling_of(source),
        )

    def _upsampling(self) -> None:
        source = self._pick()
        channels, rows, columns = self._shape(source)
        factors = (self._draw(1, 3), self._draw(1, 3))
        self._add(
            lambda name, output: Upsampling(
                name=name, inputs=(source,), output=output, factors=factors
            ),
            (channels, rows * factors[0], columns * factors[1]),
            self._scaling_of(source),
        )

    def _rearranged(self) -> None:
        """Depth to space, space to depth, a shuffle of channels, or rows for columns."""
        source = self._pick()
        shape = self._shape(source)
        orders = [order for order in (_depth_to_space, _space_to_depth, _shuffle, _turn)]
        order = orders[self._draw(0, len(orders) - 1)](shape)
        if order is None:
            return
        before, axes, after = order
        self._add(
            lambda name, output: Rearranged(
                name=name, inputs=(source,), output=output, before=before, axes=axes, after=after
            ),
            after,
            self._scaling_of(source),
        )

    # Host ------------------------------------------------------------------------------------

    def _host(self) -> None:
        """A softmax over the channels, which no layer computes."""
        source = self._pick()
        self._add(
            lambda name, output: HostFunction(
                name=name,
                inputs=(source,),
                output=output,
                kind="softmax",
                input_shapes=(self.tensors[source].graph_shape,),
                output_shape=self.tensors[source].graph_shape,
                attributes={"axis": 1},
            ),
            self._shape(source),
            (1 / 256, -128),
        )


_Order = tuple[tuple[int, ...], tuple[int, ...], Shape]


def _depth_to_space(shape: Shape) -> _Order | None:
    channels, rows, columns = shape
    if channels % 4:
        return None
    before = (2, 2, channels // 4, rows, columns)
    return before, (2, 3, 0, 4, 1), (channels // 4, 2 * rows, 2 * columns)


def _space_to_depth(shape: Shape) -> _Order | None:
    channels, rows, columns = shape
    if rows % 2 or columns % 2:
        return None
    before = (channels, rows // 2, 2, columns // 2, 2)
    return before, (2, 4, 0, 1, 3), (4 * channels, rows // 2, columns // 2)


def _shuffle(shape: Shape) -> _Order | None:
    channels, rows, columns = shape
    groups = next((n for n in (2, 3, 5) if channels % n == 0), None)
    if groups is None:
        return None
    return (groups, channels // groups, rows, columns), (1, 0, 2, 3), shape


def _turn(shape: Shape) -> _Order | None:
    channels, rows, columns = shape
    return shape, (0, 2, 1), (channels, columns, rows)
