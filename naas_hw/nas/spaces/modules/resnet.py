"""A network of a `ResNetFamily` as a torch module.

Blocks are named by their place in the largest network, so that the parameters of every network
bear the names of those that they are a part of.
"""

import torch
from torch import Tensor, nn

from naas_hw.nas.spaces.modules.blocks import ConvNorm
from naas_hw.nas.spaces.resnet_plan import BlockPlan, ResNetPlan


class Block(nn.Module):
    """1x1, 3x3, 1x1, added to a shortcut."""

    def __init__(self, plan: BlockPlan) -> None:
        super().__init__()
        self.conv1 = ConvNorm(plan.channels, plan.middle, activation=nn.ReLU())
        self.conv2 = ConvNorm(plan.middle, plan.middle, 3, plan.stride, activation=nn.ReLU())
        self.conv3 = ConvNorm(plan.middle, plan.width)
        self.pool = nn.AvgPool2d(2, 2, ceil_mode=True) if plan.stride == 2 else nn.Identity()
        self.downsample = ConvNorm(plan.channels, plan.width) if plan.is_first else nn.Identity()
        self.relu = nn.ReLU()

    def forward(self, features: Tensor) -> Tensor:
        """Features [N, width, H / stride, W / stride]."""
        inner: Tensor = self.conv3(self.conv2(self.conv1(features)))
        total: Tensor = self.relu(inner + self.downsample(self.pool(features)))
        return total


class ElasticResNet(nn.Module):
    """A stem, residual blocks, a linear layer."""

    def __init__(self, plan: ResNetPlan) -> None:
        super().__init__()
        middle, width = plan.stem_widths
        if plan.is_deep:
            stem = {"0": ConvNorm(plan.image_channels, middle, 3, 2, activation=nn.ReLU())}
            if plan.has_middle_stem:
                stem["1"] = ConvNorm(middle, middle, 3, activation=nn.ReLU())
            stem["2"] = ConvNorm(middle, width, 3, activation=nn.ReLU())
        else:
            stem = {"0": ConvNorm(plan.image_channels, width, 3, activation=nn.ReLU())}
        self.stem = nn.ModuleDict(stem)
        self.max_pool = nn.MaxPool2d(3, 2, padding=1) if plan.is_deep else nn.Identity()
        self.blocks = nn.ModuleDict({str(block.index): Block(block) for block in plan.blocks})
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.classifier = nn.Linear(plan.blocks[-1].width, plan.num_classes)

    def forward(self, images: Tensor) -> Tensor:
        """Logits [N, classes] of images [N, channels, H, W]."""
        features = images
        for name, convolution in self.stem.items():
            made = convolution(features)
            features = made + features if name == "1" else made
        features = self.max_pool(features)
        for block in self.blocks.values():
            features = block(features)
        logits: Tensor = self.classifier(torch.flatten(self.pool(features), 1))
        return logits
