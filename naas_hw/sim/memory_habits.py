"""What the memory of the bench does with the freedom that AXI4 gives it.

Which READY waits for which VALID, how much is outstanding, how fast each channel is, and when
responses come.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Final

import numpy as np

from naas_hw.core.errors import InputError
from naas_hw.sim.random_numbers import log_uniform

EXACT: Final = "exact"
ANY: Final = "any"
MAX_SPARE: Final = 400
"""Cycles by which a beat may be late in a random mixture."""

MAX_STALL_PERCENT: Final = 95
MAX_AHEAD: Final = 512
"""Beats that naas_dram.v can keep before their address is known."""

MAX_BURST_BEATS: Final = 256
UNLIMITED: Final = 65536
"""Outstanding bursts that naas_dram.v can keep."""


@dataclass(frozen=True, kw_only=True)
class MemoryHabits:
    """Settings of naas_dram.v, under the names that they have there; None is the exact timing's.

    Parameters
    ----------
    seed : of stalls, and of whose turn it is.
    ar_ready, aw_ready, w_ready : 0, READY does not look at VALID; N, it comes in the Nth cycle of
        VALID.
    aw_needs_w : AWREADY waits for 1, the first beat to be offered; 2, all beats to be taken.
    w_needs_aw : WREADY waits for 0, the address to be accepted; 1, it to be offered; 2, nothing.
    w_ahead : beats that are taken before their address at most.
    max_reads, max_writes : outstanding bursts.
    one_direction : 1, reads and writes are never outstanding together.
    r_latency, b_latency : cycles from the address, or the last beat, to the response.
    r_period, w_period : cycles from beat to beat.
    ar_stall, aw_stall, w_stall, r_stall, b_stall : percent of cycles in which a channel rests.
    r_window, r_open, b_window, b_open : responses begin in the first `open` cycles of each
        `window`, so they come late and together.
    """

    seed: int = 0
    ar_ready: int = 0
    aw_ready: int = 0
    w_ready: int = 0
    aw_needs_w: int = 0
    w_needs_aw: int = 0
    w_ahead: int = MAX_AHEAD
    max_reads: int = UNLIMITED
    max_writes: int = UNLIMITED
    one_direction: int = 0
    r_latency: int | None = None
    b_latency: int | None = None
    r_period: int | None = None
    w_period: int | None = None
    ar_stall: int = 0
    aw_stall: int = 0
    w_stall: int = 0
    r_stall: int = 0
    b_stall: int = 0
    r_window: int = 1
    r_open: int = 1
    b_window: int = 1
    b_open: int = 1

    def __post_init__(self) -> None:
        for name, (low, high) in _RANGES.items():
            value = getattr(self, name)
            if value is not None and not low <= value <= high:
                raise InputError(f"{name} must be {low} to {high}, not {value}")
        for channel in ("r", "b"):
            window, opened = getattr(self, f"{channel}_window"), getattr(self, f"{channel}_open")
            if opened > window:
                raise InputError(
                    f"{channel}_open must be at most {channel}_window, {window}, not {opened}"
                )
        if self.aw_needs_w == 2 and (self.w_needs_aw == 0 or self.w_ahead < MAX_BURST_BEATS):
            raise InputError(
                "a memory that takes all data before their address must have w_needs_aw 1 or 2 and "
                f"w_ahead of at least {MAX_BURST_BEATS}, not {self.w_needs_aw} and {self.w_ahead}"
            )

    @property
    def changes(self) -> dict[str, int]:
        """What differs from the exact timing, by name."""
        default = asdict(_DEFAULT)
        return {name: value for name, value in asdict(self).items() if value != default[name]}

    def plusargs(self) -> dict[str, str]:
        """The same for the simulator."""
        names = {"seed": "stall_seed"}
        return {names.get(name, name): str(value) for name, value in self.changes.items()}

    def cycles_of_a_beat(self, *, latency: int, period: int) -> int:
        """More cycles than a beat takes that is a burst by itself, nothing else under way.

        Parameters
        ----------
        latency, period : of the accelerator's memory, where these habits have none.
        """
        responses = sum(latency if own is None else own for own in (self.r_latency, self.b_latency))
        periods = sum(period if own is None else own for own in (self.r_period, self.w_period))
        readies = self.ar_ready + self.aw_ready + self.w_ready
        stall = max(self.ar_stall, self.aw_stall, self.w_stall, self.r_stall, self.b_stall)
        cycles = responses + periods + readies + self.r_window + self.b_window + 20
        return cycles * 100 // (100 - stall)

    def __str__(self) -> str:
        return ",".join(f"{name}={value}" for name, value in self.changes.items()) or "seed=0"


_RANGES: Final[Mapping[str, tuple[int, int]]] = {
    "seed": (0, (1 << 63) - 1),
    **{f"{channel}_ready": (0, 100) for channel in ("ar", "aw", "w")},
    "aw_needs_w": (0, 2),
    "w_needs_aw": (0, 2),
    "w_ahead": (1, MAX_AHEAD),
    "max_reads": (1, UNLIMITED),
    "max_writes": (1, UNLIMITED),
    "one_direction": (0, 1),
    **{f"{channel}_latency": (1, 1 << 20) for channel in ("r", "b")},
    **{f"{channel}_period": (1, 1 << 20) for channel in ("r", "w")},
    **{f"{channel}_stall": (0, MAX_STALL_PERCENT) for channel in ("ar", "aw", "w", "r", "b")},
    **{f"{channel}_window": (1, 1 << 20) for channel in ("r", "b")},
    **{f"{channel}_open": (1, 1 << 20) for channel in ("r", "b")},
}
_DEFAULT: Final = MemoryHabits()

NAMED_HABITS: Final[Mapping[str, MemoryHabits]] = {
    "ready_with_valid": MemoryHabits(ar_ready=1, aw_ready=1, w_ready=1),
    "ready_after_valid": MemoryHabits(ar_ready=2, aw_ready=3, w_ready=2),
    "address_after_data_offered": MemoryHabits(aw_needs_w=1),
    "both_wait_for_both": MemoryHabits(aw_ready=1, w_ready=1, aw_needs_w=1, w_needs_aw=1),
    "address_after_data_taken": MemoryHabits(aw_needs_w=2, w_needs_aw=1),
    "data_before_address": MemoryHabits(w_needs_aw=2, aw_stall=80),
    "one_outstanding": MemoryHabits(max_reads=1, max_writes=1),
    "one_direction": MemoryHabits(max_reads=1, max_writes=1, one_direction=1),
    "slow_reads": MemoryHabits(r_period=7, ar_stall=50),
    "slow_writes": MemoryHabits(w_period=7, aw_stall=50),
    "late_responses": MemoryHabits(r_latency=40, b_latency=90),
    "bunched_responses": MemoryHabits(r_window=24, r_open=6, b_window=60, b_open=2),
    "stalls": MemoryHabits(ar_stall=30, aw_stall=30, w_stall=30, r_stall=30, b_stall=30),
}
"""Each way of a memory by itself."""


def parse_habits(text: str) -> MemoryHabits:
    """Habits by name, or written as `setting=value,setting=value`, as `str` of them gives.

    Raises
    ------
    InputError : no such name or setting, or a value out of range.
    """
    if text in NAMED_HABITS:
        return NAMED_HABITS[text]
    known = {field.name for field in fields(MemoryHabits)}
    values: dict[str, int] = {}
    for part in text.split(","):
        name, separator, value = part.partition("=")
        if name not in known or not separator or not value.isascii() or not value.isdigit():
            raise InputError(
                f"memory must be exact, any, one of {', '.join(NAMED_HABITS)}, or "
                f"setting=number with commas, not {part[:40]!r}"
            )
        if len(value) > 20:
            raise InputError(f"{name} must have at most 20 digits, not {len(value)}")
        values[name] = int(value)
    return MemoryHabits(**values)


_MIXED_SHARE: Final = 0.25  # of the other settings, beside a named habit
_CHOICES: Final[Mapping[str, tuple[int, ...]]] = {
    "ar_ready": (1, 2, 4),
    "aw_ready": (1, 2, 4),
    "w_ready": (1, 2, 4),
    "aw_needs_w": (1, 2),
    "w_needs_aw": (1, 2),
    "max_reads": (1, 2, 3, 8),
    "max_writes": (1, 2, 3, 8),
    "r_period": (1, 2, 5),
    "w_period": (1, 2, 5),
    **{f"{channel}_stall": (10, 40, 80) for channel in ("ar", "aw", "w", "r", "b")},
}
_UP_TO_SPARE: Final = ("r_latency", "b_latency", "r_window", "b_window")


def check_memory(memory: str) -> None:
    """Refuse what `choose_habits` would.

    Raises
    ------
    InputError : neither `exact` nor `any` nor habits.
    """
    if memory not in (EXACT, ANY):
        parse_habits(memory)


def choose_habits(
    memory: str, *, seed: int, index: int, num_beats: int, max_cycles: int
) -> MemoryHabits | None:
    """The habits of one run; None for the exact timing.

    Parameters
    ----------
    memory : `exact`, `any` for a random mixture, or habits as `parse_habits` takes them.
    seed, index : of a random mixture: of a draw, and of a run in it.
    num_beats : of the run, on the bus.
    max_cycles : that the waits of a random mixture may take about, all together.
    """
    if memory == EXACT:
        return None
    if memory != ANY:
        return parse_habits(memory)
    spare = min(MAX_SPARE, max(2, max_cycles // max(1, num_beats)))
    rng = np.random.default_rng((seed, index))
    return draw_habits(rng, index=index, spare_cycles=spare)


def draw_habits(rng: np.random.Generator, *, index: int, spare_cycles: int) -> MemoryHabits:
    """A random mixture around one of the named habits.

    Parameters
    ----------
    index : of a case; consecutive ones have each named habit in turn.
    spare_cycles : by how much a beat may be late, at least 2; keeps slow cases short.
    """
    base = NAMED_HABITS[name_of_base(index)].changes
    drawn = {name: int(rng.choice(values)) for name, values in _CHOICES.items()}
    drawn |= {name: log_uniform(rng, 1, spare_cycles) for name in _UP_TO_SPARE}
    kept = {name: value for name, value in drawn.items() if rng.random() < _MIXED_SHARE}
    settings = {**kept, **base, "seed": int(rng.integers(1 << 62))}
    if {"max_reads", "max_writes", "one_direction"} & set(settings):
        settings = {"r_latency": drawn["r_latency"], "b_latency": drawn["b_latency"], **settings}
    for name in _UP_TO_SPARE:
        if name in settings:
            settings[name] = min(settings[name], spare_cycles)
    for channel in ("r", "b"):
        window = settings.get(f"{channel}_window", 1)
        settings[f"{channel}_open"] = int(rng.integers(1, window + 1))
    if settings.get("aw_needs_w") == 2:
        settings["w_needs_aw"] = max(1, settings.get("w_needs_aw", 0))
    elif settings.get("w_needs_aw"):
        settings["w_ahead"] = int(rng.choice((1, 2, 16, MAX_AHEAD)))
    return MemoryHabits(**settings)


def name_of_base(index: int) -> str:
    """The named habit that `draw_habits` begins with for a case."""
    return list(NAMED_HABITS)[index % len(NAMED_HABITS)]
