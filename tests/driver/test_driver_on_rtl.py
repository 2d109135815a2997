"""The compiled driver runs whole networks on the RTL, wherever their programs stand in memory."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from compiled_driver import compile_driver
from driver_programs import SMALL, program_of

from naas_hw.compiler.network_program import NetworkProgram
from naas_hw.driver.encoding import encode
from naas_hw.driver.program_file import program_file_of
from naas_hw.graph.integer_execution import run_integers
from naas_hw.graph.quantised import QuantisedGraph
from naas_hw.graph.random_graph import random_graph, random_inputs
from naas_hw.sim.build import HARNESS, fetch_program
from naas_hw.sim.build_cache import BuildCache
from naas_hw.sim.hardware import Hardware, generate
from naas_hw.sim.runner import run_runner
from naas_hw.sim.simulators import find_simulator

HERE = Path(__file__).parent
SEED = 113
"""A network with a softmax between two starts."""
IMAGES = 2

pytestmark = [pytest.mark.sim, pytest.mark.takes_seconds, pytest.mark.needs("iverilog", "g++")]


@pytest.fixture(scope="module")
def graph() -> QuantisedGraph:
    return random_graph(SEED)


@pytest.fixture(scope="module")
def hardware() -> Hardware:
    return generate(SMALL)


@pytest.fixture(scope="module")
def program(graph: QuantisedGraph, hardware: Hardware) -> NetworkProgram:
    return program_of(graph, target=SMALL, identity=hardware.identity)


@pytest.fixture(scope="module")
def library(hardware: Hardware, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("driver")
    return compile_driver(hardware.accelerator, hardware.digest, folder)


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> BuildCache:
    return BuildCache(folder=tmp_path_factory.mktemp("cache"))


def simulate(
    hardware: Hardware, memory_bytes: int, base: int, cache: BuildCache, folder: Path
) -> None:
    simulator = find_simulator("icarus")
    fetch_program(hardware.build(), simulator, memory_bytes, None, cache, folder)
    plusargs = {"dram_bytes": str(memory_bytes), "dram_base": f"{base:x}", "latency": "3"}
    test: dict[str, Any] = {
        "test_module": "driver_bench",
        "hdl_toplevel": HARNESS,
        "hdl_toplevel_lang": "verilog",
        "build_dir": str(folder),
        "test_dir": str(folder),
        "plusargs": [f"+{name}={value}" for name, value in plusargs.items()],
        "seed": 0,
        "log_file": str(folder / "run.log"),
    }
    run_runner(
        simulator,
        {"test": test, "path": [str(HERE), str(HERE.parents[1])]},
        folder,
        optimize="-O1",
        log=folder / "run.log",
        what="test",
    )


@pytest.mark.parametrize(("base", "waits"), [(0, True), (0x8123_4000, False)])
def test_a_network_gives_the_bytes_of_the_reference(
    graph, hardware, program, library, cache, base, waits, tmp_path
):
    rng = np.random.default_rng(0)
    images = [random_inputs(graph, rng) for _ in range(IMAGES)]
    for index, name in enumerate(graph.inputs):
        np.save(tmp_path / f"input_{index}.npy", np.concatenate([one[name] for one in images]))
    file = program_file_of(program, digest=hardware.digest)
    (tmp_path / "program.naas").write_bytes(encode(file))
    shapes = [(IMAGES, *graph.tensors[name].graph_shape[1:]) for name in graph.outputs]
    request = {
        "library": str(library),
        "base": base,
        "waits": waits,
        "memory_bytes": file.memory_bytes,
        "num_inputs": len(graph.inputs),
        "output_shapes": shapes,
        "batch": IMAGES,
    }
    (tmp_path / "request.json").write_text(json.dumps(request))
    simulate(hardware, file.memory_bytes, base, cache, tmp_path)
    result = json.loads((tmp_path / "result.json").read_text())
    starts = IMAGES * len(program.segments)
    assert starts > IMAGES
    assert result == {"statuses": [0, 0, 0], "errors": 0, "starts": starts, "protocol_errors": 0}
    for index, name in enumerate(graph.outputs):
        found = np.load(tmp_path / f"output_{index}.npy")
        for image, inputs in zip(found, images, strict=True):
            assert np.array_equal(image, run_integers(graph, inputs)[name]), name
