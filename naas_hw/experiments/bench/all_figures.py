"""All figures of the benchmarks page, measured one after the other."""

from collections.abc import Callable
from typing import Final

from naas_hw.arch.presets import find_preset
from naas_hw.arch.technology import SIZED
from naas_hw.core.errors import ToolError
from naas_hw.experiments.bench.fpga_figures import RecordedBuild
from naas_hw.experiments.bench.model import bench_model
from naas_hw.experiments.bench.quickstart import bench_quickstart
from naas_hw.experiments.bench.simulation_speed import LAYERS, simulation_figures
from naas_hw.experiments.bench.six_networks import six_network_figures
from naas_hw.workload.catalogue import load_builtin

NUM_BOUNDS: Final = 1024
NUM_EXACT: Final = 64


def measure_all(
    build: RecordedBuild | None,
    tell: Callable[[str], None],
    *,
    clock: Callable[[], tuple[float, float]],
) -> dict[str, float]:
    """Key of a figure -> value; a simulator that is missing has none.

    Parameters
    ----------
    build : FPGA figures, which are not measured here.
    tell : called with what is measured next, and with what is left out.
    clock : gives seconds of wall, and of the CPU for this process and its children that ended.

    Raises
    ------
    SimulationError : the RTL differs from the model, or a quickstart failed.
    """
    tell("quickstart, the very first time and the second time")
    figures = _quickstart_figures(clock)
    tell("cost model")
    figures |= _model_figures()
    tell("searches of the six networks")
    figures |= six_network_figures()
    for name in LAYERS:
        tell(f"simulation with {name}")
        try:
            figures |= simulation_figures((name,))
        except ToolError as error:
            tell(f"left out: {error}")
    return figures | (build.figures if build is not None else {})


def _quickstart_figures(clock: Callable[[], tuple[float, float]]) -> dict[str, float]:
    bench = bench_quickstart(clock=clock)
    return {
        "quickstart_first_cpu_seconds": bench.first.cpu_seconds,
        "quickstart_second_cpu_seconds": bench.second.cpu_seconds,
    }


def _model_figures() -> dict[str, float]:
    bench = bench_model(
        load_builtin("resnet50"),
        find_preset("eyeriss").accelerator,
        SIZED,
        num_bounds=NUM_BOUNDS,
        num_exact=NUM_EXACT,
    )
    return {
        "bounds_per_cpu_second": bench.bounds_per_cpu_second,
        "exact_per_cpu_second": bench.exact_per_cpu_second,
    }
