"""Every fault that is put into the hardware shows in cycles, pieces, counts, bits or protocol."""

from collections.abc import Iterator
from dataclasses import replace
from functools import lru_cache

import numpy as np
import pytest
from cases import CASES
from mutants import MUTANTS, Mutant, generate_mutant

from naas_hw.arch.accelerator import Accelerator
from naas_hw.sim.hardware import Hardware, generate
from naas_hw.sim.layer import LayerReport, simulate_layer
from naas_hw.sim.memory_habits import EXACT, NAMED_HABITS
from naas_hw.sim.simulators import find_simulator
from naas_hw.verify.case import Case

pytestmark = [pytest.mark.sim, pytest.mark.needs("iverilog")]

ALWAYS = (
    "sequencer compare: a loop ends one trip early",
    "zero point: padding is delivered as zero",
    "constant of time: compute goes a cycle late",
    "handshake: data of a burst wait until its address is accepted",
)
"""The mutants of the normal test set."""


@lru_cache(maxsize=2)
def hardware(accelerator: Accelerator) -> Hardware:
    """Without a fault."""
    return generate(accelerator)


def inside(accelerator: Accelerator) -> Accelerator:
    """Without the memory outside, on which hardware does not depend."""
    return accelerator.model_copy(update={"dram_latency_cycles": 1, "dram_beat_period_cycles": 1})


def simulate(generated: Hardware, case: Case, memory: str = EXACT) -> LayerReport:
    return simulate_layer(
        replace(generated, accelerator=case.accelerator),
        case.layer,
        case.mapping,
        simulator=find_simulator("icarus"),
        rng=np.random.default_rng(1),
        habits=None if memory == EXACT else NAMED_HABITS[memory],
    )


def reports_of(mutant: Mutant) -> Iterator[LayerReport]:
    """Its own case first."""
    cases = sorted(CASES.values(), key=lambda case: case.layer.name != mutant.case)
    built: dict[Accelerator, Hardware] = {}
    for case in cases:
        design = inside(case.accelerator)
        if design not in built:
            built[design] = generate_mutant(mutant, design)
        yield simulate(built[design], case, mutant.memory)


def kills(mutant: Mutant) -> LayerReport | None:
    """The first report in which the fault shows; None if it survives all."""
    return next((report for report in reports_of(mutant) if not report.ok), None)


@pytest.mark.slow
@pytest.mark.parametrize("name", CASES)
def test_without_a_fault_every_case_is_equal(name: str) -> None:
    case = CASES[name]
    report = simulate(hardware(inside(case.accelerator)), case)
    assert report.ok, report


@pytest.mark.parametrize(
    "mutant",
    [
        pytest.param(mutant, marks=() if mutant.name in ALWAYS else pytest.mark.slow)
        for mutant in MUTANTS
    ],
    ids=[mutant.name for mutant in MUTANTS],
)
def test_a_mutant_is_killed(mutant: Mutant) -> None:
    assert kills(mutant) is not None, f"{mutant.name}: it survived {', '.join(CASES)}"


def test_four_mutants_are_always_tried() -> None:
    assert len(set(ALWAYS) & {mutant.name for mutant in MUTANTS}) == 4


def test_the_hook_leaves_nothing_behind() -> None:
    """Hardware generated after a mutant is the one generated before it."""
    accelerator = inside(CASES["steady"].accelerator)
    edit = next(mutant for mutant in MUTANTS if mutant.module == "primitives.loop_nest")
    constant = next(mutant for mutant in MUTANTS if mutant.module == "timing")
    assert generate_mutant(edit, accelerator).sources != hardware(accelerator).sources
    assert generate_mutant(constant, accelerator).sources != hardware(accelerator).sources
    assert generate(accelerator).sources == hardware(accelerator).sources


def test_an_edit_whose_text_is_gone_is_refused() -> None:
    gone = Mutant(
        name="gone", module="primitives.loop_nest", old="no such text", new="", case="steady"
    )
    with pytest.raises(
        ValueError, match="loop_nest.py must have the text 'no such text' once, not 0"
    ):
        generate_mutant(gone, CASES["steady"].accelerator)
