"""The critical path: what limits the clock, cell by cell and in words."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from naas_hw.fpga.synthesis import Hierarchy

OUTSIDE: Final = "harness"
"""What stands for a component where a cell is not in the accelerator."""

_KINDS: Final = (
    (re.compile(r"(.+?)_TRELLIS_FF_\w+$"), "register"),
    (re.compile(r"(.+?)_MULT18X18D_\w+$"), "multiplier"),
    (re.compile(r"(.+?)(\.\d+)+(\$\w+)*$"), "memory"),
    (re.compile(r"(.+?)\$(tr_io|TRELLIS_IO_\w+)$"), "pin"),
)
"""How yosys and nextpnr name cells at which a path begins or ends, and what those cells are."""


@dataclass(frozen=True, kw_only=True)
class PathStep:
    """One stretch of the critical path.

    Parameters
    ----------
    kind : "clk-to-q", "logic", "routing" or "setup".
    component : instance in which it ends; "harness" outside the accelerator.
    cell : what it ends at.
    delay_ns : what it takes.
    """

    kind: str
    component: str
    cell: str
    delay_ns: float


def read_path(paths: Any, clock: str, hierarchy: Hierarchy) -> tuple[PathStep, ...]:
    """The slowest path from register to register, from nextpnr's JSON report."""
    for path in paths:
        if path["from"].endswith(clock) and path["to"].endswith(clock):
            return tuple(_step(part, hierarchy) for part in path["path"])
    return ()


def _step(part: Mapping[str, Any], hierarchy: Hierarchy) -> PathStep:
    cell = part["to"]["cell"]
    return PathStep(
        kind=part["type"],
        component=hierarchy.owner(cell) or hierarchy.owner(part.get("net", "")) or OUTSIDE,
        cell=cell,
        delay_ns=round(part["delay"], 3),
    )


def path_text(path: Sequence[PathStep]) -> str:
    """The path in one sentence; empty where there is none.

    >>> ends = [("clk-to-q", "core.a", "core.a.x_TRELLIS_FF_Q"), ("routing", "core.b", "y_LUT4_Z")]
    >>> ends.append(("setup", "core.c", "core.c.words.0.0"))
    >>> path_text([PathStep(kind=k, component=c, cell=n, delay_ns=1.0) for k, c, n in ends])
    'from register x of core.a through core.b to memory words of core.c: 3.0 ns, 1.0 of it routing'
    """
    if not path:
        return ""
    between = dict.fromkeys(step.component for step in path)
    through = [name for name in between if name not in (path[0].component, path[-1].component)]
    passed = f" through {', '.join(through)}" if through else ""
    total, routing = sum(s.delay_ns for s in path), _routing_ns(path)
    return (
        f"from {_end_text(path[0])}{passed} to {_end_text(path[-1])}: "
        f"{total:.1f} ns, {routing:.1f} of it routing"
    )


def _routing_ns(path: Sequence[PathStep]) -> float:
    return sum(step.delay_ns for step in path if step.kind == "routing")


def _end_text(step: PathStep) -> str:
    """What a path begins or ends at: `register beat_0 of core.drain_path`."""
    name = step.cell.lstrip("\\").removeprefix(f"{step.component}.")
    for pattern, kind in _KINDS:
        found = pattern.match(name)
        if found:
            return f"{kind} {found[1]} of {step.component}"
    return f"{name} of {step.component}"
