"""Progress of a search, a simulation or a build: what is done, the rate, the time left.

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
    from naas_hw.fpga.progress import BuildProgress
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


class BuildLines:
    """A progress callback of a build, and the context in which it has the screen.

    On a terminal a line that is written over; elsewhere a line at the begin of each stage, and now
    and then.

    Parameters
    ----------
    name : of the design.
    """

    def __init__(
        self, screen: Console, *, name: str, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._screen, self._name, self._clock = screen, name, clock
        self._begin = self._stage_begin = clock()
        self._seeds_begin: float | None = None
        self._stage_seed, self._seconds_a_seed = 0, 0.0
        self._stage: tuple[str, int | None] | None = None
        self._next_line = self._begin
        self._live = Live(console=screen, transient=True, auto_refresh=False)

    def __enter__(self) -> Self:
        if self._screen.is_terminal:
            self._live.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._live.stop()

    def __call__(self, progress: "BuildProgress") -> None:
        """Show how far the build is."""
        now = self._clock()
        is_new = (progress.stage.value, progress.seed) != self._stage
        if is_new:
            self._stage, self._stage_begin = (progress.stage.value, progress.seed), now
        if progress.seed is not None and self._seeds_begin is None:
            self._seeds_begin = now
        line = self._line(progress, now)
        if self._screen.is_terminal:
            self._live.update(Text(line, no_wrap=True, overflow="ellipsis"), refresh=True)
        elif is_new or now >= self._next_line:
            self._next_line = now + SECONDS_BETWEEN_LINES
            self._screen.print(line, markup=False, highlight=False, soft_wrap=True)

    def _line(self, progress: "BuildProgress", now: float) -> str:
        """`ck8x8, seed 2 (2 of 3): routing, 12 of 34 connections; 1:20 spent, about 0:30 left`."""
        seed = ""
        if progress.seed is not None:
            seed = f", seed {progress.seed} ({progress.num_seeds_done + 1} of {progress.num_seeds})"
        detail = f", {progress.detail}" if progress.detail else ""
        spent = duration(now - self._begin)
        left = self._left(progress, now)
        return f"{self._name}{seed}: {progress.stage}{detail}; {spent} spent{left}"

    def _left(self, progress: "BuildProgress", now: float) -> str:
        """What is left: of all seeds by those that have ended, of a stage by its share."""
        if progress.num_seeds_done and self._seeds_begin is not None and progress.seed is not None:
            if self._stage_seed != progress.num_seeds_done:
                self._stage_seed = progress.num_seeds_done
                self._seconds_a_seed = (now - self._seeds_begin) / progress.num_seeds_done
            due = self._seeds_begin + self._seconds_a_seed * progress.num_seeds
            return f", about {duration(max(0.0, due - now))} left"
        if progress.share:
            seconds = (now - self._stage_begin) * (1 / progress.share - 1)
            return f", about {duration(seconds)} left of {progress.stage}"
        return ""
