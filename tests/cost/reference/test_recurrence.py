"""The reference recurrence: a layer timed by hand, and what its figures add up to."""

import numpy as np
import pytest
from small_cases import plain_case, random_case

from naas_hw.arch import timing
from naas_hw.cost.reference.pieces import Durations, durations_of, steps_of
from naas_hw.cost.reference.recurrence import run_recurrence, timeline_of


def test_one_step_is_the_sum_of_its_stages() -> None:
    """With a single step nothing overlaps: every stage follows the one before."""
    rng = np.random.default_rng(0)
    case = plain_case(rng, max_steps=1)
    geometry = case.geometry
    timeline, d = timeline_of(geometry), durations_of(geometry)
    (step,) = steps_of(geometry)
    assert step.load is not None
    beats = step.load.scales + step.load.weights + step.load.inputs
    assert step.load.sums == step.load.residual == step.load.table == 0
    start = timing.START_TO_DESCRIPTOR + d.read_latency + d.period * (d.descriptor_beats - 1)
    start += timing.DESCRIPTOR_TO_LAYER
    last_beat = start + timing.LAYER_TO_LOAD + d.read_latency + d.period * (beats - 1)
    filled = last_beat + timing.LOAD_TO_FILL + max(d.fill_weights, d.fill_inputs)
    computed = filled + timing.FILL_TO_COMPUTE + d.compute
    drained = computed + d.compute_to_drain + d.drain
    stored = drained + timing.DRAIN_TO_STORE + d.period * (step.store_beats - 1)
    end = stored + d.response_latency + timing.DONE_TO_INTERRUPT
    assert timeline.start == start
    assert timeline.load_end[-1] == last_beat
    assert timeline.fill_end.tolist() == [filled]
    assert timeline.compute_end.tolist() == [computed]
    assert timeline.drain_go.tolist() == [computed + d.compute_to_drain]
    assert timeline.drain_end.tolist() == [drained]
    assert timeline.store_end.tolist() == [stored]
    assert timeline.end == end
    ready = last_beat + timing.LOAD_TO_FILL
    assert timeline.stalls.load == ready - start
    assert timeline.stalls.fill == filled + timing.FILL_TO_COMPUTE - ready
    assert timeline.stalls.drain == drained - computed
    assert timeline.stalls.store == end - drained


def test_the_period_of_dram_holds_between_descriptor_and_load() -> None:
    """A beat that takes longer than all latencies holds up load's first one."""
    steps = list(steps_of(random_case(np.random.default_rng(0), max_steps=1).geometry))
    durations = Durations(
        fill_weights=1,
        fill_inputs=1,
        compute=1,
        drain=1,
        compute_to_drain=2,
        latency=1,
        period=64,
        descriptor_beats=3,
    )
    timeline = run_recurrence(steps, durations)
    first = timing.START_TO_DESCRIPTOR + durations.read_latency
    first_beats = [first + 64 * beat for beat in range(4)]
    assert steps[0].load is not None
    assert timeline.load_end[0] == first_beats[3] + 64 * (steps[0].load.pieces[0][1] - 1)


@pytest.mark.parametrize("seed", range(20))
def test_stalls_add_up_to_all_cycles(seed: int) -> None:
    """Every cycle up to the interrupt has exactly one cause."""
    case = random_case(np.random.default_rng(seed))
    timeline = timeline_of(case.geometry)
    assert timeline.stalls.total == timeline.end
    assert timeline.stalls.compute == case.geometry.num_steps * case.geometry.compute_cycles
    assert all(value >= 0 for value in vars(timeline.stalls).values())
