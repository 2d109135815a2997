"""An executor of worker processes that outlives them: one that dies costs its task a retry.

`ProcessPoolExecutor` breaks as a whole when one process dies, cannot say whose task it was, leaves
its processes behind when the starter is killed, and has each of them run the starter's main module
again. Here each process has a socket of its own and one call at a time.
"""

import json
import os
import pickle
import signal
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import contextmanager
from multiprocessing.connection import Pipe
from queue import SimpleQueue
from threading import Lock
from typing import Any, Final, ParamSpec, TypeVar

from naas_hw.core.errors import InputError, WorkerError
from naas_hw.system.processes import RunningProgram
from naas_hw.system.temporary import remove_abandoned

MAX_ATTEMPTS: Final = 3
"""Workers that may die of one task before it is given up."""

_BOOT: Final = (
    "import json, sys; sys.path[:] = json.loads(sys.argv[3]); "
    "from naas_hw.parallel.worker import main; main(int(sys.argv[1]), sys.argv[2])"
)

P = ParamSpec("P")
R = TypeVar("R")


def num_cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0))


@contextmanager
def worker_pool(num_processes: int, *, preload: str) -> Iterator[Executor | None]:
    """An executor of so many processes; None, which means this process, for one.

    At the end, and on the way out of an error or Ctrl-C, the processes end at once, and the
    temporary folders of those that were stopped in the middle are removed.

    Parameters
    ----------
    preload : as of `WorkerPool`.

    Raises
    ------
    InputError : a number below 1.
    """
    if num_processes == 1:
        yield None
        return
    pool = WorkerPool(num_processes, preload=preload)
    try:
        yield pool
    finally:
        pool.stop()
        remove_abandoned()


class WorkerPool(Executor):
    """Processes of this Python, each with one call at a time; started at once.

    A call whose worker dies (killed, out of memory, os._exit) is made again in a new one, at most
    MAX_ATTEMPTS times in all; then its future raises `WorkerError`. Other calls notice nothing.
    Workers are deaf to Ctrl-C, and end when this process does, however it ends. Functions,
    arguments and results are pickled.

    Parameters
    ----------
    num_processes : at least 1.
    preload : a module that a worker imports at its start, before the first call is there.

    Raises
    ------
    InputError : fewer than one process.
    """

    def __init__(self, num_processes: int, *, preload: str = "") -> None:
        if num_processes < 1:
            raise InputError(f"processes must be at least 1, not {num_processes}")
        self._threads = ThreadPoolExecutor(num_processes, thread_name_prefix="worker")
        self._workers = [_Worker(preload) for _ in range(num_processes)]
        self._idle: SimpleQueue[_Worker] = SimpleQueue()
        for worker in self._workers:
            self._idle.put(worker)

    @property
    def process_ids(self) -> tuple[int, ...]:
        """Of the workers of now."""
        return tuple(worker.process.pid for worker in self._workers)

    def submit(self, fn: Callable[P, R], /, *args: P.args, **kwargs: P.kwargs) -> Future[R]:
        """Have a worker call `fn`."""
        return self._threads.submit(self._call, fn, args, kwargs)

    def _call(self, function: Callable[..., R], args: Any, kwargs: Any) -> R:
        call = pickle.dumps((function, args, kwargs), pickle.HIGHEST_PROTOCOL)
        worker = self._idle.get()  # there are as many as threads
        try:
            succeeded, value = worker.call(call)
        finally:
            self._idle.put(worker)
        if succeeded:
            result: R = value
            return result
        raise value

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Take no more calls; with `wait`, return when those taken have ended, and the workers."""
        self._threads.shutdown(wait=wait, cancel_futures=cancel_futures)
        if wait:
            self.stop()

    def stop(self) -> None:
        """End all workers at once; what they were doing is lost, and what waits is cancelled."""
        self._threads.shutdown(wait=False, cancel_futures=True)
        for worker in self._workers:
            worker.kill()
        self._threads.shutdown(wait=True)
        for worker in self._workers:
            worker.close()


class _Worker:
    """A process and the socket to it; another process takes the place of one that died."""

    def __init__(self, preload: str) -> None:
        self._preload = preload
        self._lock = Lock()  # of starting and killing
        self._is_killed = False
        self._start()

    def _start(self) -> None:
        self._connection, theirs = Pipe()
        with theirs:
            self.process = _start_process(theirs.fileno(), self._preload)

    def call(self, call: bytes) -> tuple[bool, Any]:
        """(succeeded, result or exception) of a pickled call."""
        if self._connection.poll():  # at its end: it died of no call
            self._restart()
        for _ in range(MAX_ATTEMPTS):
            try:
                self._connection.send_bytes(call)
                answer = self._connection.recv_bytes()
            except (EOFError, OSError):
                ending = self._restart()
                continue
            succeeded, value = pickle.loads(answer)
            return succeeded, value
        raise WorkerError(
            f"worker ended {MAX_ATTEMPTS} times while running one task ({ending}); "
            "try fewer processes"
        )

    def _restart(self) -> str:
        """Start a process where one has ended; says how that ended."""
        with self._lock:
            if self._is_killed:
                raise WorkerError("the worker pool was closed while it ran a task")
            ending = _ending(self.process.end())  # if all that ended was the connection
            self._connection.close()
            self._start()
            return ending

    def kill(self) -> None:
        """End the process; a call that waits for it raises."""
        with self._lock:
            self._is_killed = True
            self.process.kill()

    def close(self) -> None:
        """Give back what a killed process leaves."""
        self.process.end()
        self._connection.close()


def _start_process(handle: int, preload: str) -> RunningProgram:
    """A worker at the other end of this socket, which never hears of Ctrl-C."""
    return RunningProgram(
        [sys.executable, "-c", _BOOT, str(handle), preload, json.dumps(sys.path)],
        environment={"OPENBLAS_NUM_THREADS": "1", **os.environ},  # a worker is one core's work
        handles=(handle,),
        blocked_signals={signal.SIGINT},
    )


def _ending(return_code: int) -> str:
    if return_code >= 0:
        return f"the last with exit status {return_code}"
    return f"the last by {signal.Signals(-return_code).name}"
