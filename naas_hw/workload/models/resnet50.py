"""ResNet50 (He et al. 2016), with the stride in the 3x3 convolution (known as V1.5)."""

from typing import Final

import torch
from torch import Tensor, nn

STAGES: Final = ((3, 64, 1), (4, 128, 2), (6, 256, 2), (3, 512, 2))
"""(blocks, width, stride of the first block)."""
EXPANSION: Final = 4


class Bottleneck(nn.Module):
    """1x1 to the width, 3x3, 1x1 to four times the width, added to the shortcut."""

    def __init__(self, channels: int, width: int, stride: int) -> None:
        super().__init__()
        expanded = EXPANSION * width
        self.conv1 = nn.Conv2d(channels, width, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, stride, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.conv3 = nn.Conv2d(width, expanded, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(expanded)
        self.relu = nn.ReLU(inplace=True)
        self.downsample = nn.Sequential()
        if stride != 1 or channels != expanded:
            self.downsample.append(nn.Conv2d(channels, expanded, 1, stride, bias=False))
            self.downsample.append(nn.BatchNorm2d(expanded))

    def forward(self, features: Tensor) -> Tensor:
        """Features [N, 4 width, H / stride, W / stride]."""
        inner = self.relu(self.bn1(self.conv1(features)))
        inner = self.relu(self.bn2(self.conv2(inner)))
        total: Tensor = self.relu(self.bn3(self.conv3(inner)) + self.downsample(features))
        return total


class ResNet50(nn.Module):
    """A 7x7 convolution, sixteen bottlenecks, a linear layer."""

    def __init__(self, num_classes: int = 1000) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 64, 7, 2, padding=3, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        self.relu = nn.ReLU(inplace=True)
        self.maxpool = nn.MaxPool2d(3, 2, padding=1)
        channels = 64
        for number, (depth, width, stride) in enumerate(STAGES, start=1):
            blocks = [Bottleneck(channels, width, stride)]
            channels = EXPANSION * width
            blocks += [Bottleneck(channels, width, 1) for _ in range(depth - 1)]
            self.add_module(f"layer{number}", nn.Sequential(*blocks))
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.fc = nn.Linear(channels, num_classes)

    def forward(self, images: Tensor) -> Tensor:
        """Logits [N, classes] of images [N, 3, H, W]."""
        features = self.maxpool(self.relu(self.bn1(self.conv1(images))))
        for number in range(1, len(STAGES) + 1):
            features = self.get_submodule(f"layer{number}")(features)
        logits: Tensor = self.fc(torch.flatten(self.avgpool(features), 1))
        return logits


def resnet50() -> ResNet50:
    """ResNet50 for 1000 classes: 25,557,032 parameters."""
    return ResNet50()
