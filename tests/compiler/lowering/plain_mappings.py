"""An accelerator with all optional hardware, and mappings that are legal on it."""

from naas_hw.arch.accelerator import Accelerator, Axis
from naas_hw.mapping.geometry import ceil_div
from naas_hw.mapping.mapping import Bounds, Mapping
from naas_hw.workload.layer import Layer
from naas_hw.workload.option import Option

LANES = 4


def accelerator(beat_bytes: int) -> Accelerator:
    return Accelerator(
        axes=(Axis(dim="K", size=LANES), Axis(dim="P", size=2)),
        weight_buffer_bytes=65536,
        input_buffer_bytes=65536,
        accumulator_words=65536,
        num_banks=32,
        bank_bytes=1 << 16,
        scale_depth=8192,
        beat_bytes=beat_bytes,
    ).with_options(Option)


def one_tile(layer: Layer) -> Mapping:
    """The whole layer as one tile, the kernel in the PEs."""
    return Mapping(
        l2=Bounds(K=ceil_div(layer.K, LANES), C=layer.C, P=layer.P, Q=layer.Q),
        pe=Bounds(R=layer.R, S=layer.S),
        spatial=Bounds(K=min(layer.K, LANES)),
    )


def spilling(layer: Layer, beat_bytes: int) -> Mapping:
    """Blocks of channels outermost, a row at a time: partial sums wait in DRAM."""
    return Mapping(
        dram_order=("C", "P", "K", "Q", "R", "S"),
        l2=Bounds(K=ceil_div(layer.K, LANES), C=beat_bytes, Q=layer.Q),
        pe=Bounds(R=layer.R, S=layer.S),
        spatial=Bounds(K=min(layer.K, LANES)),
    )
