"""Where a model comes from: a module, a built-in name, a `.pt2` file, or `module:callable`."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from importlib import import_module
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, Final, Union

from naas_hw.core.errors import InputError
from naas_hw.core.torch_extra import require_torch
from naas_hw.workload.frontends.archive import read_archive
from naas_hw.workload.frontends.classify import clean_name
from naas_hw.workload.frontends.exported import export_module
from naas_hw.workload.frontends.graph import TracedGraph
from naas_hw.workload.layer import MAX_SIZE
from naas_hw.workload.models import BUILTINS, build_model

if TYPE_CHECKING:
    from torch import nn

ModelSource = Union[str, Path, "nn.Module"]

DEFAULT_RESOLUTION: Final = 224
MAX_INPUT_NUMBERS: Final = 1 << 27
"""Of the example input with which a module is exported."""


@dataclass(frozen=True, kw_only=True)
class NamedGraph:
    """A graph and the name of its model."""

    name: str
    graph: TracedGraph


def is_model_source(text: str) -> bool:
    """Whether a text has the form of something that `load_graph` reads."""
    return text in BUILTINS or text.endswith(".pt2") or ":" in text


def load_graph(
    source: ModelSource,
    *,
    name: str | None = None,
    resolution: int | None = None,
    input_shape: tuple[int, ...] | None = None,
) -> NamedGraph:
    """The graph of a model.

    Parameters
    ----------
    source : a torch module; the name of a built-in network; the path of a `.pt2` file; or
        `module:callable`, which imports that module and calls that callable: this runs its code.
    name : of the network; by default that of the source.
    resolution : rows and columns of the image, default 224 (U-Net: 572).
    input_shape : the whole shape of the input, batch included, instead of a resolution.

    Raises
    ------
    InputError, ToolError : one sentence.
    """
    _check_shape(resolution, input_shape)
    if not isinstance(source, str | Path):
        shape = input_shape or _image_shape(resolution)
        own_name = clean_name(type(source).__name__.lower())
        return NamedGraph(name=name or own_name, graph=export_module(source, shape))
    text = str(source)
    if text in BUILTINS:
        shape = input_shape or BUILTINS[text].input_shape(resolution)
        module = build_model(text, device="meta")
        return NamedGraph(name=name or text, graph=export_module(module, shape))
    if text.endswith(".pt2"):
        if resolution is not None or input_shape is not None:
            raise InputError(
                f"{text}: a .pt2 file has a fixed input shape; another one must not be given"
            )
        own_name = clean_name(Path(text).stem)
        return NamedGraph(name=name or own_name, graph=read_archive(text))
    if ":" in text:
        module = call_factory(text)
        shape = input_shape or _image_shape(resolution)
        own_name = clean_name(text.split(":")[1])
        return NamedGraph(name=name or own_name, graph=export_module(module, shape))
    raise InputError(
        f"model must be one of {', '.join(BUILTINS)}, a .pt2 file or module:callable, not {text!r}"
    )


def _image_shape(resolution: int | None) -> tuple[int, int, int, int]:
    size = DEFAULT_RESOLUTION if resolution is None else resolution
    return (1, 3, size, size)


def _check_shape(resolution: int | None, input_shape: tuple[int, ...] | None) -> None:
    if resolution is not None and input_shape is not None:
        raise InputError("resolution and input shape must not both be given")
    if resolution is not None and not 1 <= resolution <= MAX_SIZE:
        raise InputError(f"resolution must be 1 to {MAX_SIZE}, not {resolution}")
    if input_shape is None:
        return
    if not input_shape or min(input_shape) < 1 or prod(input_shape) > MAX_INPUT_NUMBERS:
        raise InputError(
            f"sizes of the input must be 1 at least, and {MAX_INPUT_NUMBERS} at most as a product, "
            f"not {'x'.join(map(str, input_shape))}"
        )


def call_factory(text: str) -> "nn.Module":
    """What `module:callable` gives: a torch module. Runs the user's code."""
    require_torch(f"to import {text}")
    from torch import nn

    module_name, _, attribute = text.partition(":")
    module = _call(text, module_name, attribute)
    if not isinstance(module, nn.Module):
        raise InputError(f"{text} must give a torch.nn.Module, not {type(module).__name__}")
    return module


def _call(text: str, module_name: str, attribute: str) -> object:
    """Import with the working directory in reach, as `python -m` does, and call."""
    try:
        with _working_directory_in_reach():
            return getattr(import_module(module_name), attribute)()
    except Exception as error:  # the user's code may raise anything
        raise InputError(
            f"{text} must be a module and a callable without arguments: {_first_line(error)}"
        ) from error


def import_object(text: str) -> object:
    """What `module:object` names. Runs the user's code.

    Raises
    ------
    InputError : the module cannot be imported, or has no such object.
    """
    module_name, _, attribute = text.partition(":")
    try:
        with _working_directory_in_reach():
            return getattr(import_module(module_name), attribute)
    except Exception as error:  # the user's code may raise anything
        raise InputError(
            f"{text} must be a module and an object in it: {_first_line(error)}"
        ) from error


@contextmanager
def _working_directory_in_reach() -> Iterator[None]:
    here = str(Path.cwd())
    sys.path.insert(0, here)
    try:
        yield
    finally:
        with suppress(ValueError):
            sys.path.remove(here)


def _first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]
