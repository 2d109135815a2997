"""Tasks in any executor: what is submitted, and results in order.

A task is a function and arguments that can be pickled, and its result depends on nothing else: so
it does not matter where it runs, when, or how often.
"""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import BrokenExecutor, CancelledError, Executor, Future
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from naas_hw.core.errors import WorkerError

R = TypeVar("R")
Pending = Callable[[], R]
"""Call it for the result."""


@dataclass(frozen=True, kw_only=True)
class Task(Generic[R]):
    """Something to be computed.

    Parameters
    ----------
    name : what an error calls it.
    function : of the top level of a module, so that another process finds it.
    arguments : its positional arguments.
    """

    name: str
    function: Callable[..., R]
    arguments: tuple[Any, ...]


def submit(executor: Executor | None, task: Task[R]) -> Pending[R]:
    """Start a task; call what comes back for its result. Without executor it runs then.

    Raises
    ------
    WorkerError : (from the call) its worker, or the executor as a whole, came to an end.
    """
    if executor is None:
        return lambda: task.function(*task.arguments)
    try:
        future = executor.submit(task.function, *task.arguments)
    except BrokenExecutor as error:
        raise _lost(task, error) from error
    return lambda: _result(task, future)


def run_tasks(executor: Executor | None, tasks: Sequence[Task[R]]) -> Iterator[R]:
    """Results in the order of the tasks, which start in that order.

    All are submitted before this returns. What has not begun is cancelled if the iterator is
    closed before its end, or a task raises.

    Raises
    ------
    WorkerError : as of `submit`.
    """
    if executor is None:
        return (task.function(*task.arguments) for task in tasks)
    futures: list[Future[R]] = []
    try:
        for task in tasks:
            futures.append(executor.submit(task.function, *task.arguments))
    except BrokenExecutor as error:
        raise _lost(task, error) from error
    return _results(tasks, futures)


def _results(tasks: Sequence[Task[R]], futures: Sequence[Future[R]]) -> Iterator[R]:
    try:
        for task, future in zip(tasks, futures, strict=True):
            yield _result(task, future)
    finally:
        for future in futures:
            future.cancel()


def _result(task: Task[R], future: Future[R]) -> R:
    try:
        return future.result()
    except (WorkerError, BrokenExecutor, CancelledError) as error:
        raise _lost(task, error) from error


def _lost(task: Task[R], error: BaseException) -> WorkerError:
    reason = str(error) or "it was cancelled"
    return WorkerError(f"{task.name}: {reason}")
