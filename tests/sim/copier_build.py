"""The copier (copier.v) as a build, and what a run of it has to give by its own rules."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from naas_hw.sim.build import Build

SOURCE = (Path(__file__).parent / "copier.v").read_text(encoding="utf-8")
NUM_PES = 16
START_CYCLES = 2  # the first address is offered in the second cycle after the start
NEVER_INTERRUPTS = 1 << 30
NEVER_STARTS = 1 << 31


def copier(beat_bytes: int = 8, **changes: Any) -> Build:
    """The build for a bus width."""
    defines = {"COPIER_BEAT_BYTES": str(beat_bytes), "COPIER_PES": str(NUM_PES)}
    values: dict[str, Any] = {
        "sources": {"copier.v": SOURCE},
        "beat_bytes": beat_bytes,
        "num_events": 3,
        "num_l2": 2,
        "defines": defines,
    }
    return Build(**{**values, **changes})


def registers(
    *, source: int, destination: int, num_bursts: int, num_beats: int, scratch: int = 0
) -> list[tuple[int, int]]:
    """Writes that copy num_bursts bursts of num_beats beats."""
    setup = [(4, source), (8, destination), (12, num_bursts), (16, num_beats), (20, scratch)]
    return [*setup, (0, 1)]


def image(num_bytes: int, seed: int = 0) -> NDArray[np.uint8]:
    """Random bytes."""
    return np.random.default_rng(seed).integers(0, 256, num_bytes, dtype=np.uint8)


def cycles_of_a_copy(num_bursts: int, num_beats: int, latency: int, period: int) -> int:
    """From the contract of the memory: AR, beats through a FIFO of one cycle, response, again.

    AR in cycle a; beat k read in a + latency + k period, written one cycle later; the response
    latency after the last; the next AR, or the interrupt, one cycle after the response.
    """
    burst = latency + (num_beats - 1) * period + 1 + latency
    return START_CYCLES + num_bursts * (burst + 1)
