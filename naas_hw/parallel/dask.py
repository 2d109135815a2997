"""Workers of a Dask cluster as an executor; the only file that knows Dask.

Whoever speaks for the scheduler sees every task, and can have workers and clients unpickle, hence
run, what it likes: a scheduler has to be trusted as one's own shell is.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Executor, Future
from contextlib import contextmanager
from importlib import metadata
from typing import Any, Final, ParamSpec, TypeVar

from naas_hw.core.errors import InputError, ToolError, WorkerError

CONNECT_SECONDS: Final = 10

P = ParamSpec("P")
R = TypeVar("R")


@contextmanager
def dask_executor(address: str, *, packages: Sequence[str] = ()) -> Iterator[Executor]:
    """The workers of the scheduler at this address (`tcp://host:port`), until the `with` ends.

    The scheduler gives a task whose worker died to another, as often as it was told to
    (`distributed.scheduler.allowed-failures`, 3).

    Parameters
    ----------
    packages : distributions that must have the same version on workers as here.

    Raises
    ------
    ToolError : distributed is not installed.
    InputError : no scheduler answers there.
    """
    try:
        from distributed import Client
        from distributed.comm.addressing import get_address_host_port
    except ImportError as error:
        raise ToolError(
            "Dask needs the Python package distributed: pip install 'naas_hw[dask]'"
        ) from error
    try:
        get_address_host_port(address)  # what Client says of a wrong one, it says too late
        client = Client(address, timeout=CONNECT_SECONDS, set_as_default=False)
    except (OSError, ValueError, TypeError) as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        raise InputError(f"no Dask scheduler answers at {address!r}: {reason}") from error
    with client:
        versions = {name: metadata.version(name) for name in packages}
        yield _DaskExecutor(client.get_executor(pure=False), versions)


class _DaskExecutor(Executor):
    """Has workers check their versions first, and says in our words that one was lost."""

    def __init__(self, executor: Executor, versions: Mapping[str, str]) -> None:
        self._executor, self._versions = executor, versions

    def submit(self, fn: Callable[P, R], /, *args: P.args, **kwargs: P.kwargs) -> Future[R]:
        inner = self._executor.submit(call_with_versions, self._versions, fn, args, kwargs)
        outer: Future[R] = Future()
        inner.add_done_callback(lambda done: _pass_on(done, outer))
        outer.add_done_callback(lambda done: done.cancelled() and inner.cancel())
        return outer

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        self._executor.shutdown(wait=wait and not cancel_futures)


def _pass_on(inner: Future[Any], outer: Future[Any]) -> None:
    if not outer.set_running_or_notify_cancel():
        return
    if inner.cancelled():
        outer.set_exception(WorkerError("the Dask scheduler gave it up, or was lost"))
    elif error := inner.exception():
        outer.set_exception(_ours(error))
    else:
        outer.set_result(inner.result())


def _ours(error: BaseException) -> BaseException:
    from distributed import KilledWorker

    if isinstance(error, KilledWorker):
        return WorkerError("every Dask worker that was given it died")
    return error


def call_with_versions(
    versions: Mapping[str, str], function: Callable[..., R], args: Any, kwargs: Any
) -> R:
    """What a worker runs: the function, if this machine would give the same result."""
    for name, version in versions.items():
        if (installed := metadata.version(name)) != version:
            raise InputError(f"a Dask worker must have {name} {version}, not {installed}")
    return function(*args, **kwargs)
