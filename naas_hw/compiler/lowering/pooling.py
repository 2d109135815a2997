"""Pooling as depthwise layers: of equal weights, or whose accumulators keep the maximum."""

from typing import Final

import numpy as np

from naas_hw.compiler.lowering.builder import Builder, Emission, Reach, Scaling, same_for_all
from naas_hw.compiler.lowering.convolutions import Site
from naas_hw.compiler.lowering.moves import identity_scaling
from naas_hw.graph.quantised import AveragePool, MaximumPool, Pair
from naas_hw.workload.layer import Kind

OUTSIDE_OF_MAXIMUM: Final = -128
"""What a maximum sees outside of the image."""


def emit_maximum(builder: Builder, operator: MaximumPool, site: Site) -> None:
    """Weights one, and nothing is requantised."""
    scaling = identity_scaling(site.source.num_channels)
    _emit(builder, operator, site, 1, scaling, operator.dilation)


def emit_average(builder: Builder, operator: AveragePool, site: Site) -> None:
    """Equal weights; the divisor is in the multiplier."""
    channels = site.source.num_channels
    positions = operator.kernel[0] * operator.kernel[1]
    scaling = Scaling(
        bias=same_for_all(-site.input_zero_point * operator.weight * positions, channels),
        multiplier=same_for_all(operator.multiplier, channels),
        shift=same_for_all(operator.shift, channels),
        output_zero_point=site.output_zero_point,
        clamp_min=operator.clamp_min,
        clamp_max=operator.clamp_max,
    )
    _emit(builder, operator, site, operator.weight, scaling, (1, 1))


def _emit(
    builder: Builder,
    operator: MaximumPool | AveragePool,
    site: Site,
    weight: int,
    scaling: Scaling,
    dilation: Pair,
) -> None:
    reaches = tuple(
        Reach(
            size=site.source.shape[1 + i],
            outputs=site.output.shape[1 + i],
            kernel=operator.kernel[i],
            stride=operator.stride[i],
            dilation=dilation[i],
            padding=site.padding[i],
        )
        for i in (0, 1)
    )
    builder.emit(
        Emission(
            name=site.name,
            kind=Kind.DEPTHWISE,
            source=site.source,
            output=site.output,
            reaches=(reaches[0], reaches[1]),
            weights=np.full((site.source.num_channels, 1, *operator.kernel), weight, np.int8),
            scaling=scaling,
            input_zero_point=site.input_zero_point,
            epilogue=site.epilogue,
            makes=site.makes,
            sources=site.sources,
            maximum=isinstance(operator, MaximumPool),
        )
    )
