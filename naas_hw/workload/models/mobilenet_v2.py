"""MobileNetV2 (Sandler et al. 2018, table 2), width 1."""

from typing import Final

import torch
from torch import Tensor, nn

STAGES: Final = (
    (1, 16, 1, 1),
    (6, 24, 2, 2),
    (6, 32, 3, 2),
    (6, 64, 4, 2),
    (6, 96, 3, 1),
    (6, 160, 3, 2),
    (6, 320, 1, 1),
)
"""(expansion, channels, blocks, stride of the first block)."""


def convolution(
    channels: int, width: int, kernel: int, stride: int = 1, groups: int = 1
) -> nn.Sequential:
    """Convolution, batch norm, ReLU6."""
    return nn.Sequential(
        nn.Conv2d(channels, width, kernel, stride, kernel // 2, groups=groups, bias=False),
        nn.BatchNorm2d(width),
        nn.ReLU6(inplace=True),
    )


class InvertedResidual(nn.Module):
    """Expand, depthwise, project; added to its input where the shapes agree."""

    def __init__(self, channels: int, width: int, stride: int, expansion: int) -> None:
        super().__init__()
        hidden = expansion * channels
        self.adds = stride == 1 and channels == width
        self.conv = nn.Sequential()
        if expansion != 1:
            self.conv.append(convolution(channels, hidden, 1))
        self.conv.append(convolution(hidden, hidden, 3, stride, groups=hidden))
        self.conv.append(nn.Conv2d(hidden, width, 1, bias=False))
        self.conv.append(nn.BatchNorm2d(width))

    def forward(self, features: Tensor) -> Tensor:
        """Features [N, width, H / stride, W / stride]."""
        projected: Tensor = self.conv(features)
        return features + projected if self.adds else projected


class MobileNetV2(nn.Module):
    """A 3x3 convolution, seventeen inverted residuals, a 1x1 convolution, a linear layer."""

    def __init__(self, num_classes: int = 1000) -> None:
        super().__init__()
        self.features = nn.Sequential(convolution(3, 32, 3, 2))
        channels = 32
        for expansion, width, depth, first_stride in STAGES:
            for index in range(depth):
                stride = first_stride if index == 0 else 1
                self.features.append(InvertedResidual(channels, width, stride, expansion))
                channels = width
        self.features.append(convolution(channels, 1280, 1))
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.classifier = nn.Sequential(nn.Dropout(0.2), nn.Linear(1280, num_classes))

    def forward(self, images: Tensor) -> Tensor:
        """Logits [N, classes] of images [N, 3, H, W]."""
        logits: Tensor = self.classifier(torch.flatten(self.pool(self.features(images)), 1))
        return logits


def mobilenet_v2() -> MobileNetV2:
    """MobileNetV2 for 1000 classes: 3,504,872 parameters."""
    return MobileNetV2()
