"""A traced program and its values -> `Graph`: each operator translated in order.

What has no translation keeps its own name as kind, and a note says why, so that whoever accounts
for the operators of a model sees it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

import numpy as np

from naas_hw.core.errors import InputError
from naas_hw.graph.graph import Array, Attribute, Graph, Operator, with_operators
from naas_hw.graph.importers.aten.call import Call, UnsupportedError
from naas_hw.graph.importers.aten.translations import TRANSLATIONS, VIEWS
from naas_hw.graph.importers.builder import GraphBuilder
from naas_hw.graph.operators import KINDS
from naas_hw.workload.frontends.classify import clean_name
from naas_hw.workload.frontends.graph import Reference, TracedGraph, TracedOperator
from naas_hw.workload.frontends.operators import only_checks

_DTYPES: Final[dict[str, np.dtype[Any]]] = {
    name: np.dtype(np.float32) for name in ("float16", "bfloat16", "float32", "float64")
} | {name: np.dtype(name) for name in ("int8", "uint8", "int16", "int32", "int64", "bool")}


def graph_of_trace(trace: TracedGraph, values: Mapping[str, Array], *, name: str) -> Graph:
    """The model that a traced program is.

    Parameters
    ----------
    values : of parameters, buffers and constants, by their names in the model.

    Raises
    ------
    InputError : sizes are not fixed, values are missing, or the program writes into what others
        read.
    """
    translation = _TraceReader(trace=trace, model=name)
    translation.add_inputs()
    translation.add_constants(values)
    for index, operator in enumerate(trace.operators):
        translation.add(index, operator)
    return translation.graph()


@dataclass(kw_only=True)
class _TraceReader:
    """What is known between two operators.

    `names` : tensor of the trace -> tensor of the graph. `parts` : operator of several results ->
    those. `roots` : tensor -> the one whose numbers it may share. `last_use` : tensor -> index of
    the last operator that reads it. `reasons` : operator that kept its own kind -> why.
    """

    trace: TracedGraph
    model: str
    builder: GraphBuilder = field(init=False)
    names: dict[str, str] = field(default_factory=dict)
    parts: dict[str, list[str]] = field(default_factory=dict)
    roots: dict[str, str] = field(default_factory=dict)
    last_use: dict[str, int] = field(default_factory=dict)
    reasons: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.builder = GraphBuilder(reserved=self.trace.shapes)
        for index, operator in enumerate(self.trace.operators):
            self.last_use |= dict.fromkeys(operator.inputs, index)
        self.last_use |= dict.fromkeys(self.trace.results, len(self.trace.operators))

    # Tensors ---------------------------------------------------------------------------------

    def shape(self, name: str) -> tuple[int, ...]:
        """The shape of a tensor of the trace."""
        shape = self.trace.shapes.get(name, ())
        if -1 in shape:
            raise InputError(
                f"{self.model}: {name} must have fixed sizes, not dynamic ones: export the "
                "model for one size"
            )
        return shape

    def dtype(self, name: str) -> np.dtype[Any]:
        """The type that a tensor of the trace has in the graph: all floats are float32."""
        return _DTYPES.get(self.trace.dtypes.get(name, ""), np.dtype(np.float32))

    def add_inputs(self) -> None:
        """The tensors that the model's user hands in."""
        for name in self.trace.inputs:
            self.builder.add_input(name, self.shape(name), self.dtype(name))
            self.names[name] = name

    def add_constants(self, values: Mapping[str, Array]) -> None:
        """Parameters, buffers and constants."""
        narrow = set()
        for name, source in self.trace.constants.items():
            if source not in values:
                raise InputError(f"{self.model}: {source} must have values in the file")
            shape, dtype = self.shape(name), self.dtype(name)
            if values[source].shape != shape:
                raise InputError(
                    f"{self.model}: {source} must have the shape {list(shape)}, "
                    f"not {list(values[source].shape)}"
                )
            narrow |= {self.trace.dtypes.get(name)} & {"float16", "bfloat16", "float64"}
            self.builder.add_file_constant(name, values[source].astype(dtype, copy=False))
            self.names[name] = name
        for found in sorted(str(name) for name in narrow):
            self.builder.notes.append(f"Constants of type {found} became float32.")

    # Operators -------------------------------------------------------------------------------

    def add(self, index: int, operator: TracedOperator) -> None:
        """Translate one operator."""
        if only_checks(operator.kind) or not operator.outputs:
            return
        if operator.kind == "getitem" and self._is_part(operator):
            self._take_part(operator)
            return
        self._check_writing(index, operator)
        call = self._call(operator)
        try:
            results = self._results(call)
        except UnsupportedError as problem:
            results = self._kept(call, str(problem))
        self._note(operator, results)

    def _call(self, operator: TracedOperator) -> Call:
        return Call(
            builder=self.builder,
            operator=operator,
            names=self.names,
            name=self._operator_name(operator),
            shape=self.shape(operator.outputs[0]),
            dtype=self.dtype(operator.outputs[0]),
        )

    def _operator_name(self, operator: TracedOperator) -> str:
        """The name of the module that holds the weights; the operator's own where there is none."""
        weight = operator.arguments.get("weight")
        source = self.trace.constants.get(weight.name, "") if isinstance(weight, Reference) else ""
        module, _, attribute = source.rpartition(".")
        return clean_name(module) if module and attribute == "weight" else operator.name

    def _results(self, call: Call) -> str | list[str]:
        translate = TRANSLATIONS.get(call.operator.kind)
        if translate is None:
            raise UnsupportedError("naas cannot import this operator")
        before = set(self.builder.tensors)
        try:
            results = translate(call)
        except (LookupError, TypeError, AttributeError, ValueError, ZeroDivisionError) as error:
            if isinstance(error, InputError):
                raise
            raise InputError(
                f"{self.model}: {call.operator.name} must have arguments as torch defines them: "
                f"{error}"
            ) from error
        if isinstance(results, str):
            return self._named(before, results, call.operator.outputs[0])
        names = [*call.operator.outputs, *results[len(call.operator.outputs) :]]
        return [self._named(before, *pair) for pair in zip(results, names, strict=False)]

    def _named(self, before: set[str], result: str, name: str) -> str:
        """A result under the name that the trace gives it, unless it was made before."""
        return result if result in before else self.builder.rename(result, name)

    def _kept(self, call: Call, reason: str) -> str | list[str]:
        """An operator without translation, under its own name.

        A name that is one of our kinds gets `aten.` before it: the program means something else.
        """
        operator = call.operator
        inputs = [self.names[name] for name in operator.inputs if name in self.names]
        attributes = {
            name: attribute
            for name, value in operator.arguments.items()
            if (attribute := _attribute(value)) is not None
        }
        count = max(len(operator.outputs), self._num_parts(operator))
        outputs = [operator.name, *(f"{operator.name}.{index}" for index in range(1, count))]
        kept = Operator(
            name=operator.name,
            kind=f"aten.{name}" if (name := operator.kind.lower()) in KINDS else name,
            inputs=tuple(inputs),
            outputs=tuple(outputs),
            attributes=attributes,
            source=operator.kind,
        )
        self.builder.add_unknown(kept, [call.shape] * count, [call.dtype] * count)
        self.reasons[operator.name] = reason
        return outputs if count > 1 else operator.name

    def _num_parts(self, operator: TracedOperator) -> int:
        """How many results of an operator are taken one by one."""
        indices = [
            int(str(item.arguments.get("argument1", 0)))
            for item in self.trace.operators
            if item.kind == "getitem" and item.inputs[:1] == operator.outputs[:1]
        ]
        return max(indices, default=0) + 1

    def _note(self, operator: TracedOperator, results: str | list[str]) -> None:
        """Remember which tensors the results of an operator are."""
        if isinstance(results, list):
            self.parts[operator.outputs[0]] = results
            self.names |= zip(operator.outputs, results, strict=False)
        else:
            self.names[operator.outputs[0]] = results
        source = operator.inputs[0] if operator.inputs else ""
        for output in operator.outputs:
            shares = operator.in_place or operator.kind in VIEWS
            self.roots[output] = self.roots.get(source, source) if shares else output
        if operator.in_place and isinstance(results, str):
            self.names[source] = results

    # Several results, and writing ------------------------------------------------------------

    def _is_part(self, operator: TracedOperator) -> bool:
        return bool(operator.inputs) and operator.inputs[0] in self.parts

    def _take_part(self, operator: TracedOperator) -> None:
        """Give a result a name; one that the translation leaves out gets none."""
        source = operator.inputs[0]
        parts = self.parts[source]
        index = operator.arguments.get("argument1", 0)
        if isinstance(index, int) and 0 <= index < len(parts):
            self.names[operator.outputs[0]] = parts[index]
            self.roots[operator.outputs[0]] = self.roots.get(source, source)

    def _check_writing(self, index: int, operator: TracedOperator) -> None:
        """Refuse to write into numbers that a later operator reads under another name."""
        if not operator.in_place or not operator.inputs:
            return
        target = operator.inputs[0]
        root = self.roots.get(target, target)
        for other, last in self.last_use.items():
            shares = other in self.names and self.roots.get(other, other) == root
            if shares and other != target and last > index:
                raise InputError(
                    f"{self.model}: {operator.name} must not write into {target} while "
                    f"{other} shares its numbers: export with run_decompositions()"
                )

    def graph(self) -> Graph:
        """The whole model."""
        missing = [name for name in self.trace.results if name not in self.names]
        if missing:
            raise InputError(f"{self.model}: {missing[0]} must be made by an operator")
        results = list(dict.fromkeys(self.names[name] for name in self.trace.results))
        try:
            graph = self.builder.finished(self.model, self.trace.inputs, results)
        except ValueError as error:
            raise InputError(f"{self.model}: {error}") from error
        return self._noted(without_dead(graph))

    def _noted(self, graph: Graph) -> Graph:
        """The graph with a note on each operator that kept its own kind."""
        notes = [
            f"{operator.name} ({operator.source}): {self.reasons[operator.name]}."
            for operator in graph.operators
            if operator.name in self.reasons
        ]
        return replace(graph, notes=(*graph.notes, *notes))


def without_dead(graph: Graph) -> Graph:
    """The graph without operators whose results reach no output; they are listed as folded."""
    wanted = set(graph.outputs)
    live, dead = [], []
    for operator in reversed(graph.operators):
        if wanted.isdisjoint(operator.outputs):
            dead.append(operator)
        else:
            wanted.update(operator.inputs)
            live.append(operator)
    lighter = with_operators(graph, live[::-1], graph.tensors)
    return replace(lighter, folded=(*graph.folded, *dead[::-1]))


def _attribute(value: object) -> Attribute:
    """An argument as an attribute; None of what is a tensor or no plain value."""
    if isinstance(value, list | tuple):
        numbers = [item for item in value if isinstance(item, int | float)]
        return tuple(numbers) if numbers and len(numbers) == len(value) else None
    return value if isinstance(value, bool | int | float | str) else None
