"""Folders for temporary files that are gone in the end, after SIGKILL too.

All lie in one folder of the user (`naas-UID` in the folder for temporary files), each locked by the
process that uses it. A process that is killed leaves its folder and loses the lock; whoever next
needs a temporary folder removes the folders that nobody has locked.
"""

import fcntl
import os
import shutil
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from naas_hw.core.errors import InputError

_ATTEMPTS: Final = 20


@contextmanager
def temporary_folder(prefix: str = "") -> Iterator[Path]:
    """An empty folder of one's own that is gone afterwards.

    Raises
    ------
    InputError : there is no place for it.
    """
    try:
        folder, lock = _made(prefix)
    except OSError as error:
        raise InputError(
            "the folder for temporary files cannot be written: "
            f"{(error.strerror or str(error)).lower()} (TMPDIR names another folder)"
        ) from error
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        os.close(lock)
        with suppress(OSError):
            os.rmdir(folder.parent)  # fails where another one is used


def _made(prefix: str) -> tuple[Path, int]:
    """A new folder and its lock; those of processes that were killed are removed first."""
    for attempt in range(_ATTEMPTS):
        home = _home()
        try:
            home_lock = _lock(home, wait=True)
        except FileNotFoundError:  # its last user has removed it meanwhile
            continue
        try:
            _sweep(home)
            folder = Path(tempfile.mkdtemp(prefix=prefix, dir=home))
            lock = _lock(folder, wait=False)
            assert lock is not None  # nobody sweeps while the home is locked
            return folder, lock
        except FileNotFoundError:
            if attempt == _ATTEMPTS - 1:
                raise
        finally:
            assert home_lock is not None
            os.close(home_lock)
    raise FileNotFoundError(tempfile.gettempdir())


def remove_abandoned() -> None:
    """Remove the temporary folders of processes that have been killed."""
    home = Path(tempfile.gettempdir()) / f"naas-{os.getuid()}"
    with suppress(OSError):
        lock = _lock(home, wait=True)
        assert lock is not None
        try:
            _sweep(home)
            os.rmdir(home)  # fails where a folder is used
        finally:
            os.close(lock)


def _home() -> Path:
    """The folder of this user; one that somebody else has put there is refused."""
    home = Path(tempfile.gettempdir()) / f"naas-{os.getuid()}"
    with suppress(FileExistsError):
        os.mkdir(home, 0o700)
    with suppress(FileNotFoundError):
        status = os.lstat(home)
        if not stat.S_ISDIR(status.st_mode) or status.st_uid != os.getuid():
            raise InputError(f"{home} must be a folder that belongs to this user")
    return home


def _sweep(home: Path) -> None:
    """Remove the folders that no process has locked."""
    for folder in home.iterdir():
        with suppress(OSError):
            lock = _lock(folder, wait=False)
            if lock is not None:
                shutil.rmtree(folder, ignore_errors=True)
                os.close(lock)


def _lock(folder: Path, *, wait: bool) -> int | None:
    """Lock a folder until the handle is closed; None where another process has it."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
    except OSError as error:
        os.close(handle)
        if isinstance(error, BlockingIOError):
            return None
        raise
    return handle
