"""MnasNet-B1 (Tan et al. 2019, figure 7 without squeeze and excitation), depth multiplier 1."""

from typing import Final

from torch import Tensor, nn

STAGES: Final = (
    (24, 3, 2, 3, 3),
    (40, 5, 2, 3, 3),
    (80, 5, 2, 6, 3),
    (96, 3, 1, 6, 2),
    (192, 5, 2, 6, 4),
    (320, 3, 1, 6, 1),
)
"""(channels, kernel, stride of the first block, expansion, blocks)."""


def convolution(
    channels: int, width: int, kernel: int, stride: int = 1, groups: int = 1
) -> list[nn.Module]:
    """Convolution and batch norm."""
    padding = kernel // 2
    return [
        nn.Conv2d(channels, width, kernel, stride, padding, groups=groups, bias=False),
        nn.BatchNorm2d(width),
    ]


class MnasNetBlock(nn.Module):
    """Expand, depthwise, project; added to its input where the shapes agree."""

    def __init__(self, channels: int, width: int, kernel: int, stride: int, expansion: int) -> None:
        super().__init__()
        hidden = expansion * channels
        self.adds = stride == 1 and channels == width
        self.layers = nn.Sequential(
            *convolution(channels, hidden, 1),
            nn.ReLU(inplace=True),
            *convolution(hidden, hidden, kernel, stride, groups=hidden),
            nn.ReLU(inplace=True),
            *convolution(hidden, width, 1),
        )

    def forward(self, features: Tensor) -> Tensor:
        """Features [N, width, H / stride, W / stride]."""
        projected: Tensor = self.layers(features)
        return features + projected if self.adds else projected


class MnasNet(nn.Module):
    """A 3x3 and a separable convolution, sixteen inverted residuals, a 1x1, a linear layer."""

    def __init__(self, num_classes: int = 1000) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            *convolution(3, 32, 3, 2),
            nn.ReLU(inplace=True),
            *convolution(32, 32, 3, groups=32),
            nn.ReLU(inplace=True),
            *convolution(32, 16, 1),
        )
        channels = 16
        for width, kernel, first_stride, expansion, depth in STAGES:
            for index in range(depth):
                stride = first_stride if index == 0 else 1
                block = MnasNetBlock(channels, width, kernel, stride, expansion)
                self.layers.append(block)
                channels = width
        self.layers.extend([*convolution(channels, 1280, 1), nn.ReLU(inplace=True)])
        self.classifier = nn.Sequential(nn.Dropout(0.2), nn.Linear(1280, num_classes))

    def forward(self, images: Tensor) -> Tensor:
        """Logits [N, classes] of images [N, 3, H, W]."""
        logits: Tensor = self.classifier(self.layers(images).mean((2, 3)))
        return logits


def mnasnet1_0() -> MnasNet:
    """MnasNet-B1 for 1000 classes: 4,383,312 parameters."""
    return MnasNet()
