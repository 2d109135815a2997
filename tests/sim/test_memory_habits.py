"""Habits of the memory of the bench: named, written and read, drawn."""

from collections.abc import Iterator

import numpy as np
import pytest

from naas_hw.core.errors import InputError
from naas_hw.sim.memory_habits import (
    NAMED_HABITS,
    MemoryHabits,
    choose_habits,
    draw_habits,
    parse_habits,
)


def drawn(number: int) -> Iterator[MemoryHabits]:
    rng = np.random.default_rng(1)
    return (draw_habits(rng, index=index, spare_cycles=40) for index in range(number))


@pytest.mark.parametrize("name", NAMED_HABITS)
def test_habits_have_a_name_and_are_written_and_read(name: str) -> None:
    """A failure prints the text, and the command takes it back."""
    habits = NAMED_HABITS[name]
    assert parse_habits(name) == habits == parse_habits(str(habits))


def test_drawn_habits_are_written_and_read() -> None:
    """Whatever is drawn; nothing drawn is out of range, which construction would refuse."""
    for habits in drawn(200):
        assert parse_habits(str(habits)) == habits


def test_every_setting_is_drawn() -> None:
    """A hundred draws leave no freedom of AXI4 out, and no named habit."""
    found = list(drawn(100))
    used = {name for habits in found for name in habits.changes}
    assert used == set(MemoryHabits.__dataclass_fields__)
    bases = [NAMED_HABITS[name] for name in NAMED_HABITS]
    for base, habits in zip(bases, found, strict=False):
        kept = set(base.changes) - {"r_open", "b_open", "r_latency", "b_latency"}
        kept -= {"r_window", "b_window", "w_needs_aw"}
        assert {name: habits.changes.get(name) for name in kept} == {
            name: base.changes[name] for name in kept
        }


def test_the_same_seed_and_index_give_the_same_habits() -> None:
    """And another index others; the exact timing has none."""

    def chosen(memory: str, index: int) -> MemoryHabits | None:
        return choose_habits(memory, seed=3, index=index, num_beats=100, max_cycles=4000)

    assert chosen("any", 5) == chosen("any", 5) != chosen("any", 6)
    assert chosen("exact", 5) is None
    assert chosen("slow_reads", 5) == NAMED_HABITS["slow_reads"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("quick", "memory must be exact, any, one of ready_with_valid, .*, not 'quick'"),
        ("r_stall=x", "not 'r_stall=x'"),
        ("r_stall=96", "r_stall must be 0 to 95, not 96"),
        ("max_reads=0", "max_reads must be 1 to 65536, not 0"),
        ("r_open=2", "r_open must be at most r_window, 1, not 2"),
        ("aw_needs_w=2", "must have w_needs_aw 1 or 2 .*, not 0 and 512"),
        ("seed=" + "9" * 30, "seed must have at most 20 digits, not 30"),
    ],
)
def test_wrong_habits_are_refused(text: str, message: str) -> None:
    """By name, setting, or range; and what AXI4 would let hang."""
    with pytest.raises(InputError, match=message):
        parse_habits(text)
