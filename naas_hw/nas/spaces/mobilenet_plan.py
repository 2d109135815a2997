"""A network of inverted residuals as plain values: what its torch module is built from."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class InvertedBlockPlan:
    """An inverted residual: its place in the largest network, channels, kernel, stride."""

    index: int
    channels: int
    hidden: int
    width: int
    kernel: int
    stride: int
    adds: bool


@dataclass(frozen=True, kw_only=True)
class MobileNetPlan:
    """A network of the family in plain numbers: what its torch module is built from."""

    image_channels: int
    num_classes: int
    stem_width: int
    first_width: int
    head_width: int
    blocks: tuple[InvertedBlockPlan, ...]
