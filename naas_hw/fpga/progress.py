"""How far a build is, read from what its tools write while they run."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Stage(StrEnum):
    """What a build does, in this order; all but the first and the last once for each seed."""

    SYNTHESIS = "synthesis"
    PACKING = "packing"
    PLACING = "placing"
    ROUTING = "routing"
    BITSTREAM = "bitstream"


@dataclass(frozen=True, kw_only=True)
class BuildProgress:
    """How far a build is.

    Parameters
    ----------
    stage : what it does.
    share : how much of the stage is done, 0 to 1; None where that cannot be said.
    detail : where it is within the stage; may be empty.
    seed : of the placer; None outside place and route.
    num_seeds_done, num_seeds : how many seeds have ended, and how many there are.
    limit_minutes : what the tool that runs may take; None: as long as it takes.
    """

    stage: Stage
    share: float | None = None
    detail: str = ""
    seed: int | None = None
    num_seeds_done: int = 0
    num_seeds: int = 1
    limit_minutes: float | None = None


ProgressCallback = Callable[[BuildProgress], None]
"""Told at the begin of each stage, and every second in it."""

_PLACING: Final = (
    "Info: Running Static placer",
    "Info: Creating initial analytic placement",
)
"""With which of these a placer begins."""

_ARCS: Final = re.compile(r"^Info: Routing (\d+) arcs\.", re.M)
_ROUTED: Final = re.compile(r"^Info: +\d+ \|[^|]*\|[^|]*\| +(\d+)\|", re.M)
_ITERATION: Final = re.compile(r"^Info: +(?:iter=|at iteration #)(\d+)[ ,:]", re.M)


def stage_of_log(log: str) -> tuple[Stage, float | None, str]:
    r"""Stage, share and detail by what nextpnr has written so far.

    >>> stage_of_log("Info: Routing..\nInfo: Routing 800 arcs.\n")
    (<Stage.ROUTING: 'routing'>, 0.0, '0 of 800 connections')
    """
    if "Info: Routing.." in log:
        return _routing(log.rpartition("Info: Routing..")[2])
    if not any(begin in log for begin in _PLACING):
        return Stage.PACKING, None, ""
    refines = "Info: Running simulated annealing placer" in log
    iterations = _ITERATION.findall(log.rpartition("Info: Running")[2])
    detail = "refinement" if refines else "rough placement"
    return Stage.PLACING, None, f"{detail}, iteration {iterations[-1]}" if iterations else detail


def _routing(log: str) -> tuple[Stage, float | None, str]:
    arcs = _ARCS.search(log)
    if arcs is None or not int(arcs[1]):
        return Stage.ROUTING, None, ""
    left = _ROUTED.findall(log)
    num_arcs = int(arcs[1])
    done = num_arcs - int(left[-1]) if left else 0
    return Stage.ROUTING, done / num_arcs, f"{done:,} of {num_arcs:,} connections"
