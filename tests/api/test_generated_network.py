"""A run with a model has its program and driver as files, and the driver runs the program."""

from pathlib import Path

import numpy as np
import pytest
from small_run import SHAPE, write_run

from naas_hw import api
from naas_hw.api.network_simulation import compile_run
from naas_hw.driver.decoding import decode
from naas_hw.driver.program_file import StartStep, program_file_of
from naas_hw.emit.network_package import NETWORK_FILE
from naas_hw.graph.integer_execution import model_values, run_integers
from naas_hw.sim.simulated_device import open_simulated
from naas_hw.sim.simulators import find_simulator


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What a search of the model would leave behind."""
    return write_run(tmp_path_factory.mktemp("run"))


@pytest.mark.sim
@pytest.mark.takes_seconds
@pytest.mark.needs("iverilog")
def test_the_driver_runs_the_program_of_a_model(run):
    """A batch, image by image, in real numbers."""
    model, _, hardware, program = compile_run(run)
    file = program_file_of(program, digest=hardware.digest)
    device, simulated = open_simulated(file, hardware, find_simulator("icarus"), base=0x4000)
    images = np.random.default_rng(1).standard_normal((2, *SHAPE[1:])).astype(np.float32)
    (name,) = file.outputs
    outputs = device.run({"x": images})[name]
    for image, output in zip(images, outputs, strict=True):
        values = run_integers(model.quantised, {"x": image[None]})[name]
        expected = model_values(model.quantised.tensors[name], values)
        assert np.array_equal(output[None], expected)
    assert len(simulated.starts) == 2 * len(program.segments)


@pytest.mark.takes_seconds
def test_the_program_and_the_driver_are_files_of_the_run(run):
    made = api.generate(run)
    file = decode((run / "program" / NETWORK_FILE).read_bytes(), digest=made.digest)
    assert [type(step) for step in file.steps].count(StartStep) == 1
    assert all(step.watchdog for step in file.steps if isinstance(step, StartStep))
    names = {path.name for path in (run / "driver").iterdir()}
    assert {"naas.h", "naas.c", "naas_operators.c"} <= names
    assert {f"driver/{name}" for name in names} <= set(made.files)
    assert '#include "naas_registers.h"' in (run / "driver" / "naas.c").read_text()
    assert (run / "rtl" / "registers" / "naas_registers.h").is_file()
