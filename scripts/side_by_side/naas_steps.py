"""What is measured of naas: C-K 8 x 8, 8 bytes a cycle, 64 KiB, mappings searched by layer."""

import json
import os
import shutil
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from naas_hw.arch.files import read_accelerator, write_accelerator
from naas_hw.sim.hardware import generate
from side_by_side.networks import network_file
from side_by_side.surroundings import ROOT, Step, Stopwatch, Surroundings, install
from side_by_side.synthesis import synthesise_naas
from side_by_side.workloads import LATENCIES, LAYERS, NETWORKS, SEED, Workload

ACCELERATOR: Final = ROOT / "examples" / "ck8x8.yaml"
MULTIPLIERS: Final = 64

COMMANDS: Final = (
    "`pip install .`",
    "`naas map gemm64.yaml --accelerator ck8x8.yaml -o run`",
    "`naas simulate run`",
)
"""From nothing to a verified design."""


def steps() -> list[Step]:
    """All steps, in order."""
    return [
        *[_layers_step(latency) for latency in LATENCIES],
        *[_network_step(name, latency) for name in NETWORKS for latency in LATENCIES],
        Step(name="naas-synthesis", measure=_synthesis),
        Step(name="naas-install", measure=_install),
        Step(name="naas-first", measure=_first),
    ]


def _here(surroundings: Surroundings, words: Sequence[str], folder: Path) -> str:
    """What a command of naas prints, with the naas and the caches that run this program."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return surroundings.run([sys.executable, "-m", "naas_hw.cli", *words], folder, environment)


def _layers_step(latency: int) -> Step:
    def measure(surroundings: Surroundings) -> dict[str, Any]:
        folder = surroundings.work(f"layers-{latency}")
        _write_layers(folder, LAYERS, latency)
        _here(surroundings, _map_words("network.yaml"), folder)
        said = json.loads(_here(surroundings, ["simulate", "run", "--json"], folder))
        runs = [run_of_layer(layer, latency) for layer in said["layers"]]
        return {"multipliers": MULTIPLIERS, "runs": runs}

    return Step(name=f"naas-layers-{latency}", measure=measure)


def _write_layers(folder: Path, layers: Sequence[Workload], latency: int) -> None:
    """The network and the accelerator of a step, as files."""
    network = {"version": 1, "name": "layers", "layers": [layer.layer for layer in layers]}
    # JSON is YAML.
    (folder / "network.yaml").write_text(json.dumps(network) + "\n", encoding="utf-8")
    _write_accelerator(folder, latency)


def _write_accelerator(folder: Path, latency: int, *, pools: bool = False) -> None:
    changes = {"dram_latency_cycles": latency, "maximum": pools}
    accelerator = read_accelerator(ACCELERATOR).model_copy(update=changes)
    write_accelerator(accelerator, folder / "accelerator.yaml")


def _map_words(network: str) -> list[str]:
    words = ["map", network, "--accelerator", "accelerator.yaml", "--objective", "latency"]
    return [*words, "--seed", str(SEED), "--force", "-o", "run"]


def run_of_layer(layer: Mapping[str, Any], latency: int) -> dict[str, Any]:
    """A run, from what `naas simulate --json` says of a layer."""
    return {
        "workload": layer["name"],
        "latency": latency,
        "cycles": layer["simulated_cycles"],
        "predicted_cycles": layer["predicted_cycles"],
        "wrong_words": layer["output_mismatches"],
    }


def _network_step(name: str, latency: int) -> Step:
    def measure(surroundings: Surroundings) -> dict[str, Any]:
        folder = surroundings.work(f"{name}-{latency}")
        (folder / f"{name}.onnx").write_bytes(network_file(name, SEED))
        _write_accelerator(folder, latency, pools=True)
        _here(surroundings, _map_words(f"{name}.onnx"), folder)
        said = json.loads(_here(surroundings, ["simulate", "run", "--network", "--json"], folder))
        run = run_of_layer({**said, "name": name}, latency)
        on_host = [f"{operator} on the host" for operator in said["host_operators"]]
        return {"multipliers": MULTIPLIERS, "runs": [run], "variant": ", ".join(on_host)}

    return Step(name=f"naas-{name}-{latency}", measure=measure)


def _install(surroundings: Surroundings) -> dict[str, Any]:
    return install(surroundings, ["-c", ROOT / "constraints.txt", ROOT])


def _first(surroundings: Surroundings) -> dict[str, Any]:
    """Times of a first mapping and simulation, in an environment and with caches of their own."""
    folder, naas = surroundings.work("first"), surroundings.program("naas")
    shutil.rmtree(surroundings.folder / "cache", ignore_errors=True)
    _write_layers(folder, LAYERS[:1], read_accelerator(ACCELERATOR).dram_latency_cycles)
    stopwatch = Stopwatch()
    surroundings.run([naas, *_map_words("network.yaml")], folder)
    surroundings.run([naas, "simulate", "run", "--json"], folder)
    return stopwatch.facts


def _synthesis(surroundings: Surroundings) -> dict[str, Any]:
    sources = generate(read_accelerator(ACCELERATOR)).sources
    lines = sum(text.count("\n") for text in sources.values())
    found = synthesise_naas(ACCELERATOR, surroundings.limit_minutes)
    return {"multipliers": MULTIPLIERS, "verilog_lines": lines, **found}
