"""How far the integer meaning is from those who defined the formats.

Each operator is given the other side's own input bytes, so a difference is this operator's and no
other's. The other side is LiteRT with its reference kernels for TFLite files, `onnx.reference` for
quantised ONNX files.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from naas_hw.core.errors import InputError, ToolError
from naas_hw.graph.fold.folding import folded
from naas_hw.graph.graph import Array
from naas_hw.graph.importers.reader import read_graph
from naas_hw.graph.importers.tflite_tables import read_tables
from naas_hw.graph.integer_execution import run_operator
from naas_hw.graph.integer_form import quantised_graph
from naas_hw.graph.integers.values import Quantisation
from naas_hw.graph.quantised import (
    Convolution,
    HostFunction,
    QuantisedGraph,
    QuantisedOperator,
    QuantisedTensor,
)

_IMAGE_RANK: Final = 4
_CHANNELS_SECOND: Final = (0, 3, 1, 2)
_UINT8_MOVE: Final = 128
_EXACT_WITH_LITERT: Final = frozenset(
    {"convolution", "depthwise or grouped convolution", "linear layer", "maximum pool"}
)


@dataclass(frozen=True, kw_only=True)
class OperatorComparison:
    """One operator beside the other side's.

    Parameters
    ----------
    kind : of `naas_hw.graph.quantised`; a function of the host has its own.
    num_bytes : that were compared.
    num_differing : that differ.
    largest_difference : in units of the last bit.
    """

    name: str
    kind: str
    num_bytes: int
    num_differing: int
    largest_difference: int


@dataclass(frozen=True, kw_only=True)
class KindComparison:
    """All operators of a kind together.

    Parameters
    ----------
    num_operators : of the kind that were compared.
    """

    kind: str
    num_operators: int
    num_bytes: int
    num_differing: int
    largest_difference: int

    @property
    def share(self) -> float:
        """Of bytes that differ, 0 to 1."""
        return self.num_differing / self.num_bytes if self.num_bytes else 0.0


@dataclass(frozen=True, kw_only=True)
class ContractReport:
    """A model beside the other side.

    Parameters
    ----------
    other : who the other side is, with its version.
    operators : that were compared.
    not_compared : names of those whose tensors the other side does not have.
    exact : kinds of which no byte may differ.
    """

    other: str
    operators: tuple[OperatorComparison, ...]
    not_compared: tuple[str, ...] = ()
    exact: frozenset[str] = frozenset()

    @property
    def holds(self) -> bool:
        """Whether no byte differs by more than one unit, and none of the exact kinds at all."""
        return all(one.largest_difference <= (one.kind not in self.exact) for one in self.operators)

    @property
    def kinds(self) -> tuple[KindComparison, ...]:
        """The operators by kind, in alphabetical order."""
        names = sorted({one.kind for one in self.operators})
        return tuple(
            _together(name, [one for one in self.operators if one.kind == name]) for name in names
        )


def _together(kind: str, operators: list[OperatorComparison]) -> KindComparison:
    return KindComparison(
        kind=kind,
        num_operators=len({one.name for one in operators}),
        num_bytes=sum(one.num_bytes for one in operators),
        num_differing=sum(one.num_differing for one in operators),
        largest_difference=max(one.largest_difference for one in operators),
    )


def measure_contract(path: Path, *, num_inputs: int = 10, seed: int = 0) -> ContractReport:
    """A quantised file beside the other side of its format, on inputs drawn at random.

    Parameters
    ----------
    path : a TFLite file; or an ONNX file, with `onnxruntime` as the other side where
        `onnx.reference` does not know an operator.

    Raises
    ------
    InputError : it is neither, or it has no quantised tensor.
    ToolError : the other side is not installed.
    """
    graph = quantised_graph(folded(read_graph(path)))
    if not any(tensor.dtype == "int8" for tensor in graph.tensors.values()):
        raise InputError(f"{path.name} must be a quantised model; it holds real numbers")
    rng = np.random.default_rng(seed)
    inputs = [
        {name: _drawn(graph.tensors[name], rng) for name in graph.inputs} for _ in range(num_inputs)
    ]
    if path.suffix.lower() == ".tflite":
        return compare_with_litert(path, graph, inputs)
    if path.suffix.lower() != ".onnx":
        raise InputError(f"{path.name} must be a .tflite or .onnx file")
    try:
        return compare_with_onnx(path, graph, inputs)
    except InputError:
        return compare_with_onnxruntime(path, graph, inputs)


def _drawn(tensor: QuantisedTensor, rng: np.random.Generator) -> Array:
    """An input that uses most of its range."""
    if tensor.graph_dtype in ("int8", "uint8"):
        limits = np.iinfo(tensor.graph_dtype)
        return rng.integers(
            limits.min, limits.max + 1, tensor.graph_shape, dtype=tensor.graph_dtype
        )
    steps = rng.integers(-128, 128, tensor.graph_shape) - tensor.zero_point
    return (steps * tensor.scale).astype(tensor.graph_dtype)


def compare_operators(
    graph: QuantisedGraph, tensors: Mapping[str, Array]
) -> tuple[list[OperatorComparison], list[str]]:
    """Each operator beside the other side's tensors.

    Parameters
    ----------
    tensors : of the other side, by name; bytes, or real numbers, in the model's order with
        channels second.

    Returns
    -------
    What was compared, and the names of operators that could not be.
    """
    compared, missing = [], []
    for operator in graph.operators:
        if graph.tensors[operator.output].dtype != "int8":
            missing.append(operator.name)
        elif not {*operator.inputs, operator.output} <= set(tensors):
            missing.append(operator.name)
        else:
            compared.append(_compared(graph, operator, tensors))
    return compared, missing


def _compared(
    graph: QuantisedGraph, operator: QuantisedOperator, tensors: Mapping[str, Array]
) -> OperatorComparison:
    inputs = [_image(graph.tensors[name], tensors[name]) for name in operator.inputs]
    own = run_operator(operator, graph.tensors, inputs)
    other = _image(graph.tensors[operator.output], tensors[operator.output])
    difference = np.abs(own.astype(np.int64) - other)
    return OperatorComparison(
        name=operator.name,
        kind=operator_kind(graph, operator),
        num_bytes=difference.size,
        num_differing=int(np.count_nonzero(difference)),
        largest_difference=int(difference.max(initial=0)),
    )


def operator_kind(graph: QuantisedGraph, operator: QuantisedOperator) -> str:
    """What an operator is called in a table: `convolution`, `softmax on the host`."""
    if isinstance(operator, HostFunction):
        return f"{operator.kind} on the host"
    if getattr(operator, "groups", 1) > 1:
        return "depthwise or grouped convolution"
    if isinstance(operator, Convolution):
        whole_image = operator.weights.shape[2:] == graph.tensors[operator.inputs[0]].shape[1:]
        return "linear layer" if whole_image else "convolution"
    words = "".join(
        f" {letter.lower()}" if letter.isupper() else letter for letter in type(operator).__name__
    )
    return words.strip()


def _image(tensor: QuantisedTensor, values: Array) -> Array:
    """Values of the other side as [C, H, W] of this side."""
    if tensor.dtype != "int8":
        return values.reshape(tensor.shape).astype(tensor.dtype)
    if values.dtype.kind == "f":
        quantisation = Quantisation(scale=tensor.scale, zero_point=tensor.zero_point)
        return quantisation.bytes_of(values.astype(np.float32).reshape(tensor.shape))
    if values.dtype == np.uint8:
        values = (values.astype(np.int16) - _UINT8_MOVE).astype(np.int8)
    return values.reshape(tensor.shape)


def compare_with_litert(
    path: Path, graph: QuantisedGraph, inputs: Iterable[Mapping[str, Array]]
) -> ContractReport:
    """A TFLite model beside LiteRT's reference kernels.

    Parameters
    ----------
    graph : the integer form of the file.
    inputs : for each run, by name, in the file's shape and type.

    Raises
    ------
    ToolError : ai-edge-litert is not installed.
    """
    try:
        from ai_edge_litert import interpreter as litert
    except ImportError as error:
        raise ToolError(
            "a comparison with LiteRT needs ai-edge-litert: pip install ai-edge-litert"
        ) from error
    from importlib.metadata import version

    model = litert.Interpreter(
        model_path=str(path),
        experimental_op_resolver_type=litert.OpResolverType.BUILTIN_REF,
        experimental_preserve_all_tensors=True,
    )
    model.allocate_tensors()
    names = {
        number: tensor.name
        for number, tensor in enumerate(read_tables(path.read_bytes(), path.name).tensors)
        if tensor.dtype.kind != "V"  # LiteRT crashes where a variable is asked for its numbers
    }
    runs = [_litert_tensors(model, names, given) for given in inputs]
    other = f"LiteRT {version('ai-edge-litert')}, reference kernels"
    return replace(_report(other, graph, runs), exact=_EXACT_WITH_LITERT)


def _litert_tensors(
    model: Any, names: Mapping[int, str], inputs: Mapping[str, Array]
) -> dict[str, Array]:
    """All tensors of a run, with channels second."""
    for detail in model.get_input_details():
        model.set_tensor(detail["index"], inputs[names[detail["index"]]])
    model.invoke()
    tensors = {}
    for number, name in names.items():
        try:
            values: NDArray[Any] = model.get_tensor(number)
        except ValueError:  # a tensor that no operator of this run makes
            continue
        if values.ndim == _IMAGE_RANK:
            values = values.transpose(_CHANNELS_SECOND)
        tensors[name] = values
    return tensors


def compare_with_onnx(
    path: Path, graph: QuantisedGraph, inputs: Iterable[Mapping[str, Array]]
) -> ContractReport:
    """A quantised ONNX model beside `onnx.reference`.

    Parameters
    ----------
    graph : the integer form of the file.
    inputs : for each run, by name.

    Raises
    ------
    InputError : the reference cannot run the model.
    """
    import onnx
    from onnx.reference import ReferenceEvaluator
    from onnx.reference.ops.op_dequantize_linear import DequantizeLinear_25

    # The reference has this operator from opset 19 on only; it has not changed.
    older = type("DequantizeLinear", (DequantizeLinear_25,), {"op_domain": ""})
    try:
        reference = ReferenceEvaluator(str(path), new_ops=[older])
        runs = []
        for given in inputs:
            results: Any = reference.run(None, dict(given), intermediate=True)
            runs.append({name: np.asarray(value) for name, value in results.items() if name})
    except (NotImplementedError, RuntimeError, TypeError, ValueError) as error:
        raise InputError(f"onnx.reference cannot run {path.name}: {error}") from error
    return _report(f"onnx.reference {onnx.__version__}", graph, runs)


def compare_with_onnxruntime(
    path: Path, graph: QuantisedGraph, inputs: Iterable[Mapping[str, Array]]
) -> ContractReport:
    """An ONNX model beside onnxruntime without graph optimisation: a second opinion.

    It saturates sums of 16 bits on processors without VNNI. It knows the operators of
    com.microsoft, which `onnx.reference` does not.

    Parameters
    ----------
    graph : the integer form of the file.
    inputs : for each run, by name.

    Raises
    ------
    ToolError : onnxruntime is not installed.
    InputError : it cannot run the model.
    """
    try:
        import onnxruntime
    except ImportError as error:
        raise ToolError(
            "a comparison with onnxruntime needs onnxruntime: pip install onnxruntime"
        ) from error
    import onnx

    model = onnx.load(str(path))
    known = {output.name for output in model.graph.output}
    names = [name for node in model.graph.node for name in node.output if name]
    for name in names:
        if name not in known:
            model.graph.output.append(onnx.ValueInfoProto(name=name))
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    try:
        session = onnxruntime.InferenceSession(
            model.SerializeToString(), options, providers=["CPUExecutionProvider"]
        )
        runs = [
            dict(given) | dict(zip(names, session.run(names, dict(given)), strict=True))
            for given in inputs
        ]
    except Exception as error:  # its own exceptions derive from nothing narrower
        raise InputError(f"onnxruntime cannot run {path.name}: {error}") from error
    return _report(f"onnxruntime {onnxruntime.__version__}", graph, runs)


def _report(other: str, graph: QuantisedGraph, runs: list[dict[str, Array]]) -> ContractReport:
    compared: list[OperatorComparison] = []
    missing: list[str] = []
    for tensors in runs:
        one, missing = compare_operators(graph, tensors)
        compared += one
    return ContractReport(other=other, operators=tuple(compared), not_compared=tuple(missing))
