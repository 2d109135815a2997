"""Which operators become one layer: a base, and the residual and the table behind it."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from naas_hw.graph.quantised import (
    AveragePool,
    Convolution,
    Lookup,
    MaximumPool,
    QuantisedGraph,
    QuantisedOperator,
    Sum,
    TransposedConvolution,
    Upsampling,
)
from naas_hw.workload.arithmetic.epilogue import Addition, Table, TablePlace
from naas_hw.workload.option import Option

BASES = (Convolution, TransposedConvolution, AveragePool, MaximumPool, Upsampling)
"""Operators whose outputs may go through an epilogue."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Chain:
    """Operators that become one layer, or one for each part of an image.

    Parameters
    ----------
    base : what the layer computes; None where it copies `source`.
    source : tensor that the layer reads.
    output : tensor that the chain makes; those between vanish.
    operators : all of it, in order.
    residual : tensor that is added; `addition` says how.
    """

    base: QuantisedOperator | None
    source: str
    output: str
    operators: tuple[QuantisedOperator, ...]
    residual: str | None = None
    addition: Addition | None = None
    table: Table | None = None

    @property
    def sources(self) -> tuple[str, ...]:
        """Names of the file's operators that went into it."""
        names = (name for op in self.operators for name in (op.sources or (op.name,)))
        return tuple(dict.fromkeys(names))

    @property
    def name(self) -> str:
        """Name of the operator that gives the layer its name."""
        return self.operators[0].name


def chains_of(
    graph: QuantisedGraph, options: frozenset[Option]
) -> tuple[Chain | QuantisedOperator, ...]:
    """The operators of a network in order, those that one layer computes together.

    A chain stands where its last operator stood: all that it reads is there then.
    """
    readers = _num_readers(graph)
    open_chains: dict[str, Chain] = {}
    steps: dict[str, Chain | QuantisedOperator] = {}
    for operator in graph.operators:
        chain = _grown(operator, open_chains, readers, options) or chain_of(operator, options)
        if chain is None:
            steps[operator.output] = operator
            continue
        for part in chain.operators[:-1]:
            steps.pop(part.output, None)
        steps[chain.output] = open_chains[chain.output] = chain
    return tuple(steps.values())


def swapped(addition: Addition) -> Addition:
    """The same addition of the two tensors in the other order."""
    return replace(
        addition,
        main_multiplier=addition.multiplier,
        multiplier=addition.main_multiplier,
        main_zero_point=addition.zero_point,
        zero_point=addition.main_zero_point,
    )


def _num_readers(graph: QuantisedGraph) -> dict[str, int]:
    """How often each tensor is read; being an output of the network counts."""
    counts = dict.fromkeys(graph.tensors, 0)
    read: Iterable[str] = (name for operator in graph.operators for name in operator.inputs)
    for name in (*read, *graph.outputs):
        counts[name] += 1
    return counts


def chain_of(operator: QuantisedOperator, options: frozenset[Option]) -> Chain | None:
    """The chain of an operator alone; None if there is none, or it needs missing hardware."""
    if isinstance(operator, MaximumPool) and Option.MAXIMUM not in options:
        return None
    single = Chain(
        base=None, source=operator.inputs[0], output=operator.output, operators=(operator,)
    )
    if isinstance(operator, BASES):
        return replace(single, base=operator)
    if isinstance(operator, Lookup) and Option.TABLE in options:
        return replace(single, table=Table(entries=operator.entries))
    if isinstance(operator, Sum) and Option.RESIDUAL in options:
        return replace(single, residual=operator.inputs[1], addition=operator.addition)
    return None


def _grown(
    operator: QuantisedOperator,
    chains: dict[str, Chain],
    readers: dict[str, int],
    options: frozenset[Option],
) -> Chain | None:
    """The chain of an input, with this operator behind it; None where there is no room."""
    candidates = [
        (chain, position)
        for position, name in enumerate(operator.inputs)
        if readers[name] == 1 and (chain := chains.get(name)) is not None
    ]
    if isinstance(operator, Lookup) and Option.TABLE in options:
        return next(
            (_with_table(chain, operator) for chain, _ in candidates if not chain.table), None
        )
    if isinstance(operator, Sum) and Option.RESIDUAL in options:
        free = [(chain, position) for chain, position in candidates if chain.residual is None]
        if free:
            return _with_residual(*max(free, key=lambda found: _rank(found[0])), operator)
    return None


def _rank(chain: Chain) -> int:
    """Dense layers come first: they can put their outputs into any channel."""
    base = chain.base
    dense = isinstance(base, Convolution | TransposedConvolution) and base.groups == 1
    return 2 if dense else 1


def _with_table(chain: Chain, operator: Lookup) -> Chain:
    place = TablePlace.BEFORE_RESIDUAL if chain.residual is None else TablePlace.AFTER_RESIDUAL
    return replace(
        chain,
        output=operator.output,
        operators=(*chain.operators, operator),
        table=Table(entries=operator.entries, place=place),
    )


def _with_residual(chain: Chain, position: int, operator: Sum) -> Chain:
    addition = operator.addition if position == 0 else swapped(operator.addition)
    return replace(
        chain,
        output=operator.output,
        operators=(*chain.operators, operator),
        residual=operator.inputs[1 - position],
        addition=addition,
    )
