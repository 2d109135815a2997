"""Numbered steps of a command: a line for each, with the seconds that it took."""

import time
from collections.abc import Callable
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.status import Status


class StepLines:
    """Prints each step when it begins and when it ends, and the context in which they are.

    On a terminal the step that goes on has a moving sign.

    Parameters
    ----------
    screen : where the lines go.
    num_steps : how many steps there are; fewer may come.
    clock : gives seconds.

    Attributes
    ----------
    seconds : name of a step -> its seconds, of those that have ended.
    """

    def __init__(
        self, screen: Console, *, num_steps: int, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.seconds: dict[str, float] = {}
        self._screen, self._num_steps, self._clock = screen, num_steps, clock
        self._name, self._begin = "", clock()
        self._status = Status("", console=screen)

    def __enter__(self) -> Self:
        if self._screen.is_terminal:
            self._status.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._status.stop()
        if error is None:
            self.end()

    def begin(self, name: str, number: int, sentence: str) -> None:
        """End the step before, and begin one."""
        self.end()
        self._name, self._begin = name, self._clock()
        self._screen.print(f"[{number}/{self._num_steps}] {sentence}", markup=False)
        self._status.update(f"{name} ...")

    def part(self, text: str) -> None:
        """Say which part of the step goes on: on a terminal while it lasts, elsewhere in a line."""
        if self._screen.is_terminal:
            self._status.update(f"{self._name}: {text}")
        else:
            self._screen.print(f"      {text}", markup=False)

    def end(self) -> None:
        """End the step."""
        if self._name:
            self.seconds[self._name] = self._clock() - self._begin
            self._screen.print(f"      done in {self.seconds[self._name]:.1f} s", markup=False)
            self._name = ""
