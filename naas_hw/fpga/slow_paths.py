"""The slowest paths of a placed design, by the registers between which they lie."""

import re
from collections import defaultdict, deque
from dataclasses import dataclass
from typing import Final

from naas_hw.fpga.delays import Delays

NUM_SHOWN: Final = 20

_CELL_SUFFIX: Final = re.compile(
    r"(_(TRELLIS|LUT4|CCU2C|PFUMX|L6MUX21|DP16KD|MULT18X18D)\w*|(\.\d+)+(_\w+)?)?(\$.*)?$"
)
"""What yosys and nextpnr put behind the name of a signal or memory to name a cell."""
_NUMBER: Final = re.compile(r"\[\d+\]|_\d+(?=\.|$)")
"""Numbers of equal instances and of bits."""


@dataclass(frozen=True, kw_only=True)
class SlowPaths:
    """All paths from one register or memory to another, whatever bits and equal instances.

    Parameters
    ----------
    start, end : where they begin and end: names of signals or memories, without numbers.
    longest_ns : of the slowest of them.
    num_ends : bits at which one ends that is slower than those from elsewhere.
    """

    start: str
    end: str
    longest_ns: float
    num_ends: int


def slow_paths(delays: Delays, *, most: int = NUM_SHOWN) -> tuple[SlowPaths, ...]:
    """The slowest paths from clock edge to clock edge, the slowest first."""
    arrivals = _arrivals(delays)
    groups: dict[tuple[str, str], list[float]] = defaultdict(list)
    for pin, setup in delays.setups.items():
        if pin in arrivals:
            time, origin = arrivals[pin]
            groups[register_name(origin), register_name(pin)].append(time + setup)
    found = [
        SlowPaths(start=start, end=end, longest_ns=round(max(times), 3), num_ends=len(times))
        for (start, end), times in groups.items()
    ]
    return tuple(sorted(found, key=lambda p: (-p.longest_ns, p.start, p.end))[:most])


def _arrivals(delays: Delays) -> dict[str, tuple[float, str]]:
    """Pin -> the latest time at which it changes, and the pin where that path was launched."""
    awaited: dict[str, int] = defaultdict(int)
    for followers in delays.arcs.values():
        for pin, _ in followers:
            awaited[pin] += 1
    found = {pin: (time, pin) for pin, time in delays.launches.items()}
    ready = deque(pin for pin in (*delays.arcs, *delays.launches) if not awaited[pin])
    seen = set(ready)
    while ready:
        pin = ready.popleft()
        for follower, ns in delays.arcs.get(pin, ()):
            if pin in found:
                time, origin = found[pin]
                found[follower] = max(found.get(follower, (0.0, "")), (time + ns, origin))
            awaited[follower] -= 1
            if not awaited[follower] and follower not in seen:
                seen.add(follower)
                ready.append(follower)
    return found


def register_name(pin: str) -> str:
    """Name of the register or memory that a pin belongs to, the same for all bits and instances.

    Examples
    --------
    >>> register_name("core.drain_path.requantiser_1.biased_TRELLIS_FF_Q_12/Q")
    'core.drain_path.requantiser.biased'
    >>> register_name("core.writer.beats.payloads.0.3$DPRAM_COMB1/DI")
    'core.writer.beats.payloads'
    """
    cell = pin.rpartition("/")[0]
    return _NUMBER.sub("", _CELL_SUFFIX.sub("", cell))
