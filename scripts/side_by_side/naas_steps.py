"""What is measured of naas: C-K 8 x 8, 8 bytes a cycle, 64 KiB, mappings searched by layer."""

import json
import time
from collections.abc import Mapping
from typing import Any, Final

from naas_hw.arch.files import read_accelerator, write_accelerator
from naas_hw.sim.hardware import generate
from side_by_side.network import small_cnn
from side_by_side.surroundings import ROOT, Step, Surroundings, install
from side_by_side.synthesis import synthesise_naas
from side_by_side.workloads import LATENCIES, LAYERS, NETWORK, SEED, Workload

ACCELERATOR: Final = ROOT / "examples" / "ck8x8.yaml"
ACCELERATOR_LATENCY: Final = 50
"""Latency of the memory in the file of the accelerator."""
MULTIPLIERS: Final = 64

COMMANDS: Final = (
    "pip install naas_hw",
    "naas map gemm64.yaml --accelerator ck8x8.yaml -o run",
    "naas simulate run",
)
"""From nothing to a verified design."""


def steps() -> list[Step]:
    """All steps, in order."""
    return [
        Step(name="naas-install", measure=_install),
        Step(name="naas-first", measure=_first),
        *[_layers_step(latency) for latency in LATENCIES],
        *[_network_step(latency) for latency in LATENCIES],
        Step(name="naas-synthesis", measure=_synthesis),
    ]


def _install(surroundings: Surroundings) -> dict[str, Any]:
    return install(surroundings, ["-c", ROOT / "constraints.txt", ROOT])


def _first(surroundings: Surroundings) -> dict[str, Any]:
    """Seconds of the first mapping and the first simulation, which compile the cost model."""
    start = time.monotonic()
    runs = _map_and_simulate(surroundings, "first", LAYERS[:1], ACCELERATOR_LATENCY)
    return {"seconds": time.monotonic() - start, "cycles": runs[0]["cycles"]}


def _layers_step(latency: int) -> Step:
    def measure(surroundings: Surroundings) -> dict[str, Any]:
        runs = _map_and_simulate(surroundings, f"layers-{latency}", LAYERS, latency)
        return {"multipliers": MULTIPLIERS, "runs": runs}

    return Step(name=f"naas-layers-{latency}", measure=measure)


def _map_and_simulate(
    surroundings: Surroundings, name: str, layers: tuple[Workload, ...], latency: int
) -> list[dict[str, Any]]:
    folder = surroundings.work(name)
    network = {"version": 1, "name": name, "layers": [layer.layer for layer in layers]}
    # JSON is YAML.
    (folder / "network.yaml").write_text(json.dumps(network) + "\n", encoding="utf-8")
    _map(surroundings, name, "network.yaml", latency)
    said = surroundings.run([surroundings.program("naas"), "simulate", "run", "--json"], folder)
    return [run_of_layer(layer, latency) for layer in json.loads(said)["layers"]]


def _map(surroundings: Surroundings, name: str, network: str, latency: int) -> None:
    """Write the accelerator with this latency, and search the mappings of a network."""
    folder = surroundings.work(name)
    accelerator = read_accelerator(ACCELERATOR).model_copy(update={"dram_latency_cycles": latency})
    write_accelerator(accelerator, folder / "accelerator.yaml")
    words = ["map", network, "--accelerator", "accelerator.yaml", "--objective", "latency"]
    options = ["--seed", str(SEED), "--force", "-o", "run"]
    surroundings.run([surroundings.program("naas"), *words, *options], folder)


def run_of_layer(layer: Mapping[str, Any], latency: int) -> dict[str, Any]:
    """A run, from what `naas simulate --json` says of a layer."""
    return {
        "workload": layer["name"],
        "latency": latency,
        "cycles": layer["simulated_cycles"],
        "predicted_cycles": layer["predicted_cycles"],
        "wrong_words": layer["output_mismatches"],
    }


def _network_step(latency: int) -> Step:
    def measure(surroundings: Surroundings) -> dict[str, Any]:
        name = f"network-{latency}"
        folder = surroundings.work(name)
        (folder / "cnn.onnx").write_bytes(small_cnn(SEED))
        _map(surroundings, name, "cnn.onnx", latency)
        words = ["simulate", "run", "--network", "--json"]
        said = json.loads(surroundings.run([surroundings.program("naas"), *words], folder))
        run = run_of_layer({**said, "name": NETWORK}, latency)
        return {"multipliers": MULTIPLIERS, "runs": [run]}

    return Step(name=f"naas-network-{latency}", measure=measure)


def _synthesis(surroundings: Surroundings) -> dict[str, Any]:
    sources = generate(read_accelerator(ACCELERATOR)).sources
    lines = sum(text.count("\n") for text in sources.values())
    found = synthesise_naas(ACCELERATOR, surroundings.limit_minutes)
    title = "naas, C-K 8 x 8, AXI4, 64 KiB"
    return {"title": title, "multipliers": MULTIPLIERS, "verilog_lines": lines, **found}
