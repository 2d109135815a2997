"""A residual network as plain values: what its torch module is built from."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class BlockPlan:
    """A residual block: its place in the largest network, channels, stride."""

    index: int
    channels: int
    middle: int
    width: int
    stride: int
    is_first: bool


@dataclass(frozen=True, kw_only=True)
class ResNetPlan:
    """A network of the family in plain numbers: what its torch module is built from."""

    image_channels: int
    num_classes: int
    stem_widths: tuple[int, int]
    is_deep: bool
    has_middle_stem: bool
    blocks: tuple[BlockPlan, ...]
