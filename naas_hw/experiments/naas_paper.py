"""What NAAS reports, to stand beside ours (Lin, Yang, Han: NAAS, DAC 2021; arXiv 2105.13258).

Figures of the paper alone; nothing is computed from them, and nothing of ours is fitted to them.
"""

from dataclasses import dataclass
from typing import Final

LARGE: Final = ("vgg16", "resnet50", "unet")
LIGHT: Final = ("mobilenet_v2", "squeezenet1_0", "mnasnet1_0")

SCENARIOS: Final = {
    "edgetpu": LARGE,
    "nvdla-1024": LARGE,
    "eyeriss": LIGHT,
    "nvdla-256": LIGHT,
    "shidiannao": LIGHT,
}
"""Preset whose resources are given -> networks."""


@dataclass(frozen=True, kw_only=True)
class Saving:
    """Cycles and energy of a baseline, by those of NAAS, over the networks of a scenario."""

    speedup: float
    energy: float


SAVINGS: Final = {
    "edgetpu": Saving(speedup=2.6, energy=1.1),
    "nvdla-1024": Saving(speedup=2.2, energy=1.1),
    "eyeriss": Saving(speedup=4.4, energy=2.1),
    "nvdla-256": Saving(speedup=1.7, energy=1.4),
    "shidiannao": Saving(speedup=4.4, energy=4.9),
}


@dataclass(frozen=True, kw_only=True)
class Reduction:
    """EDP of a baseline by that of a search of sizes only, by that of NAAS, and their ratio."""

    sizing: float
    naas: float
    ratio: float


REDUCTIONS: Final = {
    ("edgetpu", "vgg16"): Reduction(sizing=2.1, naas=7.4, ratio=3.52),
    ("edgetpu", "mobilenet_v2"): Reduction(sizing=1.2, naas=1.7, ratio=1.42),
    ("nvdla-1024", "vgg16"): Reduction(sizing=2.3, naas=6.0, ratio=2.61),
    ("nvdla-1024", "mobilenet_v2"): Reduction(sizing=1.3, naas=2.1, ratio=1.62),
}
"""Preset, network -> reduction."""

ENCODING_RATIOS: Final = (1.4, 7.4)
"""EDP with index-based encoding by that with importances: from, to."""

TIMES_CHEAPER: Final = 120
"""GPU days of NASAIC's joint search by those of NAAS's: over this many; the sum is not given."""
