"""What a search says while it runs is true, and has control codes on a terminal only."""

from io import StringIO
from typing import Any

import pytest
from rich.console import Console

from naas_hw.arch.accelerator import Accelerator, Axis
from naas_hw.cli.progress import (
    SECONDS_BETWEEN_LINES,
    BuildLines,
    SearchProgress,
    SimulationProgress,
    duration,
)
from naas_hw.fpga.progress import BuildProgress, Stage
from naas_hw.search import Progress
from naas_hw.sim.network_run import NetworkProgress


def array(c: int, k: int) -> Accelerator:
    return Accelerator(
        axes=(Axis(dim="C", size=c), Axis(dim="K", size=k)),
        weight_buffer_bytes=16,
        input_buffer_bytes=16,
        accumulator_words=16,
        bank_bytes=256,
    )


def told(number: int, **changes) -> Progress:
    """After a candidate of 500 mappings, of 40."""
    settings: dict[str, Any] = {
        "num_candidates": number, "num_planned": 40, "generation": 0, "latest": array(2, 2),
        "latest_score": 3.0, "best": array(4, 8), "best_score": 1234.5678, "population_mean": None,
        "num_evaluations": 500, "trying": array(16, 12),
    }  # fmt: skip
    return Progress(**(settings | changes))


class Clock:
    """A clock that goes when it is told to."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def shown(steps, *, terminal: bool) -> str:
    """What is written for (seconds, progress) after one another."""
    text, clock = StringIO(), Clock()
    screen = Console(
        file=text, force_terminal=terminal, soft_wrap=True, highlight=False, width=100,
        _environ={"TERM": "xterm"},
    )  # fmt: skip
    with SearchProgress(screen, clock) as progress:
        for seconds, step in steps:
            clock.now += seconds
            progress(step)
    return text.getvalue()


def test_a_line_says_count_best_what_is_tried_rates_and_what_is_left():
    """One candidate of 500 mappings in 4 seconds; 39 are left: 39 x 4 s."""
    assert shown([(4, told(1))], terminal=False) == (
        "1/40 candidates, best 1235 (C 4 x K 8), trying C 16 x K 12, "
        "0.25 candidates/s, 125 mappings/s, 39 left, about 2:36\n"
    )


def test_what_the_history_knew_does_not_count_as_fast():
    steps = [(0, told(n, is_resumed=True, trying=None)) for n in range(1, 31)]
    last = shown([*steps, (20, told(31))], terminal=False).splitlines()[-1]
    assert "0.05 candidates/s, 25 mappings/s, 9 left, about 3:00" in last


def test_without_a_terminal_there_is_a_line_now_and_then_and_no_control_code():
    steps = [(1, told(n)) for n in range(1, 41)]
    final = [(0, told(40, stage="final mappings", num_done=n, num_due=4)) for n in range(4)]
    text = shown([*steps, *final, (0, told(40, stage="proofs", num_due=9))], terminal=False)
    assert "\x1b" not in text and "\r" not in text
    numbers = [line.split("/")[0] for line in text.splitlines()]
    every = SECONDS_BETWEEN_LINES
    assert numbers == ["1", *(str(n) for n in range(1 + every, 41, every)), "40",
                       "final mappings: 0 of 4, best 1235 (C 4 x K 8)",
                       "proofs: 0 of 9, best 1235 (C 4 x K 8)"]  # fmt: skip


@pytest.mark.parametrize("stage", ["screening", "final mappings", "proofs"])
def test_a_stage_says_how_much_of_it_is_done(stage):
    step = told(40, stage=stage, num_done=3, num_due=16)
    text = shown([(SECONDS_BETWEEN_LINES, step)], terminal=False)
    assert text == f"{stage}: 3 of 16, best 1235 (C 4 x K 8)\n"


def test_on_a_terminal_the_lines_are_written_over_and_taken_away():
    text = shown([(1, told(1)), (1, told(2))], terminal=True)
    assert "the first candidates are being evaluated" in text
    assert "2/40 candidates, best 1235 (C 4 x K 8)" in text
    assert text.count("\n") < 12
    assert "\x1b[2K" in text  # a line is erased


def test_before_there_is_a_best_that_is_said():
    step = told(1, best=None, best_score=None, trying=None)
    assert "best none yet, 0.5 candidates/s" in shown([(2, step)], terminal=False)


@pytest.mark.parametrize(
    ("seconds", "text"), [(0, "0:00"), (59.6, "1:00"), (125, "2:05"), (3723, "1:02:03")]
)
def test_durations(seconds, text):
    assert duration(seconds) == text


def test_a_simulation_says_its_rate_and_what_is_left_without_the_time_of_compiling():
    """100 cycles before the rate counts, then 300 in 2 seconds; 600 are left: 4 seconds."""
    text, clock = StringIO(), Clock()
    progress = SimulationProgress(Console(file=text, width=100), clock)
    for seconds, number, cycles, done in ((60, 1, 100, 100), (2, 2, 301, 400), (0, 3, 600, 1000)):
        clock.now += seconds
        progress(
            NetworkProgress(
                name=f"[{number}]", ok=number != 2, cycles=cycles, num_done=number, num_all=3,
                cycles_done=done, cycles_all=1000,
            )
        )  # fmt: skip
    assert text.getvalue().splitlines() == [
        "1/3 [1]: 100 cycles, equal",
        "2/3 [2]: 301 cycles, differs; 150 cycles/s, about 0:04 left",
        "3/3 [3]: 600 cycles, equal; 450 cycles/s, about 0:00 left",
    ]


def built(steps, *, terminal: bool = False) -> str:
    """What is written for (seconds, progress) of a build after one another."""
    text, clock = StringIO(), Clock()
    screen = Console(
        file=text, force_terminal=terminal, width=100, _environ={"TERM": "xterm"}
    )  # fmt: skip
    with BuildLines(screen, name="ck8x8", clock=clock) as progress:
        for seconds, step in steps:
            clock.now += seconds
            progress(step)
    return text.getvalue()


def test_a_build_says_stage_seed_time_spent_and_left():
    """A quarter of the connections in 30 s: 90 s more. Two seeds of three in 200 s: 100 s more."""
    steps = [
        (0, BuildProgress(stage=Stage.SYNTHESIS, num_seeds=3)),
        (40, BuildProgress(stage=Stage.PACKING, seed=1, num_seeds=3)),
        (0, BuildProgress(stage=Stage.ROUTING, seed=1, num_seeds=3)),
        (30, BuildProgress(stage=Stage.ROUTING, seed=1, num_seeds=3, share=0.25, detail="1 of 4")),
        (170, BuildProgress(stage=Stage.PACKING, seed=3, num_seeds=3, num_seeds_done=2)),
    ]
    assert built(steps).splitlines() == [
        "ck8x8: synthesis; 0:00 spent",
        "ck8x8, seed 1 (1 of 3): packing; 0:40 spent",
        "ck8x8, seed 1 (1 of 3): routing; 0:40 spent",
        "ck8x8, seed 1 (1 of 3): routing, 1 of 4; 1:10 spent, about 1:30 left of routing",
        "ck8x8, seed 3 (3 of 3): packing; 4:00 spent, about 1:40 left",
    ]


def test_a_build_writes_over_one_line_on_a_terminal_and_a_line_now_and_then_elsewhere():
    steps = [(1, BuildProgress(stage=Stage.SYNTHESIS)) for _ in range(SECONDS_BETWEEN_LINES + 2)]
    assert len(built(steps).splitlines()) == 2 and "\x1b" not in built(steps)
    text = built(steps, terminal=True)
    assert text.count("\n") < 3 and "synthesis; 0:12 spent" in text
