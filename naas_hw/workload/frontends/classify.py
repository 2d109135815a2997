"""A graph -> its layers, and a verdict on every operator; never stops at the first problem.

The rule. Each argument of an operator that is mapped or folded is a constant, or it is handled, or
it is named: a bias that is computed from the input becomes an addition of the host's.

- `mapped`: a product with constant weights, as a layer.
- `folded`: what depends on no input, what computes nothing at inference, and what goes into the
  weights, the bias or the clamp of the layer directly before it.
- `host`: all else. Of what has multiply-accumulates of its own (products of two activations,
  attention) the check says how many are not covered by the accelerator; of an operator that is
  not one of ATen the number is unknown.
- `unsupported`: a layer with constant weights that no layer of the accelerator can say (three
  spatial axes, sizes that are not fixed ...), and training mode. Such work is what the accelerator
  is for, so it is not left to the host without a word; naming the operator as one of the host's
  (`--host`) does that.
"""

import re
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Final

from naas_hw.workload.check import UNKNOWN, Macs, OperatorCheck, Verdict
from naas_hw.workload.frontends.graph import Reference, TracedGraph, TracedOperator, references
from naas_hw.workload.frontends.host_work import host_macs
from naas_hw.workload.frontends.operands import EITHER_FACTOR, WEIGHTED, Operands, operands_of
from naas_hw.workload.frontends.operators import (
    BATCH_NORMS,
    CASTS,
    CLAMPS,
    FACTORIES,
    FILLERS,
    IDENTITIES,
    RANDOM,
    RECURRENT,
    RESHAPES,
    keeps_values,
    only_checks,
)
from naas_hw.workload.frontends.translate import Source, Translation, translate
from naas_hw.workload.frontends.unmappable import UnmappableError
from naas_hw.workload.layer import Activation, Layer

NO_PROGRAM: Final = "no program is written for it, so it counts in no total"
_NO_LAYER: Final = "no layer of the accelerator computes it"
_NOT_COVERED: Final = "its multiply-accumulates are not covered"


@dataclass(frozen=True, kw_only=True)
class Classification:
    """The layers of a graph, and what became of each operator."""

    layers: tuple[Layer, ...]
    checks: tuple[OperatorCheck, ...]


def classify(graph: TracedGraph, *, host: Collection[str] = ()) -> Classification:
    """Map, fold or set aside every operator of a graph.

    Parameters
    ----------
    host : kinds of operators that are left to the host, whatever else they could be.
    """
    walk = _Walk(graph=graph, forced=frozenset(host))
    for operator in graph.operators:
        walk.visit(operator)
    return Classification(layers=tuple(walk.layers), checks=tuple(walk.checks))


