"""A graph -> its layers, and a verdict on every operator; never stops at the first problem."""

import re
from collections import Counter
from dataclasses import dataclass, field
from typing import Final

from naas_hw.workload.check import OperatorCheck, Verdict
from naas_hw.workload.graph import Graph, Operator, Reference, references
from naas_hw.workload.layer import Activation, Layer
from naas_hw.workload.translate import (
    PRODUCTS,
    TRANSLATORS,
    NotMappable,
    input_of,
    translate,
    weight_of,
)

BATCH_NORMS: Final = frozenset(
    {
        "batch_norm",
        "_batch_norm_impl_index",
        "native_batch_norm",
        "cudnn_batch_norm",
        "_native_batch_norm_legit",
        "_native_batch_norm_legit_no_training",
    }
)
CLAMPS: Final = frozenset({"relu", "relu6", "hardtanh", "clamp", "clamp_min"})
IDENTITIES: Final = frozenset(
    "alias clone contiguous detach dropout feature_dropout getitem identity lift_fresh_copy".split()
)
RESHAPES: Final = frozenset(
    "_unsafe_view flatten reshape squeeze unflatten unsqueeze view view_as".split()
)
FACTORIES: Final = frozenset("arange empty eye full linspace ones scalar_tensor zeros".split())
HOST: Final = frozenset(
    """
    _adaptive_avg_pool2d _log_softmax _softmax abs adaptive_avg_pool1d adaptive_avg_pool2d
    adaptive_max_pool2d add amax amin argmax argmin avg_pool2d cat channel_shuffle chunk concat
    constant_pad_nd div elu exp expand gelu glu group_norm hardsigmoid hardswish index
    index_select instance_norm layer_norm leaky_relu log log_softmax max max_pool2d
    max_pool2d_with_indices maximum mean min minimum mish movedim mul narrow native_group_norm
    native_layer_norm neg numpy_T pad permute pixel_shuffle pixel_unshuffle pow prelu
    reflection_pad2d repeat replication_pad2d roll rsqrt rsub select sigmoid silu slice softmax
    softplus split split_with_sizes sqrt stack sub sum t tanh topk transpose unbind
    upsample_bicubic2d upsample_bilinear2d upsample_nearest2d zeros_like ones_like
    """.split()
)
_HEAVY: Final = {
    "conv1d": "a convolution must have two spatial axes, not 1",
    "conv3d": "a convolution must have two spatial axes, not 3",
    "conv_transpose1d": "a convolution must have two spatial axes, not 1",
    "conv_transpose3d": "a convolution must have two spatial axes, not 3",
    "bmm": "one factor of a product must be weights, not both activations",
    "baddbmm": "one factor of a product must be weights, not both activations",
    "gru": "a recurrent layer must be unrolled into linear ones",
    "lstm": "a recurrent layer must be unrolled into linear ones",
    "scaled_dot_product_attention": "one factor of a product must be weights, not activations",
}


@dataclass(frozen=True, kw_only=True)
class Classification:
    """The layers of a graph, and what became of each operator."""

    layers: tuple[Layer, ...]
    checks: tuple[OperatorCheck, ...]


def classify(graph: Graph) -> Classification:
    """Map, fold or set aside every operator of a graph."""
    walk = _Walk(graph=graph)
    for operator in graph.operators:
        walk.visit(operator)
    return Classification(layers=tuple(walk.layers), checks=tuple(walk.checks))


