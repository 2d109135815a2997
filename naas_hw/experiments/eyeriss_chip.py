"""What the Eyeriss chip needed for AlexNet and VGG16, as published.

Chen, Krishna, Emer, Sze: Eyeriss, IEEE JSSC 52(1), 2017, Tables V and VI, as transcribed in
cucapra/fodlam: processing latency of a whole batch (what waits for DRAM beyond it is left out) and
PEs at work, at 200 MHz. Nothing here is computed, and nothing of ours is fitted to it.
"""

from dataclasses import dataclass
from typing import Final

from naas_hw.workload.catalogue import load_builtin
from naas_hw.workload.layer import Activation, Kind, Layer
from naas_hw.workload.network import Network

CLOCK_HZ: Final = 200_000_000
NUM_PES: Final = 168


@dataclass(frozen=True, kw_only=True)
class PublishedLayer:
    """One row: milliseconds of the whole batch, and PEs at work."""

    name: str
    processing_ms: float
    active_pes: int


@dataclass(frozen=True, kw_only=True)
class ChipNetwork:
    """The convolution layers of a network on the chip.

    Members
    -------
    batch : images that were processed together.
    mean_active_pes : of the whole network, as published.
    """

    name: str
    batch: int
    mean_active_pes: int
    layers: tuple[PublishedLayer, ...]

    def cycles(self, layer: PublishedLayer) -> float:
        """Of one image."""
        return layer.processing_ms * 1e-3 * CLOCK_HZ / self.batch


def _rows(*rows: tuple[str, float, int]) -> tuple[PublishedLayer, ...]:
    return tuple(
        PublishedLayer(name=name, processing_ms=ms, active_pes=pes) for name, ms, pes in rows
    )


ALEXNET: Final = ChipNetwork(
    name="AlexNet",
    batch=4,
    mean_active_pes=143,
    layers=_rows(
        ("CONV1", 16.5, 154),
        ("CONV2", 39.2, 135),
        ("CONV3", 21.3, 156),
        ("CONV4", 16.0, 156),
        ("CONV5", 10.0, 156),
    ),
)

VGG16: Final = ChipNetwork(
    name="VGG16",
    batch=3,
    mean_active_pes=158,
    layers=_rows(
        ("CONV1-1", 38.0, 156),
        ("CONV1-2", 810.6, 156),
        ("CONV2-1", 405.3, 156),
        ("CONV2-2", 810.8, 156),
        ("CONV3-1", 204.0, 156),
        ("CONV3-2", 408.1, 156),
        ("CONV3-3", 408.1, 156),
        ("CONV4-1", 105.1, 168),
        ("CONV4-2", 210.0, 168),
        ("CONV4-3", 210.0, 168),
        ("CONV5-1", 48.3, 168),
        ("CONV5-2", 48.5, 168),
        ("CONV5-3", 48.5, 168),
    ),
)


def _conv(
    name: str,
    kernels: int,
    channels: int,
    sides: tuple[int, int],
    kernel: int,
    *,
    stride: int = 1,
    padding: int = 0,
    groups: int = 1,
) -> Layer:
    """A layer with square images and kernels; sides are those of input and output."""
    inputs, outputs = sides
    return Layer(
        name=name, K=kernels, C=channels, P=outputs, Q=outputs, R=kernel, S=kernel,
        height=inputs, width=inputs, stride=(stride, stride), padding=(padding, padding),
        groups=groups, activation=Activation.RELU,
    )  # fmt: skip


ALEXNET_LAYERS: Final = Network(
    name="alexnet",
    layers=(
        _conv("CONV1", 96, 3, (227, 55), 11, stride=4),
        _conv("CONV2", 128, 48, (27, 27), 5, padding=2, groups=2),
        _conv("CONV3", 384, 256, (13, 13), 3, padding=1),
        _conv("CONV4", 192, 192, (13, 13), 3, padding=1, groups=2),
        _conv("CONV5", 128, 192, (13, 13), 3, padding=1, groups=2),
    ),
)
"""Krizhevsky, Sutskever, Hinton, NIPS 2012, as in Table V: K and C are those of a group."""


def vgg16_layers() -> Network:
    """The thirteen convolutions of the built-in VGG16, under the names of Table VI."""
    convolutions = [layer for layer in load_builtin("vgg16").layers if layer.kind is Kind.CONV]
    names = [layer.name for layer in VGG16.layers]
    return Network(
        name="vgg16",
        layers=tuple(layer.renamed(name) for name, layer in zip(names, convolutions, strict=True)),
    )
