"""What work has cost, on however many cores."""

import os


def cpu_seconds() -> float:
    """Of this process, and of those that it started and that have ended."""
    return sum(os.times()[:4])
