"""From a network in integers to calls of the accelerator and of the host."""

from collections.abc import Callable
from dataclasses import replace
from typing import Final

from naas_hw.compiler.lowering.builder import Builder, LayerEpilogue, NotLoweredError
from naas_hw.compiler.lowering.chains import Chain, chain_of, chains_of
from naas_hw.compiler.lowering.convolutions import (
    Site,
    emit_convolution,
    emit_transposed,
    is_depthwise,
)
from naas_hw.compiler.lowering.input_folding import UNFOLDED, fold_inputs
from naas_hw.compiler.lowering.joining import lower_concatenation
from naas_hw.compiler.lowering.layouts import Addresses, Layout, layout_at
from naas_hw.compiler.lowering.moves import (
    NO_SIDES,
    copied_channels,
    emit_addresses,
    emit_copy,
    is_compact,
    with_channels,
    with_pixels_together,
)
from naas_hw.compiler.lowering.outer_orders import without_outer_orders
from naas_hw.compiler.lowering.pooling import OUTSIDE_OF_MAXIMUM, emit_average, emit_maximum
from naas_hw.compiler.lowering.values import LoweredNetwork
from naas_hw.graph.quantised import (
    AveragePool,
    Concatenation,
    Convolution,
    Crop,
    HostFunction,
    MaximumPool,
    Padded,
    QuantisedGraph,
    QuantisedOperator,
    Rearranged,
    Sides,
    TransposedConvolution,
    Upsampling,
)
from naas_hw.workload.option import Option

ALL_OPTIONS: Final = frozenset(Option)


def lower(
    quantised: QuantisedGraph,
    *,
    beat_bytes: int,
    options: frozenset[Option] = ALL_OPTIONS,
    may_fold_inputs: bool = True,
) -> LoweredNetwork:
    """The calls that compute a network, in order.

    An operator that the accelerator cannot run becomes a call of the host, with the reason.

    Parameters
    ----------
    beat_bytes : B of the accelerator.
    options : hardware that it has.
    may_fold_inputs : whether the stride of a first layer may become channels of its input.
    """
    turned = without_outer_orders(quantised)
    graph, folds = turned.graph, dict.fromkeys(turned.graph.inputs, UNFOLDED)
    if may_fold_inputs:
        rewritten = fold_inputs(graph, beat_bytes)
        graph, folds = rewritten.graph, rewritten.folds
    builder = Builder(graph=graph, beat_bytes=beat_bytes, options=options, given=turned.given)
    for name in graph.inputs:
        builder.begin_tensor(name)
    lowering = _Lowering(builder)
    for step in chains_of(graph, options):
        lowering.add(step)
    for name in graph.outputs:
        lowering.see(name)
    tensors = {
        name: replace(
            builder.resolved_tensor(builder.placed(name)),
            shape=quantised.tensors[name].shape,
            fold=folds.get(name, UNFOLDED),
        )
        for name in (*builder.layouts, *graph.inputs, *graph.outputs)
        if name in quantised.tensors
    }
    handed_in = [builder.handed_in(tensor) for tensor in tensors.values()]
    tensors |= {tensor.name: tensor for tensor in handed_in}
    return LoweredNetwork(
        graph=quantised,
        beat_bytes=beat_bytes,
        calls=builder.resolved_calls(),
        buffers=builder.buffers(),
        tensors=tensors,
        inputs=tuple(tensors[name] for name in quantised.inputs),
        outputs=tuple(tensors[name] for name in quantised.outputs),
    )


