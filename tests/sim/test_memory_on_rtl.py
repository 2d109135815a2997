"""Layers run right with every habit of the memory that AXI4 allows."""

from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import pytest
from _pytest.mark.structures import ParameterSet
from cases import CHANNELS, DEPTHWISE, SPILLS
from one_start import run_bench
from stored_cases import read_case_list

from naas_hw.compiler.program import LayerTask, build_program
from naas_hw.sim.hardware import Hardware, generate
from naas_hw.sim.memory_habits import NAMED_HABITS, MemoryHabits
from naas_hw.sim.registers import REGISTERS, start_writes
from naas_hw.sim.simulators import find_simulator
from naas_hw.verify.case import Case
from naas_hw.workload.arithmetic.golden import reference_output
from naas_hw.workload.arithmetic.quantise import random_quantised_layer

pytestmark = [pytest.mark.sim, pytest.mark.needs("iverilog")]

LISTS = {
    path.stem: read_case_list(path)
    for path in sorted((Path(__file__).parents[1] / "cases").glob("*.yaml"))
}
QUICK_LISTS = ("smallest", "c2_beat4")
QUICK_HABITS = ("address_after_data_taken", "one_direction")
"""Those of the normal test set."""

CYCLE_LIMIT = 400_000
IDLE_LIMIT = 4000


def wrong_layers(cases: Sequence[Case], hardware: Hardware, habits: MemoryHabits) -> list[str]:
    """Run cases of one accelerator as one list; the names of those whose bytes are wrong."""
    tasks = [
        LayerTask(
            layer=layer,
            mapping=case.mapping,
            tensors=random_quantised_layer(layer, np.random.default_rng(seed)),
        )
        for seed, case in enumerate(cases)
        for layer in [case.layer.model_copy(update={"groups": 1})]
    ]
    program = build_program(hardware.accelerator, tasks, identity=hardware.identity)
    result = run_bench(
        hardware.build(),
        simulator=find_simulator("icarus"),
        writes=start_writes(program),
        reads=[REGISTERS["status"]],
        dram_image=program.image,
        latency=3,
        period=1,
        cycle_limit=CYCLE_LIMIT,
        idle_limit=IDLE_LIMIT,
        habits=habits,
    )
    assert (result.status, result.messages) == ("done", ())
    assert result.counters["protocol_errors"] == result.counters["ordering_errors"] == 0
    assert result.registers[REGISTERS["status"]] == 0
    return [
        task.layer.name
        for index, task in enumerate(tasks)
        if not np.array_equal(
            program.output(index, result.dram), reference_output(task.layer, task.tensors)
        )
    ]


def slow_but(quick: Sequence[str], names: Iterable[str]) -> list[ParameterSet]:
    """All names, those that are not quick for long runs only."""
    return [pytest.param(name, marks=() if name in quick else pytest.mark.slow) for name in names]


@pytest.mark.parametrize("name", slow_but(QUICK_LISTS, LISTS))
def test_listed_layers_run_where_awready_waits_for_wvalid(name: str) -> None:
    """AXI4: a manager must not wait for AWREADY before it asserts WVALID."""
    found = LISTS[name]
    cases = [found.case(index) for index in range(len(found.cases))]
    habits = NAMED_HABITS["address_after_data_offered"]
    assert wrong_layers(cases, generate(found.accelerator), habits) == []


@pytest.fixture(scope="module")
def channels() -> Hardware:
    return generate(CHANNELS)


@pytest.mark.parametrize("name", slow_but(QUICK_HABITS, NAMED_HABITS))
def test_layers_run_with_each_habit(channels: Hardware, name: str) -> None:
    """One that spills sums to DRAM and back, one after the other with a plain one."""
    assert wrong_layers([SPILLS, DEPTHWISE], channels, NAMED_HABITS[name]) == []
