"""Once-for-all networks of inverted residuals: elastic depth, width, expansion, kernel and image.

The largest one has the stages of MobileNetV2 (Sandler et al. 2018, table 2), deeper.
"""

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Final

from naas_hw.core.torch_extra import require_torch
from naas_hw.nas.spaces.genes import Condition, Encodings, Gene, Genome, block_condition
from naas_hw.nas.spaces.mobilenet_plan import InvertedBlockPlan, MobileNetPlan
from naas_hw.nas.spaces.shapes import convolution, halved, linear, round_channels
from naas_hw.nas.spaces.space import ElasticSpace
from naas_hw.nas.spaces.table import Slot
from naas_hw.workload.layer import Activation, Kind, Layer

if TYPE_CHECKING:
    from torch import nn

CONV_RELU6: Final = ("conv2d", "batch_norm", "hardtanh")
CONV: Final = ("conv2d", "batch_norm")


@dataclass(frozen=True, kw_only=True)
class MobileNetFamily:
    """The sizes that make one space of networks of inverted residuals.

    Parameters
    ----------
    resolutions : rows and columns of the image.
    width_multipliers : of the stem, the first block and every stage.
    expand_ratios : hidden channels of a block, of its input channels.
    kernels : of the depthwise convolutions, odd.
    extra_depths : blocks of a stage beyond its base depth.
    stem_width, first_width : channels behind the stem and behind the block without expansion.
    head_width : channels before the classifier; they are fixed.
    """

    name: str
    image_channels: int = 3
    num_classes: int = 1000
    resolutions: tuple[int, ...]
    width_multipliers: tuple[float, ...]
    expand_ratios: tuple[int, ...]
    kernels: tuple[int, ...]
    extra_depths: tuple[int, ...] = (0, 1, 2)
    base_depths: tuple[int, ...]
    stage_widths: tuple[int, ...]
    strides: tuple[int, ...]
    stem_width: int = 32
    first_width: int = 16
    head_width: int = 1280
    divisor: int = 8

    def space(self) -> "MobileNetSpace":
        """The space of this family."""
        genome = self.genome()
        return MobileNetSpace(
            name=self.name, genome=genome, slots=tuple(_slots(self, genome)), family=self
        )

    def genome(self) -> Genome:
        """Its genes: the image, widths, and for each stage its depth and its blocks."""
        genes = [
            Gene(name="resolution", choices=self.resolutions),
            Gene(name="stem.width", choices=self.width_multipliers),
            Gene(name="first.width", choices=self.width_multipliers),
        ]
        index = 0
        for stage, base in enumerate(self.base_depths):
            genes.append(Gene(name=f"stage{stage}.width", choices=self.width_multipliers))
            depth = Gene(name=f"stage{stage}.depth", choices=self.extra_depths)
            genes.append(depth)
            for position in range(self.max_depth(stage)):
                when = block_condition(depth, base, position)
                block = f"block{index}"
                genes.append(Gene(name=f"{block}.expand", choices=self.expand_ratios, when=when))
                genes.append(Gene(name=f"{block}.kernel", choices=self.kernels, when=when))
                index += 1
        return Genome(genes=tuple(genes))

    def max_depth(self, stage: int) -> int:
        """Blocks of a stage at most."""
        return self.base_depths[stage] + max(self.extra_depths)

    def scaled(self, width: int, multiplier: float) -> int:
        """A width, multiplied."""
        return round_channels(width * multiplier, self.divisor)

    def width(self, stage: int, multiplier: float) -> int:
        """Channels of a stage; stage -1 is the first block."""
        return self.scaled(self.first_width if stage < 0 else self.stage_widths[stage], multiplier)

    def hidden(self, channels: int, expand: float) -> int:
        """Channels inside of a block."""
        return round_channels(round(channels * expand), self.divisor)

    def rows(self, resolution: int, stage: int) -> int:
        """Rows of the image that a stage makes; stage -1 is the first block."""
        rows = halved(resolution)
        for stride in self.strides[: stage + 1]:
            rows = halved(rows) if stride == 2 else rows
        return rows


@dataclass(frozen=True, kw_only=True)
class MobileNetSpace(ElasticSpace):
    """The networks of a `MobileNetFamily`; a `TrainableSpace`."""

    family: MobileNetFamily

    def plan(self, encoding: Encodings) -> MobileNetPlan:
        """The network in plain numbers."""
        family, values = self.family, self.decode(encoding)
        return MobileNetPlan(
            image_channels=family.image_channels,
            num_classes=family.num_classes,
            stem_width=family.scaled(family.stem_width, values["stem.width"]),
            first_width=family.width(-1, values["first.width"]),
            head_width=family.head_width,
            blocks=tuple(_block_plans(family, values)),
        )

    def module(self, encoding: Encodings) -> "nn.Module":
        """The network as a torch module with fresh weights.

        Raises
        ------
        ToolError : torch is not installed.
        """
        require_torch(f"to build a network of {self.name}")
        from naas_hw.nas.spaces.modules.mobilenet import ElasticMobileNet

        return ElasticMobileNet(self.plan(encoding))


def _block_plans(family: MobileNetFamily, values: dict[str, float]) -> list[InvertedBlockPlan]:
    plans, index = [], 0
    channels = family.width(-1, values["first.width"])
    for stage, stride in enumerate(family.strides):
        width = family.width(stage, values[f"stage{stage}.width"])
        depth = family.base_depths[stage] + int(values[f"stage{stage}.depth"])
        for position in range(depth):
            block = f"block{index + position}"
            plans.append(
                InvertedBlockPlan(
                    index=index + position,
                    channels=channels,
                    hidden=family.hidden(channels, values[f"{block}.expand"]),
                    width=width,
                    kernel=int(values[f"{block}.kernel"]),
                    stride=stride if position == 0 else 1,
                    adds=position > 0,
                )
            )
            channels = width
        index += family.max_depth(stage)
    return plans


