"""A torch module, through torch.export, as a `TracedGraph`."""

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, redirect_stderr
from io import StringIO
from typing import TYPE_CHECKING, Any

from naas_hw.core.errors import InputError
from naas_hw.core.torch_extra import require_torch
from naas_hw.workload.frontends.graph import (
    Reference,
    TracedGraph,
    TracedOperator,
    is_in_place,
    operator_kind,
)

if TYPE_CHECKING:
    from torch import fx, nn
    from torch.export import ExportedProgram


def export_module(module: "nn.Module", input_shape: tuple[int, ...]) -> TracedGraph:
    """The graph of a module in evaluation mode, for one input of the given shape.

    Raises
    ------
    InputError : torch.export refuses the module or the shape.
    """
    return graph_of_program(export_program(module, [input_shape]))


def export_program(
    module: "nn.Module", input_shapes: Sequence[tuple[int, ...]]
) -> "ExportedProgram":
    """A module in evaluation mode, exported for inputs of the given shapes.

    Raises
    ------
    InputError : torch.export refuses the module or a shape.
    """
    require_torch("to import a module")
    import torch

    parameter = next(module.parameters(), torch.empty(0))
    try:
        examples = tuple(
            torch.zeros(shape, dtype=parameter.dtype, device=parameter.device)
            for shape in input_shapes
        )
        with _evaluating(module), torch.no_grad(), _without_logs():
            return torch.export.export(module, examples)
    except Exception as error:  # whatever the user's forward() or the exporter raises
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        shapes = ", ".join("x".join(map(str, shape)) for shape in input_shapes)
        raise InputError(
            f"torch.export failed on {type(module).__name__} with input {shapes}: {reason}"
        ) from error


@contextmanager
def _without_logs() -> Iterator[None]:
    """Without what torch logs and prints of a failure: our one sentence says it."""
    before = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        with redirect_stderr(StringIO()):
            yield
    finally:
        logging.disable(before)


@contextmanager
def _evaluating(module: "nn.Module") -> Iterator[None]:
    """Evaluation mode, and afterwards each submodule's own mode again."""
    training = [part for part in module.modules() if part.training]
    module.eval()
    try:
        yield
    finally:
        for part in training:
            part.training = True


def graph_of_program(program: "ExportedProgram") -> TracedGraph:
    """The graph of an exported program."""
    signature = program.graph_signature
    written = set(signature.buffers_to_mutate.values())
    buffers = signature.inputs_to_buffers.items()
    parameters = {id(tensor): tensor for tensor in program.parameters()}
    calls = [node for node in program.graph.nodes if node.op == "call_function"]
    return TracedGraph(
        operators=tuple(_operator(node) for node in calls),
        shapes={node.name: _shape(node) for node in program.graph.nodes},
        constants={
            **signature.inputs_to_parameters,
            **{tensor: name for tensor, name in buffers if name not in written},
            **signature.inputs_to_lifted_tensor_constants,
        },
        results=tuple(str(name) for name in signature.user_outputs),
        num_parameters=sum(tensor.numel() for tensor in parameters.values()),
        inputs=tuple(str(name) for name in signature.user_inputs),
        dtypes={node.name: _dtype(node) for node in program.graph.nodes},
    )


def _operator(node: "fx.Node") -> TracedOperator:
    target: Any = node.target
    if hasattr(target, "_schema"):
        target_name = str(target)
        names = [argument.name for argument in target._schema.arguments]
    else:
        target_name = f"{getattr(target, '__module__', '')}.{getattr(target, '__name__', target)}"
        names = [f"argument{index}" for index in range(len(node.args))]
    arguments = dict(zip(names, node.args, strict=False)) | node.kwargs
    return TracedOperator(
        name=node.name,
        kind=operator_kind(target_name),
        arguments={name: _plain(value) for name, value in arguments.items()},
        outputs=(node.name,),
        in_place=is_in_place(target_name),
    )


def _plain(value: Any) -> object:
    from torch import fx

    if isinstance(value, fx.Node):
        return Reference(value.name)
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value if value is None or isinstance(value, bool | int | float | str) else str(value)


def _shape(node: "fx.Node") -> tuple[int, ...]:
    sizes = getattr(_first_value(node), "shape", ())
    return tuple(size if isinstance(size, int) else -1 for size in sizes)


def _dtype(node: "fx.Node") -> str:
    return str(getattr(_first_value(node), "dtype", "unknown")).removeprefix("torch.")


def _first_value(node: "fx.Node") -> object:
    value = node.meta.get("val")
    return value[0] if isinstance(value, list | tuple) and value else value