@dataclass(kw_only=True)
class _Walk:
    """What is known between two operators.

    `tails` : tensor -> index of the layer whose result it is, but for a batch norm and an
    activation. `unlike_norm` : layers whose output channels do not lie on axis 1 alone, along which
    batch norm works. `sources` : constant tensor -> its name in the model. `makers` : constant
    tensor -> the operator that made it.
    """

    graph: TracedGraph
    forced: frozenset[str] = frozenset()
    layers: list[Layer] = field(default_factory=list)
    checks: list[OperatorCheck] = field(default_factory=list)
    tails: dict[str, int] = field(default_factory=dict)
    unlike_norm: set[int] = field(default_factory=set)
    sources: dict[str, str] = field(init=False)
    makers: dict[str, TracedOperator] = field(default_factory=dict)
    num_uses: Counter[str] = field(init=False)

    def __post_init__(self) -> None:
        self.sources = dict(self.graph.constants)
        used = [name for operator in self.graph.operators for name in operator.inputs]
        self.num_uses = Counter([*used, *self.graph.results])

    def visit(self, operator: TracedOperator) -> None:
        """Judge one operator."""
        if not self._is_settled(operator):
            self._visit_kind(operator)
        self._note_change(operator)

    def _is_settled(self, operator: TracedOperator) -> bool:
        """Judge an operator that needs no look at what its kind computes; whether it is one."""
        kind = operator.kind
        if only_checks(kind):
            self._keep_constant(operator)
            self._fold(operator, "computes nothing: it asserts, or reads a size")
        elif not operator.outputs and kind in WEIGHTED:
            self._refuse(operator, "a layer must have a result, not none")
        elif not operator.outputs:
            self._fold(operator, "has no result")
        elif self._is_constant(operator):
            self._keep_constant(operator)
            self._fold(operator, "does not depend on the input")
        elif kind in self.forced:
            self._leave(operator, "it was named as one of the host's")
        else:
            return False
        return True

    def _visit_kind(self, operator: TracedOperator) -> None:
        """Judge an operator by its kind."""
        kind = operator.kind
        if kind in WEIGHTED:
            self._visit_weighted(operator)
        elif kind in RECURRENT:
            self._refuse(operator, "a recurrent layer must be unrolled into linear ones")
        elif kind in BATCH_NORMS:
            self._visit_batch_norm(operator)
        elif kind in CLAMPS:
            self._visit_clamp(operator)
        elif kind in IDENTITIES:
            self._visit_identity(operator)
        elif kind in CASTS:
            self._visit_cast(operator)
        elif kind in RESHAPES or self._is_same_size(operator):
            self._fold(operator, "changes the shape only")
        else:
            self._leave(operator, _NO_LAYER)

    # Verdicts --------------------------------------------------------------------------------

    def _add(
        self,
        operator: TracedOperator,
        verdict: Verdict,
        reason: str,
        layer: str | None = None,
        *,
        macs: Macs = 0,
    ) -> None:
        self.checks.append(
            OperatorCheck(
                name=operator.name,
                operator=operator.kind,
                verdict=verdict,
                reason=reason,
                layer=layer,
                macs_not_covered=macs,
            )
        )

    def _fold(self, operator: TracedOperator, reason: str, index: int | None = None) -> None:
        """Fold an operator, into layer `index` if one is given."""
        if index is not None:
            self.tails |= dict.fromkeys(operator.outputs[:1], index)
        layer = None if index is None else self.layers[index].name
        self._add(operator, Verdict.FOLDED, reason, layer)

    def _refuse(self, operator: TracedOperator, reason: str) -> None:
        """Name an operator as unsupported."""
        macs = host_macs(operator, self.graph.shapes)
        self._add(operator, Verdict.UNSUPPORTED, reason, macs=UNKNOWN if macs is None else macs)

    def _leave(self, operator: TracedOperator, reason: str) -> None:
        """Leave an operator to the host, with what it costs there."""
        macs = host_macs(operator, self.graph.shapes)
        text = reason if macs == 0 else f"{reason}; {_NOT_COVERED}"
        self._add(operator, Verdict.HOST, text, macs=UNKNOWN if macs is None else macs)

    # Constants -------------------------------------------------------------------------------

    def _is_constant(self, operator: TracedOperator) -> bool:
        """Whether it reads constants only, or nothing, or only the shape of something."""
        if operator.kind in RANDOM or operator.arguments.get("train"):
            return False
        inputs = operator.inputs
        if operator.kind in FILLERS:
            inputs = inputs[1:]
        elif not inputs:
            return operator.kind in FACTORIES
        return all(name in self.sources for name in inputs)

    def _keep_constant(self, operator: TracedOperator) -> None:
        """The results are constants, named after the first that they are made of."""
        named = [self.sources[name] for name in operator.inputs if name in self.sources]
        source = named[0] if named else operator.name
        self.sources |= dict.fromkeys(operator.outputs, source)
        self.makers |= dict.fromkeys(operator.outputs, operator)

    def _note_change(self, operator: TracedOperator) -> None:
        """Forget a constant into which an operator writes what is computed.

        What shares the memory of that constant is forgotten too.
        """
        first = _main_input(operator)
        if not operator.in_place or first not in self.sources:
            return
        if any(name in self.sources for name in operator.outputs):
            return
        source = self.sources[first]
        self.sources = {name: made for name, made in self.sources.items() if made != source}

    def _is_repeated(self, tensor: str) -> bool:
        """Whether a constant matrix is repeated along new or leading axes, and nothing else."""
        maker = self.makers.get(tensor)
        seen = self.graph.shapes.get(tensor, ())
        for _ in self.makers:
            if maker is None or not maker.inputs:
                break
            before = self.graph.shapes.get(maker.inputs[0], ())
            if maker.kind == "expand":
                return before[-2:] == seen[-2:] and all(size == 1 for size in before[:-2])
            same = before[-2:] == seen[-2:] and maker.kind in (*RESHAPES, *IDENTITIES)
            maker = self.makers.get(maker.inputs[0]) if same else None
        return False

    def _is_same_size(self, operator: TracedOperator) -> bool:
        """Whether it is an expansion that repeats nothing."""
        shapes, inputs = self.graph.shapes, operator.inputs
        if operator.kind != "expand" or not inputs:
            return False
        before, after = shapes.get(inputs[0], ()), shapes.get(operator.outputs[0], ())
        return -1 not in after and [n for n in before if n > 1] == [n for n in after if n > 1]

    # Layers ----------------------------------------------------------------------------------

    def _visit_weighted(self, operator: TracedOperator) -> None:
        operands = operands_of(operator, self.sources)
        if isinstance(operands, str):
            self._leave(operator, operands)
            return
        name = self._layer_name(operator, operands.weight)
        source = Source(
            operator=operator,
            operands=operands,
            shapes=self.graph.shapes,
            is_repeated=self._is_repeated(operands.weight),
            name=name,
        )
        try:
            made = translate(source)
        except UnmappableError as problem:
            self._refuse(operator, str(problem))
            return
        self._map(operator, operands, made)

    def _map(self, operator: TracedOperator, operands: Operands, made: Translation) -> None:
        """Keep a layer, and leave to the host what is added to it and is no bias."""
        index, layer = len(self.layers), made.layer
        self.layers.append(layer)
        if made.channel_axes != (1,):
            self.unlike_norm.add(index)
        reason = self._why_no_bias(operator, operands, made)
        notes = [describe(layer)]
        if operands.scales != (1, 1):
            notes.append("alpha and beta go into weights and bias")
        if reason is not None:
            notes.append("without a bias")
            if operands.scales[1] != 1:
                notes.append(f"the host multiplies the addend by beta, {operands.scales[1]:g}")
        if not layer.has_program:
            notes.append(NO_PROGRAM)
        macs = 0 if layer.has_program else layer.num_macs
        self._add(operator, Verdict.MAPPED, "; ".join(notes), layer.name, macs=macs)
        if reason is None:
            self.tails[operator.outputs[0]] = index
        else:
            addition = TracedOperator(name=f"{operator.name}.bias", kind="add")
            self._add(addition, Verdict.HOST, f"adds to {layer.name}: {reason}", layer.name)

    def _why_no_bias(
        self, operator: TracedOperator, operands: Operands, made: Translation
    ) -> str | None:
        """Why what is added is no bias of the layer; None if it is, or if nothing is added."""
        if operands.addend is None:
            return None
        if operands.addend not in self.sources:
            return "its bias is computed from the input"
        if operator.kind not in EITHER_FACTOR:
            return None
        num_axes = len(self.graph.shapes.get(operator.outputs[0], ()))
        shape = self.graph.shapes.get(operands.addend, ())
        others = [
            size
            for axis, size in enumerate(shape, start=num_axes - len(shape))
            if axis not in made.channel_axes
        ]
        if any(size != 1 for size in others):
            return "what is added differs from row to row"
        return None

    def _layer_name(self, operator: TracedOperator, weight: str) -> str:
        """The name of the module that holds the weights; numbered when it is called again."""
        source = re.sub(r"[._]?weight$", "", self.sources[weight]) or operator.name
        name = clean_name(source)
        taken = {layer.name for layer in self.layers}
        numbered = (f"{name[:90]}_{number}" for number in range(2, len(taken) + 3))
        return next(unused for unused in (name, *numbered) if unused not in taken)

    # What follows a layer --------------------------------------------------------------------

    def _tail(self, operator: TracedOperator) -> int | None:
        """The layer whose result this operator alone reads."""
        first = _main_input(operator)
        if first is None or self.num_uses[first] != 1:
            return None
        return self.tails.get(first)

    def _has_computed_parameters(self, operator: TracedOperator) -> bool:
        """Whether a tensor other than the main input is computed."""
        main = _main_input(operator)
        return operator.inputs.count(main or "") > 1 or any(
            name not in self.sources for name in operator.inputs if name != main
        )

    def _visit_batch_norm(self, operator: TracedOperator) -> None:
        index = self._tail(operator)
        arguments = operator.arguments
        is_training = bool(arguments.get("training"))
        if is_training and arguments.get("running_mean") is not None:
            self._refuse(operator, "batch norm must be in evaluation mode")
        elif is_training or operator.kind == "_batch_norm_no_update":
            self._leave(operator, "its statistics are those of its input")
        elif self._has_computed_parameters(operator):
            self._leave(operator, "its parameters are computed from the input")
        elif index in self.unlike_norm:
            self._leave(operator, "batch norm is along rows, not output channels")
        elif index is None or self.layers[index].activation is not Activation.NONE:
            self._leave(operator, "batch norm does not directly follow a layer")
        else:
            self._fold(operator, "goes into weights and bias", index)

    def _visit_clamp(self, operator: TracedOperator) -> None:
        index = self._tail(operator)
        activation = activation_of(operator)
        if activation is None:
            self._leave(operator, "its limits are not those of ReLU or ReLU6")
        elif index is None or self.layers[index].activation is not Activation.NONE:
            self._leave(operator, "activation does not directly follow a layer")
        else:
            update = {"activation": activation}
            self.layers[index] = self.layers[index].model_copy(update=update)
            self._fold(operator, "clamps after requantisation", index)

    def _visit_identity(self, operator: TracedOperator) -> None:
        if operator.arguments.get("train"):
            self._refuse(operator, "dropout must be in evaluation mode")
        elif self._has_computed_parameters(operator):
            self._leave(operator, _NO_LAYER)
        else:
            is_other = operator.kind == "getitem" and 0 not in operator.arguments.values()
            index = None if is_other else self._tail(operator)
            self._fold(operator, "does nothing at inference", index)

    def _visit_cast(self, operator: TracedOperator) -> None:
        dtype = operator.arguments.get("dtype")
        if len(operator.inputs) != 1 or not keeps_values(operator.kind, dtype):
            self._leave(operator, "it may round, and no layer of the accelerator does that")
        else:
            self._fold(operator, "changes the number format only", self._tail(operator))


