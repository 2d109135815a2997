"""What is measured of NNgen: 64 multipliers for products, 72 for 3x3 convolutions.

NNgen computes all nine places of a 3x3 kernel at once, and takes only powers of two of channels,
so 64 multipliers are not to be had there. Its memories on the chip are as large as it makes them.
"""

from functools import partial
from pathlib import Path
from typing import Any, Final

from side_by_side.networks import network_file
from side_by_side.surroundings import Step, Stopwatch, Surroundings, install
from side_by_side.synthesis import synthesise_files
from side_by_side.workloads import CNN, LATENCIES, LAYERS, MLP, NETWORKS, SEED, Workload

REQUIREMENTS: Final = (
    "nngen==1.3.4",
    "veriloggen==2.3.0",
    "pyverilog==1.3.0",
    "onnx==1.23.2",
    "numpy==1.26.4",
)
"""numpy 2 is newer than NNgen, which was published in 2023."""

CHANNELS: Final = {
    "gemm64": (8, 8),
    "gemm256": (8, 8),
    "conv3x3": (2, 4),
    CNN: (2, 4),
    MLP: (8, 8),
}
"""Workload -> input channels and output channels at once."""

SMALL: Final = ("gemm64", *NETWORKS)
"""What Icarus runs, which compiles sooner; Verilator runs the rest."""

COMMANDS: Final = (
    "`pip install nngen numpy==1.26.4`",
    "a program of one's own: read ONNX, quantise, spread, write Verilog, bench",
    "`python program.py`",
)
"""From nothing to a verified design."""

FIRST: Final = f"nngen-{CNN}-1"
"""The step whose times are those to a first verified design."""


def steps() -> list[Step]:
    """All steps, in order: the small ones first."""
    names = [*NETWORKS, *(layer.name for layer in LAYERS)]
    simulations = [_simulation(name, latency) for name in names for latency in LATENCIES]
    syntheses = [_synthesis_step(name) for name in (CNN, "gemm64")]
    return [Step(name="nngen-install", measure=_install), *simulations, *syntheses]


def _install(surroundings: Surroundings) -> dict[str, Any]:
    return install(surroundings, REQUIREMENTS)


def multipliers(name: str) -> int:
    """Multipliers of products: channels, times the places of the kernel."""
    inputs, outputs = CHANNELS[name]
    places = {layer.name: layer.R**2 for layer in LAYERS} | {CNN: 9, MLP: 1}
    return inputs * outputs * places[name]


def _simulation(name: str, latency: int) -> Step:
    measure = partial(_simulate, name=name, latencies=[latency])
    return Step(name=f"nngen-{name}-{latency}", measure=measure)


def _simulate(surroundings: Surroundings, *, name: str, latencies: list[int]) -> dict[str, Any]:
    """What the driver says of a workload; only the Verilog is written without latencies."""
    stopwatch = Stopwatch()
    folder = surroundings.work("-".join(map(str, (name, *latencies))))
    found = surroundings.drive("nngen_driver.py", _job(name, folder, latencies), folder)
    runs = [{"workload": name, **run} for run in found["runs"]]
    return {**found, "multipliers": multipliers(name), "runs": runs, **stopwatch.facts}


def _job(name: str, folder: Path, latencies: list[int]) -> dict[str, Any]:
    inputs, outputs = CHANNELS[name]
    layers = {layer.name: layer for layer in LAYERS}
    if name in NETWORKS:
        path = folder.resolve() / f"{name}.onnx"
        path.write_bytes(network_file(name, SEED))
        what: dict[str, Any] = {"kind": "onnx", "onnx": str(path)}
    else:
        what = _layer(layers[name])
    return {
        **what,
        "seed": SEED,
        "parallel_inputs": inputs,
        "parallel_outputs": outputs,
        "latencies": latencies,
        "simulator": "icarus" if name in SMALL else "verilator",
        "verilog": str(folder.resolve() / "core.v"),
        "folder": str(folder.resolve()),
    }


def _layer(layer: Workload) -> dict[str, Any]:
    """Shapes of a layer, as NNgen orders them: rows, columns, channels."""
    if layer.is_product:
        m, k, n = layer.product.values()
        return {"kind": "gemm", "input_shape": [m, k], "weight_shape": [n, k]}
    image, kernel = [1, layer.P, layer.Q, layer.C], [layer.K, layer.R, layer.R, layer.C]
    return {"kind": "conv", "input_shape": image, "weight_shape": kernel}


def _synthesis_step(name: str) -> Step:
    return Step(name=f"nngen-synthesis_{name}", measure=partial(_synthesise, name=name))


def _synthesise(surroundings: Surroundings, *, name: str) -> dict[str, Any]:
    written = _simulate(surroundings, name=name, latencies=[])
    found = synthesise_files(
        [surroundings.work(name) / "core.v"],
        top="nngen_core",
        parameters={},
        folder=surroundings.work(f"synthesis_{name}"),
        limit_minutes=surroundings.limit_minutes,
    )
    kept = {key: written[key] for key in ("multipliers", "verilog_lines")}
    return {**kept, **found}
