"""Random cases with tiny arrays and layers, which the readable cost model evaluates in no time.

They reach the whole legal space: every axis dim, kind of layer, ragged edges, padding wider than
the kernel, strides, dilation, spilled partial sums, buffers that are never refilled, residuals,
tables, maxima, pitched stores. They are drawn without the compiled model, which they test. The
larger cases of `naas verify`, with bins of coverage, are drawn by `naas_hw.verify.random_case`.
"""

from typing import Final

import numpy as np

from naas_hw.arch.accelerator import Accelerator, Axis
from naas_hw.mapping.geometry import Geometry, ceil_div
from naas_hw.mapping.legality import violations
from naas_hw.mapping.mapping import Bounds, Mapping
from naas_hw.verify.case import Case
from naas_hw.workload.layer import DIMS, Dim, Kind, Layer
from naas_hw.workload.option import Option

NUM_ATTEMPTS: Final = 60
"""Mappings that are tried before another accelerator and layer are drawn."""

NUM_OPTION_ATTEMPTS: Final = 8
"""Choices of optional hardware that are tried before a case goes without."""


def random_case(rng: np.random.Generator, *, max_steps: int = 400) -> Case:
    """A legal case of at most so many steps of the array; two of three have optional hardware."""
    case = plain_case(rng, max_steps=max_steps)
    accelerator, layer = legal_options(case.accelerator, case.layer, case.mapping, rng.spawn(1)[0])
    return Case(accelerator=accelerator, layer=layer, mapping=case.mapping)


def plain_case(rng: np.random.Generator, *, max_steps: int = 400) -> Case:
    """A legal case of at most so many steps of the array, without optional hardware."""
    while True:
        accelerator, layer = random_accelerator(rng), random_layer(rng)
        mapping = random_mapping(accelerator, layer, rng, max_steps=max_steps)
        if mapping is not None:
            return Case(accelerator=accelerator, layer=layer, mapping=mapping)


def _pick(rng: np.random.Generator, *values: int) -> int:
    return int(values[rng.integers(len(values))])


def random_accelerator(rng: np.random.Generator) -> Accelerator:
    """One to three axes of up to eight positions, and buffers of a few words to a few hundred."""
    dims = [DIMS[i] for i in rng.permutation(len(DIMS))[: rng.integers(1, 4)]]
    axes = tuple(Axis(dim=dim, size=_pick(rng, 1, 2, 2, 3, 4, 4, 5, 6, 8)) for dim in dims)
    beat = _pick(rng, 4, 8, 16, 32)
    lanes = beat // _pick(rng.spawn(1)[0], 4, 2, 1)
    scale_depth = max(8, beat * _pick(rng, 1, 2, 8))
    return Accelerator(
        axes=axes,
        weight_buffer_bytes=8 * _pick(rng, 1, 2, 4, 8, 16, 64),
        input_buffer_bytes=8 * _pick(rng, 1, 2, 4, 8, 16, 64),
        accumulator_words=max(16 * _pick(rng, 1, 1, 2, 4, 16), 1 if "K" in dims else 2 * lanes),
        num_banks=_pick(rng, 4, 6, 8, 12, 16),
        bank_bytes=beat * _pick(rng, 16, 16, 32, 64, 256),
        scale_depth=scale_depth,
        beat_bytes=beat,
        drain_lanes=lanes,
        dram_latency_cycles=_pick(rng, 1, 2, 5, 20, 80),
        dram_beat_period_cycles=_pick(rng, 1, 1, 1, 2, 3, 14),
        weight_lanes=_pick(rng, 1, 2, 4),
        input_lanes=_pick(rng, 1, 2, 4),
    )


def legal_options(
    accelerator: Accelerator, layer: Layer, mapping: Mapping, rng: np.random.Generator
) -> tuple[Accelerator, Layer]:
    """`with_options` under which a mapping is still legal, if they were found."""
    for _ in range(NUM_OPTION_ATTEMPTS):
        drawn = with_options(accelerator, layer, rng)
        if not violations(*drawn, mapping):
            return drawn
    return accelerator, layer


