"""A memory and a register master that nobody here wrote, cocotbext-axi's, run layers on the RTL."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from cases import CHANNELS, SPILLS, STEADY

from naas_hw.compiler.program import LayerTask, build_program
from naas_hw.core.resources import bench_folder
from naas_hw.cost.reference.recurrence import timeline_of
from naas_hw.sim.hardware import generate
from naas_hw.sim.registers import REGISTERS, start_writes
from naas_hw.sim.runner import run_runner
from naas_hw.sim.simulators import find_simulator
from naas_hw.workload.arithmetic.golden import reference_output
from naas_hw.workload.arithmetic.quantise import random_quantised_layer

HERE = Path(__file__).parent

pytestmark = [pytest.mark.sim, pytest.mark.needs("iverilog")]

PATTERNS = {
    "never_rests": [0],
    "memory_rests": [60, 60, 60, 60, 60, 0, 0, 0, 0, 0],
    "addresses_are_late": [85, 0, 0, 85, 0, 30, 0, 30, 30, 0],
    "data_and_responses_are_late": [0, 85, 85, 0, 85, 0, 30, 30, 0, 30],
}
"""Percent of cycles in which AW, W, B, AR, R of the memory and of the registers rest."""

SLOWEST = 40  # times as many cycles as with the memory that the model knows


def test_layers_run_with_another_s_memory_and_master(tmp_path: Path) -> None:
    """One that spills sums to DRAM, and a plain one: bytes, status, and no rule of AXI4 broken."""
    cases = (SPILLS, STEADY)
    hardware = generate(CHANNELS)
    tasks = [
        LayerTask(
            layer=case.layer,
            mapping=case.mapping,
            tensors=random_quantised_layer(case.layer, np.random.default_rng(seed)),
        )
        for seed, case in enumerate(cases)
    ]
    program = build_program(CHANNELS, tasks, identity=hardware.identity)
    cycles = sum(timeline_of(case.geometry).end for case in cases)
    request = {
        "writes": [(REGISTERS["interrupt_status"], 1), *start_writes(program)],
        "status": REGISTERS["status"],
        "limit": SLOWEST * cycles,
        "patterns": PATTERNS,
    }
    (tmp_path / "request.json").write_text(json.dumps(request))
    program.image.tofile(tmp_path / "image.bin")
    for name, text in hardware.sources.items():
        (tmp_path / name).write_text(text)
    sources = [tmp_path / name for name in hardware.sources]
    sources += [HERE / "client_top.v", bench_folder() / "naas_axi_check.v"]
    common = {"hdl_toplevel": "client_top", "build_dir": str(tmp_path)}
    build: dict[str, Any] = {
        "sources": [str(path) for path in sources],
        "parameters": {"BEAT_BYTES": CHANNELS.beat_bytes},
        "timescale": ["1ns", "1ps"],
        "log_file": str(tmp_path / "build.log"),
    }
    test: dict[str, Any] = {
        "test_module": "client_bench",
        "hdl_toplevel_lang": "verilog",
        "test_dir": str(tmp_path),
        "seed": 0,
        "log_file": str(tmp_path / "run.log"),
    }
    for what, settings in (("build", build), ("test", test)):
        run_runner(
            find_simulator("icarus"),
            {what: {**common, **settings}, "path": [str(HERE)]},
            tmp_path,
            optimize="-O1",
            log=Path(settings["log_file"]),
            what=what,
        )
    log = (tmp_path / "run.log").read_text().splitlines()
    assert [line for line in log if line.startswith("naas_axi_check")] == []
    results = json.loads((tmp_path / "result.json").read_text())
    assert list(results) == list(PATTERNS)
    for name, result in results.items():
        assert result == {"done": True, "status": 0, "errors": 0}, name
        memory = np.fromfile(tmp_path / f"{name}.bin", np.uint8)
        for index, task in enumerate(tasks):
            output = program.output(index, memory)
            assert np.array_equal(output, reference_output(task.layer, task.tensors)), name
