"""Whole networks as torch modules: MobileNetV3-small, and one in the manner of YOLO.

Their structure is that of the publications; weights are drawn. torch is imported when a network is
made.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from blocks import Shape, normed, of, sequence, sppf

from naas_hw.graph.graph import Array

if TYPE_CHECKING:
    from torch import nn


def calibrated(module: "nn.Module", shape: Shape, seed: int = 0) -> tuple["nn.Module", list[Array]]:
    """The module with statistics of what its normalisations read, and images of this shape."""
    import torch
    from torch import nn

    torch.manual_seed(seed)
    images = torch.randn((8, *shape[1:]))
    for part in module.modules():
        if isinstance(part, nn.BatchNorm2d):
            part.momentum = None
    with torch.no_grad():
        module.train()(images)
    return module.eval(), [image[None].numpy() for image in images[:2]]


# MobileNetV3-small -------------------------------------------------------------------------------

_STAGES = (
    # inputs, kernel, expanded, outputs, squeeze, hard swish, stride
    (16, 3, 16, 16, True, False, 2),
    (16, 3, 72, 24, False, False, 2),
    (24, 3, 88, 24, False, False, 1),
    (24, 5, 96, 40, True, True, 2),
    (40, 5, 240, 40, True, True, 1),
    (40, 5, 240, 40, True, True, 1),
    (40, 5, 120, 48, True, True, 1),
    (48, 5, 144, 48, True, True, 1),
    (48, 5, 288, 96, True, True, 2),
    (96, 5, 576, 96, True, True, 1),
    (96, 5, 576, 96, True, True, 1),
)


def _divisible(number: float) -> int:
    """The multiple of 8 that is nearest, and no less than nine tenths."""
    near = max(8, int(number + 4) // 8 * 8)
    return near + 8 if near < 0.9 * number else near


def _squeeze(channels: int) -> "nn.Module":
    from torch import nn

    inner = _divisible(channels / 4)
    gate = sequence(
        nn.AdaptiveAvgPool2d(1),
        nn.Conv2d(channels, inner, 1),
        nn.ReLU(),
        nn.Conv2d(inner, channels, 1),
        nn.Hardsigmoid(),
    )
    return of(lambda m, x: m.gate(x) * x, gate=gate)


def _inverted(
    inputs: int,
    kernel: int,
    expanded: int,
    outputs: int,
    has_squeeze: bool,
    is_hard_swish: bool,
    stride: int,
) -> "nn.Module":
    from torch import nn

    act = nn.Hardswish if is_hard_swish else nn.ReLU
    parts = [normed(inputs, expanded, 1, act=act)] if expanded != inputs else []
    parts.append(normed(expanded, expanded, kernel, stride, act, groups=expanded))
    parts += [_squeeze(expanded)] if has_squeeze else []
    parts.append(normed(expanded, outputs, 1))
    body = sequence(*parts)
    if stride == 1 and inputs == outputs:
        return of(lambda m, x: x + m.body(x), body=body)
    return body


def mobile_net_v3_small(num_classes: int = 1000) -> "nn.Module":
    """MobileNetV3-small for images [1, 3, H, W]."""
    from torch import nn

    return sequence(
        normed(3, 16, 3, 2, nn.Hardswish),
        *(_inverted(*stage) for stage in _STAGES),
        normed(96, 576, 1, act=nn.Hardswish),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(576, 1024),
        nn.Hardswish(),
        nn.Dropout(0.2),
        nn.Linear(1024, num_classes),
    )


# YOLO --------------------------------------------------------------------------------------------


def _silu(inputs: int, outputs: int, kernel: int = 1, stride: int = 1) -> "nn.Module":
    from torch import nn

    return normed(inputs, outputs, kernel, stride, nn.SiLU)


def _bottleneck(channels: int, has_shortcut: bool) -> "nn.Module":
    body = sequence(_silu(channels, channels, 3), _silu(channels, channels, 3))
    return of(lambda m, x: x + m.body(x), body=body) if has_shortcut else body


def _c2f(inputs: int, outputs: int, count: int, has_shortcut: bool) -> "nn.Module":
    import torch
    from torch import nn

    half = outputs // 2

    def forward(m: Any, x: Any) -> Any:
        parts = list(m.first(x).chunk(2, 1))
        for inner in m.inner:
            parts.append(inner(parts[-1]))
        return m.last(torch.cat(parts, 1))

    return of(
        forward,
        first=_silu(inputs, 2 * half),
        inner=nn.ModuleList(_bottleneck(half, has_shortcut) for _ in range(count)),
        last=_silu((2 + count) * half, outputs),
    )


def _detect(channels: tuple[int, ...], num_classes: int, num_bins: int) -> "nn.Module":
    """For each size of image: boxes as shares of `num_bins` distances, and classes."""
    import torch
    from torch import nn

    inner = max(16, channels[0] // 4, 4 * num_bins)
    scores = max(channels[0], min(num_classes, 100))

    def tower(inputs: int, middle: int, outputs: int) -> Any:
        return sequence(
            _silu(inputs, middle, 3), _silu(middle, middle, 3), nn.Conv2d(middle, outputs, 1)
        )

    def distances(m: Any, x: Any) -> Any:
        """The mean distance of the four sides: [1, 4, N]."""
        shares = x.view(1, 4, num_bins, -1).transpose(1, 2).softmax(1)
        return m.mean(shares).view(1, 4, -1)

    def forward(m: Any, given: Any) -> Any:
        boxes = [box(x).flatten(2) for box, x in zip(m.boxes, given, strict=True)]
        classes = [one(x).flatten(2) for one, x in zip(m.classes, given, strict=True)]
        return distances(m, torch.cat(boxes, 2)), torch.cat(classes, 2).sigmoid()

    mean = nn.Conv2d(num_bins, 1, 1, bias=False)
    mean.weight.data[:] = torch.arange(num_bins).view(1, num_bins, 1, 1)
    return of(
        forward,
        boxes=nn.ModuleList(tower(count, inner, 4 * num_bins) for count in channels),
        classes=nn.ModuleList(tower(count, scores, num_classes) for count in channels),
        mean=mean,
    )


def yolo(width: int = 16, num_classes: int = 80, num_bins: int = 16) -> "nn.Module":
    """Backbone with C2f and SPPF, pyramid up and down, detection at three sizes of image.

    With the numbers that stand here it is the smallest network of its kind, for images
    [1, 3, H, W] whose sides are multiples of 32.
    """
    import torch
    from torch import nn

    a, b, c, d, e = (width << level for level in range(5))

    def forward(m: Any, x: Any) -> Any:
        fine = m.third(x)
        middle = m.fourth(fine)
        coarse = m.fifth(middle)
        joined = m.up_middle(torch.cat([m.twice(coarse), middle], 1))
        small = m.up_fine(torch.cat([m.twice(joined), fine], 1))
        medium = m.down_middle(torch.cat([m.halve_fine(small), joined], 1))
        large = m.down_coarse(torch.cat([m.halve_middle(medium), coarse], 1))
        return m.detect((small, medium, large))

    return of(
        forward,
        third=sequence(
            _silu(3, a, 3, 2),
            _silu(a, b, 3, 2),
            _c2f(b, b, 1, True),
            _silu(b, c, 3, 2),
            _c2f(c, c, 2, True),
        ),
        fourth=sequence(_silu(c, d, 3, 2), _c2f(d, d, 2, True)),
        fifth=sequence(_silu(d, e, 3, 2), _c2f(e, e, 1, True), sppf(e)),
        twice=nn.Upsample(scale_factor=2, mode="nearest"),
        up_middle=_c2f(e + d, d, 1, False),
        up_fine=_c2f(d + c, c, 1, False),
        halve_fine=_silu(c, c, 3, 2),
        down_middle=_c2f(c + d, d, 1, False),
        halve_middle=_silu(d, d, 3, 2),
        down_coarse=_c2f(d + e, e, 1, False),
        detect=_detect((c, d, e), num_classes, num_bins),
    )


NETWORKS: dict[str, Callable[[], "nn.Module"]] = {
    "mobile_net_v3_small": mobile_net_v3_small,
    "yolo": yolo,
}
"""For images [1, 3, H, W] whose sides are multiples of 32."""
