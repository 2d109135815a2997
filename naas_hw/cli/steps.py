"""Numbered steps of a command: a line for each, with the seconds that it took."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.status import Status


def say_part(screen: Console, status: Status, text: str) -> None:
    """Say what goes on: on a terminal while it lasts, elsewhere in a line."""
    if screen.is_terminal:
        status.update(text)
    else:
        screen.print(text, markup=False)


@contextmanager
def step_lines(
    screen: Console, *, num_steps: int, clock: Callable[[], float] = time.monotonic
) -> Iterator["StepLines"]:
    """Steps that are shown until the `with` ends; the last one ends with it, if without an error.

    Parameters
    ----------
    screen : where the lines go; a terminal has a moving sign, too.
    num_steps : how many steps there are; fewer may come.
    clock : gives seconds.
    """
    with Status("", console=screen) as status:
        lines = StepLines(screen, status, num_steps, clock)
        yield lines
    lines.end()


class StepLines:
    """Prints each step when it begins and when it ends.

    Attributes
    ----------
    seconds : name of a step -> its seconds, of those that have ended.
    """

    def __init__(
        self, screen: Console, status: Status, num_steps: int, clock: Callable[[], float]
    ) -> None:
        self.seconds: dict[str, float] = {}
        self._screen, self._status = screen, status
        self._num_steps, self._clock = num_steps, clock
        self._name, self._begin = "", clock()

    def begin(self, name: str, number: int, sentence: str) -> None:
        """End the step before, and begin one."""
        self.end()
        self._name, self._begin = name, self._clock()
        self._screen.print(f"[{number}/{self._num_steps}] {sentence}", markup=False)
        self._status.update(f"{name} ...")

    def part(self, text: str) -> None:
        """Say which part of the step goes on."""
        say_part(self._screen, self._status, f"{self._name}: {text}")

    def end(self) -> None:
        """End the step."""
        if self._name:
            self.seconds[self._name] = self._clock() - self._begin
            self._screen.print(f"      done in {self.seconds[self._name]:.1f} s", markup=False)
            self._name = ""
