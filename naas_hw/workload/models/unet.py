"""U-Net (Ronneberger et al. 2015): unpadded 3x3 convolutions, 572 x 572 x 1 to 388 x 388 x 2."""

from typing import Final

import torch
from torch import Tensor, nn

WIDTHS: Final = (64, 128, 256, 512, 1024)


class DoubleConvolution(nn.Sequential):
    """Two unpadded 3x3 convolutions, each with ReLU: four rows and columns less."""

    def __init__(self, channels: int, width: int) -> None:
        super().__init__(
            nn.Conv2d(channels, width, 3),
            nn.ReLU(inplace=True),
            nn.Conv2d(width, width, 3),
            nn.ReLU(inplace=True),
        )


class UNet(nn.Module):
    """Four times down and up, each level joined with the cropped one across from it."""

    def __init__(self, channels: int = 1, num_classes: int = 2) -> None:
        super().__init__()
        self.down = nn.ModuleList()
        for width in WIDTHS:
            self.down.append(DoubleConvolution(channels, width))
            channels = width
        self.pool = nn.MaxPool2d(2)
        self.up = nn.ModuleList()
        self.join = nn.ModuleList()
        for width in reversed(WIDTHS[:-1]):
            self.up.append(nn.ConvTranspose2d(channels, width, 2, 2))
            self.join.append(DoubleConvolution(channels, width))
            channels = width
        self.head = nn.Conv2d(channels, num_classes, 1)

    def forward(self, images: Tensor) -> Tensor:
        """Logits [N, classes, H - 184, W - 184] of images [N, channels, H, W]."""
        across = [self.down[0](images)]
        for step in self.down[1:]:
            across.append(step(self.pool(across[-1])))
        features = across.pop()
        for up, join in zip(self.up, self.join, strict=True):
            features = up(features)
            features = join(torch.cat([cropped(across.pop(), features), features], 1))
        logits: Tensor = self.head(features)
        return logits


def cropped(features: Tensor, like: Tensor) -> Tensor:
    """The middle of `features`, as large as `like`."""
    height, width = like.shape[-2:]
    top = (features.shape[-2] - height) // 2
    left = (features.shape[-1] - width) // 2
    return features[..., top : top + height, left : left + width]


def unet() -> UNet:
    """U-Net for one input channel and two classes: 31,030,658 parameters."""
    return UNet()
