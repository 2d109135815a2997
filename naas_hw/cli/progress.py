"""Progress of a search or a simulation while it runs: what is done, the rate, the time left.

Of a search a few lines that are written over on a terminal, and elsewhere a line now and then,
without control codes. Only this file looks at a clock.
"""

import time
from collections.abc import Callable
from types import TracebackType
from typing import TYPE_CHECKING, Final, Self

from rich.console import Console
from rich.live import Live
from rich.text import Text

if TYPE_CHECKING:
    from naas_hw.arch.accelerator import Accelerator
    from naas_hw.search import Progress
    from naas_hw.sim.network_run import NetworkProgress

SECONDS_BETWEEN_LINES: Final = 10


def array_of(accelerator: "Accelerator") -> str:
    """`C 16 x K 12`."""
    return " x ".join(f"{axis.dim} {axis.size}" for axis in accelerator.axes)


class Rate:
    """How fast candidates are evaluated; those that a history knew already do not count."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock, self._begin = clock, clock()
        self._candidates = self._mappings = 0

    def add(self, progress: "Progress") -> None:
        """Count the candidate that this tells of."""
        if not progress.is_resumed:
            self._candidates += 1
            self._mappings += progress.num_evaluations

    def text(self, num_left: int) -> str:
        """Candidates and mappings a second, and the time that so many candidates will take."""
        seconds = self._clock() - self._begin
        if not self._candidates or seconds <= 0:
            return f"{num_left} left"
        rate = self._candidates / seconds
        return (
            f"{rate:.3g} candidates/s, {self._mappings / seconds:,.0f} mappings/s, "
            f"{num_left} left, about {duration(num_left / rate)}"
        )


def duration(seconds: float) -> str:
    """`1:02:03`, or `2:03`."""
    minutes, second = divmod(round(seconds), 60)
    hours, minute = divmod(minutes, 60)
    return f"{hours}:{minute:02}:{second:02}" if hours else f"{minute}:{second:02}"


class SimulationProgress:
    """A progress callback of the simulation of a network: a line for each layer.

    The rate counts from the first layer that has run: before it the simulator is compiled.
    """

    def __init__(self, screen: Console, clock: Callable[[], float] = time.monotonic) -> None:
        self._screen, self._clock = screen, clock
        self._begin, self._cycles_before = 0.0, 0

    def __call__(self, progress: "NetworkProgress") -> None:
        """Print what has run, and how long the rest will take."""
        word = "equal" if progress.ok else "differs"
        self._screen.print(
            f"{progress.num_done}/{progress.num_all} {progress.name}: {progress.cycles:,} cycles, "
            f"{word}{self._rate_text(progress)}",
            markup=False,
        )

    def _rate_text(self, progress: "NetworkProgress") -> str:
        """`; 12,345 cycles/s, about 0:12 left`, as soon as there is a rate."""
        if progress.num_done == 1:
            self._begin, self._cycles_before = self._clock(), progress.cycles_done
            return ""
        seconds = self._clock() - self._begin
        if seconds <= 0:
            return ""
        rate = (progress.cycles_done - self._cycles_before) / seconds
        left = (progress.cycles_all - progress.cycles_done) / rate
        return f"; {rate:,.0f} cycles/s, about {duration(left)} left"


class SearchProgress:
    """A progress callback of a search, and the context in which it has the screen."""

    def __init__(self, screen: Console, clock: Callable[[], float] = time.monotonic) -> None:
        self._screen, self._clock = screen, clock
        self._rate = Rate(clock)
        self._next_line = clock()
        self._live = Live(console=screen, transient=True, auto_refresh=False)

    def __enter__(self) -> Self:
        if self._screen.is_terminal:
            self._live.start()
            self._show(["the first candidates are being evaluated"])
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._live.stop()

    def __call__(self, progress: "Progress") -> None:
        """Show how far the search is, or print a line from time to time."""
        if progress.stage == "candidates":
            self._rate.add(progress)
        lines = self._lines(progress)
        if self._screen.is_terminal:
            self._show(lines)
        elif self._is_due(progress):
            self._screen.print(", ".join(lines), markup=False)

    def _lines(self, progress: "Progress") -> list[str]:
        best = "none yet" if progress.best_score is None else f"{progress.best_score:.4g}"
        if progress.best is not None:
            best += f" ({array_of(progress.best)})"
        if progress.stage != "candidates":
            return [f"{progress.stage}: {progress.num_done} of {progress.num_due}, best {best}"]
        count = f"{progress.num_candidates}/{progress.num_planned} candidates, best {best}"
        left = self._rate.text(progress.num_planned - progress.num_candidates)
        if progress.trying is None:
            return [count, left]
        return [count, f"trying {array_of(progress.trying)}", left]

    def _show(self, lines: list[str]) -> None:
        self._live.update(Text("\n".join(lines), no_wrap=True, overflow="ellipsis"), refresh=True)

    def _is_due(self, progress: "Progress") -> bool:
        """The first and the last candidate, another stage, and in between when it is time."""
        is_end = progress.num_candidates in (1, progress.num_planned)
        if progress.stage != "candidates":
            is_end = progress.num_done == 0
        if not is_end and self._clock() < self._next_line:
            return False
        self._next_line = self._clock() + SECONDS_BETWEEN_LINES
        return True
