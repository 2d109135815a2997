"""Random cases in groups that share their hardware: their numbers are checked, and they are run."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, as_completed
from typing import TypeVar

from naas_hw.core.errors import InputError
from naas_hw.search.processes import worker_processes

Group = TypeVar("Group")
Conditions = TypeVar("Conditions")
Result = TypeVar("Result")


def check_draw(num_cases: int, seed: int, *, most: int) -> None:
    """Raise an InputError where so many cases cannot be drawn, or not with this seed."""
    if not 1 <= num_cases <= most:
        raise InputError(f"cases must be 1 to {most}, not {num_cases}")
    if not 0 <= seed < 1 << 63:
        raise InputError(f"seed must be 0 to 2**63 - 1, not {seed}")


def run_groups(
    run_group: Callable[[Group, Conditions], list[Result]],
    groups: Sequence[Group],
    conditions: Conditions,
    num_processes: int,
) -> Iterator[list[Result]]:
    """The results of each group, in the order in which groups end.

    Parameters
    ----------
    run_group : a function of a module, which runs in a worker if there are several processes.
    """
    with worker_processes(min(num_processes, len(groups))) as executor:
        if executor is None:
            for group in groups:
                yield run_group(group, conditions)
            return
        futures: list[Future[list[Result]]] = [
            executor.submit(run_group, group, conditions) for group in groups
        ]
        for future in as_completed(futures):
            yield future.result()