def _slots(family: MobileNetFamily, genome: Genome) -> list[Slot]:
    slots = _stem(family)
    index = 0
    for stage, base in enumerate(family.base_depths):
        depth = genome.genes[genome.column(f"stage{stage}.depth")]
        for position in range(family.max_depth(stage)):
            when = block_condition(depth, base, position)
            slots += _block(family, stage, index, position == 0, when)
            index += 1
    return [*slots, *_head(family)]


def _stem(family: MobileNetFamily) -> list[Slot]:
    def stem(resolution: float, width: float) -> Layer:
        return convolution(
            width=family.scaled(family.stem_width, width),
            channels=family.image_channels,
            rows=int(resolution),
            kernel=3,
            stride=2,
            activation=Activation.RELU6,
        )

    def depthwise(resolution: float, width: float) -> Layer:
        channels = family.scaled(family.stem_width, width)
        return convolution(
            width=channels,
            channels=channels,
            rows=halved(int(resolution)),
            kernel=3,
            activation=Activation.RELU6,
            kind=Kind.DEPTHWISE,
        )

    def project(resolution: float, stem_width: float, width: float) -> Layer:
        return convolution(
            width=family.width(-1, width),
            channels=family.scaled(family.stem_width, stem_width),
            rows=halved(int(resolution)),
            activation=Activation.NONE,
        )

    inner = ("resolution", "stem.width")
    outer = (*inner, "first.width")
    return [
        Slot(name="stem.conv", operators=CONV_RELU6, genes=inner, layer=stem),
        Slot(name="first.depthwise.conv", operators=CONV_RELU6, genes=inner, layer=depthwise),
        Slot(name="first.project.conv", operators=CONV, genes=outer, layer=project),
    ]


def _block(
    family: MobileNetFamily, stage: int, index: int, is_first: bool, when: Condition | None
) -> list[Slot]:
    """The slots of a block; the input of a stage's first has the width of the stage before."""
    own = f"stage{stage}.width"
    before = "first.width" if stage == 0 else f"stage{stage - 1}.width"
    source = before if is_first else own
    block, name = f"block{index}", f"blocks.{index}"
    layers = _MobileNetBlockLayers(family=family, stage=stage, is_first=is_first)
    slot = partial(Slot, when=when)
    inner = ("resolution", source, f"{block}.expand")
    slots = [
        slot(name=f"{name}.expand.conv", operators=CONV_RELU6, genes=inner, layer=layers.expand),
        slot(
            name=f"{name}.depthwise.conv",
            operators=CONV_RELU6,
            genes=(*inner, f"{block}.kernel"),
            layer=layers.depthwise,
        ),
        slot(
            name=f"{name}.project.conv",
            operators=CONV,
            genes=(*inner, own),
            layer=layers.project,
        ),
    ]
    return slots if is_first else [*slots, slot(name="sum", operators=("add",))]


@dataclass(frozen=True, kw_only=True)
class _MobileNetBlockLayers:
    """The layers of a block, of the values of its genes; `source` is its input's width."""

    family: MobileNetFamily
    stage: int
    is_first: bool

    def _source(self) -> int:
        return self.stage - 1 if self.is_first else self.stage

    def _channels(self, source: float) -> int:
        return self.family.width(self._source(), source)

    def _hidden(self, source: float, expand: float) -> int:
        return self.family.hidden(self._channels(source), expand)

    def expand(self, resolution: float, source: float, expand: float) -> Layer:
        """1x1 to the hidden channels."""
        return convolution(
            width=self._hidden(source, expand),
            channels=self._channels(source),
            rows=self.family.rows(int(resolution), self._source()),
            activation=Activation.RELU6,
        )

    def depthwise(self, resolution: float, source: float, expand: float, kernel: float) -> Layer:
        """Depthwise, with the stride."""
        channels = self._hidden(source, expand)
        return convolution(
            width=channels,
            channels=channels,
            rows=self.family.rows(int(resolution), self._source()),
            kernel=int(kernel),
            stride=self.family.strides[self.stage] if self.is_first else 1,
            activation=Activation.RELU6,
            kind=Kind.DEPTHWISE,
        )

    def project(self, resolution: float, source: float, expand: float, width: float) -> Layer:
        """1x1 to the width of the stage."""
        return convolution(
            width=self.family.width(self.stage, width),
            channels=self._hidden(source, expand),
            rows=self.family.rows(int(resolution), self.stage),
            activation=Activation.NONE,
        )


def _head(family: MobileNetFamily) -> list[Slot]:
    last = len(family.stage_widths) - 1

    def head(resolution: float, width: float) -> Layer:
        return convolution(
            width=family.head_width,
            channels=family.width(last, width),
            rows=family.rows(int(resolution), last),
            activation=Activation.RELU6,
        )

    def classifier() -> Layer:
        return linear(width=family.num_classes, channels=family.head_width)

    reads = ("resolution", f"stage{last}.width")
    return [
        Slot(name="head.conv", operators=CONV_RELU6, genes=reads, layer=head),
        Slot(name="pool", operators=("adaptive_avg_pool2d",)),
        Slot(name="classifier", operators=("linear",), layer=classifier),
    ]
