"""What a worker process runs: calls come in over a socket, in order, and answers go back.

A worker ends when its starter does, whatever ended that, and whatever the worker is doing: a thread
of its own reads the socket, and the end of the stream is the end of the process.
"""

import importlib
import os
import pickle
import traceback
from multiprocessing.connection import Connection
from queue import SimpleQueue
from threading import Thread
from typing import Any, Final

MAX_NOTE: Final = 10_000
"""Characters of a worker's traceback that travel with an error."""


def main(handle: int, preload: str) -> None:
    """Answer calls that come over the open socket of this number, until it is closed.

    Module `preload` is imported before the first of them has come; none if empty.
    """
    connection: Connection[Any, Any] = Connection(handle)
    calls: SimpleQueue[bytes] = SimpleQueue()
    Thread(target=_receive, args=(connection, calls), daemon=True).start()
    if preload:
        importlib.import_module(preload)
    while True:
        answer = _answer(calls.get())
        try:
            connection.send_bytes(answer)
        except OSError:  # nobody waits any more
            os._exit(0)


def _receive(connection: "Connection[Any, Any]", calls: "SimpleQueue[bytes]") -> None:
    try:
        while True:
            calls.put(connection.recv_bytes())
    except (EOFError, OSError):
        os._exit(0)


def _answer(call: bytes) -> bytes:
    """The pickled pair (succeeded, result or exception)."""
    try:
        function, args, kwargs = pickle.loads(call)
        return pickle.dumps((True, function(*args, **kwargs)), pickle.HIGHEST_PROTOCOL)
    except BaseException as error:  # KeyboardInterrupt and SystemExit too: the starter decides
        return _failure(error)


def _failure(error: BaseException) -> bytes:
    """The error itself, with the traceback as a note; its text where it cannot be pickled."""
    error.add_note("".join(traceback.format_exception(error))[-MAX_NOTE:])
    try:
        pickled = pickle.dumps((False, error), pickle.HIGHEST_PROTOCOL)
        if str(pickle.loads(pickled)[1]) == str(error):
            return pickled
    except Exception:
        pass
    return pickle.dumps((False, RuntimeError(f"{type(error).__name__}: {error}")))
