"""VGG16 (Simonyan and Zisserman 2015, configuration D), without batch norm."""

from typing import Final

import torch
from torch import Tensor, nn

STAGES: Final = ((2, 64), (2, 128), (3, 256), (3, 512), (3, 512))
"""(3x3 convolutions, channels) between two max pools."""


class VGG16(nn.Module):
    """Thirteen 3x3 convolutions and three linear layers."""

    def __init__(self, num_classes: int = 1000) -> None:
        super().__init__()
        steps: list[nn.Module] = []
        channels = 3
        for depth, width in STAGES:
            for _ in range(depth):
                steps += [nn.Conv2d(channels, width, 3, padding=1), nn.ReLU(inplace=True)]
                channels = width
            steps.append(nn.MaxPool2d(2))
        self.features = nn.Sequential(*steps)
        self.pool = nn.AdaptiveAvgPool2d(7)
        self.classifier = nn.Sequential(
            nn.Linear(channels * 7 * 7, 4096),
            nn.ReLU(inplace=True),
            nn.Dropout(),
            nn.Linear(4096, 4096),
            nn.ReLU(inplace=True),
            nn.Dropout(),
            nn.Linear(4096, num_classes),
        )

    def forward(self, images: Tensor) -> Tensor:
        """Logits [N, classes] of images [N, 3, H, W]."""
        logits: Tensor = self.classifier(torch.flatten(self.pool(self.features(images)), 1))
        return logits


def vgg16() -> VGG16:
    """VGG16 for 1000 classes: 138,357,544 parameters."""
    return VGG16()