class _Lowering:
    """One operator after the other.

    An image that is padded, or rearranged in a way that no pitches say, is made when a layer needs
    its bytes. A layer that pads as the image is padded reads what is inside, and the host finds
    rearranged bytes where they are.
    """

    def __init__(self, builder: Builder) -> None:
        self._builder = builder

    def add(self, step: Chain | QuantisedOperator) -> None:
        """Add a chain or an operator; what cannot be a layer goes to the host."""
        if isinstance(step, Chain):
            self._add_chain(step)
        else:
            self._add_operator(step)

    def layout(self, tensor: str) -> Layout | None:
        """Where the bytes of a tensor are; None of numbers that the host keeps."""
        operator = self._builder.deferred.pop(tensor, None)
        if isinstance(operator, Padded):
            self._make_padded(operator)
        elif operator is not None:
            self._try(lambda: self._move(operator), [operator])
        return self._builder.layouts.get(tensor)

    def see(self, tensor: str) -> None:
        """Have the bytes of a tensor somewhere in memory, in any order."""
        if not isinstance(self._builder.deferred.get(tensor), Rearranged):
            self.layout(tensor)

    def _bytes_of(self, tensor: str) -> Layout:
        layout = self.layout(tensor)
        if layout is None:
            raise NotLoweredError(f"{tensor} must be bytes")
        return layout

    # Operators -------------------------------------------------------------------------------

    def _add_operator(self, operator: QuantisedOperator) -> None:
        rules: dict[type[QuantisedOperator], Callable[..., None]] = {
            Concatenation: self._concatenate,
            Crop: self._move,
            Rearranged: self._rearrange,
            Padded: self._pad,
        }
        rule = rules.get(type(operator))
        if rule is None:
            self._call_host(operator, _reason(operator))
            return
        self._try(lambda: rule(operator), [operator])

    def _try(self, rule: Callable[[], None], operators: list[QuantisedOperator]) -> None:
        """Apply a rule; leave the operators to the host if there is no layer for them."""
        try:
            with self._builder.attempt():
                rule()
        except NotLoweredError as error:
            for operator in operators:
                self._call_host(operator, str(error))

    def _call_host(self, operator: QuantisedOperator, reason: str) -> None:
        for name in operator.inputs:
            self.see(name)
        self._builder.call_host(operator, reason)

    def _concatenate(self, operator: Concatenation) -> None:
        for name in operator.inputs:
            self._bytes_of(name)
        lower_concatenation(self._builder, operator)

    def _rearrange(self, operator: Rearranged) -> None:
        source, beat = self._bytes_of(operator.inputs[0]), self._builder.beat_bytes
        layout = layout_at(source.root, _moved(operator, source.addresses(beat)), beat)
        if layout is None:
            self._builder.deferred[operator.output] = operator
        else:
            self._builder.layouts[operator.output] = layout

    def _move(self, operator: Crop | Rearranged) -> None:
        source = self._bytes_of(operator.inputs[0])
        emit_addresses(
            self._builder,
            operator.name,
            operator.output,
            source.root,
            _moved(operator, source.addresses(self._builder.beat_bytes)),
            sources=operator.sources or (operator.name,),
        )

    def _pad(self, operator: Padded) -> None:
        self._bytes_of(operator.inputs[0])
        self._builder.deferred[operator.output] = operator

    def _make_padded(self, operator: Padded) -> None:
        """The copy of an image with its padding."""
        try:
            with self._builder.attempt():
                sources = operator.sources or (operator.name,)
                source = with_pixels_together(
                    self._builder,
                    self._builder.layouts[operator.inputs[0]],
                    tensor=operator.inputs[0],
                    sources=sources,
                )
                shape = self._builder.graph.tensors[operator.output].shape
                output = self._builder.new_region(
                    operator.output, copied_channels(source, self._builder.beat_bytes), *shape[1:]
                )
                emit_copy(
                    self._builder,
                    operator.name,
                    source,
                    output,
                    makes=operator.output,
                    sources=sources,
                    padding=operator.padding,
                    value=operator.value,
                )
        except NotLoweredError as error:
            self._builder.call_host(operator, str(error))

    # Chains ----------------------------------------------------------------------------------

    def _add_chain(self, chain: Chain) -> None:
        try:
            with self._builder.attempt():
                self._lower_chain(chain)
        except NotLoweredError as error:
            if len(chain.operators) == 1:
                self._call_host(chain.operators[0], str(error))
                return
            for operator in chain.operators:
                self.add(chain_of(operator, self._builder.options) or operator)

    def _lower_chain(self, chain: Chain) -> None:
        residual = None if chain.residual is None else self._bytes_of(chain.residual)
        source, padding = self._source(chain)
        if padding[1] > 0 or isinstance(chain.base, TransposedConvolution):
            source = with_pixels_together(
                self._builder, source, tensor=chain.source, sources=chain.sources
            )
        shape = self._builder.graph.tensors[chain.output].shape
        channels = self._output_channels(chain, source, residual)
        output = self._builder.new_region(chain.output, channels, *shape[1:])
        if chain.residual is not None and residual is not None:
            residual = with_channels(
                self._builder, residual, output, tensor=chain.residual, sources=chain.sources
            )
        epilogue = LayerEpilogue(residual=residual, addition=chain.addition, table=chain.table)
        base = chain.base
        if base is None or isinstance(base, Upsampling):
            self._emit_copies(chain, source, output, epilogue)
            return
        site = Site(
            name=chain.name,
            source=source,
            output=output,
            epilogue=epilogue,
            padding=padding,
            input_zero_point=_outside(self._builder.graph, chain),
            output_zero_point=_inside(self._builder.graph, base),
            makes=chain.output,
            sources=chain.sources,
        )
        if isinstance(base, Convolution):
            emit_convolution(self._builder, base, site)
        elif isinstance(base, TransposedConvolution):
            emit_transposed(self._builder, base, site)
        elif isinstance(base, MaximumPool):
            emit_maximum(self._builder, base, site)
        elif isinstance(base, AveragePool):
            emit_average(self._builder, base, site)

    def _source(self, chain: Chain) -> tuple[Layout, Sides]:
        """What the base reads, with its padding; a padded image that it need not read is left."""
        base = chain.base
        if not isinstance(base, Convolution | AveragePool | MaximumPool):
            return self._bytes_of(chain.source), NO_SIDES
        padded = self._builder.deferred.get(chain.source)
        if not isinstance(padded, Padded) or padded.value != _outside(self._builder.graph, chain):
            return self._bytes_of(chain.source), base.padding
        if min(*base.padding, *padded.padding) < 0:
            return self._bytes_of(chain.source), base.padding
        rows_above, columns_left, rows_below, columns_right = (
            mine + its for mine, its in zip(base.padding, padded.padding, strict=True)
        )
        sides = (rows_above, columns_left, rows_below, columns_right)
        return self._bytes_of(padded.inputs[0]), sides

    def _output_channels(
        self, chain: Chain, source: Layout, residual: Layout | None
    ) -> tuple[int, ...]:
        """Physical channels: the residual's where the layer may choose, else as they must be."""
        shape = self._builder.graph.tensors[chain.output].shape
        base, beat = chain.base, self._builder.beat_bytes
        if isinstance(base, Convolution | TransposedConvolution):
            if is_depthwise(base, len(source.channels)):
                return source.channels
            chooses = base.groups == 1
        elif base is None:
            if is_compact(source, beat) and (residual is None or not is_compact(residual, beat)):
                return source.channels
            chooses = True
        else:
            return source.channels
        if chooses and residual is not None and is_compact(residual, beat):
            return residual.channels
        return tuple(range(shape[0]))

    def _emit_copies(
        self, chain: Chain, source: Layout, output: Layout, epilogue: LayerEpilogue
    ) -> None:
        """Every pixel of the source at each place of its block of pixels."""
        factors = chain.base.factors if isinstance(chain.base, Upsampling) else (1, 1)
        for row in range(factors[0]):
            for column in range(factors[1]):
                emit_copy(
                    self._builder,
                    chain.name,
                    source,
                    output,
                    makes=chain.output,
                    sources=chain.sources,
                    epilogue=epilogue,
                    first=(row, column),
                    step=factors,
                )


def _outside(graph: QuantisedGraph, chain: Chain) -> int:
    """What the base of a chain sees outside of the image."""
    if isinstance(chain.base, MaximumPool):
        return OUTSIDE_OF_MAXIMUM
    if isinstance(chain.base, AveragePool):
        return chain.base.input_zero_point
    return graph.tensors[chain.source].zero_point


def _inside(graph: QuantisedGraph, base: QuantisedOperator) -> int:
    """The zero point of the sums of a base."""
    if isinstance(base, AveragePool):
        return base.output_zero_point
    return graph.tensors[base.output].zero_point


def _moved(operator: Crop | Rearranged, addresses: Addresses) -> Addresses:
    """The addresses of the output's numbers."""
    if isinstance(operator, Crop):
        slices = zip(operator.starts, operator.ends, operator.steps, strict=True)
        return addresses[tuple(slice(*part) for part in slices)]
    moved = addresses.reshape(operator.before).transpose(operator.axes)
    return moved.reshape(operator.after)


def _reason(operator: QuantisedOperator) -> str:
    """Why an operator without a rule goes to the host."""
    if isinstance(operator, HostFunction):
        return operator.reason or f"no layer computes {operator.kind}"
    return "the accelerator must have the optional hardware for it"
