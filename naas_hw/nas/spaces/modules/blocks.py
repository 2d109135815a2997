"""Convolution, batch norm, activation: what the elastic networks are built of."""

from torch import Tensor, nn


class ConvNorm(nn.Module):
    """A convolution that keeps the size of an image at stride 1, a batch norm, an activation."""

    def __init__(
        self,
        channels: int,
        width: int,
        kernel: int = 1,
        stride: int = 1,
        *,
        groups: int = 1,
        activation: nn.Module | None = None,
    ) -> None:
        super().__init__()
        self.conv = nn.Conv2d(
            channels, width, kernel, stride, kernel // 2, groups=groups, bias=False
        )
        self.bn = nn.BatchNorm2d(width)
        self.activation = activation

    def forward(self, features: Tensor) -> Tensor:
        """Features [N, width, H / stride, W / stride]."""
        normed: Tensor = self.bn(self.conv(features))
        return normed if self.activation is None else self.activation(normed)
