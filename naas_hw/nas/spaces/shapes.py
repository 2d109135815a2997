"""Widths, image sizes and layers as the once-for-all networks have them."""

from naas_hw.workload.layer import Activation, Kind, Layer


def round_channels(width: float, divisor: int) -> int:
    """The multiple of `divisor` nearest to a width, at least one, and not under 90 % of it.

    Source: MobileNetV2's rule, which the once-for-all networks use.

    >>> round_channels(41.6, 8), round_channels(20, 8), round_channels(166.4, 8)
    (40, 24, 168)
    """
    rounded = max(divisor, int(width + divisor / 2) // divisor * divisor)
    return rounded if rounded >= 0.9 * width else rounded + divisor


def halved(size: int) -> int:
    """Rows after a step of two that keeps the odd one.

    >>> halved(9), halved(8)
    (5, 4)
    """
    return (size + 1) // 2


def convolution(
    *,
    width: int,
    channels: int,
    rows: int,
    kernel: int = 1,
    stride: int = 1,
    activation: Activation = Activation.RELU,
    kind: Kind = Kind.CONV,
) -> Layer:
    """A square convolution of a square image, padded so that a stride of 1 keeps its size."""
    out = halved(rows) if stride == 2 else rows
    return Layer(
        name="layer",
        kind=kind,
        K=width,
        C=1 if kind is Kind.DEPTHWISE else channels,
        P=out,
        Q=out,
        R=kernel,
        S=kernel,
        height=rows,
        width=rows,
        stride=(stride, stride),
        padding=(kernel // 2, kernel // 2),
        activation=activation,
    )


def linear(*, width: int, channels: int) -> Layer:
    """A linear layer."""
    return Layer(name="layer", kind=Kind.LINEAR, K=width, C=channels, height=1, width=1)
