"""A model's operators as plain values: what the importers make and `classify` reads.

No torch in here; operators are named as in ATen (`conv2d`, `batch_norm`), in-place ones without
their underscore.
"""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Reference:
    """A tensor, by name, as argument of an operator."""

    name: str


@dataclass(frozen=True, kw_only=True)
class TracedOperator:
    """One operator of a graph.

    Parameters
    ----------
    name : of the node.
    kind : ATen's name without namespace, overload and trailing underscore; other namespaces keep
        theirs (`mylib.myop`).
    arguments : by name; `Reference`, number, text, None, or a list of such. Those left at their
        default may be missing.
    outputs : names of the tensors that it makes.
    in_place : whether it writes into the tensor that it works on.
    """

    name: str
    kind: str
    arguments: dict[str, object] = field(default_factory=dict)
    outputs: tuple[str, ...] = ()
    in_place: bool = False

    @property
    def inputs(self) -> tuple[str, ...]:
        """Names of the tensors that it reads."""
        return tuple(name for value in self.arguments.values() for name in references(value))


@dataclass(frozen=True, kw_only=True)
class TracedGraph:
    """The operators in order of execution.

    Parameters
    ----------
    shapes : of each tensor; -1 for a size that is not fixed.
    constants : tensor -> its name in the model: parameters, buffers that are not written to,
        constants.
    results : tensors that the model returns.
    inputs : tensors that its user hands in, in order.
    dtypes : of each tensor, as torch names them: `float32`, `int8`.
    """

    operators: tuple[TracedOperator, ...]
    shapes: dict[str, tuple[int, ...]]
    constants: dict[str, str]
    results: tuple[str, ...]
    num_parameters: int
    inputs: tuple[str, ...] = ()
    dtypes: dict[str, str] = field(default_factory=dict)


def references(value: object) -> tuple[str, ...]:
    """Names of the tensors in an argument."""
    if isinstance(value, Reference):
        return (value.name,)
    if isinstance(value, list | tuple):
        return tuple(name for item in value for name in references(item))
    return ()


def operator_kind(target: str) -> str:
    """The kind of an operator from the name that torch gives its overload.

    >>> operator_kind("aten.relu_.default"), operator_kind("torch.ops.quantized.add.default")
    ('relu', 'quantized.add')
    """
    namespace, _, rest = target.removeprefix("torch.ops.").partition(".")
    name = rest.split(".")[0] or namespace
    name = name if name.startswith("__") else name.rstrip("_")
    return name if namespace in ("aten", "_operator", name) else f"{namespace}.{name}"


def is_in_place(target: str) -> bool:
    """Whether an operator writes into what it reads, from the name that torch gives its overload.

    >>> is_in_place("aten.relu_.default"), is_in_place("aten.relu.default")
    (True, False)
    """
    name = target.removeprefix("torch.ops.").partition(".")[2].split(".")[0]
    return name.endswith("_") and not name.endswith("__")
