"""Additions as `Accumulation` presents them, cycle by cycle, for tests of what takes them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

AHEAD: Final = 2
"""Cycles from the address of a number to its sum."""

FORWARDED: Final = 3
"""Additions before that are not in the memory yet."""


@dataclass(frozen=True, kw_only=True)
class Addition:
    """An addition to the number at a place, and whether the number has no value yet."""

    place: int
    begins: int
    sum: int = 0


def random_places(
    rng: np.random.Generator, places: Sequence[int], number: int, *, share: float = 0.15
) -> list[Addition | None]:
    """The same place often again after one, two, three or four cycles; None: no addition."""
    additions: list[Addition | None] = []
    touched: set[int] = set()
    recent = [int(place) for place in rng.choice(places, 4)]
    for _ in range(number):
        if rng.random() < share:
            additions.append(None)
            continue
        if rng.random() < 0.3:
            recent[int(rng.integers(len(recent)))] = int(rng.choice(places))
        place = recent[int(rng.integers(len(recent)))]
        begins = int(place not in touched or rng.random() < 0.05)
        touched.add(place)
        additions.append(Addition(place=place, begins=begins))
    return additions


def present(ctx: Any, port: Any, additions: Sequence[Addition | None], now: int, zero: int) -> None:
    """Set the port in the cycle in which the sum of addition number `now` is there."""

    def at(index: int) -> Addition | None:
        return additions[index] if 0 <= index < len(additions) else None

    coming, following, last = at(now + AHEAD), at(now + 1), at(now - 1)
    distance = _distance(additions, now + AHEAD)
    begins = coming is None or bool(coming.begins)
    elsewhere = coming is None or begins or distance > 0
    ctx.set(port.read_address, zero if elsewhere or coming is None else coming.place)
    ctx.set(port.from_first, int(not begins and distance == 1))
    ctx.set(port.from_second, int(not begins and distance == 2))
    ctx.set(port.from_third, int(not begins and distance == 3))
    ctx.set(port.begins, int(following is not None and following.begins))
    ctx.set(port.writes, int(at(now) is not None))
    ctx.set(port.write_address, zero if last is None else last.place)


def _distance(additions: Sequence[Addition | None], index: int) -> int:
    """How many cycles before the same place was added to last; 0 if not within FORWARDED."""
    one = additions[index] if 0 <= index < len(additions) else None
    for distance in range(1, FORWARDED + 1):
        if one is None or index < distance:
            return 0
        before = additions[index - distance]
        if before is not None and before.place == one.place:
            return distance
    return 0
