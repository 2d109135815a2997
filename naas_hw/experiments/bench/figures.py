"""The figures that each release is measured by: what they are, their units, which way is better."""

from dataclasses import dataclass
from typing import Final

NETWORK_BUDGETS: Final = {
    "vgg16": "nvdla-1024",
    "resnet50": "nvdla-1024",
    "unet": "nvdla-1024",
    "mobilenet_v2": "eyeriss",
    "squeezenet1_0": "eyeriss",
    "mnasnet1_0": "eyeriss",
}
"""The six networks of the NAAS paper, each with the preset whose resources a search gets."""


@dataclass(frozen=True, kw_only=True)
class BenchFigure:
    """One figure of the benchmarks page.

    Members
    -------
    key : its name in the history.
    title, unit : for the page.
    is_more_better : whether a larger value is the better one.
    is_timed : whether it depends on the machine and its load; else the same code gives the same
        value everywhere.
    """

    key: str
    title: str
    unit: str
    is_more_better: bool
    is_timed: bool = False

    @property
    def tolerance(self) -> float:
        """The relative change that is still taken for none."""
        return 0.1 if self.is_timed else 0.001


def _edp(name: str) -> BenchFigure:
    return BenchFigure(
        key=f"{name}_edp", title=f"EDP of `{name}`", unit="J cycles", is_more_better=False
    )


def _utilization(name: str) -> BenchFigure:
    return BenchFigure(
        key=f"{name}_utilization",
        title=f"MAC utilisation of `{name}`",
        unit="%",
        is_more_better=True,
    )


TIMED: Final = (
    BenchFigure(
        key="quickstart_first_cpu_seconds",
        title="`naas quickstart`, the very first time",
        unit="CPU seconds",
        is_more_better=False,
        is_timed=True,
    ),
    BenchFigure(
        key="quickstart_second_cpu_seconds",
        title="`naas quickstart`, the second time",
        unit="CPU seconds",
        is_more_better=False,
        is_timed=True,
    ),
    BenchFigure(
        key="bounds_per_cpu_second",
        title="lower bounds of mappings",
        unit="a CPU second",
        is_more_better=True,
        is_timed=True,
    ),
    BenchFigure(
        key="exact_per_cpu_second",
        title="exact cycles of mappings",
        unit="a CPU second",
        is_more_better=True,
        is_timed=True,
    ),
    BenchFigure(
        key="search_cpu_seconds",
        title="searches of the six networks",
        unit="CPU seconds",
        is_more_better=False,
        is_timed=True,
    ),
    BenchFigure(
        key="verilator_cycles_per_cpu_second",
        title="simulation with Verilator",
        unit="cycles a CPU second",
        is_more_better=True,
        is_timed=True,
    ),
    BenchFigure(
        key="icarus_cycles_per_cpu_second",
        title="simulation with Icarus",
        unit="cycles a CPU second",
        is_more_better=True,
        is_timed=True,
    ),
)
BUILT: Final = (
    BenchFigure(key="ck8x8_lut4", title="`ck8x8` on an ECP5", unit="LUT4", is_more_better=False),
    BenchFigure(
        key="ck8x8_clock_mhz", title="clock of `ck8x8` on an ECP5", unit="MHz", is_more_better=True
    ),
)
SEARCHED: Final = tuple(
    figure for name in NETWORK_BUDGETS for figure in (_edp(name), _utilization(name))
)
FIGURES: Final = (*TIMED, *BUILT, *SEARCHED)
"""In their order on the page."""
