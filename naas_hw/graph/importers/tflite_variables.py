"""Variables of a TFLite file, which a streaming model keeps from one run to the next.

A run reads each variable before it assigns it, so a variable becomes an input of the model, and
what is assigned an output. Whoever runs the model hands the output in as the next run's input.
"""

from dataclasses import replace
from typing import Final

from naas_hw.core.errors import InputError
from naas_hw.graph.importers.tflite_tables import TfliteModel, TfliteOperator

_WITHOUT_RESULT: Final = frozenset({"CALL_ONCE", "VAR_HANDLE"})
_NUM_INPUTS: Final = {"READ_VARIABLE": 1, "ASSIGN_VARIABLE": 2}


def without_variables(model: TfliteModel, file: str) -> TfliteModel:
    """The same model with inputs and outputs in the place of its variables.

    Raises
    ------
    InputError : a variable is never assigned, or has no name.
    """
    states = _States(model, file)
    for operator in model.operators:
        states.visit(operator)
    return states.finished()


class _States:
    """What each variable holds while the operators are visited."""

    def __init__(self, model: TfliteModel, file: str) -> None:
        self._model = model
        self._file = file
        self._names: dict[int, str] = {}
        self._current: dict[str, int] = {}
        self._reads: dict[str, int] = {}
        self._same: dict[int, int] = {}
        self._operators: list[TfliteOperator] = []

    def visit(self, operator: TfliteOperator) -> None:
        """Keep an operator, or note what it does to a variable."""
        inputs = tuple(self._same.get(number, number) for number in operator.inputs)
        if len(inputs) < _NUM_INPUTS.get(operator.kind, 0):
            raise InputError(f"{operator.name} of {self._file} must name a variable")
        if operator.kind == "VAR_HANDLE":
            name = operator.options.get("SharedName") or operator.name.encode()
            self._names |= {number: name.decode(errors="replace") for number in operator.outputs}
        elif operator.kind == "READ_VARIABLE":
            self._read(self._name(operator, inputs[0]), operator.outputs[0])
        elif operator.kind == "ASSIGN_VARIABLE":
            self._current[self._name(operator, inputs[0])] = inputs[1]
        elif operator.kind not in _WITHOUT_RESULT:
            self._operators.append(replace(operator, inputs=inputs))

    def _read(self, name: str, number: int) -> None:
        if name in self._current:
            self._same[number] = self._current[name]
        else:
            self._current[name] = self._reads[name] = number

    def _name(self, operator: TfliteOperator, handle: int) -> str:
        if handle not in self._names:
            raise InputError(f"{operator.name} of {self._file} must name a variable")
        return self._names[handle]

    def finished(self) -> TfliteModel:
        """The model without variables."""
        tensors = self._model.tensors
        pairs = [(number, self._current[name]) for name, number in self._reads.items()]
        notes = tuple(
            f"Output {tensors[after].name!r} is input {tensors[before].name!r} of the next run."
            for before, after in pairs
        )
        return replace(
            self._model,
            operators=tuple(self._operators),
            inputs=(*self._model.inputs, *(before for before, _ in pairs)),
            outputs=(
                *(self._same.get(number, number) for number in self._model.outputs),
                *(after for _, after in pairs),
            ),
            notes=notes,
        )
