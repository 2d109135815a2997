"""Blocks of common networks as torch modules, written for tests of import and quantisation.

`BLOCKS` maps a name to what makes the module and to the shape of its input. torch is imported when
a block is made.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import nn

Shape = tuple[int, ...]
Block = tuple[Callable[[], "nn.Module"], Shape]

IMAGE: Shape = (1, 8, 8, 8)


def of(forward: Callable[..., Any], **parts: Any) -> "nn.Module":
    """A module of named parts, and of what it does with them: `forward(parts, x)`."""
    from torch import nn

    class Parts(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            for name, part in parts.items():
                setattr(self, name, part)

        def forward(self, x):
            return forward(self, x)

    return Parts()


def conv(inputs: int, outputs: int, kernel: int = 3, stride: int = 1, **more: Any) -> "nn.Module":
    from torch import nn

    padding = more.pop("padding", more.get("dilation", 1) * (kernel - 1) // 2)
    return nn.Conv2d(inputs, outputs, kernel, stride, padding, **more)


def normed(
    inputs: int, outputs: int, kernel: int = 3, stride: int = 1, act: Any = None, **more: Any
) -> "nn.Module":
    """Convolution, batch norm, and an activation if one is given."""
    from torch import nn

    layers = [conv(inputs, outputs, kernel, stride, bias=False, **more), nn.BatchNorm2d(outputs)]
    return nn.Sequential(*layers, *([act()] if act is not None else []))


def sequence(*parts: Any) -> "nn.Module":
    from torch import nn

    return nn.Sequential(*parts)


def _nn() -> Any:
    from torch import nn

    return nn


def _functional() -> Any:
    from torch.nn import functional

    return functional


def squeeze(channels: int, act: Any, gate: Any) -> "nn.Module":
    """Squeeze and excitation."""
    nn = _nn()
    gates = sequence(
        nn.AdaptiveAvgPool2d(1), conv(channels, 4, 1), act(), conv(4, channels, 1), gate()
    )
    return of(lambda m, x: x * m.gates(x), gates=gates)


def residual(body: "nn.Module", after: Any = None, shortcut: Any = None) -> "nn.Module":
    """`after(body(x) + shortcut(x))`."""
    nn = _nn()
    return of(
        lambda m, x: m.after(m.body(x) + m.shortcut(x)),
        body=body,
        after=after() if after else nn.Identity(),
        shortcut=shortcut or nn.Identity(),
    )


def inverted(act: Any, stride: int = 1, kernel: int = 3, gate: Any = None) -> "nn.Module":
    """Expand, depthwise, project."""
    middle = [normed(24, 24, kernel, stride, act, groups=24)]
    if gate is not None:
        middle.append(squeeze(24, act, gate))
    body = sequence(normed(8, 24, 1, act=act), *middle, normed(24, 8, 1))
    return residual(body) if stride == 1 else body


def macs_in_torch(module: "nn.Module", image: Any) -> int:
    """Products as torch counts them, which knows nothing of its fused attention."""
    import torch
    from torch.backends import mha
    from torch.nn.attention import SDPBackend, sdpa_kernel
    from torch.utils.flop_counter import FlopCounterMode

    mha.set_fastpath_enabled(False)
    try:
        with FlopCounterMode(display=False) as counter, torch.no_grad():
            with sdpa_kernel(SDPBackend.MATH):
                module(image)
    finally:
        mha.set_fastpath_enabled(True)
    return int(counter.get_total_flops()) // 2


# Residual networks -------------------------------------------------------------------------------


def basic_block() -> "nn.Module":
    nn = _nn()
    return residual(sequence(normed(8, 8, act=nn.ReLU), normed(8, 8)), nn.ReLU)


def bottleneck(groups: int = 1, stride: int = 1) -> "nn.Module":
    nn = _nn()
    body = sequence(
        normed(8, 8, 1, act=nn.ReLU),
        normed(8, 8, 3, stride, nn.ReLU, groups=groups),
        normed(8, 16, 1),
    )
    return residual(body, nn.ReLU, normed(8, 16, 1, stride))


def preactivated() -> "nn.Module":
    nn = _nn()
    body = sequence(nn.BatchNorm2d(8), nn.ReLU(), normed(8, 8, act=nn.ReLU), conv(8, 8))
    return sequence(conv(8, 8), residual(body))


def dark_residual() -> "nn.Module":
    nn = _nn()

    def act() -> Any:
        return nn.LeakyReLU(0.1)

    return residual(sequence(normed(8, 4, 1, act=act), normed(4, 8, act=act)))


def rep_vgg() -> "nn.Module":
    nn = _nn()
    return of(
        lambda m, x: m.relu(m.three(x) + m.one(x) + m.same(x)),
        three=normed(8, 8),
        one=normed(8, 8, 1),
        same=nn.BatchNorm2d(8),
        relu=nn.ReLU(),
    )


# Mobile networks ---------------------------------------------------------------------------------


def separable() -> "nn.Module":
    nn = _nn()
    return sequence(
        normed(8, 8, 3, 1, nn.ReLU6, groups=8),
        normed(8, 16, 1, act=nn.ReLU6),
        normed(16, 16, 3, 2, nn.ReLU6, groups=16),
        normed(16, 16, 1, act=nn.ReLU6),
    )


def ghost() -> "nn.Module":
    import torch

    nn = _nn()
    return of(
        lambda m, x: torch.cat([y := m.primary(x), m.cheap(y)], 1),
        primary=normed(8, 8, 1, act=nn.ReLU),
        cheap=normed(8, 8, 3, 1, nn.ReLU, groups=8),
    )


def shuffle_unit() -> "nn.Module":
    import torch

    nn = _nn()

    def forward(m: Any, x: Any) -> Any:
        left, right = x.chunk(2, 1)
        joined = torch.cat([left, m.branch(right)], 1)
        split = joined.view(1, 2, 4, 8, 8)
        return m.last(split.transpose(1, 2).reshape(1, 8, 8, 8))

    branch = sequence(
        normed(4, 4, 1, act=nn.ReLU), normed(4, 4, groups=4), normed(4, 4, 1, act=nn.ReLU)
    )
    return of(forward, branch=branch, last=conv(8, 8, 1))


def shuffle_down() -> "nn.Module":
    import torch

    nn = _nn()
    left = sequence(normed(8, 8, 3, 2, groups=8), normed(8, 8, 1, act=nn.ReLU))
    right = sequence(
        normed(8, 8, 1, act=nn.ReLU), normed(8, 8, 3, 2, groups=8), normed(8, 8, 1, act=nn.ReLU)
    )
    functional = _functional()
    return of(
        lambda m, x: functional.channel_shuffle(torch.cat([m.left(x), m.right(x)], 1), 2),
        left=left,
        right=right,
    )


def fire() -> "nn.Module":
    import torch

    return of(
        lambda m, x: torch.cat([m.one(y := m.small(x).relu()).relu(), m.three(y).relu()], 1),
        small=conv(8, 4, 1),
        one=conv(4, 8, 1),
        three=conv(4, 8, 3),
    )


# Branches ----------------------------------------------------------------------------------------


def dense_block() -> "nn.Module":
    import torch

    nn = _nn()

    def layer(inputs: int) -> Any:
        return sequence(nn.BatchNorm2d(inputs), nn.ReLU(), conv(inputs, 4, 3, bias=False))

    def forward(m: Any, x: Any) -> Any:
        y = torch.cat([x, m.first(x)], 1)
        return torch.cat([y, m.second(y)], 1)

    return of(forward, first=layer(8), second=layer(12))


def transition() -> "nn.Module":
    nn = _nn()
    return sequence(nn.BatchNorm2d(8), nn.ReLU(), conv(8, 4, 1, bias=False), nn.AvgPool2d(2, 2))


def inception() -> "nn.Module":
    import torch

    nn = _nn()
    branches = nn.ModuleList(
        [
            normed(8, 4, 1, act=nn.ReLU),
            sequence(normed(8, 4, 1, act=nn.ReLU), normed(4, 6, act=nn.ReLU)),
            sequence(nn.MaxPool2d(3, 1, 1), normed(8, 4, 1, act=nn.ReLU)),
            sequence(nn.AvgPool2d(3, 1, 1), normed(8, 4, 1, act=nn.ReLU)),
        ]
    )
    return of(lambda m, x: torch.cat([branch(x) for branch in m.branches], 1), branches=branches)


def factorised() -> "nn.Module":
    nn = _nn()
    return sequence(
        nn.Conv2d(8, 8, (1, 7), padding=(0, 3)),
        nn.ReLU(),
        nn.Conv2d(8, 8, (7, 1), padding=(3, 0)),
        nn.ReLU(),
    )


def aspp() -> "nn.Module":
    import torch

    nn = _nn()
    functional = _functional()

    def forward(m: Any, x: Any) -> Any:
        parts = [branch(x) for branch in m.branches]
        pooled = functional.interpolate(m.pooled(x), size=(8, 8))
        return m.last(torch.cat([*parts, pooled], 1))

    branches = [normed(8, 4, 3, act=nn.ReLU, dilation=rate) for rate in (1, 2, 3)]
    pooled = sequence(nn.AdaptiveAvgPool2d(1), conv(8, 4, 1), nn.ReLU())
    return of(
        forward, branches=nn.ModuleList(branches), pooled=pooled, last=normed(16, 8, 1, act=nn.ReLU)
    )


def pyramid_pooling() -> "nn.Module":
    import torch

    nn = _nn()
    functional = _functional()

    def forward(m: Any, x: Any) -> Any:
        parts = [functional.interpolate(stage(x), size=(8, 8)) for stage in m.stages]
        return torch.cat([x, *parts], 1)

    stages = [sequence(nn.AdaptiveAvgPool2d(size), conv(8, 4, 1)) for size in (1, 2, 4)]
    return of(forward, stages=nn.ModuleList(stages))


# Detection and segmentation ----------------------------------------------------------------------


def csp(shortcut: bool = True) -> "nn.Module":
    import torch

    nn = _nn()
    inner = sequence(normed(4, 4, 1, act=nn.SiLU), normed(4, 4, act=nn.SiLU))
    return of(
        lambda m, x: m.last(torch.cat([m.inner(m.left(x)), m.right(x)], 1)),
        left=normed(8, 4, 1, act=nn.SiLU),
        right=normed(8, 4, 1, act=nn.SiLU),
        inner=residual(inner) if shortcut else inner,
        last=normed(8, 8, 1, act=nn.SiLU),
    )


def c2f() -> "nn.Module":
    import torch

    nn = _nn()

    def forward(m: Any, x: Any) -> Any:
        parts = list(m.first(x).split(4, 1))
        parts.append(m.inner(parts[-1]))
        return m.last(torch.cat(parts, 1))

    inner = residual(sequence(normed(4, 4, act=nn.SiLU), normed(4, 4, act=nn.SiLU)))
    return of(
        forward,
        first=normed(8, 8, 1, act=nn.SiLU),
        inner=inner,
        last=normed(12, 8, 1, act=nn.SiLU),
    )


def sppf(channels: int = 8) -> "nn.Module":
    import torch

    nn = _nn()

    def forward(m: Any, x: Any) -> Any:
        parts = [m.first(x)]
        for _ in range(3):
            parts.append(m.pool(parts[-1]))
        return m.last(torch.cat(parts, 1))

    return of(
        forward,
        first=normed(channels, channels // 2, 1, act=nn.SiLU),
        pool=nn.MaxPool2d(5, 1, 2),
        last=normed(2 * channels, channels, 1, act=nn.SiLU),
    )


def focus() -> "nn.Module":
    import torch

    nn = _nn()

    def forward(m: Any, x: Any) -> Any:
        parts = [x[..., i::2, j::2] for j in (0, 1) for i in (0, 1)]
        return m.last(torch.cat(parts, 1))

    return of(forward, last=normed(32, 8, act=nn.SiLU))


def unet_level() -> "nn.Module":
    import torch

    nn = _nn()

    def forward(m: Any, x: Any) -> Any:
        across = m.down(x)
        deep = m.up(m.inner(m.pool(across)))
        return m.join(torch.cat([across, deep], 1))

    return of(
        forward,
        down=sequence(conv(8, 8), nn.ReLU(), conv(8, 8), nn.ReLU()),
        pool=nn.MaxPool2d(2),
        inner=sequence(conv(8, 16), nn.ReLU()),
        up=nn.ConvTranspose2d(16, 8, 2, 2),
        join=sequence(conv(16, 8), nn.ReLU()),
    )


def feature_pyramid() -> "nn.Module":
    nn = _nn()
    functional = _functional()

    def forward(m: Any, x: Any) -> Any:
        fine = m.fine(x)
        coarse = m.coarse(fine)
        up = functional.interpolate(m.side(coarse), scale_factor=2.0, mode="nearest")
        return m.out(m.lateral(fine) + up), m.head(coarse)

    return of(
        forward,
        fine=normed(8, 8, act=nn.ReLU),
        coarse=normed(8, 16, 3, 2, nn.ReLU),
        side=conv(16, 8, 1),
        lateral=conv(8, 8, 1),
        out=conv(8, 8),
        head=conv(16, 4, 1),
    )


def bilinear_head() -> "nn.Module":
    functional = _functional()
    return of(
        lambda m, x: functional.interpolate(m.head(x), size=(16, 16), mode="bilinear"),
        head=conv(8, 4, 1),
    )


def hourglass() -> "nn.Module":
    nn = _nn()
    functional = _functional()
    return of(
        lambda m, x: m.side(x) + functional.interpolate(m.inner(m.pool(x)), scale_factor=2),
        side=normed(8, 8, act=nn.ReLU),
        pool=nn.MaxPool2d(2),
        inner=normed(8, 8, act=nn.ReLU),
    )


def detection_head() -> "nn.Module":
    nn = _nn()
    return of(
        lambda m, x: (m.classes(y := m.tower(x)).sigmoid(), m.boxes(y).exp(), m.centre(y)),
        tower=sequence(conv(8, 8), nn.ReLU()),
        classes=conv(8, 3),
        boxes=conv(8, 4),
        centre=conv(8, 1),
    )


# Attention ---------------------------------------------------------------------------------------


def channel_attention() -> "nn.Module":
    nn = _nn()
    return of(
        lambda m, x: x * (m.net(m.mean(x)) + m.net(m.top(x))).sigmoid(),
        mean=nn.AdaptiveAvgPool2d(1),
        top=nn.AdaptiveMaxPool2d(1),
        net=sequence(conv(8, 4, 1), nn.ReLU(), conv(4, 8, 1)),
    )


def spatial_attention() -> "nn.Module":
    import torch

    return of(
        lambda m, x: x * m.conv(torch.cat([x.mean(1, True), x.amax(1, True)], 1)).sigmoid(),
        conv=conv(2, 1, 7),
    )


def efficient_attention() -> "nn.Module":
    nn = _nn()

    def forward(m: Any, x: Any) -> Any:
        y = m.conv(x.mean((2, 3)).unsqueeze(1)).sigmoid()
        return x * y.transpose(1, 2).unsqueeze(-1)

    return of(forward, conv=nn.Conv1d(1, 1, 3, padding=1))


def vision_transformer() -> "nn.Module":
    nn = _nn()

    def forward(m: Any, x: Any) -> Any:
        y = m.first(x)
        x = x + m.attention(y, y, y, need_weights=False)[0]
        return x + m.mlp(m.second(x))

    return of(
        forward,
        first=nn.LayerNorm(8),
        attention=nn.MultiheadAttention(8, 2, batch_first=True),
        second=nn.LayerNorm(8),
        mlp=sequence(nn.Linear(8, 16), nn.GELU(), nn.Linear(16, 8)),
    )


def attention_by_hand() -> "nn.Module":
    nn = _nn()

    def forward(m: Any, x: Any) -> Any:
        q, k, v = m.qkv(x).reshape(1, 6, 3, 2, 4).permute(2, 0, 3, 1, 4).unbind(0)
        shares = (q * 0.5 @ k.transpose(-2, -1)).softmax(-1)
        return m.out((shares @ v).transpose(1, 2).reshape(1, 6, 8))

    return of(forward, qkv=nn.Linear(8, 24), out=nn.Linear(8, 8))


def mixer() -> "nn.Module":
    nn = _nn()

    def forward(m: Any, x: Any) -> Any:
        x = x + m.tokens(m.first(x).transpose(1, 2)).transpose(1, 2)
        return x + m.channels(m.second(x))

    return of(
        forward,
        first=nn.LayerNorm(8),
        second=nn.LayerNorm(8),
        tokens=sequence(nn.Linear(6, 12), nn.GELU(), nn.Linear(12, 6)),
        channels=sequence(nn.Linear(8, 16), nn.GELU(), nn.Linear(16, 8)),
    )


def pool_mixer() -> "nn.Module":
    nn = _nn()
    return of(
        lambda m, x: x + m.pool(x) - x,
        pool=nn.AvgPool2d(3, 1, 1, count_include_pad=False),
    )


def conv_next() -> "nn.Module":
    import torch

    nn = _nn()

    def forward(m: Any, x: Any) -> Any:
        y = m.norm(m.depthwise(x).permute(0, 2, 3, 1))
        return x + (m.scale * m.mlp(y)).permute(0, 3, 1, 2)

    return of(
        forward,
        depthwise=conv(8, 8, 7, groups=8),
        norm=nn.LayerNorm(8),
        mlp=sequence(nn.Linear(8, 16), nn.GELU(), nn.Linear(16, 8)),
        scale=nn.Parameter(torch.full((8,), 0.5)),
    )


# Others ------------------------------------------------------------------------------------------


def super_resolution() -> "nn.Module":
    nn = _nn()
    return sequence(conv(8, 8), nn.ReLU(), conv(8, 12), nn.PixelShuffle(2), conv(3, 3))


def generator() -> "nn.Module":
    nn = _nn()
    return sequence(
        nn.ConvTranspose2d(8, 8, 4, 2, 1, bias=False),
        nn.BatchNorm2d(8),
        nn.ReLU(),
        nn.ConvTranspose2d(8, 3, 3, 2, 1, output_padding=1),
        nn.Tanh(),
    )


def style() -> "nn.Module":
    nn = _nn()
    return sequence(
        nn.ReflectionPad2d(1),
        nn.Conv2d(8, 8, 3),
        nn.InstanceNorm2d(8, affine=True),
        nn.ReLU(),
        nn.ReplicationPad2d(1),
        nn.Conv2d(8, 3, 3),
    )


def keyword_spotter() -> "nn.Module":
    nn = _nn()
    return sequence(
        nn.Conv1d(8, 16, 5, 2, 2),
        nn.BatchNorm1d(16),
        nn.ReLU(),
        nn.Conv1d(16, 16, 3, padding=2, dilation=2, groups=16),
        nn.ReLU(),
        nn.AdaptiveAvgPool1d(1),
        nn.Flatten(),
        nn.Linear(16, 4),
    )


def temporal() -> "nn.Module":
    nn = _nn()
    return residual(
        sequence(
            nn.ConstantPad1d((4, 0), 0.0),
            nn.Conv1d(8, 8, 3, dilation=2),
            nn.ReLU(),
            nn.Conv1d(8, 8, 1),
        ),
        nn.ReLU,
    )


def blur_pool() -> "nn.Module":
    import torch

    nn = _nn()
    functional = _functional()
    line = torch.tensor([1.0, 2.0, 1.0]) / 4
    kernel = nn.Buffer((line[:, None] * line[None]).expand(8, 1, 3, 3).contiguous())
    return of(
        lambda m, x: functional.conv2d(m.conv(x), m.kernel, stride=2, padding=1, groups=8),
        conv=sequence(conv(8, 8), nn.ReLU()),
        kernel=kernel,
    )


def gated() -> "nn.Module":
    return of(lambda m, x: m.a(x) * m.b(x).sigmoid(), a=conv(8, 8), b=conv(8, 8))


def activation(name: str, *arguments: Any) -> "nn.Module":
    """An activation between two layers."""
    return sequence(conv(8, 8), getattr(_nn(), name)(*arguments), conv(8, 8, 1))


def le_net() -> "nn.Module":
    nn = _nn()
    return sequence(
        nn.Conv2d(1, 6, 5, padding=2),
        nn.Tanh(),
        nn.AvgPool2d(2),
        nn.Conv2d(6, 8, 3),
        nn.Tanh(),
        nn.AvgPool2d(2),
        nn.Flatten(),
        nn.Linear(32, 10),
        nn.Softmax(1),
    )


def classifier(size: int) -> "nn.Module":
    """Pooling to a fixed size, and linear layers."""
    nn = _nn()
    return sequence(
        conv(8, 8),
        nn.ReLU(),
        nn.AdaptiveAvgPool2d(size),
        nn.Flatten(),
        nn.Dropout(),
        nn.Linear(8 * size**2, 16),
        nn.ReLU(),
        nn.Linear(16, 4),
    )


def autoencoder() -> "nn.Module":
    nn = _nn()
    return sequence(
        nn.Linear(32, 16),
        nn.BatchNorm1d(16),
        nn.ReLU(),
        nn.Linear(16, 4),
        nn.ReLU(),
        nn.Linear(4, 32),
    )


def group_normed() -> "nn.Module":
    nn = _nn()
    return sequence(conv(8, 8), nn.GroupNorm(2, 8), nn.ReLU(), conv(8, 4))


def stem(kernel: int, stride: int, pool: bool) -> "nn.Module":
    nn = _nn()
    pools = [nn.MaxPool2d(3, 2, 1)] if pool else []
    return sequence(normed(3, 8, kernel, stride, nn.ReLU), *pools)


BLOCKS: dict[str, Block] = {
    "conv": (lambda: activation("Identity"), IMAGE),
    "relu": (lambda: activation("ReLU"), IMAGE),
    "relu6": (lambda: activation("ReLU6"), IMAGE),
    "leaky_relu": (lambda: activation("LeakyReLU", 0.2), IMAGE),
    "prelu": (lambda: activation("PReLU", 8), IMAGE),
    "elu": (lambda: activation("ELU"), IMAGE),
    "mish": (lambda: activation("Mish"), IMAGE),
    "gelu": (lambda: activation("GELU"), IMAGE),
    "softplus": (lambda: activation("Softplus"), IMAGE),
    "hard_tanh": (lambda: activation("Hardtanh", -0.5, 1.0), IMAGE),
    "basic_block": (basic_block, IMAGE),
    "bottleneck": (bottleneck, IMAGE),
    "bottleneck_down": (lambda: bottleneck(stride=2), IMAGE),
    "bottleneck_grouped": (lambda: bottleneck(groups=4), IMAGE),
    "preactivated": (preactivated, IMAGE),
    "dark_residual": (dark_residual, IMAGE),
    "rep_vgg": (rep_vgg, IMAGE),
    "separable": (separable, IMAGE),
    "inverted": (lambda: inverted(_nn().ReLU6), IMAGE),
    "inverted_down": (lambda: inverted(_nn().ReLU6, 2), IMAGE),
    "inverted_swish": (lambda: inverted(_nn().SiLU, 1, 5, _nn().Sigmoid), IMAGE),
    "inverted_hard": (lambda: inverted(_nn().Hardswish, 1, 5, _nn().Hardsigmoid), IMAGE),
    "fused_inverted": (
        lambda: residual(sequence(normed(8, 24, act=_nn().SiLU), normed(24, 8, 1))),
        IMAGE,
    ),
    "ghost": (ghost, IMAGE),
    "shuffle_unit": (shuffle_unit, IMAGE),
    "shuffle_down": (shuffle_down, IMAGE),
    "fire": (fire, IMAGE),
    "dense_block": (dense_block, IMAGE),
    "transition": (transition, IMAGE),
    "inception": (inception, IMAGE),
    "factorised": (factorised, IMAGE),
    "aspp": (aspp, IMAGE),
    "pyramid_pooling": (pyramid_pooling, IMAGE),
    "csp": (csp, IMAGE),
    "csp_plain": (lambda: csp(shortcut=False), IMAGE),
    "c2f": (c2f, IMAGE),
    "sppf": (sppf, IMAGE),
    "focus": (focus, IMAGE),
    "unet_level": (unet_level, IMAGE),
    "feature_pyramid": (feature_pyramid, IMAGE),
    "bilinear_head": (bilinear_head, IMAGE),
    "hourglass": (hourglass, IMAGE),
    "detection_head": (detection_head, IMAGE),
    "squeeze": (lambda: squeeze(8, _nn().ReLU, _nn().Sigmoid), IMAGE),
    "channel_attention": (channel_attention, IMAGE),
    "spatial_attention": (spatial_attention, IMAGE),
    "efficient_attention": (efficient_attention, IMAGE),
    "vision_transformer": (vision_transformer, (1, 6, 8)),
    "attention_by_hand": (attention_by_hand, (1, 6, 8)),
    "mixer": (mixer, (1, 6, 8)),
    "pool_mixer": (pool_mixer, IMAGE),
    "conv_next": (conv_next, IMAGE),
    "super_resolution": (super_resolution, IMAGE),
    "generator": (generator, IMAGE),
    "style": (style, IMAGE),
    "keyword_spotter": (keyword_spotter, (1, 8, 20)),
    "temporal": (temporal, (1, 8, 20)),
    "blur_pool": (blur_pool, IMAGE),
    "gated": (gated, IMAGE),
    "le_net": (le_net, (1, 1, 12, 12)),
    "classifier": (lambda: classifier(2), IMAGE),
    "classifier_uneven": (lambda: classifier(3), IMAGE),
    "autoencoder": (autoencoder, (1, 32)),
    "group_normed": (group_normed, IMAGE),
    "stem": (lambda: stem(7, 2, pool=True), (1, 3, 16, 16)),
    "patches": (lambda: stem(4, 4, pool=False), (1, 3, 16, 16)),
}
