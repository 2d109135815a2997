"""The driver in Python on a simulated accelerator: a network as a function, with its figures."""

import numpy as np
import pytest
from driver_programs import SMALL, program_of

from naas_hw.driver.program_file import program_file_of
from naas_hw.graph.integer_execution import run_integers
from naas_hw.graph.random_graph import random_graph, random_inputs
from naas_hw.sim.hardware import generate
from naas_hw.sim.simulated_device import open_simulated
from naas_hw.sim.simulators import find_simulator

pytestmark = [pytest.mark.sim, pytest.mark.takes_seconds, pytest.mark.needs("iverilog")]

SEED = 113
"""A network with a softmax between two starts."""


def test_a_network_gives_the_bytes_of_the_reference_and_its_cycles():
    graph, hardware = random_graph(SEED), generate(SMALL)
    program = program_of(graph, target=SMALL, identity=hardware.identity)
    file = program_file_of(program, digest=hardware.digest)
    device, simulated = open_simulated(file, hardware, find_simulator("icarus"), base=0x1_0000)
    inputs = random_inputs(graph, np.random.default_rng(0))
    outputs = device.run(inputs, dtype="int8")
    wanted = run_integers(graph, inputs)
    for name in graph.outputs:
        assert np.array_equal(outputs[name][0], wanted[name]), name
    assert len(simulated.starts) == len(program.segments) == 2
    for start in simulated.starts:
        assert start.cycles > start.counters["active"] > 0
        assert start.counters["dram_writes"] > 0
