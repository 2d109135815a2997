"""A program of torch with its values -> `Graph`: `.pt2` files, `module:callable`, modules.

A `.pt2` file is read as data, without torch and without pickle. A module is exported by
torch.export, which runs the user's code.
"""

from collections.abc import Mapping
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Union

import numpy as np

from naas_hw.core.errors import InputError
from naas_hw.graph.graph import Array, Graph
from naas_hw.graph.importers.traced import graph_of_trace
from naas_hw.workload.frontends.archive import read_archive
from naas_hw.workload.frontends.archive_values import read_archive_values
from naas_hw.workload.frontends.classify import clean_name
from naas_hw.workload.frontends.exported import export_program, graph_of_program
from naas_hw.workload.frontends.source import MAX_INPUT_NUMBERS, call_factory

if TYPE_CHECKING:
    from torch import nn
    from torch.export import ExportedProgram

DEFAULT_INPUT_SHAPE: Final = (1, 3, 224, 224)

Shape = tuple[int, ...]


def read_torch_program(path: str | Path, *, name: str | None = None) -> Graph:
    """The model in a `.pt2` file.

    Raises
    ------
    InputError : the file is damaged, or its program cannot be a graph; one sentence says where.
    """
    trace, values = read_archive(path), read_archive_values(path)
    return graph_of_trace(trace, values, name=name or clean_name(Path(path).stem))


def read_torch_module(
    source: Union[str, "nn.Module"],
    *,
    input_shapes: Mapping[str, Shape] | None = None,
    name: str | None = None,
) -> Graph:
    """The model that a module of torch is, in evaluation mode.

    Parameters
    ----------
    source : a module, or `module:callable`, which gives one; this runs its code.
    input_shapes : of the inputs, in the order in which the module takes them; one image of three
        channels, 224 x 224, if not given.

    Raises
    ------
    InputError : the module cannot be exported.
    ToolError : torch is not installed.
    """
    if isinstance(source, str):
        module, own_name = call_factory(source), clean_name(source.split(":")[-1])
    else:
        module, own_name = source, clean_name(type(source).__name__.lower())
    shapes = list((input_shapes or {"input": DEFAULT_INPUT_SHAPE}).values())
    _check_shapes(shapes)
    program = export_program(module, shapes)
    trace, values = graph_of_program(program), values_of_program(program)
    return graph_of_trace(trace, values, name=name or own_name)


def _check_shapes(shapes: list[Shape]) -> None:
    for shape in shapes:
        if min(shape, default=1) < 1 or prod(shape) > MAX_INPUT_NUMBERS:
            raise InputError(
                f"sizes of an input must be 1 at least, and {MAX_INPUT_NUMBERS} at most as a "
                f"product, not {'x'.join(map(str, shape))}"
            )


def values_of_program(program: "ExportedProgram") -> dict[str, Array]:
    """Parameters, buffers and constants of an exported program, by their names in the module."""
    import torch

    tensors = {**program.state_dict, **program.constants}
    return {
        name: _array(tensor) for name, tensor in tensors.items() if isinstance(tensor, torch.Tensor)
    }


def _array(tensor: Any) -> Array:
    import torch

    plain = tensor.detach().cpu()
    values: Array = (plain.float() if plain.dtype == torch.bfloat16 else plain).numpy()
    return np.array(values)
