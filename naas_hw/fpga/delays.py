"""Delays of a placed design, from the SDF file that nextpnr writes."""

import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

PICOSECONDS_PER_NS: Final = 1000.0

_INSTANCE: Final = re.compile(r"\(INSTANCE (\S*?)\)$")
_EDGE: Final = r"\(?(?:posedge |negedge )?([^\s()]+)\)?"
_TIME: Final = r"\([^():]*:[^():]*:([^():]*)\)"
_CELL_DELAY: Final = re.compile(rf"\(IOPATH {_EDGE} (\S+) {_TIME} {_TIME}")
_WIRE_DELAY: Final = re.compile(rf"\(INTERCONNECT (\S+) (\S+) {_TIME} {_TIME}")
_SETUP: Final = re.compile(rf"\(SETUPHOLD {_EDGE} {_EDGE} {_TIME}")
_CLOCK_PIN: Final = re.compile(r"(CLK[AB0-3]?|WCK)$")


@dataclass(frozen=True)
class Delays:
    """What signals take, all in ns; a pin is `cell/port`.

    Parameters
    ----------
    arcs : pin -> the pins that follow it, each with the time until then.
    launches : pin that a clock edge changes -> time from the edge.
    setups : pin that is taken at a clock edge -> how long before it the pin must stand.
    """

    arcs: dict[str, list[tuple[str, float]]] = field(default_factory=lambda: defaultdict(list))
    launches: dict[str, float] = field(default_factory=dict)
    setups: dict[str, float] = field(default_factory=dict)


def read_delays(lines: Iterable[str]) -> Delays:
    """The slowest delays of an SDF file as nextpnr writes it, an entry a line, in picoseconds."""
    delays, cell = Delays(), ""
    for line in lines:
        text = line.strip().replace("\\", "")
        if instance := _INSTANCE.match(text):
            cell = instance[1]
        elif wire := _WIRE_DELAY.match(text):
            delays.arcs[wire[1]].append((wire[2], _slowest(wire[3], wire[4])))
        elif arc := _CELL_DELAY.match(text):
            _add_cell(delays, cell, arc[1], arc[2], _slowest(arc[3], arc[4]))
        elif setup := _SETUP.match(text):
            pin = f"{cell}/{setup[1]}"
            delays.setups[pin] = max(delays.setups.get(pin, 0.0), _slowest(setup[3]))
    return delays


def _add_cell(delays: Delays, cell: str, start: str, end: str, ns: float) -> None:
    """A path through a cell; one from its clock launches."""
    pin = f"{cell}/{end}"
    if _CLOCK_PIN.match(start):
        delays.launches[pin] = max(delays.launches.get(pin, 0.0), ns)
    else:
        delays.arcs[f"{cell}/{start}"].append((pin, ns))


def _slowest(*picoseconds: str) -> float:
    return max(float(time) for time in picoseconds) / PICOSECONDS_PER_NS
