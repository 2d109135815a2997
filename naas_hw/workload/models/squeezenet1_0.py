"""SqueezeNet 1.0 (Iandola et al. 2016)."""

from typing import Final

import torch
from torch import Tensor, nn

FIRES: Final = (
    ((16, 64), (16, 64), (32, 128)),
    ((32, 128), (48, 192), (48, 192), (64, 256)),
    ((64, 256),),
)
"""(squeezed, expanded) channels of the fire modules, a max pool before each group."""


class Fire(nn.Module):
    """A 1x1 convolution that squeezes, a 1x1 and a 3x3 one beside each other that expand."""

    def __init__(self, channels: int, squeezed: int, expanded: int) -> None:
        super().__init__()
        self.squeeze = nn.Conv2d(channels, squeezed, 1)
        self.expand1x1 = nn.Conv2d(squeezed, expanded, 1)
        self.expand3x3 = nn.Conv2d(squeezed, expanded, 3, padding=1)
        self.relu = nn.ReLU(inplace=True)

    def forward(self, features: Tensor) -> Tensor:
        """Features [N, 2 expanded, H, W]."""
        squeezed = self.relu(self.squeeze(features))
        expanded = [self.relu(self.expand1x1(squeezed)), self.relu(self.expand3x3(squeezed))]
        return torch.cat(expanded, 1)


class SqueezeNet(nn.Module):
    """A 7x7 convolution, eight fire modules, a 1x1 convolution as classifier."""

    def __init__(self, num_classes: int = 1000) -> None:
        super().__init__()
        self.features = nn.Sequential(nn.Conv2d(3, 96, 7, 2), nn.ReLU(inplace=True))
        channels = 96
        for group in FIRES:
            self.features.append(nn.MaxPool2d(3, 2, ceil_mode=True))
            for squeezed, expanded in group:
                self.features.append(Fire(channels, squeezed, expanded))
                channels = 2 * expanded
        self.classifier = nn.Sequential(
            nn.Dropout(),
            nn.Conv2d(channels, num_classes, 1),
            nn.ReLU(inplace=True),
            nn.AdaptiveAvgPool2d(1),
        )

    def forward(self, images: Tensor) -> Tensor:
        """Logits [N, classes] of images [N, 3, H, W]."""
        return torch.flatten(self.classifier(self.features(images)), 1)


def squeezenet1_0() -> SqueezeNet:
    """SqueezeNet 1.0 for 1000 classes: 1,248,424 parameters."""
    return SqueezeNet()
