"""Once-for-all residual networks: elastic depth, width, expansion and image.

Source of the largest one: Cai et al., Once-for-All (ICLR 2020), whose ResNet50 is the variant D
(three 3x3 convolutions as stem, average pooling before the 1x1 convolution of a shortcut); the
choices are those that the NAAS paper (section III-C) takes over.
"""

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Final

from naas_hw.core.torch_extra import require_torch
from naas_hw.nas.spaces.genes import Condition, Encodings, Gene, Genome, block_condition
from naas_hw.nas.spaces.resnet_plan import BlockPlan, ResNetPlan
from naas_hw.nas.spaces.shapes import convolution, halved, linear, round_channels
from naas_hw.nas.spaces.space import ElasticSpace
from naas_hw.nas.spaces.table import Slot
from naas_hw.workload.layer import Activation, Layer

if TYPE_CHECKING:
    from torch import nn

CONV_RELU: Final = ("conv2d", "batch_norm", "relu")
CONV: Final = ("conv2d", "batch_norm")


@dataclass(frozen=True, kw_only=True)
class ResNetFamily:
    """The sizes that make one space of residual networks.

    Parameters
    ----------
    resolutions : rows and columns of the image.
    width_multipliers : of every stage, and of the stem.
    expand_ratios : middle channels of a block, of its output channels.
    extra_depths : blocks of a stage beyond its base depth.
    stem_width : channels behind the stem. A deep stem (stride 4, with a choice of two or three
        convolutions and of its own width) is that of variant D; the other is one convolution.
    divisor : what channels are a multiple of.
    """

    name: str
    image_channels: int = 3
    num_classes: int = 1000
    resolutions: tuple[int, ...]
    width_multipliers: tuple[float, ...]
    expand_ratios: tuple[float, ...]
    extra_depths: tuple[int, ...] = (0, 1, 2)
    base_depths: tuple[int, ...]
    stage_widths: tuple[int, ...]
    strides: tuple[int, ...]
    stem_width: int
    is_deep: bool = True
    divisor: int = 8

    def space(self) -> "ResNetSpace":
        """The space of this family."""
        return ResNetSpace(
            name=self.name, genome=self._genome(), slots=tuple(_slots(self)), family=self
        )

    def _genome(self) -> Genome:
        genes = [Gene(name="resolution", choices=self.resolutions)]
        if self.is_deep:
            genes.append(Gene(name="stem.depth", choices=(0, 1)))
            genes.append(Gene(name="stem.middle_width", choices=self.width_multipliers))
        genes.append(Gene(name="stem.width", choices=self.width_multipliers))
        index = 0
        for stage, base in enumerate(self.base_depths):
            genes.append(Gene(name=f"stage{stage}.width", choices=self.width_multipliers))
            depth = Gene(name=f"stage{stage}.depth", choices=self.extra_depths)
            genes.append(depth)
            for position in range(self.max_depth(stage)):
                when = block_condition(depth, base, position)
                name = f"block{index}.expand"
                genes.append(Gene(name=name, choices=self.expand_ratios, when=when))
                index += 1
        return Genome(genes=tuple(genes))

    def max_depth(self, stage: int) -> int:
        """Blocks of a stage at most."""
        return self.base_depths[stage] + max(self.extra_depths)

    def stem(self, multiplier: float) -> int:
        """Channels behind the stem."""
        return round_channels(self.stem_width * multiplier, self.divisor)

    def middle_stem(self, multiplier: float) -> int:
        """Channels inside of a deep stem."""
        return round_channels(self.stem(multiplier) // 2, self.divisor)

    def width(self, stage: int, multiplier: float) -> int:
        """Channels of a stage; stage -1 is the stem."""
        if stage < 0:
            return self.stem(multiplier)
        return round_channels(self.stage_widths[stage] * multiplier, self.divisor)

    def middle(self, stage: int, multiplier: float, expand: float) -> int:
        """Channels inside of a block."""
        return round_channels(round(self.width(stage, multiplier) * expand), self.divisor)

    def rows(self, resolution: int, stage: int) -> int:
        """Rows of the image that a stage makes; stage -1 is the stem."""
        rows = halved(halved(resolution)) if self.is_deep else resolution
        for stride in self.strides[: stage + 1]:
            rows = halved(rows) if stride == 2 else rows
        return rows


@dataclass(frozen=True, kw_only=True)
class ResNetSpace(ElasticSpace):
    """The networks of a `ResNetFamily`; a `TrainableSpace`."""

    family: ResNetFamily

    def plan(self, encoding: Encodings) -> ResNetPlan:
        """The network in plain numbers."""
        family, values = self.family, self.decode(encoding)
        middle = family.middle_stem(values["stem.middle_width"]) if family.is_deep else 0
        return ResNetPlan(
            image_channels=family.image_channels,
            num_classes=family.num_classes,
            stem_widths=(middle, family.stem(values["stem.width"])),
            is_deep=family.is_deep,
            has_middle_stem=bool(values.get("stem.depth", 0)),
            blocks=tuple(_block_plans(family, values)),
        )

    def module(self, encoding: Encodings) -> "nn.Module":
        """The network as a torch module with fresh weights.

        Raises
        ------
        ToolError : torch is not installed.
        """
        require_torch(f"to build a network of {self.name}")
        from naas_hw.nas.spaces.modules.resnet import ElasticResNet

        return ElasticResNet(self.plan(encoding))


def _block_plans(family: ResNetFamily, values: dict[str, float]) -> list[BlockPlan]:
    plans, index = [], 0
    channels = family.stem(values["stem.width"])
    for stage, stride in enumerate(family.strides):
        multiplier = values[f"stage{stage}.width"]
        depth = family.base_depths[stage] + int(values[f"stage{stage}.depth"])
        for position in range(depth):
            plans.append(
                BlockPlan(
                    index=index + position,
                    channels=channels,
                    middle=family.middle(
                        stage, multiplier, values[f"block{index + position}.expand"]
                    ),
                    width=family.width(stage, multiplier),
                    stride=stride if position == 0 else 1,
                    is_first=position == 0,
                )
            )
            channels = family.width(stage, multiplier)
        index += family.max_depth(stage)
    return plans


def _slots(family: ResNetFamily) -> list[Slot]:
    slots = _deep_stem(family) if family.is_deep else [_plain_stem(family)]
    genome = family._genome()
    index = 0
    for stage, base in enumerate(family.base_depths):
        depth = genome.genes[genome.column(f"stage{stage}.depth")]
        for position in range(family.max_depth(stage)):
            when = block_condition(depth, base, position)
            slots += _block(family, stage, index, position == 0, when)
            index += 1
    return [*slots, Slot(name="pool", operators=("adaptive_avg_pool2d",)), _classifier(family)]


def _plain_stem(family: ResNetFamily) -> Slot:
    def layer(resolution: float, width: float) -> Layer:
        return convolution(
            width=family.stem(width),
            channels=family.image_channels,
            rows=int(resolution),
            kernel=3,
        )

    return Slot(
        name="stem.0.conv", operators=CONV_RELU, genes=("resolution", "stem.width"), layer=layer
    )


def _deep_stem(family: ResNetFamily) -> list[Slot]:
    def first(resolution: float, middle: float) -> Layer:
        return convolution(
            width=family.middle_stem(middle),
            channels=family.image_channels,
            rows=int(resolution),
            kernel=3,
            stride=2,
        )

    def second(resolution: float, middle: float) -> Layer:
        channels = family.middle_stem(middle)
        rows = halved(int(resolution))
        return convolution(width=channels, channels=channels, rows=rows, kernel=3)

    def third(resolution: float, middle: float, width: float) -> Layer:
        return convolution(
            width=family.stem(width),
            channels=family.middle_stem(middle),
            rows=halved(int(resolution)),
            kernel=3,
        )

    inner = ("resolution", "stem.middle_width")
    when = Condition(gene="stem.depth", least=1)
    return [
        Slot(name="stem.0.conv", operators=CONV_RELU, genes=inner, layer=first),
        Slot(name="stem.1.conv", operators=CONV_RELU, genes=inner, layer=second, when=when),
        Slot(name="sum", operators=("add",), when=when),
        Slot(name="stem.2.conv", operators=CONV_RELU, genes=(*inner, "stem.width"), layer=third),
        Slot(name="pool", operators=("max_pool2d",)),
    ]


def _block(
    family: ResNetFamily, stage: int, index: int, is_first: bool, when: Condition | None
) -> list[Slot]:
    """The slots of a block; the first of a stage has a shortcut with a convolution."""
    before = ("stem.width" if stage == 0 else f"stage{stage - 1}.width") if is_first else ""
    own = (f"stage{stage}.width", f"block{index}.expand")
    name, stride = f"blocks.{index}", family.strides[stage] if is_first else 1
    layers = _ResNetBlockLayers(family=family, stage=stage, is_first=is_first)
    slot = partial(Slot, when=when)
    reads = ("resolution", before, *own) if is_first else ("resolution", *own)
    slots = [
        slot(name=f"{name}.conv1.conv", operators=CONV_RELU, genes=reads, layer=layers.reduce),
        slot(
            name=f"{name}.conv2.conv",
            operators=CONV_RELU,
            genes=("resolution", *own),
            layer=layers.middle,
        ),
        slot(
            name=f"{name}.conv3.conv",
            operators=CONV,
            genes=("resolution", *own),
            layer=layers.expand,
        ),
    ]
    if is_first and stride == 2:
        slots.append(slot(name="pool", operators=("avg_pool2d",)))
    if is_first:
        slots.append(
            slot(
                name=f"{name}.downsample.conv",
                operators=CONV,
                genes=("resolution", before, own[0]),
                layer=layers.shortcut,
            )
        )
    return [*slots, slot(name="sum", operators=("add", "relu"))]


@dataclass(frozen=True, kw_only=True)
class _ResNetBlockLayers:
    """The layers of a block, of the values of its genes."""

    family: ResNetFamily
    stage: int
    is_first: bool

    def _rows_before(self, resolution: float) -> int:
        return self.family.rows(int(resolution), self.stage - 1 if self.is_first else self.stage)

    def reduce(self, resolution: float, *widths: float) -> Layer:
        """1x1; `widths` : of the stage before (in its first block only), of its own, expansion."""
        before, own, expand = widths if self.is_first else (widths[0], *widths)
        stage_before = self.stage - 1 if self.is_first else self.stage
        return convolution(
            width=self.family.middle(self.stage, own, expand),
            channels=self.family.width(stage_before, before),
            rows=self._rows_before(resolution),
        )

    def middle(self, resolution: float, width: float, expand: float) -> Layer:
        """3x3, with the stride."""
        channels = self.family.middle(self.stage, width, expand)
        return convolution(
            width=channels,
            channels=channels,
            rows=self._rows_before(resolution),
            kernel=3,
            stride=self.family.strides[self.stage] if self.is_first else 1,
        )

    def expand(self, resolution: float, width: float, expand: float) -> Layer:
        """1x1 to the width of the stage."""
        return convolution(
            width=self.family.width(self.stage, width),
            channels=self.family.middle(self.stage, width, expand),
            rows=self.family.rows(int(resolution), self.stage),
            activation=Activation.NONE,
        )

    def shortcut(self, resolution: float, before: float, width: float) -> Layer:
        """1x1 behind the average pooling."""
        return convolution(
            width=self.family.width(self.stage, width),
            channels=self.family.width(self.stage - 1, before),
            rows=self.family.rows(int(resolution), self.stage),
            activation=Activation.NONE,
        )


def _classifier(family: ResNetFamily) -> Slot:
    last = len(family.stage_widths) - 1

    def layer(width: float) -> Layer:
        return linear(width=family.num_classes, channels=family.width(last, width))

    return Slot(
        name="classifier", operators=("linear",), genes=(f"stage{last}.width",), layer=layer
    )
