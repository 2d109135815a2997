"""What is to be written, as a value: path -> content. Writing comes last, all or nothing."""

import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Final

from naas_hw.system.files import write_files

_PART: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.\-]{0,99}")


@dataclass(frozen=True)
class FilePlan:
    """Files to be written below one folder; frozen, hashable, in the order of their paths.

    Parameters
    ----------
    files : (path, content) pairs; see `of` for the usual way to make one. Paths are relative,
        with `/`, each part of letters, digits, `_`, `.`, `-`. Text is written as UTF-8.

    Raises
    ------
    ValueError : a path that is not of that form, stands twice, or is also a folder of another.
    """

    files: tuple[tuple[str, str | bytes], ...] = ()

    def __post_init__(self) -> None:
        paths = [path for path, _ in self.files]
        for path in paths:
            _check(path)
        for path in paths:
            if paths.count(path) > 1:
                raise ValueError(f"a path must stand once in a plan, not twice: {path}")
        folders = {str(parent) for path in paths for parent in PurePosixPath(path).parents}
        for path in paths:
            if path in folders:
                raise ValueError(f"a path must be a file or a folder, not both: {path}")
        object.__setattr__(self, "files", tuple(sorted(self.files)))

    @classmethod
    def of(cls, files: Mapping[str, str | bytes], *, folder: str = "") -> "FilePlan":
        """A plan from a mapping, below `folder` where one is given."""
        start = f"{folder}/" if folder else ""
        return cls(tuple((start + path, content) for path, content in files.items()))

    def __or__(self, other: "FilePlan") -> "FilePlan":
        """The files of both; a path may stand in one of them only."""
        return FilePlan(self.files + other.files)

    def __iter__(self) -> Iterator[str]:
        """The paths."""
        return (path for path, _ in self.files)

    def __len__(self) -> int:
        return len(self.files)

    def __getitem__(self, path: str) -> str | bytes:
        """Content of a path; KeyError where the plan has no such path."""
        return dict(self.files)[path]

    @property
    def digest(self) -> str:
        """SHA-256 of all paths and contents, 64 hexadecimal digits."""
        whole = hashlib.sha256()
        for path, content in self.files:
            data = _as_bytes(content)
            whole.update(f"{path}\0{len(data)}\0".encode())
            whole.update(data)
        return whole.hexdigest()

    def write(self, folder: Path) -> None:
        """Write all files below `folder`, which need not exist.

        Everything is written beside its place first and renamed last, so that a full disk or a
        refused folder leaves nothing half-written. Other files in the folder stay.

        Raises
        ------
        InputError : a file cannot be written, or something stands there that is no regular file.
        """
        write_files(folder, dict(self.files))


def _check(path: str) -> None:
    parts = path.split("/")
    if not all(_PART.fullmatch(part) for part in parts):
        raise ValueError(
            "a path must be relative, of letters, digits, '_', '.', '-' and '/', no part starting "
            f"with '.' or '-', not {path!r}"
        )


def _as_bytes(content: str | bytes) -> bytes:
    return content.encode() if isinstance(content, str) else content
