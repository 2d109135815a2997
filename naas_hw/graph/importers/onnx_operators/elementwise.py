"""Functions of one number, and of two tensors."""

import math
from typing import Final

import numpy as np

from naas_hw.graph.graph import Attribute
from naas_hw.graph.importers.onnx_node import Node
from naas_hw.graph.importers.onnx_operators.convolution import scaled
from naas_hw.graph.importers.onnx_operators.handler import Handler


def _function(kind: str, **defaults: float) -> Handler:
    """A function of one number, with the attributes that ONNX calls as we do."""

    def handle(node: Node) -> None:
        attributes: dict[str, Attribute] = {
            name: float(node.get(name, value)) for name, value in defaults.items()
        }
        node.add(kind, (node.required(0),), attributes, last=True)

    return handle


def _of_two(kind: str) -> Handler:
    def handle(node: Node) -> None:
        node.add(kind, (node.required(0), _second(node)), last=True)

    return handle


def _second(node: Node) -> str:
    """The second input; before opset 7 an attribute placed its axes."""
    name, rank = node.required(1), len(node.shape())
    shape = node.builder.shape(name)
    if node.opset >= 7 or not node.get("broadcast", 0) or node.get("axis") is None:
        return name
    after = rank - node.axis("axis", 0, rank) - len(shape)
    return node.reshape(name, (*shape, *(1,) * after)) if after > 0 else name


def _of_many(kind: str) -> Handler:
    """`Sum`, `Max`, `Min`: one operator for each input behind the first."""

    def handle(node: Node) -> None:
        first, *others = (node.required(index) for index in range(len(node.inputs)))
        if not others:
            node.add("identity", (first,), last=True)
        for index, other in enumerate(others):
            first = node.add(kind, (first, other), last=index == len(others) - 1)

    return handle


def mean(node: Node) -> None:
    """`Mean` of tensors."""
    total, *others = (node.required(index) for index in range(len(node.inputs)))
    for other in others:
        total = node.add("add", (total, other))
    share = np.array(1 / len(node.inputs), dtype=node.builder.dtype(total))
    node.add("multiply", (total, node.constant("share", share)), last=True)


def clip(node: Node) -> None:
    """`Clip`: bounds are attributes, or inputs from opset 11 on."""
    low, high = node.number("min", 1), node.number("max", 2)
    node.add(
        "clamp",
        (node.required(0),),
        {"minimum": _bound(low, -math.inf), "maximum": _bound(high, math.inf)},
        last=True,
    )


def _bound(value: float | None, none: float) -> float | None:
    """A bound; the largest number of float32 is none."""
    if value is None or value == none or abs(value) >= np.finfo(np.float32).max:
        return None
    return value


def relu(node: Node) -> None:
    """`Relu`."""
    node.add("clamp", (node.required(0),), {"minimum": 0.0, "maximum": None}, last=True)


def prelu(node: Node) -> None:
    """`PRelu`; before opset 7 its slopes belong to axis 1."""
    slope, rank = node.required(1), len(node.shape())
    shape = node.builder.shape(slope)
    if len(shape) == 1 and node.opset < 7 and rank > 2:
        slope = node.reshape(slope, (*shape, *(1,) * (rank - 2)))
    node.add("prelu", (node.input(0), slope), last=True)


def gelu(node: Node) -> None:
    """`Gelu`, exact or by tanh."""
    approximate = node.get("approximate", "none") == "tanh"
    node.add("gelu", (node.required(0),), {"approximate": approximate}, last=True)


def fast_gelu(node: Node) -> None:
    """`FastGelu` of com.microsoft, with an optional bias."""
    image = node.required(0)
    if node.input(1):
        image = node.add("add", (image, node.input(1)))
    node.add("gelu", (image,), {"approximate": node.operator == "FastGelu"}, last=True)


def swish(node: Node) -> None:
    """`Swish` and `QuickGelu`: x sigmoid(alpha x)."""
    image = node.required(0)
    alpha = float(node.get("alpha", 1.702 if node.operator == "QuickGelu" else 1.0))
    if alpha == 1:
        node.add("silu", (image,), last=True)
        return
    gate = node.add("sigmoid", (scaled(node, image, alpha),))
    node.add("multiply", (image, gate), last=True)


def reciprocal(node: Node) -> None:
    """`Reciprocal`: 1 / x."""
    one = node.constant("one", np.array(1, dtype=node.builder.dtype(node.required(0))))
    node.add("divide", (one, node.input(0)), last=True)


def softsign(node: Node) -> None:
    """`Softsign`: x / (1 + |x|)."""
    image = node.required(0)
    one = node.constant("one", np.array(1, dtype=node.builder.dtype(image)))
    divisor = node.add("add", (node.add("absolute", (image,)), one))
    node.add("divide", (image, divisor), last=True)


def selu(node: Node) -> None:
    """`Selu`: gamma times ELU."""
    alpha, gamma = node.get("alpha", 1.67326319217681884765625), node.get("gamma", 1.05070102214813)
    plain = node.add("elu", (node.required(0),), {"alpha": float(alpha)})
    factor = node.constant("gamma", np.array(gamma, dtype=node.builder.dtype(plain)))
    node.add("multiply", (plain, factor), last=True)


def celu(node: Node) -> None:
    """`Celu`: alpha times ELU of x / alpha."""
    image, alpha = node.required(0), float(node.get("alpha", 1.0))
    plain = node.add("elu", (scaled(node, image, 1 / alpha),), {"alpha": 1.0})
    factor = node.constant("alpha", np.array(alpha, dtype=node.builder.dtype(plain)))
    node.add("multiply", (plain, factor), last=True)


def identity(node: Node) -> None:
    """`Identity`, and `Dropout` unless it is told to train."""
    if node.operator == "Dropout" and node.number("", 2):
        raise node.error("a model must be exported for inference, not for training")
    node.add("identity", (node.required(0),), last=True)


HANDLERS: Final[dict[str, Handler]] = {
    "Add": _of_two("add"),
    "Sub": _of_two("subtract"),
    "Mul": _of_two("multiply"),
    "Div": _of_two("divide"),
    "Pow": _of_two("power"),
    "Sum": _of_many("add"),
    "Max": _of_many("maximum"),
    "Min": _of_many("minimum"),
    "Mean": mean,
    "Clip": clip,
    "Relu": relu,
    "PRelu": prelu,
    "Sigmoid": _function("sigmoid"),
    "Tanh": _function("tanh"),
    "HardSwish": _function("hard_swish"),
    "HardSigmoid": _function("hard_sigmoid", alpha=0.2, beta=0.5),
    "Softplus": _function("softplus"),
    "Mish": _function("mish"),
    "Exp": _function("exp"),
    "Log": _function("log"),
    "Sqrt": _function("sqrt"),
    "Abs": _function("absolute"),
    "Neg": _function("negate"),
    "Erf": _function("erf"),
    "LeakyRelu": _function("leaky_relu", alpha=0.01),
    "Elu": _function("elu", alpha=1.0),
    "Selu": selu,
    "Celu": celu,
    "Gelu": gelu,
    "FastGelu": fast_gelu,
    "BiasGelu": fast_gelu,
    "Swish": swish,
    "QuickGelu": swish,
    "Reciprocal": reciprocal,
    "Softsign": softsign,
    "Identity": identity,
    "Dropout": identity,
}
