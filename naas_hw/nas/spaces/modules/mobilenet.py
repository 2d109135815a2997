"""A network of a `MobileNetFamily` as a torch module.

Blocks are named by their place in the largest network, as in `resnet`.
"""

import torch
from torch import Tensor, nn

from naas_hw.nas.spaces.mobilenet_plan import InvertedBlockPlan, MobileNetPlan
from naas_hw.nas.spaces.modules.blocks import ConvNorm


class InvertedBlock(nn.Module):
    """Expand, depthwise, project; added to its input where it is not the first of its stage."""

    def __init__(self, plan: InvertedBlockPlan) -> None:
        super().__init__()
        self.expand = ConvNorm(plan.channels, plan.hidden, activation=nn.ReLU6())
        self.depthwise = ConvNorm(
            plan.hidden,
            plan.hidden,
            plan.kernel,
            plan.stride,
            groups=plan.hidden,
            activation=nn.ReLU6(),
        )
        self.project = ConvNorm(plan.hidden, plan.width)
        self.adds = plan.adds

    def forward(self, features: Tensor) -> Tensor:
        """Features [N, width, H / stride, W / stride]."""
        projected: Tensor = self.project(self.depthwise(self.expand(features)))
        return features + projected if self.adds else projected


class FirstBlock(nn.Module):
    """Depthwise 3x3, project."""

    def __init__(self, channels: int, width: int) -> None:
        super().__init__()
        self.depthwise = ConvNorm(channels, channels, 3, groups=channels, activation=nn.ReLU6())
        self.project = ConvNorm(channels, width)

    def forward(self, features: Tensor) -> Tensor:
        """Features [N, width, H, W]."""
        projected: Tensor = self.project(self.depthwise(features))
        return projected


class ElasticMobileNet(nn.Module):
    """A 3x3 convolution, inverted residuals, a 1x1 convolution, a linear layer."""

    def __init__(self, plan: MobileNetPlan) -> None:
        super().__init__()
        self.stem = ConvNorm(plan.image_channels, plan.stem_width, 3, 2, activation=nn.ReLU6())
        self.first = FirstBlock(plan.stem_width, plan.first_width)
        self.blocks = nn.ModuleDict(
            {str(block.index): InvertedBlock(block) for block in plan.blocks}
        )
        self.head = ConvNorm(plan.blocks[-1].width, plan.head_width, activation=nn.ReLU6())
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.classifier = nn.Linear(plan.head_width, plan.num_classes)

    def forward(self, images: Tensor) -> Tensor:
        """Logits [N, classes] of images [N, channels, H, W]."""
        features = self.first(self.stem(images))
        for block in self.blocks.values():
            features = block(features)
        logits: Tensor = self.classifier(torch.flatten(self.pool(self.head(features)), 1))
        return logits
