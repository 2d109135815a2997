"""The six networks of the NAAS paper as torch modules, with the published parameter counts.

Nothing here imports torch before `build_model` is called.
"""

from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Final, cast

from naas_hw.core.errors import InputError
from naas_hw.core.torch_extra import require_torch

if TYPE_CHECKING:
    from torch import nn


@dataclass(frozen=True, kw_only=True)
class Builtin:
    """What is known of a built-in network without building it."""

    name: str
    channels: int = 3
    resolution: int = 224

    def input_shape(self, resolution: int | None = None) -> tuple[int, int, int, int]:
        """Shape of one image: batch, channels, rows, columns."""
        size = self.resolution if resolution is None else resolution
        return (1, self.channels, size, size)


BUILTINS: Final = {
    builtin.name: builtin
    for builtin in (
        Builtin(name="vgg16"),
        Builtin(name="resnet50"),
        Builtin(name="mobilenet_v2"),
        Builtin(name="squeezenet1_0"),
        Builtin(name="mnasnet1_0"),
        Builtin(name="unet", channels=1, resolution=572),
    )
}


def find_builtin(name: str) -> Builtin:
    """The built-in network of that name."""
    if name not in BUILTINS:
        raise InputError(f"built-in network must be one of {', '.join(BUILTINS)}, not {name!r}")
    return BUILTINS[name]


def build_model(name: str, *, device: str = "cpu") -> "nn.Module":
    """The torch module of a built-in network, in evaluation mode.

    On device "meta" it has shapes and no weights: enough to export, and instant.

    Raises
    ------
    InputError : no such network.
    ToolError : torch is not installed.
    """
    find_builtin(name)
    require_torch(f"to build {name}")
    import torch

    module = import_module(f"{__name__}.{name}")
    with torch.device(device):
        return cast("nn.Module", getattr(module, name)()).eval()
