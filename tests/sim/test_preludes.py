"""Resets in the midst of a run and starts that end in an error: the next run is exact."""

from dataclasses import replace

import numpy as np
import pytest
from cases import CHANNELS, SPILLS, STEADY

from naas_hw.arch import timing
from naas_hw.compiler.program import LayerTask, build_program
from naas_hw.core.errors import InputError
from naas_hw.rtl.control.status import Error
from naas_hw.sim.hardware import Hardware, generate
from naas_hw.sim.layer import LayerReport, predict_layer, simulate_layer
from naas_hw.sim.memory_habits import NAMED_HABITS, MemoryHabits
from naas_hw.sim.preludes import PRELUDES, Scene, check_prelude
from naas_hw.sim.simulators import find_simulator
from naas_hw.verify.case import Case
from naas_hw.workload.arithmetic.quantise import Tensors, random_quantised_layer

QUICK = ("reset", "watchdog")
"""Preludes of the normal test set; others are in those of tests/sim/test_faults.py."""


def test_a_prelude_that_does_not_exist_is_refused() -> None:
    with pytest.raises(InputError, match="before must be one of reset, core_reset, .*, not 'none'"):
        check_prelude("none")


def test_every_kind_of_error_is_drawn() -> None:
    """A new error needs a prelude that ends in it."""
    tensors = random_quantised_layer(STEADY.layer, np.random.default_rng(0))
    task = LayerTask(layer=STEADY.layer, mapping=STEADY.mapping, tensors=tensors)
    scene = Scene(
        program=build_program(CHANNELS, [task, task], identity=1),
        cycles=10 * timing.WATCHDOG_UNIT,
        rng=np.random.default_rng(0),
    )
    ends = [make(scene).errors or frozenset() for make in PRELUDES.values()]
    errors = set(Error.__members__.values())
    assert frozenset().union(*ends) == errors
    assert all({error} in ends for error in errors), "each of them alone"


@pytest.fixture(scope="module")
def hardware() -> Hardware:
    return generate(CHANNELS)


def run(hardware: Hardware, case: Case, before: str, **more: object) -> LayerReport:
    """A layer with extreme tensors behind a prelude."""
    return simulate_layer(
        replace(hardware, accelerator=case.accelerator),
        case.layer,
        case.mapping,
        simulator=find_simulator("icarus"),
        rng=np.random.default_rng(1),
        tensors=Tensors.EXTREME,
        before=before,
        **more,  # type: ignore[arg-type]
    )


@pytest.mark.sim
@pytest.mark.needs("iverilog")
def test_a_start_right_behind_a_refused_one_waits_for_a_slow_memory(hardware: Hardware) -> None:
    """A memory that gives a beat in 64 cycles is still busy with the last of what was refused."""
    slow = CHANNELS.model_copy(update={"dram_latency_cycles": 1, "dram_beat_period_cycles": 64})
    report = run(hardware, replace(STEADY, accelerator=slow), "wrong_checksum")
    assert report.messages == ()
    assert report.ok, report


@pytest.mark.sim
@pytest.mark.needs("iverilog")
def test_a_memory_that_is_faster_than_the_model_ends_no_prelude_early(hardware: Hardware) -> None:
    """The watchdog may expire only in layers that take longer with every memory."""
    slow = CHANNELS.model_copy(update={"dram_latency_cycles": 1000})
    case = replace(STEADY, accelerator=slow)
    assert predict_layer(slow, case.layer, case.mapping).cycles > 2 * timing.WATCHDOG_UNIT
    fast = MemoryHabits(r_latency=1, b_latency=1)
    report = run(hardware, case, "watchdog", habits=fast)
    assert report.simulated_cycles < timing.WATCHDOG_UNIT
    assert report.ok and report.messages == (), report


@pytest.mark.sim
@pytest.mark.needs("iverilog")
@pytest.mark.parametrize(
    "before",
    [pytest.param(name, marks=() if name in QUICK else pytest.mark.slow) for name in PRELUDES],
)
def test_the_run_behind_a_prelude_is_exact(hardware: Hardware, before: str) -> None:
    """Cycles piece by piece, counts and bytes; the prelude itself ends as it has to."""
    report = run(hardware, SPILLS, before)
    assert report.messages == ()
    assert report.ok, report


@pytest.mark.sim
@pytest.mark.needs("iverilog")
@pytest.mark.parametrize(
    "name",
    [
        "address_after_data_taken",
        pytest.param("late_responses", marks=pytest.mark.slow),
        pytest.param("one_direction", marks=pytest.mark.slow),
    ],
)
def test_a_core_that_is_reset_alone_leaves_nothing_behind(hardware: Hardware, name: str) -> None:
    """Whatever its memory has begun: no rule of AXI4 is broken, and the next bytes are right."""
    report = run(hardware, STEADY, "core_reset", habits=NAMED_HABITS[name])
    assert report.messages == ()
    assert report.ok, report
