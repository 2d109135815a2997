"""The one way in which naas writes files: all of them, whole, or none.

Each is written beside its place under a random name, then renamed. Only a regular file is replaced:
no device, no FIFO, no folder and no link, neither the link nor what it points to.
"""

import os
import re
import secrets
import stat
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Final

from naas_hw.core.errors import InputError
from naas_hw.system.text import printable

_UNFINISHED: Final = re.compile(r"\.naas-[0-9a-f]{16}\.part")
_KINDS: Final = (
    (stat.S_ISLNK, "a link"),
    (stat.S_ISDIR, "a folder"),
    (stat.S_ISFIFO, "a FIFO"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
    (stat.S_ISSOCK, "a socket"),
)

Content = str | bytes


def write_file(path: str | Path, content: Content) -> None:
    """Write a file, whole or not at all; text as UTF-8.

    Raises
    ------
    InputError : something is there that is no regular file, or the place cannot be written.
    """
    path = Path(path)
    if not path.name:
        raise _refused(path, "is a folder")
    try:
        os.stat(path.parent)
    except (OSError, ValueError) as error:
        raise _refused(path, getattr(error, "strerror", None) or str(error)) from error
    write_files(path.parent, {path.name: content})


def write_files(folder: Path, files: Mapping[str, Content]) -> None:
    """Write files below a folder, all of them or none; folders between are made.

    Parameters
    ----------
    folder : is made where it does not exist.
    files : path relative to the folder -> content; text as UTF-8.

    Raises
    ------
    InputError : something is there that is no regular file, a folder between is a link, or the
        place cannot be written.
    """
    made: list[Path] = []
    aside: dict[Path, Path] = {}
    path = folder
    try:
        for name, content in files.items():
            path = folder / name
            _make_folders(path.parent, below=folder, made=made)
            check_replaceable(path)
            aside[path] = path.with_name(f".naas-{secrets.token_hex(8)}.part")
            _write_new(aside[path], content)
        for path, written in aside.items():
            os.replace(written, path)
        made.clear()
    except InputError:
        raise
    except (OSError, ValueError) as error:
        raise _refused(path, getattr(error, "strerror", None) or str(error)) from error
    finally:
        for written in aside.values():
            with suppress(OSError):
                os.unlink(written)
        for path in reversed(made):
            with suppress(OSError):
                os.rmdir(path)


def check_replaceable(path: Path) -> None:
    """Refuse a place where something is that is no regular file.

    Raises
    ------
    InputError : says what is there.
    """
    try:
        mode = os.lstat(path).st_mode
    except FileNotFoundError:
        return
    if not stat.S_ISREG(mode):
        raise InputError(f"{_shown(path)} must be a regular file or not exist, not {kind_of(mode)}")


def check_regular(path: Path) -> None:
    """Refuse to read what is there and is no regular file, nor a link to one.

    Raises
    ------
    InputError : says what is there.
    """
    with suppress(FileNotFoundError):
        mode = os.stat(path).st_mode
        if not stat.S_ISREG(mode):
            raise InputError(f"{_shown(path)}: must be a regular file, not {kind_of(mode)}")


def kind_of(mode: int) -> str:
    """What stands at a place, by its mode, in words."""
    return next((name for is_kind, name in _KINDS if is_kind(mode)), "a file")


def check_folders(folder: Path, *, below: Path) -> None:
    """Refuse folders between `below` and `folder`, that included, which are links or no folders.

    Raises
    ------
    InputError : says which.
    """
    for path in reversed([folder, *folder.parents]):
        if path == below or below not in path.parents:
            continue
        try:
            mode = os.lstat(path).st_mode
        except FileNotFoundError:
            return
        if not stat.S_ISDIR(mode):
            raise InputError(f"{_shown(path)} must be a folder or not exist, not {kind_of(mode)}")


def remove_unfinished(folder: Path) -> None:
    """Remove what a writer that was killed left in a folder, which nobody else may write to."""
    for path in folder.iterdir():
        if is_unfinished(path.name) and stat.S_ISREG(os.lstat(path).st_mode):
            path.unlink()


def is_unfinished(name: str) -> bool:
    """Whether a file has the name of one that is not whole yet."""
    return _UNFINISHED.fullmatch(name) is not None


def _make_folders(folder: Path, *, below: Path, made: list[Path]) -> None:
    check_folders(folder, below=below)
    missing = [path for path in (folder, *folder.parents) if not path.exists()]
    for path in reversed(missing):
        path.mkdir()
        made.append(path)


def _write_new(path: Path, content: Content) -> None:
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    data = content.encode() if isinstance(content, str) else content
    with os.fdopen(os.open(path, flags, 0o666), "wb") as stream:
        stream.write(data)
        stream.flush()
        os.fsync(stream.fileno())


def _refused(path: Path, reason: str) -> InputError:
    return InputError(f"cannot write {_shown(path)}: {reason.lower()}")


def _shown(path: str | Path) -> str:
    return printable(str(path))


# ---------------------------------------------------------------------------------------- reading


def _unreadable(path: str | Path, error: OSError) -> InputError:
    return InputError(f"cannot read {_shown(path)}: {(error.strerror or str(error)).lower()}")


def read_file(path: str | Path, *, max_bytes: int) -> bytes:
    """The content of a regular file, or of one that a link leads to.

    Raises
    ------
    InputError : it is missing, no regular file (a device might never end), or too large.
    """
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        raise _unreadable(path, error) from error
    except ValueError as error:  # a NUL in the path
        raise InputError(f"{_shown(path)!r} must be a path: {error}") from error
    try:
        status = os.fstat(handle)
        if not stat.S_ISREG(status.st_mode):
            raise InputError(
                f"{_shown(path)}: must be a regular file, not {kind_of(status.st_mode)}"
            )
        if status.st_size > max_bytes:
            raise InputError(
                f"{_shown(path)}: must have at most {max_bytes} bytes, not {status.st_size}"
            )
        with os.fdopen(handle, "rb", closefd=False) as stream:
            return stream.read(max_bytes)
    except OSError as error:
        raise _unreadable(path, error) from error
    finally:
        os.close(handle)