@dataclass(kw_only=True)
class _Walk:
    """What is known between two operators.

    `tails` : tensor -> index of the layer whose result it is, but for a batch norm and an
    activation. `channels_last` : layers whose results have their channels on the last of several
    axes. `sources` : constant tensor -> its name in the model.
    """

    graph: Graph
    layers: list[Layer] = field(default_factory=list)
    checks: list[OperatorCheck] = field(default_factory=list)
    tails: dict[str, int] = field(default_factory=dict)
    channels_last: set[int] = field(default_factory=set)
    sources: dict[str, str] = field(init=False)
    num_uses: Counter[str] = field(init=False)

    def __post_init__(self) -> None:
        self.sources = dict(self.graph.constants)
        used = [name for operator in self.graph.operators for name in operator.inputs]
        self.num_uses = Counter([*used, *self.graph.results])

    def visit(self, operator: Operator) -> None:
        """Judge one operator."""
        kind = operator.kind
        if self._is_constant(operator):
            self._fold(operator, "does not depend on the input")
        elif kind in TRANSLATORS:
            self._map(operator)
        elif kind in BATCH_NORMS:
            self._visit_batch_norm(operator)
        elif kind in CLAMPS:
            self._visit_clamp(operator)
        elif kind in IDENTITIES:
            self._visit_identity(operator)
        elif kind in RESHAPES:
            self._fold(operator, "changes the shape only")
        elif kind in HOST:
            self._add(operator, Verdict.HOST, "no layer of the accelerator computes it")
        else:
            reason = _HEAVY.get(kind, f"operator must be a known one, not {kind}")
            self._add(operator, Verdict.UNSUPPORTED, reason)

    def _add(
        self, operator: Operator, verdict: Verdict, reason: str, layer: str | None = None
    ) -> None:
        self.checks.append(
            OperatorCheck(
                name=operator.name,
                operator=operator.kind,
                verdict=verdict,
                reason=reason,
                layer=layer,
            )
        )

    def _fold(self, operator: Operator, reason: str, index: int | None = None) -> None:
        """Fold an operator, into layer `index` if one is given."""
        if index is not None:
            self.tails |= dict.fromkeys(operator.outputs[:1], index)
        layer = None if index is None else self.layers[index].name
        self._add(operator, Verdict.FOLDED, reason, layer)

    def _is_constant(self, operator: Operator) -> bool:
        """Does it read constants only, or nothing? Then so are its results."""
        inputs = operator.inputs
        if not inputs and operator.kind not in FACTORIES:
            return False
        if any(name not in self.sources for name in inputs):
            return False
        source = self.sources[inputs[0]] if inputs else operator.name
        self.sources |= dict.fromkeys(operator.outputs, source)
        return True

    def _map(self, operator: Operator) -> None:
        weight = weight_of(operator)
        try:
            if weight not in self.sources:
                raise NotMappable("weights must be constant, not computed from the input")
            if input_of(operator) in self.sources:
                raise NotMappable("the input must not be constant")
            layer = translate(operator, self.graph.shapes, self._layer_name(operator, weight))
        except NotMappable as problem:
            self._add(operator, Verdict.UNSUPPORTED, str(problem))
            return
        result = operator.outputs[0]
        self.tails[result] = len(self.layers)
        if operator.kind in PRODUCTS and len(self.graph.shapes.get(result, ())) != 2:
            self.channels_last.add(len(self.layers))
        self.layers.append(layer)
        self._add(operator, Verdict.MAPPED, describe(layer), layer.name)

    def _layer_name(self, operator: Operator, weight: str) -> str:
        """The name of the module that holds the weights; numbered when it is called again."""
        source = re.sub(r"[._]?weight$", "", self.sources[weight]) or operator.name
        name = clean_name(source)
        taken = {layer.name for layer in self.layers}
        numbered = (f"{name[:90]}_{number}" for number in range(2, len(taken) + 3))
        return next(found for found in (name, *numbered) if found not in taken)

    def _tail(self, operator: Operator) -> int | None:
        """The layer whose result this operator alone reads."""
        first = references(next(iter(operator.arguments.values()), None))
        if len(first) != 1 or self.num_uses[first[0]] != 1:
            return None
        return self.tails.get(first[0])

    def _visit_batch_norm(self, operator: Operator) -> None:
        index = self._tail(operator)
        if operator.arguments.get("training"):
            self._add(operator, Verdict.UNSUPPORTED, "batch norm must be in evaluation mode")
        elif index in self.channels_last:
            self._add(operator, Verdict.HOST, "batch norm is along rows, not output channels")
        elif index is None or self.layers[index].activation is not Activation.NONE:
            self._add(operator, Verdict.HOST, "batch norm does not directly follow a layer")
        else:
            self._fold(operator, "goes into weights and bias", index)

    def _visit_clamp(self, operator: Operator) -> None:
        index = self._tail(operator)
        activation = activation_of(operator)
        if activation is None:
            self._add(operator, Verdict.HOST, "its limits are not those of ReLU or ReLU6")
        elif index is None or self.layers[index].activation is not Activation.NONE:
            self._add(operator, Verdict.HOST, "activation does not directly follow a layer")
        else:
            update = {"activation": activation}
            self.layers[index] = self.layers[index].model_copy(update=update)
            self._fold(operator, "clamps after requantisation", index)

    def _visit_identity(self, operator: Operator) -> None:
        if operator.arguments.get("train"):
            self._add(operator, Verdict.UNSUPPORTED, "dropout must be in evaluation mode")
        else:
            self._fold(operator, "does nothing at inference", self._tail(operator))


def activation_of(operator: Operator) -> Activation | None:
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
