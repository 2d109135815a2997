"""A layer as Timeloop's problem: the shape of the tensors, and the bounds of the loops.

Rows (P, R) go with its coefficients named W, columns (Q, S) with those named H. A depthwise layer
has K in place of C in its input. Groups are a loop G of all three tensors.
"""

from collections.abc import Mapping
from typing import Any, Final

from naas_hw.exchange.timeloop_format import BATCH, DIMS, GROUP, Version
from naas_hw.workload.layer import Dim, Kind, Layer

NAME: Final = "CNN-Layer"
COEFFICIENTS: Final = ("Wstride", "Hstride", "Wdilation", "Hdilation")
"""Rows before columns."""


def problem(
    layer: Layer, version: Version, *, bounds: Mapping[Dim, int] | None = None
) -> dict[str, Any]:
    """The file's content; `bounds` are the layer's, unless others are given."""
    body = {
        "shape": _shape(layer, version),
        "instance": _instance(layer, layer.bounds if bounds is None else bounds),
    }
    number = {} if version is Version.V03 else {"version": version.number}
    return {"problem": {**number, **body}}


def problem_dims(layer: Layer) -> tuple[str, ...]:
    """All loops of the problem, in the file's order."""
    return (*DIMS, BATCH, *_groups(layer))


def _groups(layer: Layer) -> tuple[str, ...]:
    return (GROUP,) if layer.groups > 1 else ()


def _instance(layer: Layer, bounds: Mapping[Dim, int]) -> dict[str, int]:
    factors = (*layer.stride, *layer.dilation)
    return {
        **{dim: bounds[dim] for dim in sorted(bounds)},
        BATCH: 1,
        **({GROUP: layer.groups} if _groups(layer) else {}),
        **{name: n for name, n in zip(COEFFICIENTS, factors, strict=True) if n != 1},
    }


def _shape(layer: Layer, version: Version) -> dict[str, Any]:
    spaces, writes = (
        ("data-spaces", "read-write") if version is Version.V03 else ("data_spaces", "read_write")
    )
    group, channel = _groups(layer), "K" if layer.kind is Kind.DEPTHWISE else "C"
    window = [_sum("R", "Wdilation", "P", "Wstride"), _sum("S", "Hdilation", "Q", "Hstride")]
    return {
        "name": NAME,
        "dimensions": list(problem_dims(layer)),
        "coefficients": [{"name": name, "default": 1} for name in COEFFICIENTS],
        spaces: [
            {"name": "Weights", "projection": _indices(*group, "C", "K", "R", "S")},
            {"name": "Inputs", "projection": [*_indices(*group, BATCH, channel), *window]},
            {
                "name": "Outputs",
                "projection": _indices(*group, BATCH, "K", "Q", "P"),
                writes: True,
            },
        ],
    }


def _indices(*dims: str) -> list[list[list[str]]]:
    """A tensor that each of these loops indexes alone."""
    return [[[dim]] for dim in dims]


def _sum(kernel: str, dilation: str, out: str, stride: str) -> list[list[str]]:
    """An index of kernel x dilation + output x stride."""
    return [[kernel, dilation], [out, stride]]