def with_options(
    accelerator: Accelerator, layer: Layer, rng: np.random.Generator
) -> tuple[Accelerator, Layer]:
    """The same where the layer needs some optional hardware, which is there, and maybe more."""
    if rng.random() < 0.3:
        return accelerator, layer
    draws = dict(zip(Option, map(bool, rng.random(len(Option)) < 0.5), strict=True))
    layer = layer.model_copy(
        update={
            "residual": draws[Option.RESIDUAL],
            "table": draws[Option.TABLE],
            "maximum": draws[Option.MAXIMUM] and layer.kind is Kind.DEPTHWISE,
            "rounds_once": draws[Option.SINGLE_ROUNDING],
            "output_stride": (_pick(rng, 1, 2), 2 if draws[Option.PITCHED_STORE] else 1),
        }
    )
    there = {option.value: option in layer.options or rng.random() < 0.3 for option in Option}
    return accelerator.model_copy(update=there), layer


def random_layer(rng: np.random.Generator) -> Layer:
    """A layer of any kind that the hardware runs, with a few thousand products."""
    kind = (Kind.CONV, Kind.CONV, Kind.CONV, Kind.DEPTHWISE, Kind.LINEAR)[rng.integers(5)]
    channels = 1 if kind is Kind.DEPTHWISE else int(rng.integers(1, 20))
    if kind is Kind.LINEAR:
        return Layer(
            name="layer", kind=kind, K=int(rng.integers(1, 40)), C=channels, height=1, width=1
        )
    stride = (_pick(rng, 1, 1, 2, 3), _pick(rng, 1, 1, 2))
    dilation = (_pick(rng, 1, 1, 1, 2), _pick(rng, 1, 1, 1, 2))
    padding = (_pick(rng, 0, 0, 1, 2, 4), _pick(rng, 0, 0, 1, 3))
    extents = {d: int(rng.integers(1, 8)) for d in "PQ"} | {d: _pick(rng, 1, 1, 2, 3) for d in "RS"}
    rows, columns = (
        (extents[out] - 1) * stride[i] + (extents[kernel] - 1) * dilation[i] + 1
        for i, (out, kernel) in enumerate((("P", "R"), ("Q", "S")))
    )
    # What the kernel covers, less the padding, and a few rows that it leaves out or lacks.
    return Layer(
        name="layer",
        kind=kind,
        K=int(rng.integers(1, 24)),
        C=channels,
        **extents,
        height=max(1, rows - padding[0] - int(rng.integers(-2, 3))),
        width=max(1, columns - padding[1] - int(rng.integers(-2, 3))),
        stride=stride,
        padding=padding,
        dilation=dilation,
        groups=_pick(rng, 1, 1, 1, 2),
    )


def random_mapping(
    accelerator: Accelerator, layer: Layer, rng: np.random.Generator, *, max_steps: int
) -> Mapping | None:
    """A legal mapping of at most so many steps; None if none was found."""
    for _ in range(NUM_ATTEMPTS):
        mapping = _draw(accelerator, layer, rng)
        geometry = Geometry(accelerator=accelerator, layer=layer, mapping=mapping)
        if geometry.num_steps <= max_steps and not violations(accelerator, layer, mapping):
            return mapping
    return None


def _draw(accelerator: Accelerator, layer: Layer, rng: np.random.Generator) -> Mapping:
    pe: dict[Dim, int] = {}
    l2: dict[Dim, int] = {}
    spatial: dict[Dim, int] = {}
    for dim in DIMS:
        bound, size = layer.bounds[dim], accelerator.size_of(dim)
        most = min(bound, size)
        spatial[dim] = most if dim in ("K", "C") else int(rng.integers(1, most + 1))
        rest = ceil_div(bound, spatial[dim])
        pe[dim] = _part(rest, rng)
        rest = ceil_div(rest, pe[dim])
        l2[dim] = _part(rest, rng) if rng.random() < 0.7 else rest
    orders = [tuple(DIMS[i] for i in rng.permutation(len(DIMS))) for _ in range(3)]
    return Mapping(
        dram_order=orders[0],
        l2_order=orders[1],
        pe_order=orders[2],
        l2=Bounds(**l2),
        pe=Bounds(**pe),
        spatial=Bounds(**spatial),
    )


def _part(rest: int, rng: np.random.Generator) -> int:
    """A bound of up to `rest`; small ones, and all of it, more often than others."""
    draw = rng.random()
    if draw < 0.35:
        return 1
    if draw < 0.5:
        return rest
    return int(rng.integers(1, min(rest, 6) + 1))