def _main_input(operator: TracedOperator) -> str | None:
    """The tensor that an operator works on: `self`, `input`, or else its first argument."""
    arguments = operator.arguments
    first = next(iter(arguments.values()), None)
    value = next((arguments[name] for name in ("self", "input") if name in arguments), first)
    names = references(value)
    return names[0] if len(names) == 1 else None


def activation_of(operator: TracedOperator) -> Activation | None:
    """Which activation a clamping operator is, if one."""
    arguments = operator.arguments
    match operator.kind:
        case "relu":
            limits: tuple[object, object] = (0, None)
        case "relu6":
            limits = (0, 6)
        case "hardtanh":
            limits = (arguments.get("min_val", -1), arguments.get("max_val", 1))
        case _:
            limits = (arguments.get("min"), arguments.get("max"))
    if any(isinstance(limit, Reference) for limit in limits):
        return None
    known: dict[tuple[object, object], Activation] = {
        (0, None): Activation.RELU,
        (0, 6): Activation.RELU6,
    }
    return known.get(limits)


def clean_name(text: str) -> str:
    """`text` as a `Name`.

    >>> clean_name("features/0 (conv)")
    'features_0__conv_'
    """
    name = re.sub(r"[^A-Za-z0-9_.-]", "_", text)[:100]
    return name if name[:1].isalnum() or name[:1] == "_" else f"_{name}"[:100]


def describe(layer: Layer) -> str:
    """A layer in a line: `conv K64 C3 P112 Q112 R7 S7`.

    >>> describe(Layer(name="fc", kind="linear", K=10, C=64, height=1, width=1))
    'linear K10 C64'
    """
    bounds = [f"{dim}{bound}" for dim, bound in layer.bounds.items() if bound > 1]
    groups = [f"groups {layer.groups}"] if layer.groups > 1 else []
    return " ".join([layer.kind.value, *bounds, *groups])
