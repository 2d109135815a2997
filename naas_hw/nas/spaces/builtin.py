"""The built-in spaces."""

from collections.abc import Callable
from functools import cache
from typing import Final

from naas_hw.core.errors import InputError
from naas_hw.nas.spaces.mobilenet import MobileNetFamily
from naas_hw.nas.spaces.resnet import ResNetFamily
from naas_hw.nas.spaces.space import TrainableSpace

OFA_RESNET50: Final = ResNetFamily(
    name="ofa-resnet50",
    resolutions=tuple(range(128, 257, 16)),
    width_multipliers=(0.65, 0.8, 1.0),
    expand_ratios=(0.2, 0.25, 0.35),
    base_depths=(2, 2, 4, 2),
    stage_widths=(256, 512, 1024, 2048),
    strides=(1, 2, 2, 2),
    stem_width=64,
)
"""The space of the NAAS paper. With the stem's own choices, which the authors' networks have, it
holds 2.2 x 10^13 networks; the paper says about 10^13."""

ELASTIC_MOBILENET: Final = MobileNetFamily(
    name="elastic-mobilenet",
    resolutions=tuple(range(128, 225, 16)),
    width_multipliers=(0.65, 0.8, 1.0),
    expand_ratios=(3, 4, 6),
    kernels=(3, 5, 7),
    base_depths=(2, 2, 2, 2, 2, 1),
    stage_widths=(24, 32, 64, 96, 160, 320),
    strides=(2, 2, 2, 1, 2, 1),
)
"""Depths and choices of the once-for-all networks (Cai et al. 2020), stages of MobileNetV2."""

DIGITS: Final = ResNetFamily(
    name="digits",
    image_channels=1,
    num_classes=10,
    resolutions=(4, 6, 8),
    width_multipliers=(0.5, 0.75, 1.0),
    expand_ratios=(0.25, 0.5, 1.0),
    base_depths=(1, 1),
    stage_widths=(16, 32),
    strides=(1, 2),
    stem_width=16,
    is_deep=False,
    divisor=4,
)
"""For scikit-learn's digits: 8 x 8 grey images of ten classes."""

BUILTIN_SPACES: Final[dict[str, Callable[[], TrainableSpace]]] = {
    family.name: family.space for family in (OFA_RESNET50, ELASTIC_MOBILENET, DIGITS)
}


@cache
def load_builtin_space(name: str) -> TrainableSpace:
    """A built-in space.

    Raises
    ------
    InputError : no such space.
    """
    if name not in BUILTIN_SPACES:
        names = ", ".join(BUILTIN_SPACES)
        raise InputError(f"space must be one of {names} or module:object, not {name!r}")
    return BUILTIN_SPACES[name]()
