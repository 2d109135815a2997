"""The networks of the paper as graphs, with values drawn with a seed; without torch."""

from collections.abc import Mapping

from naas_hw.core.errors import InputError
from naas_hw.graph.graph import Graph
from naas_hw.graph.importers.seeded_values import SEED, with_seeded_values
from naas_hw.graph.importers.structure import (
    read_structure,
    shipped_resolutions,
    trace_structure,
)
from naas_hw.workload.models import find_builtin

Shape = tuple[int, ...]


def read_builtin(
    name: str, *, input_shapes: Mapping[str, Shape] | None = None, seed: int = SEED
) -> Graph:
    """A built-in network with seeded values.

    Parameters
    ----------
    input_shapes : the shape of its image, if not the default one; other resolutions than those
        that are shipped need torch.

    Raises
    ------
    InputError : no such network, or a shape that it cannot have.
    ToolError : another resolution, and torch is not installed.
    """
    resolution = _resolution(name, input_shapes or {})
    if resolution in shipped_resolutions(name):
        graph = read_structure(name, resolution)
    else:
        graph = trace_structure(name, resolution)
    return with_seeded_values(graph, seed)


def _resolution(name: str, input_shapes: Mapping[str, Shape]) -> int:
    builtin = find_builtin(name)
    if not input_shapes:
        return builtin.resolution
    shapes = list(input_shapes.values())
    size = shapes[0][-1] if shapes[0] else 0
    if len(shapes) != 1 or shapes[0] != builtin.input_shape(size) or size < 1:
        raise InputError(
            f"the input of {name} must be one square image 1x{builtin.channels}xNxN, "
            f"not {', '.join('x'.join(map(str, shape)) for shape in shapes)}"
        )
    return size
